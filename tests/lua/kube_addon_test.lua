-- What add-ons declare for their options, from manifests of the shape of the real ones.
local function addon(name) return require("kube/addon/" .. name) end

--- The objects by "Kind name".
local function objects(name, options, manifest)
  local found, order = {}, {}
  for i, each in ipairs(addon(name).objects(options, manifest)) do
    local key = ("%s %s"):format(each.object.kind, each.object.metadata.name)
    check(not found[key], key .. " is declared twice")
    found[key], order[i] = each.object, key
  end
  return found, order
end

local function place(order, key)
  for i, each in ipairs(order) do
    if each == key then return i end
  end
  return nil
end

-- options in general

raises(function() objects("metallb", { addreses = {} }, "") end, "there is no option of the add%-on metallb 'addreses'")
raises(function() objects("metallb", { addresses = "192.0.2.1" }, "") end, "addresses: a list wanted, not a text")
raises(function() objects("metallb", { l2 = "yes" }, "") end, "l2: true or false wanted, not a text")
raises(function() objects("metallb", { version = 1.5 }, "") end, "version: a text wanted, not a number")
raises(function() objects("metallb", { pools = { { name = "a" } } }, "") end, "pools%[0%]: addresses is missing")
raises(function() objects("metallb", { pools = { "a" } }, "") end, "pools%[0%]: a map wanted")
raises(function() objects("metallb", { namespace = "other" }, "") end, "namespace")
raises(function() objects("nfs_provisioner", { path = "/srv" }) end, "server is missing")
raises(function() objects("nfs_provisioner", { server = "s", path = "/srv", url = "https://x" }) end, "url")
raises(function() objects("cert_manager", { solver = "dns" }, "") end, "there is no solver of add%-on cert%-manager 'dns'")
raises(function() addon("metallb")() end, "a map of options wanted")

-- metallb

local METALLB = [[
apiVersion: v1
kind: Namespace
metadata: { name: metallb-system, labels: { pod-security.kubernetes.io/enforce: privileged } }
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: bgppeers.metallb.io }
spec:
  group: metallb.io
  names: { kind: BGPPeer, plural: bgppeers }
  scope: Namespaced
  conversion:
    strategy: Webhook
    webhook: { conversionReviewVersions: [v1beta1], clientConfig: { caBundle: LS0t, service: { name: w, namespace: metallb-system } } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: controller, namespace: metallb-system }
spec: { selector: { matchLabels: { app: m } }, template: { metadata: { labels: { app: m } }, spec: { containers: [{ name: c, image: c }] } } }
]]

local found, order = objects("metallb", {
  addresses = { "192.0.2.10-192.0.2.20", "198.51.100.0/28", "2001:db8::/124" },
  pools = { { name = "extra", addresses = { "203.0.113.7/32" }, auto_assign = false } },
  interfaces = { "eth0" }, bgp = { my_asn = 64500, peers = { { address = "192.0.2.1", asn = 64501, password = secret "p" } } },
}, METALLB)
equal(found["CustomResourceDefinition bgppeers.metallb.io"].spec.conversion.webhook.clientConfig.caBundle, nil, "the controller's to fill in")
equal(found["Namespace metallb-system"].metadata.labels["pod-security.kubernetes.io/enforce"], "privileged")
equal(found["IPAddressPool default"].spec, { addresses = { "192.0.2.10-192.0.2.20", "198.51.100.0/28", "2001:db8::/124" } })
equal(found["IPAddressPool default"].apiVersion, "metallb.io/v1beta1")
equal(found["IPAddressPool extra"].spec, { addresses = { "203.0.113.7/32" }, autoAssign = false })
equal(found["L2Advertisement default"].spec, { ipAddressPools = { "default", "extra" }, interfaces = { "eth0" } })
equal(found["BGPPeer peer-1"].spec, { myASN = 64500, peerASN = 64501, peerAddress = "192.0.2.1", password = secret "p" })
check(slipway.is_secret(found["BGPPeer peer-1"].spec.password))
equal(found["BGPAdvertisement default"].spec, { ipAddressPools = { "default", "extra" } })
check(place(order, "Deployment controller") < place(order, "IPAddressPool default"))
for _, range in ipairs { "192.0.2.10", "192.0.2.20-192.0.2.10", "192.0.2.10-192.0.2.300", "192.0.2.0/40", "a-b", "" } do
  raises(function() objects("metallb", { addresses = { range } }, METALLB) end, "is no range of addresses")
