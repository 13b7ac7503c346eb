local resource, sh = require "resource", require "sh"
local systemd, tables = require "host/lib/systemd", require "host/lib/tables"

local function probe_all(rs)
  local units = {}
  for _, r in ipairs(rs) do units[#units + 1] = systemd.unit(r.name) end
  return systemd.show(units)
end

local function read_one(block, r)
  -- What is not installed is as stopped as can be.
  local wants_off = r.state == "stopped" and r.enabled ~= true
  if block.LoadState == "not-found" and not wants_off then return nil end
  local running, enabled = systemd.is_running(block), systemd.is_enabled(block, r.enabled)
  -- A unit is always there once it is installed. To be rid of a service is to have it stopped and disabled.
  if r.state == "absent" and not running and not systemd.is_enabled(block, nil) then return nil end
  local state = running and "running" or block.ActiveState == "failed" and "failed" or "stopped"
  return { state = state, enabled = enabled, masked = block.LoadState == "masked", reload = r.reload }
end

local function read_all(out, rs)
  local blocks, have = systemd.parse(out), {}
  for i, r in ipairs(rs) do
    have[r.name] = blocks[i] and read_one(blocks[i], r) or nil
  end
  return have
end

local function apply(r)
  local unit = { unit = systemd.unit(r.name) }
  local have, lines = r.have or {}, {}
  local function add(text) lines[#lines + 1] = sh(text, unit) end
  add('[ "$(systemctl show --property=NeedDaemonReload -- {unit})" != NeedDaemonReload=yes ] || systemctl daemon-reload')
  if r.masked == false and have.masked then add("systemctl unmask --quiet -- {unit}") end
  if r.enabled ~= nil and r.enabled ~= have.enabled then
    add(r.enabled and "systemctl enable --quiet -- {unit}" or "systemctl disable --quiet -- {unit}")
  end
  if r.state == "stopped" then
    if have.state ~= "stopped" then add("systemctl stop -- {unit}") end
  elseif have.state ~= "running" then
    add("systemctl start -- {unit} || h_why {unit}")
  elseif r.triggered then
    add((r.reload and "systemctl reload-or-restart" or "systemctl restart") .. " -- {unit} || h_why {unit}")
  end
  if r.masked and not have.masked then add("systemctl mask --quiet -- {unit}") end
  return sh.join(lines)
end

return resource "service" {
  doc    = "A systemd unit that runs. restart_on restarts it (or reloads it) when one of these resources changes.",
  name   = { doc = "the unit; .service may be left out", pattern = systemd.name_pattern },
  schema = {
    state   = { "string", default = "running", one_of = { "running", "stopped", "absent" }, doc = "absent: stopped and disabled" },
    enabled = { "bool", doc = "started at boot; left alone when not set" },
    masked  = { "bool", doc = "cannot be started by anything; left alone when not set" },
    reload  = { "bool", write_only = true, doc = "restart_on reloads, where the unit can, instead of restarting" },
  },
  many      = tables.names,
  probe_all = probe_all,
  read_all  = read_all,
  apply     = apply,
  -- Left over from an older playbook, it runs on: it goes with its package or its unit.
  remove = function(r)
    if r.state ~= "absent" then return nil end
    return sh("systemctl disable --quiet --now -- {unit}", { unit = systemd.unit(r.name) })
  end,
}
