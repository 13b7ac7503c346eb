--- What Argo CD's own ConfigMaps and Secrets hold, from the options of the add-on.
local settings = {}

-- An Application is as healthy as what it deployed: without this, sync waves of an app-of-apps do not wait for the apps of earlier waves.
local APPLICATION_HEALTH = [[
local health = { status = "Progressing", message = "waiting for the first sync" }
local found = obj.status and obj.status.health
if found and found.status then
  health.status = found.status
  health.message = found.message or ""
end
return health
]]

local function text_of(value, what)
  if type(value) == "table" then return yaml.encode(value) end
  if type(value) ~= "string" and type(value) ~= "userdata" and type(value) ~= "boolean" and type(value) ~= "number" then
    slipway.fail(("add-on argo-cd: %s: a text wanted, not a %s"):format(what, type(value)))
  end
  return type(value) == "userdata" and value or tostring(value)
end

local function refuse_secrets(value, where)
  if type(value) == "table" then
    for key, member in pairs(value) do refuse_secrets(member, ("%s.%s"):format(where, tostring(key))) end
  elseif type(value) == "userdata" and slipway.is_secret(value) then
    slipway.fail(("add-on argo-cd: %s is a secret, and ConfigMaps can be read by many"):format(where), "put it under `secrets` and write $NAME here")
  end
end

--- argocd-cm
function settings.main(o)
  local data = { ["resource.customizations.health.argoproj.io_Application"] = APPLICATION_HEALTH }
  if o.domain then data.url = "https://" .. o.domain end
  if o.admin == false then data["admin.enabled"] = "false" end
  for key, value in pairs(o.settings) do
    refuse_secrets(value, "settings." .. key)
    data[key] = text_of(value, "settings." .. key)
  end
  if o.oidc then
    local oidc = {}
    for key, value in pairs(o.oidc) do oidc[key] = value end
    if oidc.clientSecret ~= nil then oidc.clientSecret = "$oidc.clientSecret" end
    refuse_secrets(oidc, "oidc")
    data["oidc.config"] = yaml.encode(oidc)
  end
  if o.dex then
    refuse_secrets(o.dex, "dex")
    data["dex.config"] = yaml.encode(o.dex)
  end
  return data
end

--- argocd-cmd-params-cm
function settings.params(o)
  local data = {}
  if o.insecure then data["server.insecure"] = "true" end
  if o.progressive_syncs then data["applicationsetcontroller.enable.progressive.syncs"] = "true" end
  for key, value in pairs(o.params) do
    refuse_secrets(value, "params." .. key)
    data[key] = text_of(value, "params." .. key)
  end
  return data
end

--- argocd-rbac-cm
function settings.rbac(o)
  local data = {}
  data["policy.csv"], data["policy.default"], data.scopes = o.rbac, o.rbac_default, o.rbac_scopes
  return data
end

--- argocd-secret: what it holds of ours; Argo CD adds the key of its sessions. nil for nothing.
function settings.secrets(o)
  local data = {}
  for key, value in pairs(o.secrets) do data[key] = secret(value) end
  if o.oidc and o.oidc.clientSecret ~= nil then data["oidc.clientSecret"] = secret(o.oidc.clientSecret) end
  if o.admin_password ~= nil then
    -- The salt follows from the password: the hash stays the same as long as it does.
    data["admin.password"] = core.bcrypt(o.admin_password, "argo-cd/" .. o.namespace)
    data["admin.passwordMtime"] = o.admin_password_changed
  end
  return next(data) and data or nil
end

return settings
