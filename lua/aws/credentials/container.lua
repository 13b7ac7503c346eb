--- The endpoint of ECS tasks and of EKS pod identities.
local http = require "aws/credentials/http"
local shape = require "aws/credentials/shape"

local container = {}

local ECS = "http://169.254.170.2"
--- Where a token may go without TLS: this machine, ECS, EKS (IPv4 and IPv6).
local PLAIN = { ["169.254.170.2"] = true, ["169.254.170.23"] = true, ["[fd00:ec2::23]"] = true, localhost = true, ["[::1]"] = true }

--- The URL to ask, or nil and why there is none.
function container.url(relative, full)
  if relative and relative ~= "" then
    if relative:sub(1, 1) ~= "/" then return core.fail_as("auth", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not start with '/'") end
    return ECS .. relative
  end
  if not full or full == "" then return nil, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI are not set" end
  local scheme, authority = full:match("^(https?)://([^/?#]+)")
  if not scheme then return core.fail_as("auth", "AWS_CONTAINER_CREDENTIALS_FULL_URI is no URL") end
  local host = authority:gsub("^[^@]*@", "")
  host = host:match("^%[[^%]]*%]") or host:gsub(":%d+$", "")
  if scheme == "https" or PLAIN[host:lower()] or host:find("^127%.%d+%.%d+%.%d+$") then return full end
  return core.fail_as("auth", ("AWS_CONTAINER_CREDENTIALS_FULL_URI names '%s': without https only this machine, 169.254.170.2 and 169.254.170.23"):format(host))
end

--- The Authorization header. A file is read anew each time: it is rotated.
local function authorization(ctx)
  local path = ctx.env "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
  local token
  if path and path ~= "" then
    local text = ctx.io.read_file(path)
    if not text then return core.fail_as("auth", ("the token file '%s' (AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE) is not there"):format(path)) end
    text = text:gsub("[\r\n]+$", "")
    if text:find("[\r\n]") then return core.fail_as("auth", ("the token file '%s' holds more than one line"):format(path)) end
    token = secret(text)
  else
    token = ctx.env("AWS_CONTAINER_AUTHORIZATION_TOKEN", true)
  end
  return token and #token > 0 and { Authorization = token } or nil
end

function container.load(ctx)
  local url, why = container.url(ctx.env "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", ctx.env "AWS_CONTAINER_CREDENTIALS_FULL_URI")
  if not url then return nil, why end
  local source = "the container's endpoint"
  local response
  response, why = http.ask(ctx, { what = "container", url = url, headers = authorization(ctx), timeout = 2 })
  if not response then return core.fail_as("auth", ("%s does not answer: %s"):format(source, why)) end
  local out = response.status == 200 and shape.object(response.body)
  if not out then return core.fail_as("auth", ("%s answers with status %d and no keys"):format(source, response.status)) end
  return shape.checked(source, out.AccessKeyId, out.SecretAccessKey, out.Token, out.Expiration)
end

return container
