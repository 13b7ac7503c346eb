--- kubeadm's configuration files, in the API version the target release reads:
--- v1beta2 up to 1.21, v1beta3 up to 1.30, v1beta4 from 1.31 on.
local config = {}

--- @return string the API version of kubeadm's configuration
function config.api_version(minor)
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

--- A document's text, with references in it: what is not known yet is a mark while YAML is written, and takes the mark's place in the finished text.
local function encode(document)
  local values, texts = {}, {}
  local function look(v)
    if type(v) == "string" then texts[#texts + 1] = v end
    for key, each in pairs(type(v) == "table" and v or {}) do
      look(key)
      look(each)
    end
  end
  look(document)
  -- A mark that nobody wrote.
  local mark, written = "@REF", table.concat(texts, "\n")
  while written:find(mark, 1, true) do mark = "@" .. mark end
  local function marked(v)
    if type(v) == "table" then
      local copy = {}
      for key, each in pairs(v) do copy[key] = marked(each) end
      return copy
    elseif type(v) == "userdata" then
      values[#values + 1] = v
      return ("%s%d@"):format(mark, #values)
    end
    return v
  end
  local rest, parts = yaml.encode(marked(document)), ""
  while true do
    local before, number, after = rest:match("^(.-)" .. mark .. "(%d+)@(.*)$")
    if not before then return parts .. rest end
    parts, rest = parts .. before .. values[tonumber(number)], after
  end
end

local function documents(list)
  local texts = ""
  for i, document in ipairs(list) do texts = texts .. (i > 1 and "---\n" or "") .. encode(document) end
  return texts
end

--- Addresses, endpoints, tokens and hashes may be references.
--- @param endpoint any HOST:PORT of the API server as nodes and users see it
--- @return string yaml for kubeadm init
function config.init(inv, node, endpoint, minor)
  local kubernetes, options = inv.kubernetes, inv.kubernetes.options or {}
  local version = config.api_version(minor)
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

--- @param token any  a bootstrap token
--- @param ca_hash any  the CA's hash
--- @param certificate_key any|nil  for a control plane: the key of the certificates that were uploaded for it
function config.join(node, endpoint, minor, token, ca_hash, certificate_key)
  return encode {
    apiVersion = config.api_version(minor),
    kind = "JoinConfiguration",
    discovery = { bootstrapToken = { apiServerEndpoint = endpoint, token = token, caCertHashes = { ca_hash } } },
    nodeRegistration = registration(node, minor),
    controlPlane = certificate_key and {
      localAPIEndpoint = { advertiseAddress = node.address, bindPort = 6443 },
      certificateKey = certificate_key,
    } or nil,
  }
end

return config
