local resource, sh = require "resource", require "sh"
local check, tables = require "host/lib/check", require "host/lib/tables"

-- Needed is what the distribution says: a file on Debian, needs-restarting on Red Hat's.
sh.prelude [[
h_reboot_required() {
  [ -e /run/reboot-required ] || [ -e /var/run/reboot-required ] && return
  command -v needs-restarting >/dev/null && ! needs-restarting -r >/dev/null 2>&1
}
# h_reboot SECONDS: goes down with the connection. Still up after that long, it says so.
h_reboot() {
  _end=$1
  if [ -d /run/systemd/system ]; then systemctl reboot; else reboot; fi
  while [ "$_end" -gt 0 ]; do sleep 1; _end=$((_end - 1)); done
  echo "the node was told to reboot and is still up" >&2
  return 1
}
]]

local function question(r)
  if r.when == "required" then return "h_reboot_required" end
  if r.when == "never" then return "false" end
  if r.when:find("^/") then return sh("[ -e {path} ]", { path = r.when }) end
  return sh("( eval {script} ) >/dev/null 2>&1", { script = r.when })
end

return resource "reboot" {
  doc    = "Restarts a node when it needs it, and waits until it is back. restart_on makes it needed, too.",
  name   = { doc = "what the restart is for", pattern = "^[^%c]+$" },
  schema = {
    when    = { "string", default = "required",
                doc = "'required' (the distribution asks for it), a path (while it exists), a script (when it succeeds), or 'never' (only restart_on)" },
    timeout = { "int", default = 600, doc = "seconds until it must be back" },
    pending = { "bool", default = false, doc = "a restart is due; not for the playbook to set" },
    boot_id = { "string", computed = true, doc = "the boot it was last seen in" },
  },

  probe = function(r)
    local is_script = check.known(r.when) and not r.when:find("^/") and r.when ~= "required" and r.when ~= "never"
    if not check.known(r.when) or (is_script and slipway.untrusted) then return "echo unasked" end
    return "read -r _a < /proc/sys/kernel/random/boot_id; if " .. question(r) .. '; then echo "needed $_a"; else echo "- $_a"; fi'
  end,

  read = function(out, r)
    local have = tables.pick(r, { "when", "timeout" })
    local word, boot_id = out.text:match("^(%S+) ?(%S*)$")
    have.pending, have.boot_id = word ~= "-", boot_id or ""
    -- Read again while it restarts (then `prior` is what was read before): a new boot is what was asked for, even where the path is still there.
    if r.prior and r.prior.pending and boot_id ~= r.prior.boot_id then have.pending = false end
    return have
  end,

  apply = function(r)
    return { script = sh("h_reboot {timeout}", { timeout = r.timeout }), timeout = r.timeout, reconnect = true }
  end,
}
