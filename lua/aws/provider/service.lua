--- What every service of the client has: `call` raises what `try` gives.
local errors = require "aws/provider/errors"

local service = {}

--- @param own table with `try`; gets `call`, `raise`
function service.extend(own)
  own.__index = own

  function own:raise(err) return errors.raise(err, self._ctx, self._address) end

  function own:call(...)
    local result, err, more = self:try(...)
    if result == nil then return self:raise(err) end
    return result, more or err
  end

  return own
end

--- The service for one client; `address` is of the resource that acts, for errors.
function service.bind(own, ctx, endpoint, address)
  return setmetatable({ _ctx = ctx, _endpoint = endpoint, _address = address }, own)
end

--- What all calls to an endpoint share.
function service.request(self, fields)
  local ctx, endpoint = self._ctx, self._endpoint
  fields.service = endpoint.service
  fields.sign = { service = endpoint.signing, region = endpoint.region, s3 = endpoint.service == "s3" }
  fields.keys = ctx.keys
  fields.throttle = ctx.throttles(endpoint)
  return fields
end

return service
