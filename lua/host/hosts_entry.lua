local resource, sh = require "resource", require "sh"
local check, edit = require "host/lib/check", require "host/lib/edit"
local origin, tables = require "host/lib/origin", require "host/lib/tables"

local PATTERN = "^[%w_][%w_.-]*$"

local function normalise(want)
  check.match("address", want.address, "^[%x.:]+[%%%w]*$", "an IP address")
  for _, alias in ipairs(want.aliases or {}) do check.match("aliases", alias, PATTERN, "a host name") end
  return want
end

-- One awk over /etc/hosts for all entries: an entry is the line whose first name it is.
local program = [[BEGIN { n = split(ENVIRON["SLIPWAY_NAMES"], p, " "); for (i = 1; i <= n; i++) { k = p[i]; want[k] = 1 } }
$1 !~ /^#/ && ($2 in want) { sub(/#.*/, ""); $1 = $1; print }]]

local function probe_all(rs)
  local names = {}
  for _, r in ipairs(rs) do names[#names + 1] = r.name end
  return sh("[ ! -e /etc/hosts ] || SLIPWAY_NAMES={names} awk {program} /etc/hosts", { names = table.concat(names, " "), program = program })
end

local function read_all(out, rs)
  local entries = {}
  for _, line in ipairs(out.lines) do
    local address, name, rest = line:match("^(%S+) (%S+)%s*(.*)$")
    if address then
      local aliases = {}
      for alias in rest:gmatch("%S+") do aliases[#aliases + 1] = alias end
      local before = entries[name]
      -- Two lines for one name are not what was asked for: shown as such, and made one.
      entries[name] = { address = before and before.address .. ", " .. address or address, aliases = aliases }
    end
  end
  local have = {}
  for _, r in ipairs(rs) do have[r.name] = entries[r.name] end
  return have
end

local function numbers(r)
  return sh([[SLIPWAY_NAME={name} awk '$1 !~ /^#/ && $2 == ENVIRON["SLIPWAY_NAME"] {{ print NR }}' < "$_path"]], { name = r.name })
end

return resource "hosts_entry" {
  doc    = "A host's line in /etc/hosts.",
  name   = { doc = "the host's name", pattern = PATTERN },
  schema = {
    address = { "string", required = true, doc = "its IP address" },
    aliases = { "list", of = "string", default = {}, doc = "further names" },
    created = origin.row,
  },
  -- h:hosts_entry { ["api.example.org"] = "192.0.2.1", n1 = n1.address }
  many = function(t) return tables.values(t, "address") end,
  normalise = normalise,
  probe_all = probe_all,
  read_all  = read_all,
  apply = function(r)
    local line = r.address .. "\t" .. r.name
    for _, alias in ipairs(r.aliases or {}) do line = line .. " " .. alias end
    return edit.file("/etc/hosts", { edit.set(line, numbers(r)) })
  end,
  result = function(_, r) return origin.result(r) end,
  remove = function(r)
    if not origin.removable(r) then return nil end
    return edit.file("/etc/hosts", { edit.delete(numbers(r)) })
  end,
}
