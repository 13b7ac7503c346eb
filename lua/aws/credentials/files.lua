--- The shared files and the profile that is used.
local ini = require "aws/credentials/ini"

local files = {}

local function unquoted(name) return name:match('^"(.*)"$') or name:match("^'(.*)'$") or name end

local function read(ctx, path)
  if path == "/dev/null" then return {}, false end -- how people say "none"
  local text = ctx.io.read_file(path)
  return text and ini.parse(text, path) or {}, text ~= nil
end

--- @return table { config, credentials (paths), has_config, has_credentials, profiles (of the config file), keys (sections of the credentials file),
---   sso (sessions), services, plain (other sections of the config file) }
local function load(ctx)
  local found = {
    config = ctx.env "AWS_CONFIG_FILE" or "~/.aws/config",
    credentials = ctx.env "AWS_SHARED_CREDENTIALS_FILE" or "~/.aws/credentials",
    profiles = {},
    keys = {},
    sso = {},
    services = {},
    plain = {},
  }
  local sections
  sections, found.has_config = read(ctx, found.config)
  for _, section in ipairs(sections) do
    local kind, name = section.name:match("^(%S+)%s+(.+)$")
    name = name and unquoted(name)
    if kind == "profile" then
      found.profiles[name] = section.keys
    elseif kind == "sso-session" then
      found.sso[name] = section.keys
    elseif kind == "services" then
      found.services[name] = section.keys
    elseif section.name == "default" then
      found.profiles.default = found.profiles.default or section.keys
    else
      found.plain[section.name] = true
    end
  end
  sections, found.has_credentials = read(ctx, found.credentials)
  for _, section in ipairs(sections) do found.keys[unquoted(section.name)] = section.keys end
  return found
end

local function names_of(found)
  local names, seen = {}, {}
  for _, map in ipairs { found.profiles, found.keys } do
    for name in pairs(map) do
      if not seen[name] then names[#names + 1] = name end
      seen[name] = true
    end
  end
  table.sort(names)
  return names
end

--- The profile of that name: { config = keys or {}, credentials = keys or {} }. Raises when neither file has it, unless `optional`.
function files.profile(ctx, name, optional)
  local found = ctx.files()
  local config, keys = found.profiles[name], found.keys[name]
  if not config and not keys and not optional then
    local names = names_of(found)
    local hint = #names > 0 and "there are: " .. table.concat(names, ", ") or "neither file has any profile"
    if found.plain[name] then hint = ("in %s a profile's section is [profile %s], not [%s]"):format(found.config, name, name) end
    core.fail_as("auth", ("there is no profile '%s' in %s or %s"):format(name, found.config, found.credentials), hint)
  end
  return { config = config or {}, credentials = keys or {} }
end

--- Gives ctx `files()`, `reload()`, `profile()` (settings of the profile in use), `profile_name` and `profile_asked` (somebody named it).
function files.attach(ctx)
  local found, settings
  function ctx.files()
    found = found or load(ctx)
    return found
  end
  --- What was read is read anew: somebody may have logged in since.
  function ctx.reload() found, settings = nil, nil end
  ctx.profile_asked = ctx.config.profile or ctx.env "AWS_PROFILE" or ctx.env "AWS_DEFAULT_PROFILE"
  ctx.profile_name = ctx.profile_asked or "default"
  function ctx.profile()
    if not settings then
      local profile = files.profile(ctx, ctx.profile_name, not ctx.profile_asked)
      settings = {}
      for key, value in pairs(profile.config) do settings[key] = value end
      for key, value in pairs(profile.credentials) do settings[key] = value end
    end
    return settings
  end
end

return files
