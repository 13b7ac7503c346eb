--- The provider "kube", and the words of playbooks: kube.object, kube.manifest, kube.helm, kube.addon.NAME, kube.gitops.
local provider = require "provider"
local options = require "kube/options"

local config = require "kube/config"

provider.define("kube", {
  client = function(given, io) return require "kube/client"(given, io) end,
  check = config.check,
  hide = config.hide,
})
local own = slipway.inventory and slipway.inventory.provider
if own and own.name == "kube" then options.placed({ "provider" }, own, config.check, own) end

local function addons()
  local names = {}
  for _, file in ipairs(core.type_files()) do names[#names + 1] = file:match("^kube/addon/([^/]+)$") end
  return names
end

local function find(name)
  local names = addons()
  for i, each in ipairs(names) do
    local usual = each:gsub("_", "-")
    if each == name or usual == name then return require("kube/addon/" .. each) end
    if not name:find("_", 1, true) then names[i] = usual end
  end
  return core.unknown("add-on", name, names)
end

--- kube.addon.cert_manager { ... }: loaded when it is named. kube.addon("cert-manager", { ... } [, at]): by its name in inventories; what is
--- wrong with the options is told of where they stand there (`at`: the keys).
local addon = setmetatable({}, {
  __index = function(_, name) return type(name) == "string" and find(name) or nil end,
  __call = function(_, name, given, at) return options.placed(at, nil, find, name)(given, at) end,
})

return {
  -- kube.data.applications "name" { namespace = "argocd" }
  data = setmetatable({}, { __index = function(_, name) return name == "applications" and require "kube/data/applications" or nil end }),
  object = require("kube/object").call,
  manifest = require("kube/manifest").call,
  kustomize = require("kube/manifest").kustomize,
  helm = require("kube/helm").call,
  addon = addon,
  gitops = require("kube/gitops").call,
}
