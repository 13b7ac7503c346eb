--- The machines of the inventory, whoever provides them, as hosts.
local host = require "host"

local by_provider = {}

--- Hosts that exist already: the inventory says how to reach them.
function by_provider.static(inv)
  local hosts = {}
  for _, node in ipairs(inv.nodes) do hosts[node.name] = host(node) {} end
  return hosts
end

--- Disposable nodes on this machine.
function by_provider.lab(inv)
  local lab = require "lab"
  local hosts, net = {}, inv.network
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
    hosts[node.name] = host(node) {
      address = machine.address,
      host_key = machine.host_key,
      user = "root",
      key = key.path,
    }
  end
  return hosts
end

return function(inv)
  local make = by_provider[inv.provider.name]
  if not make then slipway.fail("the stock playbook knows no machines of the provider '" .. inv.provider.name .. "'") end
  return make(inv)
end
