--- A call with what its type said about it: codes that mean "not yet" or "gone already".
local send = require "aws/provider/send"
local throttle = require "aws/provider/throttle"

local perform = {}

local WITHIN = 120 -- seconds a `retry` code is waited out
local FIRST, LAST = 0.5, 10 -- seconds between such tries

local OPTIONS = { retry = true, within = true, gone = true, idempotent = true, lists = true }

--- Twice is once: AWS's reference says so of each, or the call sets what it names to what it says.
local REPEATABLE = {
  "^Modify", "^Put", "^Set", "^Update", "^Tag", "^Untag", "^CreateTags$", "^DeleteTags$", "^AddTags", "^RemoveTags",
  "^TerminateInstances$", "^RegisterTargets$", "^DeregisterTargets$", "^AttachRolePolicy$", "^DetachRolePolicy$", "^AssumeRole",
  "^AssociateAddress$", "^DisassociateAddress$", "^StartInstances$",
  "^StopInstances$", "^DeleteLoadBalancer$", "^DeleteKeyPair$", "^Monitor", "^Unmonitor", "^Replace",
}
local TOKENS = { "ClientToken", "IdempotencyToken", "CallerReference" }

--- Does doing it twice do no harm? Then it is sent again when its answer is lost.
function perform.is_safe(action, params, options)
  if throttle.reads(action) or options.idempotent or options.gone then return true end
  for _, name in ipairs(TOKENS) do
    if params and params[name] ~= nil then return true end
  end
  for _, pattern in ipairs(REPEATABLE) do
    if action:find(pattern) then return true end
  end
  return false
end

--- options with only what calls know; raises for a misspelt one.
function perform.check(options, more)
  for key in pairs(options or {}) do
    if not OPTIONS[key] and not (more and more[key]) then error(("a call has no option '%s'"):format(tostring(key)), 0) end
  end
  return options or {}
end

--- Is the error among the codes? A code, or { code, a piece of the message }.
function perform.matches(err, codes)
  for _, wanted in ipairs(codes or {}) do
    if type(wanted) == "string" then
      if err.code == wanted then return true end
    elseif err.code == wanted[1] and (err.message or ""):find(wanted[2], 1, true) then
      return true
    end
  end
  return false
end

--- @return table|nil response `{ gone = true }` when the thing was gone
--- @return table|nil error
function perform.call(ctx, call, options)
  local started, pause = ctx.io.now(), FIRST
  local within = options.within or WITHIN
  while true do
    local response, err = send.call(ctx, call)
    if response then return response end
    if perform.matches(err, options.gone) then return { gone = true } end
    if err.lost or not perform.matches(err, options.retry) then return nil, err end
    local spent = ctx.io.now() - started
    if spent >= within then
      err.note = ("still so after %.0f s"):format(spent)
      return nil, err
    end
    ctx.io.sleep(math.min(pause * (0.5 + ctx.io.random()), math.max(within - spent, 0.01)))
    pause = math.min(pause * 1.6, LAST)
  end
end

return perform
