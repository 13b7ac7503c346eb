--- Roles: AssumeRole with other keys, AssumeRoleWithWebIdentity with a token.
local prompt = require "aws/credentials/prompt"
local shape = require "aws/credentials/shape"

local role = {}

local function session_name(ctx, given) return given or ctx.env "AWS_ROLE_SESSION_NAME" or ("slipway-%d"):format(math.floor(ctx.io.now())) end

local function keys_of(source, result)
  local keys = type(result.Credentials) == "table" and result.Credentials or {}
  return shape.checked(source, keys.AccessKeyId, keys.SecretAccessKey, keys.SessionToken, keys.Expiration)
end

--- @param base table keys (`get`, `forget`, `source`) to ask with
--- @param settings table { role_arn, external_id, mfa_serial, duration, session_name, policy, source }
function role.assume(ctx, base, settings)
  local result = ctx.sts(base):call("AssumeRole", {
    RoleArn = settings.role_arn,
    RoleSessionName = session_name(ctx, settings.session_name),
    ExternalId = settings.external_id,
    DurationSeconds = settings.duration,
    Policy = settings.policy,
    SerialNumber = settings.mfa_serial,
    TokenCode = settings.mfa_serial and prompt.code(ctx, settings.mfa_serial),
  })
  return keys_of(settings.source, result)
end

--- @param settings table { role_arn, token_file, session_name, duration, source }
function role.web_identity(ctx, settings)
  local text = ctx.io.read_file(settings.token_file)
  if not text then return core.fail_as("auth", ("%s: the token file '%s' is not there"):format(settings.source, settings.token_file)) end
  local result = ctx.sts(nil):call("AssumeRoleWithWebIdentity", {
    RoleArn = settings.role_arn,
    RoleSessionName = session_name(ctx, settings.session_name),
    WebIdentityToken = secret((text:gsub("%s+$", ""))),
    DurationSeconds = settings.duration,
  }, { retry = { "InvalidIdentityToken", "IDPCommunicationError" }, within = 5 })
  return keys_of(settings.source, result)
end

return role
