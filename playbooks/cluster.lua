--- The cluster: kubeadm init on the first control plane, the other control planes one after another, kubeadm join everywhere else at the same time,
--- labels and taints.
local config = require "kubeadm/config"
local source = require "source"
require "kubeadm"

local function control_planes(inv)
  local found = {}
  for _, node in ipairs(inv.nodes) do
    if node.role == "control-plane" then found[#found + 1] = node end
  end
  if #found == 0 then slipway.fail("no machine is a control plane", "give a pool `role: control-plane`") end
  if #found % 2 == 0 then
    slipway.warn(("%d control planes: etcd survives no more losses with them than with %d"):format(#found, #found - 1))
  end
  return found
end

local function labels(node)
  local all = {}
  if node.role ~= "control-plane" then all["node-role.kubernetes.io/worker"] = "" end
  for key, value in pairs(node.labels or {}) do all[key] = value end
  return all
end

--- Taints that were asked for. None is not the same as "none": then kubeadm's own stay.
local function taints(node) return node.taints and #node.taints > 0 and node.taints or nil end

--- @return table { kubeconfig, leader = the first control plane's host, members = what each machine's membership is }
return function(machines, shared, inv)
  local planes = control_planes(inv)
  local first = planes[1]
  local leader = machines[first.name].host
  local minor = source.minor(inv)
  local bundle = inv.kubernetes.source == "bundle"
  local named = inv.kubernetes.endpoint ~= "nlb" and inv.kubernetes.endpoint or nil
  local endpoint = shared.endpoint or named or (machines[first.name].address .. ":6443")
  if #planes > 1 and not shared.endpoint and not named then
    slipway.fail("several control planes need a name or a load balancer in front of them", "kubernetes.endpoint: HOST:PORT, or nlb on AWS")
  end

  local members = {}
  local function machine(node) return { name = node.name, address = machines[node.name].address } end

  local init = leader:kubeadm_init(inv.name) {
    node = first.name,
    config = config.init(inv, machine(first), endpoint, minor),
    cri_socket = config.cri_socket(minor),
    -- A bundle holds no CoreDNS; kubeadm asks for its image even where the phase is skipped.
    skip_phases = bundle and { "addon/coredns" } or nil,
    ignore_preflight_errors = bundle and { "ImagePull" } or nil,
  }
  local token = leader:kubeadm_token "join" { depends_on = { init } }
  local certificates = #planes > 1 and leader:kubeadm_certificates "join" { api_version = config.api_version(minor), depends_on = { init } }
  members[1] = leader:kube_node(first.name) { labels = labels(first), taints = taints(first), depends_on = { init } }

  -- etcd takes one new member at a time.
  local last
  for _, node in ipairs(inv.nodes) do
    if node.name ~= first.name then
      local plane = node.role == "control-plane"
      local join = machines[node.name].host:kubeadm_join(inv.name) {
        node = node.name,
        config = config.join(machine(node), endpoint, minor, token.token, init.ca_hash, plane and certificates.key or nil),
        cri_socket = config.cri_socket(minor),
        ignore_preflight_errors = plane and bundle and { "ImagePull" } or nil,
        depends_on = plane and { last } or nil,
      }
      if plane then last = join end
      members[#members + 1] = leader:kube_node(node.name) { labels = labels(node), taints = taints(node), depends_on = { join } }
    end
  end

  output "kubeconfig" { value = init.kubeconfig, doc = "the administrator's kubeconfig" }
  output "endpoint" { value = "https://" .. endpoint, doc = "the API server" }
  return { kubeconfig = init.kubeconfig, leader = leader, members = members }
end
