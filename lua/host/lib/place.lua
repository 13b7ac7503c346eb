-- Putting files in place: written beside their destination under a name and rights of their own, then renamed, so that nobody ever reads half
-- a file or one with the wrong rights.
local sh = require "sh"

local place = {}

sh.prelude [[
# h_room PATH: is there a directory to put it in, and no directory in its place?
h_room() {
  _dir=${1%/*}; : "${_dir:=/}"
  [ -d "$_dir" ] || { printf '%s\n' "$_dir: no such directory (declare it with h:directory before this)" >&2; return 1; }
  [ -L "$1" ] || ! [ -d "$1" ] || { printf '%s\n' "$1: is a directory" >&2; return 1; }
}
# h_new PATH: an empty file beside PATH that only root can read; its name in _tmp.
h_new() { h_room "$1" && _tmp=$(mktemp "${_dir%/}/.slipway.XXXXXX"); }
h_drop() { rm -rf -- "$_tmp"; return 1; }
# h_put PATH MODE OWNER: _tmp becomes PATH. OWNER may be empty. chown first: it clears the set-user-ID bit.
h_put() {
  { [ -z "$3" ] || chown -- "$3" "$_tmp"; } && chmod -- "$2" "$_tmp" && h_rename "$1" || h_drop
}
# mv would move into a directory that a link points to.
h_rename() {
  { ! [ -L "$1" ] || ! [ -d "$1" ] || rm -f -- "$1"; } && mv -f -- "$_tmp" "$1" && h_label "$1"
}
h_label() {
  [ ! -e /sys/fs/selinux/enforce ] || ! command -v restorecon >/dev/null || restorecon -- "$1"
}
]]

-- Text without control characters can stand in the script as it is and costs no process; the rest goes as base64.
local function is_plain(bytes)
  return #bytes <= 64 * 1024 and utf8.len(bytes) ~= nil and not bytes:find("[\0\1-\8\11-\31\127]")
end

-- Is it small enough for the script? Secrets cannot be measured; they are.
function place.fits(bytes)
  return slipway.is_secret(bytes) or #bytes <= 128 * 1024
end

-- A fragment that writes `bytes` to $_tmp.
function place.write(bytes)
  local secret = slipway.is_secret(bytes)
  if not secret and is_plain(bytes) then return sh([[printf '%s' {bytes} > "$_tmp" || h_drop]], { bytes = bytes }) end
  local text = base64.encode(bytes)
  if not secret then text = text:gsub(("."):rep(76), "%0\n") end
  return [[base64 -d > "$_tmp" <<'SLIPWAY_END' || h_drop]] .. "\n" .. text .. "\nSLIPWAY_END"
end

-- A whole small file with rights: what cron, units and the like need.
function place.file(path, bytes, mode, owner)
  return sh.join {
    sh("h_new {path}", { path = path }),
    place.write(bytes),
    sh("h_put {path} {mode} {owner}", { path = path, mode = mode or "0644", owner = owner or "" }),
  }
end

-- The name beside `path` under which an upload waits for its step.
function place.staged(path)
  local directory = path:match("^(.*)/[^/]*$")
  return directory .. "/.slipway-" .. sha256(path):sub(1, 16)
end

return place
