--- The pod network `bridge`: the CNI bridge plugin with one /24 of the pod network for each node, and routes between the nodes.
--- It needs nodes on one flat network; other networks bring their own plugin (cni: none).

--- A node's own /24 of the pod network: by the last number of its address, so that it keeps it when other nodes come and go.
local function pod_cidr(inv, node) return slipway.cidr(inv.kubernetes.pod_cidr, tonumber(node.address:match("%.(%d+)$")), 24) end

return function(host, node, inv)
  if inv.kubernetes.cni ~= "bridge" then return end
  host:package { "containernetworking-plugins" }
  host:directory "/etc/cni/net.d" { mode = "0755" }
  host:file "/etc/cni/net.d/10-slipway.conflist" {
    template = "cni-bridge.conflist",
    vars = { pod_cidr = pod_cidr(inv, node) },
    mode = "0644",
  }
  local routes = {}
  for _, other in ipairs(inv.nodes) do
    if other.name ~= node.name then routes[#routes + 1] = { cidr = pod_cidr(inv, other), via = other.address } end
  end
  if #routes == 0 then return end
  local unit = host:systemd_unit "pod-routes.service" { template = "pod-routes.service", vars = { routes = routes } }
  host:service "pod-routes" { state = "running", enabled = true, restart_on = { unit } }
end
