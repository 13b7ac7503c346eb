--- data.aws_route53_zone: a zone that is there already.
local resource = require "resource"
local items, route53 = require "aws/lib/items", require "aws/lib/route53"

--- The zone's id by its name: the one that is as private as asked.
local function by_name(aws, item)
  local name, private = route53.name(item.name), item.private_zone or false
  local found = {}
  for _, zone in ipairs(route53.zones_named(aws, name)) do
    if (aws.bool(aws.list(zone.Config).PrivateZone) or false) == private then found[#found + 1] = route53.id(zone.Id) end
  end
  if #found > 1 then
    return fail(("there are %d %s zones '%s': %s"):format(#found, private and "private" or "public", name, table.concat(found, ", ")), "say which by zone_id")
  end
  return found[1]
end

return resource "data.aws_route53_zone" {
  on = "api",
  provider = "aws",
  data = true,
  doc = "A hosted zone, by its name or id.",
  schema = {
    name = { "string", doc = "the domain" },
    zone_id = { "string", doc = "the zone's id" },
    private_zone = { "bool", doc = "whether a private zone is meant; a public one when it is not set" },
    id = { "string", computed = true, doc = "the zone's id" },
    arn = { "string", computed = true, doc = "its ARN" },
    comment = { "string", computed = true, doc = "what it is for" },
    name_servers = { "list", of = "string", computed = true, doc = "its name servers" },
    resource_record_set_count = { "int", computed = true, doc = "how many records it has" },
  },

  declare = function(want)
    if (want.name == nil) == (want.zone_id == nil) then fail "a zone is found by name or by zone_id: say one of them" end
  end,

  list = function(aws, list)
    local found = {}
    items.each(aws, list, function(item)
      local id = item.zone_id or by_name(aws, item)
      local out = id and route53.zone(aws, id)
      if not out then return end
      local servers = {}
      for i, server in ipairs(out.DelegationSet and aws.list(out.DelegationSet.NameServers) or {}) do servers[i] = server end
      table.sort(servers)
      found[item._name] = {
        id = id,
        zone_id = id,
        name = route53.name(out.HostedZone.Name),
        private_zone = aws.bool(aws.list(out.HostedZone.Config).PrivateZone) or false,
        arn = ("arn:%s:route53:::hostedzone/%s"):format(aws.partition, id),
        comment = items.known(aws.list(out.HostedZone.Config).Comment) or "",
        name_servers = slipway.list(servers),
        resource_record_set_count = aws.int(out.HostedZone.ResourceRecordSetCount),
      }
    end)
    return found
  end,
}
