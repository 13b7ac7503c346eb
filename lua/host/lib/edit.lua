-- Editing a file that others own, too: what is not touched stays byte for byte, its rights stay, and it changes in one step.
local sh = require "sh"
require "host/lib/place"

local edit = {}

-- A link to the file is followed: /etc/hosts may well be one, and the file it names is meant.
sh.prelude [[
# h_edit PATH [MODE]: a copy of PATH in _tmp, or an empty file with MODE when there is none.
h_edit() {
  _path=$1
  if [ -L "$1" ]; then _path=$(readlink -f -- "$1") || return; fi
  h_new "$_path" || return
  if [ -e "$_path" ]; then cp -p -- "$_path" "$_tmp" || h_drop; else chmod -- "${2:-0644}" "$_tmp" || h_drop; fi
}
h_save() { h_rename "$_path" || h_drop; }
# h_append TEXT: after the last line, which is ended first where its newline is missing.
h_append() {
  { ! [ -s "$_tmp" ] || [ -z "$(tail -c 1 "$_tmp")" ] || echo >> "$_tmp"; } && printf '%s\n' "$1" >> "$_tmp" || h_drop
}
# h_numbers SUFFIX: "3:text" lines on stdin become one sed script that does SUFFIX to each of these lines.
h_numbers() { sed "s/:.*/$1/"; }
# h_sed SCRIPT: _path, edited, into _tmp. An empty script changes nothing. It may hold a secret, so it is no argument.
h_sed() { ! [ -e "$_path" ] || printf '%s\n' "$1" | LC_ALL=C sed -f - -- "$_path" > "$_tmp" || h_drop; }
# h_set TEXT NUMBER...: the first of the lines becomes TEXT, the others go; TEXT is appended when there are none.
h_set() {
  _text=$1
  shift
  [ $# -gt 0 ] || { h_append "$_text"; return; }
  _sed="$1s/.*/$(printf '%s\n' "$_text" | sed 's/[\\/&]/\\&/g')/"
  shift
  for _n; do _sed="$_sed;${_n}d"; done
  h_sed "$_sed"
}
# h_delete NUMBER...
h_delete() {
  _sed=
  for _n; do _sed="$_sed${_n}d;"; done
  h_sed "$_sed"
}
]]

-- Fragments that edit `path`: opened before, saved after.
function edit.file(path, fragments, mode)
  local all = { sh("h_edit {path} {mode}", { path = path, mode = mode or "0644" }) }
  for _, fragment in ipairs(fragments) do all[#all + 1] = fragment end
  all[#all + 1] = "h_save"
  return sh.join(all)
end

-- `numbers` is a shell command that prints the numbers of the lines that are the entry now.
function edit.set(text, numbers)
  return sh("h_set {text} ", { text = text }) .. "$(" .. numbers .. ")"
end

function edit.delete(numbers)
  return "h_delete $(" .. numbers .. ")"
end

return edit
