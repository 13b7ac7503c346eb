--- ApplicationSets: one Application for each service, from a list of services or from the directories of a repository.
local sync = require "kube/argo/sync"

local sets = {}

sets.ROWS = {
  name = { "string", required = true, doc = "the set's name" },
  services = { "list", doc = "the services: names, or { name, phase, path, namespace }; a directory of the repository for each" },
  directories = { "list", doc = "instead of services: directories, with * for any name: services/*/overlays/production" },
  exclude = { "list", default = {}, doc = "directories that are left out, {environment} as in directories" },
  path = { "string", default = "services/{name}/overlays/{environment}", doc = "with services: the directory of one" },
  environments = { "list", doc = "a set for each of these, in place of the hand-over's own" },
  namespace = { "string", default = "{name}", doc = "where a service lives" },
  repo = { "string", doc = "the repository, where it is another" },
  revision = { "string", doc = "a branch, a tag or a commit, where it is another" },
  project = { "string", doc = "the project, where it is another" },
  automated = { "any", doc = "sync by itself; true unless the environment is production" },
  rolling = { "bool", default = false,
    doc = "phase after phase, each when the one before is healthy; wants progressive_syncs of the add-on argo-cd, and counts only where it syncs by itself" },
  sync_options = { "list", default = {}, doc = "further sync options" },
}

local SERVICE = { name = true, phase = true, path = true, namespace = true }

local function fail(given, text, hint) return slipway.fail(("gitops: sets: %s: %s"):format(given.name, text), hint) end

local function fill(given, text, words)
  return (text:gsub("{(%w+)}", function(word)
    if words[word] == nil then fail(given, ("'%s': there is no {%s} here"):format(text, word)) end
    return words[word]
  end))
end

