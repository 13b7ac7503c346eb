-- Reading what lies in the file system: one stat for all paths, one sha256sum for those that need it, and the content of small files that differ.
local sh = require "sh"

local stat = {}

-- %y and %z (change times) carry nanoseconds in coreutils and in busybox; whoever writes to a file changes %z and cannot set it back.
local functions = ([[
# h_stat PATH...: a line for each that exists. The lines stay in _stat.
h_stat() {
  _stat=$(stat -c 'TAB%nTAB%i %s %y %zTAB%f %u %g %U %GTAB' -- "$@" 2>/dev/null)
  [ $? -lt 126 ] || echo '!stat'
  printf '%s\n' "$_stat"
}
# h_hash (PATH STAT)...: the sha256 of those regular files whose stat is not STAT.
h_hash() {
  _n=$#
  while [ "$_n" -gt 0 ]; do
    case $_stat in
      *"TAB$1TAB$2TAB"*) ;;
      *) if [ -f "$1" ] && ! [ -L "$1" ]; then set -- "$@" "$1"; fi ;;
    esac
    shift 2; _n=$((_n - 2))
  done
  _hash=
  [ $# -gt 0 ] || return 0
  _hash=$(sha256sum -- "$@" 2>/dev/null)
  [ $? -lt 126 ] || echo '!sha256sum'
  printf '%s\n' "$_hash"
}
# h_content (PATH SHA256)...: the content of those that h_hash found to be something else, up to 64 KiB each and 512 KiB in all.
h_content() {
  _left=${_left-524288}
  while [ $# -gt 0 ]; do
    case "$_hash
" in
      *"$2  $1
"*) ;;
      *"  $1
"*)
        _n=${_stat#*"TAB$1TAB"}; _n=${_n#* }; _n=${_n%% *}
        if [ "$_n" -le 65536 ] && [ "$_n" -le "$_left" ]; then
          _left=$((_left - _n))
          printf '#%s\n' "$1"
          base64 < "$1"
        fi ;;
    esac
    shift 2
  done
}
]]):gsub("TAB", "\t")
sh.prelude(functions)

local kinds = { [1] = "fifo", [2] = "character device", [4] = "directory", [6] = "block device", [8] = "file", [10] = "link", [12] = "socket" }

local function parse_stat(line, into)
  local path, stamp, bits, uid, gid, owner, group = line:match("^\t([^\t]+)\t([^\t]+)\t(%x+) (%d+) (%d+) (%S+) (%S+)\t$")
  if not path then return end
  local raw = tonumber(bits, 16)
  into[path] = {
    stat = stamp, kind = kinds[raw >> 12] or "something", mode = ("%04o"):format(raw & 4095),
    uid = uid, gid = gid, owner = owner, group = group, size = math.tointeger(tonumber(stamp:match("^%d+ (%d+)"))),
  }
end

-- sha256sum marks a name that holds a backslash by one before the line and doubles it.
local function parse_hash(line, into)
  local escaped, digits, path = line:match("^(\\?)(%x+)  (/.*)$")
  if not digits or #digits ~= 64 then return end
  if escaped ~= "" then path = path:gsub("\\\\", "\\") end
  if into[path] then into[path].sha256 = digits end
end

-- What the three functions printed: path -> { kind, mode, uid, gid, owner, group, size, stat, sha256, content }.
function stat.parse(out)
  local found, content, parts = {}, nil, nil
  local function finish(complete)
    if content and complete and found[content] then found[content].content = base64.decode(table.concat(parts)) end
    content, parts = nil, nil
  end
  for _, line in ipairs(out.lines) do
    local tool = line:match("^!(.*)$")
    if tool then slipway.fail("the node has no " .. tool) end
    if line:find("^#/") then
      finish(true)
      content, parts = line:sub(2), {}
    elseif content then
      parts[#parts + 1] = line
    elseif line:find("^\t") then
      parse_stat(line, found)
    else
      parse_hash(line, found)
    end
  end
  finish(not out.truncated)
  return found
end

-- A fragment that prints the stamp as its last line, for `result` and for nobody's eyes.
function stat.stamp(path)
  return sh("echo ::result; stat -c '%i %s %y %z' -- {path}", { path = path })
end

return stat
