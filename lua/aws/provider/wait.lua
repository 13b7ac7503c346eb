--- Waiting for a condition: pauses that grow, a deadline, and the last state in the error.
local wait = {}

local EVERY, WITHIN, LONGEST, GROWTH = 0.2, 600, 15, 1.5

local KNOWN = { what = true, every = true, within = true, check = true, line = true }

--- @param spec table { what, check = fun(): value|nil, state|nil, every = s, within = s, line = fun(text) }
--- @return any value what the check gave
function wait.until_done(io, spec)
  for key in pairs(spec) do
    if not KNOWN[key] then error(("wait has no '%s'"):format(tostring(key)), 0) end
  end
  local started, pause, shown = io.now(), spec.every or EVERY, nil
  local within = spec.within or WITHIN
  while true do
    local value, state = spec.check()
    if value then return value end
    local spent = io.now() - started
    if spent >= within then
      return core.fail_as("timeout", ("%s: still %s after %.0f s"):format(spec.what, state or "not done", spent),
        "it may yet come about: run again, and slipway goes on from there")
    end
    if spec.line and state and state ~= shown then
      spec.line(("%s: %s"):format(spec.what, state))
      shown = state
    end
    io.sleep(math.min(pause * (0.75 + io.random() / 2), math.max(within - spent, 0.01)))
    pause = math.min(pause * GROWTH, LONGEST)
  end
end

return wait