--- The services as elements of a list generator, with texts only, in order of phase; and the phases.
local function elements(given, environment)
  local found, phases, seen = {}, {}, {}
  for i, each in ipairs(given.services) do
    if type(each) == "string" then each = { name = each } end
    if type(each) ~= "table" or type(each.name) ~= "string" then fail(given, ("services[%d]: a name, or { name, phase, ... } wanted"):format(i - 1)) end
    for key in pairs(each) do
      if not SERVICE[key] then core.unknown("member of a service", tostring(key), { "name", "phase", "path", "namespace" }) end
    end
    if seen[each.name] then fail(given, ("the service '%s' is there twice"):format(each.name)) end
    seen[each.name] = true
    local phase = each.phase or 0
    -- It is a label's value, too, and these begin with no sign.
    if math.type(phase) ~= "integer" or phase < 0 then fail(given, ("services[%d]: phase: a whole number from 0 on wanted"):format(i - 1)) end
    if not each.name:find("^[%l%d][%l%d.-]*$") or #each.name > 53 then
      fail(given, ("services[%d]: '%s' is no name for an Application"):format(i - 1, each.name), "small letters, digits and - make one, 53 of them at most")
    end
    local words = { name = each.name, environment = environment, set = given.name }
    found[i] = {
      name = each.name, phase = tostring(phase), path = each.path or fill(given, given.path, words),
      namespace = each.namespace or fill(given, given.namespace, words),
    }
    phases[phase] = true
  end
  local order = {}
  for phase in pairs(phases) do order[#order + 1] = phase end
  table.sort(order)
  return found, order
end

--- Which part of a directory's path names the service: the first that is not the same for all; counted from 0.
local function varying(given, pattern)
  local index = 0
  for part in pattern:gmatch("[^/]+") do
    if part:find("*", 1, true) then return index end
    index = index + 1
  end
  return fail(given, ("directories: '%s' has no *"):format(pattern), "services/*/overlays/production: one Application for each that fits")
end

local function by_list(given, environment)
  local list, phases = elements(given, environment)
  return {
    generators = slipway.list { { list = { elements = slipway.list(list) } } },
    name = "{{.name}}", path = "{{.path}}", namespace = "{{.namespace}}", phase = "{{.phase}}", phases = phases,
  }
end

local function by_directories(given, environment, o)
  local index, list = nil, {}
  for i, pattern in ipairs(given.directories) do
    if type(pattern) ~= "string" then fail(given, "directories: texts wanted") end
    pattern = fill(given, pattern, { environment = environment, set = given.name })
    local at = varying(given, pattern)
    if index and index ~= at then fail(given, "directories: the * stands at the same place in all of them", "make a set for each place") end
    index, list[i] = at, { path = pattern }
  end
  for _, pattern in ipairs(given.exclude) do
    if type(pattern) ~= "string" then fail(given, "exclude: texts wanted") end
    list[#list + 1] = { path = fill(given, pattern, { environment = environment, set = given.name }), exclude = true }
  end
  local name = ("{{index .path.segments %d}}"):format(index)
  local revision = given.revision or o.revision
  return {
    generators = slipway.list { { git = { repoURL = given.repo or o.repo, revision = revision, directories = slipway.list(list) } } },
    name = name, path = "{{.path.path}}", namespace = fill(given, given.namespace, { name = name, environment = environment, set = given.name }),
  }
end

--- RollingSync syncs by itself, whatever the Applications say: where a person is to do that, there is none.
local function strategy(given, source, automated, environment)
  if not given.rolling then return nil end
  if not source.phases then fail(given, "rolling: phases are those of services, and these are directories") end
  if not automated then
    local words = "gitops: sets: %s: rolling is left out%s: it would sync by itself, and a person does that here (automated: true says otherwise)"
    slipway.warn(words:format(given.name, environment and " in " .. environment or ""))
    return nil
  end
  local steps = {}
  for i, phase in ipairs(source.phases) do
    steps[i] = { matchExpressions = slipway.list { { key = "phase", operator = "In", values = slipway.list { tostring(phase) } } } }
  end
  return { type = "RollingSync", rollingSync = { steps = slipway.list(steps) } }
end

local function one(given, o, environment, suffix)
  local source = given.services and by_list(given, environment or "") or by_directories(given, environment or "", o)
  local automated = given.automated
  if automated == nil then automated = environment ~= "production" end
  local labels = { set = given.name, environment = environment }
  local annotations
  if source.phase then
    labels.phase = source.phase
    annotations = { ["argocd.argoproj.io/sync-wave"] = source.phase }
  end
  return {
    apiVersion = "argoproj.io/v1alpha1", kind = "ApplicationSet",
    metadata = { name = given.name .. suffix, namespace = o.namespace },
    spec = {
      goTemplate = true,
      goTemplateOptions = slipway.list { "missingkey=error" },
      generators = source.generators,
      strategy = strategy(given, source, automated, environment),
      -- What a generator finds no more is not deleted before somebody looks, in production.
      syncPolicy = environment == "production" and { preserveResourcesOnDeletion = true } or nil,
      template = {
        metadata = { name = source.name .. suffix, namespace = o.namespace, labels = labels, annotations = annotations },
        spec = {
          project = given.project or o.project,
          source = { repoURL = given.repo or o.repo, path = source.path, targetRevision = given.revision or o.revision },
          destination = { server = sync.HERE, namespace = source.namespace },
          syncPolicy = sync.policy(automated, given.sync_options, ("gitops: sets: %s: automated"):format(given.name)),
        },
      },
    },
  }
end

--- The ApplicationSets of one entry: one, or one for each of its environments.
function sets.objects(given, o)
  if (given.services == nil) == (given.directories == nil) then fail(given, "one of services and directories wanted") end
  if not given.environments then return { one(given, o, o.environment, "") } end
  local all = {}
  for i, environment in ipairs(given.environments) do
    if type(environment) ~= "string" then fail(given, "environments: texts wanted") end
    all[i] = one(given, o, environment, "-" .. environment)
  end
  return all
end

return sets