end
local function refused_pool(options, words)
  options.addresses = { "192.0.2.0/30" }
  raises(function() objects("metallb", options, METALLB) end, words)
end
refused_pool({ pools = { { name = "default", addresses = { "198.51.100.0/30" } } } }, "there twice")
refused_pool({ bgp = { my_asn = 1, peers = { { address = "x" } } } }, "peers%[0%]: asn is missing")
refused_pool({ l2 = false }, "no address would be announced")
refused_pool({ l2 = false, interfaces = { "eth0" }, bgp = { my_asn = 1, peers = { { address = "x", asn = 2 } } } }, "interfaces are those of l2")
found = objects("metallb", { addresses = { "192.0.2.0/30" }, l2 = false, bgp = { my_asn = 1, peers = { { address = "x", asn = 2 } } } }, METALLB)
check(found["BGPAdvertisement default"] and not found["L2Advertisement default"])

-- cert-manager

local CERT_MANAGER = "apiVersion: v1\nkind: Namespace\nmetadata: { name: cert-manager }\n"
found = objects("cert_manager", { issuers = { "letsencrypt-staging", "letsencrypt-prod" }, email = "ops@example.org" }, CERT_MANAGER)
equal(found["ClusterIssuer letsencrypt-staging"].spec.acme, {
  server = "https://acme-staging-v02.api.letsencrypt.org/directory", email = "ops@example.org",
  privateKeySecretRef = { name = "letsencrypt-staging-account" }, solvers = { { http01 = { ingress = { ingressClassName = "nginx" } } } },
})
equal(found["ClusterIssuer letsencrypt-prod"].spec.acme.server, "https://acme-v02.api.letsencrypt.org/directory")
found, order = objects("cert_manager", {
  issuers = { "letsencrypt-prod" }, email = "ops@example.org", solver = "route53", region = "eu-west-1", hosted_zone_id = "Z1",
  access_key_id = "AKIA1", secret_access_key = secret "s3cret",
}, CERT_MANAGER)
equal(found["ClusterIssuer letsencrypt-prod"].spec.acme.solvers[1].dns01.route53, {
  region = "eu-west-1", hostedZoneID = "Z1", accessKeyID = "AKIA1", secretAccessKeySecretRef = { name = "route53-credentials", key = "secret-access-key" },
})
equal(found["Secret route53-credentials"].stringData, { ["secret-access-key"] = secret "s3cret" })
check(place(order, "Secret route53-credentials") < place(order, "ClusterIssuer letsencrypt-prod"))
found = objects("cert_manager", { issuers = { "ca", "selfsigned" }, ca_cert = "CERT", ca_key = secret "KEY" }, CERT_MANAGER)
equal(found["ClusterIssuer ca"].spec, { ca = { secretName = "ca" } })
equal(found["ClusterIssuer selfsigned"].spec, { selfSigned = {} })
equal(found["Secret ca"].metadata.namespace, "cert-manager")
equal(found["Secret ca"].stringData, { ["tls.crt"] = "CERT", ["tls.key"] = secret "KEY" })
raises(function() objects("cert_manager", { issuers = { "letsencrypt-prod" } }, CERT_MANAGER) end, "email is missing")
raises(function() objects("cert_manager", { issuers = { "letsencrypt-prd" } }, CERT_MANAGER) end, "there is no issuer of cert%-manager 'letsencrypt%-prd'")
raises(function() objects("cert_manager", { issuers = { "ca" } }, CERT_MANAGER) end, "ca_cert and ca_key are missing")
raises(function() objects("cert_manager", { issuers = { "letsencrypt-prod" }, email = "a@b", solver = "route53", access_key_id = "A" }, CERT_MANAGER) end,
  "access_key_id and secret_access_key go together")
raises(function() objects("cert_manager", { issuers = { "letsencrypt-prod" }, email = "a@b", role = "r" }, CERT_MANAGER) end, "role is for the solver route53")
raises(function() objects("cert_manager", { issuers = { "selfsigned" }, solver = "route53", hosted_zone_id = "Z" }, CERT_MANAGER) end,
  "hosted_zone_id is for the solver")
