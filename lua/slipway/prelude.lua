--- Runs first, once. Gives every chunk the words that are written in Lua; `core` (the host's primitives) is seen by the library only.

require "sh"
local host = require "host"
local provider = require "provider"

--- A builder: word "name" { ... }. What is begun and never given its table is an error at the end of the playbook.
local function named(word, declare)
  return function(name)
    if type(name) ~= "string" then core.fail(word .. ': a name wanted, as in ' .. word .. ' "name" { ... }') end
    local begun = core.begin(("%s %q"):format(word, name))
    return function(attributes)
      core.done(begun)
      if type(attributes) ~= "table" then core.fail(("%s %q: a table wanted"):format(word, name)) end
      return declare(name, attributes)
    end
  end
end

local function only(word, attributes, known)
  for key in pairs(attributes) do
    if not known[key] then core.fail(("%s has no '%s'"):format(word, tostring(key))) end
  end
end

core.export("host", host)

core.export("output", named("output", function(name, attributes)
  only("output", attributes, { value = true, doc = true })
  if attributes.value == nil then core.fail(("output %q: no value"):format(name)) end
  core.output(name, attributes.value, attributes.doc)
end))

core.export("provider", named("provider", function(alias, configuration)
  provider.check(configuration)
  return core.provider(alias, provider.kept(configuration))
end))

core.export("moved", function(attributes)
  if type(attributes) ~= "table" or type(attributes.from) ~= "string" or type(attributes.to) ~= "string" then
    core.fail('moved { from = "address", to = "address" } wanted')
  end
  core.moved(attributes.from, attributes.to)
end)

core.export("removed", function(addresses)
  if type(addresses) ~= "table" then core.fail('removed { "address", ... } wanted') end
  for _, address in ipairs(addresses) do core.removed(address) end
end)

--- pairs iterates in the order of the keys already; the name says it where it matters.
slipway.sorted = pairs
slipway.template = require "template"

--- All types of the library, for docs and completion.
function core.load_all()
  for _, name in ipairs(core.type_files()) do require(name) end
end
