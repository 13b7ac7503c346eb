--- What an object says against what the cluster has, by the fields that are ours.
--
-- The API server keeps for each manager which fields it set (managedFields, in the form FieldsV1: "f:NAME" a member, "k:{...}" an element
-- of a list by its keys, "v:..." an element of a set by its value, "." the thing itself; no members: the value as a whole).
local tables = require "host/lib/tables"

local fields = {}

local MANAGER = "slipway"
-- Fields that say which object it is: nobody owns them.
local IDENTITY = { apiVersion = true, kind = true }
local IDENTITY_METADATA = { name = true, namespace = true }

local function has_members(set)
  for key in pairs(set) do
    if key ~= "." then return true end
  end
  return false
end

--- The fields that `manager` [slipway] set by server-side apply, with the apiVersion it did that in; nil when there are none.
function fields.owned(object, manager)
  local metadata = object and object.metadata or {}
  for _, entry in ipairs(metadata.managedFields or {}) do
    if entry.manager == (manager or MANAGER) and entry.operation == "Apply" and not entry.subresource then return entry.fieldsV1 or {}, entry.apiVersion end
  end
  return nil
end

--- Elements of a list by their keys in a set of fields: calls visit(field, element of list or nil) for each "k:" and "v:".
local function by_key(set, list, visit)
  for field, child in pairs(set) do
    local kind, text = field:match("^([kv]):(.*)$")
    if kind then
      local wanted, found = json.decode(text), nil
      for _, element in ipairs(type(list) == "table" and list or {}) do
        local fits = true
        if kind == "v" then
          fits = tables.equal(element, wanted)
        elseif type(element) ~= "table" then
          fits = false
        else
          -- A key that the element leaves out has its default: the server filled it in.
          for key, value in pairs(wanted) do fits = fits and (element[key] == nil or tables.equal(element[key], value)) end
        end
        if fits and not found then found = element end
      end
      visit(child, found)
    end
  end
end

local function is_keyed(set)
  for field in pairs(set) do
    if field:find("^[kv]:") then return true end
  end
  return false
end

local function same(want, live, set, skip)
  if not has_members(set) then return tables.equal(want, live) end
  if type(want) ~= "table" or type(live) ~= "table" then return false end
  if is_keyed(set) then
    local n, fits = 0, true
    by_key(set, want, function(_, element)
      n = n + 1
      fits = fits and element ~= nil
    end)
    if not fits or n ~= #want then return false end
    for field, child in pairs(set) do
      if field:find("^[kv]:") then
        local one, other
        by_key({ [field] = child }, want, function(_, element) one = element end)
        by_key({ [field] = child }, live, function(_, element) other = element end)
        if field:find("^k:") and not same(one, other, child) then return false end
        if other == nil then return false end
      end
    end
    return true
  end
  local ours = 0
  for key, value in pairs(want) do
    if not (skip and skip[key]) then
      local child = type(key) == "string" and set["f:" .. key]
      if not child then return false end
      ours = ours + 1
      local deeper = skip == IDENTITY and key == "metadata" and IDENTITY_METADATA or nil
      if deeper or has_members(child) then
        if type(value) ~= "table" or not same(value, live[key], child, deeper) then return false end
      elseif not tables.equal(value, live[key]) then
        return false
      end
    end
  end
  local theirs = 0
  for field in pairs(set) do
    if field:find("^f:") then theirs = theirs + 1 end
  end
  return ours == theirs
end

--- true when an apply of `want` would change nothing, as far as that can be told without asking: we own what it says and nothing else, and
--- each value is the one the cluster has. Values the server writes differently (1000m, 1) are not equal here: ask by a dry run.
function fields.unchanged(want, live)
  local set, version = fields.owned(live)
  if not set or version ~= want.apiVersion then return false end
  local whole = tables.merge(set)
  -- An object without metadata of its own has no f:metadata.
  if not whole["f:metadata"] then whole["f:metadata"] = {} end
  local metadata = want.metadata or {}
  local bare = true
  for key in pairs(metadata) do bare = bare and IDENTITY_METADATA[key] end
  if bare and not set["f:metadata"] then
    want = tables.merge(want)
    want.metadata, whole["f:metadata"] = nil, nil
  end
  return same(want, live, whole, IDENTITY)
