-- What kubeadm does to nodes: hashes, configurations, probes and how their answers are read.
require "kubeadm"
local certificate = require "kubeadm/certificate"
local config = require "kubeadm/config"

-- The hashes come from: openssl x509 -pubkey -noout | openssl pkey -pubin -outform DER | sha256sum
local EC = [[
-----BEGIN CERTIFICATE-----
MIIBgjCCASegAwIBAgIUJPLdkREfOHExd4sWV5JbybGW9j4wCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKa3ViZXJuZXRlczAgFw0yNjExMjcxMjM2NDNaGA8yMTI2MTEw
MzEyMzY0M1owFTETMBEGA1UEAwwKa3ViZXJuZXRlczBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABBpaqmaqxnNIy3u37Ee+6lXMR3DJRdEkO8qyDrt2qPjPZ3RB29yv
4qq9TSzt4s/UYpPfw/V4RxdJdbys6yK5hPijUzBRMB0GA1UdDgQWBBQogrXXIAV6
s0VAcBtrijiRzLiQ8jAfBgNVHSMEGDAWgBQogrXXIAV6s0VAcBtrijiRzLiQ8jAP
BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQDuDW8zXsKOMO2TOdgB
wlcDwvxB224pg9fqrw51DnnEzgIhAK3yQKtvT4iUK7uDJsAxSTds0AaeO3QapJCW
LYSDRzFY
-----END CERTIFICATE-----
]]
local RSA = [[
-----BEGIN CERTIFICATE-----
MIIDDTCCAfWgAwIBAgIURRK+3/97emPavt/fqG2eWvGdoJcwDQYJKoZIhvcNAQEL
BQAwFTETMBEGA1UEAwwKa3ViZXJuZXRlczAgFw0yNjExMjcxMjM2NDNaGA8yMTI2
MTEwMzEyMzY0M1owFTETMBEGA1UEAwwKa3ViZXJuZXRlczCCASIwDQYJKoZIhvcN
AQEBBQADggEPADCCAQoCggEBAPH5b94mSO3HQs516HnIfgQnQVWItRChQpti1kkz
1jW8kixrrZp74iJ1+6jsxIKgpVqSdjEbgXA7t5eYBTBBfVUut6LQehujXiz/jIGW
4//oeaTFJRFK/e9no5BkFtfMZXpnVUEeDU46asR+35ajImrYjvvBxcigu2kl+7bK
SbTFVfM4DDVTdOFB7zokFt0QRHV46vJXvuoeOBdrCss00CKYDo6EJf09LhK+5n0W
ZSdWyZSrNUCEo+Z9MTf6gXCQGiq4dReeIR1jgVbxEsftnHJgUAzzbWQF70hmCLPz
JT86efdKijSBliwyimWSXMnurort3S1U0vD2//hTtpM8xEcCAwEAAaNTMFEwHQYD
VR0OBBYEFH0+z6H0wIejbjmHbGB/JWNhykJ4MB8GA1UdIwQYMBaAFH0+z6H0wIej
bjmHbGB/JWNhykJ4MA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADggEB
AJXdPsKc6oDHlXIEXclZJ3glOcZxodMy5J5RObfUKeictrZ/WQtPg7LrAW6IlOus
Vh0v1RubZGckgBkfCHq+hBv3Y8bgQBU/qSlxpMziLGrrXCZPExubShwJXKTLrS41
pFu9GS76i41FTxWyOOjQt4174JIz0gfGcdBDlG6m5zTdiadDaOaMIRk+mT91ZH+H
kmJ7T8YNB9MqRcqAoiX4ibrqT1zOhEb4D/OT2VYAw7UdqrVDwE9j+KjKub7E0otk
6NrvKYBeUGz12TI7tFXCgeWhCAIte/jZbkOa1ky2KWnHt9LuhgldRdo7TDUdjPjE
crc50oy92Bm1Kwg3+eHh8gg=
-----END CERTIFICATE-----
]]
equal(certificate.ca_hash(EC), "sha256:e23f581684d6d2338ee65b365dd64415074c947eac2c59a8fae0ca24ae796b16")
equal(certificate.ca_hash(RSA), "sha256:7119503967670e10fa7ffd17513d6618a586db799104126bd00766fb1e1ee41e")
raises(function() certificate.ca_hash("no certificate") end, "not a PEM certificate")
raises(function() certificate.ca_hash("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n") end, "cut short")

