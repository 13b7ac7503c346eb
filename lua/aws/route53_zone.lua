--- aws_route53_zone: a domain's records, public or of some VPCs.
local resource = require "resource"
local items, route53, tags, xml = require "aws/lib/items", require "aws/lib/route53", require "aws/lib/tags", require "aws/lib/xml"

--- More zones than these are read from the account's list.
local FEW = 3

local function vpcs(aws, list)
  local out = {}
  for i, vpc in ipairs(aws.list(list)) do out[i] = { vpc_id = vpc.VPCId, vpc_region = vpc.VPCRegion } end
  table.sort(out, function(a, b) return a.vpc_id < b.vpc_id end)
  return slipway.list(out)
end

--- @param out table an answer of GetHostedZone or CreateHostedZone
local function read(aws, item, out, set)
  local zone = out.HostedZone
  local id, servers = route53.id(zone.Id), nil
  if out.DelegationSet then
    servers = {}
    for i, server in ipairs(aws.list(out.DelegationSet.NameServers)) do servers[i] = server end
    table.sort(servers)
    servers = slipway.list(servers)
  end
  return {
    id = id,
    zone_id = id,
    arn = ("arn:%s:route53:::hostedzone/%s"):format(aws.partition, id),
    name = route53.name(zone.Name),
    comment = type(zone.Config) == "table" and items.known(zone.Config.Comment) or "",
    vpc = vpcs(aws, out.VPCs or out.VPC),
    name_servers = servers,
    primary_name_server = servers and servers[1],
    tags = tags.read(aws, item, set),
  }
end

local function vpc_node(vpc) return xml.node("VPC", xml.text("VPCRegion", vpc.vpc_region), xml.text("VPCId", vpc.vpc_id)) end

local function with_region(aws, vpc) return { vpc_id = vpc.vpc_id, vpc_region = vpc.vpc_region or aws.region } end

--- Ties a private zone to a VPC, or frees it.
local function tie(aws, id, verb, vpc)
  local request = verb == "associatevpc" and "AssociateVPCWithHostedZoneRequest" or "DisassociateVPCFromHostedZoneRequest"
  local node = xml.node(request, vpc_node(with_region(aws, vpc)))
  local out, err = route53.post(aws, ("hostedzone/%s/%s"):format(id, verb), node, { idempotent = true })
  if not out and err.code ~= "ConflictingDomainExists" and err.code ~= "VPCAssociationNotFound" then aws:raise(err) end
end

local function by_vpc(list)
  local map = {}
  for _, vpc in ipairs(list or {}) do map[vpc.vpc_id] = vpc end
  return map
end

local function tie_all(aws, id, want, have)
  local wanted, tied = by_vpc(want), by_vpc(have)
  for key, vpc in pairs(wanted) do
    if not tied[key] then tie(aws, id, "associatevpc", vpc) end
  end
  for key, vpc in pairs(tied) do
    if not wanted[key] then tie(aws, id, "disassociatevpc", vpc) end
  end
end

--- The zone that a run which died made: its caller reference is the token.
local function made_by(aws, name, token)
  for _, zone in ipairs(route53.zones_named(aws, route53.name(name))) do
    if zone.CallerReference == token then return route53.id(zone.Id) end
  end
end

local function zone_of(aws, item, listed)
  local id = items.id(item)
  if id and listed then
    local zone = listed[id]
    return zone and { HostedZone = zone }
  end
  id = id or items.adopts(item) and made_by(aws, item.name, item._token)
  return id and route53.zone(aws, id) or nil
end

