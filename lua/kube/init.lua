--- The provider "kube", and the words of playbooks: kube.object, kube.manifest, kube.addon.NAME, kube.gitops.
local provider = require "provider"

provider.define("kube", { client = function(config, io) return require "kube/client"(config, io) end })

local function addons()
  local names = {}
  for _, file in ipairs(core.type_files()) do names[#names + 1] = file:match("^kube/addon/([^/]+)$") end
  return names
end

--- kube.addon.cert_manager { ... }: loaded when it is named.
local addon = setmetatable({}, {
  __index = function(_, name)
    if type(name) ~= "string" then return nil end
    local names = addons()
    for _, each in ipairs(names) do
      if each == name then return require("kube/addon/" .. name) end
    end
    return core.unknown("add-on", name, names)
  end,
})

return {
  object = require("kube/object").call,
  manifest = require("kube/manifest").call,
  addon = addon,
  gitops = require("kube/gitops").call,
}
