--- What the client does, and what it takes a Kubernetes API server to do: the same cases on the real one and on the double (tests/tools/kube_double.py),
--- so that the double cannot drift. Each case is a resource; its creation runs it, in a namespace of its own.
local resource = require "resource"

local cases = {}

local function shown(value) return type(value) == "string" and value or json.encode(value == nil and slipway.null or value) end

local function equal(got, wanted, what)
  if shown(got) ~= shown(wanted) then error(("%s: got %s, wanted %s"):format(what or "value", shown(got), shown(wanted)), 2) end
end

local function truth(value, what)
  if not value then error((what or "it") .. " is not so", 2) end
  return value
end

--- The failure of a function, its text.
local function failure(fn)
  local fine, err = pcall(fn)
  if fine then error("it did not fail", 2) end
  return type(err) == "string" and err or err.message .. (err.hint and " | " .. err.hint or "")
end

local function refused(class, result, err)
  if result ~= nil then error(("%s: it was not refused: %s"):format(class, shown(result)), 2) end
  if err.class ~= class then error(("%s: class %s: %s"):format(class, tostring(err.class), shown(err)), 2) end
  return err
end

local function config_map(namespace, name, data, metadata)
  local object = { apiVersion = "v1", kind = "ConfigMap", metadata = { name = name, namespace = namespace }, data = data }
  for key, value in pairs(metadata or {}) do object.metadata[key] = value end
  return object
end

local function definition(group, plural, kind, scope, schema)
  return {
    apiVersion = "apiextensions.k8s.io/v1", kind = "CustomResourceDefinition", metadata = { name = plural .. "." .. group },
    spec = {
      group = group, scope = scope, names = { plural = plural, singular = kind:lower(), kind = kind, listKind = kind .. "List" },
      versions = { { name = "v1", served = true, storage = true, subresources = { status = {} },
        schema = { openAPIV3Schema = { type = "object", properties = { spec = schema,
          status = { type = "object", properties = { phase = { type = "string" } } } } } } } },
    },
  }
end

--- Until it is so: what happens at the same time is put in order by what is seen, not by the clock.
local function until_true(kube, fn, what)
  local deadline = kube:now() + 60
  while not fn() do
    if kube:now() > deadline then error(what .. " did not come about", 2) end
    kube:sleep(0.02)
  end
end

--- The fields of a manager, its entry in managedFields.
local function entry_of(object, manager, operation)
  for _, entry in ipairs(object.metadata.managedFields or {}) do
    if entry.manager == manager and entry.operation == (operation or "Apply") then return entry end
  end
  return nil
end

-- Who is there -------------------------------------------------------------------------------------------------------------------------------

function cases.version(kube)
  local version = kube:version()
  equal(version.major, 1)
  truth(version.text:find("^v1%.%d+%.%d+"), version.text)
end

function cases.kinds(kube)
  local deployment = truth(kube:kind("apps/v1", "Deployment"))
  equal({ deployment.group, deployment.version, deployment.plural, deployment.namespaced, deployment.verbs.patch, deployment.verbs.watch },
    { "apps", "v1", "deployments", true, true, true })
  local namespace = truth(kube:kind("v1", "Namespace"))
  equal({ namespace.group, namespace.plural, namespace.namespaced }, { "", "namespaces", false })
  equal(kube:kind("v1", "Deployment"), nil)
  equal(kube:kind("no.such.group/v1", "Deployment"), nil)
  local seen = {}
  for _, each in ipairs(kube:kinds()) do seen[(each.group == "" and "" or each.group .. "/") .. each.version .. " " .. each.kind] = true end
  for _, name in ipairs { "v1 Pod", "apps/v1 Deployment", "apiextensions.k8s.io/v1 CustomResourceDefinition", "rbac.authorization.k8s.io/v1 Role" } do
    truth(seen[name], name .. " among kinds()")
  end
end

-- What is not there --------------------------------------------------------------------------------------------------------------------------