--- Everything but what AWS keeps at the zone's own name.
local function empty(aws, id, name)
  local changes = {}
  for _, record in ipairs(route53.records(aws, id) or {}) do
    local own = route53.name(record.Name) == name and (record.Type == "NS" or record.Type == "SOA")
    if not own then changes[#changes + 1] = require "aws/lib/route53_record".change("DELETE", record) end
  end
  items.each(aws, changes, function(change)
    local done, err = route53.change(aws, id, { change })
    if not done then aws:raise(err) end
  end)
end

local function delete(aws, id, name)
  local out, err = route53.delete_zone(aws, id)
  if out then return end
  if err.code ~= "HostedZoneNotEmpty" then return aws:raise(err) end
  local left = {}
  for _, record in ipairs(route53.records(aws, id) or {}) do
    local own = route53.name(record.Name) == name and (record.Type == "NS" or record.Type == "SOA")
    if not own then left[#left + 1] = route53.name(record.Name) .. " " .. record.Type end
  end
  return fail(("the zone %s cannot be deleted: it still has %d records: %s"):format(name, #left, table.concat(left, ", ", 1, math.min(#left, 10))),
    "delete them, or set force_destroy = true on the zone and apply that first")
end

local function update(aws, r)
  local id = r.have.id
  if r.comment and r.comment ~= r.have.comment then
    local out, err = route53.post(aws, "hostedzone/" .. id, xml.node("UpdateHostedZoneCommentRequest", xml.text("Comment", r.comment)), { idempotent = true })
    if not out then aws:raise(err) end
  end
  if r.vpc then tie_all(aws, id, r.vpc, r.have.vpc) end
  route53.retag(aws, id, tags.changes(aws, r))
  return items.rest(r)
end

return resource "aws_route53_zone" {
  on = "api",
  provider = "aws",
  doc = "A hosted zone: a domain's DNS. Its id is the zone's (Z...).",
  schema = {
    name = { "string", required = true, immutable = true, doc = "the domain" },
    comment = { "string", doc = "what it is for" },
    vpc = {
      "list",
      of = { vpc_id = { "string", required = true, doc = "the VPC" }, vpc_region = { "string", doc = "its region, when it is another than the provider's" } },
      doc = "makes the zone private: the VPCs that see it",
    },
    delegation_set_id = { "string", immutable = true, write_only = true, doc = "the reusable delegation set whose name servers it gets" },
    force_destroy = { "bool", default = false, doc = "whether a destroy takes the records in it along" },
    tags = tags.row,
    id = { "string", computed = true, doc = "the zone's id" },
    zone_id = { "string", computed = true, doc = "the zone's id" },
    arn = { "string", computed = true, doc = "its ARN" },
    name_servers = { "list", of = "string", computed = true, doc = "the name servers to delegate the domain to" },
    primary_name_server = { "string", computed = true, doc = "the first of them" },
  },

  normalise = function(want)
    local out = {}
    for key, value in pairs(want) do out[key] = value end
    out.name = route53.name(want.name)
    if want.vpc then
      local list = {}
      for i, vpc in ipairs(want.vpc) do list[i] = vpc end
      table.sort(list, function(a, b) return a.vpc_id < b.vpc_id end)
      out.vpc = slipway.list(list)
    end
    return out
  end,

  list = function(aws, list)
    local zones, ids, listed = {}, {}, nil
    local recorded = 0
    for _, item in ipairs(list) do recorded = recorded + (items.id(item) and 1 or 0) end
    if recorded > FEW then
      listed = {}
      for _, zone in ipairs(route53.zones(aws)) do listed[route53.id(zone.Id)] = zone end
    end
    items.each(aws, list, function(item) zones[item._name] = zone_of(aws, item, listed) end)
    for _, out in pairs(zones) do ids[#ids + 1] = route53.id(out.HostedZone.Id) end
    local sets, have = route53.tags(aws, ids), {}
    for _, item in ipairs(list) do
      local out = zones[item._name]
      if out then
        local found = read(aws, item, out, sets[route53.id(out.HostedZone.Id)])
        if listed then found.vpc = item.prior.vpc end -- not in the account's list
        have[item._name] = items.flagged(item, found, "force_destroy")
      end
    end
    return have
  end,

  create = function(aws, r, line)
    if r.have then return update(aws, r) end
    local vpc = r.vpc and r.vpc[1]
    local out, err = route53.post(aws, "hostedzone", xml.node("CreateHostedZoneRequest",
      xml.text("Name", r.name .. "."),
      vpc and vpc_node(with_region(aws, vpc)),
      xml.text("CallerReference", r._token),
      xml.node("HostedZoneConfig", xml.text("Comment", r.comment), xml.text("PrivateZone", vpc ~= nil)),
      xml.text("DelegationSetId", r.delegation_set_id)), { idempotent = true })
    if not out then
      -- A caller reference is nobody else's: an earlier try of this create has made the zone, or is about to.
      if err.code ~= "HostedZoneAlreadyExists" then return aws:raise(err) end
      out = aws:wait { what = "the hosted zone " .. r.name, within = 60, line = line, check = function()
        local id = made_by(aws, r.name, r._token)
        return id and route53.zone(aws, id), "not listed yet"
      end }
    end
    local id = route53.id(out.HostedZone.Id)
    if r.vpc then tie_all(aws, id, r.vpc, { vpc }) end
    local set = aws:tags(r)
    route53.retag(aws, id, set[1] and set)
    if out.ChangeInfo then route53.settle(aws, out.ChangeInfo, line) end
    local made = read(aws, r, out, {})
    made.vpc, made.tags = r.vpc or made.vpc, r.tags
    return made
  end,

  update = update,

  delete = function(aws, r)
    local gone = r.have or r.prior
    if r.force_destroy then empty(aws, gone.id, gone.name) end
    delete(aws, gone.id, gone.name)
  end,
}
