local resource, sh = require "resource", require "sh"
local check, origin, place = require "host/lib/check", require "host/lib/origin", require "host/lib/place"
local tables, texts = require "host/lib/tables", require "host/lib/texts"

local function path_of(name, kind) return "/etc/systemd/system/" .. name .. "." .. kind end

local function paths_of(rs)
  local paths = {}
  for _, r in ipairs(rs) do
    for _, kind in ipairs { "service", "timer" } do paths[#paths + 1] = path_of(r.name, kind) end
  end
  return paths
end

-- systemd expands % and $ and unquotes; the command is meant as sh reads it.
local function escaped(text)
  return '"' .. text:gsub("%%", "%%%%"):gsub("%$", "$$"):gsub('[\\"]', "\\%0") .. '"'
end

local function service_of(t, name)
  local lines = { "# from slipway", "[Unit]", "Description=" .. (t.description or name), "", "[Service]", "Type=oneshot" }
  if t.user then lines[#lines + 1] = "User=" .. t.user end
  for key, value in pairs(t.environment or {}) do
    lines[#lines + 1] = "Environment=" .. escaped(key .. "=" .. value):gsub("%$%$", "$")
  end
  lines[#lines + 1] = "ExecStart=/bin/sh -ec " .. escaped(t.command)
  return table.concat(lines, "\n") .. "\n"
end

local function timer_of(t, name)
  local lines = { "# from slipway", "[Unit]", "Description=" .. (t.description or name), "", "[Timer]", "OnCalendar=" .. t.calendar }
  if t.persistent then lines[#lines + 1] = "Persistent=true" end
  if t.delay then lines[#lines + 1] = "RandomizedDelaySec=" .. t.delay end
  lines[#lines + 1] = "\n[Install]\nWantedBy=timers.target"
  return table.concat(lines, "\n") .. "\n"
end

local function normalise(want, name)
  local t = tables.merge(want)
  if t.state == "absent" then return t end
  for _, attribute in ipairs { "calendar", "command", "description" } do check.line(attribute, t[attribute]) end
  check.account("user", t.user)
  for key, value in pairs(t.environment or {}) do
    check.match("environment", key, "^[%a_][%w_]*$", "a variable's name")
    check.line("environment", value)
  end
  t.service_unit, t.timer_unit = service_of(t, name), timer_of(t, name)
  return t
end

local INPUTS = { "calendar", "command", "user", "environment", "description", "persistent", "delay" }

return resource "timer" {
  doc    = "A command that systemd runs at set times: NAME.timer and NAME.service.",
  name   = { doc = "the name of both units", pattern = "^[%w_][%w_.-]*$" },
  schema = {
    calendar     = { "string", required = true, write_only = true, doc = "as in OnCalendar: daily, *-*-* 03:30:00, ..." },
    command      = { "string", required = true, write_only = true, doc = "one line for sh -e" },
    user         = { "string", write_only = true, doc = "whom it runs as; root when not set" },
    environment  = { "map", of = "string", write_only = true, doc = "variables for the command" },
    description  = { "string", write_only = true, doc = "for systemctl's lists" },
    persistent   = { "bool", default = true, write_only = true, doc = "a run missed while the machine was off is made up for" },
    delay        = { "int", write_only = true, doc = "seconds to spread the start over" },
    active       = { "bool", default = true, doc = "enabled and waiting for its time" },
    service_unit = { "string", doc = "NAME.service; follows from the other attributes" },
    timer_unit   = { "string", doc = "NAME.timer; follows from the other attributes" },
    created      = origin.row,
  },
  normalise = normalise,

  probe_all = function(rs)
    local units = {}
    for _, r in ipairs(rs) do units[#units + 1] = r.name .. ".timer" end
    return sh.join { texts.show(paths_of(rs)), "echo", sh("systemctl is-active -- {units} 2>/dev/null", { units = units }) }
  end,

  read_all = function(out, rs)
    local found, have = texts.parse(out.lines, paths_of(rs)), {}
    local blank = 1
    while out.lines[blank] and out.lines[blank] ~= "" do blank = blank + 1 end
    for i, r in ipairs(rs) do
      local service, timer = found[path_of(r.name, "service")], found[path_of(r.name, "timer")]
      if service or timer then
        have[r.name] = tables.merge(tables.pick(r, INPUTS), {
          service_unit = check.shown(service or "", r, "service_unit"), timer_unit = check.shown(timer or "", r, "timer_unit"),
          active = out.lines[blank + i] == "active",
        })
      end
    end
    return have
  end,

  apply = function(r)
    local unit = { unit = r.name .. ".timer" }
    return sh.join {
      place.file(path_of(r.name, "service"), r.service_unit, "0644"),
      place.file(path_of(r.name, "timer"), r.timer_unit, "0644"),
      "systemctl daemon-reload",
      r.active and sh("systemctl enable --quiet -- {unit} && systemctl restart -- {unit}", unit)
        or sh("systemctl disable --quiet --now -- {unit}", unit),
    }
  end,

  result = function(_, r) return origin.result(r) end,
  remove = function(r)
    if not origin.removable(r) then return nil end
    return sh.join {
      sh("systemctl disable --quiet --now -- {unit} || :", { unit = r.name .. ".timer" }),
      sh("rm -f -- {paths}", { paths = { path_of(r.name, "timer"), path_of(r.name, "service") } }),
      "systemctl daemon-reload",
    }
  end,
}
