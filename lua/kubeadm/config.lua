--- kubeadm's configuration files, in the API version the target release reads:
--- v1beta2 up to 1.21, v1beta3 up to 1.30, v1beta4 from 1.31 on.
local config = {}

local function api_version(minor)
  if minor >= 31 then return "kubeadm.k8s.io/v1beta4" end
  if minor >= 22 then return "kubeadm.k8s.io/v1beta3" end
  return "kubeadm.k8s.io/v1beta2"
end

--- Extra arguments are a map up to v1beta3 and a list of name and value from v1beta4 on.
local function arguments(minor, map)
  if minor < 31 then return map end
  local list = {}
  for name, value in slipway.sorted(map) do list[#list + 1] = { name = name, value = value } end
  return list
end

--- Before 1.24 kubeadm takes the socket without the scheme (and later ones warn without it).
function config.cri_socket(minor)
  return (minor >= 24 and "unix://" or "") .. "/run/containerd/containerd.sock"
end

local function registration(node, minor)
  return {
    name = node.name,
    criSocket = config.cri_socket(minor),
    kubeletExtraArgs = arguments(minor, { ["node-ip"] = node.address }),
  }
end

local function documents(list)
  local texts = {}
  for i, document in ipairs(list) do texts[i] = yaml.encode(document) end
  return table.concat(texts, "---\n")
end

--- @param endpoint string HOST:PORT of the API server as nodes and users see it
--- @return string yaml for kubeadm init
function config.init(inv, node, endpoint, minor)
  local kubernetes, options = inv.kubernetes, inv.kubernetes.options or {}
  local version = api_version(minor)
  local proxy = {
    apiVersion = "kubeproxy.config.k8s.io/v1alpha1",
    kind = "KubeProxyConfiguration",
    mode = "iptables",
    clusterCIDR = kubernetes.pod_cidr,
  }
  -- Zero leaves the limits as they are: in a container they are the machine's and cannot be set.
  if options.conntrack_limits == false then proxy.conntrack = { maxPerCore = 0, min = 0 } end
  return documents {
    {
      apiVersion = version,
      kind = "InitConfiguration",
      localAPIEndpoint = { advertiseAddress = node.address, bindPort = 6443 },
      nodeRegistration = registration(node, minor),
    },
    {
      apiVersion = version,
      kind = "ClusterConfiguration",
      clusterName = inv.name,
      kubernetesVersion = "v" .. kubernetes.version,
      controlPlaneEndpoint = endpoint,
      networking = { podSubnet = kubernetes.pod_cidr, serviceSubnet = kubernetes.service_cidr, dnsDomain = "cluster.local" },
      apiServer = { certSANs = { "127.0.0.1", node.address } },
      -- The bridge network hands out the pod networks itself.
      controllerManager = kubernetes.cni == "bridge" and { extraArgs = arguments(minor, { ["allocate-node-cidrs"] = "false" }) } or nil,
    },
    {
      apiVersion = "kubelet.config.k8s.io/v1beta1",
      kind = "KubeletConfiguration",
      cgroupDriver = options.cgroup_driver or "systemd",
      failSwapOn = options.fail_swap_on ~= false,
      rotateCertificates = true,
    },
    proxy,
  }
end

--- Puts references into a finished text, at the places marked @NAME@.
local function fill(text, values)
  local parts, rest = "", text
  while true do
    local before, name, after = rest:match("^(.-)@(%u+)@(.*)$")
    if not before then return parts .. rest end
    parts = parts .. before .. values[name]
    rest = after
  end
end

--- @param token any  a reference to a bootstrap token
--- @param ca_hash any  a reference to the CA's hash
function config.join(node, endpoint, minor, token, ca_hash)
  local text = yaml.encode {
    apiVersion = api_version(minor),
    kind = "JoinConfiguration",
    discovery = { bootstrapToken = { apiServerEndpoint = endpoint, token = "@TOKEN@", caCertHashes = { "@HASH@" } } },
    nodeRegistration = registration(node, minor),
  }
  return fill(text, { TOKEN = token, HASH = ca_hash })
end

return config
