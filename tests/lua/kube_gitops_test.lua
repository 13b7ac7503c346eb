-- The hand-over: the objects of kube.gitops, and when an Application counts as ready.
local gitops, ready = require "kube/gitops", require "kube/ready"

local function objects(options)
  local found, order = {}, {}
  for _, list in ipairs((gitops.objects(options))) do
    for _, object in ipairs(list) do
      local key = ("%s %s"):format(object.kind, object.metadata.name)
      check(not found[key], key .. " is there twice")
      found[key], order[#order + 1] = object, key
    end
  end
  return found, order
end

local REPO = "https://example.org/team/gitops.git"
local HERE = "https://kubernetes.default.svc"

-- the root Application

local found, order = objects { repo = REPO, path = "environments/argocd/apps", revision = "main" }
equal(order, { "Application root" })
equal(found["Application root"], {
  apiVersion = "argoproj.io/v1alpha1", kind = "Application", metadata = { name = "root", namespace = "argocd" },
  spec = {
    project = "default",
    source = { repoURL = REPO, path = "environments/argocd/apps", targetRevision = "main" },
    destination = { server = HERE, namespace = "argocd" },
    syncPolicy = {
      automated = { prune = true, selfHeal = true, allowEmpty = false },
      syncOptions = { "CreateNamespace=true", "PrunePropagationPolicy=foreground", "PruneLast=true" },
      retry = { limit = 5, backoff = { duration = "5s", factor = 2, maxDuration = "3m" } },
    },
  },
})
found = objects { repo = REPO, automated = false, cascade = true, recurse = true, name = "apps", namespace = "cd",
  sync_options = { "ServerSideApply=true", "PruneLast=false" } }
local root = found["Application apps"]
equal(root.metadata, { name = "apps", namespace = "cd", finalizers = { "resources-finalizer.argocd.argoproj.io" } })
equal(root.spec.syncPolicy.automated, nil)
equal(root.spec.syncPolicy.syncOptions, { "CreateNamespace=true", "PrunePropagationPolicy=foreground", "ServerSideApply=true", "PruneLast=false" })
equal(root.spec.source, { repoURL = REPO, path = ".", targetRevision = "HEAD", directory = { recurse = true } })
equal(objects({ repo = REPO, automated = { prune = false } })["Application root"].spec.syncPolicy.automated,
  { prune = false, selfHeal = true, allowEmpty = false })

-- repositories and projects come first

found, order = objects {
  repo = REPO, credentials = { username = "u", password = secret "p" },
  repositories = { { url = "https://example.org/team/charts.git", username = "u", password = secret "q" } },
  projects = { { name = "apps", description = "ours", repos = { REPO }, namespaces = { "shop", "shop-*" },
    cluster_resources = { "Namespace", "rbac.authorization.k8s.io/ClusterRole" }, spec = { orphanedResources = { warn = true } } }, { name = "open" } },
}
equal(order, { "Secret repo-example-org-team-gitops", "Secret repo-example-org-team-charts", "AppProject apps", "AppProject open", "Application root" })
equal(found["Secret repo-example-org-team-gitops"].stringData, { type = "git", url = REPO, username = "u", password = secret "p" })
equal(found["AppProject apps"].spec, {
  description = "ours", sourceRepos = { REPO },
  destinations = { { server = HERE, namespace = "shop" }, { server = HERE, namespace = "shop-*" } },
  clusterResourceWhitelist = { { group = "", kind = "Namespace" }, { group = "rbac.authorization.k8s.io", kind = "ClusterRole" } },
  orphanedResources = { warn = true },
})
equal(found["AppProject open"].spec, { sourceRepos = { "*" }, destinations = { { server = HERE, namespace = "*" } } })

-- sets: a list of services

found = objects {
  repo = REPO, revision = "main", environment = "staging",
  sets = { { name = "shop", rolling = true,
    services = { "web", { name = "db", phase = 1, namespace = "data", path = "infra/db" }, { name = "auth", phase = 2 } } } },
}
local set = found["ApplicationSet shop"]
equal(set.spec.goTemplateOptions, { "missingkey=error" })
equal(set.spec.generators, { { list = { elements = {
  { name = "web", phase = "0", path = "services/web/overlays/staging", namespace = "web" },
  { name = "db", phase = "1", path = "infra/db", namespace = "data" },
  { name = "auth", phase = "2", path = "services/auth/overlays/staging", namespace = "auth" },
} } } })
equal(set.spec.template.metadata, { name = "{{.name}}", namespace = "argocd", labels = { set = "shop", environment = "staging", phase = "{{.phase}}" },
  annotations = { ["argocd.argoproj.io/sync-wave"] = "{{.phase}}" } })
equal(set.spec.template.spec.source, { repoURL = REPO, path = "{{.path}}", targetRevision = "main" })
equal(set.spec.template.spec.destination, { server = HERE, namespace = "{{.namespace}}" })
equal(set.spec.template.spec.syncPolicy.automated, { prune = true, selfHeal = true, allowEmpty = false })
local steps = set.spec.strategy.rollingSync.steps
equal(#steps, 3)
equal({ steps[1].matchExpressions[1].values[1], steps[2].matchExpressions[1].values[1], steps[3].matchExpressions[1].values[1] }, { "0", "1", "2" })

-- production waits for a person, in every set; the root does not

found = objects { repo = REPO, environment = "production", sets = { { name = "shop", services = { "web" } } } }
equal(found["ApplicationSet shop"].spec.template.spec.syncPolicy.automated, nil)
equal(found["ApplicationSet shop"].spec.syncPolicy, { preserveResourcesOnDeletion = true })
check(found["Application root"].spec.syncPolicy.automated)
check(objects({ repo = REPO, environment = "production", sets = { { name = "shop", services = { "web" }, automated = true } } })
  ["ApplicationSet shop"].spec.template.spec.syncPolicy.automated)

-- RollingSync syncs by itself: not where a person is to do it
found = objects { repo = REPO, sets = { { name = "shop", rolling = true, services = { "web" }, environments = { "staging", "production" } } } }
equal(found["ApplicationSet shop-staging"].spec.strategy.type, "RollingSync")
equal(found["ApplicationSet shop-production"].spec.strategy, nil)
found = objects { repo = REPO, environment = "production", sets = { { name = "shop", rolling = true, automated = true, services = { "web" } } } }
equal(found["ApplicationSet shop"].spec.strategy.type, "RollingSync")

-- one set for each environment, from directories

found, order = objects { repo = REPO, sets = { { name = "shop", environments = { "staging", "production" }, namespace = "{name}-{environment}",
  directories = { "services/*/overlays/{environment}" },
  exclude = { "services/old/overlays/{environment}" } } } }
equal(order, { "ApplicationSet shop-staging", "ApplicationSet shop-production", "Application root" })
set = found["ApplicationSet shop-staging"].spec
equal(set.generators, { { git = {
  repoURL = REPO, revision = "HEAD",
  directories = { { path = "services/*/overlays/staging" }, { path = "services/old/overlays/staging", exclude = true } } } } })
equal(set.template.metadata.name, "{{index .path.segments 1}}-staging")
equal(set.template.spec.source.path, "{{.path.path}}")
equal(set.template.spec.destination.namespace, "{{index .path.segments 1}}-staging")
check(set.template.spec.syncPolicy.automated and not found["ApplicationSet shop-production"].spec.template.spec.syncPolicy.automated)

local function refused(options, words)
  options.repo = options.repo or REPO
  raises(function() gitops.objects(options) end, words)
end
raises(function() gitops.objects {} end, "gitops: repo is missing")
refused({ rev = "main" }, "there is no option of the gitops 'rev'")
refused({ automated = "yes" }, "automated: true, false or a map")
refused({ automated = { pruning = true } }, "'pruning'")
refused({ sync_options = { "ServerSideApply" } }, "NAME=VALUE")
refused({ projects = { { name = "a", cluster_resources = { "namespace" } } } }, "is no kind")
refused({ sets = { { name = "a" } } }, "one of services and directories")
refused({ sets = { { name = "a", services = { "x" }, directories = { "y/*" } } } }, "one of services and directories")
refused({ sets = { { name = "a", services = { "x", "x" } } } }, "there twice")
refused({ sets = { { name = "a", services = { { name = "x", fase = 1 } } } } }, "'fase'")
refused({ sets = { { name = "a", services = { { name = "x", phase = "1" } } } } }, "phase: a whole number")
refused({ sets = { { name = "a", services = { { name = "x", phase = -1 } } } } }, "from 0 on")
refused({ sets = { { name = "a", services = { "Web_API" } } } }, "'Web_API' is no name for an Application")
refused({ sets = { { name = "a", services = { "x" }, path = "{service}" } } }, "there is no {service}")
refused({ sets = { { name = "a", directories = { "y/z" } } } }, "has no %*")
refused({ sets = { { name = "a", directories = { "y/*", "*/y" } } } }, "the same place")
refused({ sets = { { name = "a", directories = { "y/*" }, rolling = true } } }, "phases are those of services")
refused({ credentials = { password = "p" }, repositories = { { url = REPO } } }, "is there twice")

-- when it is done

local function application(change)
  local object = {
    apiVersion = "argoproj.io/v1alpha1", kind = "Application", metadata = { name = "root" },
    spec = { source = { repoURL = REPO, path = "apps", targetRevision = "main" }, syncPolicy = { automated = {} } },
    status = {
      reconciledAt = "t", health = { status = "Healthy" },
      sync = { status = "Synced", revision = ("a"):rep(40), comparedTo = { source = { repoURL = REPO, path = "apps", targetRevision = "main" } } },
    },
  }
  if change then change(object, object.status) end
  return object
end

local function is(change, wanted, words, over)
  local done, text, failed = ready.of(application(change))
  equal(done, wanted, text)
  equal(failed, over or false, text)
  if words then check(text:find(words, 1, true), text) end
end
is(nil, true, "Synced, Healthy")
is(function(_, s) s.reconciledAt = nil end, false, "first comparison")
is(function(o) o.spec.source.targetRevision = "v2" end, false, "comparison with revision v2")
is(function(o) o.spec.source.path = "other" end, false, "comparison")
is(function(o, s)
  o.spec.source.targetRevision, s.sync.comparedTo.source.targetRevision = ("b"):rep(40), ("b"):rep(40)
end, false, "comparison with revision bbb")
is(function(o, s)
  o.spec.source.targetRevision, s.sync.comparedTo.source.targetRevision = ("a"):rep(40), ("a"):rep(40)
end, true)
is(function(_, s) s.sync.status = "OutOfSync" end, false, "OutOfSync, Healthy")
is(function(_, s) s.health.status = "Degraded" end, false, "Degraded")
is(function(_, s) s.operationState = { phase = "Running" } end, false, "syncing")
is(function(_, s) s.sync.status, s.operationState = "OutOfSync", { phase = "Failed", message = "one object failed" } end, false, "one object failed", true)
is(function(_, s)
  s.sync.status, s.conditions = "Unknown", { { type = "ComparisonError", message = "repository not found" } }
end, false, "repository not found")
is(function(o, s) o.spec.syncPolicy.automated, s.sync.status, s.health.status = nil, "OutOfSync", "Missing" end, true, "to be synced by a person")
is(function(o, s) o.spec.syncPolicy.automated, s.sync.status = nil, "Unknown" end, false)

local function set_is(conditions, wanted, words)
  local done, text = ready.of { apiVersion = "argoproj.io/v1alpha1", kind = "ApplicationSet", metadata = {}, spec = {}, status = { conditions = conditions } }
  equal(done, wanted, text)
  check(text:find(words, 1, true), text)
end
set_is({}, false, "waiting for its Applications")
set_is({ { type = "ErrorOccurred", status = "True", message = "no such repository" } }, false, "no such repository")
set_is({ { type = "ErrorOccurred", status = "False" },
  { type = "ResourcesUpToDate", status = "True", reason = "ApplicationSetUpToDate" } }, true, "ResourcesUpToDate")
