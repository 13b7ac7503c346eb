--- Asks the person at the terminal for a code. Programs run in a session of their own, so the terminal is opened by the name that slipway's has.
local prompt = {}

local ASK = [[
tty=$(ps -o tty= -p "$PPID" 2>/dev/null | tr -d ' ')
case $tty in '' | '?' | '??' | -) exit 3 ;; esac
exec 3<>"/dev/$tty" || exit 3
printf '\r%s: ' "$0" >&3
IFS= read -r code <&3 || exit 4
printf '%s' "$code"
]]

--- @return any a secret
function prompt.code(ctx, serial)
  local hint = "run it in a terminal, or give the keys of a session by the environment"
  if slipway.untrusted then return core.refuse("the role wants an MFA code, which nobody can be asked for here") end
  local result = ctx.io.run { argv = { "sh", "-c", ASK, "MFA code for " .. serial }, timeout = 300 }
  if not result.ok then
    return core.fail_as("auth", ("the role wants the code of the MFA device '%s', and there is no terminal to ask at"):format(serial), hint)
  end
  local code = result.out:gsub("%s", "")
  if not code:find("^%d%d%d%d%d%d$") then return core.fail_as("auth", "an MFA code has 6 digits") end
  return secret(code)
end

return prompt
