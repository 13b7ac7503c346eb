--- Networks of the pods: each machine has a /24 of the pod network, and the VPC's route tables know the way to it.
local aws = require "aws"

-- Sixteen machines a pool, so that a machine keeps its network when another pool grows.
local POOL_SIZE = 16

--- node name -> its /24, by the pool's place in the inventory and the machine's in the pool
local function networks(options)
  local length = tonumber(options.pod_cidr:match("/(%d+)$"))
  local room = length and length <= 20 and 2 ^ (24 - length) // POOL_SIZE or 0
  local place, pools, found = {}, 0, {}
  for _, node in ipairs(options.nodes) do
    if not place[node.pool] then
      place[node.pool], pools = pools, pools + 1
    end
    if node.index > POOL_SIZE then
      slipway.fail(("the pool '%s' has more than %d machines, and no more pod networks"):format(node.pool, POOL_SIZE),
        "make two pools of it, or bring another pod network (kubernetes.cni)")
    end
    if place[node.pool] >= room then
      slipway.fail(("kubernetes.pod_cidr (%s) has room for %d pools of machines, and there are more"):format(options.pod_cidr, room),
        "a /16 has room for 16; give a larger network")
    end
    found[node.name] = slipway.cidr(options.pod_cidr, math.tointeger(place[node.pool] * POOL_SIZE + node.index - 1), 24)
  end
  return found
end

return function(options, network, machines)
  if options.cni ~= "bridge" then return end
  -- A route table has 50 routes unless AWS was asked for more.
  if #options.nodes > 45 then
    slipway.warn(("%d machines need as many routes in a route table: AWS's quota is 50 unless it was raised"):format(#options.nodes))
  end
  local tables = {}
  for _, each in ipairs(network.tables) do tables[#tables + 1] = each end
  if options.access == "public" then tables = { { label = "-public", id = network.open_table.id } } end
  for name, cidr in slipway.sorted(networks(options)) do
    machines[name].pod_cidr = cidr
    for _, each in ipairs(tables) do
      local route = aws.route("pods-" .. name .. each.label) {
        route_table_id = each.id, destination_cidr_block = cidr, network_interface_id = machines[name].interface,
      }
      machines[name].after[#machines[name].after + 1] = { route }
    end
  end
end
