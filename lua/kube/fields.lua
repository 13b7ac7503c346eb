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

-- Does an element have these keys? One that the element leaves out has its default, which the server filled in: `loose` lets that pass.
local function fits(element, kind, wanted, loose)
  if kind == "v" then return tables.equal(element, wanted) end
  if type(element) ~= "table" then return false end
  for key, value in pairs(wanted) do
    if not (loose and element[key] == nil) and not tables.equal(element[key], value) then return false end
  end
  return true
end

--- The elements of a keyed list by the fields of a set that mean them ("k:..." or "v:..."): field -> element, and the fields in the order of
--- the list.
local function by_field(set, list)
  local found, order, taken = {}, {}, {}
  list = type(list) == "table" and list or {}
  for _, loose in ipairs { false, true } do
    for field in pairs(set) do
      local kind, text = field:match("^([kv]):(.*)$")
      if kind and found[field] == nil then
        local wanted = json.decode(text)
        for i, element in ipairs(list) do
          if not taken[i] and fits(element, kind, wanted, loose) then
            found[field], taken[i] = element, field
            break
          end
        end
      end
    end
  end
  for i in ipairs(list) do order[#order + 1] = taken[i] end
  return found, order
end

local function is_keyed(set)
  for field in pairs(set) do
    if field:find("^[kv]:") then return true end
  end
  return false
end

local function same(want, live, set, skip)
  if not skip and not has_members(set) then return tables.equal(want, live) end
  if type(want) ~= "table" or type(live) ~= "table" then return false end
  if is_keyed(set) then
    local ours, order = by_field(set, want)
    local theirs, their_order = by_field(set, live)
    if #order ~= #want or not tables.equal(order, their_order) then return false end
    for field, child in pairs(set) do
      if field:find("^[kv]:") then
        if ours[field] == nil or theirs[field] == nil then return false end
        if field:find("^k:") and not same(ours[field], theirs[field], child) then return false end
      end
    end
    return true
  end
  local ours = 0
  for key, value in pairs(want) do
    if not (skip and skip[key]) then
      local child = type(key) == "string" and set["f:" .. key]
      if not child then
        -- Servers before 1.21 do not count a member that holds nothing, such as emptyDir: {}.
        if type(value) ~= "table" or next(value) ~= nil or type(live[key]) ~= "table" then return false end
        child, ours = {}, ours - 1
        value = live[key]
      end
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
  if set and version ~= want.apiVersion then return false end
  -- Nobody is kept as the owner of an object that says nothing but who it is.
  set = tables.merge(set or {})
  set["f:metadata"] = set["f:metadata"] or {}
  return same(tables.merge(want, { metadata = want.metadata or {} }), live, set, IDENTITY)
end

-- What a set of fields covers of a value.
local function covered(value, set)
  if type(value) ~= "table" or not has_members(set) then return value end
  local part = {}
  if is_keyed(set) then
    local found, order = by_field(set, value)
    for i, field in ipairs(order) do part[i] = covered(found[field], set[field]) end
    return slipway.list(part)
  end
  for field, child in pairs(set) do
    local name = field:match("^f:(.*)$")
    if name and value[name] ~= nil then part[name] = covered(value[name], child) end
  end
  return part
end

local function in_both(order, others)
  local both = {}
  for _, field in ipairs(order) do
    if others[field] ~= nil then both[#both + 1] = field end
  end
  return both
end

local function overlay(want, live, would, now, before, whole)
  if want == nil or type(want) ~= "table" or not (whole or has_members(now)) then
    if tables.equal(live, would) then return want end
    return live
  end
  local absent = live == nil
  live, would, before = type(live) == "table" and live or {}, type(would) == "table" and would or {}, before or {}
  local out = {}
  if is_keyed(now) then
    local wanted, order = by_field(now, want)
    local is, is_order = by_field(now, live)
    local will, will_order = by_field(now, would)
    -- Servers keep the order they have: only where this one would change it, it counts.
    if not tables.equal(in_both(is_order, will), in_both(will_order, is)) then order = is_order end
    for _, field in ipairs(order) do
      if is[field] ~= nil then out[#out + 1] = overlay(wanted[field], is[field], will[field], now[field], before[field]) end
    end
    local gone = {}
    for field, child in pairs(before) do
      if field:find("^[kv]:") and not now[field] then gone[field] = child end
    end
    local left, left_order = by_field(gone, live)
    for _, field in ipairs(left_order) do out[#out + 1] = covered(left[field], gone[field]) end
    if absent then return nil end
    return slipway.list(out)
  end
  for key, value in pairs(want) do
    local child, was = now["f:" .. tostring(key)], before["f:" .. tostring(key)]
    if child then
      out[key] = overlay(value, live[key], would[key], child, was, whole and key == "metadata")
    elseif was and type(value) == "table" then -- nothing in it is ours any more
      out[key] = overlay(value, live[key], would[key], {}, was, true)
    else
      out[key] = value
    end
  end
  for field, child in pairs(before) do
    local name = field:match("^f:(.*)$")
    if name and not now[field] and want[name] == nil and live[name] ~= nil then out[name] = covered(live[name], child) end
  end
  if absent and next(out) == nil then return nil end
  return out
end

--- `want` as it is in the cluster: fields that an apply (whose dry run gave `would`) changes have their live values, fields of ours that are
--- not wanted any more are there, and everything else is as wanted. Equal to `want` when nothing changes.
function fields.have(want, live, would)
  local now, before = fields.owned(would) or {}, fields.owned(live) or {}
  local have = overlay(want, live, would, now, before, true)
  have.apiVersion, have.kind = want.apiVersion, want.kind
  return have
end

--- Fields of ours in `would` that are not yet in `live`, as texts (".spec.replicas"): `most` of them.
--- @param before table|nil what was wanted before: of these fields only
function fields.new(live, would, most, before)
  local found = {}
  local function look(now, is, path)
    for field, child in pairs(now) do
      if field ~= "." and #found < most then
        local name = field:match("^f:(.*)$")
        local at = name and path .. "." .. name or path .. "[" .. field:sub(3) .. "]"
        if is[field] ~= nil or has_members(child) then
          look(child, is[field] or {}, at)
        elseif not before or fields.has(before, at) then
          found[#found + 1] = at
        end
      end
    end
  end
  look(fields.owned(would) or {}, fields.owned(live) or {}, "")
  return found
end

--- Does the object say something at a path of the API's errors: .spec.containers[name="web"].image, .metadata.finalizers[="x"]?
function fields.has(object, path)
  local function find(value, rest)
    if rest == "" then return value ~= nil end
    if type(value) ~= "table" then return false end
    local inside, after = rest:match("^(%b[])(.*)$")
    if inside then
      for _, element in ipairs(value) do
        local fine = true
        for key, text in inside:sub(2, -2):gmatch('([%w_-]*)=("[^"]*")') do
          local part = element
          if key ~= "" then part = type(element) == "table" and element[key] or nil end
          fine = fine and (part == nil and key ~= "" or part == json.decode(text))
        end
        for key, text in inside:sub(2, -2):gmatch("([%w_-]+)=([%d.-]+)") do
          fine = fine and type(element) == "table" and (element[key] == nil or element[key] == tonumber(text))
        end
        if fine and find(element, after) then return true end
      end
      return false
    end
    -- Names hold dots, too: the longest that is there.
    for key, member in pairs(value) do
      local head = "." .. tostring(key)
      local follows = rest:sub(#head + 1, #head + 1)
      if rest:sub(1, #head) == head and (follows == "" or follows == "." or follows == "[") and find(member, rest:sub(#head + 1)) then return true end
    end
    return false
  end
  return find(object, path)
end

local LEFT_BEHIND = "kubectl-client-side-apply"
fields.LEFT_BEHIND = LEFT_BEHIND

--- What `kubectl apply` set is as good as ours when an object becomes ours: else what it set and we do not say would stay for ever.
--- The managedFields with that said in them; nil where there is nothing of the kind, or the object is ours already.
function fields.migrated(object)
  if fields.owned(object) then return nil end
  local entries, found = {}, false
  for i, entry in ipairs(object.metadata.managedFields or {}) do
    if entry.manager == LEFT_BEHIND and entry.operation == "Update" and not entry.subresource and not found then
      entry, found = tables.merge(entry, { manager = MANAGER, operation = "Apply" }), true
    end
    entries[i] = entry
  end
  return found and entries or nil
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

-- Secrets and references compare with nothing.
local function is_null(value) return slipway.is_known(value) and not slipway.is_secret(value) and value == slipway.null end

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
      if not is_null(element) then copy[key] = strip(element) end
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
