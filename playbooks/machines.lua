--- The machines of the inventory, whoever provides them. A machine is
---   { host, address, after, pod_cidr }: the host to declare things on; its address (text, or a reference to what is not known yet); resources
---   that must be there before anything is done on it; its own /24 of the pod network.
--- What they share is { endpoint, masquerade }: HOST:PORT of the API server where a load balancer is in front of it; networks within which pods
--- keep their addresses, when the network between the machines has the routes to their pods.
local host = require "host"

local by_provider = {}

--- A node's /24 by the last number of its address, so that it keeps it when other nodes come and go.
local function pod_cidr(inv, node)
  if inv.kubernetes.cni ~= "bridge" then return nil end
  return slipway.cidr(inv.kubernetes.pod_cidr, tonumber(node.address:match("%.(%d+)$")), 24)
end

--- Hosts that exist already: the inventory says how to reach them.
function by_provider.static(inv)
  local machines = {}
  for _, node in ipairs(inv.nodes) do
    machines[node.name] = { host = host(node) {}, address = node.address, pod_cidr = pod_cidr(inv, node) }
  end
  return machines, {}
end

--- Disposable nodes on this machine.
function by_provider.lab(inv)
  local lab = require "lab"
  local machines, net = {}, inv.network
  local dir = inv.provider.dir or "/var/lib/slipway/lab"
  local key = lab.key "lab" { path = dir .. "/id_ed25519" }
  for _, node in ipairs(inv.nodes) do
    local machine = lab.node(node.name) {
      address = node.address,
      prefix = tonumber(net.cidr:match("/(%d+)$")),
      gateway = net.gateway,
      bridge = net.bridge,
      authorized_keys = { key.public },
    }
    machines[node.name] = {
      host = host(node) {
        address = machine.address,
        host_key = machine.host_key,
        user = "root",
        key = key.path,
      },
      address = node.address,
      pod_cidr = pod_cidr(inv, node),
    }
  end
  return machines, {}
end

--- Instances on AWS, with everything they need around them.
function by_provider.aws(inv) return require "aws_stack"(inv) end

return function(inv)
  local make = by_provider[inv.provider.name]
  if not make then slipway.fail("the stock playbook knows no machines of the provider '" .. inv.provider.name .. "'") end
  return make(inv)
end