raises(function() objects("cert_manager", { issuers = { "selfsigned" }, ca_cert = "C" }, CERT_MANAGER) end, "ca_cert is for the issuer ca")

-- nfs-provisioner

found, order = objects("nfs_provisioner", { server = "192.0.2.5", path = "/srv/nfs", default = true, namespace = "nfs", mount_options = { "nfsvers=4.2" } })
equal(order[1], "Namespace nfs")
equal(found["StorageClass nfs-client"].metadata.annotations["storageclass.kubernetes.io/is-default-class"], "true")
equal(found["StorageClass nfs-client"].mountOptions, { "nfsvers=4.2" })
equal(found["StorageClass nfs-client"].parameters, { archiveOnDelete = "true" })
local pod = found["Deployment nfs-client-provisioner"].spec.template.spec
equal(pod.containers[1].image, "registry.k8s.io/sig-storage/nfs-subdir-external-provisioner:v4.0.2")
equal(pod.volumes, { { name = "root", nfs = { server = "192.0.2.5", path = "/srv/nfs" } } })
equal(found["ClusterRoleBinding nfs-client-provisioner-runner"].subjects[1].namespace, "nfs")

-- metrics-server

local METRICS = [[
apiVersion: apps/v1
kind: Deployment
metadata: { name: metrics-server, namespace: kube-system }
spec: { template: { spec: { containers: [{ name: metrics-server, args: [--secure-port=10250] }] } } }
]]
found, order = objects("metrics_server", { replicas = 2, insecure_kubelet = true }, METRICS)
equal(order, { "Deployment metrics-server" }, "kube-system is not made")
equal(found["Deployment metrics-server"].spec.replicas, 2)
equal(found["Deployment metrics-server"].spec.template.spec.containers[1].args, { "--secure-port=10250", "--kubelet-insecure-tls" })

-- ingress-nginx

local INGRESS = [[
apiVersion: v1
kind: Namespace
metadata: { name: ingress-nginx }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: ingress-nginx-controller, namespace: ingress-nginx }
data: null
---
apiVersion: v1
kind: Service
metadata: { name: ingress-nginx-controller, namespace: ingress-nginx }
spec: { type: NodePort, ports: [{ name: http, port: 80 }, { name: https, port: 443 }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: ingress-nginx-controller, namespace: ingress-nginx }
spec: { template: { spec: { containers: [{ name: controller }] } } }
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: { name: nginx }
spec: { controller: k8s.io/ingress-nginx }
]]
found = objects("ingress_nginx", { exposure = "node_port", http_port = 30080, https_port = 30443, replicas = 3, config = { ["use-gzip"] = true } }, INGRESS)
equal(found["Service ingress-nginx-controller"].spec.ports[1].nodePort, 30080)
equal(found["Service ingress-nginx-controller"].spec.ports[2].nodePort, 30443)
equal(found["Deployment ingress-nginx-controller"].spec.replicas, 3)
equal(found["ConfigMap ingress-nginx-controller"].data, { ["use-gzip"] = "true" })
equal(found["IngressClass nginx"].metadata.annotations["ingressclass.kubernetes.io/is-default-class"], "true")
raises(function() objects("ingress_nginx", { http_port = 30080 }, INGRESS) end, "http_port")

-- argo-rollouts

local ROLLOUTS = [[
apiVersion: apps/v1
kind: Deployment
metadata: { name: argo-rollouts }
spec: { template: { spec: {} } }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: argo-rollouts }
subjects: [{ kind: ServiceAccount, name: argo-rollouts, namespace: argo-rollouts }]
]]
found = objects("argo_rollouts", { namespace = "cd", replicas = 2 }, ROLLOUTS)
equal(found["Namespace cd"].metadata, { name = "cd" })
equal(found["Deployment argo-rollouts"].metadata.namespace, "cd")
equal(found["Deployment argo-rollouts"].spec.replicas, 2)
equal(found["ClusterRoleBinding argo-rollouts"].subjects[1].namespace, "cd")

-- aws-ebs-csi