-- Configuration files, in the version each release reads.
local inv = {
  name = "test",
  kubernetes = { version = "1.36.2", pod_cidr = "10.244.0.0/16", service_cidr = "10.96.0.0/12", cni = "calico" },
}
local node = { name = "n1", address = "192.0.2.11" }

local function init(minor, cni, options)
  inv.kubernetes.cni, inv.kubernetes.options = cni or "calico", options
  return config.init(inv, node, "192.0.2.11:6443", minor)
end

for minor, version in pairs { [20] = "v1beta2", [22] = "v1beta3", [30] = "v1beta3", [31] = "v1beta4", [37] = "v1beta4" } do
  local text = init(minor)
  check(text:find("apiVersion: kubeadm.k8s.io/" .. version .. "\n", 1, true), "1." .. minor .. " reads " .. version)
  check(not text:find("v1beta[^" .. version:sub(-1) .. "]\nkind: ClusterConfiguration"), "and nothing else")
  local _, documents = text:gsub("\nkind: ", "")
  equal(documents, 4)
end

-- Arguments are a map up to v1beta3, a list from v1beta4 on; the socket has a scheme from 1.24 on.
check(init(30):find('kubeletExtraArgs:\n    node%-ip: "?192%.0%.2%.11"?\n'), init(30))
check(init(31):find('kubeletExtraArgs:\n.-%- name: node%-ip\n.-value: "?192%.0%.2%.11"?\n'), init(31))
check(init(23):find('criSocket: "?/run/containerd'), init(23))
check(init(24):find('criSocket: "?unix:///run/containerd'), init(24))
check(init(31):find("cgroupDriver: systemd\n", 1, true))
check(init(31):find("failSwapOn: true\n", 1, true))
check(init(31, "bridge"):find("allocate%-node%-cidrs"), "the bridge network gives out the pod networks itself")
check(not init(31):find("allocate%-node%-cidrs"))
local lab = init(20, "bridge", { cgroup_driver = "cgroupfs", fail_swap_on = false, conntrack_limits = false })
check(lab:find("cgroupDriver: cgroupfs\n", 1, true) and lab:find("failSwapOn: false\n", 1, true) and lab:find("maxPerCore: 0\n", 1, true), lab)

-- What stands for a reference while YAML is written is nothing that somebody wrote himself.
for _, name in ipairs { "@REF1@", "a@@REF1@", "@@@REF2@ @REF1@" } do
  local text = config.join({ name = name, address = "192.0.2.11" }, "192.0.2.11:6443", 31, secret "abcdef.0123456789abcdef", secret "sha256:00")
  local tree = yaml.decode(core.reveal(text))
  equal(tree.nodeRegistration.name, name)
  equal(tree.discovery.bootstrapToken.token, "abcdef.0123456789abcdef")
  equal(tree.discovery.bootstrapToken.caCertHashes[1], "sha256:00")
end

local join = config.join(node, "192.0.2.11:6443", 31, "abcdef.0123456789abcdef", "sha256:00")
check(join:find("token: \"?abcdef%.0123456789abcdef") and join:find("%- \"?sha256:00"), join)
check(not join:find("@", 1, true), "nothing is left to fill in")

-- kubeadm_init
local wanted = { node = "n1", config = "kind: ClusterConfiguration\n" }
local probe = testing.probe("kubeadm_init", "test", wanted)
check(probe:find("::kubeconfig", 1, true), "what is not in the state yet is fetched")
probe = testing.probe("kubeadm_init", "test", wanted, { prior = { kubeconfig = "x", ca_hash = "sha256:0" } })
check(not probe:find("::kubeconfig", 1, true), "and only then")

equal(testing.read("kubeadm_init", "test", wanted, { out = "none\n" }), nil)
equal(testing.read("kubeadm_init", "test", wanted, { out = "partial\n" }).status, "partial")
local have = testing.read("kubeadm_init", "test", wanted, { out = "ok\n::kubeconfig\napiVersion: v1\n::ca\n" .. EC })
equal(have.status, "ok")
equal(have.ca_hash, certificate.ca_hash(EC))

local step = testing.apply("kubeadm_init", "test", wanted).script
check(step:find("kubeadm init --config", 1, true) and step:find("if [ 'none' = partial ]", 1, true), step)
check(step:find("::result\n.*cat /etc/kubernetes/admin.conf"), "the kubeconfig comes after the line that hides it")
step = testing.apply("kubeadm_init", "test", wanted, { have = { status = "down", node = "n1" } }).script
check(step:find("if [ 'down' = down ]", 1, true), "a cluster that does not answer is waited for, not made anew")

