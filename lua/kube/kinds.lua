--- What is known of kinds before any server is asked: whether they live in a namespace, when they are applied, and who must confirm their end.
local kinds = {}

local function set(words)
  local found = {}
  for word in words:gmatch("%S+") do found[word] = true end
  return found
end

-- Of the API groups that come with Kubernetes, and of add-ons whose definitions may not be at hand.
local CLUSTER = set [[
  Namespace Node PersistentVolume CustomResourceDefinition APIService ClusterRole ClusterRoleBinding StorageClass VolumeAttachment CSIDriver CSINode
  MutatingWebhookConfiguration ValidatingWebhookConfiguration ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding PriorityClass RuntimeClass
  IngressClass PodSecurityPolicy FlowSchema PriorityLevelConfiguration CertificateSigningRequest ClusterIssuer ClusterRollout ClusterAnalysisTemplate
  GatewayClass VolumeSnapshotClass VolumeSnapshotContent ]]

local BUILT_IN = set [[
  apps batch autoscaling policy extensions rbac.authorization.k8s.io networking.k8s.io storage.k8s.io apiextensions.k8s.io apiregistration.k8s.io
  admissionregistration.k8s.io scheduling.k8s.io node.k8s.io coordination.k8s.io discovery.k8s.io certificates.k8s.io events.k8s.io
  flowcontrol.apiserver.k8s.io authentication.k8s.io authorization.k8s.io ]]

-- Data or other people's objects go with them.
local PRECIOUS = {
  Namespace = "everything in it goes, too",
  CustomResourceDefinition = "all its objects in the cluster go, too",
  PersistentVolume = "its data may go, too",
  PersistentVolumeClaim = "its data may go, too",
}

--- "apps/v1" -> "apps"; "v1" -> ""
function kinds.group(api_version)
  return api_version:match("^(.*)/") or ""
end

function kinds.is_built_in(object)
  local group = kinds.group(object.apiVersion)
  return group == "" or BUILT_IN[group] == true
end

--- Does it live in a namespace? `defined`: "group/Kind" -> scope, of the definitions in the same manifest.
function kinds.is_namespaced(object, defined)
  local scope = defined and defined[kinds.group(object.apiVersion) .. "/" .. object.kind]
  if scope then return scope == "Namespaced" end
  return not CLUSTER[object.kind]
end

kinds.WAVES = { "namespaces and definitions", "configuration", "workloads", "webhooks", "custom objects" }

-- Their pods read accounts, settings and secrets when they start.
local WORKLOADS = set "Deployment DaemonSet StatefulSet ReplicaSet ReplicationController Job CronJob Pod"

--- The wave it is applied in, 1 to 5.
function kinds.wave(object)
  if object.kind == "Namespace" or object.kind == "CustomResourceDefinition" then return 1 end
  if object.kind:find("WebhookConfiguration$") or object.kind == "APIService" then return 4 end
  if not kinds.is_built_in(object) then return 5 end
  return WORKLOADS[object.kind] and 3 or 2
end

--- How it is deleted. Foreground takes the garbage collector's time, which is for those who have something to leave behind.
function kinds.propagation(object)
  return (WORKLOADS[object.kind] and object.kind ~= "Pod" or not kinds.is_built_in(object)) and "Foreground" or "Background"
end

--- Why its deletion is to be confirmed, or nil.
function kinds.precious(kind)
  return PRECIOUS[kind]
end

return kinds