end

-- What a set of fields covers of a value.
local function covered(value, set)
  if type(value) ~= "table" or not has_members(set) then return value end
  local part = {}
  if is_keyed(set) then
    by_key(set, value, function(child, element)
      if element ~= nil then part[#part + 1] = covered(element, child) end
    end)
    return slipway.list(part)
  end
  for field, child in pairs(set) do
    local name = field:match("^f:(.*)$")
    if name and value[name] ~= nil then part[name] = covered(value[name], child) end
  end
  return part
end

local function overlay(want, live, would, now, before)
  if want == nil or not has_members(now) or type(want) ~= "table" then
    if tables.equal(live, would) then return want end
    return live
  end
  live, would, before = type(live) == "table" and live or {}, type(would) == "table" and would or {}, before or {}
  local out = {}
  if is_keyed(now) then
    for field, child in pairs(now) do
      if field:find("^[kv]:") then
        local one = { [field] = child }
        local wanted, is, will
        by_key(one, want, function(_, element) wanted = element end)
        by_key(one, live, function(_, element) is = element end)
        by_key(one, would, function(_, element) will = element end)
        if is ~= nil then out[#out + 1] = overlay(wanted, is, will, child, before[field]) end
      end
    end
    for field, child in pairs(before) do
      if field:find("^[kv]:") and not now[field] then
        by_key({ [field] = child }, live, function(_, element)
          if element ~= nil then out[#out + 1] = covered(element, child) end
        end)
      end
    end
    return slipway.list(out)
  end
  for key, value in pairs(want) do
    local child = now["f:" .. tostring(key)]
    if not child then
      out[key] = value
    else
      out[key] = overlay(value, live[key], would[key], child, before["f:" .. key])
    end
  end
  for field, child in pairs(before) do
    local name = field:match("^f:(.*)$")
    if name and not now[field] and want[name] == nil and live[name] ~= nil then out[name] = covered(live[name], child) end
  end
  return out
end

--- `want` as it is in the cluster: fields that an apply (whose dry run gave `would`) changes have their live values, fields of ours that are
--- not wanted any more are there, and everything else is as wanted. Equal to `want` when nothing changes.
function fields.have(want, live, would)
  local now, before = fields.owned(would) or {}, fields.owned(live) or {}
  local have = overlay(want, live, would, now, before)
  have.apiVersion, have.kind = want.apiVersion, want.kind
  return have
end

--- The same without a dry run, for what is not known yet: members of maps are compared, lists as a whole.
function fields.roughly(want, live)
  if type(want) ~= "table" or type(live) ~= "table" then
    if type(want) == "userdata" and live ~= nil then return want end
    return live
  end
  if #want > 0 then
    local out = {}
    for i, value in ipairs(live) do out[i] = want[i] ~= nil and fields.roughly(want[i], value) or value end
    return slipway.list(out)
  end
  local out = {}
  for key, value in pairs(want) do
    if live[key] ~= nil then out[key] = fields.roughly(value, live[key]) end
  end
  return out
end

--- A copy for sending: without nulls, status and what only the server writes.
function fields.clean(object)
  local function strip(value)
    if type(value) ~= "table" then return value end
    local copy = {}
    if #value > 0 then
      for i, element in ipairs(value) do copy[i] = strip(element) end
      return slipway.list(copy)
    end
    local any = false
    for key, element in pairs(value) do
      any = true
      if element ~= slipway.null then copy[key] = strip(element) end
    end
    if not any then return value end -- {} and [] stay what they are
    return copy
  end
  local copy = strip(object)
  copy.status = nil
  if type(copy.metadata) == "table" then
    for _, key in ipairs { "creationTimestamp", "managedFields", "resourceVersion", "uid", "generation", "selfLink" } do copy.metadata[key] = nil end
  end
  return copy
end

return fields
