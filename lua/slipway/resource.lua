--- resource "name" { ... }: a new kind of thing. Returns the type; that of an API is called to declare: aws.vpc "main" { ... }.

local FUNCTIONS = {
  host = { "declare", "many", "normalise", "probe", "read", "probe_all", "read_all", "apply", "result", "remove" },
  api = { "declare", "many", "normalise", "list", "create", "update", "delete", "import" },
}
local FIELDS = { "doc", "on", "provider", "owns_host", "ephemeral", "open", "data", "name", "schema", "unique" }

local function set(lists)
  local found = {}
  for _, list in ipairs(lists) do
    for _, name in ipairs(list) do found[name] = true end
  end
  return found
end

local KNOWN = { host = set { FUNCTIONS.host, FIELDS }, api = set { FUNCTIONS.api, FIELDS } }

local function check(name, spec)
  local on = spec.on or "host"
  local known = KNOWN[on]
  if not known then error(("resource %q: on = \"host\" or \"api\""):format(name), 0) end
  for key in pairs(spec) do
    if not known[key] then error(("resource %q: a type on %s has no '%s'"):format(name, on == "api" and "an API" or "a host", tostring(key)), 0) end
  end
  for _, key in ipairs(FUNCTIONS[on]) do
    if spec[key] ~= nil and type(spec[key]) ~= "function" then error(("resource %q: %s is no function"):format(name, key), 0) end
  end
  local function needs(key)
    if not spec[key] then error(("resource %q: the function %s is missing"):format(name, key), 0) end
  end
  if on == "api" then
    needs "list"
    if spec.data then
      for _, key in ipairs { "create", "update", "delete", "import" } do
        if spec[key] then error(("resource %q: a data source is only read, it has no %s"):format(name, key), 0) end
      end
    else
      needs "create"
    end
    if (spec.data or false) ~= (name:find("^data%.") ~= nil) then
      error(("resource %q: data sources, and nothing else, are called data.NAME and have data = true"):format(name), 0)
    end
    if not spec.provider then error(("resource %q: provider = \"...\" is missing"):format(name), 0) end
  elseif spec.data then
    error(("resource %q: a data source is in an API"):format(name), 0)
  elseif spec.probe_all then
    needs "read_all"
    needs "apply"
  else
    needs "probe"
    needs "read"
    needs "apply"
  end
  return on
end

local function declare(name, spec)
  local on = check(name, spec)
  core.define(name, spec)
  local words = require "declare"
  local type = { __name = "resource type", __metatable = false, __newindex = function() error("a resource type cannot be changed", 2) end }
  if on == "api" then
    function type.__call(_, first) return words.call(name, nil, name, first) end
  else
    function type.__call() core.fail(("'%s' lives on a host: h:%s \"name\" { ... }"):format(name, name)) end
  end
  return setmetatable({}, type)
end

return function(name)
  if type(name) ~= "string" then error('resource "name" { ... } wanted', 2) end
  return function(spec)
    if type(spec) ~= "table" then error(("resource %q: a table wanted"):format(name), 2) end
    return declare(name, spec)
  end
end
