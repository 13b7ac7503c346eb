--- Route 53, as its types share it: names, changes that travel together, reads by zone.
local batch, items, xml = require "aws/lib/batch", require "aws/lib/items", require "aws/lib/xml"

local route53 = {}

local ROOT = "/2013-04-01/"
local NAMESPACE = "https://route53.amazonaws.com/doc/2013-04-01/"
local LISTS = { "ResourceRecordSet", "ResourceRecord", "NameServer", "VPC", "Tag", "ResourceTagSet" }

--- Changes of one request. A request holds 1,000 values and 32,000 letters at most, and an UPSERT counts twice.
local PER_REQUEST = 50

--- A name as it is compared: small letters, no dot at the end, `\052` as `*`.
function route53.name(text)
  local plain = text:gsub("\\(%d%d%d)", function(octal) return string.char(tonumber(octal, 8)) end)
  return (plain:lower():gsub("%.$", ""))
end

--- "Z123" of "/hostedzone/Z123".
function route53.id(text) return text:match("([^/]+)$") end

function route53.get(aws, action, path, query)
  return aws.route53:try("GET", ROOT .. path, { action = action, query = query, lists = LISTS })
end

--- The action is called as the document, without "Request".
function route53.post(aws, path, root, options)
  options = options or {}
  options.action, options.body, options.lists = root[1]:gsub("Request$", ""), xml.document(root, NAMESPACE), LISTS
  return aws.route53:try("POST", ROOT .. path, options)
end

function route53.delete_zone(aws, id)
  return aws.route53:try("DELETE", ROOT .. "hostedzone/" .. id, { action = "DeleteHostedZone", lists = LISTS, gone = { "NoSuchHostedZone" } })
end

--- All zones of the account.
function route53.zones(aws)
  return aws.route53:pages(ROOT .. "hostedzone", "HostedZones", { action = "ListHostedZones", query = { maxitems = "100" }, lists = { "HostedZone" } })
end

