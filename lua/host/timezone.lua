local resource, sh = require "resource", require "sh"

local ZONES = "/usr/share/zoneinfo/"

return resource "timezone" {
  doc    = "The node's time zone.",
  name   = { doc = "the zone, Etc/UTC or Asia/Seoul", pattern = "^%u[%w_+-]*[%w_+/-]*$" },
  schema = {
    zone = { "string", computed = true, doc = "the zone in force" },
  },
  -- A builtin answers: is /etc/localtime that zone's file? Without any, it is UTC.
  probe = function(r)
    return sh("[ /etc/localtime -ef {zone} ] || {{ [ ! -e /etc/localtime ] && [ {name} = Etc/UTC ]; }}", { zone = ZONES .. r.name, name = r.name })
  end,
  read  = function(out, r) return out.ok and { zone = r.name } or nil end,
  apply = function(r)
    return sh([[
[ -f {zone} ] || {{ echo 'there is no such zone on the node (package tzdata)' >&2; exit 1; }}
ln -sf -- {zone} /etc/localtime.slipway
mv -f -- /etc/localtime.slipway /etc/localtime
if [ -e /etc/timezone ]; then printf '%s\n' {name} > /etc/timezone; fi]], { zone = ZONES .. r.name, name = r.name })
  end,
}
