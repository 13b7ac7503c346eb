--- The cluster: kubeadm init on the control plane, kubeadm join everywhere else at the same time, labels and taints.
local config = require "kubeadm/config"
local source = require "source"
require "kubeadm"

local function control_plane(inv)
  local found = {}
  for _, node in ipairs(inv.nodes) do
    if node.role == "control-plane" then found[#found + 1] = node end
  end
  if #found ~= 1 then
    slipway.fail("the stock playbook makes clusters of exactly one control plane; the inventory has " .. #found)
  end
  return found[1]
end

local function labels(node)
  local all = {}
  if node.role ~= "control-plane" then all["node-role.kubernetes.io/worker"] = "" end
  for key, value in pairs(node.labels or {}) do all[key] = value end
  return all
end

--- Taints that were asked for. None is not the same as "none": then kubeadm's own stay.
local function taints(node) return node.taints and #node.taints > 0 and node.taints or nil end

return function(hosts, inv)
  local first = control_plane(inv)
  local leader = hosts[first.name]
  local endpoint = inv.kubernetes.endpoint or (first.address .. ":6443")
  local minor = source.minor(inv)

  local init = leader:kubeadm_init(inv.name) {
    node = first.name,
    config = config.init(inv, first, endpoint, minor),
    cri_socket = config.cri_socket(minor),
    -- A bundle holds no CoreDNS; kubeadm asks for its image even where the phase is skipped.
    skip_phases = inv.kubernetes.source == "bundle" and { "addon/coredns" } or nil,
    ignore_preflight_errors = inv.kubernetes.source == "bundle" and { "ImagePull" } or nil,
  }
  local token = leader:kubeadm_token "join" { depends_on = { init } }
  leader:kube_node(first.name) { labels = labels(first), taints = taints(first), depends_on = { init } }

  for _, node in ipairs(inv.nodes) do
    if node.name ~= first.name then
      local join = hosts[node.name]:kubeadm_join(inv.name) {
        node = node.name,
        config = config.join(node, endpoint, minor, token.token, init.ca_hash),
        cri_socket = config.cri_socket(minor),
      }
      leader:kube_node(node.name) { labels = labels(node), taints = taints(node), depends_on = { join } }
    end
  end

  output "kubeconfig" { value = init.kubeconfig, doc = "the administrator's kubeconfig" }
  output "endpoint" { value = "https://" .. endpoint, doc = "the API server" }
end
