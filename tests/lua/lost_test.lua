-- A create whose answer was lost: what is looked for, how often, and what comes of it. The clock is moved by sleeping only.
local lost = require "lost"

--- @param spec table of the type
--- @param create fun(r, n): table what the n-th call of create does
--- @param look fun(n): table|nil what the n-th look finds
local function run(spec, create, look, r)
  local seen = { creates = 0, looks = 0, slept = {}, lines = {} }
  local io = { sleep = function(seconds) seen.slept[#seen.slept + 1] = seconds end }
  r = r or { name = "a", size = 1, _token = "t" }
  local ok, result = pcall(lost, io, spec, r, function(item)
    seen.creates = seen.creates + 1
    return create(item, seen.creates)
  end, function()
    seen.looks = seen.looks + 1
    return look(seen.looks)
  end, function(text) seen.lines[#seen.lines + 1] = text end)
  seen.ok, seen.result = ok, result
  return seen
end

local function gone() return fail_unknown("the answer is lost") end
local function nothing() return nil end

-- Nothing is lost: nothing is looked for.
local seen = run({}, function() return { id = "1" } end, nothing)
equal({ seen.ok, seen.result.id, seen.creates, seen.looks }, { true, "1", 1, 0 })
seen = run({ unique = true }, function() return fail("refused", "try this") end, nothing)
equal({ seen.ok, seen.creates, seen.looks, #seen.slept }, { false, 1, 0, 0 })
equal({ seen.result.message, seen.result.hint, seen.result.code }, { "refused", "try this", "remote" })

-- What was made is handed to create again, and what it was found to be is part of what that gives; what the resource says itself is not.
seen = run({}, function(r, n) return n == 1 and gone() or { arn = r.have.id .. "-arn" } end, function(n) return n == 3 and { id = "1", size = 9 } or nil end)
equal({ seen.ok, seen.creates, seen.looks, seen.result }, { true, 2, 3, { id = "1", arn = "1-arn" } })
equal(seen.slept, { 1, 2, 4 })
equal(seen.lines, { "the answer was lost: looking for what was made" })

-- Not found: only what an API would refuse to make twice is made again.
seen = run({}, gone, nothing)
equal({ seen.ok, seen.creates, seen.looks, seen.result.code }, { false, 1, 4, "uncertain" })
check(seen.result.message:find("the answer is lost; nothing of it is seen after 15 s", 1, true), seen.result.message)
seen = run({ unique = true }, function(_, n) return n == 1 and gone() or { id = "2" } end, nothing)
equal({ seen.ok, seen.creates, seen.looks, seen.result.id }, { true, 2, 4, "2" })

-- It was made all the same, and came to light after the API refused to make it again.
seen = run({ unique = true }, function(r, n)
  if n == 1 then return gone() end
  return n == 2 and fail("exists already") or { id = r.have.id }
end, function(n) return n == 5 and { id = "1" } or nil end)
equal({ seen.ok, seen.creates, seen.looks, seen.result.id }, { true, 3, 5, "1" })
seen = run({ unique = true }, function(_, n) return n == 1 and gone() or fail("exists already") end, nothing)
equal({ seen.ok, seen.creates, seen.looks, seen.result.message }, { false, 2, 8, "exists already" })

-- Not for ever, and not where a look fails or there is no token to look by.
seen = run({ unique = true }, gone, nothing)
equal({ seen.ok, seen.creates, seen.result.code }, { false, 3, "uncertain" })
seen = run({}, gone, function() return fail("not allowed to look") end)
equal({ seen.ok, seen.creates, seen.looks, seen.result.code }, { false, 1, 4, "uncertain" })
seen = run({ unique = true }, gone, nothing, { name = "a" })
equal({ seen.ok, seen.creates, seen.looks }, { false, 1, 0 })

-- A mistake in a type's code keeps where it was made.
seen = run({}, function() return nil .. "x" end, nothing)
equal({ seen.ok, seen.result.code }, { false, "script" })
