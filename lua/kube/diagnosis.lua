--- Why something is not ready: what its pods wait for, and the last events about it.
local diagnosis = {}

local function selector_of(object)
  local labels = object.spec and object.spec.selector and object.spec.selector.matchLabels
  if object.kind == "Job" then return "job-name=" .. object.metadata.name end
  if not labels then return nil end
  local parts = {}
  for key, value in pairs(labels) do parts[#parts + 1] = key .. "=" .. value end
  return table.concat(parts, ",")
end

local function container_words(status)
  local waiting = status.state and status.state.waiting
  local ended = status.state and status.state.terminated or status.lastState and status.lastState.terminated
  if waiting and waiting.reason ~= "ContainerCreating" and waiting.reason ~= "PodInitializing" then
    local text = ("%s: %s"):format(status.name, waiting.reason)
    if waiting.message and waiting.message ~= "" then text = text .. ", " .. waiting.message end
    if ended and ended.exitCode ~= 0 then text = ("%s (ended with %d before)"):format(text, ended.exitCode) end
    return text
  end
  return nil
end

local function pod_words(pod)
  local found = {}
  for _, condition in ipairs(pod.status.conditions or {}) do
    if condition.type == "PodScheduled" and condition.status == "False" then found[#found + 1] = condition.message or condition.reason end
  end
  for _, key in ipairs { "initContainerStatuses", "containerStatuses" } do
    for _, status in ipairs(pod.status[key] or {}) do found[#found + 1] = container_words(status) end
  end
  return #found > 0 and ("pod %s: %s"):format(pod.metadata.name, table.concat(found, "; ")) or nil
end

--- What an object that is being deleted still waits for.
local function ending(live, lines)
  if not live or not live.metadata.deletionTimestamp then return end
  for _, condition in ipairs(live.kind == "Namespace" and live.status and live.status.conditions or {}) do
    if condition.status == "True" and condition.message then lines[#lines + 1] = "being deleted: " .. condition.message end
  end
  local finalizers = live.metadata.finalizers
  if finalizers and #finalizers > 0 then lines[#lines + 1] = "being deleted, and held by the finalizers " .. table.concat(finalizers, ", ") end
end

--- Text for people, or nil when there is nothing to say. Never fails: it explains another failure.
function diagnosis.of(kube, object)
  local lines = {}
  local namespace, name = object.metadata.namespace, object.metadata.name
  pcall(function() ending(kube:get(object.apiVersion, object.kind, namespace, name), lines) end)
  pcall(function()
    local labels = selector_of(object)
    if not labels then return end
    local seen = {}
    for _, pod in ipairs(kube:list("v1", "Pod", { namespace = namespace, labels = labels }) or {}) do
      local text = pod_words(pod)
      local reason = text and text:gsub("^pod %S+ ", "")
      if text and not seen[reason] and #lines < 5 then
        seen[reason] = true
        lines[#lines + 1] = text
      end
    end
  end)
  pcall(function()
    local about = ("involvedObject.kind=%s,involvedObject.name=%s,type=Warning"):format(object.kind, name)
    local events = kube:list("v1", "Event", { namespace = namespace or "default", fields = about }) or {}
    table.sort(events, function(a, b) return (a.lastTimestamp or a.eventTime or "") < (b.lastTimestamp or b.eventTime or "") end)
    for i = math.max(1, #events - 2), #events do lines[#lines + 1] = ("event: %s: %s"):format(events[i].reason or "?", events[i].message or "") end
  end)
  return #lines > 0 and table.concat(lines, "\n") or nil
end

return diagnosis
