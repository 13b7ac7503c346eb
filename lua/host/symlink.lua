local resource, sh = require "resource", require "sh"
local check, origin = require "host/lib/check", require "host/lib/origin"
require "host/lib/place"

-- h_links PATH...: 1 or 0 (exists, not a link) or - for each, then the targets of the links. coreutils' readlink takes them all at once, busybox's one.
sh.prelude [[
h_links() {
  _n=$#
  while [ "$_n" -gt 0 ]; do
    if [ -L "$1" ]; then echo 1; set -- "$@" "$1"; elif [ -e "$1" ]; then echo 0; else echo -; fi
    shift; _n=$((_n - 1))
  done
  [ $# -gt 0 ] || return 0
  readlink -- "$@" 2>/dev/null && return
  for _n; do readlink -- "$_n"; done
}
]]

return resource "symlink" {
  doc    = "A symbolic link on a node.",
  name   = { doc = "the link's path", pattern = "^/[^%c]*[^/%c]$" },
  schema = {
    target  = { "string", required = true, doc = "what the link points to; need not exist" },
    created = origin.row,
  },
  normalise = function(want)
    check.match("target", want.target, "^[^%c]+$", "a path")
    return want
  end,

  probe_all = function(rs)
    local paths = {}
    for _, r in ipairs(rs) do paths[#paths + 1] = r.name end
    return sh("h_links {paths}", { paths = paths })
  end,

  read_all = function(out, rs)
    local have, next_target = {}, #rs + 1
    for i, r in ipairs(rs) do
      if out.lines[i] == "1" then
        have[r.name] = { target = out.lines[next_target] }
        next_target = next_target + 1
      elseif out.lines[i] == "0" then
        have[r.name] = { target = "(not a link)" }
      end
    end
    return have
  end,

  -- A link beside it, renamed: at no time is there none. A file in its place is replaced, a directory is not.
  apply = function(r)
    return sh.join {
      sh("h_room {path}", { path = r.name }),
      sh('_tmp=$(mktemp -d "$_dir/.slipway.XXXXXX")', {}),
      sh('ln -s -- {target} "$_tmp/link" || h_drop', { target = r.target }),
      sh('[ ! -L {path} ] || [ ! -d {path} ] || rm -f -- {path}', { path = r.name }),
      sh('mv -f -- "$_tmp/link" {path} || h_drop', { path = r.name }),
      'rmdir -- "$_tmp"',
    }
  end,

  result = function(_, r) return origin.result(r) end,
  remove = function(r)
    if not origin.removable(r) then return nil end
    return sh("if [ -L {path} ]; then rm -f -- {path}; fi", { path = r.name })
  end,
}
