--- A provider without a network, for engine.py: everything that is recorded is found as it was recorded.
local provider = require "provider"
local resource = require "resource"

provider.define("engine", { client = function() return {} end })

local thing = resource "engine_many" {
  on = "api", provider = "engine",
  doc = "A thing that takes no time.",
  schema = {
    label = { "string", required = true, doc = "a text" },
    base = { "string", immutable = true, doc = "the id of another" },
    tags = { "map", of = "string", doc = "some tags" },
    size = { "int", default = 8, doc = "a number" },
    enabled = { "bool", default = true, doc = "a flag" },
    id = { "string", computed = true, doc = "its id" },
    arn = { "string", computed = true, doc = "a long name of it" },
  },
  list = function(_, items)
    local found = {}
    for _, item in ipairs(items) do
      local was = item.prior
      if was then
        found[item._name] = { label = was.label, base = was.base, tags = was.tags, size = was.size, enabled = was.enabled, id = was.id, arn = was.arn }
      end
    end
    return found
  end,
  create = function(_, r) return { id = "id-" .. r._name, arn = "arn:engine:many:region:account:" .. r._name } end,
  update = function() end,
  delete = function() end,
}

return { thing = thing }
