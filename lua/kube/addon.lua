--- An add-on is a file, lua/kube/addon/NAME.lua:
--
--   return addon "metrics-server" {
--     doc = "...", version = "0.8.0", namespace = "kube-system",
--     options = { replicas = { "int", default = 1, doc = "..." } },
--     release = function(o) return { url = "https://.../v" .. o.version .. "/components.yaml" } end,
--     movable = true,                                  -- optional: it can live in another namespace
--     check   = function(o) ... end,                   -- optional: fails for options that do not go together
--     patch   = function(object, o) ... end,           -- optional: changes an object of the release in place
--     install = function(o, a) ... end,                -- optional: declares what comes after the release, with a:objects(...)
--   }
--
-- kube.addon.metrics_server { replicas = 2 } declares it; `addons: { metrics-server: { replicas: 2 } }` in the inventory does the same.
local manifest, sources = require "kube/manifest", require "kube/sources"
local options = require "kube/options"
local tables = require "host/lib/tables"

-- What every add-on takes.
local COMMON = {
  version = { "string", doc = "the release" },
  url = { "string", doc = "another place of the release's manifest" },
  sha256 = { "string", doc = "of the manifest at url; slipway.lock pins it otherwise" },
  source = { "string", doc = "the manifest as a file or directory beside the inventory, instead of a release" },
  wait = { "bool", default = true, doc = "wait until it works" },
  timeout = { "int", default = 300, doc = "seconds to wait for each of its objects" },
  force = { "bool", default = false, doc = "take fields from other owners" },
}
local NAMESPACE = { "string", doc = "where it lives" }
-- Without a release there is nothing to fetch.
local OF_RELEASES = { "url", "sha256", "source" }

local methods = {}

--- Declares further objects of the add-on, after what it has declared before: each waits for the wave before it. Returns the resources.
function methods:objects(list, more)
  more = tables.merge(self.passed, more or {})
  more.depends_on = more.depends_on or self.resources
  local made = self.declare(self.name, list, more)
  if #made == 0 then return made end
  local all = {}
  for _, resource in ipairs(self.resources) do all[#all + 1] = resource end
  for _, resource in ipairs(made) do all[#all + 1] = resource end
  self.resources = all
  return made
end

--- Declares a namespace of the add-on's own, first.
function methods:create_namespace(labels)
  return self:objects { { apiVersion = "v1", kind = "Namespace", metadata = { name = self.options.namespace, labels = labels } } }
end

--- Manifests leave the namespace of their objects open, but who a role is given to they must say.
local function move(object, from, to)
  if from == to or not object.kind:find("RoleBinding$") then return end
  for _, subject in ipairs(object.subjects or {}) do
    if subject.namespace == from then subject.namespace = to end
  end
end

local function release_of(name, spec, o)
  if o.source or o.url then return sources.texts(name, tables.pick(o, { "source", "url", "sha256" })) end
  if not spec.release then return nil end
  return sources.texts(name, tables.merge({ sha256 = o.sha256 }, spec.release(o)))
end

--- @param texts table|nil { { text, where } } instead of those of the release
--- @param declare function what manifest.declare is
local function build(name, spec, rows, given, texts, declare)
  local o = options.check("add-on " .. name, rows, given)
  o.namespace = o.namespace or spec.namespace
  if spec.check then spec.check(o) end
  local passed = tables.pick(o, { "wait", "timeout", "force", "provider", "lifecycle" })
  local a = setmetatable({ name = name, options = o, passed = passed, resources = tables.list(o.depends_on), declare = declare }, { __index = methods })
  texts = texts or release_of(name, spec, o)
  if texts then
    local own = o.namespace ~= nil and o.namespace ~= "kube-system"
    local list = manifest.objects(texts, { namespace = o.namespace, create_namespace = own })
    for _, object in ipairs(list) do
      move(object, spec.namespace, o.namespace)
      if spec.patch then spec.patch(object, o) end
    end
    a:objects(list)
  end
  if spec.install then spec.install(o, a) end
  return a.resources
end

--- The objects in the order in which they are declared, each with the options of its declaration (for tests and for those who want to look).
local function collect(name, spec, rows, given, text)
  local found = {}
  local function take(_, list, passed)
    local made = {}
    for _, object in ipairs(list) do
      found[#found + 1] = { object = object, options = passed }
      made[#made + 1] = object
    end
    return made
  end
  build(name, spec, rows, given, text and { { text = text, where = name } }, take)
  return found
end

--- addon "NAME" { ... }: gives the function that declares it, as a callable table with `doc`, `rows`, `version` and `namespace` for the
--- documentation, and `objects(options, text)`, which declares nothing.
return function(name)
  return function(spec)
    local rows = tables.merge(COMMON, spec.options or {})
    rows.version = tables.merge(COMMON.version, { default = spec.version })
    if not spec.release then
      for _, key in ipairs(OF_RELEASES) do rows[key] = nil end
    end
    -- Most manifests name their namespace throughout, in ways that nobody can follow.
    if spec.movable or not spec.release then rows.namespace = tables.merge(NAMESPACE, { default = spec.namespace }) end
    return setmetatable({
      name = name, doc = spec.doc, rows = rows, version = spec.version, namespace = spec.namespace,
      objects = function(given, text) return collect(name, spec, rows, given, text) end,
    }, {
      --- @param at string[]|nil where the options stand in the inventory, as keys
      __call = function(_, given, at)
        return options.placed(at, given, function()
          if type(given) ~= "table" then slipway.fail(("add-on %s: a map of options wanted"):format(name)) end
          return build(name, spec, rows, given, nil, manifest.declare)
        end)
      end,
    })
  end
end
