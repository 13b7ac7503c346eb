--- Argo Rollouts: canary and blue-green deployments.
local addon = require "kube/addon"

return addon "argo-rollouts" {
  doc = "Canary and blue-green deployments.",
  version = "1.8.3",
  namespace = "argo-rollouts",
  release = function(o)
    return { url = ("https://github.com/argoproj/argo-rollouts/releases/download/v%s/install.yaml"):format(o.version) }
  end,
}
