local resource, sh = require "resource", require "sh"
local accounts, origin, tables = require "host/lib/accounts", require "host/lib/origin", require "host/lib/tables"

return resource "group" {
  doc    = "A group of users.",
  name   = { doc = "the group's name", pattern = accounts.pattern },
  schema = {
    gid     = { "int", doc = "its number; any free one when not set" },
    system  = { "bool", write_only = true, doc = "numbered among the system's groups when it is made" },
    created = origin.row,
  },
  many      = tables.names,
  probe_all = function() return accounts.show({}, {}) end,

  read_all = function(out, rs)
    local found, have = accounts.parse(out), {}
    for _, r in ipairs(rs) do
      local group = found.groups[r.name]
      have[r.name] = group and { gid = group.gid, system = r.system }
    end
    return have
  end,

  apply = function(r)
    local gid = r.gid and { "-g", tostring(math.tointeger(r.gid)) } or {}
    if r.have then return sh("groupmod {gid} -- {name}", { gid = gid, name = r.name }) end
    return sh([[
if command -v groupadd >/dev/null; then groupadd {gid} {system} -- {name}; else addgroup {gid} {bb_system} {name}; fi]],
      { gid = gid, system = r.system and { "-r" } or {}, bb_system = r.system and { "-S" } or {}, name = r.name })
  end,

  result = function(_, r) return origin.result(r) end,
  remove = function(r)
    if not origin.removable(r) then return nil end
    return sh("if command -v groupdel >/dev/null; then groupdel -- {name}; else delgroup {name}; fi", { name = r.name })
  end,
}
