--- The instance metadata service, version 2; version 1 only where the service knows no tokens and nothing forbids it.
local http = require "aws/credentials/http"
local shape = require "aws/credentials/shape"

local imds = {}

local ROLES = "/latest/meta-data/iam/security-credentials/"

local function is_true(text) return (text or ""):lower() == "true" end

local function base_of(ctx)
  local profile = ctx.profile()
  local url = ctx.env "AWS_EC2_METADATA_SERVICE_ENDPOINT" or profile.ec2_metadata_service_endpoint
  if url and url ~= "" then return (url:gsub("/+$", "")) end
  local mode = ctx.env "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE" or profile.ec2_metadata_service_endpoint_mode or ""
  return mode:lower() == "ipv6" and "http://[fd00:ec2::254]" or "http://169.254.169.254"
end

local function ask(ctx, method, path, headers)
  return http.ask(ctx, {
    what = "instance metadata",
    method = method,
    url = base_of(ctx) .. path,
    headers = headers,
    timeout = tonumber(ctx.env "AWS_METADATA_SERVICE_TIMEOUT" or "") or 1,
    attempts = math.tointeger(tonumber(ctx.env "AWS_METADATA_SERVICE_NUM_ATTEMPTS" or "")) or 1,
  })
end

--- Headers with a token; nil and why not.
local function session(ctx)
  if is_true(ctx.env "AWS_EC2_METADATA_DISABLED") then return nil, "AWS_EC2_METADATA_DISABLED is set" end
  local response, why = ask(ctx, "PUT", "/latest/api/token", { ["x-aws-ec2-metadata-token-ttl-seconds"] = "21600" })
  if not response then return nil, "no answer: this is no instance (" .. why .. ")" end
  if response.status == 200 then return { ["x-aws-ec2-metadata-token"] = secret((response.body:gsub("%s+$", ""))) } end
  local old = response.status == 403 or response.status == 404 or response.status == 405
  if not old then return nil, "the metadata service refuses a token with status " .. response.status end
  if is_true(ctx.env "AWS_EC2_METADATA_V1_DISABLED") or is_true(ctx.profile().ec2_metadata_v1_disabled) then
    return nil, "the metadata service gives no token, and its version 1 is disabled"
  end
  return {}
end

local function get(ctx, headers, path)
  local response, why = ask(ctx, "GET", path, headers)
  if not response then return nil, why end
  if response.status ~= 200 then return nil, "status " .. response.status end
  return response.body
end

function imds.load(ctx)
  local headers, why = session(ctx)
  if not headers then return nil, why end
  local roles, role, text
  roles, why = get(ctx, headers, ROLES)
  role = roles and roles:match("[%w+=,.@_-]+")
  if not role then return nil, "the instance has no role (" .. (why or "the list is empty") .. ")" end
  text, why = get(ctx, headers, ROLES .. role)
  local out = text and shape.object(text)
  if not out then return nil, ("no keys for the role '%s' (%s)"):format(role, why or "no JSON") end
  if out.Code and out.Code ~= "Success" then return nil, ("the role '%s' gives no keys: %s"):format(role, tostring(out.Code)) end
  return shape.checked(("the instance's role '%s'"):format(role), out.AccessKeyId, out.SecretAccessKey, out.Token, out.Expiration)
end

--- The region the instance runs in, or nil and why not.
function imds.region(ctx)
  local headers, why = session(ctx)
  if not headers then return nil, why end
  local text
  text, why = get(ctx, headers, "/latest/meta-data/placement/region")
  local region = text and text:match("^[a-z0-9-]+$")
  return region, not region and (why or "the answer is no region") or nil
end

return imds
