--- Is an object doing what it is for? By kind, from its status. The rules are those that `kubectl rollout status` and kstatus follow.
local ready = {}

local function condition(object, type)
  for _, each in ipairs(object.status and object.status.conditions or {}) do
    if each.type == type then return each end
  end
  return nil
end

-- Words of a condition that is not as it should be.
local function words(each, otherwise)
  if not each then return otherwise end
  local text = each.message ~= nil and each.message ~= "" and each.message or each.reason
  return text and ("%s: %s"):format(each.type, text) or otherwise
end

-- The controller has not looked at the last change yet.
local function behind(object)
  local seen = object.status and object.status.observedGeneration
  return seen ~= nil and object.metadata.generation ~= nil and seen < object.metadata.generation
end

local function by_condition(type, failed)
  return function(object)
    local good = condition(object, type)
    if behind(object) then return false, "waiting for its controller" end
    if good and good.status == "True" then return true, type end
    local bad = failed and condition(object, failed)
    if bad and bad.status == "True" then return false, words(bad, failed), true end
    return false, words(good, "waiting for " .. type)
  end
end

local kinds = {}

function kinds.Deployment(object)
  local status, wanted = object.status or {}, object.spec.replicas or 1
  if not status.observedGeneration or behind(object) then return false, "waiting for its controller" end
  local progress = condition(object, "Progressing")
  if progress and progress.reason == "ProgressDeadlineExceeded" then return false, words(progress, "no progress"), true end
  local updated, available = status.updatedReplicas or 0, status.availableReplicas or 0
  local done = updated >= wanted and (status.replicas or 0) <= updated and available >= updated
  return done, ("%d of %d available"):format(math.min(available, wanted), wanted)
end

function kinds.DaemonSet(object)
  local status = object.status or {}
  if not status.observedGeneration or behind(object) then return false, "waiting for its controller" end
  local wanted = status.desiredNumberScheduled or 0
  local available = status.numberAvailable or 0
  if wanted == 0 then return false, "no node wants it yet" end
  return (status.updatedNumberScheduled or 0) >= wanted and available >= wanted, ("%d of %d available"):format(available, wanted)
end

function kinds.StatefulSet(object)
  local status, wanted = object.status or {}, object.spec.replicas or 1
  if behind(object) then return false, "waiting for its controller" end
  local there = status.readyReplicas or 0
  local current = wanted == 0 or status.currentRevision == status.updateRevision
  return there >= wanted and current, ("%d of %d ready"):format(there, wanted)
end

function kinds.ReplicaSet(object)
  local wanted, there = object.spec.replicas or 1, (object.status or {}).readyReplicas or 0
  return there >= wanted, ("%d of %d ready"):format(there, wanted)
end

function kinds.Job(object)
  local failed = condition(object, "Failed")
  if failed and failed.status == "True" then return false, words(failed, "failed"), true end
  local done = condition(object, "Complete")
  return done ~= nil and done.status == "True", ("%d succeeded"):format((object.status or {}).succeeded or 0)
end

function kinds.CustomResourceDefinition(object)
  local names, established = condition(object, "NamesAccepted"), condition(object, "Established")
  if names and names.status == "False" then return false, words(names, "its names are taken"), true end
  return established ~= nil and established.status == "True", words(established, "waiting to be established")
end

function kinds.Namespace(object)
  local phase = (object.status or {}).phase
  return phase == "Active", phase or "no phase"
end

function kinds.PersistentVolumeClaim(object)
  local phase = (object.status or {}).phase
  return phase == "Bound", phase or "no phase", phase == "Lost"
end

function kinds.Service(object)
  if object.spec.type ~= "LoadBalancer" then return true, "no load balancer asked for" end
  local ingress = object.status and object.status.loadBalancer and object.status.loadBalancer.ingress
  return ingress ~= nil and #ingress > 0, "waiting for an address of the load balancer"
end

-- Was it compared with what its spec asks for now, and not with what it asked for before? A commit is what was asked for only when it is that one.
local function compared(object)
  local sync, source = object.status.sync or {}, (object.spec or {}).source
  local seen = sync.comparedTo and sync.comparedTo.source
  if not source or not seen then return true end
  for _, key in ipairs { "repoURL", "path", "chart", "targetRevision" } do
    if (seen[key] or "") ~= (source[key] or "") then return false end
  end
  local wanted = source.targetRevision or ""
  return not wanted:find("^" .. ("%x"):rep(40) .. "$") or sync.revision == wanted
end

local function conditions_text(object)
  local found = {}
  for _, each in ipairs(object.status.conditions or {}) do
    if each.type and each.type:find("Error$") then found[#found + 1] = ("%s: %s"):format(each.type, each.message or "") end
  end
  return #found > 0 and "; " .. table.concat(found, "; ") or ""
end

function kinds.Application(object)
  local status = object.status or {}
  local sync, health = (status.sync or {}).status or "Unknown", (status.health or {}).status or "Unknown"
  local operation = status.operationState and status.operationState.phase
  -- A new application is "Healthy" with nothing deployed until it is first compared.
  if not status.reconciledAt then return false, "waiting for its first comparison" end
  if not compared(object) then return false, ("waiting for a comparison with revision %s"):format(object.spec.source.targetRevision or "HEAD") end
  local text = ("%s, %s%s"):format(sync, health, conditions_text(object))
  if operation == "Running" or operation == "Terminating" then return false, text .. "; syncing" end
  local policy = (object.spec or {}).syncPolicy
  if not (policy and policy.automated) then
    -- Nobody syncs it but a person: what can be waited for is that Argo CD has read the repository.
    if sync == "Unknown" then return false, text end
    return health ~= "Degraded", sync == "Synced" and text or text .. "; to be synced by a person"
  end
  if operation == "Failed" or operation == "Error" then return false, ("%s; sync failed: %s"):format(text, status.operationState.message or ""), true end
  return sync == "Synced" and health == "Healthy", text
end

function kinds.ApplicationSet(object)
  local failed = condition(object, "ErrorOccurred")
  if failed and failed.status == "True" then return false, words(failed, "an error occurred") end
  local good = condition(object, "ResourcesUpToDate")
  return good ~= nil and good.status == "True", words(good, "waiting for its Applications")
end

kinds.APIService = by_condition "Available"
kinds.Certificate = by_condition("Ready")
kinds.Issuer = by_condition("Ready")
kinds.ClusterIssuer = by_condition("Ready")
kinds.Node = by_condition("Ready")

local EXPECTED_GROUP = {
  Deployment = "apps", DaemonSet = "apps", StatefulSet = "apps", ReplicaSet = "apps", Job = "batch", CustomResourceDefinition = "apiextensions.k8s.io",
  Namespace = "", PersistentVolumeClaim = "", Service = "", Application = "argoproj.io", ApplicationSet = "argoproj.io", APIService = "apiregistration.k8s.io",
  Certificate = "cert-manager.io", Issuer = "cert-manager.io", ClusterIssuer = "cert-manager.io", Node = "",
}

--- Has its kind a readiness that can be waited for? Conditions of other kinds count only where `wait` names them.
function ready.knows(object)
  local group = object.apiVersion:match("^(.*)/") or ""
  return EXPECTED_GROUP[object.kind] == group
end

--- @param named string|nil a condition to wait for instead, "Ready"
--- @return boolean done, string words, boolean failed (waiting on is of no use)
function ready.of(object, named)
  if named then return by_condition(named)(object) end
  if not ready.knows(object) then return true, "there" end
  local done, text, failed = kinds[object.kind](object)
  return done, text, failed or false
end

return ready
