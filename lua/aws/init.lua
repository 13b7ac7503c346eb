--- aws.TYPE "name" { ... } declares aws_TYPE.name; aws.data.TYPE "name" { ... } declares data.aws_TYPE.name. Types are files, loaded when they are named.
local provider = require "provider"

provider.define("aws", {
  client = function(config, io) return require "aws/provider/client"(config, io) end,
  check = function(config) require "aws/provider/config".check(config, "the provider 'aws'") end,
})

local inventory = slipway.inventory and slipway.inventory.provider
if inventory and inventory.name == "aws" then require "aws/provider/config".check_inventory(inventory) end

--- The types in a folder, by the names of their files.
local function names_in(folder)
  local names = {}
  for _, file in ipairs(core.type_files()) do names[#names + 1] = file:match("^" .. folder .. "/([^/]+)$") end
  return names
end

local function on_demand(folder, what, words)
  local known = {}
  return setmetatable(words, {
    __index = function(_, name)
      if type(name) ~= "string" then return nil end
      if not known[name] then
        local names = names_in(folder)
        for _, each in ipairs(names) do known[each] = true end
        if not known[name] then core.unknown(what, name, names) end
      end
      return require(folder .. "/" .. name)
    end,
  })
end

return on_demand("aws", "resource type in aws", { data = on_demand("aws/data", "data source in aws.data", {}) })
