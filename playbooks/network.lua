--- The pod network `bridge`: the CNI bridge plugin with one /24 of the pod network for each node. The routes between them are the nodes' own
--- on a flat network, and the cloud's where the provider makes them; other networks bring their own plugin (cni: none).

local function routes_by_nodes(host, node, inv, machines)
  local routes = {}
  for _, other in ipairs(inv.nodes) do
    local machine = machines[other.name]
    if other.name ~= node.name then routes[#routes + 1] = { cidr = machine.pod_cidr, via = machine.address } end
  end
  if #routes == 0 then return end
  local unit = host:systemd_unit "pod-routes.service" { template = "pod-routes.service", vars = { routes = routes } }
  host:service "pod-routes" { state = "running", enabled = true, restart_on = { unit } }
end

--- The cloud routes pods' addresses within its network, and nobody beyond it knows them.
local function masquerade(host, machine, networks)
  local unit = host:systemd_unit "pod-masquerade.service" {
    template = "pod-masquerade.service", vars = { pod_cidr = machine.pod_cidr, networks = networks },
  }
  host:service "pod-masquerade" { state = "running", enabled = true, restart_on = { unit } }
end

return function(machine, node, inv, machines, shared)
  if inv.kubernetes.cni ~= "bridge" then return end
  local host = machine.host
  host:package { "containernetworking-plugins" }
  host:directory "/etc/cni/net.d" { mode = "0755" }
  host:file "/etc/cni/net.d/10-slipway.conflist" {
    template = "cni-bridge.conflist",
    vars = { pod_cidr = machine.pod_cidr },
    mode = "0644",
  }
  if shared.masquerade then masquerade(host, machine, shared.masquerade) else routes_by_nodes(host, node, inv, machines) end
end
