--- Declaring: TYPE "name" { ... } and TYPE { ... }, on a host or in an API.
local declare = {}

local RESERVED = { "depends_on", "restart_on", "lifecycle", "provider", "precondition" }

local function check_name(type_name, spec, name)
  local rule = spec.name
  if rule and rule.pattern and not name:find(rule.pattern) then
    core.fail(("'%s' is no name for a '%s': %s"):format(name, type_name, rule.doc or ("it must match " .. rule.pattern)))
  end
end

local function one(type_name, spec, host, name, attributes)
  if type(name) ~= "string" then core.fail(("%s: a name wanted, not a %s"):format(type_name, type(name))) end
  check_name(type_name, spec, name)
  return core.declare(type_name, host, name, attributes)
end

--- The `many` form. What every resource has may stand in the table once, and goes to each.
local function many(type_name, spec, host, word, t)
  if not spec.many then core.fail(('%s: a name wanted, as in %s "name" { ... }'):format(word, word)) end
  local own, shared = {}, {}
  for key, value in pairs(t) do own[key] = value end
  for _, key in ipairs(RESERVED) do shared[key], own[key] = own[key], nil end
  local made = {}
  for i, item in ipairs(spec.many(own)) do
    local attributes = {}
    for key, value in pairs(shared) do attributes[key] = value end
    for key, value in pairs(item[2] or {}) do attributes[key] = value end
    made[i] = one(type_name, spec, host, item[1], attributes)
  end
  return made
end

--- @param word string what the user wrote, for messages
function declare.call(type_name, host, word, first)
  local spec = core.type_info(type_name).spec
  if type(first) == "table" then return many(type_name, spec, host, word, first) end
  if type(first) ~= "string" then core.fail(('%s: a name wanted, as in %s "name" { ... }'):format(word, word)) end
  local begun = core.begin(("%s %q"):format(word, first))
  return function(attributes)
    core.done(begun)
    return one(type_name, spec, host, first, attributes)
  end
end

return declare
