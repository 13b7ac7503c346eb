--- Kubeconfigs: which server, trusted by what, and as whom. Errors name the file and the place in it.
--- Format: k8s.io/client-go/tools/clientcmd/api/v1.
local config = {}

local OPTIONS = { "name", "kubeconfig", "path", "context", "tunnel" }

--- Raises for what a configuration of the provider does not have.
function config.check(given)
  local known = {}
  for _, key in ipairs(OPTIONS) do known[key] = true end
  for key in pairs(given) do
    if not known[key] then core.unknown("setting of the provider 'kube'", key, OPTIONS) end
  end
  if given.kubeconfig ~= nil and given.path ~= nil then core.fail "the provider 'kube': kubeconfig (a text) or path (a file), not both" end
  if given.path ~= nil and (type(given.path) ~= "string" or given.path == "" or given.path:find("[\n{]")) then
    core.fail("the provider 'kube': path is no file name", "the kubeconfig itself, as a text, is `kubeconfig = ...`")
  end
end

local HIDDEN = { "password", "passphrase", "become_password" }

local function hidden(value)
  if value == nil or slipway.is_secret(value) then return value end
  return secret(value)
end

local function hide_connection(given)
  if type(given) ~= "table" then return given end
  local kept = {}
  for key, value in pairs(given) do kept[key] = value end
  for _, key in ipairs(HIDDEN) do kept[key] = hidden(kept[key]) end
  kept.bastion = hide_connection(kept.bastion)
  return kept
end

--- A copy of the configuration with what nobody may see as secrets: a kubeconfig holds keys and tokens.
function config.hide(given)
  local kept = {}
  for key, value in pairs(given) do kept[key] = value end
  kept.kubeconfig, kept.tunnel = hidden(given.kubeconfig), hide_connection(given.tunnel)
  return kept
end

local function bad(where, text, hint) return core.fail_as("invalid", ("%s: %s"):format(where, text), hint) end

local function map(value, where)
  if value == nil then return {} end
  if type(value) ~= "table" then bad(where, "a map wanted, not a " .. type(value)) end
  return value
end

local function text(value, where)
  if value == nil or value == "" then return nil end
  if type(value) ~= "string" then bad(where, "a text wanted, not a " .. type(value)) end
  return value
end

--- The map of what is in a list of { name =, KEY = {...} }; of several of one name the first counts, as kubectl has it.
local function named(into, list, key, where)
  if list == nil then return end
  if type(list) ~= "table" then bad(where, "a list wanted") end
  for i, entry in ipairs(list) do
    local at = ("%s[%d]"):format(where, i - 1)
    local name = text(map(entry, at).name, at .. ".name")
    if not name then bad(at, "it has no name") end
    if not into[name] then into[name] = { value = map(entry[key], at .. "." .. key), where = at .. "." .. key, file = where:match("^(.-): ") } end
  end
end

--- Adds one kubeconfig to what was read before it.
local function add(all, content, what)
  local fine, tree = pcall(yaml.decode, content)
  -- As a secret once more: what is wrong is then told without a word of it.
  if not fine then bad(what, (select(2, pcall(yaml.decode, secret(content))).message:gsub("a secret is", "it is"))) end
  if tree == nil then return end
  if type(tree) ~= "table" or tree[1] ~= nil then bad(what, "it is no kubeconfig: a map wanted") end
  if tree.kind ~= nil and tree.kind ~= "Config" then bad(what, "kind: 'Config' wanted") end
  named(all.clusters, tree.clusters, "cluster", what .. ": clusters")
  named(all.users, tree.users, "user", what .. ": users")
  named(all.contexts, tree.contexts, "context", what .. ": contexts")
  all.current = all.current or text(tree["current-context"], what .. ": current-context")
end

