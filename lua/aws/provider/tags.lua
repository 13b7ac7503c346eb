--- Tags: the user's, the provider's default ones, and the one by which a run that died finds what it made.
local tags = {}

local TOKEN = "slipway:token"

--- { { Key =, Value = }, ... } in the order of the keys.
function tags.of(r, default_tags)
  local all, list = {}, {}
  for key, value in pairs(default_tags or {}) do all[key] = value end
  for key, value in pairs(r.tags or {}) do all[key] = value end
  if r._token then all[TOKEN] = r._token end
  for key, value in pairs(all) do list[#list + 1] = { Key = key, Value = type(value) == "boolean" and tostring(value) or value } end
  return list
end

local function each(set)
  local list, i = type(set) == "table" and set or {}, 0
  return function()
    i = i + 1
    local tag = list[i]
    if tag then return tag.key or tag.Key, tag.value or tag.Value or "" end
  end
end

--- The map of tags in an answer, without slipway's own and AWS's.
function tags.read(set)
  local found = {}
  for key, value in each(set) do
    if not key:find("^slipway:") and not key:find("^aws:") then found[key] = value end
  end
  return found
end

--- The token of the run that made it, or nil.
function tags.token(set)
  for key, value in each(set) do
    if key == TOKEN then return value end
  end
  return nil
end

return tags
