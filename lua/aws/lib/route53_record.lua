--- One record set of Route 53, between the schema's form and the wire's.
local route53, xml = require "aws/lib/route53", require "aws/lib/xml"

local record = {}

record.TYPES = { "A", "AAAA", "CAA", "CNAME", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SPF", "SRV", "SSHFP", "SVCB", "TLSA", "TXT" }

local is_type = {}
for _, name in ipairs(record.TYPES) do is_type[name] = true end

--- Values that are names.
local NAMES = { CNAME = true, NS = true, PTR = true }

--- A text in quotes, cut into strings of 255 bytes, when it has none yet.
local function quoted(text)
  if text:find('^"') then return text end
  local parts = {}
  for i = 1, math.max(#text, 1), 255 do parts[#parts + 1] = '"' .. text:sub(i, i + 254):gsub('(["\\])', "\\%1") .. '"' end
  return table.concat(parts, " ")
end

--- A value as it is compared and sent.
function record.value(kind, text)
  if kind == "TXT" or kind == "SPF" then return quoted(text) end
  if NAMES[kind] then return (text:lower():gsub("%.$", "")) end
  return text
end

local function alias_name(name) return (name:lower():gsub("%.$", "")) end

--- ZONE_NAME_TYPE or ZONE_NAME_TYPE_SETIDENTIFIER, as Terraform has it.
function record.id(zone, name, kind, identifier)
  return ("%s_%s_%s%s"):format(zone, name, kind, identifier and "_" .. identifier or "")
end

--- Zone, name, type and set identifier of an id; nil when it is none. Names are in small letters, types are not.
function record.parse(id)
  local zone, rest = id:match("^([^_]+)_(.+)$")
  if not zone then return nil end
  local start = 1
  while true do
    local from, to, kind = rest:find("_(%u+)", start)
    if not from then return nil end
    local after = rest:sub(to + 1)
    if is_type[kind] and (after == "" or after:find "^_") then
      return zone, rest:sub(1, from - 1), kind, after ~= "" and after:sub(2) or nil
    end
    start = from + 1
  end
end

--- A record of an answer in the schema's form.
--- @param item table what the user says: their way to write the name and the alias is kept when it means the same
function record.read(aws, item, zone, found)
  local name = route53.name(found.Name)
  local own = type(item.name) == "string" and route53.name(item.name)
  local values, alias = {}, found.AliasTarget
  for i, one in ipairs(aws.list(found.ResourceRecords)) do values[i] = record.value(found.Type, one.Value) end
  table.sort(values)
  local target = type(alias) == "table" and alias_name(alias.DNSName) or nil
  local wanted = type(item.alias) == "table" and item.alias.name
  if target and type(wanted) == "string" and target == "dualstack." .. wanted then target = wanted end
  local location = found.GeoLocation
  return {
    id = record.id(zone, name, found.Type, found.SetIdentifier),
    fqdn = name,
    zone_id = zone,
    name = own and (own == name or own .. "." == name:sub(1, #own + 1)) and own or name,
    type = found.Type,
    ttl = aws.int(found.TTL),
    records = not target and slipway.list(values) or nil,
    alias = target and { name = target, zone_id = alias.HostedZoneId, evaluate_target_health = aws.bool(alias.EvaluateTargetHealth) or false } or nil,
    set_identifier = found.SetIdentifier,
    health_check_id = found.HealthCheckId,
    weighted_routing_policy = found.Weight and { weight = aws.int(found.Weight) } or nil,
    latency_routing_policy = found.Region and { region = found.Region } or nil,
    failover_routing_policy = found.Failover and { type = found.Failover } or nil,
    geolocation_routing_policy = type(location) == "table"
      and { continent = location.ContinentCode, country = location.CountryCode, subdivision = location.SubdivisionCode } or nil,
    multivalue_answer_routing_policy = aws.bool(found.MultiValueAnswer),
  }
end

--- A record of the schema's form as an answer would have it, with this absolute name.
function record.to_wire(r, name)
  local values
  if r.records then
    values = {}
    for i, value in ipairs(r.records) do values[i] = { Value = record.value(r.type, value) } end
  end
  local location = r.geolocation_routing_policy
  return {
    Name = name,
    Type = r.type,
    SetIdentifier = r.set_identifier,
    Weight = r.weighted_routing_policy and r.weighted_routing_policy.weight,
    Region = r.latency_routing_policy and r.latency_routing_policy.region,
    GeoLocation = location and { ContinentCode = location.continent, CountryCode = location.country, SubdivisionCode = location.subdivision },
    Failover = r.failover_routing_policy and r.failover_routing_policy.type,
    MultiValueAnswer = r.multivalue_answer_routing_policy or nil,
    TTL = r.ttl,
    ResourceRecords = values,
    AliasTarget = r.alias and { HostedZoneId = r.alias.zone_id, DNSName = r.alias.name, EvaluateTargetHealth = r.alias.evaluate_target_health },
    HealthCheckId = r.health_check_id,
  }
end

--- A <Change> of a record in the wire's form. The order of the elements is Route 53's.
function record.change(action, found)
  local values, alias, location = {}, found.AliasTarget, found.GeoLocation
  for i, one in ipairs(type(found.ResourceRecords) == "table" and found.ResourceRecords or {}) do
    values[i] = xml.node("ResourceRecord", xml.text("Value", one.Value))
  end
  if type(alias) ~= "table" then alias = nil end
  if type(location) ~= "table" then location = nil end
  return xml.node("Change", xml.text("Action", action), xml.node("ResourceRecordSet",
    xml.text("Name", found.Name),
    xml.text("Type", found.Type),
    xml.text("SetIdentifier", found.SetIdentifier),
    xml.text("Weight", found.Weight),
    xml.text("Region", found.Region),
    location and xml.node("GeoLocation", xml.text("ContinentCode", location.ContinentCode), xml.text("CountryCode", location.CountryCode),
      xml.text("SubdivisionCode", location.SubdivisionCode)),
    xml.text("Failover", found.Failover),
    xml.text("MultiValueAnswer", found.MultiValueAnswer),
    not alias and xml.text("TTL", found.TTL),
    not alias and xml.list("ResourceRecords", values),
    alias and xml.node("AliasTarget", xml.text("HostedZoneId", alias.HostedZoneId), xml.text("DNSName", alias.DNSName),
      xml.text("EvaluateTargetHealth", alias.EvaluateTargetHealth)),
    xml.text("HealthCheckId", found.HealthCheckId)))
end

return record
