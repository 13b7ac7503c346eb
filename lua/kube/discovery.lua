--- Which kinds a server has. From 1.26 on in two calls with an ETag each (apidiscovery.k8s.io); before, a call for each group's version, made when it is
--- asked for.
local request = require "kube/request"
local share = require "share"

local discovery = {}

local AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
  .. "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"

local function split(api_version)
  local group, version = api_version:match("^(.*)/(.*)$")
  if group then return group, version end
  return "", api_version
end
discovery.split = split

--- "/api/v1", "/apis/apps/v1"
function discovery.path(api_version)
  return api_version:find("/", 1, true) and "/apis/" .. api_version or "/api/" .. api_version
end

local function set(list)
  local found = {}
  for _, each in ipairs(list or {}) do found[each] = true end
  return found
end

local function entry(group, version, kind, plural, namespaced, verbs)
  return { group = group, version = version, kind = kind, plural = plural, namespaced = namespaced, verbs = set(verbs) }
end

--- APIGroupDiscoveryList -> api version -> kind -> entry
local function read_aggregated(into, tree)
  for _, group in ipairs(tree.items or {}) do
    local name = group.metadata and group.metadata.name or ""
    for _, version in ipairs(group.versions or {}) do
      local api_version = name == "" and version.version or name .. "/" .. version.version
      local kinds = {}
      for _, resource in ipairs(version.resources or {}) do
        local kind = resource.responseKind and resource.responseKind.kind
        if kind then
          kinds[kind] = kinds[kind] or entry(name, version.version, kind, resource.resource, resource.scope == "Namespaced", resource.verbs)
        end
      end
      into[api_version] = { kinds = kinds, stale = version.freshness == "Stale" }
    end
  end
end

--- APIResourceList -> kind -> entry
local function read_plain(api_version, tree)
  local group, version = split(api_version)
  local kinds = {}
  for _, resource in ipairs(tree.resources or {}) do
    -- Scale and Eviction hang on other kinds.
    if not resource.name:find("/", 1, true) and (resource.group or group) == group then
      kinds[resource.kind] = kinds[resource.kind] or entry(group, version, resource.kind, resource.name, resource.namespaced, resource.verbs)
    end
  end
  return { kinds = kinds }
end

local function decode(response)
  local fine, tree = pcall(json.decode, response.body)
  if not fine or type(tree) ~= "table" then core.fail_as("remote", "kubernetes: discovery: the server's answer is no JSON object") end
  return tree
end

local function call_of(path, accept, tag)
  return { path = path, accept = accept, headers = tag and { ["If-None-Match"] = tag } or nil, verb = "discover", resource = path }
end

--- @return table { kind(api_version, kind), kinds(), forget() }
function discovery.new(ctx)
  local plain -- nil: not known yet
  local roots = { ["/api"] = {}, ["/apis"] = {} } -- of aggregated discovery: { tag, versions }
  local plain_versions = share.cache(ctx.io)
  local fresh = false
  local flight = share.flight(ctx.io)

  local function fetch(path, accept, tag)
    local response, err = request.send(ctx, call_of(path, accept, tag))
    if not response then return nil, err end
    return response
  end

  local function fetch_root(path)
    local root = roots[path]
    local response, err = fetch(path, AGGREGATED, root.tag)
    if not response then return ctx.raise(err) end
    if response.status == 304 then return true end
    if not (response.headers["content-type"] or ""):find("APIGroupDiscoveryList", 1, true) then return false end
    local versions = {}
    read_aggregated(versions, decode(response))
    root.versions, root.tag = versions, response.headers.etag
    return true
  end

  --- Reads everything where that is two calls.
  local function look()
    if fresh or plain then return end
    flight(function()
      if fresh or plain then return end
      local found = ctx.io.all { function() return fetch_root "/apis" end, function() return fetch_root "/api" end }
      plain, fresh = not (found[1] and found[2]), true
    end)
  end

  local function version_of(api_version)
    look()
    if not plain then return roots["/apis"].versions[api_version] or roots["/api"].versions[api_version] end
    return plain_versions.once(api_version, function()
      local response, err = fetch(discovery.path(api_version))
      if response then return read_plain(api_version, decode(response)) end
      if err.status == 404 then return { kinds = {} } end
      -- An aggregated API whose server is down is told as 503 for as long as it is.
      return ctx.raise(err)
    end)
  end

  local self = {}

  function self.kind(api_version, kind)
    local version = version_of(api_version)
    return version and version.kinds[kind]
  end

  --- Is the API registered while its own server does not answer?
  function self.is_stale(api_version)
    local version = version_of(api_version)
    return version ~= nil and version.stale or false
  end

  --- What was found may no longer be all: the next question looks again.
  function self.forget()
    fresh = false
    plain_versions.forget()
  end

  local function plain_names()
    local response, err = fetch "/apis"
    if not response then return ctx.raise(err) end
    local names = { "v1" }
    for _, group in ipairs(decode(response).groups or {}) do
      for _, version in ipairs(group.versions or {}) do names[#names + 1] = version.groupVersion end
    end
    return names
  end

  local function add_all(into, version)
    for _, each in pairs(version.kinds) do into[#into + 1] = each end
  end

  function self.kinds()
    look()
    local all = {}
    if not plain then
      for _, root in pairs(roots) do
        for _, version in pairs(root.versions) do add_all(all, version) end
      end
      return all
    end
    local calls = {}
    for i, name in ipairs(plain_names()) do
      -- One group whose server is down does not hide the others.
      calls[i] = function()
        local fine, version = pcall(version_of, name)
        return fine and version or { kinds = {} }
      end
    end
    for _, version in ipairs(ctx.io.all(calls, 16)) do add_all(all, version) end
    return all
  end

  return self
end

return discovery
