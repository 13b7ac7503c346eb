-- Objects of a cluster without a cluster: which fields are ours, what a manifest declares, what counts as ready.
local fields, kinds, names, ready, manifest = require "kube/fields", require "kube/kinds", require "kube/names", require "kube/ready", require "kube/manifest"

local function same(got, wanted, what)
  equal(json.encode(got), json.encode(wanted), what)
end

local deployment = yaml.decode [[
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop, labels: { app: web } }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - name: web
          image: web:1
          args: [a, b]
          ports: [{ containerPort: 80 }]
          resources: { limits: { cpu: 1000m } }
]]

local owned = json.decode [[
{"f:metadata": {"f:labels": {"f:app": {}}},
 "f:spec": {"f:replicas": {}, "f:selector": {},
   "f:template": {"f:metadata": {"f:labels": {"f:app": {}}},
     "f:spec": {"f:containers": {"k:{\"name\":\"web\"}": {".": {}, "f:name": {}, "f:image": {}, "f:args": {},
        "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}},
        "f:resources": {"f:limits": {"f:cpu": {}}}}}}}}}
]]

-- The object as the server gives it back: with defaults, with what others added.
local function live(change)
  local object = json.decode(json.encode(deployment))
  object.metadata.uid, object.metadata.generation = "u1", 3
  object.metadata.labels.theirs = "x"
  object.spec.strategy = { type = "RollingUpdate" }
  object.spec.template.spec.containers[1].ports[1].protocol = "TCP"
  table.insert(object.spec.template.spec.containers, { name = "sidecar", image = "proxy:1" })
  object.metadata.managedFields = slipway.list {
    { manager = "slipway", operation = "Apply", apiVersion = "apps/v1", fieldsV1 = json.decode(json.encode(owned)) },
    { manager = "kube-controller-manager", operation = "Update", apiVersion = "apps/v1", fieldsV1 = {} },
  }
  if change then change(object) end
  return object
end

-- unchanged

check(fields.unchanged(deployment, live()), "what we own is as wanted, whatever others add")
check(not fields.unchanged(deployment, live(function(o) o.spec.replicas = 3 end)), "a value changed")
check(not fields.unchanged(deployment, live(function(o) o.spec.template.spec.containers[1].args[2] = "c" end)), "a list as a whole changed")
check(not fields.unchanged(deployment, live(function(o) o.spec.template.spec.containers[1].image = nil end)), "a value is gone")
check(not fields.unchanged(deployment, live(function(o) table.remove(o.spec.template.spec.containers, 1) end)), "an element is gone")
check(not fields.unchanged(deployment, live(function(o)
  o.metadata.managedFields[1].fieldsV1["f:spec"]["f:paused"] = {}
end)), "a field that is not wanted any more")
check(not fields.unchanged(deployment, live(function(o)
  o.metadata.managedFields[1].fieldsV1["f:spec"]["f:replicas"] = nil
end)), "a field that is not ours yet")
check(not fields.unchanged(deployment, live(function(o) o.metadata.managedFields[1].apiVersion = "apps/v1beta1" end)), "another version's fields")
check(not fields.unchanged(deployment, live(function(o) o.metadata.managedFields = nil end)), "nothing is ours")
check(not fields.unchanged(deployment, live(function(o)
  o.spec.template.spec.containers[1].resources.limits.cpu = "1"
end)), "written differently: only the server knows")

local bare = { apiVersion = "v1", kind = "ConfigMap", metadata = { name = "c", namespace = "n" }, data = { a = "1" } }
check(fields.unchanged(bare, { apiVersion = "v1", kind = "ConfigMap", metadata = { name = "c", namespace = "n", managedFields = slipway.list {
  { manager = "slipway", operation = "Apply", apiVersion = "v1", fieldsV1 = { ["f:data"] = { ["f:a"] = {} } } } } }, data = { a = "1" } }),
  "no metadata of its own")

local space = { apiVersion = "v1", kind = "Namespace", metadata = { name = "n" } }
local there = { apiVersion = "v1", kind = "Namespace", metadata = { name = "n", uid = "u", managedFields = slipway.list {
  { manager = "slipway", operation = "Apply", apiVersion = "v1" } } }, status = { phase = "Active" } }
check(fields.unchanged(space, there), "an object that says nothing but who it is")
same(fields.have(space, there, there), space)

