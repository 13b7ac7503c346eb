-- Small text files that are wholly ours: one grep reads them all, and their content is in the plan.
local sh = require "sh"
local check = require "host/lib/check"

local texts = {}

-- Prints "path:line" for every line of those files that exist. A file without its last newline reads as one with it.
function texts.show(paths)
  return sh("LC_ALL=C grep -asH '' -- {paths}", { paths = paths })
end

-- path -> content, for the given paths. Empty files are as good as none.
function texts.parse(lines, paths)
  local known, found = {}, {}
  for _, path in ipairs(paths) do known[path] = true end
  for _, line in ipairs(lines) do
    -- A path may hold a colon, so the known ones decide.
    local stop = 0
    repeat
      stop = line:find(":", stop + 1, true)
      local path = stop and line:sub(1, stop - 1)
      if path and known[path] then
        found[path] = (found[path] or "") .. line:sub(stop + 1) .. "\n"
        break
      end
    until not stop
  end
  return found
end

-- For types whose resources are one such file each, at path_of(name): the two functions that read all of a host's.
function texts.one_each(path_of)
  local function paths_of(rs)
    local paths = {}
    for _, r in ipairs(rs) do paths[#paths + 1] = path_of(r.name) end
    return paths
  end
  local function probe_all(rs) return texts.show(paths_of(rs)) end
  -- name -> attributes, by `attributes(r, content)` of those that are there.
  local function read_all(out, rs, attributes)
    local found, have = texts.parse(out.lines, paths_of(rs)), {}
    for _, r in ipairs(rs) do
      local content = found[path_of(r.name)]
      have[r.name] = content and attributes(r, check.shown(content, r, "content"))
    end
    return have
  end
  return probe_all, read_all
end

return texts
