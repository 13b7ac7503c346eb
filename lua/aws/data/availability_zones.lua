local resource = require "resource"
local ec2 = require "aws/lib/ec2"

local function set(list)
  local found = {}
  for _, one in ipairs(list or {}) do found[one] = true end
  return found
end

local function read(aws, r)
  local params = { AllAvailabilityZones = r.all_availability_zones or nil, Filter = ec2.filters(r, { state = r.state }) }
  local zones = aws:once("DescribeAvailabilityZones " .. json.encode(params), function()
    return aws.list(aws.ec2:call("DescribeAvailabilityZones", params).availabilityZoneInfo)
  end)
  local without_names, without_ids, chosen = set(r.exclude_names), set(r.exclude_zone_ids), {}
  for _, zone in ipairs(zones) do
    if not without_names[zone.zoneName] and not without_ids[zone.zoneId] then chosen[#chosen + 1] = zone end
  end
  table.sort(chosen, function(a, b) return a.zoneName < b.zoneName end)
  local names, ids = {}, {}
  for i, zone in ipairs(chosen) do names[i], ids[i] = zone.zoneName, zone.zoneId end
  return { id = aws.region, names = slipway.list(names), zone_ids = slipway.list(ids) }
end

return resource "data.aws_availability_zones" {
  on = "api", provider = "aws", data = true,
  doc = "The availability zones of the region, by name.",
  schema = {
    state = { "string", one_of = { "available", "information", "impaired", "unavailable" }, doc = "only those in this state" },
    all_availability_zones = { "bool", default = false, doc = "those that the account has not opted into as well" },
    exclude_names = { "list", of = "string", doc = "zones to leave out" },
    exclude_zone_ids = { "list", of = "string", doc = "zones to leave out, by id" },
    filter = ec2.filter_row,
    id = { "string", computed = true, doc = "the region" },
    names = { "list", of = "string", computed = true, doc = "their names, sorted" },
    zone_ids = { "list", of = "string", computed = true, doc = "their ids, in the order of the names" },
  },
  list = function(aws, items)
    return ec2.data(items, function(r) return read(aws, r) end)
  end,
}
