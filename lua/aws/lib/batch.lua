--- Calls of one kind that several resources make at the same time, as one.
---
--- The first to come waits a moment for the others; then run(entries) makes the call for all of them. It gives a value for all, or nil when they
--- cannot be done together: then each is done alone, so that an error is that of the resource it belongs to. An error that run raises is
--- everybody's.
local PAUSE = 0.02

local waiting = {} -- client -> key -> { entries, done, ... }

--- @param key string what may go together
--- @param limit integer entries of one call
--- @return any what run gave
return function(aws, key, entry, limit, run)
  local of_client = waiting[aws] or {}
  waiting[aws] = of_client
  local group = of_client[key]
  local first = not group or #group.entries >= limit
  if first then
    group = { entries = {}, done = aws:event() }
    of_client[key] = group
  end
  table.insert(group.entries, entry)
  if first then
    aws:sleep(PAUSE)
    if of_client[key] == group then of_client[key] = nil end
    group.ok, group.value = pcall(run, group.entries)
    group.done:set()
  else
    group.done:wait()
  end
  if not group.ok then error(group.value, 0) end
  if group.value ~= nil or #group.entries == 1 then return group.value end
  return (run { entry })
end
