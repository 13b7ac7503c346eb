--- A create whose answer was lost. What it made, if anything, is looked for as the next run would look for it: by its token, with the type's `list`;
--- what is found is gone on with. What does not show is made anew only where a second one cannot come to be (`unique` of the type); else the
--- intent stays open.
local PAUSES = { 1, 2, 4, 8 } -- seconds before each look: an API may show late what it made
local ROUNDS = 3

local function copy_with(r, have)
  local copy = {}
  for key, value in pairs(r) do copy[key] = value end
  copy.have = have
  return copy
end

--- What the dead call found of itself belongs to the result, as far as the resource does not say it.
local function whole(r, result)
  if not r.have then return result end
  local out = {}
  for key, value in pairs(r.have) do
    if r[key] == nil then out[key] = value end
  end
  for key, value in pairs(result or {}) do out[key] = value end
  return out
end

--- A failed look says nothing.
local function look_for(io, look)
  local waited = 0
  for _, pause in ipairs(PAUSES) do
    io.sleep(pause)
    waited = waited + pause
    local ok, found = pcall(look)
    if ok and found then return found end
  end
  return nil, waited
end

--- @param spec table of the type
--- @param r table as `create` gets it
--- @param create fun(r): table|nil
--- @param look fun(): table|nil what `list` finds by the token
return function(io, spec, r, create, look, line)
  local again = false
  for round = 1, ROUNDS do
    local ok, result = core.attempt(create, r)
    if ok then return again and whole(r, result) or result end
    local lost = result.code == "uncertain"
    if not r._token or not (lost or again) or round == ROUNDS then error(result, 0) end
    line "the answer was lost: looking for what was made"
    local have, waited = look_for(io, look)
    if have then
      r = copy_with(r, have)
    elseif not lost then
      error(result, 0)
    elseif not spec.unique then
      core.fail_as("uncertain", ("%s; nothing of it is seen after %d s"):format(result.message, waited),
        "run again a little later: it is looked for once more, and made only when there is none")
    end
    again = true
  end
end