local defaults = require "kube/defaults"
local service = { apiVersion = "v1", kind = "Service", spec = { ports = { { port = 80 }, { port = 53, protocol = "UDP" } } } }
equal(defaults.fill(service).spec.ports[1].protocol, "TCP")
equal(defaults.fill({ apiVersion = "batch/v1", kind = "CronJob", spec = { jobTemplate = { spec = { template = { spec = {
  containers = { { name = "a", ports = { { containerPort = 1 } } } } } } } } } }).spec.jobTemplate.spec.template.spec.containers[1].ports[1].protocol, "TCP")

-- have

local function after(change)
  return live(function(o)
    if change then change(o) end
  end)
end
same(fields.have(deployment, live(), after()), deployment, "the dry run changes nothing")
same(fields.have(deployment, live(function(o) o.spec.template.spec.containers[1].resources.limits.cpu = "1" end),
  after(function(o) o.spec.template.spec.containers[1].resources.limits.cpu = "1" end)), deployment, "written differently, the same")
local have = fields.have(deployment, live(function(o) o.spec.replicas = 5 end), after())
equal(have.spec.replicas, 5)
have.spec.replicas = 2
same(have, deployment, "one field differs")
have = fields.have(deployment, live(function(o)
  o.metadata.managedFields[1].fieldsV1["f:spec"]["f:paused"] = {}
  o.spec.paused = true
end), after())
equal(have.spec.paused, true, "a field of ours that is not wanted any more shows")
have = fields.have(deployment, live(function(o) table.remove(o.spec.template.spec.containers, 1) end), after())
equal(#have.spec.template.spec.containers, 0, "a missing element is missing")

have = fields.have(deployment, live(), after(function(o) o.metadata.managedFields[1].fieldsV1["f:metadata"] = nil end))
equal(have.metadata.labels.app, "web", "labels that are ours no more are there still")
local moved = json.decode(json.encode(deployment))
moved.spec.template.spec.containers[1].env = slipway.list { { name = "B", value = "2" }, { name = "A", value = "1" } }
local function with_env(o)
  o.spec.template.spec.containers[1].env = slipway.list { { name = "A", value = "1" }, { name = "B", value = "2" } }
  o.metadata.managedFields[1].fieldsV1["f:spec"]["f:template"]["f:spec"]["f:containers"]['k:{"name":"web"}']["f:env"] = json.decode(
    [[{"k:{\"name\":\"A\"}": {".": {}, "f:name": {}, "f:value": {}}, "k:{\"name\":\"B\"}": {".": {}, "f:name": {}, "f:value": {}}}]])
end
check(not fields.unchanged(moved, live(with_env)), "the order of a keyed list: ask")
same(fields.have(moved, live(with_env), live(with_env)), moved, "a server that keeps its order")

-- keys that are left out have their defaults, and the one that says its own is not taken for another

local ports = { apiVersion = "v1", kind = "Service", metadata = { name = "s" }, spec = { ports = slipway.list {
  { port = 53, name = "a" }, { port = 53, protocol = "SCTP", name = "b" } } } }
local ported = json.decode(json.encode(ports))
ported.spec.ports[1].protocol = "TCP"
ported.metadata.managedFields = slipway.list { { manager = "slipway", operation = "Apply", apiVersion = "v1", fieldsV1 = json.decode(
  [[{"f:spec": {"f:ports": {"k:{\"port\":53,\"protocol\":\"SCTP\"}": {".": {}, "f:port": {}, "f:protocol": {}, "f:name": {}},
    "k:{\"port\":53,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}, "f:name": {}}}}}]]) } }
check(fields.unchanged(ports, ported), "keyed by what is left out")
same(fields.have(ports, ported, ported), ports)

-- has: the paths of the API's errors

for path, wanted in pairs {
  [".spec.replicas"] = true, [".spec.paused"] = false, ['.spec.template.spec.containers[name="web"].image'] = true,
  ['.spec.template.spec.containers[name="web"].ports[containerPort=80,protocol="TCP"].containerPort'] = true,
  ['.spec.template.spec.containers[name="other"].image'] = false, [".metadata.labels.app"] = true, [".spec.template.spec.containers"] = true,
} do
  equal(fields.has(deployment, path), wanted, path)
end
check(fields.has({ metadata = { annotations = { ["a.b/c.d"] = "1" }, finalizers = slipway.list { "x/y" } } }, ".metadata.annotations.a.b/c.d"), "dots")
check(fields.has({ metadata = { finalizers = slipway.list { "x/y" } } }, '.metadata.finalizers[="x/y"]'), "a set")

-- clean

local widget = "{apiVersion: v1, kind: X, metadata: {name: a, creationTimestamp: null, labels: {}}, spec: {a: null, b: {}, c: []}, status: {x: 1}}"
same(fields.clean(yaml.decode(widget)),
  yaml.decode "{apiVersion: v1, kind: X, metadata: {name: a, labels: {}}, spec: {b: {}, c: []}}")

-- manifests

local text = [[
# a comment only
---
apiVersion: example.org/v1
kind: Widget
metadata: { name: one }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec: {}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: reader, namespace: ignored }
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: widgets.example.org }
spec: { group: example.org, names: { kind: Widget }, scope: Cluster }
---
apiVersion: v1
kind: List
items:
  - { apiVersion: v1, kind: ConfigMap, metadata: { name: a, namespace: own } }
  - { apiVersion: v1, kind: ConfigMap, metadata: { name: b } }
]]
local list = manifest.objects({ { text = text, where = "m.yaml" } }, { namespace = "shop", create_namespace = true })
local shown, waves = {}, {}
for i, object in ipairs(list) do
  shown[i] = names.of("m", object)
  waves[i] = kinds.wave(object)
end
same(shown, slipway.list { "m:Namespace:shop", "m:Widget.example.org:one", "m:Deployment:shop/web", "m:ClusterRole:reader",
  "m:CustomResourceDefinition:widgets.example.org",
  "m:ConfigMap:own/a", "m:ConfigMap:shop/b" })
same(waves, slipway.list { 1, 5, 3, 2, 1, 2, 2 })

local function broken(document, words)
  raises(function() manifest.objects({ { text = document, where = "m.yaml" } }, {}) end, words)
end
broken("a: 1", "m.yaml, document 1, apiVersion: a text wanted")
broken("---\n{apiVersion: v1, kind: A, metadata: {name: x}}\n---\n{apiVersion: v1, kind: A}", "m.yaml, document 2, metadata.name")
broken("{apiVersion: v1, kind: List, items: [{apiVersion: v1}]}", "items%[0%].kind")
broken("{apiVersion: v1, kind: A, metadata: {name: x}}\n---\n{apiVersion: v1, kind: A, metadata: {name: x}}", "is there already %(m.yaml, document 1%)")
broken("[1]", "document 1, apiVersion")
broken("just a text", "an object wanted, not a string")
broken("a: [", "m.yaml")

-- ready

local function is(object, wanted, words)
  local done, said = ready.of(object)
  equal(done, wanted, said)
  if words then check(said:find(words), said) end
end
local function rollout(status, spec) return { apiVersion = "apps/v1", kind = "Deployment", metadata = { generation = 2 }, spec = spec or
  { replicas = 2 }, status = status } end
is(rollout(nil), false, "controller")
is(rollout { observedGeneration = 1, updatedReplicas = 2, replicas = 2, availableReplicas = 2 }, false, "controller")
is(rollout { observedGeneration = 2, updatedReplicas = 2, replicas = 3, availableReplicas = 2 }, false)
is(rollout { observedGeneration = 2, updatedReplicas = 2, replicas = 2, availableReplicas = 1 }, false, "1 of 2")
is(rollout { observedGeneration = 2, updatedReplicas = 2, replicas = 2, availableReplicas = 2 }, true)
local done, _, failed = ready.of(rollout { observedGeneration = 2, conditions = slipway.list { { type = "Progressing", status = "False",
  reason = "ProgressDeadlineExceeded" } } })
check(not done and failed, "no progress is a failure")
is({ apiVersion = "apps/v1", kind = "DaemonSet", metadata = {}, spec = {}, status = { observedGeneration = 1, desiredNumberScheduled = 0 } }, false, "no node")
is({ apiVersion = "v1", kind = "Service", metadata = {}, spec = { type = "ClusterIP" } }, true)
is({ apiVersion = "v1", kind = "Service", metadata = {}, spec = { type = "LoadBalancer" }, status = { loadBalancer = {} } }, false)
is({ apiVersion = "argoproj.io/v1alpha1", kind = "Application", metadata = {}, status = { health = { status = "Healthy" } } }, false, "first comparison")
is({ apiVersion = "argoproj.io/v1alpha1", kind = "Application", metadata = {}, status = { reconciledAt = "x", sync = { status = "Synced" },
  health = { status = "Healthy" } } }, true)
check(not ready.knows { apiVersion = "serving.knative.dev/v1", kind = "Service" }, "another group's Service is another kind")