--- The zones of one name, as ListHostedZonesByName gives them.
function route53.zones_named(aws, name)
  local out, err = aws.route53:try("GET", ROOT .. "hostedzonesbyname", {
    action = "ListHostedZonesByName", query = { dnsname = name .. ".", maxitems = "100" }, lists = { "HostedZone" },
  })
  if not out then return aws:raise(err) end
  local found = {}
  for _, zone in ipairs(aws.list(out.HostedZones)) do
    if route53.name(zone.Name) == name then found[#found + 1] = zone end
  end
  return found
end

--- A zone of GetHostedZone, or nil.
function route53.zone(aws, id)
  local out, err = route53.get(aws, "GetHostedZone", "hostedzone/" .. id)
  if out then return out end
  return err.code ~= "NoSuchHostedZone" and aws:raise(err) or nil
end

--- The name of a zone, asked for once.
function route53.zone_name(aws, id)
  return items.kept(aws, "the name of " .. id, function()
    local zone = route53.zone(aws, id)
    if not zone then return fail(("there is no hosted zone '%s'"):format(id)) end
    return route53.name(zone.HostedZone.Name)
  end)
end

--- The whole name of a record: one that does not end in the zone's gets it.
function route53.absolute(aws, zone, name)
  local plain, of = route53.name(name), route53.zone_name(aws, zone)
  if plain == of or plain:sub(-#of - 1) == "." .. of then return plain end
  return plain == "" and of or plain .. "." .. of
end

--- All records of a zone; nil when there is no such zone.
function route53.records(aws, zone)
  local all, err = aws.route53:try_pages(("%shostedzone/%s/rrset"):format(ROOT, zone), "ResourceRecordSets", {
    action = "ListResourceRecordSets", query = { maxitems = "300" }, lists = LISTS,
  })
  return all or err.code ~= "NoSuchHostedZone" and aws:raise(err) or nil
end

--- One record, or nil. `name` is absolute.
function route53.record(aws, zone, name, kind, identifier)
  -- Records of one name and type that differ in their identifier follow each other.
  local query = { name = name .. ".", type = kind, maxitems = identifier and "100" or "1" }
  local out, err = route53.get(aws, "ListResourceRecordSets", ("hostedzone/%s/rrset"):format(zone), query)
  if not out then return err.code ~= "NoSuchHostedZone" and aws:raise(err) or nil end
  for _, record in ipairs(aws.list(out.ResourceRecordSets)) do
    if route53.is(record, name, kind, identifier) then return record end
  end
  return nil
end

--- Whether a record is the one of that name, type and set identifier.
function route53.is(record, name, kind, identifier)
  return route53.name(record.Name) == name and record.Type == kind and (record.SetIdentifier or "") == (identifier or "")
end

--- Waits until all name servers know a change.
function route53.settle(aws, change, line)
  local id = route53.id(change.Id)
  if change.Status == "INSYNC" then return end
  items.kept(aws, "the change " .. id, function() return aws:wait { what = "the DNS change " .. id, within = 1800, every = 2, line = line, check = function()
    local out, err = route53.get(aws, "GetChange", "change/" .. id)
    if not out then return aws:raise(err) end
    return out.ChangeInfo.Status == "INSYNC", out.ChangeInfo.Status
  end } end)
end

local function submit(aws, zone, entries)
  local changes = {}
  for _, entry in ipairs(entries) do
    for _, change in ipairs(entry) do changes[#changes + 1] = change end
  end
  return route53.post(aws, ("hostedzone/%s/rrset"):format(zone),
    xml.node("ChangeResourceRecordSetsRequest", xml.node("ChangeBatch", xml.list("Changes", changes))), { retry = { "PriorRequestNotComplete" } })
end

--- Makes changes to a zone, together with others that come at the same time, and waits until they are known everywhere.
--- @param changes table nodes <Change> that are made all or none
--- @return true, or nil and the error when Route 53 refuses them
function route53.change(aws, zone, changes, line)
  local out = batch(aws, "route53 " .. zone, changes, PER_REQUEST, function(entries)
    local answer, err = submit(aws, zone, entries)
    if answer then return answer end
    if #entries > 1 and err.code == "InvalidChangeBatch" then return nil end
    return { refused = err }
  end)
  if out.refused then return nil, out.refused end
  route53.settle(aws, out.ChangeInfo, line)
  return true
end

--- Tags of zones by their id, ten to a call.
function route53.tags(aws, ids)
  local found = {}
  local chunks = {}
  for i, id in ipairs(ids) do
    local n = (i - 1) // 10 + 1
    chunks[n] = chunks[n] or {}
    table.insert(chunks[n], xml.text("ResourceId", id))
  end
  items.each(aws, chunks, function(chunk)
    local out, err = route53.post(aws, "tags/hostedzone", xml.node("ListTagsForResourcesRequest", xml.list("ResourceIds", chunk)), { idempotent = true })
    if out then
      for _, set in ipairs(aws.list(out.ResourceTagSets)) do found[set.ResourceId] = aws.list(set.Tags) end
    elseif err.code ~= "NoSuchHostedZone" then
      aws:raise(err)
    elseif #chunk > 1 then -- one unknown zone fails them all
      for _, one in ipairs(chunk) do found[one[2]] = route53.tags(aws, { one[2] })[one[2]] end
    end
  end)
  return found
end

--- Sets and removes tags of a zone.
function route53.retag(aws, id, set, remove)
  if not set and not remove then return end
  local add, gone = {}, {}
  for i, tag in ipairs(set or {}) do add[i] = xml.node("Tag", xml.text("Key", tag.Key), xml.text("Value", tag.Value)) end
  for i, key in ipairs(remove or {}) do gone[i] = xml.text("Key", key) end
  local out, err = route53.post(aws, "tags/hostedzone/" .. id, xml.node("ChangeTagsForResourceRequest",
    set and xml.list("AddTags", add), remove and xml.list("RemoveTagKeys", gone)), { idempotent = true })
  return out or aws:raise(err)
end

return route53
