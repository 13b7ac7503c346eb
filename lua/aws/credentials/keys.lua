--- Keys in use: fetched when they are first wanted, again before they expire, and once for all who wait.
local share = require "share"

local keys = {}

local EARLY = 600 -- seconds before they expire: a long wait must not outlive them
local LAST = 60 -- seconds before they expire they are used no more
local AGAIN = 30 -- seconds until the next refresh, where one failed or gave keys that expire early: the old ones still serve

--- @param load fun(): table keys as in shape.lua
function keys.kept(ctx, load)
  local current, tried_at, source
  local run = share.flight(ctx.io)
  local self = {}

  function self.get()
    local now = ctx.clock.now()
    if current and (not current.expires or current.expires - now > EARLY) then return current end
    local serving = current and current.expires - now > LAST and current or nil
    if serving and tried_at and now - tried_at < AGAIN then return serving end
    tried_at = now
    local fine, value = pcall(run, load)
    if fine then
      current, source = value, value.source
      return value
    end
    return serving or error(value, 0)
  end

  --- The service says that these expired.
  function self.forget(old)
    if current == old then current = nil end
  end

  --- Where they come from, for people.
  function self.source() return source or "the configured source" end

  return self
end

return keys
