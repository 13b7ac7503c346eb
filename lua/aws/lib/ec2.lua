--- What EC2's types share: finding what is recorded or begun, tags, ARNs, attributes that were set.
local tags = require "aws/lib/tags"

local ec2 = {}

--- The texts of a list, each once, in order.
local function distinct(values)
  local seen, list = {}, {}
  for _, value in ipairs(values) do
    if not seen[value] then
      seen[value], list[#list + 1] = true, value
    end
  end
  return list
end
ec2.distinct = distinct

--- An attribute of a list item that is a text that can go into a request: not unset, not known after apply only.
function ec2.text(value)
  return type(value) == "string" and value ~= "" and value or nil
end

local open = {} -- client and key -> what is being gathered
local gathered = 0

--- One read for all who ask in the same turn of a refresh: the types that read the same kind of thing. Gives fetch(all their ids).
function ec2.gather(aws, key, ids, fetch)
  if #ids == 0 then return {} end
  open[aws] = open[aws] or {}
  local batch = open[aws][key]
  if not batch then
    gathered = gathered + 1
    batch = { ids = {}, name = ("%s %d"):format(key, gathered) }
    open[aws][key] = batch
  end
  for _, id in ipairs(ids) do batch.ids[#batch.ids + 1] = id end
  return aws:once(batch.name, function()
    aws:sleep(0)
    if open[aws] and open[aws][key] == batch then
      open[aws][key] = nil
      if not next(open[aws]) then open[aws] = nil end
    end
    return fetch(distinct(batch.ids))
  end)
end

--- What is recorded of an item, or begun by a run that did not finish: item._name -> what the API said of it.
--- @param how { action, set, id, filter, alive, params }
---   `id` names the field of the id, `filter` the filter of it, `alive(found)` is false for what is deleted and only still shown
function ec2.find(aws, items, how)
  local ids, tokens, wanted = {}, {}, {}
  for _, item in ipairs(items) do
    local id, token = ec2.text(item.prior and item.prior.id), ec2.text(item._token)
    if id then
      ids[#ids + 1] = id
      wanted[#wanted + 1] = { name = item._name, key = id }
    elseif token then
      tokens[#tokens + 1] = token
      wanted[#wanted + 1] = { name = item._name, key = token }
    end
  end
  local by_key = {}
  local function take(list, key_of)
    for _, one in ipairs(list) do
      if not how.alive or how.alive(one) then by_key[key_of(one) or ""] = one end
    end
  end
  take(aws.ec2:by_ids(how.action, how.filter, distinct(ids), how.set, how.params), function(one) return one[how.id] end)
  take(aws.ec2:by_ids(how.action, "tag:slipway:token", distinct(tokens), how.set, how.params), function(one) return aws.token_of(aws.list(one.tagSet)) end)
  local found = {}
  for _, item in ipairs(wanted) do found[item.name] = by_key[item.key] end
  return found
end

--- The `list` function of a type that is found by `how` and read by read(aws, found, item).
function ec2.lister(how, read)
  return function(aws, items)
    local found, have = ec2.find(aws, items, how), {}
    for _, item in ipairs(items) do
      local one = found[item._name]
      if one then have[item._name] = read(aws, one, item) end
    end
    return have
  end
end

--- The one thing with this id, or nil.
function ec2.one(aws, how, id)
  local one = aws.ec2:by_ids(how.action, how.filter, { id }, how.set, how.params)[1]
  return one and (not how.alive or how.alive(one)) and one or nil
end

--- An answer may be too old to know what was made a moment ago: its next read is tried until it does.
function ec2.await(aws, how, id, what)
  return aws:wait {
    what = what .. " " .. id, within = 120,
    check = function() return ec2.one(aws, how, id), "not shown yet" end,
  }
end

--- What the API does not tell of a thing: as recorded, or as wanted where nothing is.
function ec2.kept(item, name)
  local prior = item.prior and item.prior[name]
  if prior ~= nil then return prior end
  return item[name]
end

--- The id of what an update or a delete is about.
function ec2.id(r)
  return r.have and r.have.id or r.prior and r.prior.id or r.id
end

function ec2.arn(aws, owner, resource)
  return owner and ("arn:%s:ec2:%s:%s:%s"):format(aws.partition, aws.region, owner, resource)
end

--- TagSpecification of a create.
function ec2.specification(aws, kind, r)
  return { { ResourceType = kind, Tag = aws:tags(r) } }
end

--- Sets and removes tags, so that those of r.have become those of r.
function ec2.retag(aws, r, id)
  local set, remove = tags.changes(aws, r)
  if set then aws.ec2:call("CreateTags", { ResourceId = { id }, Tag = set }) end
  if remove then
    local keys = {}
    for i, key in ipairs(remove) do keys[i] = { Key = key } end
    aws.ec2:call("DeleteTags", { ResourceId = { id }, Tag = keys })
  end
end

--- Filters of a data source: `filter` and `tags` of it, and more as name -> value. nil values are left out.
function ec2.filters(r, more)
  local list = {}
  for name, value in pairs(more or {}) do list[#list + 1] = { Name = name, Value = { tostring(value) } } end
  for _, filter in ipairs(r.filter or {}) do list[#list + 1] = { Name = filter.name, Value = filter.values } end
  for key, value in pairs(r.tags or {}) do list[#list + 1] = { Name = "tag:" .. key, Value = { value } } end
  return list
end

ec2.filter_row = {
  "list", doc = "filters of the API, all of which must match: { name = \"...\", values = { \"...\" } }",
  of = {
    name = { "string", required = true, doc = "the filter's name" },
    values = { "list", of = "string", required = true, doc = "values, one of which must match" },
  },
}

--- One read a distinct request: items that ask the same share the answer. read(item) -> attributes; key(item) tells requests apart.
function ec2.data(items, read)
  local have = {}
  for _, item in ipairs(items) do have[item._name] = read(item) end
  return have
end

return ec2
