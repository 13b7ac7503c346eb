--- Token buckets: how fast each service lets itself be called, and what it taught us since.
--- Sizes are AWS's documented ones per account, region and API (EC2, ELB, Route 53); where none is documented a generous one is taken and corrected by
--- the first refusal.
local throttle = {}

--- { burst, calls a second }
local EC2 = {
  RunInstances = { 5, 2 },
  StartInstances = { 5, 2 },
  TerminateInstances = { 100, 5 },
  CreateTags = { 100, 10 },
  DeleteTags = { 100, 10 },
  CreateVolume = { 100, 5 },
  CreateNatGateway = { 10, 1 },
  DeleteNatGateway = { 10, 1 },
  AssociateIamInstanceProfile = { 100, 5 },
}
--- Costly without a filter or pages.
local WIDE = {
  DescribeInstances = true,
  DescribeInstanceStatus = true,
  DescribeNetworkInterfaces = true,
  DescribeSecurityGroups = true,
  DescribeSnapshots = true,
  DescribeVolumes = true,
}
local READS = { "^Describe", "^Get", "^List", "^Search", "^Lookup", "^Head" }

local SERVICES = { -- reads, writes; `whole`: one bucket for everything
  ec2 = { { 100, 20 }, { 50, 5 } },
  elbv2 = { { 40, 10 }, { 40, 10 } },
  route53 = { { 5, 5 }, { 5, 5 }, whole = true },
  iam = { { 100, 20 }, { 50, 10 } },
  sts = { { 100, 50 }, { 100, 50 } },
  acm = { { 20, 10 }, { 20, 5 } },
  ssm = { { 40, 20 }, { 20, 5 } },
  s3 = { { 200, 100 }, { 200, 100 } },
}

function throttle.reads(action)
  for _, pattern in ipairs(READS) do
    if action:find(pattern) then return true end
  end
  return action:find("^GET ") ~= nil or action:find("^HEAD ") ~= nil
end

--- The key of the bucket of a call, its burst and rate.
function throttle.kind(service, action, params)
  local sizes = SERVICES[service] or { { 50, 10 }, { 50, 10 } }
  local reads = throttle.reads(action)
  local size = reads and sizes[1] or sizes[2]
  if service == "ec2" then
    size = EC2[action] or size
    if WIDE[action] and params and params.Filter == nil and params.MaxResults == nil then return "ec2 " .. action .. " unfiltered", { 50, 10 } end
  end
  return sizes.whole and service or service .. " " .. action, size
end

local FLOOR, CUT, REGAIN = 0.05, 0.5, 0.05 -- of the rate: the least, what a refusal leaves, what a second without one gives back
local CUT_ONCE = 1 -- seconds: refusals that come together are one

--- @param own boolean the endpoint is AWS's own: else no limit is known before the first refusal
function throttle.buckets(io, own)
  local buckets = {}
  local self = {}

  local function bucket(service, action, params)
    local key, size = throttle.kind(service, action, params)
    local b = buckets[key]
    if not b then
      b = { burst = size[1], full = size[2], rate = size[2], tokens = size[1], at = io.now(), cut = -1, free = not own }
      buckets[key] = b
    end
    return b
  end

  --- Brings it up to now: tokens flow in at the rate, and a lowered rate recovers.
  local function flow(b)
    local now = io.now()
    local passed = math.max(0, now - b.at)
    b.at = now
    b.tokens = math.min(b.burst * b.rate / b.full, b.tokens + passed * b.rate)
    b.rate = math.min(b.full, b.rate + b.full * REGAIN * passed)
  end

  --- Waits until the call may be made. Callers that wait are served in order: each takes its token at once and waits out the debt.
  function self.take(service, action, params)
    local b = bucket(service, action, params)
    if b.free then return end
    flow(b)
    b.tokens = b.tokens - 1
    if b.tokens < 0 then io.sleep(-b.tokens / b.rate) end
  end

  --- The service refused: it allows less than we thought.
  function self.refused(service, action, params)
    local b = bucket(service, action, params)
    flow(b)
    b.free = false
    if b.at - b.cut < CUT_ONCE then return end
    b.cut = b.at
    b.rate = math.max(b.full * FLOOR, b.rate * CUT)
    b.tokens = math.min(b.tokens, 0)
  end

  function self.rate(service, action, params) return bucket(service, action, params).rate end

  return self
end

return throttle