function cases.missing(kube, own)
  equal(kube:get("v1", "ConfigMap", own, "none"), nil)
  equal(kube:get("v1", "ConfigMap", own .. "-none", "none"), nil)
  equal(kube:get("no.such.group/v1", "Thing", own, "none"), nil)
  equal(kube:list("no.such.group/v1", "Thing"), nil)
  equal(#kube:list("v1", "ConfigMap", { namespace = own .. "-none" }), 0)
  equal(kube:delete("v1", "ConfigMap", own, "none"), false)
  equal(kube:delete("no.such.group/v1", "Thing", own, "none"), false)
  local err = refused("namespace", kube:apply(config_map(own .. "-none", "a"), { try = true }))
  equal({ err.status, err.verb, err.resource }, { 404, "patch", "configmaps" })
  refused("kind", kube:apply({ apiVersion = "no.such.group/v1", kind = "Thing", metadata = { name = "a", namespace = own } }, { try = true }))
  refused("namespace", kube:create(config_map(own .. "-none", "a"), { try = true }))
  refused("missing", kube:patch("v1", "ConfigMap", own, "none", { data = { a = "b" } }, { try = true }))
  local text = failure(function() kube:apply(config_map(own .. "-none", "a")) end)
  truth(text:find("patch configmaps", 1, true) and text:find("create the namespace before", 1, true), text)
end

-- Server-side apply --------------------------------------------------------------------------------------------------------------------------

function cases.apply(kube, own)
  local made = kube:apply(config_map(own, "a", { one = "1", two = "2" }))
  equal(made.data, { one = "1", two = "2" })
  equal(made.kind, "ConfigMap")
  local entry = truth(entry_of(made, "slipway"), "an entry in managedFields")
  equal(entry.fieldsV1, { ["f:data"] = { ["f:one"] = {}, ["f:two"] = {} } })
  local same = kube:apply(config_map(own, "a", { one = "1", two = "2" }))
  equal(same.metadata.resourceVersion, made.metadata.resourceVersion, "the version after an apply that changes nothing")
  local less = kube:apply(config_map(own, "a", { one = "1" }))
  equal(less.data, { one = "1" }, "a field that is no longer applied")
  truth(less.metadata.resourceVersion ~= made.metadata.resourceVersion)
  equal(kube:get("v1", "ConfigMap", own, "a").data, { one = "1" })
end

function cases.owners(kube, own)
  kube:apply(config_map(own, "a", { one = "1" }))
  local err = refused("owners", kube:apply(config_map(own, "a", { one = "2", three = "3" }), { manager = "other", try = true }))
  equal(err.status, 409)
  equal(kube.conflicts(err), { { manager = "slipway", field = ".data.one" } })
  -- The same value is owned by both; taking it back from one leaves it with the other.
  local shared = kube:apply(config_map(own, "a", { one = "1" }), { manager = "other" })
  truth(entry_of(shared, "slipway") and entry_of(shared, "other"), "two owners")
  equal(kube:apply(config_map(own, "a", {}), { manager = "other" }).data, { one = "1" })
  local forced = kube:apply(config_map(own, "a", { one = "2" }), { manager = "other", force = true })
  equal(forced.data, { one = "2" })
  equal(entry_of(forced, "slipway") and entry_of(forced, "slipway").fieldsV1["f:data"] and entry_of(forced, "slipway").fieldsV1["f:data"]["f:one"], nil)
  truth(failure(function() kube:apply(config_map(own, "a", { one = "3" })) end):find("force = true", 1, true))
end

--- Fields changed by other means belong to whoever changed them.
function cases.updated_by_hand(kube, own)
  kube:apply(config_map(own, "a", { one = "1", two = "2" }))
  local patched = kube:patch("v1", "ConfigMap", own, "a", { data = { one = "by hand" } }, { manager = "hand" })
  equal(entry_of(patched, "hand", "Update").fieldsV1, { ["f:data"] = { ["f:one"] = {} } })
  equal(entry_of(patched, "slipway").fieldsV1, { ["f:data"] = { ["f:two"] = {} } })
  local err = refused("owners", kube:apply(config_map(own, "a", { one = "1", two = "2" }), { try = true }))
  equal(kube.conflicts(err)[1].manager, "hand")
  equal(kube.conflicts(err)[1].field, ".data.one")
  equal(kube:apply(config_map(own, "a", { one = "1", two = "2" }), { force = true }).data, { one = "1", two = "2" })
end

function cases.dry_run(kube, own)
  local would = kube:apply(config_map(own, "a", { one = "1" }), { dry_run = true })
  equal(would.data, { one = "1" })
  equal(kube:get("v1", "ConfigMap", own, "a"), nil)
  local made = kube:apply(config_map(own, "a", { one = "1" }))
  equal(kube:apply(config_map(own, "a", { one = "2" }), { dry_run = true }).data, { one = "2" })
  equal(kube:create(config_map(own, "b"), { dry_run = true }).metadata.name, "b")
  equal(kube:delete("v1", "ConfigMap", own, "a", { dry_run = true }), true)
  local after = kube:get("v1", "ConfigMap", own, "a")
  equal({ after.data, after.metadata.resourceVersion }, { { one = "1" }, made.metadata.resourceVersion })
  equal(kube:get("v1", "ConfigMap", own, "b"), nil)
end

local function deployment(own, change)
  local object = {
    apiVersion = "apps/v1", kind = "Deployment", metadata = { name = "web", namespace = own },
    spec = {
      replicas = 0, selector = { matchLabels = { app = "web" } },
      template = { metadata = { labels = { app = "web" } },
        spec = { containers = { { name = "web", image = "x/web:1", env = { { name = "A", value = "1" } },
          ports = { { containerPort = 80, protocol = "TCP" } } } } } },
    },
  }
  if change then change(object.spec) end
  return object
end

--- Lists whose elements have keys are merged by these; defaults are filled in.
function cases.keyed_lists(kube, own)
  local made = kube:apply(deployment(own))
  equal(made.spec.template.spec.containers[1].imagePullPolicy, "IfNotPresent")
  equal(made.spec.template.spec.restartPolicy, "Always")
  local fields = entry_of(made, "slipway").fieldsV1["f:spec"]["f:template"]["f:spec"]["f:containers"]['k:{"name":"web"}']
  truth(fields["."] and fields["f:image"] and fields["f:env"]['k:{"name":"A"}'] and fields["f:ports"]['k:{"containerPort":80,"protocol":"TCP"}'], shown(fields))
  equal(fields["f:imagePullPolicy"], nil, "ownership of a default")
  local sidecar = kube:apply({
    apiVersion = "apps/v1", kind = "Deployment", metadata = { name = "web", namespace = own },
    spec = { template = { spec = { containers = { { name = "side", image = "x/side:1" } } } } },
  }, { manager = "other" })
  equal(#sidecar.spec.template.spec.containers, 2)
  local again = kube:apply(deployment(own, function(spec) spec.template.spec.containers[1].env = nil end))
  equal(#again.spec.template.spec.containers, 2, "containers of another manager")
  for _, container in ipairs(again.spec.template.spec.containers) do
    if container.name == "web" then equal(container.env, nil) end
  end
end

function cases.numbers_and_defaults(kube, own)
  local service = { apiVersion = "v1", kind = "Service", metadata = { name = "web", namespace = own },
    spec = { selector = { app = "web" }, ports = { { name = "http", port = 80, protocol = "TCP", targetPort = 8080 } } } }
  local made = kube:apply(service)
  equal({ made.spec.type, made.spec.ports[1].targetPort, made.spec.sessionAffinity }, { "ClusterIP", 8080, "None" })
  truth(made.spec.clusterIP:find("^%d+%.%d+%.%d+%.%d+$"), "an address")
  equal(kube:apply(service).metadata.resourceVersion, made.metadata.resourceVersion)
end

function cases.secrets(kube, own)
  local made = kube:apply { apiVersion = "v1", kind = "Secret", metadata = { name = "s", namespace = own }, stringData = { password = secret "correct horse" } }
  equal(made.type, "Opaque")
  equal(base64.decode(made.data.password), "correct horse")
end

-- What the server refuses --------------------------------------------------------------------------------------------------------------------

function cases.invalid(kube, own)
  local unknown = config_map(own, "a")
  unknown.dta = { a = "1" }
  local err = refused("invalid", kube:apply(unknown, { try = true }))
  truth(err.message:find("dta", 1, true), err.message)
  refused("invalid", kube:apply(config_map(own, "Not_A_Name"), { try = true }))
  refused("invalid", kube:apply(config_map(own, "a", { n = 1 }), { try = true }))
  kube:apply(deployment(own))
  local other = deployment(own, function(spec) spec.selector.matchLabels.app, spec.template.metadata.labels.app = "x", "x" end)
  local fixed = refused("invalid", kube:apply(other, { try = true }))
  equal(fixed.status, 422)
  equal(fixed.causes[1].field, "spec.selector")
  truth(fixed.causes[1].message:find("immutable", 1, true), fixed.causes[1].message)
  local both = refused("invalid", kube:apply(deployment(own, function(spec) spec.template.spec.containers[1].image = nil end), { try = true, force = true }))
  equal(both.causes[1].field, "spec.template.spec.containers[0].image")
  local text = failure(function() kube:apply(unknown) end)
  truth(text:find("configmaps " .. own .. "/a", 1, true) and text:find("dta", 1, true), text)
end

function cases.exists(kube, own)
  kube:create(config_map(own, "a", { one = "1" }))
  local err = refused("exists", kube:create(config_map(own, "a"), { try = true }))
  equal(err.status, 409)
end

function cases.conflict(kube, own)
  local made = kube:create(config_map(own, "a", { one = "1" }))
  kube:patch("v1", "ConfigMap", own, "a", { data = { one = "2" } })
  local late = { metadata = { resourceVersion = made.metadata.resourceVersion }, data = { one = "3" } }
  refused("conflict", kube:patch("v1", "ConfigMap", own, "a", late, { try = true }))
end

function cases.forbidden(kube, own)
  local found, err = kube:request { path = "/api/v1/namespaces/" .. own .. "/secrets", headers = { ["Impersonate-User"] = "nobody" }, try = true }
  refused("forbidden", found, err)
  truth(err.message:find('User "nobody" cannot list resource "secrets" in API group "" in the namespace "' .. own .. '"', 1, true), err.message)
end

-- Patches ------------------------------------------------------------------------------------------------------------------------------------

function cases.patch(kube, own)
  kube:create(config_map(own, "a", { one = "1", two = "2" }))
  equal(kube:patch("v1", "ConfigMap", own, "a", { data = { one = slipway.null, three = "3" } }).data, { two = "2", three = "3" })
  local listed = slipway.list { { op = "replace", path = "/data/two", value = "zwei" } }
  equal(kube:patch("v1", "ConfigMap", own, "a", listed, { type = "json" }).data, { two = "zwei", three = "3" })
end

-- Lists --------------------------------------------------------------------------------------------------------------------------------------

function cases.list(kube, own)
  local calls = {}
  for i = 1, 7 do
    calls[i] = function() return kube:create(config_map(own, "m" .. i, { number = tostring(i) }, { labels = { odd = i % 2 == 1 and "yes" or "no" } })) end
  end
  kube:all(calls, 4)
  local function names(options)
    options.namespace = own
    local found = {}
    for _, item in ipairs(kube:list("v1", "ConfigMap", options)) do
      if item.metadata.name:find("^m%d") then found[#found + 1] = item.metadata.name end
    end
    return table.concat(found, " ")
  end
  equal(names {}, "m1 m2 m3 m4 m5 m6 m7")
  equal(names { limit = 2 }, "m1 m2 m3 m4 m5 m6 m7")
  equal(names { labels = "odd=yes" }, "m1 m3 m5 m7")
  equal(names { labels = "odd in (no)" }, "m2 m4 m6")
  equal(names { labels = "odd!=no,odd" }, "m1 m3 m5 m7")
  equal(names { fields = "metadata.name=m3" }, "m3")
  local some = kube:list("v1", "ConfigMap", { namespace = own, limit = 2, names = { m2 = true, m7 = true, none = true } })
  equal({ #some, some[1].metadata.name, some[2].metadata.name }, { 2, "m2", "m7" })
  local items, version = kube:list("v1", "ConfigMap", { namespace = own, metadata = true, labels = "odd=yes", limit = 3 })
  equal({ #items, items[1].apiVersion, items[1].kind, items[1].data }, { 4, "v1", "ConfigMap" })
  equal(items[1].metadata.labels, { odd = "yes" })
  truth(tonumber(version), "a resourceVersion")
  truth(#kube:list("v1", "Namespace") >= 4)
  local one = kube:get("v1", "ConfigMap", own, "m1", { metadata = true })
  equal({ one.apiVersion, one.kind, one.metadata.name, one.data }, { "v1", "ConfigMap", "m1" })
end

-- Deleting -----------------------------------------------------------------------------------------------------------------------------------

function cases.delete(kube, own)
  local made = kube:create(config_map(own, "a"))
  equal(kube:delete("v1", "ConfigMap", own, "a", { uid = "00000000-0000-0000-0000-000000000000" }), false)
  truth(kube:get("v1", "ConfigMap", own, "a"))
  equal(kube:delete("v1", "ConfigMap", own, "a", { uid = made.metadata.uid, within = 90 }), true)
  equal(kube:get("v1", "ConfigMap", own, "a"), nil)
end

function cases.finalizers(kube, own)
  kube:create(config_map(own, "held", nil, { finalizers = slipway.list { "example.org/keeper" } }))
  local text = failure(function() kube:delete("v1", "ConfigMap", own, "held", { within = 1 }) end)
  truth(text:find("ConfigMap " .. own .. "/held: not done within 1 s: being deleted", 1, true) and text:find("example.org/keeper", 1, true), text)
  kube:all {
    function() kube:delete("v1", "ConfigMap", own, "held", { within = 90 }) end,
    function()
      kube:sleep(0.3)
      kube:patch("v1", "ConfigMap", own, "held", { metadata = { finalizers = slipway.null } })
    end,
  }
  equal(kube:get("v1", "ConfigMap", own, "held"), nil)
end

function cases.namespaces(kube, own)
  local name = own .. "-more"
  kube:apply { apiVersion = "v1", kind = "Namespace", metadata = { name = name } }
  kube:apply(config_map(name, "held", nil, { finalizers = slipway.list { "example.org/keeper" } }))
  kube:apply(config_map(name, "free"))
  equal(kube:delete("v1", "Namespace", nil, name), true)
  local closed = kube:wait { apiVersion = "v1", kind = "Namespace", name = name, within = 90, check = function(object)
    for _, each in ipairs(object and object.status.conditions or {}) do
      if each.type == "NamespaceFinalizersRemaining" and each.status == "True" then return object end
    end
  end }
  equal(closed.status.phase, "Terminating")
  refused("namespace", kube:apply(config_map(name, "late"), { try = true }))
  local text = failure(function() kube:delete("v1", "Namespace", nil, name, { within = 1 }) end)
  truth(text:find("example.org/keeper in 1 resource instances", 1, true), text)
  kube:patch("v1", "ConfigMap", name, "held", { metadata = { finalizers = slipway.null } })
  kube:until_gone { apiVersion = "v1", kind = "Namespace", name = name, within = 60 }
end

-- What comes later ---------------------------------------------------------------------------------------------------------------------------

function cases.pending_namespace(kube, own)
  local name = own .. "-later"
  local words = {}
  kube:all {
    function() kube:apply(config_map(name, "a"), { pending = 60, line = function(text) words[#words + 1] = text end }) end,
    function()
      until_true(kube, function() return words[1] end, "waiting")
      kube:apply { apiVersion = "v1", kind = "Namespace", metadata = { name = name } }
    end,
  }
  equal(words, { "waiting for its namespace" })
  kube:delete("v1", "Namespace", nil, name)
end

function cases.definitions(kube, own)
  local group, words = own .. ".example.org", {}
  local spec = { type = "object", required = { "size" }, properties = {
    size = { type = "integer", minimum = 1 }, colour = { type = "string", default = "blue" },
    parts = { type = "array", ["x-kubernetes-list-type"] = "map", ["x-kubernetes-list-map-keys"] = { "name" },
      items = { type = "object", required = { "name" }, properties = { name = { type = "string" }, length = { type = "integer" } } } } } }
  local function box(name, fields) return { apiVersion = group .. "/v1", kind = "Box", metadata = { name = name, namespace = own }, spec = fields } end
  equal(kube:kind(group .. "/v1", "Box"), nil)
  kube:all {
    function()
      kube:apply(box("a", { size = 1, parts = { { name = "lid", length = 3 } } }), { pending = 60, line = function(text) words[#words + 1] = text end })
    end,
    function()
      until_true(kube, function() return words[1] end, "waiting")
      kube:apply(definition(group, "boxes", "Box", "Namespaced", spec))
      kube:wait { apiVersion = "apiextensions.k8s.io/v1", kind = "CustomResourceDefinition", name = "boxes." .. group, within = 90, check = function(object)
        for _, each in ipairs(object and object.status and object.status.conditions or {}) do
          if each.type == "Established" and each.status == "True" then return true end
        end
        return nil, "not established"
      end }
    end,
  }
  equal(words, { "waiting for its kind" })
  local found = kube:get(group .. "/v1", "Box", own, "a")
  equal(found.spec, { size = 1, colour = "blue", parts = { { name = "lid", length = 3 } } })
  local more = kube:apply(box("a", { parts = { { name = "base" } } }), { manager = "other" })
  equal(#more.spec.parts, 2, "parts")
  refused("invalid", kube:apply(box("b", { size = 0 }), { try = true }))
  refused("invalid", kube:apply(box("b", { colour = "red" }), { try = true }))
  refused("invalid", kube:apply(box("b", { size = "big" }), { try = true }))
  -- Its status is a resource of its own.
  kube:patch(group .. "/v1", "Box", own, "a", { status = { phase = "Packed" } }, { subresource = "status" })
  equal(kube:get(group .. "/v1", "Box", own, "a").status, { phase = "Packed" })
  equal(kube:patch(group .. "/v1", "Box", own, "a", { status = { phase = "Lost" } }).status, { phase = "Packed" })
  kube:delete("apiextensions.k8s.io/v1", "CustomResourceDefinition", nil, "boxes." .. group, { within = 90 })
  equal(kube:get(group .. "/v1", "Box", own, "a"), nil)
  kube:rediscover()
  equal(kube:kind(group .. "/v1", "Box"), nil)
end

function cases.webhook(kube, own)
  kube:patch("v1", "Namespace", nil, own, { metadata = { labels = { watched = own } } })
  local hook = { apiVersion = "admissionregistration.k8s.io/v1", kind = "ValidatingWebhookConfiguration", metadata = { name = own },
    webhooks = { { name = "check.example.org", admissionReviewVersions = { "v1" }, sideEffects = "None", failurePolicy = "Fail", timeoutSeconds = 1,
      namespaceSelector = { matchLabels = { watched = own } }, clientConfig = { service = { namespace = own, name = "absent", path = "/", port = 443 } },
      rules = { { apiGroups = { "" }, apiVersions = { "v1" }, operations = { "CREATE", "UPDATE" }, resources = { "configmaps" }, scope = "*" } } } } }
  kube:apply(hook)
  -- It takes the server a moment to heed it.
  local deadline = kube:now() + 20
  local made, err
  repeat
    made, err = kube:apply(config_map(own, "a" .. math.floor(kube:now() * 1000)), { try = true, dry_run = true })
    if made then kube:sleep(0.2) end
  until err or kube:now() > deadline
  truth(err, "a refusal by the webhook that does not answer")
  refused("webhook", nil, err)
  truth(err.message:find('failed calling webhook "check.example.org"', 1, true), err.message)
  local words = {}
  kube:all {
    function() kube:apply(config_map(own, "late"), { pending = 60, line = function(text) words[#words + 1] = text end }) end,
    function()
      until_true(kube, function() return words[1] end, "waiting")
      kube:delete("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", nil, own)
    end,
  }
  equal(words, { "waiting for a webhook" })
end

-- Waiting ------------------------------------------------------------------------------------------------------------------------------------

function cases.wait(kube, own)
  local lines, calls = {}, {}
  for i = 1, 5 do
    kube:create(config_map(own, "w" .. i, { state = "new" }))
    calls[i] = function()
      return kube:wait { apiVersion = "v1", kind = "ConfigMap", namespace = own, name = "w" .. i, within = 90,
        line = function(text) lines[#lines + 1] = i .. " " .. text end,
        check = function(object)
          if not object then return nil, "not there" end
          return object.data.state == "done" and object.metadata.name, "it is " .. object.data.state
        end }
    end
  end
  calls[6] = function()
    until_true(kube, function() return #lines == 5 end, "five who wait")
    for i = 5, 1, -1 do kube:patch("v1", "ConfigMap", own, "w" .. i, { data = { state = "halfway" } }) end
    until_true(kube, function() return #lines == 10 end, "five who saw a change")
    for i = 1, 5 do kube:patch("v1", "ConfigMap", own, "w" .. i, { data = { state = "done" } }) end
  end
  local results = kube:all(calls)
  equal({ results[1], results[5] }, { "w1", "w5" })
  table.sort(lines)
  equal(lines[1] .. ", " .. lines[2], "1 it is halfway, 1 it is new")
  equal(#lines, 10)
end

function cases.wait_for_what_comes_and_goes(kube, own)
  local words, seen = {}, false
  local function line(text) words[#words + 1] = text end
  kube:all {
    function()
      kube:wait { apiVersion = "v1", kind = "ConfigMap", namespace = own, name = "x", within = 90, line = line, check = function(object)
        return object ~= nil, "absent"
      end }
      seen = true
      kube:until_gone { apiVersion = "v1", kind = "ConfigMap", namespace = own, name = "x", within = 90, line = line }
    end,
    function()
      until_true(kube, function() return words[1] end, "waiting")
      kube:create(config_map(own, "x"))
      until_true(kube, function() return seen and words[2] end, "waiting for its end")
      kube:delete("v1", "ConfigMap", own, "x", { propagation = "Background" })
    end,
  }
  equal(words, { "absent", "there" })
end

function cases.wait_in_vain(kube, own)
  local text = failure(function()
    kube:wait { apiVersion = "v1", kind = "ConfigMap", namespace = own, name = "never", within = 0.5, check = function() return nil, "still absent" end }
  end)
  truth(text:find("ConfigMap " .. own .. "/never: not done within 0 s: still absent", 1, true) or text:find("not done within 1 s: still absent", 1, true), text)
  text = failure(function()
    kube:wait { apiVersion = "v1", kind = "ConfigMap", namespace = own, name = "never", within = 90, check = function() fail("it never will", "give up") end }
  end)
  truth(text:find("it never will", 1, true), text)
end

-- The resource -------------------------------------------------------------------------------------------------------------------------------

local case = resource "kube_case" {
  on = "api", provider = "kube",
  doc = "A case of the suite.",
  schema = { prefix = { "string", required = true, doc = "what its namespace begins with" } },
  list = function() return {} end,
  create = function(kube, r)
    local own = r.prefix .. "-" .. r._name:gsub("_", "-")
    kube:apply { apiVersion = "v1", kind = "Namespace", metadata = { name = own } }
    cases[r._name](kube, own)
    kube:delete("v1", "Namespace", nil, own)
  end,
}

return { case = case, cases = cases }
