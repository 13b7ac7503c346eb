--- ingress-nginx: HTTP from outside, by Ingress objects.
local addon = require "kube/addon"

return addon "ingress-nginx" {
  doc = "HTTP from outside to Services, by Ingress objects.",
  version = "1.13.3",
  namespace = "ingress-nginx",
  options = {
    exposure = { "string", default = "load_balancer", one_of = { "load_balancer", "node_port" },
      doc = "load_balancer: an address of the cloud's or MetalLB's; node_port: ports of every node, behind a load balancer of your own" },
    http_port = { "int", doc = "with node_port: the port for HTTP" },
    https_port = { "int", doc = "with node_port: the port for HTTPS" },
    replicas = { "int", default = 1, doc = "2 or more keep it through the loss of a node" },
    default = { "bool", default = true, doc = "take Ingress objects that name no class" },
    config = { "map", default = {}, doc = "settings of its ConfigMap" },
  },

  release = function(o)
    local provider = o.exposure == "node_port" and "baremetal" or "cloud"
    local base = "https://raw.githubusercontent.com/kubernetes/ingress-nginx/controller-v%s/deploy/static/provider/%s/deploy.yaml"
    return { url = base:format(o.version, provider) }
  end,

  check = function(o)
    if o.exposure ~= "node_port" and (o.http_port or o.https_port) then
      slipway.fail("add-on ingress-nginx: http_port and https_port are for nodes", "exposure: node_port")
    end
  end,

  patch = function(object, o)
    local name = object.metadata.name
    if object.kind == "Deployment" and name == "ingress-nginx-controller" then
      object.spec.replicas = o.replicas
    elseif object.kind == "IngressClass" and o.default then
      object.metadata.annotations = object.metadata.annotations or {}
      object.metadata.annotations["ingressclass.kubernetes.io/is-default-class"] = "true"
    elseif object.kind == "ConfigMap" and name == "ingress-nginx-controller" then
      object.data = object.data or {}
      for key, value in pairs(o.config) do object.data[key] = tostring(value) end
    elseif object.kind == "Service" and name == "ingress-nginx-controller" then
      -- Whichever of the two releases a `source` is.
      object.spec.type = o.exposure == "node_port" and "NodePort" or "LoadBalancer"
      local wanted = { http = o.http_port, https = o.https_port }
      for _, port in ipairs(object.spec.ports) do port.nodePort = wanted[port.name] or port.nodePort end
    end
  end,
}
