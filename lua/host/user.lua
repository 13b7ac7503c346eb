local resource, sh = require "resource", require "sh"
local accounts, check = require "host/lib/accounts", require "host/lib/check"
local origin, tables = require "host/lib/origin", require "host/lib/tables"

local function normalise(want)
  local t = tables.merge(want)
  check.match("comment", t.comment, "^[^:%c]*$", "text without colons")
  check.match("home", t.home, "^/[^:%c]*$", "an absolute path")
  check.match("shell", t.shell, "^/[^:%c]*$", "an absolute path")
  check.match("password", t.password, "^[^:%c]*$", "a hash as in /etc/shadow")
  check.match("group", t.group, accounts.pattern, "a group's name")
  for _, name in ipairs(t.groups or {}) do check.match("groups", name, accounts.pattern, "a group's name") end
  if t.groups then
    t.groups = tables.merge(t.groups)
    table.sort(t.groups)
  end
  return t
end

local function probe_all(rs)
  local names, hashes = {}, {}
  for _, r in ipairs(rs) do
    names[#names + 1] = r.name
    if r.password ~= nil then hashes[#hashes + 1] = r.name end
  end
  return accounts.show(names, hashes)
end

-- Only groups that the playbook names are looked at, unless it says that these are all.
local function groups_of(found, r)
  if not check.known(r.groups) then return nil end
  local wanted, list = {}, {}
  for _, name in ipairs(r.groups) do wanted[name] = true end
  for name, group in pairs(found.groups) do
    if group.members[r.name] and (wanted[name] or r.exclusive) then list[#list + 1] = name end
  end
  table.sort(list)
  return list
end

local function read_all(out, rs)
  local found, have = accounts.parse(out), {}
  for _, r in ipairs(rs) do
    local user = found.users[r.name]
    if user then
      have[r.name] = {
        uid = user.uid, group = found.names_of[user.gid] or user.gid, groups = groups_of(found, r), comment = user.comment, home = user.home,
        shell = user.shell, password = user.password, system = r.system, create_home = r.create_home, exclusive = r.exclusive,
      }
    end
  end
  return have
end

-- Options that useradd and usermod share. `have` holds what is so already.
local function options(r, have)
  local list = {}
  local function option(flag, attribute)
    if r[attribute] == nil or r[attribute] == have[attribute] then return end
    list[#list + 1] = flag
    list[#list + 1] = math.type(r[attribute]) and tostring(math.tointeger(r[attribute])) or r[attribute]
  end
  option("-u", "uid")
  option("-g", "group")
  option("-c", "comment")
  option("-d", "home")
  option("-s", "shell")
  return list
end

-- busybox can make a user, and put it into groups; it cannot change one.
local function create(r)
  local bb = {}
  local function option(flag, value)
    if value then bb[#bb + 1], bb[#bb + 2] = flag, tostring(value) end
  end
  option("-u", r.uid and math.tointeger(r.uid))
  option("-G", r.group)
  option("-g", r.comment)
  option("-h", r.home)
  option("-s", r.shell)
  local values = { options = options(r, {}), bb = bb, name = r.name, system = r.system and { "-r" } or {}, bb_system = r.system and { "-S" } or {},
                   home = r.create_home == false and { "-M" } or { "-m" }, bb_home = r.create_home == false and { "-H" } or {} }
  return sh([[
if command -v useradd >/dev/null; then useradd {home} {system} {options} -- {name}
else adduser -D {bb_home} {bb_system} {bb} {name}; fi]], values)
end

local function change(r)
  local list = options(r, r.have)
  if #list == 0 then return "" end
  return sh([[
command -v usermod >/dev/null || {{ echo 'there is no usermod on the node to change a user with (package shadow)' >&2; exit 1; }}
usermod {options} -- {name}]], { options = list, name = r.name })
end

local function join_groups(r)
  local lines, before, wanted = {}, {}, {}
  for _, name in ipairs(r.have and r.have.groups or {}) do before[name] = true end
  for _, name in ipairs(r.groups or {}) do
    wanted[name] = true
    if not before[name] then
      lines[#lines + 1] = sh("if command -v usermod >/dev/null; then usermod -a -G {group} -- {name}; else addgroup {name} {group}; fi",
        { group = name, name = r.name })
    end
  end
  for name in pairs(before) do
    if not wanted[name] and r.exclusive then
      lines[#lines + 1] = sh("if command -v gpasswd >/dev/null; then gpasswd -d {name} {group} >/dev/null; else delgroup {name} {group}; fi",
        { group = name, name = r.name })
    end
  end
  return sh.join(lines)
end

return resource "user" {
  doc    = "A user account.",
  name   = { doc = "the user's name", pattern = accounts.pattern },
  schema = {
    uid         = { "int", doc = "its number; any free one when not set" },
    group       = { "string", doc = "the primary group, by name" },
    groups      = { "list", of = "string", doc = "further groups the user is in" },
    exclusive   = { "bool", write_only = true, doc = "`groups` are all: the user leaves others" },
    comment     = { "string", doc = "the full name" },
    home        = { "string", doc = "the home directory" },
    shell       = { "string", doc = "the login shell" },
    password    = { "string", sensitive = true, doc = "the hash, as in /etc/shadow ('!' = no login by password)" },
    system      = { "bool", write_only = true, doc = "numbered among the system's users when it is made" },
    create_home = { "bool", write_only = true, doc = "make the home directory when the user is made; true when not set" },
    created     = origin.row,
  },
  many      = tables.names,
  normalise = normalise,
  probe_all = probe_all,
  read_all  = read_all,

  apply = function(r)
    return sh.join {
      r.have and change(r) or create(r),
      join_groups(r),
      -- On stdin: a process's arguments can be read by anybody.
      r.password and sh("printf '%s:%s\\n' {name} {hash} | chpasswd -e", { name = r.name, hash = r.password }) or "",
    }
  end,

  result = function(_, r) return origin.result(r) end,

  -- The home directory stays: what is in it is not ours.
  remove = function(r)
    if not origin.removable(r) then return nil end
    return sh("if command -v userdel >/dev/null; then userdel -- {name}; else deluser {name}; fi", { name = r.name })
  end,
}
