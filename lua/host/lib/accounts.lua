-- Reading /etc/passwd, /etc/group and /etc/shadow: one awk for everything, and of the passwords only what is asked for.
local sh = require "sh"

local accounts = {}

local program = [[
BEGIN { FS = ":"; n = split(ENVIRON["SLIPWAY_NAMES"], p, " "); for (i = 1; i <= n; i++) { k = p[i]; want[k] = 1 }
        n = split(ENVIRON["SLIPWAY_HASHES"], p, " "); for (i = 1; i <= n; i++) { k = p[i]; hash[k] = 1 } }
FILENAME == "/etc/group" { print "g:" $0; next }
FILENAME == "/etc/passwd" && ($1 in want) { print "u:" $0 }
FILENAME == "/etc/shadow" && ($1 in hash) { print "s:" $1 ":" $2 }]]

-- `names`: users to read; `hashes`: those whose password is compared.
function accounts.show(names, hashes)
  return sh("SLIPWAY_NAMES={names} SLIPWAY_HASHES={hashes} awk {program} /etc/group /etc/passwd {shadow}", {
    names = table.concat(names, " "), hashes = table.concat(hashes, " "), program = program,
    shadow = #hashes > 0 and { "/etc/shadow" } or {},
  })
end

local function fields(text)
  local list = {}
  for field in (text .. ":"):gmatch("([^:]*):") do list[#list + 1] = field end
  return list
end

-- users: name -> { uid, gid, comment, home, shell, password }, groups: name -> { gid, members }, names_of: gid -> name
function accounts.parse(out)
  local found = { users = {}, groups = {}, names_of = {} }
  for _, line in ipairs(out.lines) do
    local kind, rest = line:match("^(%l):(.*)$")
    local f = rest and fields(rest)
    if kind == "g" then
      local members = {}
      for member in (f[4] or ""):gmatch("[^,]+") do members[member] = true end
      found.groups[f[1]] = { gid = tonumber(f[3]), members = members }
      found.names_of[f[3]] = found.names_of[f[3]] or f[1]
    elseif kind == "u" then
      found.users[f[1]] = { uid = tonumber(f[3]), gid = f[4], comment = f[5], home = f[6], shell = f[7] }
    elseif kind == "s" and found.users[f[1]] then
      found.users[f[1]].password = f[2]
    end
  end
  return found
end

accounts.pattern = "^[%a_][%w_.-]*%$?$"

return accounts
