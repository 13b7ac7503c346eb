--- Who we are to the API server: a client certificate, a token, a token in a file, or what an exec plugin gives.
--- Exec plugins: client.authentication.k8s.io/v1 and v1beta1 (ExecCredential).
local clock = require "aws/provider/clock"
local config = require "kube/config"
local share = require "share"

local credentials = {}

local FILE_LIVES = 60 -- seconds: token files are written anew every few minutes to hours
local EXEC_TIMEOUT = 60
local EARLY = 60 -- seconds before its end a credential is fetched anew

local function bad(where, text, hint) return core.fail_as("auth", ("%s: %s"):format(where, text), hint) end

--- At plan time a stranger's pull request may bring a kubeconfig. It starts no program and reads no file here.
local function refuse_strangers(user, what)
  if slipway.untrusted then core.refuse(("%s: %s is used at apply"):format(user.where, what)) end
end

local function bearer(token) return { authorization = "Bearer " .. secret(token) } end

local function token_file(io, user)
  local path = config.beside(user.file, user.value.tokenFile)
  return function()
    refuse_strangers(user, "a token file")
    local fine, token = pcall(io.read_file, path)
    token = fine and token and token:match("^%s*(.-)%s*$")
    if not token or token == "" then bad(user.where .. ".tokenFile", "there is no such file, or no token in it") end
    return bearer(token), io.now() + FILE_LIVES
  end
end

local API = "client.authentication.k8s.io/"

--- What stands there instead of a version is told only when it looks like one.
local function named(version)
  local found = type(version) == "string" and version:match("^client%.authentication%.k8s%.io/(v%d+%l*%d*)$")
  return found and ", not " .. found or ""
end

local function environment(exec, where)
  local env = {}
  for i, each in ipairs(exec.env or {}) do
    if type(each) ~= "table" or type(each.name) ~= "string" or type(each.value) ~= "string" then
      bad(("%s.env[%d]"):format(where, i - 1), "{ name, value } wanted")
    end
    env[each.name] = each.value
  end
  return env
end

local function exec_info(version, exec, cluster)
  local spec = { interactive = false }
  if exec.provideClusterInfo then
    local ca = cluster.ca and base64.encode(cluster.ca) or nil
    spec.cluster = { server = cluster.url, ["certificate-authority-data"] = ca, ["tls-server-name"] = cluster.server_name }
  end
  return json.encode { kind = "ExecCredential", apiVersion = API .. version, spec = spec }
end

--- Checks what the plugin printed.
local function exec_status(out, version, where, command)
  local fine, tree = pcall(json.decode, out)
  if not fine or type(tree) ~= "table" or tree.kind ~= "ExecCredential" then bad(where, ("'%s' did not print an ExecCredential"):format(command)) end
  if tree.apiVersion ~= API .. version then
    bad(where, ("'%s' does not speak %s, which the kubeconfig asks for%s"):format(command, API .. version, named(tree.apiVersion)))
  end
  local status = type(tree.status) == "table" and tree.status or {}
  local cert, key = status.clientCertificateData, status.clientKeyData
  if type(status.token) ~= "string" and (type(cert) ~= "string" or type(key) ~= "string") then
    bad(where, ("'%s' gave neither a token nor a certificate with its key"):format(command))
  end
  local headers = type(status.token) == "string" and bearer(status.token) or {}
  local expires = type(status.expirationTimestamp) == "string" and clock.iso_date(status.expirationTimestamp) or nil
  return { authorization = headers.authorization, cert = cert and secret(cert), key = key and secret(key) }, expires and expires - EARLY
end

local function plugin(io, user, cluster)
  local exec, where = user.value.exec, user.where .. ".exec"
  if type(exec) ~= "table" or type(exec.command) ~= "string" or exec.command == "" then bad(where, "it has no command") end
  local version = type(exec.apiVersion) == "string" and exec.apiVersion:match("^client%.authentication%.k8s%.io/(v1b?e?t?a?1?)$")
  if version ~= "v1" and version ~= "v1beta1" then
    bad(where .. ".apiVersion", ("%sv1 or v1beta1 wanted%s"):format(API, named(exec.apiVersion)))
  end
  if exec.interactiveMode == "Always" then bad(where .. ".interactiveMode", "a program that asks at the terminal cannot be used here") end
  local command = exec.command
  if command:find("/") and not command:find("^[/~]") then command = config.beside(user.file, command) end
  local argv = { command }
  for _, argument in ipairs(exec.args or {}) do argv[#argv + 1] = tostring(argument) end
  return function()
    refuse_strangers(user, "a program that gives credentials")
    local env = environment(exec, where)
    env.KUBERNETES_EXEC_INFO = exec_info(version, exec, cluster)
    local fine, result = pcall(io.run, { argv = argv, env = env, timeout = EXEC_TIMEOUT })
    if not fine then bad(where, ("'%s': %s"):format(command, type(result) == "string" and result or result.message), exec.installHint) end
    if not result.ok then
      local words = result.err:gsub("%s+", " "):sub(1, 300)
      bad(where, ("'%s' ended with status %d%s"):format(command, result.status, words ~= "" and ": " .. words or ""), "log in anew with it")
    end
    return exec_status(result.out, version, where, command)
  end
end

local function unchanging(found)
  return function() return found end
end

local function source_of(io, user, cluster)
  local value = user.value
  if value["auth-provider"] then
    bad(user.where .. ".auth-provider", "Kubernetes took such providers out in 1.26", "have the kubeconfig written anew: its cloud has an exec plugin now")
  end
  if value.exec then return plugin(io, user, cluster), true end
  local cert, key = config.pem(io, user, "client-certificate"), config.pem(io, user, "client-key")
  if (cert == nil) ~= (key == nil) then bad(user.where, "client-certificate-data and client-key-data go together") end
  if cert then return unchanging { cert = secret(cert), key = secret(key) } end
  if type(value.tokenFile) == "string" and value.tokenFile ~= "" then return token_file(io, user), true end
  if type(value.token) == "string" and value.token ~= "" then return unchanging(bearer(value.token)) end
  if type(value.username) == "string" then
    return unchanging { authorization = "Basic " .. secret(base64.encode(value.username .. ":" .. tostring(value.password or ""))) }
  end
  return unchanging {}
end

--- @return table { get() -> { authorization, cert, key }, forget(found), renews = can others be had? }
function credentials.of(io, user, cluster)
  local fetch, renews = source_of(io, user, cluster)
  local flight, current, until_time = share.flight(io), nil, nil
  return {
    renews = renews or false,
    get = function()
      if current and (not until_time or io.now() < until_time) then return current end
      return flight(function()
        current, until_time = fetch()
        return current
      end)
    end,
    --- What was refused is not used again, unless it was replaced meanwhile.
    forget = function(found)
      if current == found then current = nil end
    end,
  }
end

return credentials
