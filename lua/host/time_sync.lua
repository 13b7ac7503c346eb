local resource, sh = require "resource", require "sh"
local check, edit, place = require "host/lib/check", require "host/lib/edit", require "host/lib/place"
local systemd, texts = require "host/lib/systemd", require "host/lib/texts"

-- Which daemon keeps the time, in the order they are looked for, and where it reads our servers from.
local UNITS = { "chronyd.service", "chrony.service", "systemd-timesyncd.service" }
local CHRONY = { "/etc/chrony/sources.d/90-slipway.sources", "/etc/chrony.d/90-slipway.sources" }
local TIMESYNCD = "/etc/systemd/timesyncd.conf.d/90-slipway.conf"
local PATHS = { CHRONY[1], CHRONY[2], TIMESYNCD }

sh.prelude [[
# h_time_unit: the daemon that is installed, in _unit.
h_time_unit() {
  for _unit in chronyd.service chrony.service systemd-timesyncd.service; do
    ! systemctl cat -- "$_unit" >/dev/null 2>&1 || return 0
  done
  echo "the node has neither chrony nor systemd-timesyncd: install one first, h:package 'chrony'" >&2
  return 1
}
]]

local function chrony_of(servers)
  local lines = {}
  for _, server in ipairs(servers) do lines[#lines + 1] = "server " .. server .. " iburst\n" end
  return table.concat(lines)
end

local function timesyncd_of(servers)
  return "[Time]\nNTP=" .. table.concat(servers, " ") .. "\n"
end

local function servers_in(found)
  local servers = {}
  local text = found[CHRONY[1]] or found[CHRONY[2]]
  if text then
    for server in text:gmatch("server (%S+)") do servers[#servers + 1] = server end
  else
    for server in ((found[TIMESYNCD] or ""):match("NTP=([^\n]*)") or ""):gmatch("%S+") do servers[#servers + 1] = server end
  end
  return servers
end

return resource "time_sync" {
  doc    = "The node's clock follows time servers: by chrony or systemd-timesyncd, whichever is installed.",
  name   = { doc = "any name", pattern = "^[^%c]+$" },
  schema = {
    servers = { "list", of = "string", doc = "time servers; those of the distribution when not set" },
    enabled = { "bool", default = true, doc = "the daemon runs, and starts at boot" },
    daemon  = { "string", computed = true, doc = "the unit that does it" },
  },
  normalise = function(want)
    for _, server in ipairs(want.servers or {}) do check.match("servers", server, "^[%w][%w.:-]*$", "a host name or an address") end
    return want
  end,

  probe = function() return sh.join { texts.show(PATHS), "echo", systemd.show(UNITS) } end,

  read = function(out, r)
    local found, unit = texts.parse(out.lines, PATHS), nil
    for i, block in ipairs(systemd.parse(out)) do
      if block.LoadState == "loaded" and not unit then
        unit = { name = UNITS[i], on = (systemd.is_running(block) or systemd.is_excused(block)) and systemd.is_enabled(block, true) }
      end
    end
    local servers = servers_in(found)
    if not unit or (r.state == "absent" and #servers == 0) then return nil end
    return { enabled = unit.on, servers = servers, daemon = unit.name }
  end,

  apply = function(r)
    local servers = r.servers or {}
    local lines = { "h_time_unit" }
    if #servers > 0 then
      lines = { "h_time_unit", "case $_unit in", "systemd-timesyncd.service)", "mkdir -p /etc/systemd/timesyncd.conf.d",
                place.file(TIMESYNCD, timesyncd_of(servers)), ";;",
                "*)", "if [ -d /etc/chrony/sources.d ]; then", place.file(CHRONY[1], chrony_of(servers)),
                "else", "mkdir -p /etc/chrony.d", place.file(CHRONY[2], chrony_of(servers)),
                edit.file("/etc/chrony.conf", {
                  edit.set("sourcedir /etc/chrony.d", "grep -nxF 'sourcedir /etc/chrony.d' < \"$_path\" | h_numbers ''"),
                }), "fi ;;", "esac" }
    end
    lines[#lines + 1] = r.enabled and 'systemctl enable --quiet -- "$_unit"; systemctl restart -- "$_unit" || h_why "$_unit"'
      or 'systemctl disable --quiet --now -- "$_unit"'
    return sh.join(lines)
  end,

  remove = function()
    return sh.join {
      sh("rm -f -- {paths}", { paths = PATHS }),
      'if h_time_unit 2>/dev/null && systemctl is-active --quiet -- "$_unit"; then systemctl restart -- "$_unit"; fi',
    }
  end,
}
