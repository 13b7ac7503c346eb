--- metrics-server: CPU and memory of pods and nodes, for `kubectl top` and autoscaling.
local addon = require "kube/addon"

return addon "metrics-server" {
  doc = "CPU and memory of pods and nodes, for kubectl top and autoscaling.",
  version = "0.8.0",
  namespace = "kube-system",
  options = {
    replicas = { "int", default = 1, doc = "2 or more keep it through the loss of a node" },
    insecure_kubelet = { "bool", default = false, doc = "do not verify the kubelets' certificates, as where they sign their own" },
  },

  release = function(o)
    return { url = ("https://github.com/kubernetes-sigs/metrics-server/releases/download/v%s/components.yaml"):format(o.version) }
  end,

  patch = function(object, o)
    if object.kind ~= "Deployment" or object.metadata.name ~= "metrics-server" then return end
    object.spec.replicas = o.replicas
    local main = object.spec.template.spec.containers[1]
    main.args = main.args or {}
    if o.insecure_kubelet then table.insert(main.args, "--kubelet-insecure-tls") end
  end,
}
