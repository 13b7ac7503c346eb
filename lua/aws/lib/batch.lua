--- Calls of one kind that several resources make at the same time, as one.
---
--- The first to come waits a moment for the others; then run(entries) makes the call for all of them. It gives a value for all, or nil when they
--- cannot be done together: then each is done alone, so that an error is that of the resource it belongs to. An error that run raises is
--- everybody's.
local PAUSE = 0.02

--- @param key string what may go together
--- @param limit integer entries of one call
--- @return any what run gave
return function(aws, key, entry, limit, run)
  local waiting = aws.memory.batch or {}
  aws.memory.batch = waiting
  local group = waiting[key]
  local first = not group or #group.entries >= limit
  if first then
    group = { entries = {}, done = aws:event() }
    waiting[key] = group
  end
  table.insert(group.entries, entry)
  if first then
    aws:sleep(PAUSE)
    if waiting[key] == group then waiting[key] = nil end
    group.ok, group.value = pcall(run, group.entries)
    group.done:set()
  else
    group.done:wait()
  end
  if not group.ok then error(group.value, 0) end
  if group.value ~= nil or #group.entries == 1 then return group.value end
  return (run { entry })
end
