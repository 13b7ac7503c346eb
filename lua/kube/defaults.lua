--- Keys of keyed lists that manifests leave out and servers before 1.22 do not fill in: without them, server-side apply is refused there.
local tables = require "host/lib/tables"

local defaults = {}

local function with_protocol(ports)
  if type(ports) ~= "table" then return ports end
  local all = {}
  for i, port in ipairs(ports) do all[i] = type(port) == "table" and port.protocol == nil and tables.merge(port, { protocol = "TCP" }) or port end
  return slipway.list(all)
end

local function in_pod(spec)
  if type(spec) ~= "table" then return spec end
  spec = tables.merge(spec)
  for _, key in ipairs { "containers", "initContainers" } do
    if type(spec[key]) == "table" then
      local all = {}
      for i, container in ipairs(spec[key]) do
        all[i] = type(container) == "table" and container.ports and tables.merge(container, { ports = with_protocol(container.ports) }) or container
      end
      spec[key] = slipway.list(all)
    end
  end
  return spec
end

local function in_template(spec)
  if type(spec) ~= "table" or type(spec.template) ~= "table" then return spec end
  return tables.merge(spec, { template = tables.merge(spec.template, { spec = in_pod(spec.template.spec) }) })
end

local function in_rules(rules)
  if type(rules) ~= "table" then return rules end
  local all = {}
  for i, rule in ipairs(rules) do all[i] = type(rule) == "table" and rule.ports and tables.merge(rule, { ports = with_protocol(rule.ports) }) or rule end
  return slipway.list(all)
end

local function with_spec(object, spec) return tables.merge(object, { spec = spec }) end

--- A copy of an object of Kubernetes' own kinds with `protocol: TCP` where a port says nothing.
function defaults.fill(object)
  local group = object.apiVersion:match("^(.*)/") or ""
  if type(object.spec) ~= "table" then return object end
  local spec, kind = object.spec, object.kind
  if kind == "Service" and group == "" then return with_spec(object, tables.merge(spec, { ports = with_protocol(spec.ports) })) end
  if kind == "Pod" and group == "" then return with_spec(object, in_pod(spec)) end
  if group == "apps" or (group == "batch" and kind == "Job") then return with_spec(object, in_template(spec)) end
  if group == "batch" and kind == "CronJob" and type(spec.jobTemplate) == "table" then
    local job = spec.jobTemplate
    return with_spec(object, tables.merge(spec, { jobTemplate = with_spec(job, in_template(job.spec)) }))
  end
  -- Its lists are compared as a whole, where what the server fills in would be a difference.
  if kind == "NetworkPolicy" and group == "networking.k8s.io" then
    return with_spec(object, tables.merge(spec, { ingress = in_rules(spec.ingress), egress = in_rules(spec.egress) }))
  end
  return object
end

return defaults
