local resource, sh = require "resource", require "sh"
local edit = require "host/lib/edit"

local TAG = "#slipway-swap# "
-- An fstab entry of type swap that is in force: device, mount point, type.
local ENTRY = "[^#[:space:]][^[:space:]]*[[:space:]]\\{1,\\}[^[:space:]]\\{1,\\}[[:space:]]\\{1,\\}swap"

-- Builtins only: what is swapped on, what fstab will swap on, and what it would but for us.
sh.prelude([[
h_swap() {
  _on=no _boot=no _kept=no
  { read -r _a; if read -r _a; then _on=yes; fi; } < /proc/swaps
  if [ -r /etc/fstab ]; then
    while read -r _a _b _c _d; do
      case $_a in
        "#slipway-swap#") _kept=yes ;;
        "#"*) ;;
        *) [ "$_c" != swap ] || _boot=yes ;;
      esac
    done < /etc/fstab
  fi
  echo "$_on $_boot $_kept"
} 2>/dev/null
]])

return resource "swap" {
  doc    = "Swap space, turned off: now and at the next boot. Entries of /etc/fstab are kept as comments and come back when this is removed.",
  name   = { doc = "any name", pattern = "^[^%c]+$" },
  schema = {
    off = { "bool", default = true, doc = "no swap; false turns it on again" },
  },
  probe = function() return "h_swap" end,
  read  = function(out, r)
    local on, boot, kept = out.text:match("^(%a+) (%a+) (%a+)$")
    if r.state == "absent" and kept ~= "yes" then return nil end
    return { off = on == "no" and boot == "no" }
  end,
  apply = function(r)
    if not r.off then
      return sh.join { edit.file("/etc/fstab", { sh("h_sed {script}", { script = "s/^" .. TAG .. "//" }) }), "swapon -a" }
    end
    -- zram and discovered partitions come from units of their own, not from fstab; they hang on swap.target.
    return sh.join {
      "[ ! -e /etc/fstab ] || {",
      edit.file("/etc/fstab", { sh("h_sed {script}", { script = "s/^\\(" .. ENTRY .. "\\)/" .. TAG .. "\\1/" }) }),
      "}",
      "[ ! -d /run/systemd/system ] || systemctl mask --quiet swap.target",
      "swapoff -a",
      [[{ read -r _a; ! read -r _a; } < /proc/swaps || { echo "still swapped on: $_a" >&2; exit 1; }]],
    }
  end,
  remove = function(r)
    if r.state ~= "absent" and r.prior == nil then return nil end
    return sh.join {
      "[ ! -e /etc/fstab ] || {",
      edit.file("/etc/fstab", { sh("h_sed {script}", { script = "s/^" .. TAG .. "//" }) }),
      "}",
      "[ ! -L /etc/systemd/system/swap.target ] || systemctl unmask --quiet swap.target",
      "swapon -a",
    }
  end,
}
