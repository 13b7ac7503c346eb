local resource, sh = require "resource", require "sh"
local check, edit, tables = require "host/lib/check", require "host/lib/edit", require "host/lib/tables"

local function normalise(want, name)
  local t = tables.merge(want)
  t.path = t.path or name
  check.path("path", t.path)
  check.line("marker", t.marker)
  if t.marker and not t.marker:find("{mark}", 1, true) then slipway.fail("marker: must hold {mark}, which becomes BEGIN and END") end
  -- How a secret ends cannot be seen: better an empty line than none to end it.
  t.block = slipway.is_secret(t.block) and t.block .. "\n" or check.ended(t.block)
  return t
end

local function path_of(r)
  return check.known(r.path) and r.path or r.name
end

local function marks(r)
  local marker = check.known(r.marker) and r.marker or ("# {mark} slipway: " .. r.name)
  local function mark(word) return (marker:gsub("{mark}", word)) end
  return mark("BEGIN"), mark("END")
end

-- One awk for all. Arguments come in threes: file, first and last line of the block. "/." before a path keeps gawk from seeing a special file in it.
local program = [[
BEGIN {
  for (i = 1; i + 2 < ARGC; i += 3) {
    print "#" (i + 2) / 3
    inside = 0
    while ((getline line < ARGV[i]) > 0) {
      if (line "" == ARGV[i + 1] "") { inside = 1; text = ""; continue }
      if (inside && line "" == ARGV[i + 2] "") { printf "%s", text; print "#end"; break }
      if (inside) text = text ">" line "\n"
    }
    close(ARGV[i])
    if (inside == 1 && line "" != ARGV[i + 2] "") print "#open"
  }
}]]

local function probe_all(rs)
  local arguments = {}
  for _, r in ipairs(rs) do
    local first, last = marks(r)
    local path = check.may_look(r, { "path", "marker" }) and path_of(r) or "/dev/null"
    for _, word in ipairs { "/." .. path, first, last } do arguments[#arguments + 1] = word end
  end
  return sh("LC_ALL=C awk {program} {arguments}", { program = program, arguments = arguments })
end

local function read_all(out, rs)
  local have, current, text = {}, nil, nil
  for _, line in ipairs(out.lines) do
    local i = line:match("^#(%d+)$")
    if i then
      current, text = rs[math.tointeger(tonumber(i))], {}
    elseif line == "#end" or line == "#open" then
      local block = line == "#end" and table.concat(text) or "(a block without its last line)"
      have[current.name] = tables.merge({ path = path_of(current), block = check.shown(block, current, "block") }, tables.pick(current, { "marker", "create" }))
    else
      text[#text + 1] = line:sub(2) .. "\n"
    end
  end
  return have
end

sh.prelude [[
# h_block FIRST LAST TEXT: TEXT in place of the lines from FIRST to LAST of _path, or after its end.
h_block() {
  _a=$(LC_ALL=C grep -anxF -e "$1" < "$_path" 2>/dev/null | head -n 1); _a=${_a%%:*}
  [ -n "$_a" ] || { [ -z "$3" ] || h_append "$3"; return; }
  _b=$(tail -n "+$_a" < "$_path" | LC_ALL=C grep -anxF -e "$2" | head -n 1); _b=${_b%%:*}
  [ -n "$_b" ] || { printf '%s\n' "$_path: line $_a begins the block, but '$2' is missing" >&2; h_drop; return; }
  {
    head -n $((_a - 1)) < "$_path"
    [ -z "$3" ] || printf '%s\n' "$3"
    tail -n "+$((_a + _b))" < "$_path"
  } > "$_tmp" || h_drop
}
]]

local function block(r, text)
  local first, last = marks(r)
  local whole = text and first .. "\n" .. text .. last or ""
  return sh("h_block {first} {last} {text}", { first = first, last = last, text = whole })
end

return resource "block_in_file" {
  doc    = "Some lines of a file on a node, between two marker lines.",
  name   = { doc = "what the block is for, or the file's path", pattern = "^[^%c]+$" },
  schema = {
    path   = { "string", doc = "the file; the resource's name when not set" },
    block  = { "string", required = true, doc = "the lines" },
    marker = { "string", immutable = true, doc = "the marker lines; {mark} becomes BEGIN and END. Default: # {mark} slipway: NAME" },
    create = { "bool", default = true, doc = "make the file when there is none" },
  },
  normalise = normalise,
  probe_all = probe_all,
  read_all  = read_all,
  apply = function(r)
    local must_exist = sh("[ -e {path} ] || {{ echo 'there is no such file, and create = false' >&2; exit 1; }}", { path = r.path })
    return sh.join { r.create == false and must_exist or "", edit.file(r.path, { block(r, r.block) }) }
  end,
  remove = function(r)
    local path = r.path or r.name
    return sh.join { sh("[ -e {path} ] || exit 0", { path = path }), edit.file(path, { block(r, nil) }) }
  end,
}
