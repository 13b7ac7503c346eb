--- aws_route53_record: a record of a hosted zone.
local resource = require "resource"
local items, record, route53 = require "aws/lib/items", require "aws/lib/route53_record", require "aws/lib/route53"

--- So many records of a zone are asked for one by one; for more, the zone is listed.
local FEW = 2

local CONTENT = { "ttl", "records", "alias", "health_check_id" }
local ROUTING = {
  "weighted_routing_policy", "latency_routing_policy", "failover_routing_policy", "geolocation_routing_policy", "multivalue_answer_routing_policy",
}

--- Zone, absolute name, type and set identifier of an item that is to be read; nil otherwise.
local function wanted(aws, item)
  local id = items.id(item)
  if id then
    local zone, name, kind, identifier = record.parse(id)
    return zone and { zone = zone, name = route53.absolute(aws, zone, name), type = kind, identifier = identifier }
  end
  local zone = items.adopts(item) and items.known(item.zone_id)
  if zone and items.known(item.name) and items.known(item.type) then
    return { zone = zone, name = route53.absolute(aws, zone, item.name), type = item.type, identifier = item.set_identifier }
  end
end

--- For a read: the name in a recorded id is absolute already, unless it was written by hand.
local function asked(aws, item)
  local prior = item.prior
  if items.id(item) and prior.fqdn and prior.zone_id and prior.type then
    return { zone = prior.zone_id, name = route53.name(prior.fqdn), type = prior.type, identifier = prior.set_identifier }
  end
  return wanted(aws, item)
end

local function find(aws, zone, group, of)
  local found = {}
  if #group <= FEW then
    items.each(aws, group, function(item)
      local one = of[item._name]
      found[item._name] = route53.record(aws, zone, one.name, one.type, one.identifier)
    end)
    return found
  end
  local by = {}
  for _, one in ipairs(route53.records(aws, zone) or {}) do
    by[record.id(zone, route53.name(one.Name), one.Type, one.SetIdentifier)] = one
  end
  for _, item in ipairs(group) do
    local one = of[item._name]
    found[item._name] = by[record.id(zone, one.name, one.type, one.identifier)]
  end
  return found
end

local function refuse(aws, r, err, name, verb)
  if verb == "CREATE" and err.code == "InvalidChangeBatch" and err.message:find("already exists", 1, true) then
    return fail(("the zone has a %s record '%s' already, which this state does not know"):format(r.type, name),
      ("adopt it with: slipway import '%s' '%s'; or write over it with allow_overwrite = true"):format(r._address,
        record.id(r.zone_id, name, r.type, r.set_identifier)))
  end
  return aws:raise(err)
end

