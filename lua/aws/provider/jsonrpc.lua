--- The JSON 1.1 protocol: ACM, SSM. The parameters are the body, X-Amz-Target names the action.
local answer = require "aws/provider/answer"
local pages = require "aws/provider/pages"
local perform = require "aws/provider/perform"
local service = require "aws/provider/service"
local throttle = require "aws/provider/throttle"

local jsonrpc = service.extend {}

local TARGETS = { acm = "CertificateManager", ssm = "AmazonSSM" }

function jsonrpc:try(action, params, options)
  options = perform.check(options)
  local call = service.request(self, {
    action = action,
    params = params,
    method = "POST",
    url = self._endpoint.url .. "/",
    headers = { ["Content-Type"] = "application/x-amz-json-1.1", ["X-Amz-Target"] = TARGETS[self._endpoint.service] .. "." .. action },
    body = json.encode(params and next(params) ~= nil and params or {}),
    read_error = answer.json_error,
    safe = perform.is_safe(action, params, options),
    changes = not throttle.reads(action),
  })
  local response, err = perform.call(self._ctx, call, options)
  if not response then return nil, err end
  if response.gone then return {} end
  return answer.json(response, call)
end

local function next_page(result)
  return type(result.NextToken) == "string" and result.NextToken ~= "" and { NextToken = result.NextToken } or nil
end

--- The items of all pages as one list.
function jsonrpc:pages(action, params, list_name, options)
  local what = ("aws %s %s"):format(self._endpoint.service, action)
  local all, err = pages(what, function(asked) return self:try(action, asked, options) end, params, list_name, next_page)
  return all or self:raise(err)
end

return jsonrpc
