--- provider.define("name", { client = function(config, io) return {...} end }): how resource types in an API reach it.
--- A client may have `for_item(item)`, which gives the client for one create, update or delete, and `listing(n)`, which is told of each
--- list that begins (1) and ends (-1). `check = function(config)` raises for a configuration that is wrong, before anything is done.
--- `hide = function(config)` gives the configuration with what nobody may see as secrets: so it stands in plans, whoever wrote it how.
local lost = require "lost"

local provider = {}

--- Coroutines of one io.all at a time: more requests than these are not under way at once anyway, and each has a stack of 64 KiB.
local USUAL, MOST = 64, 1000

--- io.all({ fn, ... } [, limit]): runs the functions as coroutines at the same time, at most `limit` of them, and waits for all of them. Their
--- first results, in order; or the first error, once all have ended.
function core.io.all(functions, limit)
  if type(functions) ~= "table" or (limit and math.type(limit) ~= "integer") or (limit or 1) < 1 then
    error("io.all({ function, ... } [, limit of 1 or more]) wanted", 0)
  end
  local results, failed, started = {}, nil, 0
  local function work()
    while started < #functions do
      started = started + 1
      local index = started
      local ok, result = pcall(functions[index])
      if ok then
        results[index] = result
      else
        failed = failed or { result }
      end
    end
  end
  local n = math.min(#functions, limit or USUAL, MOST)
  if n > 0 then core.fork(work, n) end
  if failed then error(failed[1], 0) end
  return results
end

local defined = {} -- name -> { client, origin }
local clients = require "share".cache(core.io) -- by name and hash of the configuration

function provider.define(name, spec)
  if type(name) ~= "string" or type(spec) ~= "table" or type(spec.client) ~= "function" then
    error('provider.define("name", { client = function(config, io) ... end }) wanted', 0)
  end
  local origin = core.loading_origin()
  if not origin then error(("the provider '%s' belongs in a file of its own, loaded by require"):format(name), 0) end
  if defined[name] and defined[name].origin ~= origin then error(("there is a provider '%s' already"):format(name), 0) end
  defined[name] = { client = spec.client, check = spec.check, hide = spec.hide, origin = origin }
end

--- A provider by name. The library's own are loaded for it: what they say of configurations counts before their first resource does.
local function find(name)
  if type(name) == "string" and not defined[name] then
    local fine, err = pcall(require, name)
    if not fine and (type(err) == "string" or err.code ~= "not_found") then error(err, 0) end
  end
  return defined[name]
end

--- A configuration in a playbook is checked where it stands, by providers that have a `check`, as far as it is known.
function provider.check(configuration)
  local found = find(configuration.name)
  if found and found.check and slipway.is_known(configuration) then found.check(configuration) end
end

--- A configuration as it is kept, in plans too. The host calls it for that of the inventory.
function provider.kept(configuration)
  local found = find(configuration.name)
  return found and found.hide and found.hide(configuration) or configuration
end
core.set_keeper(provider.kept)

--- What a stranger's pull request brings along reaches nothing before it is merged.
local function refuse_strangers(origin, what)
  if slipway.untrusted and origin == "user" then core.refuse(what .. " comes with the playbook: it is used at apply") end
end

local function holds_secret(value)
  if slipway.is_secret(value) then return true end
  for _, each in pairs(type(value) == "table" and value or {}) do
    if holds_secret(each) then return true end
  end
  return false
end

local function client_of(name, config, hash)
  if not defined[name] then require(name) end
  local found = defined[name]
  if not found then core.fail(("there is no provider '%s'"):format(name)) end
  refuse_strangers(found.origin, ("the provider '%s'"):format(name))
  -- Where a request goes, and as whom, says the configuration: with a secret of the state in it a stranger would have it sent to himself.
  if slipway.untrusted and holds_secret(config) then core.refuse(("the provider '%s' has a secret in its configuration: it is used at apply"):format(name)) end
  return clients.once(name .. " " .. hash, function() return found.client(config, core.io) end)
end

--- `slipway import` leaves an item whose recorded attributes are its id and nothing else.
local function imported(prior)
  if not prior or prior.id == nil then return false end
  for key in pairs(prior) do
    if key ~= "id" then return false end
  end
  return true
end

--- Tells the client until it is closed, however that comes about.
local function listing(client)
  if not client.listing then return nil end
  client.listing(1)
  return setmetatable({}, { __close = function() client.listing(-1) end })
end

local function list(client, spec, items)
  local _ <close> = listing(client)
  local found = spec.list(client, items)
  if not spec.import or type(found) ~= "table" then return found end
  for _, item in ipairs(items) do
    if found[item._name] == nil and imported(item.prior) then found[item._name] = spec.import(client, item.prior.id) end
  end
  return found
end

--- One call of a type's function, in a coroutine.
core.set_driver(function(what, spec, name, config, hash, argument, line)
  refuse_strangers(spec.origin, "the resource type")
  local client = client_of(name, config, hash)
  if what == "list" then return list(client, spec, argument) end
  if what == "update" and not spec.update then core.fail "it cannot be changed in place" end
  if what == "delete" and not spec.delete then return nil end
  local own = client.for_item and client:for_item(argument) or client
  if what ~= "create" then return spec[what](own, argument, line) end
  return lost(core.io, spec, argument, function(r) return spec.create(own, r, line) end, function()
    return list(client, spec, { argument })[argument._name]
  end, line)
end)

return provider