local function files_of(io, given)
  if given.path then return { given.path } end
  local from_env, found = io.env "KUBECONFIG", {}
  for file in (from_env or ""):gmatch("[^:]+") do found[#found + 1] = file end
  return #found > 0 and found or { "~/.kube/config" }, #found > 1
end

--- Everything there is: { clusters, users, contexts, current, what }.
local function read(io, given)
  local all = { clusters = {}, users = {}, contexts = {} }
  if given.kubeconfig ~= nil then
    local content = core.reveal(given.kubeconfig)
    if type(content) ~= "string" then core.fail "the provider 'kube': kubeconfig is no text" end
    all.what = "the kubeconfig"
    add(all, content, all.what)
    return all
  end
  local files, several = files_of(io, given)
  for _, file in ipairs(files) do
    local content = io.read_file(file)
    if content then
      add(all, content, file)
    elseif not several then
      core.fail_as("not_found", ("there is no kubeconfig '%s'"):format(file),
        "name the cluster: kubeconfig = ... or path = ... in the provider 'kube', or KUBECONFIG in the environment")
    end
  end
  all.what = table.concat(files, ":")
  return all
end

local function names(entries)
  local list = {}
  for name in pairs(entries) do list[#list + 1] = name end
  return list
end

--- What stands at the wrong place of a kubeconfig may be a key or a token: no value of it is ever told, but the names of contexts, to choose from.
local function pick(entries, name, what, where)
  return entries[name] or bad(where, ("there is no %s of that name"):format(what))
end

--- A path in a kubeconfig is relative to the file it stands in.
local function beside(file, path)
  if path:find("^[/~]") or not file or not file:find("/") then return path end
  return file:match("^(.*/)") .. path
end
config.beside = beside

--- PEM from KEY-data (base64) or the file that KEY names.
local function pem(io, entry, key)
  local data, path = text(entry.value[key .. "-data"], entry.where .. "." .. key .. "-data"), text(entry.value[key], entry.where .. "." .. key)
  if data then
    local fine, decoded = pcall(base64.decode, data)
    if not fine or not decoded:find("%-%-%-%-%-BEGIN ") then bad(entry.where .. "." .. key .. "-data", "it is no PEM in base64") end
    return decoded
  end
  if not path then return nil end
  if slipway.untrusted then core.refuse(("%s.%s: a file is used at apply"):format(entry.where, key)) end
  local fine, found = pcall(io.read_file, beside(entry.file, path))
  if not fine or not found then
    bad(entry.where .. "." .. key, "there is no such file", ("where it is no file name but the PEM itself: %s-data, in base64"):format(key))
  end
  return found
end
config.pem = pem

local function cluster(io, entry)
  local value, where = entry.value, entry.where
  local server = text(value.server, where .. ".server")
  if not server then bad(where, "it has no server") end
  if value["insecure-skip-tls-verify"] then
    bad(where .. ".insecure-skip-tls-verify", "slipway does not speak to servers it cannot verify", "set certificate-authority-data instead")
  end
  local scheme, host, port, path = server:match("^(https?)://(%[[%x:.]+%]):?(%d*)(.*)$")
  if not scheme then scheme, host, port, path = server:match("^(https?)://([^/:?#@]+):?(%d*)(.*)$") end
  if not scheme or not path:find("^[/%w._~-]*$") then bad(where .. ".server", "https://HOST[:PORT] wanted, without user and password") end
  local server_name = text(value["tls-server-name"], where .. ".tls-server-name")
  if server_name and not server_name:find("^[%w.:_-]+$") then bad(where .. ".tls-server-name", "a host name wanted") end
  local proxy = text(value["proxy-url"], where .. ".proxy-url")
  if proxy and not proxy:find("^%l[%l%d]+://[^%s/]+/?$") then bad(where .. ".proxy-url", "http://HOST:PORT wanted (or https, socks5)") end
  return {
    url = server:gsub("/+$", ""),
    host = host,
    port = math.tointeger(tonumber(port)) or (scheme == "https" and 443 or 80),
    tls = scheme == "https",
    ca = pem(io, entry, "certificate-authority"),
    server_name = server_name,
    proxy = proxy,
  }
end

--- @return table { context, namespace, cluster = { url, host, port, tls, ca, server_name, proxy }, user = { name, value, where, file }, what }
function config.load(io, given)
  local all = read(io, given)
  local name = given.context or all.current
  if not name then
    local list = names(all.contexts)
    bad(all.what, "it has no current-context", #list > 0 and "name one: context = \"" .. list[1] .. "\"" or nil)
  end
  local context = all.contexts[name]
  if not context then
    local list = names(all.contexts)
    bad(all.what .. ": " .. (given.context and "contexts" or "current-context"),
      given.context and ("there is no context '%s'"):format(name) or "there is no context of that name",
      #list > 0 and "there is: " .. table.concat(list, ", ") or nil)
  end
  local cluster_name = text(context.value.cluster, context.where .. ".cluster")
  if not cluster_name then bad(context.where, "it has no cluster") end
  local user_name = text(context.value.user, context.where .. ".user")
  local user = user_name and pick(all.users, user_name, "user", context.where .. ".user") or { value = {}, where = context.where }
  user.name = user_name
  return {
    context = name,
    namespace = text(context.value.namespace, context.where .. ".namespace"),
    cluster = cluster(io, pick(all.clusters, cluster_name, "cluster", context.where .. ".cluster")),
    user = user,
    what = all.what,
  }
end

return config
