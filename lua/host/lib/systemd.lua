-- What the types about systemd share.
local sh = require "sh"

local systemd = {}

sh.prelude [[
# h_why UNIT: what systemd knows of a unit that did not do as told.
h_why() { systemctl status --no-pager --full --lines=30 -- "$1" >&2 || :; return 1; }
]]

-- "containerd" means containerd.service.
function systemd.unit(name)
  return name:find("%.%l+$") and systemd.kinds[name:match("%.(%l+)$")] and name or name .. ".service"
end

systemd.kinds = {
  service = true, socket = true, target = true, timer = true, mount = true, automount = true, path = true, slice = true, swap = true, device = true,
  scope = true,
}

systemd.name_pattern = "^[%w_@][%w_@:.\\-]*$"

-- One `systemctl show` for all units; what it prints of each, in their order, as tables.
local properties = "LoadState,ActiveState,SubState,UnitFileState,ConditionResult,ConditionTimestampMonotonic"

function systemd.show(units)
  return sh("systemctl show --no-pager --property=" .. properties .. " -- {units}", { units = units })
end

function systemd.parse(out)
  local blocks, block = {}, nil
  for _, line in ipairs(out.lines) do
    local key, value = line:match("^(%w+)=(.*)$")
    if key then
      if not block then
        block = {}
        blocks[#blocks + 1] = block
      end
      block[key] = value
    else
      block = nil
    end
  end
  return blocks
end

function systemd.is_running(block)
  local state = block.ActiveState
  return state == "active" or state == "activating" or state == "reloading"
end

-- Asked to start, and its own conditions said no: a clock's daemon in a container, for one.
function systemd.is_excused(block)
  return block.ConditionResult == "no" and block.ConditionTimestampMonotonic ~= "0"
end

-- Units that have no say in it ("static", made by a generator) count as whatever is wanted.
function systemd.is_enabled(block, wanted)
  local state = block.UnitFileState
  if state == "enabled" then return true end
  if state == "disabled" or state == "masked" or state == "enabled-runtime" or state == "masked-runtime" or state == "linked" then return false end
  if wanted ~= nil then return wanted end
  return false
end

return systemd
