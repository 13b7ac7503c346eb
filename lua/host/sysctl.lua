local resource, sh = require "resource", require "sh"
local check, tables, texts = require "host/lib/check", require "host/lib/tables", require "host/lib/texts"

-- "net.ipv4.ip_forward", or "net/ipv4/conf/eth0.100/forwarding" where a name of its own holds a dot: sysctl(8) knows both.
local function key_path(name)
  return "/proc/sys/" .. (name:find("/", 1, true) and name or name:gsub("%.", "/"))
end

local function file_path(name)
  return "/etc/sysctl.d/90-slipway-" .. name:gsub("/", ".") .. ".conf"
end

-- The kernel prints several numbers with tabs between them.
local function words(text)
  return (text:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", ""))
end

local function normalise(want, name)
  local t = tables.merge(want)
  if ("/" .. name .. "/"):find("/../", 1, true) then slipway.fail("a parameter's name, not a path") end
  if t.value ~= nil then
    check.line("value", t.value)
    if type(t.value) == "boolean" then t.value = t.value and 1 or 0 end
    t.value = words(tostring(t.value))
    t.at_boot = t.value
  end
  return t
end

local function paths_of(rs)
  local paths = {}
  for _, r in ipairs(rs) do
    paths[#paths + 1] = key_path(r.name)
    paths[#paths + 1] = file_path(r.name)
  end
  return paths
end

-- One process for all. The shell's own `read` will not do: it takes a byte at a time, and the kernel gives numbers to the first read only.
local function probe_all(rs)
  return texts.show(paths_of(rs))
end

local function read_all(out, rs)
  local found, have = texts.parse(out.lines, paths_of(rs)), {}
  for _, r in ipairs(rs) do
    local running, file = found[key_path(r.name)], found[file_path(r.name)]
    if file then
      local key, value = file:match("^([^=]-) = (.*)\n$")
      have[r.name] = { value = running and words(running) or "", at_boot = key == r.name and words(value) or words(file) }
    end
  end
  return have
end

return resource "sysctl" {
  doc    = "A kernel parameter: the running value, and the same in /etc/sysctl.d for the next boot.",
  name   = { doc = "the parameter, net.ipv4.ip_forward", pattern = "^[%w_][%w_.*:@/-]*$" },
  schema = {
    value   = { "any", required = true, doc = "text, number or boolean" },
    at_boot = { "string", doc = "the value in /etc/sysctl.d/90-slipway-NAME.conf; follows from `value`" },
  },
  -- h:sysctl { ["net.ipv4.ip_forward"] = 1 }
  many = function(t) return tables.values(t, "value") end,
  normalise = normalise,
  probe_all = probe_all,
  read_all  = read_all,
  apply = function(r)
    return sh([[
[ -e {key} ] || {{ echo 'this kernel has no such parameter (is the module that brings it loaded?)' >&2; exit 1; }}
printf '%s\n' {value} > {key}
mkdir -p /etc/sysctl.d
umask 022
printf '%s = %s\n' {name} {value} > {file}]],
      { key = key_path(r.name), file = file_path(r.name), name = r.name, value = r.value })
  end,
  -- The value that was there before is not known; it comes back with the next boot.
  remove = function(r) return sh("rm -f -- {file}", { file = file_path(r.name) }) end,
}
