local resource = require "resource"
local cidr, ec2, routes = require "aws/lib/cidr", require "aws/lib/ec2", require "aws/lib/routes"

--- Attribute, name in requests, name in answers.
local DESTINATIONS = {
  { "destination_cidr_block", "DestinationCidrBlock", "destinationCidrBlock" },
  { "destination_ipv6_cidr_block", "DestinationIpv6CidrBlock", "destinationIpv6CidrBlock" },
  { "destination_prefix_list_id", "DestinationPrefixListId", "destinationPrefixListId" },
}
local TARGETS = {
  { "gateway_id", "GatewayId", "gatewayId" },
  { "nat_gateway_id", "NatGatewayId", "natGatewayId" },
  { "network_interface_id", "NetworkInterfaceId", "networkInterfaceId" },
  { "egress_only_gateway_id", "EgressOnlyInternetGatewayId", "egressOnlyInternetGatewayId" },
  { "transit_gateway_id", "TransitGatewayId", "transitGatewayId" },
  { "vpc_peering_connection_id", "VpcPeeringConnectionId", "vpcPeeringConnectionId" },
}
local NOT_YET = {
  "InvalidRouteTableID.NotFound", "InvalidRouteTableId.NotFound", "InvalidGatewayID.NotFound", "InvalidNatGatewayID.NotFound", "NatGatewayNotFound",
  "InvalidTransitGatewayID.NotFound", "InvalidNetworkInterfaceID.NotFound", "InvalidParameterException",
}
local GONE = { "InvalidRoute.NotFound", "InvalidRouteTableID.NotFound", "InvalidRouteTableId.NotFound" }

--- The row of the only one of `rows` that t has.
local function chosen(rows, t)
  for _, row in ipairs(rows) do
    if t[row[1]] ~= nil and t[row[1]] ~= "" then return row end
  end
  return nil
end

local function exactly_one(rows, t, what)
  local names, n = {}, 0
  for _, row in ipairs(rows) do
    names[#names + 1] = row[1]
    if t[row[1]] ~= nil then n = n + 1 end
  end
  if n ~= 1 then slipway.fail(("%s: exactly one of %s is wanted, %d are given"):format(what, table.concat(names, ", "), n)) end
end

local function id_of(table_id, destination)
  return table_id .. "_" .. destination
end

--- Table and destination: recorded, in an id, or as wanted where a dead run began it.
local function key(item)
  local from = item.prior or (ec2.text(item._token) and item)
  if not from then return nil end
  local table_id, row = ec2.text(from.route_table_id), chosen(DESTINATIONS, from)
  if table_id and row and ec2.text(from[row[1]]) then return table_id, from[row[1]] end
  if ec2.text(from.id) then return from.id:match("^(rtb%-%x+)_(.+)$") end
  return nil
end

local function read(found, table_id)
  local have = { route_table_id = table_id, state = found.state, origin = found.origin }
  for _, row in ipairs(DESTINATIONS) do have[row[1]] = ec2.text(found[row[3]]) end
  -- Every kind of target is said, "" for none: a change of kind is a difference, too.
  for _, row in ipairs(TARGETS) do have[row[1]] = found[row[3]] or "" end
  have.id = id_of(table_id, have[chosen(DESTINATIONS, have)[1]])
  return have
end

--- The route of a table to a destination that is not AWS's own.
local function find(aws, route_table, destination)
  for _, route in ipairs(aws.list(route_table and route_table.routeSet)) do
    local row = chosen({ { "destinationCidrBlock" }, { "destinationIpv6CidrBlock" }, { "destinationPrefixListId" } }, route)
    if row and route[row[1]] == destination and route.origin ~= "CreateRouteTable" then return route end
  end
  return nil
end

local function request(r)
  local destination, target = chosen(DESTINATIONS, r), chosen(TARGETS, r)
  return { RouteTableId = r.route_table_id, [destination[2]] = r[destination[1]], [target[2]] = r[target[1]] }, r[destination[1]]
end

--- The answer lags behind for a moment.
local function settled(aws, r, destination)
  local target = chosen(TARGETS, r)
  local found = aws:wait {
    what = "route to " .. destination, within = 120,
    check = function()
      local route = find(aws, routes.table(aws, r.route_table_id), destination)
      return route and route[target[3]] == r[target[1]] and route, "not shown yet"
    end,
  }
  return read(found, r.route_table_id)
end

return resource "aws_route" {
  on = "api", provider = "aws", unique = true,
  doc = "A route of a route table: where traffic for a network goes. Its id is TABLE_DESTINATION.",
  schema = {
    route_table_id = { "string", required = true, immutable = true, doc = "the route table it is in" },
    destination_cidr_block = { "string", immutable = true, doc = "the IPv4 network it is for" },
    destination_ipv6_cidr_block = { "string", immutable = true, doc = "the IPv6 network it is for" },
    destination_prefix_list_id = { "string", immutable = true, doc = "the prefix list it is for" },
    gateway_id = { "string", doc = "to an internet gateway or a virtual private gateway" },
    nat_gateway_id = { "string", doc = "to a NAT gateway" },
    network_interface_id = { "string", doc = "to a network interface" },
    egress_only_gateway_id = { "string", doc = "to an egress-only internet gateway" },
    transit_gateway_id = { "string", doc = "to a transit gateway" },
    vpc_peering_connection_id = { "string", doc = "to another VPC" },
    id = { "string", computed = true, doc = "table and destination: rtb-..._0.0.0.0/0" },
    state = { "string", computed = true, doc = "active, or blackhole when its target is gone" },
    origin = { "string", computed = true, doc = "what made it" },
  },
  declare = function(t)
    exactly_one(DESTINATIONS, t, "destination")
    exactly_one(TARGETS, t, "target")
    cidr.check("destination_cidr_block", t.destination_cidr_block, 4)
    t.destination_ipv6_cidr_block = cidr.check("destination_ipv6_cidr_block", t.destination_ipv6_cidr_block, 6)
    return t
  end,

  list = function(aws, items)
    local have = {}
    if not routes.wanted(items) then return have end
    local all = routes.all(aws)
    for _, item in ipairs(items) do
      local table_id, destination = key(item)
      local found = table_id and find(aws, all[table_id], destination)
      if found then have[item._name] = read(found, table_id) end
    end
    return have
  end,

  create = function(aws, r)
    local params, destination = request(r)
    aws.ec2:call(r.have and "ReplaceRoute" or "CreateRoute", params, { retry = NOT_YET, within = 300 })
    return settled(aws, r, destination)
  end,

  update = function(aws, r)
    local params, destination = request(r)
    aws.ec2:call("ReplaceRoute", params, { retry = NOT_YET, within = 300, idempotent = true })
    return settled(aws, r, destination)
  end,

  delete = function(aws, r)
    local from = r.prior and r.prior.route_table_id and r.prior or r
    local row = chosen(DESTINATIONS, from)
    aws.ec2:call("DeleteRoute", { RouteTableId = from.route_table_id, [row[2]] = from[row[1]] }, { gone = GONE, retry = { "InvalidParameterException" } })
  end,
}
