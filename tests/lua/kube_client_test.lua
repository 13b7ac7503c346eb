-- The client of clusters without a network: an io whose clock only sleeping moves, and whose answers a test writes.
require "kube"
local config = require "kube/config"
local errors = require "kube/errors"
local new_client = require "kube/client"
local request = require "kube/request"
local retry = require "kube/retry"

local CA = base64.encode "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
local KUBECONFIG = ([[
apiVersion: v1
kind: Config
current-context: one
clusters: [{ name: c, cluster: { server: "https://10.0.0.1:6443/", certificate-authority-data: %s } }]
contexts: [{ name: one, context: { cluster: c, user: u, namespace: team } }, { name: two, context: { cluster: c, user: v } }]
users: [{ name: u, user: { token: not-to-be-seen } }, { name: v, user: { client-certificate-data: %s, client-key-data: %s } }]
]]):format(CA, CA, CA)

local function fake(answer)
  local io = { time = 1000, requests = {}, slept = {} }
  function io.now() return io.time end
  function io.random() return 0.5 end
  function io.sleep(seconds)
    io.slept[#io.slept + 1] = seconds
    io.time = io.time + seconds
  end
  function io.event() return { wait = function() error("nobody would set it", 0) end, set = function() end } end
  function io.env() return nil end
  function io.read_file() return nil end
  function io.all(functions)
    local results = {}
    for i, fn in ipairs(functions) do results[i] = fn() end
    return results
  end
  function io.http(options)
    io.requests[#io.requests + 1] = options
    local response = answer(options, #io.requests)
    response.headers = response.headers or { ["content-type"] = "application/json" }
    return response
  end
  return io
end

local function status(code, reason, message, details, headers)
  return { status = code, headers = headers or {}, body = json.encode { kind = "Status", reason = reason, message = message, details = details, code = code } }
end

local DISCOVERY = { ["content-type"] = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", etag = '"1"' }
local function discovered(path)
  local function resource(kind, plural, scope)
    return { resource = plural, scope = scope, responseKind = { kind = kind }, verbs = { "get", "list", "patch" } }
  end
  local items = path:find("/apis", 1, true) and { { metadata = { name = "apps" }, versions = { { version = "v1", freshness = "Current",
    resources = { resource("Deployment", "deployments", "Namespaced") } } } },
    { metadata = { name = "metrics.k8s.io" }, versions = { { version = "v1beta1", freshness = "Stale", resources = slipway.list {} } } } }
    or { { metadata = {}, versions = { { version = "v1",
      resources = { resource("ConfigMap", "configmaps", "Namespaced"), resource("Node", "nodes", "Cluster") } } } } }
  return { status = 200, headers = DISCOVERY, body = json.encode { kind = "APIGroupDiscoveryList", items = items } }
end

--- A client of a server that has these kinds; `answer` is for the rest.
local function client(answer, given)
  local io = fake(function(options, n)
    local path = options.url:match("^https://[^/]+([^?]*)")
    if path == "/api" or path == "/apis" then
      if options.headers["If-None-Match"] == '"1"' then return { status = 304 } end
      return discovered(path)
    end
    if path == "/version" then return { status = 200, body = '{"major":"1","minor":"36+","gitVersion":"v1.36.2"}' } end
    return answer(options, n)
  end)
  given = given or { kubeconfig = secret(KUBECONFIG) }
  return new_client(given, io), io
end

-- kubeconfigs
local loaded = config.load(fake(), { kubeconfig = secret(KUBECONFIG), context = "two" })
equal(loaded.cluster.url, "https://10.0.0.1:6443")
equal({ loaded.cluster.host, loaded.cluster.port, loaded.user.name }, { "10.0.0.1", 6443, "v" })
equal(config.load(fake(), { kubeconfig = KUBECONFIG }).namespace, "team")
raises(function() config.load(fake(), { kubeconfig = KUBECONFIG, context = "three" }) end, "no context 'three'")
raises(function() config.load(fake(), {}) end, "there is no kubeconfig '~/.kube/config'")
raises(function() config.check { kubeconfig = "x", path = "y" } end, "not both")
raises(function() config.check { contxt = "x" } end, "no setting of the provider 'kube' 'contxt'")

-- URLs
equal(request.url("https://x", "/api", { b = "a=1,c in (d)", a = true, z = 3 }), "https://x/api?a=true&b=a%3D1%2Cc%20in%20%28d%29&z=3")
equal(request.url("https://x", "/api"), "https://x/api")

-- Pauses
check(retry.pause(1, 0) < retry.pause(6, 0) and retry.pause(50, 1) <= 5, "pauses grow up to a limit")
equal(retry.pause(1, 0, 7), 7)
equal(retry.pause(1, 0, 7000), 60)
equal(retry.after({ safe = true }, { class = "invalid" }, 1, 0, 0, true), nil)
local lost = { class = "busy", transport = "unreachable", sent = true }
equal(retry.after({ safe = false }, lost, 1, 0, 0, true), nil)
equal(lost.lost, true)
check(retry.after({ safe = false }, { class = "busy", transport = "unreachable", sent = false }, 1, 0, 0, true), "what was not sent is sent again")
check(retry.after({ safe = true }, { class = "busy", transport = "unreachable" }, 9, 100, 0, true), "a server that was there before is waited for")
equal(retry.after({ safe = true }, { class = "busy", transport = "unreachable" }, 9, 100, 0, false), nil)
equal(retry.after({ safe = true }, { class = "forbidden", starting = true }, 9, 11, 0, true), nil)

-- What refusals mean
local CALL = { verb = "patch", resource = "configmaps", namespace = "a", name = "b" }
local function class(...) return errors.of_answer(CALL, status(...)).class end
equal(class(404, "NotFound", 'configmaps "b" not found', { name = "b", kind = "configmaps" }), "missing")
equal(class(404, "NotFound", 'namespaces "a" not found', { name = "a", kind = "namespaces" }), "namespace")
equal(class(404, "NotFound", "the server could not find the requested resource", {}), "kind")
equal(errors.of_answer(CALL, { status = 404, headers = {}, body = "404 page not found\n" }).class, "kind")
equal(class(409, "AlreadyExists", "x"), "exists")
equal(class(409, "Conflict", "x"), "conflict")
equal(class(409, "Conflict", "x", { causes = { { reason = "FieldManagerConflict", message = "" } } }), "owners")
equal(class(403, "Forbidden", "x", { causes = { { reason = "NamespaceTerminating" } } }), "namespace")
equal(class(403, "Forbidden", 'admission webhook "x" denied the request: no'), "invalid")
equal(class(500, "InternalError", 'Internal error occurred: failed calling webhook "x": refused'), "webhook")
equal(class(500, nil, "failed to create typed patch object: .x: field not declared in schema"), "invalid")
equal(class(500, nil, "etcdserver: leader changed"), "busy")
equal(class(500, nil, "x"), "answer")
for code, word in pairs { [400] = "invalid", [401] = "unauthorized", [403] = "forbidden", [410] = "gone", [422] = "invalid", [429] = "busy",
  [503] = "busy", [504] = "busy" } do
  equal(class(code, nil, "x"), word)
end
local owners = errors.of_answer(CALL, status(409, "Conflict", "Apply failed", { causes = {
  { reason = "FieldManagerConflict", message = 'conflict with "kubectl" using apps/v1', field = ".spec.replicas" },
  { reason = "FieldManagerConflict", message = 'conflict with "hpa" with subresource "scale" using apps/v1', field = ".spec.replicas" } } }))
equal(errors.conflicts(owners), { { manager = "kubectl", field = ".spec.replicas" }, { manager = "hpa", field = ".spec.replicas", subresource = "scale" } })
equal(errors.message(errors.of_answer(CALL, status(422, "Invalid", "it is wrong.", { causes = { { field = "spec.x", message = "Required value" } } }))),
  "kubernetes: patch configmaps a/b: Invalid: it is wrong; spec.x: Required value")

-- Requests
local kube, io = client(function() return { status = 200, body = '{"metadata":{"name":"a"},"data":{"x":"1"}}' } end)
equal(kube:get("v1", "ConfigMap", "team", "a").data, { x = "1" })
local sent = io.requests[#io.requests]
equal(sent.url, "https://10.0.0.1:6443/api/v1/namespaces/team/configmaps/a")
equal(slipway.is_secret(sent.headers.Authorization), true)
equal({ sent.multiplex, sent.ca }, { true, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n" })
equal(kube:get("v1", "Secret", "team", "a"), nil)
equal(#kube:kinds(), 3)
kube:rediscover()
equal(#kube:kinds(), 3)
equal(#io.requests, 5, "discovery is two calls, each time")
raises(function() kube:apply { apiVersion = "metrics.k8s.io/v1beta1", kind = "NodeMetrics", metadata = { name = "a" } } end, "does not answer")
raises(function() kube:get("v1", "ConfigMap", "team", "a", { metdata = true }) end, "kube:get has no option 'metdata'")

kube, io = client(function(options)
  return options.url:find("/nodes/") and { status = 200, body = "{}" } or status(429, "TooManyRequests", "slower", {}, { ["retry-after"] = "3" })
end)
kube:apply { apiVersion = "v1", kind = "Node", metadata = { name = "n1" }, spec = {} }
sent = io.requests[#io.requests]
equal({ sent.method, sent.url }, { "PATCH", "https://10.0.0.1:6443/api/v1/nodes/n1?fieldManager=slipway&fieldValidation=Strict&force=false" })
equal(sent.headers["Content-Type"], "application/apply-patch+yaml")
local _, err = kube:get("v1", "ConfigMap", "team", "a", { try = true })
equal({ err.class, io.slept[1] }, { "busy", 3 })
check(err.note:find("tries in 1%d%d s"), err.note)

-- A server of before 1.25 is not told how to check fields
kube, io = client(function() return { status = 200, body = "{}" } end)
kube.has_field_validation = function() return false end
kube:apply { apiVersion = "v1", kind = "Node", metadata = { name = "n1" } }
equal(io.requests[#io.requests].url, "https://10.0.0.1:6443/api/v1/nodes/n1?fieldManager=slipway&force=false")