-- kubeadm_join
wanted = { node = "n2", config = "kind: JoinConfiguration\n" }
equal(testing.read("kubeadm_join", "test", wanted, { out = "none\n" }), nil)
equal(testing.read("kubeadm_join", "test", wanted, { out = "ok\n" }).status, "ok")
step = testing.apply("kubeadm_join", "test", wanted, { have = { status = "partial", node = "n2" } }).script
check(step:find("if [ 'partial' = partial ]", 1, true) and step:find("kubeadm reset -f", 1, true), step)

-- kube_node
local line = 'n2\t{"a":"1","tier":"work"}\t'
  .. '[{"effect":"NoSchedule","key":"x"},{"effect":"NoExecute","key":"node.kubernetes.io/unreachable"}]\t\tTrue\tv1.20.2\t192.0.2.12\n'
have = testing.read("kube_node", "n2", { labels = { tier = "work" } }, { out = line })
equal(have.labels, { tier = "work" }, "labels of others are not ours")
equal(have.taints, { "x:NoSchedule" }, "the control plane's own taints are not ours")
equal(have.ready, true)
equal(have.version, "v1.20.2")
have = testing.read("kube_node", "n2", {}, { out = 'n2\t{"a":"1"}\t\ttrue\tTrue\tv1\t\n' })
equal(have.ready, false, "cordoned is not ready")
equal(testing.read("kube_node", "n3", {}, { out = line }), nil)
equal(testing.read("kube_node", "n2", {}, { out = "", status = 1 }), nil, "no API server")

step = testing.apply("kube_node", "n2", { labels = { tier = "play" }, taints = {} },
  { have = { labels = { tier = "work" }, taints = { "x=y:NoSchedule" } }, prior = { labels = { tier = "work", old = "1" } } }).script
check(step:find("label --overwrite node 'n2' 'tier=play' 'old-'", 1, true), step)
check(step:find("taint --overwrite node 'n2' 'x:NoSchedule-'", 1, true), step)

-- container_image
have = testing.read("container_image", "k8s.gcr.io/pause:3.2", { archive = "/x.tar" }, { out = "k8s.gcr.io/pause:3.2\nother:1\n" })
equal(have.namespace, "k8s.io")
equal(testing.read("container_image", "k8s.gcr.io/pause:3.3", { archive = "/x.tar" }, { out = "k8s.gcr.io/pause:3.2\n" }), nil)

-- etcd_snapshot: etcdctl in etcd's own container, and the file's name is the result
local snapshot = testing.apply("etcd_snapshot", "before", { keep = 3, directory = "/srv/it's" }).script
check(snapshot:find("_keep='3'\n_dir='/srv/it'\\''s'\n", 1, true), snapshot)
check(snapshot:find('tasks exec --exec-id "slipway-$$" "$_id" etcdctl --endpoints=https://127.0.0.1:2379', 1, true), snapshot)
equal(testing.result("etcd_snapshot", "before", {}, { out = "/srv/etcd-1.db\n" }).path, "/srv/etcd-1.db")

-- kubeadm_token: the shell makes tokens of kubeadm's form
check(testing.apply("kubeadm_token", "join", {}).script:find("::result\necho \"$_token\"", 1, true), "the token is not shown")

-- kubeadm_certificates: a key of 32 bytes in hex, which no argument shows
step = testing.apply("kubeadm_certificates", "join", { api_version = "kubeadm.k8s.io/v1beta3" }).script
check(step:find("upload%-certs %-%-upload%-certs %-%-config") and step:find("::result\necho \"$_key\"", 1, true), step)
check(step:find("'kubeadm.k8s.io/v1beta3' \"$_key\"", 1, true), "the key goes by a file")

-- A further control plane joins with the key; another node does not have the part.
local plane = config.join(node, "192.0.2.1:6443", 24, "abcdef.0123456789abcdef", "sha256:00", "00ff")
check(plane:find('controlPlane:\n  certificateKey: "?00ff"?\n  localAPIEndpoint:\n    advertiseAddress: "?192%.0%.2%.11"?\n'), plane)
check(not join:find("controlPlane", 1, true), join)
