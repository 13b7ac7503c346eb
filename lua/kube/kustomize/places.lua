--- Where Kubernetes' own kinds hold pods, labels, selectors, and names of other objects: what a kustomization changes with them.
local places = {}

local TEMPLATED = { Deployment = true, ReplicaSet = true, StatefulSet = true, DaemonSet = true, ReplicationController = true, Job = true }

--- The template of an object's pods ({ metadata, spec }), or nil.
function places.template(object)
  local spec = object.spec
  if type(spec) ~= "table" then return nil end
  if TEMPLATED[object.kind] then return spec.template end
  if object.kind == "CronJob" and spec.jobTemplate and spec.jobTemplate.spec then return spec.jobTemplate.spec.template end
  return nil
end

function places.pod(object)
  if object.kind == "Pod" then return object.spec end
  local template = places.template(object)
  return template and template.spec
end

--- Calls fn(container) for each of an object's containers.
function places.containers(object, fn)
  local function look(value)
    if type(value) ~= "table" then return end
    for key, member in pairs(value) do
      if (key == "containers" or key == "initContainers") and type(member) == "table" then
        for _, container in ipairs(member) do
          if type(container) == "table" then fn(container) end
        end
      end
      look(member)
    end
  end
  look(object.spec)
end

local function with(labels, more)
  labels = labels or {}
  for key, value in pairs(more) do labels[key] = value end
  return labels
end

--- Where a selector asks for labels, it asks for these, too.
local function asks(holder, key, more)
  local selector = holder and holder[key]
  if selector and selector.matchLabels then with(selector.matchLabels, more) end
end

local function affinities(pod, more)
  local affinity = pod and pod.affinity or {}
  for _, kind in ipairs { "podAffinity", "podAntiAffinity" } do
    local found = affinity[kind] or {}
    for _, term in ipairs(found.requiredDuringSchedulingIgnoredDuringExecution or {}) do asks(term, "labelSelector", more) end
    for _, weighted in ipairs(found.preferredDuringSchedulingIgnoredDuringExecution or {}) do asks(weighted.podAffinityTerm, "labelSelector", more) end
  end
  for _, each in ipairs(pod and pod.topologySpreadConstraints or {}) do asks(each, "labelSelector", more) end
end

