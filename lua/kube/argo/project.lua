--- AppProjects: which repositories may deploy what, and where.
local sync = require "kube/argo/sync"

local project = {}

project.ROWS = {
  name = { "string", required = true, doc = "the project's name" },
  description = { "string", doc = "what it is for" },
  repos = { "list", default = { "*" }, doc = "repositories that may be deployed from" },
  namespaces = { "list", default = { "*" }, doc = "namespaces of this cluster that may be deployed to" },
  destinations = { "list", doc = "instead of namespaces: { server or name, namespace } as Argo CD has them" },
  cluster_resources = { "list", default = {}, doc = "kinds outside of namespaces that may be deployed, as GROUP/Kind; '*' for all of them" },
  spec = { "map", default = {}, doc = "further members of its spec, such as roles and syncWindows" },
}

local function kind_of(text)
  if text == "*" then return { group = "*", kind = "*" } end
  local group, kind = text:match("^([%w.*-]*)/([%w*]+)$")
  if not kind then
    if not text:find("^%u%w*$") then
      slipway.fail(("gitops: projects: cluster_resources: '%s' is no kind"):format(text),
        "write GROUP/Kind, such as rbac.authorization.k8s.io/ClusterRole, or Namespace")
    end
    group, kind = "", text
  end
  return { group = group, kind = kind }
end

--- @param o table the options of the hand-over
function project.object(given, o)
  local destinations = given.destinations
  if not destinations then
    destinations = {}
    for i, namespace in ipairs(given.namespaces) do destinations[i] = { server = sync.HERE, namespace = namespace } end
  end
  local kinds = {}
  for i, text in ipairs(given.cluster_resources) do kinds[i] = kind_of(tostring(text)) end
  local spec = {
    description = given.description,
    sourceRepos = slipway.list(given.repos),
    destinations = slipway.list(destinations),
    clusterResourceWhitelist = #kinds > 0 and slipway.list(kinds) or nil,
  }
  for key, value in pairs(given.spec) do spec[key] = value end
  return { apiVersion = "argoproj.io/v1alpha1", kind = "AppProject", metadata = { name = given.name, namespace = o.namespace }, spec = spec }
end

return project
