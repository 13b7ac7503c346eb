--- How an object is called in plans and in the state: MANIFEST:Kind:NAMESPACE/NAME, with the group where the kind is not Kubernetes' own.
local kinds = require "kube/kinds"

local names = {}

--- @param prefix string the manifest's name
function names.of(prefix, object)
  local kind = object.kind
  if not kinds.is_built_in(object) then kind = kind .. "." .. kinds.group(object.apiVersion) end
  local metadata = object.metadata
  local name = metadata.namespace and (metadata.namespace .. "/" .. metadata.name) or metadata.name
  return ("%s:%s:%s"):format(prefix, kind, name)
end

--- "Deployment argocd/argocd-server", for messages.
function names.shown(object)
  local metadata = object.metadata or {}
  return ("%s %s%s"):format(object.kind, metadata.namespace and metadata.namespace .. "/" or "", metadata.name or "?")
end

return names
