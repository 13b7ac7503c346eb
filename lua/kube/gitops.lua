--- kube.gitops: the hand-over. What the cluster runs from here on is what a git repository says: a root Application whose objects are
--- Applications, ApplicationSets, AppProjects and repositories.
local manifest, options = require "kube/manifest", require "kube/options"
local repository, project = require "kube/argo/repository", require "kube/argo/project"
local sets, sync = require "kube/argo/sets", require "kube/argo/sync"
local tables = require "host/lib/tables"

local gitops = {}

local CREDENTIALS = tables.merge(repository.ROWS)
CREDENTIALS.url = nil

gitops.ROWS = {
  repo = { "string", required = true, doc = "the repository" },
  path = { "string", default = ".", doc = "the directory whose objects make the root Application" },
  revision = { "string", default = "HEAD", doc = "a branch, a tag or a commit" },
  recurse = { "bool", default = false, doc = "take the directories below path, too" },
  name = { "string", default = "root", doc = "the root Application's name" },
  project = { "string", default = "default", doc = "its project" },
  namespace = { "string", default = "argocd", doc = "where Argo CD lives" },
  environment = { "string", doc = "in production, the Applications of sets wait for a person to sync them" },
  automated = { "any", default = true, doc = "sync by itself: true, false, or { prune, self_heal, allow_empty }" },
  cascade = { "bool", default = false, doc = "when the root Application is removed, remove all that it deployed, too" },
  sync_options = { "list", default = {}, doc = "further sync options, such as ServerSideApply=true" },
  credentials = { "map", of = CREDENTIALS, doc = "what is needed to read the repository" },
  repositories = { "list", default = {}, of = repository.ROWS, doc = "further repositories" },
  projects = { "list", default = {}, of = project.ROWS, doc = "AppProjects to make" },
  sets = { "list", default = {}, of = sets.ROWS, doc = "ApplicationSets: one Application for each service" },
  wait = { "bool", default = true, doc = "wait until the root Application is synced and healthy" },
  timeout = { "int", default = 600, doc = "seconds to wait" },
  force = { "bool", default = false, doc = "take fields from other owners" },
}

local function root(o)
  return {
    apiVersion = "argoproj.io/v1alpha1", kind = "Application",
    metadata = {
      name = o.name, namespace = o.namespace,
      finalizers = o.cascade and slipway.list { "resources-finalizer.argocd.argoproj.io" } or nil,
    },
    spec = {
      project = o.project,
      source = { repoURL = o.repo, path = o.path, targetRevision = o.revision, directory = o.recurse and { recurse = true } or nil },
      destination = { server = sync.HERE, namespace = o.namespace },
      syncPolicy = sync.policy(o.automated, o.sync_options, "gitops: automated"),
    },
  }
end

--- The objects, in the order in which they are applied: a list of lists.
function gitops.objects(given)
  local o = options.check("gitops", gitops.ROWS, given)
  local repositories = {}
  if o.credentials then repositories[1] = tables.merge(o.credentials, { url = o.repo }) end
  for _, each in ipairs(o.repositories) do repositories[#repositories + 1] = each end
  local first, second = repository.secrets(repositories, "repository", o.namespace), {}
  for _, each in ipairs(o.projects) do first[#first + 1] = project.object(each, o) end
  for _, each in ipairs(o.sets) do
    for _, object in ipairs(sets.objects(each, o)) do second[#second + 1] = object end
  end
  second[#second + 1] = root(o)
  return { first, second }, o
end

local function declare(given)
  if type(given) ~= "table" then slipway.fail "gitops: a map of options wanted" end
  local lists, o = gitops.objects(given)
  local passed = tables.pick(o, { "wait", "timeout", "force", "provider", "lifecycle", "depends_on" })
  local made = {}
  for _, list in ipairs(lists) do
    local these = manifest.declare("gitops", list, passed)
    for _, resource in ipairs(these) do made[#made + 1] = resource end
    if #these > 0 then passed.depends_on = these end
  end
  return made
end

--- kube.gitops { repo, path, revision, ... }: declares them, each list after the one before it.
--- @param at string[]|nil where the options stand in the inventory, as keys
function gitops.call(given, at) return options.placed(at, given, declare, given) end

return gitops