found, order = objects("aws_ebs_csi", { region = "eu-west-1", volume_tags = { team = "a", cluster = "c" } })
check(not place(order, "Namespace kube-system"))
equal(found["StorageClass gp3"].volumeBindingMode, "WaitForFirstConsumer")
equal(found["StorageClass gp3"].parameters, { type = "gp3", encrypted = "true", ["csi.storage.k8s.io/fstype"] = "ext4" })
equal(found["StorageClass gp3"].metadata.annotations["storageclass.kubernetes.io/is-default-class"], "true")
equal(found["CSIDriver ebs.csi.aws.com"].spec, { attachRequired = true, podInfoOnMount = false, fsGroupPolicy = "File" })
pod = found["Deployment ebs-csi-controller"].spec.template.spec
equal(pod.containers[1].args, { "controller", "--endpoint=unix:/var/lib/csi/sockets/pluginproxy/csi.sock", "--logging-format=text", "--v=2",
  "--extra-tags=cluster=c,team=a" })
equal(pod.containers[1].env[2], { name = "AWS_REGION", value = "eu-west-1" })
pod = found["DaemonSet ebs-csi-node"].spec.template.spec
equal(pod.hostNetwork, true)
equal(pod.containers[1].securityContext.privileged, true)
for _, key in ipairs { "Deployment ebs-csi-controller", "DaemonSet ebs-csi-node" } do
  local spec = found[key].spec
  equal(spec.selector.matchLabels, spec.template.metadata.labels)
  for _, container in ipairs(spec.template.spec.containers) do
    check(container.image:find(":v%d+%.%d+%.%d+$"), container.name .. " has no version")
    for _, mount in ipairs(container.volumeMounts) do
      local there = false
      for _, volume in ipairs(spec.template.spec.volumes) do there = there or volume.name == mount.name end
      check(there, ("%s: %s: no volume %s"):format(key, container.name, mount.name))
    end
  end
end
found = objects("aws_ebs_csi", { region = "eu-west-1", default_class = "fast", classes = {
  { name = "fast", type = "io2", iops = 4000, kms_key = "arn:x", reclaim = "Retain" }, { name = "plain", encrypted = false } } })
equal(found["StorageClass fast"].parameters, { type = "io2", iops = "4000", encrypted = "true", kmsKeyId = "arn:x", ["csi.storage.k8s.io/fstype"] = "ext4" })
equal(found["StorageClass fast"].reclaimPolicy, "Retain")
equal(found["StorageClass plain"].metadata.annotations["storageclass.kubernetes.io/is-default-class"], "false")
equal(found["StorageClass gp3"], nil)
raises(function() objects("aws_ebs_csi", {}) end, "region is missing")
raises(function() objects("aws_ebs_csi", { region = "r", classes = { { name = "a" } } }) end, "there is no storage class of the add%-on aws%-ebs%-csi 'gp3'")
raises(function() objects("aws_ebs_csi", { region = "r", classes = { { name = "a", type = "gp4" } } }) end, "there is no type of")
for words, one in pairs {
  ["throughput is for gp3"] = { type = "gp2", throughput = 200 }, ["iops is for gp3"] = { type = "st1", iops = 1 },
  ["iops is missing"] = { type = "io2" }, ["kms_key is for encrypted"] = { kms_key = "k", encrypted = false },
} do
  one.name = "gp3"
  raises(function() objects("aws_ebs_csi", { region = "r", classes = { one } }) end, words)
end
raises(function() objects("aws_ebs_csi", { region = "r", sidecars = { ["csi-atacher"] = "v1" } }) end, "csi%-atacher")

-- argo-cd: the names of the real manifest, and a definition as large as its largest

local function big()
  local rows = {}
  for i = 1, 4000 do rows[i] = ("              field%d: { type: string, description: %s }"):format(i, ("word "):rep(12)) end
  return table.concat(rows, "\n")
end

local ARGO = [[
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: applicationsets.argoproj.io }
spec:
  group: argoproj.io
  names: { kind: ApplicationSet, plural: applicationsets }
  scope: Namespaced
  versions:
    - name: v1alpha1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
]] .. "              properties:\n" .. big():gsub("              field", "                field") .. [[

---
apiVersion: v1
kind: ConfigMap
metadata: { name: argocd-cm, labels: { app.kubernetes.io/name: argocd-cm } }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: argocd-cmd-params-cm }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: argocd-rbac-cm }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: argocd-tls-certs-cm }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: argocd-ssh-known-hosts-cm }
data:
  ssh_known_hosts: |
    github.com ssh-ed25519 AAAA