--- The metadata of what an object makes: its pods, and a CronJob's jobs.
local function made(object)
  local found = { places.template(object) or nil }
  if object.kind == "CronJob" and object.spec and object.spec.jobTemplate then found[#found + 1] = object.spec.jobTemplate end
  for i, each in ipairs(found) do
    each.metadata = each.metadata or {}
    found[i] = each.metadata
  end
  return found
end

--- Labels of the pods that an object makes.
function places.label_templates(object, more)
  for _, metadata in ipairs(made(object)) do metadata.labels = with(metadata.labels, more) end
end

local SELECTING = { Deployment = true, ReplicaSet = true, StatefulSet = true, DaemonSet = true }

--- Labels by which an object finds pods, and those of what it makes.
function places.label_selectors(object, more)
  local spec = type(object.spec) == "table" and object.spec or nil
  if not spec then return end
  places.label_templates(object, more)
  if object.kind == "Service" and object.apiVersion == "v1" or object.kind == "ReplicationController" then
    -- A Service without a selector has its own endpoints; kustomize gives it one all the same.
    spec.selector = with(spec.selector, more)
  elseif SELECTING[object.kind] then
    spec.selector = spec.selector or {}
    spec.selector.matchLabels = with(spec.selector.matchLabels, more)
  elseif object.kind == "Job" or object.kind == "PodDisruptionBudget" then
    asks(spec, "selector", more)
  elseif object.kind == "CronJob" then
    asks(spec.jobTemplate and spec.jobTemplate.spec, "selector", more)
  elseif object.kind == "NetworkPolicy" then
    asks(spec, "podSelector", more)
    for _, way in ipairs { { "ingress", "from" }, { "egress", "to" } } do
      for _, rule in ipairs(spec[way[1]] or {}) do
        for _, peer in ipairs(rule[way[2]] or {}) do asks(peer, "podSelector", more) end
      end
    end
  end
  if object.kind == "StatefulSet" then
    for _, claim in ipairs(spec.volumeClaimTemplates or {}) do
      claim.metadata = claim.metadata or {}
      claim.metadata.labels = with(claim.metadata.labels, more)
    end
  end
  affinities(places.pod(object), more)
end

function places.annotate(object, more)
  object.metadata.annotations = with(object.metadata.annotations, more)
  for _, metadata in ipairs(made(object)) do metadata.annotations = with(metadata.annotations, more) end
end

local function references_of_pod(pod, see)
  for _, volume in ipairs(pod.volumes or {}) do
    see(volume.configMap, "name", "ConfigMap")
    see(volume.secret, "secretName", "Secret")
    see(volume.persistentVolumeClaim, "claimName", "PersistentVolumeClaim")
    for _, source in ipairs(volume.projected and volume.projected.sources or {}) do
      see(source.configMap, "name", "ConfigMap")
      see(source.secret, "name", "Secret")
    end
  end
  for _, list in ipairs { "containers", "initContainers" } do
    for _, container in ipairs(pod[list] or {}) do
      for _, from in ipairs(container.envFrom or {}) do
        see(from.configMapRef, "name", "ConfigMap")
        see(from.secretRef, "name", "Secret")
      end
      for _, variable in ipairs(container.env or {}) do
        local from = variable.valueFrom or {}
        see(from.configMapKeyRef, "name", "ConfigMap")
        see(from.secretKeyRef, "name", "Secret")
      end
    end
  end
  for _, each in ipairs(pod.imagePullSecrets or {}) do see(each, "name", "Secret") end
  see(pod, "serviceAccountName", "ServiceAccount")
  see(pod, "serviceAccount", "ServiceAccount")
  see(pod, "priorityClassName", "PriorityClass")
end

local function references_of_ingress(spec, see)
  local function backend(value)
    if not value then return end
    see(value.service, "name", "Service")
    see(value, "serviceName", "Service")
  end
  backend(spec.defaultBackend)
  backend(spec.backend)
  for _, rule in ipairs(spec.rules or {}) do
    for _, path in ipairs(rule.http and rule.http.paths or {}) do backend(path.backend) end
  end
  for _, each in ipairs(spec.tls or {}) do see(each, "secretName", "Secret") end
  see(spec, "ingressClassName", "IngressClass")
end

--- Calls see(holder, key, kind [, namespace's key]) for each name of another object: holder[key] is the name.
function places.references(object, see)
  local function seen(holder, key, kind, space)
    if type(holder) == "table" and type(holder[key]) == "string" then see(holder, key, kind, space) end
  end
  local spec, kind = type(object.spec) == "table" and object.spec or {}, object.kind
  local pod = places.pod(object)
  if pod then references_of_pod(pod, seen) end
  if kind == "Ingress" then references_of_ingress(spec, seen) end
  if kind == "StatefulSet" then seen(spec, "serviceName", "Service") end
  if kind == "HorizontalPodAutoscaler" and spec.scaleTargetRef then seen(spec.scaleTargetRef, "name", spec.scaleTargetRef.kind) end
  if kind == "PersistentVolumeClaim" then
    seen(spec, "volumeName", "PersistentVolume")
    seen(spec, "storageClassName", "StorageClass")
  end
  if kind == "PersistentVolume" then seen(spec, "storageClassName", "StorageClass") end
  for _, claim in ipairs(kind == "StatefulSet" and spec.volumeClaimTemplates or {}) do seen(claim.spec, "storageClassName", "StorageClass") end
  if kind == "ServiceAccount" then
    for _, list in ipairs { "secrets", "imagePullSecrets" } do
      for _, each in ipairs(object[list] or {}) do seen(each, "name", "Secret") end
    end
  end
  if kind == "RoleBinding" or kind == "ClusterRoleBinding" then
    if object.roleRef then seen(object.roleRef, "name", object.roleRef.kind) end
    for _, subject in ipairs(object.subjects or {}) do
      if subject.kind == "ServiceAccount" then seen(subject, "name", "ServiceAccount", "namespace") end
    end
  end
  if kind == "Role" or kind == "ClusterRole" then
    for _, rule in ipairs(object.rules or {}) do
      for _, resource in ipairs(rule.resourceNames and rule.resources or {}) do
        local of = ({ configmaps = "ConfigMap", secrets = "Secret" })[resource]
        for i = 1, of and #rule.resourceNames or 0 do seen(rule.resourceNames, i, of) end
      end
    end
  end
  for _, hook in ipairs(kind:find("WebhookConfiguration$") and object.webhooks or {}) do
    if hook.clientConfig and hook.clientConfig.service then seen(hook.clientConfig.service, "name", "Service", "namespace") end
  end
  if kind == "APIService" and spec.service then seen(spec.service, "name", "Service", "namespace") end
  local conversion = kind == "CustomResourceDefinition" and spec.conversion and spec.conversion.webhook
  if conversion and conversion.clientConfig and conversion.clientConfig.service then seen(conversion.clientConfig.service, "name", "Service", "namespace") end
end

return places
