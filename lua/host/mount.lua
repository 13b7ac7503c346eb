local resource, sh = require "resource", require "sh"
local check, edit = require "host/lib/check", require "host/lib/edit"
local origin, tables = require "host/lib/origin", require "host/lib/tables"

-- fstab and /proc/mounts write blanks and backslashes in octal.
local function encode(text)
  return (text:gsub("[ \t\\]", function(c) return ("\\%03o"):format(c:byte()) end))
end

local function decode(text)
  return (text:gsub("\\([0-7][0-7][0-7])", function(digits) return string.char(tonumber(digits, 8)) end))
end

local function options_of(r)
  if type(r.options) == "table" then return table.concat(r.options, ",") end
  return r.options or "defaults"
end

local function normalise(want)
  local t = tables.merge(want)
  for _, name in ipairs { "source", "type" } do check.match(name, t[name], "^[^%c]+$", "one line") end
  t.options = options_of(t)
  check.match("options", t.options, "^%S+$", "options with commas between them, no blanks")
  return t
end

-- One awk: the lines about our mount points in fstab and among what is mounted.
local program = [[BEGIN { n = split(ENVIRON["SLIPWAY_POINTS"], p, "\n"); for (i = 1; i <= n; i++) { k = p[i]; want[k] = 1 } }
$1 !~ /^#/ && ($2 in want) { print (FILENAME ~ /^\/proc/ ? "now" : "boot"), $1, $2, $3, $4, $5 + 0, $6 + 0 }]]

local function probe_all(rs)
  local points = {}
  for _, r in ipairs(rs) do points[#points + 1] = encode(r.name) end
  return sh("[ -e /etc/fstab ] && _f=/etc/fstab || _f=/dev/null; SLIPWAY_POINTS={points} awk {program} /proc/mounts $_f",
    { points = table.concat(points, "\n"), program = program })
end

local function read_all(out, rs)
  local now, boot = {}, {}
  for _, line in ipairs(out.lines) do
    local where, source, point, kind, options, dump, pass = line:match("^(%a+) (%S+) (%S+) (%S+) (%S+) (%d+) (%d+)$")
    if where == "now" then
      now[decode(point)] = true  -- of several, the last lies on top
    elseif where then
      boot[decode(point)] = { source = decode(source), type = kind, options = options, dump = tonumber(dump), pass = tonumber(pass) }
    end
  end
  local have = {}
  for _, r in ipairs(rs) do
    local entry = boot[r.name]
    if entry then
      entry.mounted = now[r.name] or false
      have[r.name] = entry
    end
  end
  return have
end

local function entry_numbers(r)
  return sh([[SLIPWAY_POINT={point} awk '$1 !~ /^#/ && $2 == ENVIRON["SLIPWAY_POINT"] {{ print NR }}' < "$_path"]], { point = encode(r.name) })
end

return resource "mount" {
  doc    = "A file system: its entry in /etc/fstab, and mounted.",
  name   = { doc = "the mount point", pattern = "^/[^%c]*$" },
  schema = {
    source  = { "string", required = true, doc = "device, UUID=..., server:/path" },
    type    = { "string", required = true, doc = "ext4, xfs, nfs, tmpfs, ..." },
    options = { "any", default = "defaults", doc = "as in fstab, or a list of them" },
    dump    = { "int", default = 0, doc = "fstab's fifth field" },
    pass    = { "int", default = 0, doc = "fstab's sixth field: order of the check at boot" },
    mounted = { "bool", default = true, doc = "mounted now" },
    created = origin.row,
  },
  normalise = normalise,
  probe_all = probe_all,
  read_all  = read_all,
  apply = function(r)
    local have, point = r.have or {}, { point = r.name }
    local line = table.concat({ encode(r.source), encode(r.name), r.type, r.options, tostring(r.dump), tostring(r.pass) }, " ")
    local remount = have.mounted and (have.source ~= r.source or have.type ~= r.type)
    local reoption = have.mounted and not remount and have.options ~= r.options
    return sh.join {
      sh("[ -d {point} ] || (umask 022; mkdir -p -- {point})", point),
      edit.file("/etc/fstab", { edit.set(line, entry_numbers(r)) }),
      "[ ! -d /run/systemd/system ] || systemctl daemon-reload",  -- it makes units from fstab
      (remount or (have.mounted and not r.mounted)) and sh("umount -- {point}", point) or "",
      reoption and r.mounted and sh("mount -o remount -- {point}", point) or "",
      r.mounted and (remount or not have.mounted) and sh("grep -qF -- {word} /proc/mounts || mount -- {point}",
        { word = " " .. encode(r.name) .. " ", point = r.name }) or "",
    }
  end,
  result = function(_, r) return origin.result(r) end,
  remove = function(r)
    if not origin.removable(r) then return nil end
    return sh.join {
      sh("! grep -qF -- {word} /proc/mounts || umount -- {point}", { word = " " .. encode(r.name) .. " ", point = r.name }),
      edit.file("/etc/fstab", { edit.delete(entry_numbers(r)) }),
      "[ ! -d /run/systemd/system ] || systemctl daemon-reload",
    }
  end,
}