---
apiVersion: v1
kind: Secret
metadata: { name: argocd-secret }
type: Opaque
---
apiVersion: v1
kind: Service
metadata: { name: argocd-server }
spec: { ports: [{ name: http, port: 80 }, { name: https, port: 443 }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: argocd-server }
spec: { template: { metadata: { labels: { a: b } }, spec: { containers: [{ name: s }] } } }
---
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: argocd-application-controller }
spec: { template: { metadata: { labels: { a: b } }, spec: { containers: [{ name: s }] } } }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: argocd-server }
subjects: [{ kind: ServiceAccount, name: argocd-server, namespace: argocd }]
]]
check(#ARGO > 346000, "as large as the largest of Argo CD")

local HEALTH = "resource.customizations.health.argoproj.io_Application"
found, order = objects("argo_cd", {}, ARGO)
equal(order[1], "Namespace argocd")
equal(found["ConfigMap argocd-cm"].metadata.namespace, "argocd")
check(found["ConfigMap argocd-cm"].data[HEALTH]:find("return health"))
equal(found["ConfigMap argocd-cmd-params-cm"].data, nil, "nothing is ours that nobody asked for")
equal(found["Secret argocd-secret"].stringData, nil)
equal(found["Deployment argocd-server"].spec.template.metadata.annotations, nil)
equal(found["Service argocd-server"].spec.type, nil)

found = objects("argo_cd", {
  namespace = "cd", domain = "argocd.example.org", insecure = true, admin_password = secret "correct horse", exposure = "node_port",
  ingress = { issuer = "letsencrypt-prod", annotations = { a = "b" } },
  oidc = { name = "Login", issuer = "https://id.example.org", clientID = "argocd", clientSecret = secret "oidc" },
  dex = { connectors = { { type = "github", id = "github", config = { clientSecret = "$dex.github" } } } }, secrets = { ["dex.github"] = secret "dex" },
  rbac = "g, admins, role:admin", rbac_default = "role:readonly", progressive_syncs = true,
  settings = { ["timeout.reconciliation"] = "60s", ["resource.exclusions"] = { { kinds = { "Event" } } } }, params = { ["server.rootpath"] = "/cd" },
  ssh_known_hosts = "git.example.org ssh-ed25519 BBBB", tls_certs = { ["git.example.org"] = "PEM" },
  repositories = {
    { url = "https://github.com/acme/apps.git", username = "u", password = secret "p", project = "apps" },
    { url = "git@git.example.org:acme/infra.git", ssh_key = secret "KEY", lfs = true },
    { url = "https://github.com/acme/app.git", github_app = { id = 1, installation = 2, key = secret "APP" } },
    { url = "registry.example.org/charts", type = "helm", name = "charts", enable_oci = true },
  },
  repository_credentials = { { url = "https://github.com/acme", username = "u", password = secret "p" } },
}, ARGO)
local cm = found["ConfigMap argocd-cm"].data
equal(cm.url, "https://argocd.example.org")
equal(yaml.decode(cm["oidc.config"]).clientSecret, "$oidc.clientSecret")
equal(yaml.decode(cm["dex.config"]).connectors[1].config.clientSecret, "$dex.github")
equal(cm["timeout.reconciliation"], "60s")
equal(yaml.decode(cm["resource.exclusions"]), { { kinds = { "Event" } } })
equal(found["ConfigMap argocd-cmd-params-cm"].data, { ["server.insecure"] = "true", ["applicationsetcontroller.enable.progressive.syncs"] = "true",
  ["server.rootpath"] = "/cd" })
equal(found["ConfigMap argocd-rbac-cm"].data, { ["policy.csv"] = "g, admins, role:admin", ["policy.default"] = "role:readonly" })
equal(found["ConfigMap argocd-tls-certs-cm"].data, { ["git.example.org"] = "PEM" })
equal(found["ConfigMap argocd-ssh-known-hosts-cm"].data.ssh_known_hosts, "github.com ssh-ed25519 AAAA\ngit.example.org ssh-ed25519 BBBB\n")
local kept = found["Secret argocd-secret"].stringData
equal(kept["oidc.clientSecret"], secret "oidc")
equal(kept["dex.github"], secret "dex")
equal(kept["admin.passwordMtime"], "2020-01-01T00:00:00Z")
check(slipway.is_secret(kept["admin.password"]))
equal(core.reveal(kept["admin.password"]):sub(1, 7), "$2b$10$")
local again = objects("argo_cd", { namespace = "cd", admin_password = "correct horse" }, ARGO)
equal(kept["admin.password"], again["Secret argocd-secret"].stringData["admin.password"], "the same hash in every plan")
equal(found["Service argocd-server"].spec.type, "NodePort")
equal(found["ClusterRoleBinding argocd-server"].subjects[1].namespace, "cd")
local stamp = found["Deployment argocd-server"].spec.template.metadata.annotations["slipway-params"]
equal(#stamp, 16)
equal(found["StatefulSet argocd-application-controller"].spec.template.metadata.annotations["slipway-params"], stamp)
check(objects("argo_cd", { insecure = true }, ARGO)["Deployment argocd-server"].spec.template.metadata.annotations["slipway-params"] ~= stamp)
local repo = found["Secret repo-github-com-acme-apps"]
equal(repo.metadata.labels, { ["argocd.argoproj.io/secret-type"] = "repository" })
equal(repo.stringData, { type = "git", url = "https://github.com/acme/apps.git", username = "u", password = secret "p", project = "apps" })
equal(found["Secret repo-git-example-org-acme-infra"].stringData, { type = "git", url = "git@git.example.org:acme/infra.git", sshPrivateKey = secret "KEY",
  enableLfs = "true" })
equal(found["Secret repo-github-com-acme-app"].stringData.githubAppID, "1")
equal(found["Secret repo-registry-example-org-charts"].stringData.enableOCI, "true")
equal(found["Secret creds-github-com-acme"].metadata.labels, { ["argocd.argoproj.io/secret-type"] = "repo-creds" })
local ingress = found["Ingress argocd-server"]
equal(ingress.metadata.annotations, { a = "b", ["cert-manager.io/cluster-issuer"] = "letsencrypt-prod" })
equal(ingress.spec.tls, { { hosts = { "argocd.example.org" }, secretName = "argocd-ingress-tls" } })
equal(ingress.spec.rules[1].http.paths[1].backend.service.port, { name = "http" })
found = objects("argo_cd", { domain = "a.example.org", ingress = {}, tls_cert = "CERT", tls_key = "KEY", admin = false }, ARGO)
equal(found["Ingress argocd-server"].metadata.annotations, { ["nginx.ingress.kubernetes.io/backend-protocol"] = "HTTPS" })
equal(found["Secret argocd-server-tls"].stringData, { ["tls.crt"] = "CERT", ["tls.key"] = secret "KEY" })
equal(found["ConfigMap argocd-cm"].data["admin.enabled"], "false")

local function refused(options, words) raises(function() objects("argo_cd", options, ARGO) end, words) end
refused({ tls_cert = "x" }, "tls_key is missing")
refused({ tls_key = "x" }, "tls_cert is missing")
refused({ insecure = true, tls_cert = "x", tls_key = "y" }, "insecure and tls_cert")
refused({ ingress = {} }, "domain is missing")
refused({ admin = false, admin_password = "x" }, "admin is false")
refused({ settings = { a = secret "x" } }, "settings.a is a secret")
refused({ params = { a = secret "x" } }, "params.a is a secret")
refused({ oidc = { issuer = secret "x" } }, "oidc.issuer is a secret")
refused({ repositories = { { url = "https://x", usrname = "u" } } }, "repositories%[0%] 'usrname'")
refused({ repositories = { { url = "https://x/a" }, { url = "https://x/a.git" } } }, "is there twice")
refused({ admin_password = ("x"):rep(73) }, "1 to 72 bytes")

-- every add-on has what its documentation needs

for _, file in ipairs(core.type_files()) do
  local name = file:match("^kube/addon/(.+)$")
  if name then
    local one = addon(name)
    equal(one.name, (name:gsub("_", "-")))
    check(one.doc and one.version and one.namespace, name)
    for key, row in pairs(one.rows) do check(type(row[1]) == "string" and row.doc, ("%s.%s has no words"):format(name, key)) end
  end
end
