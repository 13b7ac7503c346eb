--- The client of one cluster: what the functions of resource types get as `kube`. README.md tells of every word.
local config = require "kube/config"
local credentials = require "kube/credentials"
local discovery = require "kube/discovery"
local errors = require "kube/errors"
local request = require "kube/request"
local retry = require "kube/retry"
local share = require "share"
local watch = require "kube/watch"

local MANAGER = "slipway"
local PAGE = 500
-- Of these one can be half a megabyte.
local SMALL_PAGES = { CustomResourceDefinition = 20 }
local WAIT_WITHIN = 300
local METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
local METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
local PATCHES = { merge = "application/merge-patch+json", json = "application/json-patch+json", strategic = "application/strategic-merge-patch+json" }
-- Field names are checked by default from here on (fieldValidation, stable in 1.27).
local STRICT_SINCE = 25

--- "apps/v1 Deployment argocd/argocd-server"
local function key_of(object)
  local metadata = object.metadata or {}
  local name = metadata.namespace and metadata.namespace .. "/" .. (metadata.name or "?") or metadata.name or "?"
  return ("%s %s %s"):format(object.apiVersion, object.kind, name)
end

local OPTIONS = {
  get = { "metadata", "try" },
  list = { "namespace", "labels", "fields", "metadata", "limit", "names", "try" },
  apply = { "dry_run", "force", "manager", "pending", "metadata", "line", "try" },
  create = { "dry_run", "manager", "pending", "line", "try" },
  patch = { "type", "subresource", "dry_run", "manager", "try" },
  delete = { "uid", "propagation", "dry_run", "within", "line", "try" },
}
for name, list in pairs(OPTIONS) do
  local known = {}
  for _, key in ipairs(list) do known[key] = true end
  OPTIONS[name] = known
end

local function checked(name, options)
  for key in pairs(options or {}) do
    if not OPTIONS[name][key] then error(("kube:%s has no option '%s'"):format(name, tostring(key)), 3) end
  end
  return options or {}
end

--- What all calls of a client share.
local function context(given, io)
  local loaded = config.load(io, given)
  local cluster = loaded.cluster
  local ctx = { io = io, cluster = cluster, user = loaded.user.name, what = loaded.what, credentials = credentials.of(io, loaded.user, cluster) }
  if given.tunnel then
    local options = {}
    for key, value in pairs(given.tunnel) do options[key] = value end
    options.to_address = options.to_address or cluster.host:match("^%[(.*)%]$") or cluster.host
    options.to_port = options.to_port or cluster.port
    ctx.tunnel = io.tunnel(options)
  end
  function ctx.raise(err) return errors.raise(err, ctx) end
  ctx.once = share.cache(io).once
  return ctx
end

--- A stranger's pull request does not choose among this machine's files.
local function refuse_strangers(given)
  if slipway.untrusted and given.path then core.refuse("the provider 'kube': the kubeconfig that its configuration names is used at apply") end
end

