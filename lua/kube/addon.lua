--- An add-on is a file, lua/kube/addon/NAME.lua:
--
--   return addon "metrics-server" {
--     doc = "...", version = "0.8.0", namespace = "kube-system",
--     options = { replicas = { "int", default = 1, doc = "..." } },
--     release = function(o) return { url = "https://.../v" .. o.version .. "/components.yaml" } end,
--     patch   = function(object, o) ... end,           -- optional: changes an object of the release in place
--     install = function(o, a) ... end,                -- optional: declares what comes after the release, with a:objects(...)
--   }
--
-- kube.addon.metrics_server { replicas = 2 } declares it; `addons: { metrics-server: { replicas: 2 } }` in the inventory does the same.
local manifest, sources = require "kube/manifest", require "kube/sources"
local tables = require "host/lib/tables"

-- What every add-on takes.
local COMMON = {
  version = { "string", doc = "the release" },
  url = { "string", doc = "another place of the release's manifest" },
  sha256 = { "string", doc = "of the manifest at url; slipway.lock pins it otherwise" },
  source = { "string", doc = "the manifest as a file or directory beside the inventory, instead of a release" },
  namespace = { "string", doc = "where it lives" },
  wait = { "bool", default = true, doc = "wait until it works" },
  timeout = { "int", default = 300, doc = "seconds to wait for each of its objects" },
  force = { "bool", default = false, doc = "take fields from other owners" },
}
-- Words of every resource: handed on.
local SHARED = { depends_on = true, provider = true, lifecycle = true }

local function is_a(value, kind)
  if kind == "any" then return true end
  if type(value) == "userdata" then return true end -- a reference, a secret: checked where it is used
  if kind == "int" then return math.type(value) == "integer" end
  if kind == "number" then return type(value) == "number" end
  if kind == "bool" then return type(value) == "boolean" end
  if kind == "list" or kind == "map" then return type(value) == "table" end
  return type(value) == "string"
end

local function check(name, rows, given)
  local names, o = {}, {}
  for key in pairs(rows) do names[#names + 1] = key end
  for key, value in pairs(given) do
    local row = rows[key]
    if SHARED[key] then
      o[key] = value
    elseif not row then
      core.unknown("option of the add-on " .. name, tostring(key), names)
    elseif not is_a(value, row[1]) then
      slipway.fail(("add-on %s: %s is a %s, not a %s"):format(name, key, type(value), row[1]))
    else
      o[key] = value
    end
  end
  for key, row in pairs(rows) do
    if o[key] == nil and row.default ~= nil then o[key] = row.default end
    if o[key] == nil and row.required then slipway.fail(("add-on %s: %s is missing: %s"):format(name, key, row.doc)) end
    if o[key] ~= nil and row.one_of and type(o[key]) ~= "userdata" then
      local fine = false
      for _, each in ipairs(row.one_of) do fine = fine or each == o[key] end
      if not fine then slipway.fail(("add-on %s: %s: one of %s wanted, not '%s'"):format(name, key, table.concat(row.one_of, ", "), tostring(o[key]))) end
    end
  end
  return o
end

local methods = {}

--- Declares further objects of the add-on, after its release: each waits for the wave before it. Returns the resources.
function methods:objects(list, options)
  options = tables.merge(self.passed, options or {})
  options.depends_on = options.depends_on or self.resources
  local made = manifest.declare(self.name, list, options)
  for _, resource in ipairs(made) do self.resources[#self.resources + 1] = resource end
  return made
end

--- Declares a namespace of the add-on's own, first. Returns it.
function methods:create_namespace(labels)
  return self:objects({ { apiVersion = "v1", kind = "Namespace", metadata = { name = self.options.namespace, labels = labels } } })[1]
end

local function declare(name, spec, rows, given)
  local o = check(name, rows, given)
  o.version, o.namespace = o.version or spec.version, o.namespace or spec.namespace
  local passed = tables.pick(o, { "wait", "timeout", "force", "provider", "lifecycle" })
  local a = setmetatable({ name = name, options = o, passed = passed, resources = tables.list(o.depends_on) }, { __index = methods })
  if #a.resources == 0 then a.resources = {} end
  local release
  if o.source or o.url then
    release = tables.pick(o, { "source", "url", "sha256" })
  elseif spec.release then
    release = spec.release(o)
    if release.url and release.sha256 == nil then release.sha256 = o.sha256 end
  end
  if release then
    local own = o.namespace ~= nil and o.namespace ~= "kube-system"
    local list = manifest.objects(sources.texts(name, release), { namespace = o.namespace, create_namespace = own })
    if spec.patch then
      for _, object in ipairs(list) do spec.patch(object, o) end
    end
    a:objects(list)
  end
  if spec.install then spec.install(o, a) end
  return a.resources
end

--- addon "NAME" { ... }: gives the function that declares it, as a callable table with `doc`, `rows`, `version` for the documentation.
return function(name)
  return function(spec)
    local rows = tables.merge(COMMON, spec.options or {})
    return setmetatable({ name = name, doc = spec.doc, rows = rows, version = spec.version, namespace = spec.namespace }, {
      __call = function(_, given)
        if type(given) ~= "table" then slipway.fail(("add-on %s: a table of options wanted"):format(name)) end
        return declare(name, spec, rows, given)
      end,
    })
  end
end
