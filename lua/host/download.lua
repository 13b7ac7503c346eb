local resource, sh = require "resource", require "sh"
local check, fetch, origin = require "host/lib/check", require "host/lib/fetch", require "host/lib/origin"
local rights, stat, tables = require "host/lib/rights", require "host/lib/stat", require "host/lib/tables"
require "host/lib/place"

local function normalise(want, name)
  local t = rights.normalise(tables.merge(want))
  t.target = t.target or name
  check.path("target", t.target)
  fetch.url("url", t.url)
  t.sha256 = check.sha256("sha256", t.sha256)
  return t
end

local function target_of(r)
  return check.known(r.target) and r.target or r.name
end

local function probe_all(rs)
  local paths, hashes = {}, {}
  for _, r in ipairs(rs) do
    paths[#paths + 1] = target_of(r)
    if check.known(r.sha256) then
      hashes[#hashes + 1] = target_of(r)
      hashes[#hashes + 1] = r.prior and tables.equal(r.prior.sha256, r.sha256) and r.prior.stat or "-"
    end
  end
  return sh.join { sh("h_stat {paths}", { paths = paths }), #hashes > 0 and sh("h_hash {hashes}", { hashes = hashes }) or "" }
end

local function read_all(out, rs)
  local found, have = stat.parse(out), {}
  for _, r in ipairs(rs) do
    local one = found[target_of(r)]
    if one then
      local t = rights.have(one, r)
      t.stat, t.target = one.stat, target_of(r)
      -- The hash decides where there is one. Without, what was fetched from the same place is taken for the same.
      t.sha256 = one.kind ~= "file" and "(a " .. one.kind .. ")" or one.sha256 or (r.prior and r.prior.sha256)
      t.url = (r.sha256 and t.sha256 == r.sha256 or r.prior == nil) and r.url or r.prior and r.prior.url or r.url
      have[r.name] = t
    end
  end
  return have
end

return resource "download" {
  doc    = "A file that the node fetches from the network.",
  name   = { doc = "what it is, or the file's path", pattern = "^[^%c]+$" },
  schema = tables.merge(rights.rows, {
    url     = { "string", required = true, doc = "http or https" },
    sha256  = { "string", doc = "of the file; checked before it is put in place. Without it a change behind the URL goes unseen" },
    target  = { "string", doc = "where it goes; the resource's name when not set" },
    stat    = { "string", computed = true, doc = "inode, size and times when the hash was known" },
    created = origin.row,
  }),
  normalise = normalise,
  probe_all = probe_all,
  read_all  = read_all,

  apply = function(r)
    local have = r.have or {}
    if r.have and tables.equal(have.url, r.url) and (r.sha256 == nil or have.sha256 == r.sha256) and not r.triggered then
      local owner = rights.chown(r)
      return sh.join {
        owner ~= "" and sh("chown -- {owner} {path}", { owner = owner, path = r.target }) or "",
        r.mode and sh("chmod -- {mode} {path}", { mode = r.mode, path = r.target }) or "",
        stat.stamp(r.target),
      }
    end
    return sh.join {
      sh("h_new {path}", { path = r.target }),
      sh('h_fetch {url} "$_tmp" {sha256} || h_drop', { url = r.url, sha256 = r.sha256 or "" }),
      sh("h_put {path} {mode} {owner}", { path = r.target, mode = r.mode or have.mode or "0644", owner = rights.chown(r, true) }),
      stat.stamp(r.target),
    }
  end,

  result = function(out, r) return origin.result(r, { stat = out.lines[#out.lines] }) end,
  remove = function(r)
    if not origin.removable(r) then return nil end
    return sh("rm -f -- {path}", { path = r.target or r.name })
  end,
}
