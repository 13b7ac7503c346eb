local resource, sh = require "resource", require "sh"
local tables = require "host/lib/tables"

local function file_path(name)
  return "/etc/modules-load.d/90-slipway-" .. name .. ".conf"
end

-- The kernel lists br-netfilter as br_netfilter.
local function canonical(name)
  return (name:gsub("-", "_"))
end

-- Loaded is what /sys/module or /proc/filesystems knows, or what is built in: modprobe may well fail for the latter. Only a module that neither
-- knows costs a process.
sh.prelude [[
# h_module NAME: is it in the running kernel?
h_module() {
  [ -d "/sys/module/$1" ] && return
  # Built in, it shows only by its settings.
  [ "$1" = br_netfilter ] && [ -d /proc/sys/net/bridge ] && return
  while read -r _a _b; do [ "${_b:-$_a}" != "$1" ] || return 0; done < /proc/filesystems
  read -r _a < /proc/sys/kernel/osrelease
  [ -r "/lib/modules/$_a/modules.builtin" ] || return
  grep -q "/$(printf %s "$1" | sed 's/_/[-_]/g')\.ko" "/lib/modules/$_a/modules.builtin"
}
h_modules() {
  while [ $# -gt 0 ]; do
    if h_module "$1"; then _loaded=loaded; else _loaded=-; fi
    _line=-
    if [ -r "$2" ]; then read -r _line < "$2" || :; fi
    printf '%s %s\n' "$_loaded" "$_line"
    shift 2
  done
}
]]

local function probe_all(rs)
  local arguments = {}
  for _, r in ipairs(rs) do
    arguments[#arguments + 1] = canonical(r.name)
    arguments[#arguments + 1] = file_path(r.name)
  end
  return sh("h_modules {arguments}", { arguments = arguments })
end

local function read_all(out, rs)
  local have = {}
  for i, r in ipairs(rs) do
    local loaded, line = (out.lines[i] or ""):match("^(%S+) (.*)$")
    local only_now = r.at_boot == false and r.state ~= "absent"
    if loaded and (line ~= "-" or only_now) then have[r.name] = { loaded = loaded == "loaded", at_boot = line == r.name } end
  end
  return have
end

return resource "kernel_module" {
  doc    = "A kernel module: loaded now, and again at every boot. What is built into the kernel counts as loaded.",
  name   = { doc = "the module's name", pattern = "^[%w_][%w_-]*$" },
  schema = {
    loaded  = { "bool", default = true, doc = "in the running kernel" },
    at_boot = { "bool", default = true, doc = "named in /etc/modules-load.d" },
  },
  many      = tables.names,
  probe_all = probe_all,
  read_all  = read_all,
  apply = function(r)
    local names = { module = canonical(r.name), name = r.name, file = file_path(r.name) }
    local load = r.loaded and sh([[
if ! h_module {module}; then
  command -v modprobe >/dev/null || {{ echo 'the module is not in the kernel, and there is no modprobe (package kmod)' >&2; exit 1; }}
  modprobe -- {name} || h_module {module}
fi]], names) or sh("if [ -e /sys/module/{module}/initstate ]; then modprobe -r -- {name}; fi", names)
    local boot = r.at_boot and sh("mkdir -p /etc/modules-load.d; umask 022; printf '%s\\n' {name} > {file}", names) or sh("rm -f -- {file}", names)
    return sh.join { load, boot }
  end,
  -- It stays loaded: others may use it by now.
  remove = function(r) return sh("rm -f -- {file}", { file = file_path(r.name) }) end,
}
