local resource, sh = require "resource", require "sh"
local check, edit = require "host/lib/check", require "host/lib/edit"
local origin, tables = require "host/lib/origin", require "host/lib/tables"

local KINDS = "^ssh%-%w+$|^ecdsa%-sha2%-nistp%d+$|^sk%-ssh%-ed25519@openssh%.com$|^sk%-ecdsa%-sha2%-nistp256@openssh%.com$|^rsa%-sha2%-%d+$"

local function is_kind(word)
  for pattern in KINDS:gmatch("[^|]+") do
    if word:find(pattern) then return true end
  end
  return false
end

-- The base64 part: what makes it this key. Options before and a comment after it may differ.
local function blob_of(key)
  if not check.known(key) then return nil end
  local previous = ""
  for word in key:gmatch("%S+") do
    if is_kind(previous) and word:find("^AAAA[%w+/]+=*$") then return word end
    previous = word
  end
  return nil
end

local function normalise(want)
  check.account("user", want.user)
  check.line("key", want.key)
  if want.key and not blob_of(want.key) then slipway.fail("key: expected a public key as in ~/.ssh/authorized_keys ('ssh-ed25519 AAAA... comment')") end
  local t = tables.merge(want)
  t.key = t.key and t.key:match("^%s*(.-)%s*$")
  return t
end

-- ~name is expanded by the shell only where it is written out, so the name (held to letters and digits) goes through eval.
sh.prelude [[
# h_home USER: the home directory in _home.
h_home() {
  eval "_home=~$1"
  case $_home in "~"*) echo "there is no user $1" >&2; return 1 ;; esac
}
h_key() { h_home "$1" 2>/dev/null && LC_ALL=C grep -asF -e "$2" -- "$_home/.ssh/authorized_keys"; }
# h_key_file USER: opens the user's file for editing. What lies in a user's own directory may be a link to anywhere, so links are refused.
h_key_file() {
  h_home "$1" || return
  for _a in "$_home/.ssh" "$_home/.ssh/authorized_keys"; do
    ! [ -L "$_a" ] || { echo "$_a is a link: not followed" >&2; return 1; }
  done
  if ! [ -d "$_home/.ssh" ]; then
    mkdir -m 0700 -- "$_home/.ssh" && chown -- "$1:" "$_home/.ssh" || return
  fi
  h_edit "$_home/.ssh/authorized_keys" 0600 && chown -- "$1:" "$_tmp" || h_drop
}
]]

local function edit_keys(r, fragment)
  return sh.join { sh("h_key_file {user}", { user = r.user }), fragment, "h_save" }
end

local function numbers(r)
  return sh([[LC_ALL=C grep -anF -e {blob} < "$_path" 2>/dev/null | h_numbers '']], { blob = blob_of(r.key) })
end

return resource "authorized_key" {
  doc    = "A public key in a user's ~/.ssh/authorized_keys.",
  name   = { doc = "whose key it is", pattern = "^[^%c]+$" },
  schema = {
    user    = { "string", default = "root", immutable = true, doc = "whom it lets in" },
    key     = { "string", required = true, doc = "the line: options, type, key, comment" },
    created = origin.row,
  },
  normalise = normalise,

  probe_all = function(rs)
    local fragments = {}
    for i, r in ipairs(rs) do
      local blob = blob_of(r.key)
      if blob and check.known(r.user) then
        check.account("user", r.user)
        fragments[#fragments + 1] = sh("echo {tag}; h_key {user} {blob}", { tag = "#" .. i, user = r.user, blob = blob })
      end
    end
    return sh.join(fragments)
  end,

  read_all = function(out, rs)
    local have, current = {}, nil
    for _, line in ipairs(out.lines) do
      local i = line:match("^#(%d+)$")
      if i then
        current = rs[math.tointeger(tonumber(i))]
      elseif current and blob_of(line) == blob_of(current.key) and not line:find("^%s*#") then
        have[current.name] = { user = current.user, key = line }
      end
    end
    return have
  end,

  apply  = function(r) return edit_keys(r, edit.set(r.key, numbers(r))) end,
  result = function(_, r) return origin.result(r) end,
  remove = function(r)
    if not origin.removable(r) then return nil end
    -- With the user went the key.
    return sh("if h_home {user} 2>/dev/null; then\n", { user = r.user }) .. edit_keys(r, edit.delete(numbers(r))) .. "\nfi"
  end,
}
