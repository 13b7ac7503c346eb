--- What the API server's refusals mean, and how they are told.
--- The shapes are those of metav1.Status (k8s.io/apimachinery/pkg/apis/meta/v1).
local errors = {}

local function decode(body)
  local fine, tree = pcall(json.decode, body)
  return fine and type(tree) == "table" and tree.kind == "Status" and tree or nil
end

local function causes_of(details)
  local found = {}
  for i, cause in ipairs(type(details.causes) == "table" and details.causes or {}) do
    found[i] = { field = cause.field, reason = cause.reason, message = cause.message }
  end
  return found
end

local function has_cause(err, reason)
  for _, cause in ipairs(err.causes) do
    if cause.reason == reason then return true end
  end
  return false
end

local BY_STATUS = { [401] = "unauthorized", [403] = "forbidden", [410] = "gone", [429] = "busy", [502] = "busy", [503] = "busy", [504] = "busy",
  [400] = "invalid", [405] = "invalid", [406] = "invalid", [413] = "invalid", [415] = "invalid", [422] = "invalid" }

local function missing(err, details)
  if details.kind == "namespaces" and details.name and err.resource ~= "namespaces" then return "namespace" end
  if (details.name == nil or details.name == "") and (err.reason ~= "NotFound" or err.message:find("could not find the requested resource", 1, true)) then
    return "kind"
  end
  return "missing"
end

local function conflict(err)
  if err.reason == "AlreadyExists" then return "exists" end
  return has_cause(err, "FieldManagerConflict") and "owners" or "conflict"
end

--- What kind of failure it is; README.md says what each means.
local function class_of(err, details)
  local message = err.message
  if err.status == 404 then return missing(err, details) end
  if err.status == 409 then return conflict(err) end
  if has_cause(err, "NamespaceTerminating") then return "namespace" end
  if message:find("^admission webhook .- denied") then return "invalid" end
  if err.status == 500 then
    if message:find("failed calling webhook", 1, true) or message:find("conversion webhook", 1, true) then return "webhook" end
    if message:find("typed patch object", 1, true) or message:find("field not declared in schema", 1, true) then return "invalid" end
    if message:find("etcdserver:", 1, true) or message:find("connection refused", 1, true) then return "busy" end
  end
  -- While a server starts it does not know its roles yet.
  if err.status == 403 and message:find("RBAC:.*not found") then err.starting = true end
  return BY_STATUS[err.status] or "answer"
end

--- The error of an answer that is none of success.
function errors.of_answer(call, response)
  local status = decode(response.body) or {}
  local details = type(status.details) == "table" and status.details or {}
  local err = {
    status = response.status,
    reason = type(status.reason) == "string" and status.reason or nil,
    message = status.message or response.body:sub(1, 300):gsub("%s+", " "):gsub(" $", ""),
    causes = causes_of(details),
    retry_after = tonumber(response.headers["retry-after"]) or tonumber(details.retryAfterSeconds),
  }
  errors.place(err, call)
  err.class = class_of(err, details)
  return err
end

--- Notes what was asked.
function errors.place(err, call)
  for _, key in ipairs { "verb", "resource", "group", "namespace", "name" } do err[key] = call[key] end
  return err
end

local TRANSPORT = {
  timeout = "no answer in time",
  unreachable = "no connection to the API server, or it broke off",
  tls = "the connection is not trusted",
  too_large = "the answer is too large",
  invalid = "the request cannot be sent",
}

--- The error of no answer.
function errors.of_transport(call, response, server)
  if response.error == "cancelled" then return core.fail_as("cancelled", "stopped") end
  local transient = response.error == "timeout" or response.error == "unreachable"
  return errors.place({
    transport = response.error,
    reason = TRANSPORT[response.error] or response.error,
    message = ("%s (%s)"):format((response.message or ""):gsub("^%u+ https?://%S+: ", ""), server),
    class = transient and "busy" or "answer",
    causes = {},
    sent = response.sent,
  }, call)
end

