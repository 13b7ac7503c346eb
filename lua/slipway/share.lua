--- What several coroutines want at a time is computed once.
local share = {}

--- Raises for one who waited: an error object serves only once, so each gets its own.
local function raise(err)
  if err.code then return core.fail_as(err.code, err.message, err.hint) end
  return error(err.message, 0)
end

local function parts(err)
  if type(err) == "userdata" then return { code = err.code, message = err.message, hint = err.hint } end
  return { message = err }
end

--- @return fun(fn: function): any run runs fn and gives its value; whoever comes while it runs waits and gets the same value or error
function share.flight(io)
  local current
  return function(fn)
    if current then
      local mine = current
      mine.event:wait()
      if mine.failed then return raise(mine.failed) end
      return mine.value
    end
    local mine = { event = io.event(), failed = { code = "cancelled", message = "stopped" } }
    current = mine
    -- However it ends, the others go on.
    local _ <close> = setmetatable({}, {
      __close = function()
        if current == mine then current = nil end
        mine.event:set()
      end,
    })
    local fine, value = pcall(fn)
    mine.failed = not fine and parts(value) or nil
    mine.value = fine and value or nil
    return fine and value or not fine and error(value, 0)
  end
end

--- Values by key. `once(key, fn)` computes what is not there; `forget()` forgets all, and what is being computed is not kept.
function share.cache(io)
  local entries = {}
  return {
    once = function(key, fn)
      local entry = entries[key]
      if not entry then
        entry = { run = share.flight(io) }
        entries[key] = entry
      end
      if not entry.done then
        local value = entry.run(fn)
        entry.value, entry.done = value, true
      end
      return entry.value
    end,
    forget = function() entries = {} end,
  }
end

return share
