--- host(node) { ... } and host "name" { ... }: a machine to declare resources on.
local declare = require "declare"

local hosts = {}     -- host object -> { name, node, connection }
local methods = {}   -- type name -> function(h, name or table)

local function method(type_name)
  return function(h, first)
    local host = hosts[h]
    if not host then core.fail(("h:%s wanted, with a colon"):format(type_name)) end
    return declare.call(type_name, host.name, "h:" .. type_name, first)
  end
end

local function lookup(type_name)
  local found = methods[type_name]
  if found then return found end
  local type = core.type_info(type_name)
  if not type then
    local known = core.type_names()
    for _, file in ipairs(core.type_files()) do known[#known + 1] = file:match("^host/([%w_]+)$") end
    core.unknown("resource type", type_name, known)
  elseif not type.on_host then
    core.fail(("'%s' does not live on a host"):format(type_name))
  end
  found = method(type_name)
  methods[type_name] = found
  return found
end

local meta = { __name = "host", __metatable = false }

function meta.__index(h, key)
  if key == "name" or key == "node" or key == "connection" then return hosts[h][key] end
  if type(key) ~= "string" then core.fail "a host has the names of resource types: h:file, h:package, ..." end
  return lookup(key)
end

function meta.__newindex() core.fail "a host cannot be changed" end

function meta.__tostring(h) return hosts[h].name end

local function find(name)
  for _, node in ipairs(slipway.inventory and slipway.inventory.nodes or {}) do
    if node.name == name then return node end
  end
end

return function(node)
  local name = node
  if type(node) == "table" then
    name = node.name
  elseif type(node) == "string" then
    node = find(name)
  end
  if type(name) ~= "string" then core.fail('host(node) { ... } or host "name" { ... } wanted') end
  local begun = core.begin(("host %q"):format(name))
  return function(attributes)
    core.done(begun)
    if type(attributes) ~= "table" then core.fail(("host %q: a table wanted"):format(name)) end
    local connection = {}
    for key, value in pairs(node and node.connection or {}) do connection[key] = value end
    for key, value in pairs(attributes) do connection[key] = value end
    core.host(name, connection)
    local h = setmetatable({}, meta)
    hosts[h] = { name = name, node = core.freeze(node), connection = core.freeze(connection) }
    return h
  end
end
