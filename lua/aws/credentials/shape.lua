--- What every source gives: { key, secret, token (secrets), expires (epoch seconds or nil), source (for people) }.
local clock = require "aws/provider/clock"

local shape = {}

local function hidden(value)
  if value == nil or value == "" then return nil end
  if slipway.is_secret(value) then return value end
  return secret(value)
end

--- @param expires string|number|nil a date (RFC 3339) or epoch seconds
--- @return table|nil keys
--- @return string|nil what is missing
function shape.keys(source, key, value, token, expires)
  local out = { key = hidden(key), secret = hidden(value), token = hidden(token), source = source }
  if not out.key then return nil, "the access key id" end
  if not out.secret then return nil, "the secret key" end
  if expires ~= nil and expires ~= "" then
    out.expires = type(expires) == "number" and expires or clock.iso_date(expires)
    if not out.expires then return nil, "a date in Expiration" end
  end
  return out
end

--- The same, raising for what is missing.
function shape.checked(source, ...)
  local keys, missing = shape.keys(source, ...)
  if keys then return keys end
  return core.fail_as("auth", ("%s did not give %s"):format(source, missing))
end

--- The object in a JSON text, or nil. What it holds never enters an error.
function shape.object(text)
  local fine, value = pcall(json.decode, text)
  return fine and type(value) == "table" and value or nil
end

return shape