--- The other owners in the error of an apply.
function errors.conflicts(err)
  if not err or err.class ~= "owners" then return nil end
  local found = {}
  for _, cause in ipairs(err.causes) do
    if cause.reason == "FieldManagerConflict" then
      local manager, rest = cause.message:match('^conflict with "(.-)"(.*)$')
      found[#found + 1] = { manager = manager or "?", field = cause.field, subresource = rest and rest:match('subresource "(.-)"') }
    end
  end
  return found
end

--- "deployments.apps argocd/argocd-server", "namespaces x"
local function place_text(err)
  local text = err.resource or ""
  if err.group and err.group ~= "" then text = text .. "." .. err.group end
  local name = err.namespace and err.name and err.namespace .. "/" .. err.name or err.name
  if name then return text .. " " .. name end
  return err.namespace and ("%s in %s"):format(text, err.namespace) or text
end

local function causes_text(err)
  local lines = {}
  for _, cause in ipairs(err.causes) do
    if cause.field and cause.message and not err.message:find(cause.message, 1, true) then
      lines[#lines + 1] = cause.field == "" and cause.message or ("%s: %s"):format(cause.field, cause.message)
    end
  end
  return #lines > 0 and "; " .. table.concat(lines, "; ") or ""
end

--- What the server's parts say to one another, in its own words: "failed to create typed patch object (...): .data.a: expected string, got &value..."
local function plain(message)
  local text = message:gsub("^failed to create typed %l+ object:? ?%b(): ", ""):gsub("^failed to create typed %l+ object: ", "")
  return (text:gsub("&?value%.[%w_]+{Value:(.-)}", "%1"):gsub("field not declared in schema", "the schema has no such field"))
end

--- "kubernetes: patch deployments.apps argocd/argocd-server: Forbidden: ..."
function errors.message(err)
  local words = { "kubernetes: " .. (err.verb or "request") .. " " .. place_text(err) }
  words[#words + 1] = err.reason or err.class == "invalid" and "Invalid" or err.status and tostring(err.status) or nil
  if err.message ~= "" then words[#words + 1] = plain(err.message):gsub("%.$", "") .. causes_text(err) end
  local text = table.concat(words, ": ")
  return err.note and ("%s (%s)"):format(text, err.note) or text
end

local function forbidden_hint(err, user)
  local of = (err.resource or "?") .. (err.group and err.group ~= "" and "." .. err.group or "")
  return ("allow the verb '%s' on '%s'%s to the user '%s' by a role, or use another kubeconfig"):format(err.verb, of,
    err.namespace and " in the namespace '" .. err.namespace .. "'" or "", user or "?")
end

--- What to try, or nil.
function errors.hint(err, client)
  if err.class == "forbidden" and not err.starting then return forbidden_hint(err, client.user) end
  if err.class == "unauthorized" then
    return ("the credentials of '%s' (%s) are not accepted: they may have expired; fetch a new kubeconfig, or log in anew"):format(
      client.user or "?", client.what)
  end
  if err.class == "kind" then return "its CustomResourceDefinition is not in the cluster, or has another version: apply it before" end
  if err.class == "namespace" then return "create the namespace before, or wait until the old one is gone" end
  if err.class == "webhook" then return "the webhook's pods do not answer: look at its Service and Deployment, or remove its configuration" end
  if err.class == "owners" then return "leave these fields to their owners, or take them with force = true" end
  if err.class == "exists" then return "it was made by somebody else: slipway import takes it over" end
  if err.message:find("not declared in schema", 1, true) then
    return ("the server%s does not know this field: leave it out, or upgrade the cluster"):format(client.version and " (" .. client.version .. ")" or "")
  end
  if err.message:find(": expected string, got ", 1, true) then return "it is a text there: put it into quotes, as in '80' or 'true'" end
  if err.message:find("key field", 1, true) and err.message:find("default value", 1, true) then
    return "older servers want every key of such a list: of ports also 'protocol: TCP'"
  end
  if err.transport == "tls" and client.tunnel then return "check the tunnel's host_key, user and key, and the kubeconfig's certificate-authority-data" end
  if err.transport == "tls" then return "the kubeconfig's certificate-authority-data must be that of this API server" end
  if err.transport then return "check the network, the server in the kubeconfig, and the tunnel where there is one" end
  return nil
end

local function kind(err)
  if err.lost then return "uncertain" end
  if err.class == "untrusted" then return "refused" end
  if err.transport == "timeout" or err.transport == "unreachable" then return "remote" end
  if err.class == "unauthorized" or err.class == "forbidden" then return "auth" end
  if err.class == "exists" then return "exists" end
  if err.class == "conflict" or err.class == "owners" then return "conflict" end
  return "remote"
end

--- Raises.
function errors.raise(err, client) return core.fail_as(kind(err), errors.message(err), err.hint or errors.hint(err, client)) end

return errors
