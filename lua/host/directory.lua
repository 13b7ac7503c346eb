local resource, sh = require "resource", require "sh"
local origin, rights = require "host/lib/origin", require "host/lib/rights"
local stat, tables = require "host/lib/stat", require "host/lib/tables"

-- A link to a directory is as good as a directory (/var/run), so links are followed: the slash makes stat do so.
local function slashed(path) return path == "/" and path or path .. "/" end

return resource "directory" {
  doc    = "A directory on a node. Missing parents are made with mode 0755.",
  name   = { doc = "the directory's path, without a slash at its end", pattern = "^/[^%c]*[^/%c]$" },
  schema = tables.merge(rights.rows, { created = origin.row }),
  many   = tables.names,
  normalise = function(want) return rights.normalise(tables.merge(want)) end,

  probe_all = function(rs)
    local paths = {}
    for _, r in ipairs(rs) do paths[#paths + 1] = slashed(r.name) end
    return sh("h_stat {paths}", { paths = paths })
  end,

  read_all = function(out, rs)
    local found, have = stat.parse(out), {}
    for _, r in ipairs(rs) do
      local one = found[slashed(r.name)]
      have[r.name] = one and rights.have(one, r)
    end
    return have
  end,

  apply = function(r)
    local owner, mode = rights.chown(r), r.mode or (r.have == nil and "0755") or nil
    return sh.join {
      sh("[ -d {path} ] || (umask 022; mkdir -p -- {path})", { path = r.name }),
      owner ~= "" and sh("chown -- {owner} {path}", { owner = owner, path = r.name }) or "",
      mode and sh("chmod -- {mode} {path}", { mode = mode, path = r.name }) or "",
    }
  end,

  result = function(_, r) return origin.result(r) end,

  -- Asked for, everything in it goes. Left over from an older playbook, only an empty one does.
  remove = function(r)
    if r.state == "absent" then return sh("rm -rf -- {path}", { path = r.name }) end
    if not origin.removable(r) then return nil end
    return sh("rmdir -- {path} 2>/dev/null || echo 'not empty, left in place'", { path = r.name })
  end,
}
