--- One call: signed, sent, tried again where that is right, until there is an answer or an error.
local retry = require "aws/provider/retry"

local send = {}

local DEADLINE = 120 -- seconds for all tries of a call, besides what a try takes
local READ_TIMEOUT, WRITE_TIMEOUT = 30, 60
local ATTEMPTS = 8
local MAX_ANSWER = 32 << 20 -- bytes: some lists come without pages

--- What the answer was, as an error: { code, message, ... } with `class`, and `lost` where nobody knows whether the call had an effect.
local function failed(ctx, call, response)
  local err = call.read_error(response)
  err.class = retry.class(call.service, response.status, err.code)
  err.headers = response.headers
  err.lost = not call.safe and retry.may_have_acted(err.class, response.status, err.code)
  err.wrong_clock = err.class == "skew" and ctx.clock.learn(response.headers, call.signed_at)
  if err.code == "RequestExpired" and not err.wrong_clock then err.class = "expired" end -- EC2 says so of a token, too
  return err
end

local WORDS = {
  timeout = "no answer in time",
  unreachable = "no connection to the service, or it broke off",
  tls = "the TLS connection failed",
  too_large = "the answer is too large",
  invalid = "the request cannot be sent",
}

local HINTS = {
  tls = "behind a proxy that opens TLS, name its certificates: ca_bundle in the provider's configuration, or AWS_CA_BUNDLE",
  unreachable = "check the network, the proxy variables, the region and the endpoint",
}

local function unanswered(call, response)
  if response.error == "cancelled" then return core.fail_as("cancelled", "stopped") end
  local transient = response.error == "timeout" or response.error == "unreachable"
  local origin, message = call.url:match("^https?://[^/?]+"), response.message or ""
  return {
    code = WORDS[response.error] or response.error,
    message = message:find(origin, 1, true) and message or ("%s (%s)"):format(message, origin),
    class = transient and "transient" or nil,
    transport = transient,
    timeout = response.error == "timeout",
    lost = response.sent and not call.safe,
    hint = HINTS[response.error],
  }
end

local function exchange(ctx, call, keys)
  call.signed_at = ctx.clock.now()
  return ctx.io.http {
    method = call.method,
    url = call.url,
    headers = call.headers,
    body = call.body,
    max_body = MAX_ANSWER,
    timeout = ctx.config.timeout or (call.safe and READ_TIMEOUT or WRITE_TIMEOUT),
    ca_file = ctx.ca_file,
    note = call.service .. " " .. call.action,
    sign = keys and {
      service = call.sign.service,
      region = call.sign.region,
      key = keys.key,
      secret = keys.secret,
      token = keys.token,
      time = call.signed_at,
      s3 = call.sign.s3,
    } or nil,
  }
end

local function attempt(ctx, call)
  if call.throttle then call.throttle.take(call.service, call.action, call.params) end
  local keys = call.keys and call.keys.get()
  if call.changes then ctx.changed() end
  local response = exchange(ctx, call, keys)
  if call.changes then ctx.changed() end
  if response.error then return nil, unanswered(call, response) end
  if response.status >= 200 and response.status < 300 then return response end
  local err = failed(ctx, call, response)
  if err.class == "throttle" and call.throttle then call.throttle.refused(call.service, call.action, call.params) end
  if err.class == "expired" and call.keys then call.keys.forget(keys) end
  return nil, err
end

--- Is the failure worth another try now? The seconds to wait before it, or nil and a note for people.
local function again(ctx, call, err, tries, started)
  if err.lost then
    err.note = "the answer is lost, and the call may have had an effect: the next run looks"
    return nil
  end
  if err.wrong_clock or err.class == "expired" then
    local seen = err.wrong_clock and "wrong_clock" or "expired"
    if call.corrected[seen] then return nil end
    call.corrected[seen] = true
    return 0
  end
  if err.class ~= "throttle" and err.class ~= "transient" then return nil end
  local pause = retry.pause(err.class, tries, ctx.io.random(), err.headers)
  local spent = ctx.io.now() - started
  if tries >= (ctx.attempts or ATTEMPTS) or spent + pause > DEADLINE then
    err.note = tries > 1 and ("%d tries in %.0f s"):format(tries, spent) or nil
    return nil
  end
  local cost = ctx.budget.take(err.class)
  if not cost then
    err.note = "too much fails to try again"
    return nil
  end
  call.cost = (call.cost or 0) + cost
  return pause
end

--- @param call table { service, action, method, url, headers, body, params, sign = { service, region, s3 }, keys, throttle, read_error, safe, changes,
---   cost, corrected, signed_at (set here) }
--- @return table|nil response
--- @return table|nil error
function send.call(ctx, call)
  local started, tries = ctx.io.now(), 0
  call.corrected = {}
  while true do
    local response, err = attempt(ctx, call)
    if response then
      ctx.budget.refill(call.cost)
      return response
    end
    tries = tries + 1
    local pause = again(ctx, call, err, tries, started)
    if not pause then
      err.service, err.action, err.headers = call.service, call.action, nil
      return nil, err
    end
    if pause > 0 then ctx.io.sleep(pause) end
  end
end

return send
