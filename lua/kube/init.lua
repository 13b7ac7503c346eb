--- The provider "kube", and the words of playbooks: kube.object "name" { ... }, kube.manifest "name" { ... }.
local provider = require "provider"

provider.define("kube", { client = function(config, io) return require "kube/client"(config, io) end })

return {
  object = require("kube/object").call,
  manifest = require("kube/manifest").call,
}
