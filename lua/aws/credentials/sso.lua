--- IAM Identity Center (SSO): the token that `aws sso login` left in its cache buys keys at the portal.
local clock = require "aws/provider/clock"
local endpoints = require "aws/provider/endpoints"
local http = require "aws/credentials/http"
local shape = require "aws/credentials/shape"

local sso = {}

--- { start_url, region, account, role, cache (what the file's name is the hash of), login (what to run) } of a profile, or nil.
local function settings_of(ctx, name, config)
  if not config.sso_session and not config.sso_start_url then return nil end
  local from, cache = config, config.sso_start_url
  if config.sso_session then
    from, cache = ctx.files().sso[config.sso_session], config.sso_session
    if not from then
      core.fail_as("auth", ("the profile '%s' names the sso_session '%s', which %s does not have"):format(name, config.sso_session, ctx.files().config))
    end
  end
  local settings = {
    start_url = from.sso_start_url,
    region = from.sso_region,
    account = config.sso_account_id,
    role = config.sso_role_name,
    cache = cache,
    login = "run 'aws sso login" .. (name ~= "default" and " --profile " .. name or "") .. "'",
  }
  for _, each in ipairs { { "start_url", "sso_start_url" }, { "region", "sso_region" }, { "account", "sso_account_id" }, { "role", "sso_role_name" } } do
    if not settings[each[1]] or settings[each[1]] == "" then core.fail_as("auth", ("the profile '%s' uses SSO but has no %s"):format(name, each[2])) end
  end
  return settings
end

--- The token in the cache.
local function token_of(ctx, settings)
  local path = ("~/.aws/sso/cache/%s.json"):format(core.sha1(settings.cache))
  local text = ctx.io.read_file(path)
  if not text then return core.fail_as("auth", "there is no SSO token for " .. settings.start_url, settings.login) end
  local cached = shape.object(text)
  local expires = cached and clock.iso_date(cached.expiresAt)
  if not expires or type(cached.accessToken) ~= "string" then
    return core.fail_as("auth", path .. " is no SSO token", settings.login)
  end
  if expires <= ctx.clock.now() then return core.fail_as("auth", "the SSO token for " .. settings.start_url .. " expired", settings.login) end
  return secret(cached.accessToken)
end

local function portal(ctx, region)
  local url = ctx.env "AWS_ENDPOINT_URL_SSO" or ctx.env "AWS_ENDPOINT_URL"
  if url and url ~= "" and (ctx.env "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS" or ""):lower() ~= "true" then return (url:gsub("/+$", "")) end
  return ("https://portal.sso.%s.%s"):format(region, endpoints.suffix(endpoints.partition(region)))
end

--- nil: the profile uses no SSO.
function sso.load(ctx, name, config)
  local settings = settings_of(ctx, name, config)
  if not settings then return nil end
  local source = ("SSO (profile '%s')"):format(name)
  local response, why = http.ask(ctx, {
    what = "SSO portal",
    url = ("%s/federation/credentials?account_id=%s&role_name=%s"):format(portal(ctx, settings.region), core.uri_escape(settings.account),
      core.uri_escape(settings.role)),
    headers = { ["x-amz-sso_bearer_token"] = token_of(ctx, settings) },
    timeout = 15,
    ca_file = ctx.ca_file,
  })
  if not response then return core.fail_as("unreachable", ("%s: the portal does not answer: %s"):format(source, why)) end
  if response.status == 401 then return core.fail_as("auth", source .. ": the portal does not take the token any more", settings.login) end
  if response.status == 403 or response.status == 404 then
    return core.fail_as("auth", ("%s: no access to the role '%s' in the account %s"):format(source, settings.role, settings.account),
      "check sso_role_name and sso_account_id, or ask for the assignment")
  end
  local out = response.status == 200 and shape.object(response.body)
  local keys = out and out.roleCredentials
  if type(keys) ~= "table" then return core.fail_as("auth", ("%s: the portal's answer (status %d) has no keys"):format(source, response.status)) end
  return shape.checked(source, keys.accessKeyId, keys.secretAccessKey, keys.sessionToken, tonumber(keys.expiration) and tonumber(keys.expiration) / 1000)
end

return sso
