--- Where keys come from, in the SDKs' order: the configuration, the environment, the profile (role, web identity, SSO, credentials file, program, config file),
--- the container, the instance. The first that has any is used; when none has, the error lists what was tried.
local container = require "aws/credentials/container"
local environment = require "aws/credentials/environment"
local files = require "aws/credentials/files"
local imds = require "aws/credentials/imds"
local kept = require "aws/credentials/keys".kept
local process = require "aws/credentials/process"
local role = require "aws/credentials/role"
local shape = require "aws/credentials/shape"
local sso = require "aws/credentials/sso"

local credentials = {}

--- Keys that stand in a section of a file.
local function standing(keys, name, path)
  if not keys.aws_access_key_id then return nil end
  local source = ("the profile '%s' in %s"):format(name, path)
  return shape.checked(source, keys.aws_access_key_id, keys.aws_secret_access_key, keys.aws_session_token or keys.aws_security_token)
end

local SOURCES = { Environment = environment.load, EcsContainer = container.load, Ec2InstanceMetadata = imds.load }

local profile_keys

--- What a profile's role is assumed with.
local function base_of(ctx, name, config, path)
  local from, kind = config.source_profile, config.credential_source
  if from and kind then return core.fail_as("auth", ("the profile '%s' has both source_profile and credential_source"):format(name)) end
  if kind then
    local load = SOURCES[kind]
    if not load then
      core.fail_as("auth", ("the profile '%s': there is no credential_source '%s'"):format(name, kind), "Environment, EcsContainer or Ec2InstanceMetadata")
    end
    return kept(ctx, function()
      local keys, why = load(ctx)
      return keys or core.fail_as("auth", ("the credential_source '%s' of the profile '%s' has no keys"):format(kind, name), why)
    end)
  end
  if not from then
    return core.fail_as("auth", ("the profile '%s' has role_arn, but neither source_profile nor credential_source"):format(name), "whose keys may assume it?")
  end
  local own = from == name
  if path[from] and not own then
    return core.fail_as("auth", ("the profiles' source_profile go in a circle: %s -> %s"):format(table.concat(path.order, " -> "), from))
  end
  return kept(ctx, function()
    local keys = profile_keys(ctx, from, path, own)
    return keys or core.fail_as("auth", ("the profile '%s' (source_profile of '%s') has no keys"):format(from, name))
  end)
end

--- Bases stay from one refresh to the next, so that each refreshes when it must.
local function assumed(ctx, name, config, path)
  ctx.bases[name] = ctx.bases[name] or base_of(ctx, name, config, path)
  return role.assume(ctx, ctx.bases[name], {
    role_arn = config.role_arn,
    external_id = config.external_id,
    mfa_serial = config.mfa_serial,
    duration = math.tointeger(tonumber(config.duration_seconds)),
    session_name = config.role_session_name,
    source = ("the role '%s' (profile '%s')"):format(config.role_arn, name),
  })
end

local function web_identity(ctx, source, arn, token_file, session_name, duration)
  if not arn or arn == "" then return core.fail_as("auth", source .. ": a token file is named, but no role") end
  return role.web_identity(ctx, {
    role_arn = arn,
    token_file = token_file,
    session_name = session_name,
    duration = math.tointeger(tonumber(duration)),
    source = ("the role '%s' (%s)"):format(arn, source),
  })
end

--- Keys of a profile, or nil. `path`: the profiles on the way here. `own`: its own role is not assumed again.
function profile_keys(ctx, name, path, own)
  local profile = files.profile(ctx, name, not ctx.profile_asked and name == "default")
  local config, order = profile.config, { table.unpack(path.order or {}) }
  order[#order + 1] = name
  local further = { order = order }
  for _, each in ipairs(order) do further[each] = true end
  local merged = {}
  for key, value in pairs(config) do merged[key] = value end
  for key, value in pairs(profile.credentials) do merged[key] = value end
  if merged.role_arn and not merged.web_identity_token_file and not own then return assumed(ctx, name, merged, further) end
  if merged.web_identity_token_file and not own then
    return web_identity(ctx, ("profile '%s'"):format(name), merged.role_arn, merged.web_identity_token_file, merged.role_session_name, merged.duration_seconds)
  end
  local keys = sso.load(ctx, name, merged) or standing(profile.credentials, name, ctx.files().credentials)
  if keys then return keys end
  if merged.credential_process then return process.load(ctx, name, merged.credential_process) end
  if merged.login_session then
    return core.fail_as("auth", ("the profile '%s' uses 'aws login', which is not supported"):format(name),
      "credential_process = aws configure export-credentials --profile " .. name .. " --format process")
  end
  return standing(config, name, ctx.files().config)
end

local function from_profile(ctx)
  local keys = profile_keys(ctx, ctx.profile_name, {})
  if keys then return keys end
  local found = ctx.files()
  return nil, (found.has_config or found.has_credentials) and "it has no keys, role, SSO or credential_process" or "neither file is there"
end

local function from_web_identity(ctx)
  local file = ctx.env "AWS_WEB_IDENTITY_TOKEN_FILE"
  if not file or file == "" then return nil, "AWS_WEB_IDENTITY_TOKEN_FILE is not set" end
  return web_identity(ctx, "web identity of the environment", ctx.env "AWS_ROLE_ARN", file)
end

--- { what it is called, where it looks }
local function chain(ctx)
  local found = ctx.files()
  local profile = { ("profile '%s' in %s and %s"):format(ctx.profile_name, found.config, found.credentials), from_profile }
  local last = { { "container", container.load }, { "instance", imds.load } }
  if ctx.config.profile then return { profile, table.unpack(last) } end
  local first, second = { "web identity", from_web_identity }, profile
  local settings = ctx.profile()
  if settings.role_arn and not settings.web_identity_token_file then first, second = second, first end
  return { { "environment", environment.load }, first, second, table.unpack(last) }
end

local function look(ctx)
  local tried = {}
  for _, each in ipairs(chain(ctx)) do
    local keys, why = each[2](ctx)
    if keys then return keys end
    tried[#tried + 1] = ("%s: %s"):format(each[1], why or "none")
  end
  return core.fail_as("auth", "there are no AWS credentials; looked in\n" .. table.concat(tried, "\n"),
    "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; or run 'aws configure sso'")
end

--- The keys of a client.
function credentials.keys(ctx)
  local config = ctx.config
  ctx.bases = {}
  local looked = false
  local base = kept(ctx, function()
    if looked then ctx.reload() end
    looked = true
    if config.access_key ~= nil then return shape.checked("the provider's configuration", config.access_key, config.secret_key, config.token) end
    return look(ctx)
  end)
  local wanted = config.assume_role
  if not wanted then return base end
  return kept(ctx, function()
    local settings = { source = ("the role '%s' (assume_role of the configuration)"):format(wanted.role_arn) }
    for key, value in pairs(wanted) do settings[key] = value end
    return role.assume(ctx, base, settings)
  end)
end

return credentials