--- Writes the record, after the changes that are made along with it; its attributes.
local function put(aws, r, verb, changes, line)
  local name = route53.absolute(aws, r.zone_id, r.name)
  changes[#changes + 1] = record.change(verb, record.to_wire(r, name))
  local done, err = route53.change(aws, r.zone_id, changes, line)
  if not done then return refuse(aws, r, err, name, verb) end
  return { id = record.id(r.zone_id, name, r.type, r.set_identifier), fqdn = name }
end

--- Whether the record says already what is wanted: a value that was not known when the plan was made may turn out to be the same.
local function is_same(r, have)
  for _, names in ipairs { CONTENT, ROUTING } do
    for _, name in ipairs(names) do
      if r[name] ~= nil and not slipway.equal(r[name], have[name]) then return false end
    end
  end
  return true
end

--- Another name, type or identifier is another record: the old one goes in the same change.
local function update(aws, r, line)
  local have = r.have
  local id = record.id(r.zone_id, route53.absolute(aws, r.zone_id, r.name), r.type, r.set_identifier)
  if id == have.id and is_same(r, have) then return {} end
  if id == have.id then return put(aws, r, "UPSERT", {}, line) end
  local old = route53.record(aws, have.zone_id, have.fqdn, have.type, have.set_identifier)
  return put(aws, r, r.allow_overwrite and "UPSERT" or "CREATE", { old and record.change("DELETE", old) }, line)
end

return resource "aws_route53_record" {
  on = "api",
  provider = "aws",
  unique = true,
  doc = "A DNS record. Its id is ZONE_NAME_TYPE, or ZONE_NAME_TYPE_SETIDENTIFIER. Records of a zone that act at the same time go in one change.",
  schema = {
    zone_id = { "string", required = true, immutable = true, doc = "the zone's id" },
    name = { "string", required = true, doc = "the name; one that does not end in the zone's gets it" },
    type = { "string", required = true, one_of = record.TYPES, doc = "the type" },
    ttl = { "int", doc = "seconds an answer may be kept; an alias has none" },
    records = { "list", of = "string", doc = "the values; text is put in quotes where it has none" },
    alias = {
      "map",
      of = {
        name = { "string", required = true, doc = "the DNS name of a load balancer" },
        zone_id = { "string", required = true, doc = "its zone, such as a load balancer's zone_id" },
        evaluate_target_health = { "bool", required = true, doc = "whether it is left out when nothing behind it is well" },
      },
      doc = "instead of records: an AWS resource that answers for it",
    },
    set_identifier = { "string", doc = "tells records of one name and type apart, with a routing policy" },
    health_check_id = { "string", doc = "the health check that takes it out" },
    weighted_routing_policy = { "map", of = { weight = { "int", required = true, doc = "its share, 0 to 255" } }, doc = "answers by share" },
    latency_routing_policy = { "map", of = { region = { "string", required = true, doc = "where it is" } }, doc = "answers by distance" },
    failover_routing_policy = {
      "map",
      of = { type = { "string", required = true, one_of = { "PRIMARY", "SECONDARY" }, doc = "which it is" } },
      doc = "the second answers when the first is not well",
    },
    geolocation_routing_policy = {
      "map",
      of = {
        continent = { "string", doc = "two letters" },
        country = { "string", doc = "two letters, or * for all others" },
        subdivision = { "string", doc = "of the USA and Ukraine" },
      },
      doc = "answers by where the client is",
    },
    multivalue_answer_routing_policy = { "bool", doc = "whether up to eight of them are answered, those that are well" },
    allow_overwrite = { "bool", default = false, write_only = true, doc = "whether a create may write over a record that is there" },
    id = { "string", computed = true, doc = "ZONE_NAME_TYPE" },
    fqdn = { "string", computed = true, doc = "the whole name" },
  },

  declare = function(want)
    if (want.records == nil) == (want.alias == nil) then fail "a record needs either records or alias" end
    if want.alias == nil and want.ttl == nil then fail "a record without an alias needs ttl" end
    for _, name in ipairs(ROUTING) do
      if want[name] ~= nil and want.set_identifier == nil then fail(("a record with %s needs set_identifier"):format(name)) end
    end
  end,

  normalise = function(want)
    local out = {}
    for key, value in pairs(want) do out[key] = value end
    out.name = route53.name(want.name)
    if want.records then
      local list = {}
      for i, value in ipairs(want.records) do
        if slipway.is_secret(value) then fail "records: the value is a secret, and DNS is public" end
        list[i] = record.value(want.type, value)
      end
      table.sort(list)
      out.records = slipway.list(list)
    end
    if want.alias then
      out.alias = { name = route53.name(want.alias.name), zone_id = want.alias.zone_id, evaluate_target_health = want.alias.evaluate_target_health }
    end
    return out
  end,

  list = function(aws, list)
    local of = {}
    items.each(aws, list, function(item) of[item._name] = asked(aws, item) end)
    return items.by(aws, list, function(item) return of[item._name] and of[item._name].zone end, function(zone, group)
      local have = {}
      local found = find(aws, zone, group, of)
      for _, item in ipairs(group) do
        if found[item._name] then have[item._name] = record.read(aws, item, zone, found[item._name]) end
      end
      return have
    end)
  end,

  create = function(aws, r, line) return put(aws, r, (r.allow_overwrite or r.have) and "UPSERT" or "CREATE", {}, line) end,

  update = update,

  delete = function(aws, r, line)
    local one = asked(aws, { prior = r.have or r.prior })
    -- A delete has to repeat the record as it is.
    local found = one and route53.record(aws, one.zone, one.name, one.type, one.identifier)
    if not found then return end
    local done, err = route53.change(aws, one.zone, { record.change("DELETE", found) }, line)
    if not done and not err.message:find("not found", 1, true) then return aws:raise(err) end
  end,
}
