--- The network: a VPC, a private and a public subnet in each zone, an internet gateway, NAT, route tables.
local aws = require "aws"

local function short(zone) return zone:match("%a$") end

--- One NAT gateway in a zone's public subnet.
local function nat_gateway(options, public, gateway, name, zone)
  local address = aws.eip("nat-" .. name) { domain = "vpc", tags = { Name = options.name .. "-nat-" .. name }, depends_on = { gateway } }
  return aws.nat_gateway(name) {
    allocation_id = address.id,
    subnet_id = public[zone].id,
    tags = { Name = options.name .. "-" .. name },
    depends_on = { gateway },
  }
end

--- @return table network { vpc, private = { zone -> subnet }, public = { zone -> subnet }, gateway, tables = { private route tables },
---   out = { zone -> what must be there before a machine in the zone's private subnet reaches the internet }, open = the same for public ones }
return function(options)
  local name = options.name
  local vpc = aws.vpc "main" {
    cidr_block = options.cidr,
    enable_dns_support = true,
    enable_dns_hostnames = true,
    tags = { Name = name },
  }
  local gateway = aws.internet_gateway "main" { vpc_id = vpc.id, tags = { Name = name } }
  local open = aws.route_table "public" { vpc_id = vpc.id, tags = { Name = name .. "-public" } }
  local network = { vpc = vpc, private = {}, public = {}, gateway = gateway, tables = {}, open_table = open, out = {}, open = {} }
  local default = aws.route "public" { route_table_id = open.id, destination_cidr_block = "0.0.0.0/0", gateway_id = gateway.id }
  for _, zone in ipairs(options.zones) do
    for _, kind in ipairs { "private", "public" } do
      local label = kind .. "-" .. short(zone)
      network[kind][zone] = aws.subnet(label) {
        vpc_id = vpc.id,
        cidr_block = options.subnets[kind][zone],
        availability_zone = zone,
        tags = { Name = name .. "-" .. label },
      }
    end
    local association = aws.route_table_association("public-" .. short(zone)) { subnet_id = network.public[zone].id, route_table_id = open.id }
    network.open[zone] = { default, association }
  end

  -- Without NAT, or with one for all zones, the private subnets share a route table.
  local shared = options.nat ~= "zone"
  local tables, routes = {}, {}
  for i, zone in ipairs(options.zones) do
    local label = shared and "private" or "private-" .. short(zone)
    if i == 1 or not shared then
      tables[zone] = aws.route_table(label) { vpc_id = vpc.id, tags = { Name = name .. "-" .. label } }
      network.tables[#network.tables + 1] = { label = shared and "" or "-" .. short(zone), id = tables[zone].id }
      if options.nat ~= "none" then
        local nat = nat_gateway(options, network.public, gateway, shared and "main" or short(zone), zone)
        routes[zone] = aws.route(label) { route_table_id = tables[zone].id, destination_cidr_block = "0.0.0.0/0", nat_gateway_id = nat.id }
      end
    else
      tables[zone], routes[zone] = tables[options.zones[1]], routes[options.zones[1]]
    end
    local association = aws.route_table_association("private-" .. short(zone)) { subnet_id = network.private[zone].id, route_table_id = tables[zone].id }
    network.out[zone] = { routes[zone] or association, association }
  end
  return network
end
