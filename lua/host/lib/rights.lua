-- mode, owner and group of what lies in the file system.
local check = require "host/lib/check"

local rights = {}

rights.rows = {
  mode  = { "string", doc = 'octal, as text: "0644"; left alone when not set' },
  owner = { "string", doc = "user name, or uid as text; left alone when not set" },
  group = { "string", doc = "group name, or gid as text; left alone when not set" },
}

-- Brings the three into the form that is compared. Changes `t`.
function rights.normalise(t)
  t.mode = check.mode("mode", t.mode)
  for _, name in ipairs { "owner", "group" } do
    check.match(name, t[name], "^[%w_][%w_.%-]*%$?$", "a name or a number")
  end
  return t
end

-- What `found` (from host/lib/stat) says, in the words the playbook used: names, or numbers where the playbook has numbers.
function rights.have(found, r)
  local function name(wanted, text, number)
    if text == "UNKNOWN" or (check.known(wanted) and wanted:find("^%d+$")) then return number end
    return text
  end
  return { mode = found.mode, owner = name(r.owner, found.owner, found.uid), group = name(r.group, found.group, found.gid) }
end

-- The argument for chown, "" when nothing is to be said. With `keep`, what was read fills in what the playbook leaves open: the thing is made
-- anew and would otherwise become root's.
function rights.chown(r, keep)
  local have = keep and r.have or {}
  local owner, group = r.owner or have.owner, r.group or have.group
  if not owner and not group then return "" end
  if not r.owner and not r.group and owner == "root" and group == "root" then return "" end
  return (owner or "") .. (group and ":" .. group or "")
end

return rights
