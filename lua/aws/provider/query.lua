--- The Query protocol: EC2 (its own flavour), IAM, ELBv2, STS. A form goes out, XML comes back.
local answer = require "aws/provider/answer"
local flatten = require "aws/provider/flatten"
local pages = require "aws/provider/pages"
local perform = require "aws/provider/perform"
local service = require "aws/provider/service"
local throttle = require "aws/provider/throttle"

local query = service.extend {}

local VERSIONS = { ec2 = "2016-11-15", iam = "2010-05-08", elbv2 = "2015-12-01", sts = "2011-06-15" }
local IDS_A_CALL = 200 -- values of one filter
local AT_ONCE = 8 -- such calls

--- The call as `send` takes it. `keys` false: unsigned.
function query.request(self, action, params, options)
  local name = self._endpoint.service
  local safe = perform.is_safe(action, params, options)
  local list = flatten.pairs(params, name == "ec2")
  table.insert(list, 1, { "Action", action })
  table.insert(list, 2, { "Version", VERSIONS[name] })
  return service.request(self, {
    action = action,
    params = params,
    method = "POST",
    url = self._endpoint.url .. "/",
    headers = { ["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8" },
    body = flatten.form(list),
    read_error = answer.xml_error,
    safe = safe,
    changes = not throttle.reads(action) and name ~= "sts",
  })
end

--- @return table|nil result of EC2 the response's content, of the others the XResult's
--- @return table|nil error { code, message, status, request_id, action, service }
function query:try(action, params, options)
  options = perform.check(options)
  local call = query.request(self, action, params, options)
  local response, err = perform.call(self._ctx, call, options)
  if not response then return nil, err end
  if response.gone then return {} end
  local root = answer.xml(response, options.lists, call)
  if self._endpoint.service == "ec2" then return root end
  local result = root[action .. "Result"]
  return type(result) == "table" and result or {}
end

--- Where the next page starts, as parameters; nil after the last.
local function next_page(result)
  local function text(value) return type(value) == "string" and value ~= "" and value or nil end
  if text(result.nextToken) then return { NextToken = result.nextToken } end
  if text(result.NextToken) then return { NextToken = result.NextToken } end
  if result.IsTruncated == "true" and text(result.Marker) then return { Marker = result.Marker } end
  if text(result.NextMarker) then return { Marker = result.NextMarker } end
  return nil
end

--- The items of all pages as one list.
--- @return table|nil items
--- @return table|nil error
function query:try_pages(action, params, list_name, options)
  return pages(("aws %s %s"):format(self._endpoint.service, action), function(asked) return self:try(action, asked, options) end, params, list_name, next_page)
end

function query:pages(...)
  local all, err = self:try_pages(...)
  return all or self:raise(err)
end

--- The same for things with these ids, asked for by a filter, so that ids that are not there do no harm. No ids, no call.
function query:by_ids(action, filter_name, ids, list_name, params)
  local seen, wanted, chunks, all = {}, {}, {}, {}
  for _, id in ipairs(ids) do
    if not seen[id] then wanted[#wanted + 1] = id end
    seen[id] = true
  end
  for from = 1, #wanted, IDS_A_CALL do
    local asked, filters = {}, {}
    for key, value in pairs(params or {}) do asked[key] = value end
    for i, filter in ipairs(asked.Filter or {}) do filters[i] = filter end
    filters[#filters + 1] = { Name = filter_name, Value = table.move(wanted, from, math.min(from + IDS_A_CALL - 1, #wanted), 1, {}) }
    asked.Filter = filters
    chunks[#chunks + 1] = function() return self:pages(action, asked, list_name) end
  end
  if #chunks == 1 then return chunks[1]() end
  for _, chunk in ipairs(self._ctx.io.all(chunks, AT_ONCE)) do table.move(chunk, 1, #chunk, #all + 1, all) end
  return all
end

return query
