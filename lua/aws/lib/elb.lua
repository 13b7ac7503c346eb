--- Elastic Load Balancing, as its types share it: reads of many, tags, attributes that travel as key and value.
local items, tags = require "aws/lib/items", require "aws/lib/tags"

local elb = {}

--- DescribeTags takes so many ARNs.
local TAGGED = 20

--- Tags of things by their ARN: a list of { Key, Value } each. What is gone by now has none.
function elb.tags(aws, arns)
  local chunks, found = {}, {}
  for i, arn in ipairs(arns) do
    local n = (i - 1) // TAGGED + 1
    chunks[n] = chunks[n] or {}
    table.insert(chunks[n], arn)
  end
  items.each(aws, chunks, function(chunk)
    local out, err = aws.elbv2:try("DescribeTags", { ResourceArns = chunk })
    if out then
      for _, one in ipairs(aws.list(out.TagDescriptions)) do found[one.ResourceArn] = aws.list(one.Tags) end
    elseif not err.code:find("NotFound$") then
      aws:raise(err)
    elseif #chunk > 1 then -- one unknown ARN fails them all
      for _, arn in ipairs(chunk) do found[arn] = elb.tags(aws, { arn })[arn] end
    end
  end)
  return found
end

--- Brings tags in line.
function elb.retag(aws, arn, r)
  local set, remove = tags.changes(aws, r)
  if set then aws.elbv2:call("AddTags", { ResourceArns = { arn }, Tags = set }, { idempotent = true }) end
  if remove then aws.elbv2:call("RemoveTags", { ResourceArns = { arn }, TagKeys = remove }, { idempotent = true }) end
end

--- The answer's entries under `list`; nil when one of `missing` says that what was asked for is gone.
function elb.find(aws, action, params, list, missing)
  local out, err = aws.elbv2:try(action, params)
  if out then return aws.list(out[list]) end
  for _, code in ipairs(missing) do
    if err.code == code then return nil end
  end
  return aws:raise(err)
end

--- Things of one kind: those that items have recorded, and those that a run which died made, by their name and token.
--- @param kind { action, list, arn, name } the fields of the answer
--- @return table item._name -> { thing, its tags }
function elb.find_all(aws, list, kind, name_of)
  local wanted = {}
  for _, item in ipairs(list) do
    if items.id(item) or items.adopts(item) then wanted[#wanted + 1] = item end
  end
  if #wanted == 0 then return {} end
  local by_arn, by_name, arns, found = {}, {}, {}, {}
  for _, thing in ipairs(aws.elbv2:pages(kind.action, { PageSize = 400 }, kind.list)) do
    by_arn[thing[kind.arn]], by_name[thing[kind.name]] = thing, thing
  end
  local function thing_of(item)
    local id = items.id(item)
    if id then return by_arn[id] end
    return by_name[name_of(item)]
  end
  for _, item in ipairs(wanted) do
    local thing = thing_of(item)
    if thing then arns[#arns + 1] = thing[kind.arn] end
  end
  local tagged = elb.tags(aws, arns)
  for _, item in ipairs(wanted) do
    local thing = thing_of(item)
    local set = thing and tagged[thing[kind.arn]] or {}
    if thing and (items.id(item) or aws.token_of(set) == item._token) then found[item._name] = { thing = thing, tags = set } end
  end
  return found
end

--- A create of something that has a name gives the thing of that name when the settings are the same, so the name is looked up first.
--- @return table? what a lost answer of this create left behind
function elb.existing(aws, r, name, what, action, list, arn, missing)
  local thing = (elb.find(aws, action, { Names = { name } }, list, missing) or {})[1]
  if not thing then return nil end
  if aws.token_of(elb.tags(aws, { thing[arn] })[thing[arn]] or {}) == r._token then return thing end
  return fail(("there is a %s '%s' already, which this state does not know"):format(what, name),
    ("adopt it with: slipway import '%s' '%s'; or choose another name"):format(r._address, thing[arn]))
end

--- The name to make something by. ELB's names are 32 letters at most.
function elb.name(r)
  if r.have and r.have.name then return r.have.name end
  if r.name_prefix then return r.name_prefix .. sha256(r._token or r._address):sub(1, 20) end
  return r.name
end

elb.name_rows = {
  name = { "string", immutable = true, doc = "its name, 32 letters, digits and hyphens at most; without one, that of the resource" },
  name_prefix = { "string", immutable = true, write_only = true, doc = "instead of name: up to 6 characters its name begins with, made unique by slipway" },
}

--- Refuses a name that AWS would refuse.
function elb.check_name(want, name)
  local given = want.name or (not want.name_prefix and name) or nil
  if type(given) == "string" and (not given:find("^%w[%w-]*$") or #given > 32 or given:find("%-$") or given:find("^internal%-")) then
    return fail(("'%s' is no name for it: 1 to 32 letters, digits and hyphens, no hyphen at an end, not internal-..."):format(given),
      'set name = "..." or name_prefix = "..."')
  end
  if type(want.name_prefix) == "string" and (not want.name_prefix:find("^%w[%w-]*$") or #want.name_prefix > 6) then
    return fail(("name_prefix: expected 1 to 6 letters, digits and hyphens, got '%s'"):format(want.name_prefix))
  end
end

--- --- Attributes: an attribute of the schema is { key, type, doc } or { doc = , of = { name = { key, type, doc } } }.

--- Schema rows of attributes, added to `schema`.
function elb.rows(attributes, schema)
  for name, spec in pairs(attributes) do
    if spec.of then
      schema[name] = { "map", of = elb.rows(spec.of, {}), doc = spec.doc }
    else
      schema[name] = { spec[2], doc = spec[3] }
    end
  end
  return schema
end

function elb.sets_any(item, attributes)
  for name in pairs(attributes) do
    if item[name] ~= nil then return true end
  end
  return false
end

local function typed(aws, kind, value)
  if value == nil then return nil end
  if kind == "bool" then return aws.bool(value) end
  if kind == "int" then return aws.int(value) end
  return value
end

local function read_into(aws, values, attributes)
  local out = {}
  for name, spec in pairs(attributes) do
    if spec.of then
      local inner = read_into(aws, values, spec.of)
      if next(inner) ~= nil then out[name] = inner end
    else
      out[name] = typed(aws, spec[2], values[spec[1]])
    end
  end
  return out
end

--- The attributes of an answer (a list of { Key, Value }) as the schema has them.
function elb.read_attributes(aws, list, attributes)
  local values = {}
  for _, one in ipairs(aws.list(list)) do values[one.Key] = one.Value end
  return read_into(aws, values, attributes)
end

local function add_changes(changes, want, have, attributes)
  for name, spec in pairs(attributes) do
    local value = want[name]
    if value ~= nil and spec.of then
      add_changes(changes, value, have[name] or {}, spec.of)
    elseif value ~= nil and value ~= have[name] then
      changes[#changes + 1] = { Key = spec[1], Value = tostring(value) }
    end
  end
  return changes
end

--- What has to be set for r, over r.have: a list of { Key, Value }, empty when there is nothing.
function elb.changed_attributes(r, attributes)
  return add_changes({}, r, r.have or {}, attributes)
end

--- A copy with these lists of texts in order, so that another order is no difference.
function elb.sorted(want, ...)
  local out = {}
  for key, value in pairs(want) do out[key] = value end
  for _, name in ipairs { ... } do
    if type(out[name]) == "table" then
      local list = {}
      for i, value in ipairs(out[name]) do list[i] = value end
      table.sort(list)
      out[name] = slipway.list(list)
    end
  end
  return out
end

return elb
