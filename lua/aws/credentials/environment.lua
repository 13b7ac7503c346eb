--- AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN.
local shape = require "aws/credentials/shape"

local environment = {}

function environment.load(ctx)
  local key, value = ctx.env("AWS_ACCESS_KEY_ID", true), ctx.env("AWS_SECRET_ACCESS_KEY", true)
  if key == nil or #key == 0 then return nil, "AWS_ACCESS_KEY_ID is not set" end
  if value == nil or #value == 0 then
    return core.fail_as("auth", "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not", "set both or neither")
  end
  local token = ctx.env("AWS_SESSION_TOKEN", true) or ctx.env("AWS_SECURITY_TOKEN", true)
  return shape.checked("the environment (AWS_ACCESS_KEY_ID)", key, value, token and #token > 0 and token or nil, ctx.env "AWS_CREDENTIAL_EXPIRATION")
end

return environment
