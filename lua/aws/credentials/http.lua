--- Plain requests for credentials: to the container's endpoint, the instance's metadata service, the SSO portal. A few tries, no signature.
local http = {}

--- @param request table { what, method, url, headers, timeout, attempts, ca_file }
--- @return table|nil response
--- @return string|nil why not, for people
function http.ask(ctx, request)
  local why
  for n = 1, request.attempts or 3 do
    local response = ctx.io.http {
      method = request.method or "GET",
      url = request.url,
      headers = request.headers,
      note = "credentials: " .. request.what,
      timeout = request.timeout or 5,
      max_body = 65536,
      ca_file = request.ca_file,
    }
    if not response.error and response.status < 500 and response.status ~= 429 then return response end
    if response.error == "cancelled" then return core.fail_as("cancelled", "stopped") end
    why = response.error and (response.message or response.error) or ("status " .. response.status)
    if n < (request.attempts or 3) then ctx.io.sleep(ctx.io.random() * 0.1 * 2 ^ n) end
  end
  return nil, why
end

return http
