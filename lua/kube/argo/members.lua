--- The Applications of an ApplicationSet: it has done its part when they are there, and they are what it is for.
local ready = require "kube/ready"

local members = {}

local FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5 -- seconds

local function is_owned(object, uid)
  for _, owner in ipairs(object.metadata.ownerReferences or {}) do
    if owner.uid == uid then return true end
  end
  return false
end

--- @return boolean done, string|nil words of the first that is not, boolean failed (waiting on is of no use)
function members.state(kube, namespace, uid)
  for _, each in ipairs(kube:list("argoproj.io/v1alpha1", "Application", { namespace = namespace }) or {}) do
    if is_owned(each, uid) then
      local done, words, failed = ready.of(each)
      if not done then return false, ("%s: %s"):format(each.metadata.name, words), failed end
    end
  end
  return true, nil, false
end

--- Waits until all are as they should be. nil, or the words of what is not.
--- @param set table the live ApplicationSet
function members.wait(kube, set, within, line)
  local deadline, pause = kube:now() + within, FIRST_PAUSE
  while true do
    local done, words, failed = members.state(kube, set.metadata.namespace, set.metadata.uid)
    if done then return nil end
    if failed then return words end
    if kube:now() + pause > deadline then return ("%s (after %d s)"):format(words, within) end
    line(words)
    kube:sleep(pause)
    pause = math.min(pause * 1.5, LONGEST_PAUSE)
  end
end

return members
