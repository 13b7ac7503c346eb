--- REST with XML: Route 53 and S3. The method and the path are the action.
local answer = require "aws/provider/answer"
local flatten = require "aws/provider/flatten"
local pages = require "aws/provider/pages"
local perform = require "aws/provider/perform"
local service = require "aws/provider/service"
local throttle = require "aws/provider/throttle"

local rest = {}

local MORE = { path = true, query = true, body = true, headers = true, raw = true, action = true }

local function path_escape(path)
  return (path:gsub("[^/]+", core.uri_escape))
end

local function send(self, method, url, action, options)
  local headers = {}
  for name, value in pairs(options.headers or {}) do headers[name] = value end
  if options.body and not headers["Content-Type"] then headers["Content-Type"] = "application/xml" end
  local reads = method == "GET" or method == "HEAD" or throttle.reads(action)
  local call = service.request(self, {
    action = action,
    method = method,
    url = url .. flatten.query(options.query),
    headers = headers,
    body = options.body,
    read_error = answer.xml_error,
    safe = reads or method == "PUT" or perform.is_safe(action, nil, options),
    changes = not reads,
  })
  local response, err = perform.call(self._ctx, call, options)
  if not response then return nil, err end
  if response.gone then return {}, nil, {} end
  if options.raw or response.body == "" then return options.raw and response.body or {}, nil, response.headers end
  return answer.xml(response, options.lists, call), nil, response.headers
end

--- Adds `request`, which raises what `try` gives.
local function with_request(own)
  own = service.extend(own)
  own.request = own.call
  own.call = nil
  return own
end

--- Route 53: try("GET", "/2013-04-01/hostedzone", { query =, body =, headers =, lists =, action = "ListHostedZones", raw = })
rest.route53 = with_request {
  --- @return table|string|nil content of the response's element
  --- @return table|nil error
  --- @return table|nil headers
  try = function(self, method, path, options)
    options = perform.check(options, MORE)
    return send(self, method, self._endpoint.url .. path_escape(path), options.action or method .. " " .. path, options)
  end,
}

--- Where the next page starts, as a query; nil after the last.
local function next_page(result)
  if result.IsTruncated ~= "true" then return nil end
  if result.NextRecordName then return { name = result.NextRecordName, type = result.NextRecordType, identifier = result.NextRecordIdentifier } end
  if result.NextMarker then return { marker = result.NextMarker } end
  if result.NextDNSName then return { dnsname = result.NextDNSName, hostedzoneid = result.NextHostedZoneId } end
  return nil
end

--- The items of all pages as one list. options.lists names the elements of lists.
--- @return table|nil items
--- @return table|nil error
function rest.route53:try_pages(path, list_name, options)
  local function ask(asked)
    local own = {}
    for key, value in pairs(options or {}) do own[key] = value end
    own.query = asked
    return self:try("GET", path, own)
  end
  return pages("aws route53 " .. (options and options.action or path), ask, options and options.query, list_name, next_page)
end

function rest.route53:pages(...)
  local all, err = self:try_pages(...)
  return all or self:raise(err)
end

--- https://BUCKET.s3.REGION.amazonaws.com; a bucket with a dot in its name matches no certificate that way, nor does it on another's endpoint.
local function bucket_url(endpoint, bucket)
  local scheme, host = endpoint.url:match("^(https?://)(.*)$")
  if endpoint.custom or bucket:find(".", 1, true) then return ("%s%s/%s"):format(scheme, host, core.uri_escape(bucket)) end
  return ("%s%s.%s"):format(scheme, bucket, host)
end

--- S3: try("PUT", "bucket", { path = "/", query = { versioning = "" }, body = xml, action = "PutBucketVersioning" }); bucket "" is the service.
rest.s3 = with_request {
  try = function(self, method, bucket, options)
    options = perform.check(options, MORE)
    local url = bucket == "" and self._endpoint.url or bucket_url(self._endpoint, bucket)
    local path = options.path or "/"
    return send(self, method, url .. path_escape(path), options.action or ("%s %s%s"):format(method, bucket, path), options)
  end,
}

return rest
