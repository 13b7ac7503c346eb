--- When a call is tried again, and after how long.
--- Classes and costs are those of the SDKs' standard mode (botocore): full jitter below base * 2^(n-1), at most 20 s, paid from a budget that answers refill.
local retry = {}

local function set(words)
  local found = {}
  for word in words:gmatch("%S+") do found[word] = true end
  return found
end

--- Refused before anything was done: the caller was too fast.
local THROTTLED = set [[
  Throttling ThrottlingException ThrottledException RequestThrottledException RequestThrottled TooManyRequestsException
  ProvisionedThroughputExceededException TransactionInProgressException RequestLimitExceeded BandwidthLimitExceeded LimitExceededException SlowDown
  PriorRequestNotComplete EC2ThrottledException
]]
--- ACM and SSM call a quota LimitExceededException, which no waiting changes.
local QUOTA_SERVICES = set "acm ssm"
local TRANSIENT = set "RequestTimeout RequestTimeoutException InternalError InternalFailure InternalServerError ServiceUnavailable Unavailable"
--- The service says that it did nothing.
local UNTOUCHED = set "ServiceUnavailable Unavailable RequestTimeout RequestTimeoutException"
local EXPIRED = set "ExpiredToken ExpiredTokenException TokenRefreshRequired"
local SKEW = set "RequestTimeTooSkewed RequestExpired RequestInTheFuture InvalidSignatureException SignatureDoesNotMatch AuthFailure"

retry.MAX_PAUSE = 20

--- What kind of failure an answer is: "throttle", "transient", "expired" (the keys), "skew" (perhaps the clock), or nil: trying again changes nothing.
function retry.class(service, status, code)
  if code:find("^Insufficient%a+Capacity$") then return nil end -- EC2 says so with a 500
  if THROTTLED[code] and not (code == "LimitExceededException" and QUOTA_SERVICES[service]) then return "throttle" end
  if status == 429 then return "throttle" end
  if EXPIRED[code] then return "expired" end
  if TRANSIENT[code] or status == 500 or status == 502 or status == 503 or status == 504 then return "transient" end
  if SKEW[code] then return "skew" end
  return nil
end

--- May the call have had an effect although the answer is this failure?
function retry.may_have_acted(class, status, code)
  if class ~= "transient" then return false end
  return not (UNTOUCHED[code] or status == 503)
end

local BASE = { throttle = 1, transient = 0.05 }

--- Seconds to wait before the try after the n-th.
--- @param headers table|nil of the answer: Retry-After in seconds, x-amz-retry-after in milliseconds stretch the pause, by 5 s at most
function retry.pause(class, n, random, headers)
  local pause = random * math.min((BASE[class] or BASE.transient) * 2 ^ (n - 1), retry.MAX_PAUSE)
  local wish = headers and ((tonumber(headers["x-amz-retry-after"]) or 0) / 1000)
  if headers and wish <= 0 then wish = tonumber(headers["retry-after"]) or 0 end
  if wish and wish > pause then pause = math.min(wish, pause + 5) end
  return pause
end

local CAPACITY, COST = 1000, { throttle = 5, transient = 14 }

--- The budget of one client: `take(class)` before a retry, `refill(cost)` of all its retries after an answer. It keeps a broken service from being called
--- without end.
function retry.budget()
  local left = CAPACITY
  return {
    --- What it cost, or nil when nothing is left.
    take = function(class)
      local cost = COST[class] or COST.transient
      if cost > left then return nil end
      left = left - cost
      return cost
    end,
    refill = function(cost) left = math.min(CAPACITY, left + (cost or 1)) end,
    left = function() return left end,
  }
end

return retry
