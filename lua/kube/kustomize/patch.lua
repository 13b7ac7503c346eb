--- Patches of kustomizations: strategic merge (by the merge keys of Kubernetes' own kinds), JSON 6902, and which objects they are for.
local kinds = require "kube/kinds"
local tables = require "host/lib/tables"

local patch = {}

-- Lists of Kubernetes' own kinds whose elements are merged, by the member that tells them apart. Others are replaced as a whole.
local MERGE_KEYS = {
  containers = "name", initContainers = "name", ephemeralContainers = "name", env = "name", volumes = "name", volumeMounts = "mountPath",
  volumeDevices = "devicePath", imagePullSecrets = "name", hostAliases = "ip", topologySpreadConstraints = "topologyKey", webhooks = "name",
  secrets = "name", ownerReferences = "uid", conditions = "type",
}
local SETS = { finalizers = true }

local function copy(value)
  if type(value) ~= "table" then return value end
  local made = {}
  for key, member in pairs(value) do made[key] = copy(member) end
  return #made > 0 and slipway.list(made) or next(value) == nil and value or made
end
patch.copy = copy

local function is_null(value) return type(value) == "userdata" and value == slipway.null end

--- The member that tells the elements of a list apart, or nil.
local function key_of(name, list, built_in)
  if not built_in then return nil end
  local key = MERGE_KEYS[name]
  if name == "ports" then key = list[1] and type(list[1]) == "table" and list[1].containerPort ~= nil and "containerPort" or "port" end
  for _, element in ipairs(list) do
    if type(element) ~= "table" or element["$patch"] == nil and key and element[key] == nil then return nil end
  end
  return key
end

local merge

local function merge_list(base, over, key, built_in)
  local result, at = {}, {}
  local replaced = false
  for _, element in ipairs(over) do replaced = replaced or element["$patch"] == "replace" and element[key] == nil end
  -- What the patch says comes first.
  for _, element in ipairs(over) do
    if element[key] ~= nil then
      local found
      for i, each in ipairs(base) do
        if type(each) == "table" and each[key] == element[key] and not at[i] then found = i break end
      end
      if found then at[found] = true end
      if element["$patch"] ~= "delete" then
        result[#result + 1] = merge(found and not replaced and element["$patch"] ~= "replace" and base[found] or {}, element, built_in)
      end
    end
  end
  for i, each in ipairs(base) do
    if not at[i] and not replaced then result[#result + 1] = each end
  end
  return slipway.list(result)
end

--- `over` laid on `base`, neither changed.
function merge(base, over, built_in)
  if over["$patch"] == "replace" then base = {} end
  local result = tables.merge(type(base) == "table" and #base == 0 and base or {})
  for name, value in pairs(over) do
    local gone = type(name) == "string" and name:match("^%$deleteFromPrimitiveList/(.*)$")
    if gone then
      local left = {}
      for _, each in ipairs(result[gone] or {}) do
        local stays = true
        for _, other in ipairs(value) do stays = stays and other ~= each end
        if stays then left[#left + 1] = each end
      end
      result[gone] = slipway.list(left)
    elseif type(name) == "string" and name:find("^%$") then -- $patch, $setElementOrder, $retainKeys
      if name == "$retainKeys" then
        local keep = {}
        for _, each in ipairs(value) do keep[each] = true end
        for key in pairs(result) do
          if not keep[key] then result[key] = nil end
        end
      end
    elseif is_null(value) then
      result[name] = nil
    elseif type(value) == "table" and #value > 0 then
      local was = type(result[name]) == "table" and result[name] or {}
      local key = key_of(name, value, built_in)
      if key then
        result[name] = merge_list(was, value, key, built_in)
      elseif built_in and SETS[name] then
        local all, seen = {}, {}
        for _, list in ipairs { value, was } do
          for _, each in ipairs(list) do
            if not seen[each] then all[#all + 1] = each end
            seen[each] = true
          end
        end
        result[name] = slipway.list(all)
      else
        result[name] = copy(value)
      end
    elseif type(value) == "table" and next(value) ~= nil then
      if value["$patch"] == "delete" then
        result[name] = nil
      else
        result[name] = merge(result[name] or {}, value, built_in)
      end
    else
      result[name] = type(value) == "table" and type(result[name]) == "table" and #result[name] == 0 and result[name] or value
    end
  end
  return result
end

--- An object with a strategic merge patch on it; nil where the patch deletes it.
function patch.merge(object, over)
  if over["$patch"] == "delete" then return nil end
  over = tables.merge(over, { apiVersion = object.apiVersion, kind = object.kind })
  over.metadata = tables.merge(over.metadata or {}, { name = object.metadata.name, namespace = object.metadata.namespace })
  return merge(object, over, kinds.is_built_in(object))
end

-- JSON 6902 ------------------------------------------------------------------------------------------------------------------------------------

local function steps_of(pointer, refuse)
  if type(pointer) ~= "string" or pointer ~= "" and pointer:sub(1, 1) ~= "/" then refuse "path: '/a/b' wanted" end
  local steps = {}
  for step in pointer:gmatch("/([^/]*)") do steps[#steps + 1] = (step:gsub("~1", "/"):gsub("~0", "~")) end
  return steps
end

local function member(at, step)
  if type(at) ~= "table" then return nil end
  if #at > 0 then
    local index = math.tointeger(tonumber(step))
    return index and at[index + 1] or nil
  end
  return at[step]
end

local function find(object, steps, upto)
  for i = 1, upto do
    object = member(object, steps[i])
    if object == nil then return nil end
  end
  return object
end

local function put(object, steps, value, how, refuse, pointer)
  local at = find(object, steps, #steps - 1)
  local last = steps[#steps]
  if type(at) ~= "table" then refuse(("'%s': there is no such place"):format(pointer)) end
  if how ~= "add" and member(at, last) == nil then refuse(("'%s' is not there"):format(pointer)) end
  local index = last == "-" and #at + 1 or (math.tointeger(tonumber(last)) or -1) + 1
  if #at > 0 or last == "-" then
    if how == "remove" then
      table.remove(at, index)
    elseif how == "replace" then
      at[index] = value
    else
      if index < 1 or index > #at + 1 then refuse(("'%s': the list has %d elements"):format(pointer, #at)) end
      table.insert(at, index, value)
    end
    if #at > 0 then return end
    -- The last is gone: a list it stays.
    local parent = find(object, steps, #steps - 2)
    if parent and #steps > 1 then parent[steps[#steps - 1]] = slipway.list {} end
  elseif how == "remove" then
    at[last] = nil
  else
    at[last] = value
  end
end

--- The object changed by a list of operations.
function patch.json(object, operations, refuse)
  object = copy(object)
  for i, each in ipairs(operations) do
    local function no(text) refuse(("operation %d: %s"):format(i, text)) end
    local op, path = each.op, each.path
    local steps = steps_of(path, no)
    if #steps == 0 then no "path: the whole object cannot be changed" end
    if op == "add" or op == "replace" then
      put(object, steps, copy(each.value), op, no, path)
    elseif op == "remove" then
      put(object, steps, nil, op, no, path)
    elseif op == "test" then
      if not tables.equal(find(object, steps, #steps), each.value) then no(("test: '%s' is something else"):format(path)) end
    elseif op == "copy" or op == "move" then
      local from = steps_of(each.from, no)
      local value = copy(find(object, from, #from))
      if value == nil then no(("from: '%s' is not there"):format(tostring(each.from))) end
      if op == "move" then put(object, from, nil, "remove", no, each.from) end
      put(object, steps, value, "add", no, path)
    else
      no(("op: add, remove, replace, test, copy or move wanted, not '%s'"):format(tostring(op)))
    end
  end
  return object
end

-- Which objects ---------------------------------------------------------------------------------------------------------------------------------

-- Target names are regular expressions; of these, what Lua's patterns can say: . * + ? [...] and alternatives by |.
local function matches(text, expression, refuse)
  if expression == nil or expression == "" then return true end
  if expression:find("[\\(){}]") then refuse(("target: the expression '%s' is more than . * + ? [...] and |"):format(expression)) end
  for alternative in (expression .. "|"):gmatch("([^|]*)|") do
    local pattern = alternative:gsub("^%^", ""):gsub("%$$", ""):gsub("[-%%]", "%%%0")
    if (text or ""):find("^" .. pattern .. "$") then return true end
  end
  return false
end

local function selected(labels, selector, refuse)
  if not selector then return true end
  for part in (selector .. ","):gmatch("%s*([^,]+)%s*,") do
    local key, sign, value = part:match("^([^!=%s]+)%s*([!=]+)%s*(.-)%s*$")
    if key and (sign == "=" or sign == "==") then
      if (labels or {})[key] ~= value then return false end
    elseif key and sign == "!=" then
      if (labels or {})[key] == value then return false end
    elseif part:find("^!?[%w./_-]+$") then
      if ((labels or {})[part:gsub("^!", "")] == nil) ~= (part:sub(1, 1) == "!") then return false end
    else
      refuse(("target: the selector '%s' is not understood"):format(part))
    end
  end
  return true
end

local TARGET = { group = true, version = true, kind = true, name = true, namespace = true, labelSelector = true, annotationSelector = true }

--- Is a patch with this target for an object? Names are those that the object had in its own file, too.
function patch.is_for(target, entry, refuse)
  for key in pairs(target) do
    if not TARGET[key] then refuse(("target has no '%s'"):format(tostring(key))) end
  end
  local object = entry.object
  local group, version = object.apiVersion:match("^(.*)/(.*)$")
  if not group then group, version = "", object.apiVersion end
  local named = false
  for name in pairs(entry.names) do named = named or matches(name, target.name, refuse) end
  local spaced = matches(object.metadata.namespace, target.namespace, refuse) or matches(entry.namespace, target.namespace, refuse)
  return named and spaced and matches(group, target.group, refuse) and matches(version, target.version, refuse) and matches(object.kind, target.kind, refuse)
    and selected(object.metadata.labels, target.labelSelector, refuse) and selected(object.metadata.annotations, target.annotationSelector, refuse)
end

return patch
