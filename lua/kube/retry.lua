--- When a call is tried again, and after how long.
local retry = {}

local KNOWN_WITHIN = 120 -- seconds for a server that has answered before: a restart of the control plane
local FIRST_WITHIN = 20 -- and for one that has not
local SOON_WITHIN = 10 -- a server that starts does not know its roles yet; somebody else changes the object at this moment
local BASE, MOST = 0.1, 5

--- Growing pauses with full jitter, never shorter than the server wishes (a minute at most).
function retry.pause(n, random, wish)
  local pause = math.min(BASE * 2 ^ (n - 1), MOST)
  pause = pause / 2 + random * pause / 2
  return math.max(pause, math.min(wish or 0, 60))
end

--- May it be sent again? Reads, applies and what says so may always; the others when the server said that it did nothing.
local function is_safe(call, err)
  if call.safe then return true end
  if err.transport then return not err.sent end
  return err.status == 429 or err.status == 503
end

--- The seconds to wait before the next try; or nil, with the error's note and `lost` set.
--- @param call table { safe, unconditional = it asks for no version of the object }
--- @param tries integer so far
--- @param spent number seconds since the first
function retry.after(call, err, tries, spent, random, answered)
  local soon = err.starting or err.class == "conflict" and call.unconditional
  if err.class ~= "busy" and not soon then return nil end
  if not is_safe(call, err) then
    err.lost = true
    err.note = "the answer is lost, and it may have been done: the next run looks"
    return nil
  end
  local within = soon and SOON_WITHIN or (answered or not err.transport) and KNOWN_WITHIN or FIRST_WITHIN
  local pause = retry.pause(tries, random, err.retry_after)
  if spent + pause > within then
    err.note = tries > 1 and ("%d tries in %.0f s"):format(tries, spent) or nil
    return nil
  end
  return pause
end

--- Pauses for what is awaited (a kind, a namespace, a webhook): nil once `within` has passed.
function retry.patience(io, within)
  local started, n = io.now(), 0
  return function()
    n = n + 1
    local left = within - (io.now() - started)
    if left <= 0 then return nil end
    return math.min(retry.pause(n, io.random()), left)
  end
end

return retry
