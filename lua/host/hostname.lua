local resource, sh = require "resource", require "sh"

-- The kernel's name and the file's, by builtins. systemd-hostnamed watches both, so nothing else needs to be told.
sh.prelude [[
h_hostname() {
  read -r _a < /proc/sys/kernel/hostname
  _b=
  if [ -r /etc/hostname ]; then
    while read -r _b; do case $_b in "" | "#"*) ;; *) break ;; esac; done < /etc/hostname
  fi
  printf '%s\n' "$_a" "$_b"
}
]]

return resource "hostname" {
  doc    = "The node's host name: now and at the next boot.",
  name   = { doc = "the host name", pattern = "^%w[%w.-]*$" },
  schema = {
    running = { "string", computed = true, doc = "the kernel's name" },
    at_boot = { "string", computed = true, doc = "the name in /etc/hostname" },
  },
  probe = function() return "h_hostname" end,
  read  = function(out, r)
    local running, file = out.lines[1], out.lines[2]
    if running ~= r.name or file ~= r.name then return nil end
    return { running = running, at_boot = file }
  end,
  apply = function(r)
    return sh("printf '%s\\n' {name} > /proc/sys/kernel/hostname; umask 022; printf '%s\\n' {name} > /etc/hostname", { name = r.name })
  end,
}
