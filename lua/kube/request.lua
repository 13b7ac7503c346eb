--- One call to the API server: sent with our credentials, tried again where that is right.
local errors = require "kube/errors"
local retry = require "kube/retry"

local request = {}

local TIMEOUT = 60
local MAX_BODY = 64 << 20

--- path?name=value&... with the names in order.
function request.url(server, path, query)
  local parts = {}
  for name, value in pairs(query or {}) do
    if value ~= nil and value ~= false then parts[#parts + 1] = core.uri_escape(name) .. "=" .. core.uri_escape(value == true and "true" or tostring(value)) end
  end
  return server .. path .. (#parts > 0 and "?" .. table.concat(parts, "&") or "")
end

--- The options of io.http.
local function options_of(ctx, call, found)
  local headers = { Accept = call.accept or "application/json" }
  for name, value in pairs(call.headers or {}) do headers[name] = value end
  if call.body ~= nil then headers["Content-Type"] = call.content_type or "application/json" end
  headers.Authorization = found.authorization
  local cluster = ctx.cluster
  return {
    method = call.method,
    url = request.url(cluster.url, call.path, call.query),
    headers = headers,
    body = call.body,
    timeout = call.timeout or TIMEOUT,
    max_body = call.max_body or MAX_BODY,
    ca = cluster.ca,
    cert = found.cert,
    key = found.key,
    server_name = cluster.server_name,
    proxy = cluster.proxy,
    tunnel = ctx.tunnel,
    multiplex = true,
    stream = call.stream,
  }
end

local function attempt(ctx, call)
  local found = ctx.credentials.get()
  local response = ctx.io.http(options_of(ctx, call, found))
  if response.error then return nil, errors.of_transport(call, response, ctx.cluster.url) end
  ctx.answered = true
  if response.status >= 200 and response.status < 300 or response.status == 304 then return response end
  local err = errors.of_answer(call, response)
  if err.status == 401 then ctx.credentials.forget(found) end
  return nil, err
end

--- @param ctx table { io, cluster, credentials, tunnel, answered }
--- @param call table { method, path, query, body, headers, accept, content_type, timeout, max_body, safe, verb, resource, group, namespace, name }
--- @return table|nil response
--- @return table|nil error
function request.send(ctx, call)
  local started, tries, renewed = ctx.io.now(), 0, false
  call.method = call.method or "GET"
  if call.safe == nil then call.safe = call.method == "GET" or call.method == "HEAD" end
  while true do
    local response, err = attempt(ctx, call)
    if response then return response end
    tries = tries + 1
    local pause
    if err.class == "unauthorized" and ctx.credentials.renews and not renewed then
      renewed, pause = true, 0
    else
      pause = retry.after(call, err, tries, ctx.io.now() - started, ctx.io.random(), ctx.answered)
    end
    if not pause then return nil, err end
    if pause > 0 then ctx.io.sleep(pause) end
  end
end

--- A stream of lines, tried once; who reads it sees how it went.
function request.stream(ctx, call)
  call.stream, call.method = true, "GET"
  return ctx.io.http(options_of(ctx, call, ctx.credentials.get()))
end

return request
