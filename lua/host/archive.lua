local resource, sh = require "resource", require "sh"
local check, fetch, origin = require "host/lib/check", require "host/lib/fetch", require "host/lib/origin"
local tables = require "host/lib/tables"

-- h_unpack FILE TARGET STRIP. By its first bytes: not every tar finds out the compression by itself. -o keeps the packer's user ids out.
sh.prelude [[
h_unpack() {
  case $(od -An -tx1 -N6 < "$1" | tr -d ' \n') in
    504b0304*)
      [ "$3" = 0 ] || { echo "strip is for tar archives, and this is a zip" >&2; return 1; }
      command -v unzip >/dev/null || { echo "the node has no unzip" >&2; return 1; }
      unzip -oq "$1" -d "$2"
      return ;;
    1f8b*) _a=-z ;;
    425a68*) _a=-j ;;
    fd377a585a00) _a=-J ;;
    28b52ffd*) _a=--zstd ;;
    *) _a= ;;
  esac
  tar -x $_a -o -f "$1" -C "$2" --strip-components="$3"
}
]]

local function declare(t)
  if (t.url ~= nil) == (t.source ~= nil) and t.state ~= "absent" then slipway.fail("one of url and source is needed") end
  if t.source == nil then return t end
  local info = slipway.file_info(t.source, t.sha256)
  return tables.merge(t, { source = info.path, sha256 = info.sha256 })
end

local function normalise(want, name)
  local t = tables.merge(want)
  t.target = t.target or name
  check.path("target", t.target)
  for _, path in ipairs(tables.list(t.creates)) do check.path("creates", path) end
  fetch.url("url", t.url)
  t.sha256 = check.sha256("sha256", t.sha256)
  return t
end

local function proof(r)
  local paths = tables.list(r.creates)
  if #paths > 0 then return paths end
  return { check.known(r.target) and r.target or r.name }
end

return resource "archive" {
  doc    = "An archive (tar in any compression, zip) unpacked on a node.",
  name   = { doc = "what it is, or the directory to unpack into", pattern = "^[^%c]+$" },
  schema = {
    url     = { "string", doc = "where the node fetches it from" },
    source  = { "string", write_only = true, doc = "or: a local file to carry there" },
    sha256  = { "string", doc = "of the archive; checked before it is unpacked" },
    target  = { "string", doc = "the directory to unpack into, made when missing; the resource's name when not set" },
    creates = { "any", doc = "a path, or a list of paths, that it brings: unpacked again when one is missing" },
    strip   = { "int", default = 0, doc = "tar: leading directories to leave out of the names" },
    unpacked = { "bool", computed = true, doc = "it was unpacked to its end; a run that was killed meanwhile did not get to say so" },
    created = origin.row,
  },
  declare   = declare,
  normalise = normalise,

  -- Builtins only: is everything there that proves it was unpacked?
  probe = function(r)
    local tests = {}
    for _, path in ipairs(proof(r)) do
      if not check.known(path) then return "false" end
      tests[#tests + 1] = sh("[ -e {path} ]", { path = path })
    end
    return table.concat(tests, " && ")
  end,

  read = function(out, r)
    if not out.ok then return nil end
    local begun = r.prior ~= nil and not r.prior.unpacked
    if r.state ~= "absent" and (begun or (r.creates == nil and r.prior == nil)) then return nil end
    local have = tables.pick(r, { "source", "creates", "strip" })
    have.unpacked = true
    have.target = r.prior and r.prior.target or check.known(r.target) and r.target or r.name
    have.sha256 = r.prior and r.prior.sha256 or r.sha256
    have.url = r.prior and r.prior.url or r.url
    if r.sha256 ~= nil and have.sha256 == r.sha256 then have.url = r.url end
    return have
  end,

  apply = function(r)
    local values = { target = r.target, url = r.url, sha256 = r.sha256 or "", strip = r.strip or 0 }
    local open = sh([[
[ -d {target} ] || (umask 022; mkdir -p -- {target})]], values)
    local unpack = sh([[
h_unpack "$_tmp" {target} {strip} || h_drop
rm -f -- "$_tmp"]], values)
    local tests = {}
    for _, path in ipairs(tables.list(r.creates)) do
      tests[#tests + 1] = sh("[ -e {path} ] || {{ printf '%s\\n' {text} >&2; exit 1; }}", { path = path, text = "the archive did not bring " .. path })
    end
    if r.url then
      return sh.join { open, sh('_tmp=$(mktemp {target}/.slipway.XXXXXX)\nh_fetch {url} "$_tmp" {sha256} || h_drop', values), unpack, sh.join(tests) }
    end
    -- Its target may be made by a step of this very run; this directory is there, and root's.
    local staged = "/var/cache/.slipway-" .. sha256(r.target):sub(1, 16)
    return {
      uploads = { { path = staged, source = r.source, sha256 = r.sha256 } },
      script = sh.join { sh("_tmp={staged}", { staged = staged }), open, unpack, sh.join(tests) },
    }
  end,

  result = function(_, r) return tables.merge(origin.result(r), { unpacked = true }) end,

  -- What it brought is known by `creates` only; a target may hold other things, too.
  remove = function(r)
    if not origin.removable(r) then return nil end
    local paths = tables.list(r.creates)
    if #paths == 0 then
      if r.state ~= "absent" then return nil end
      paths = { r.target or r.name }
    end
    return sh("rm -rf -- {paths}", { paths = paths })
  end,
}
