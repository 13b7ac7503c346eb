--- Failures of calls in words for people: what failed, the service's own words, and what to do about it.
local errors = {}

--- What IAM calls the services.
local PERMISSION = { elbv2 = "elasticloadbalancing" }

local QUOTAS = {
  VpcLimitExceeded = { "vpc", "VPCs per region" },
  InternetGatewayLimitExceeded = { "vpc", "internet gateways per region" },
  SubnetLimitExceeded = { "vpc", "subnets per VPC" },
  RouteTableLimitExceeded = { "vpc", "route tables per VPC" },
  RouteLimitExceeded = { "vpc", "routes per route table" },
  SecurityGroupLimitExceeded = { "vpc", "security groups per region" },
  RulesPerSecurityGroupLimitExceeded = { "vpc", "rules per security group" },
  SecurityGroupsPerInterfaceLimitExceeded = { "vpc", "security groups per network interface" },
  NatGatewayLimitExceeded = { "vpc", "NAT gateways per zone" },
  AddressLimitExceeded = { "ec2", "Elastic IP addresses per region" },
  InstanceLimitExceeded = { "ec2", "running instances" },
  VcpuLimitExceeded = { "ec2", "running vCPUs of this instance family" },
  VolumeLimitExceeded = { "ebs", "volumes" },
  TooManyLoadBalancers = { "elasticloadbalancing", "load balancers per region" },
  TooManyTargetGroups = { "elasticloadbalancing", "target groups per region" },
  TooManyTargets = { "elasticloadbalancing", "targets per load balancer" },
  TooManyListeners = { "elasticloadbalancing", "listeners per load balancer" },
  TooManyRules = { "elasticloadbalancing", "rules per load balancer" },
  TooManyHostedZones = { "route53", "hosted zones per account" },
  TooManyBuckets = { "s3", "buckets per account" },
}

local function any(code, ...)
  for _, pattern in ipairs { ... } do
    if code:find(pattern) then return true end
  end
  return false
end

local function is_denied(code) return any(code, "^UnauthorizedOperation$", "^AccessDenied", "^AuthorizationError", "^NotAuthorized") end

local function is_bad_key(code)
  return any(code, "^ExpiredToken", "^InvalidClientTokenId$", "^UnrecognizedClient", "^InvalidAccessKeyId$", "^AuthFailure$", "^SignatureDoesNotMatch$",
    "^InvalidSignatureException$", "^IncompleteSignature", "^MissingAuthenticationToken", "^InvalidToken$", "^RequestExpired$")
end

local function is_quota(code) return any(code, "LimitExceeded", "^TooMany", "QuotaExceeded") and not code:find("^RequestLimitExceeded$") end

local function is_there(code)
  return any(code, "Duplicate", "AlreadyExists", "^BucketAlreadyOwnedByYou$", "AlreadyAssociated$") and code ~= "InvalidPermission.Duplicate"
end

local function is_held(code) return any(code, "^DependencyViolation$", "InUse", "^DeleteConflict$", "^HostedZoneNotEmpty$", "^BucketNotEmpty$") end

--- The name of the permission a call needs: ec2:CreateVpc.
function errors.permission(service, action) return (PERMISSION[service] or service) .. ":" .. action end

local function quota_hint(err, region)
  local quota = QUOTAS[err.code]
  local where = quota and ("the quota '%s' of '%s'"):format(quota[2], quota[1]) or ("a quota of '%s'"):format(PERMISSION[err.service] or err.service)
  return where .. " in " .. region .. " is used up: ask for more in Service Quotas, or remove what is not used"
end

--- Keys that the service does not take: their time is over, the secret belongs to another key, or nobody knows them.
local function key_hint(code, client)
  local keys = "the keys come from " .. client.source()
  if code:find("^ExpiredToken") or code == "RequestExpired" then return keys .. ", and their time is over: log in anew" end
  if code == "SignatureDoesNotMatch" or code == "InvalidSignatureException" then
    return keys .. ": the secret is not that of the access key; copy both again, whole"
  end
  return ("%s: check that they are whole, active and of this partition, and that the region %s is enabled"):format(keys, client.region)
end

--- Which zones to take instead, in AWS's words: "... or choosing eu-west-1b, eu-west-1c."
local function zones_of(message)
  local zones = message:match("choosing ([%w%-, ]+)")
  if not zones then return "choose another zone or another type" end
  return ("choose another zone (%s) or another type"):format((zones:gsub(", ([^,]+)$", " or %1")))
end

--- What to try, or nil.
--- @param client table { region, source }
--- @param address string|nil of the resource it was for
function errors.hint(err, client, address)
  local code, message = err.code or "", err.message or ""
  local of = address and (" for '" .. address .. "'") or ""
  if is_denied(code) then
    local who = message:match("User: (%S+) is not authorized") or message:match("(arn:aws%S+)")
    local permission = message:match("perform: ([%w-]+:%w+)") or errors.permission(err.service, err.action)
    return ("the permission '%s'%s is missing: allow it in a policy of %s"):format(permission, of, who or "the keys' owner (from " .. client.source() .. ")")
  end
  if code == "OptInRequired" then return "the account is not signed up for this service, or the region is not enabled" end
  if is_bad_key(code) then return key_hint(code, client) end
  local another = zones_of(message)
  if code:find("^Insufficient%a+Capacity$") then return "AWS has none left in this zone: " .. another .. ", or try again later" end
  if code == "Unsupported" and message:find("Availability Zone", 1, true) then return "the zone has no such instance type: " .. another end
  if err.service == "s3" and err.region and err.region ~= client.region then return "the bucket is in " .. err.region .. ", not in " .. client.region end
  if is_quota(code) then return quota_hint(err, client.region) end
  if is_there(code) then
    return ("it exists already and this state does not know it: 'slipway import %s ID' takes it over; or choose another name"):format(address or "ADDRESS")
  end
  if is_held(code) then return "something outside this state still uses it: remove that first" end
  if code == "InvalidAMIID.NotFound" then return "images differ by region: this one is not in " .. client.region end
  if code == "PendingVerification" or code == "Blocked" then return "AWS holds the account back: look into its mail or ask AWS support" end
  return nil
end

--- A message of EC2 may carry a kilobyte of encoded text.
local function short(message)
  return (message:gsub("Encoded authorization failure message: %S+", "(an encoded message was left out)"))
end

--- "aws ec2 CreateVpc: VpcLimitExceeded: The maximum number of VPCs has been reached"
function errors.message(err)
  local text = ("aws %s %s: %s"):format(err.service, err.action, err.code)
  if err.message and err.message ~= "" then text = text .. ": " .. short(err.message:gsub("%s+", " ")):gsub("%.$", "") end
  if err.note then text = text .. " (" .. err.note .. ")" end
  if err.request_id and not is_quota(err.code) then text = text .. " [request " .. err.request_id .. "]" end
  return text
end

--- The code of the error slipway ends with. Only what is lost keeps an intent open.
local function kind(err)
  if err.lost then return "uncertain" end
  if err.transport then return "unreachable" end
  if err.class == "throttle" then return "limit" end
  if is_bad_key(err.code) then return "auth" end
  if is_there(err.code) then return "exists" end
  return "remote"
end

--- Raises.
function errors.raise(err, client, address)
  return core.fail_as(kind(err), errors.message(err), err.hint or errors.hint(err, client, address))
end

return errors
