--- The JSON 1.1 protocol: ACM, SSM. The parameters are the body, X-Amz-Target names the action.
local answer = require "aws/provider/answer"
local perform = require "aws/provider/perform"
local service = require "aws/provider/service"
local throttle = require "aws/provider/throttle"

local jsonrpc = service.extend {}

local TARGETS = { acm = "CertificateManager", ssm = "AmazonSSM" }
local MAX_PAGES = 10000

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

--- The items of all pages as one list.
function jsonrpc:pages(action, params, list_name, options)
  local all, token = {}, nil
  for _ = 1, MAX_PAGES do
    local asked = { NextToken = token }
    for key, value in pairs(params or {}) do asked[key] = value end
    local result = self:call(action, asked, options)
    for _, item in ipairs(answer.list(result[list_name])) do all[#all + 1] = item end
    if type(result.NextToken) ~= "string" or result.NextToken == "" then return all end
    if result.NextToken == token then fail(("aws %s %s: the same page comes again and again"):format(self._endpoint.service, action)) end
    token = result.NextToken
  end
  return fail(("aws %s %s: more than %d pages"):format(self._endpoint.service, action, MAX_PAGES))
end

return jsonrpc