return function(given, io)
  config.check(given)
  refuse_strangers(given)
  local ctx = context(given, io)
  local kinds = discovery.new(ctx)
  local watched = watch.shared(ctx)
  local client = { conflicts = errors.conflicts, raise = ctx.raise, key = key_of }

  --- With `try` nil and the error, else it is raised.
  local function failed(options, err)
    if options.try then return nil, err end
    return ctx.raise(err)
  end

  --- A stranger's pull request may name the server, but must not have our secrets sent there.
  local function withheld(object, body)
    if not slipway.untrusted or not slipway.is_secret(body) then return nil end
    local metadata = object.metadata or {}
    return { class = "untrusted", reason = "Withheld", message = "it holds secrets, which are sent at apply only", causes = {}, verb = "patch",
      resource = object.kind, namespace = metadata.namespace, name = metadata.name }
  end

  --- An error that comes before any call.
  local function own_error(class, verb, api_version, kind, namespace, name, text)
    local group = discovery.split(api_version)
    return { class = class, reason = "NotFound", status = 404, message = text, causes = {}, verb = verb, resource = kind, group = group,
      namespace = namespace, name = name }
  end

  local function no_kind(verb, api_version, kind, namespace, name)
    local err = own_error("kind", verb, api_version, kind, namespace, name, ("the server has no kind '%s' in %s"):format(kind, api_version))
    if kinds.is_stale(api_version) then
      err.message = ("the server of %s, which has the kind '%s', does not answer"):format(api_version, kind)
      err.hint = "look at its APIService: kubectl get apiservices"
    end
    return err
  end

  --- A call for objects of a kind.
  local function call_for(found, verb, namespace, name)
    local api_version = found.group == "" and found.version or found.group .. "/" .. found.version
    local path = discovery.path(api_version)
    if found.namespaced and namespace then path = path .. "/namespaces/" .. core.uri_escape(namespace) end
    path = path .. "/" .. found.plural
    if name then path = path .. "/" .. core.uri_escape(name) end
    return { path = path, verb = verb, resource = found.plural, group = found.group, namespace = found.namespaced and namespace or nil, name = name }
  end

  local function decode(response)
    local fine, tree = pcall(json.decode, response.body)
    if not fine then return core.fail_as("remote", "kubernetes: the server's answer is no JSON: " .. (type(tree) == "string" and tree or tree.message)) end
    return tree
  end

  function client.kind(_, api_version, kind) return kinds.kind(api_version, kind) end

  function client.kinds() return kinds.kinds() end

  function client.rediscover() return kinds.forget() end

  function client.user() return ctx.user end

  function client.all(_, functions, limit) return io.all(functions, limit) end

  function client.now() return io.now() end

  function client.sleep(_, seconds) return io.sleep(seconds) end

  --- { method, path, query, body, headers, max_body, try }: the decoded answer, status, headers
  function client.request(_, call)
    local verb = (call.method or "GET"):lower()
    local body = call.body
    if type(body) == "table" then body = json.encode(body) end
    local response, err = request.send(ctx, { method = call.method, path = call.path, query = call.query, body = body, headers = call.headers,
      max_body = call.max_body, verb = verb, resource = call.path })
    if not response then return failed(call, err) end
    local is_json = (response.headers["content-type"] or ""):find("json", 1, true)
    return is_json and decode(response) or response.body, response.status, response.headers
  end

  function client.version()
    return ctx.once("version", function()
      local found = client.request(nil, { path = "/version" })
      ctx.version = found.gitVersion
      local function number(text) return math.tointeger(tonumber(text:match("%d+"))) end
      return { major = number(found.major), minor = number(found.minor), text = found.gitVersion }
    end)
  end

  function client.has_field_validation()
    local version = client.version()
    return version.major > 1 or version.minor >= STRICT_SINCE
  end

  function client.get(_, api_version, kind, namespace, name, options)
    options = checked("get", options)
    local found = kinds.kind(api_version, kind)
    if not found then return nil end
    local call = call_for(found, "get", namespace, name)
    if options.metadata then call.accept = METADATA end
    local response, err = request.send(ctx, call)
    if response then
      local object = decode(response)
      object.apiVersion, object.kind = api_version, kind
      return object
    end
    if err.status == 404 then return nil end
    return failed(options, err)
  end

  --- One page after the other, of which only objects of these names are kept. A list that the server no longer remembers is begun again, whole.
  local function pages(call, limit, names)
    local items = {}
    call.query.limit = limit
    while true do
      local response, err = request.send(ctx, call)
      if response then
        local page = decode(response)
        for _, item in ipairs(page.items or {}) do
          if not names or names[item.metadata.name] then items[#items + 1] = item end
        end
        call.query.continue = page.metadata.continue
        if not call.query.continue or call.query.continue == "" then return items, page.metadata.resourceVersion end
      elseif err.class == "gone" and call.query.continue then
        items, call.query.limit, call.query.continue = {}, nil, nil
      else
        return nil, err
      end
    end
  end

  function client.list(_, api_version, kind, options)
    options = checked("list", options)
    local found = kinds.kind(api_version, kind)
    if not found then return nil end
    local call = call_for(found, "list", options.namespace)
    call.query = { labelSelector = options.labels, fieldSelector = options.fields }
    if options.metadata then call.accept = METADATA_LIST end
    local items, version = pages(call, options.limit or SMALL_PAGES[kind] or PAGE, options.names)
    if not items then
      if version.class == "kind" or version.class == "missing" then return nil end
      return failed(options, version)
    end
    for _, item in ipairs(items) do item.apiVersion, item.kind = api_version, kind end
    return items, version
  end

  --- Sends what may have to wait for its kind, its namespace and its webhooks.
  --- @param make fun(found: table): table the call, once the kind is known
  local function pending(object, verb, options, make)
    local patience = retry.patience(io, options.pending or 0)
    local told
    while true do
      local found = kinds.kind(object.apiVersion, object.kind)
      local response, err
      if found then
        response, err = request.send(ctx, make(found))
      else
        err = no_kind(verb, object.apiVersion, object.kind, object.metadata.namespace, object.metadata.name)
      end
      if response then return response end
      if err.class ~= "kind" and err.class ~= "namespace" and err.class ~= "webhook" then return nil, err end
      local pause = patience()
      if not pause then
        if options.pending then err.note = ("still so after %.0f s"):format(options.pending) end
        return nil, err
      end
      local words = ({ kind = "waiting for its kind", namespace = "waiting for its namespace", webhook = "waiting for a webhook" })[err.class]
      if options.line and words ~= told then options.line(words) end
      told = words
      io.sleep(pause)
      if err.class == "kind" then kinds.forget() end
    end
  end

  --- Brings new kinds with it.
  local function may_define(object)
    if object.kind == "CustomResourceDefinition" or object.kind == "APIService" then kinds.forget() end
  end

  local function strict() return client.has_field_validation() and "Strict" or nil end

  local function written(object, options, verb, make)
    local response, err = pending(object, verb, options, make)
    if not response then return failed(options, err) end
    if not options.dry_run then may_define(object) end
    local result = decode(response)
    if options.metadata then result.apiVersion, result.kind = object.apiVersion, object.kind end
    return result
  end

  function client.apply(_, object, options)
    options = checked("apply", options)
    local metadata = object.metadata
    local body = json.encode(object)
    local held = withheld(object, body)
    if held then return failed(options, held) end
    return written(object, options, "patch", function(found)
      local call = call_for(found, "patch", metadata.namespace, metadata.name)
      call.method, call.body, call.content_type, call.safe = "PATCH", body, "application/apply-patch+yaml", true
      call.accept, call.unconditional = options.metadata and METADATA or nil, metadata.resourceVersion == nil
      call.query = { fieldManager = options.manager or MANAGER, force = options.force and "true" or "false", dryRun = options.dry_run and "All" or nil,
        fieldValidation = strict() }
      return call
    end)
  end

  function client.create(_, object, options)
    options = checked("create", options)
    local body = json.encode(object)
    return written(object, options, "create", function(found)
      local call = call_for(found, "create", object.metadata.namespace)
      call.name = object.metadata.name
      call.method, call.body, call.safe = "POST", body, options.dry_run
      call.query = { fieldManager = options.manager or MANAGER, dryRun = options.dry_run and "All" or nil, fieldValidation = strict() }
      return call
    end)
  end

  function client.patch(_, api_version, kind, namespace, name, body, options)
    options = checked("patch", options)
    local found = kinds.kind(api_version, kind)
    if not found then return failed(options, no_kind("patch", api_version, kind, namespace, name)) end
    local call = call_for(found, "patch", namespace, name)
    local patch = options.type or "merge"
    if not PATCHES[patch] then error(("kube:patch: type = 'merge', 'json' or 'strategic', not '%s'"):format(tostring(patch)), 2) end
    if options.subresource then call.path = call.path .. "/" .. options.subresource end
    call.method, call.body, call.content_type = "PATCH", type(body) == "table" and json.encode(body) or body, PATCHES[patch]
    call.safe = patch ~= "json" -- says what shall be, not what shall change
    call.query = { fieldManager = options.manager or MANAGER, dryRun = options.dry_run and "All" or nil, fieldValidation = strict() }
    local response, err = request.send(ctx, call)
    if not response then return failed(options, err) end
    return decode(response)
  end

  --- What holds an object that is being deleted.
  local function held_by(object)
    local words = {}
    for _, each in ipairs(object.status and object.kind == "Namespace" and object.status.conditions or {}) do
      if each.status == "True" and each.message then words[#words + 1] = each.message end
    end
    local finalizers = object.metadata.finalizers
    if finalizers and #finalizers > 0 then words[#words + 1] = "held by the finalizers " .. table.concat(finalizers, ", ") end
    return #words > 0 and "being deleted, " .. table.concat(words, "; ") or "being deleted"
  end

  local function wait(spec, hint)
    local found = kinds.kind(spec.apiVersion, spec.kind)
    if not found then return failed(spec, no_kind("watch", spec.apiVersion, spec.kind, spec.namespace, spec.name)) end
    local place = call_for(found, "watch", spec.namespace)
    local shared = watched(place, function(name) return client.get(nil, spec.apiVersion, spec.kind, spec.namespace, name) end)
    return watch.wait(ctx, shared, spec.name, {
      within = spec.within or WAIT_WITHIN,
      line = spec.line,
      check = spec.check,
      hint = hint,
      what = spec.what or ("%s %s"):format(spec.kind, found.namespaced and spec.namespace and spec.namespace .. "/" .. spec.name or spec.name),
    })
  end

  function client.wait(_, spec) return wait(spec) end

  function client.until_gone(_, spec)
    if not kinds.kind(spec.apiVersion, spec.kind) then return true end
    local own = {}
    for key, value in pairs(spec) do own[key] = value end
    own.check = function(object)
      if not object or spec.uid and object.metadata.uid ~= spec.uid then return true end
      return nil, object.metadata.deletionTimestamp and held_by(object) or "there"
    end
    return wait(own, "whoever set a finalizer takes it off when he has cleaned up: look whether that controller runs")
  end

  function client.delete(_, api_version, kind, namespace, name, options)
    options = checked("delete", options)
    local found = kinds.kind(api_version, kind)
    if not found then return false end
    local call = call_for(found, "delete", namespace, name)
    call.method, call.safe = "DELETE", true
    call.body = json.encode {
      kind = "DeleteOptions",
      apiVersion = "v1",
      propagationPolicy = options.propagation or "Foreground",
      preconditions = options.uid and { uid = options.uid } or nil,
      dryRun = options.dry_run and { "All" } or nil,
    }
    local response, err = request.send(ctx, call)
    if not response then
      if err.status == 404 then return false end
      -- Of that name there is another.
      if err.class == "conflict" and options.uid and err.message:find("UID", 1, true) then return false end
      return failed(options, err)
    end
    if not options.dry_run then
      -- An object in the answer is one that others still hold; else it is gone.
      if options.within and decode(response).kind ~= "Status" then
        client.until_gone(nil, { apiVersion = api_version, kind = kind, namespace = namespace, name = name, uid = options.uid, within = options.within,
          line = options.line })
      end
      may_define({ kind = kind })
    end
    return true
  end

  return client
end
