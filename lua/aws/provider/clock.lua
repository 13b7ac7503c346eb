--- The clock of the services: ours may be off by more than the 5 minutes that a signature allows.
local clock = {}

local MONTHS = { Jan = 1, Feb = 2, Mar = 3, Apr = 4, May = 5, Jun = 6, Jul = 7, Aug = 8, Sep = 9, Oct = 10, Nov = 11, Dec = 12 }

--- Days since 1970 of a date of the Gregorian calendar.
local function days(year, month, day)
  if month <= 2 then year = year - 1 end
  local era = year // 400
  local of_era = year - era * 400
  local of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
  return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
end

local function epoch(year, month, day, hour, minute, second)
  if month < 1 or month > 12 or day < 1 or day > 31 or hour > 23 or minute > 59 or second > 60 then return nil end
  return days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second
end

local function integers(...)
  local out = {}
  for i, each in ipairs { ... } do out[i] = math.tointeger(tonumber(each)) end
  return table.unpack(out)
end

--- Epoch seconds of "Fri, 27 Nov 2026 14:08:00 GMT" (RFC 9110), or nil.
function clock.http_date(text)
  local day, month, year, hour, minute, second = (text or ""):match("^%a+, (%d%d) (%a%a%a) (%d%d%d%d) (%d%d):(%d%d):(%d%d) GMT$")
  if not day or not MONTHS[month] then return nil end
  year, day, hour, minute, second = integers(year, day, hour, minute, second)
  return epoch(year, MONTHS[month], day, hour, minute, second)
end

--- Epoch seconds of "2026-11-27T14:08:00Z", with a fraction or an offset (RFC 3339), or with SSO's older "UTC"; or nil.
function clock.iso_date(text)
  local year, month, day, hour, minute, second, rest = (text or ""):match("^(%d%d%d%d)-(%d%d)-(%d%d)[T ](%d%d):(%d%d):(%d%d)(.*)$")
  if not year then return nil end
  rest = rest:gsub("^%.%d+", "")
  local sign, hours, minutes = rest:match("^([+-])(%d%d):?(%d%d)$")
  if not sign and rest ~= "Z" and rest ~= "UTC" then return nil end
  local at = epoch(integers(year, month, day, hour, minute, second))
  if not at or not sign then return at end
  return at - (sign == "+" and 1 or -1) * (math.tointeger(tonumber(hours)) * 3600 + math.tointeger(tonumber(minutes)) * 60)
end

local TOLERATED = 240 -- seconds of difference that no service minds

--- What to add to our time for a signature. Learnt from the Date of an answer that refused one.
function clock.new(io)
  local offset = 0
  return {
    now = function() return io.now() + offset end,
    --- true: the clock was off and is corrected, so the call is worth another try. `signed_at`: the time the refused request carried.
    learn = function(headers, signed_at)
      local theirs = clock.http_date(headers.date)
      if not theirs or math.abs(theirs - signed_at) < TOLERATED then return false end
      offset = theirs - io.now()
      return true
    end,
    offset = function() return offset end,
  }
end

return clock
