--- Argo Rollouts: canary and blue-green deployments.
local addon = require "kube/addon"

return addon "argo-rollouts" {
  doc = "Canary and blue-green deployments.",
  version = "1.8.3",
  namespace = "argo-rollouts",
  movable = true,
  options = {
    replicas = { "int", default = 1, doc = "2 or more keep it through the loss of a node" },
  },
  release = function(o)
    return { url = ("https://github.com/argoproj/argo-rollouts/releases/download/v%s/install.yaml"):format(o.version) }
  end,
  patch = function(object, o)
    if object.kind == "Deployment" and object.metadata.name == "argo-rollouts" then
      object.spec.replicas = o.replicas
    end
  end,
}
