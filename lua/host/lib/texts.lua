-- Small text files that are wholly ours: one grep reads them all, and their content is in the plan.
local sh = require "sh"

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

return texts
