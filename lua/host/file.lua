local resource, sh = require "resource", require "sh"
local check, origin, place = require "host/lib/check", require "host/lib/origin", require "host/lib/place"
local rights, stat, tables = require "host/lib/rights", require "host/lib/stat", require "host/lib/tables"

-- Content is compared by its hash: `sha256` stands for it in the state and in the plan's comparison, `content` is for the reader.
local schema = tables.merge(rights.rows, {
  content  = { "string", write_only = true, doc = "the whole text (or bytes) of the file" },
  source   = { "string", write_only = true, doc = "a local file to copy, beside the playbook or the inventory" },
  template = { "string", write_only = true, doc = "a local template to render with `vars`" },
  vars     = { "map", write_only = true, doc = "the locals of the template" },
  sha256   = { "string", doc = "of the content; follows from content, source or template" },
  stat     = { "string", computed = true, doc = "inode, size and times when the hash was known: while they stay, the hash is trusted" },
  created  = origin.row,
})

-- Runs where the playbook declares the file, with references still in place: reads the local side.
local function declare(t)
  local ways = (t.content ~= nil and 1 or 0) + (t.source ~= nil and 1 or 0) + (t.template ~= nil and 1 or 0)
  if ways > 1 then slipway.fail("only one of content, source and template can be given") end
  if t.vars ~= nil and t.template == nil then slipway.fail("vars: are for a template, and none is given") end
  if t.template then
    local text, path = slipway.file(t.template)
    t = tables.merge(t, { content = slipway.template(text, t.vars or {}, path) })
    t.template, t.vars = nil, nil
  elseif t.source then
    local info = slipway.file_info(t.source, t.sha256)
    t = tables.merge(t, { source = info.path, sha256 = info.sha256 })
  end
  return t
end

local function normalise(want)
  local t = rights.normalise(tables.merge(want))
  t.sha256 = check.sha256("sha256", t.sha256)
  if t.content then
    local digits = sha256(t.content)
    if check.plain(t.sha256) and check.plain(digits) and t.sha256 ~= digits then
      slipway.fail(("sha256: the content has %s, not %s"):format(digits, t.sha256))
    end
    t.sha256 = digits
  end
  return t
end

-- Without content, source or template only the rights of the file are our business.
local function has_content(r)
  return r.sha256 ~= nil or r.content ~= nil or r.source ~= nil
end

-- The shell looks each path up in the output of `stat`: so many at once that this costs less than the forks.
local AT_ONCE = 100

local function probe_some(rs, first, last)
  local paths, hashes, contents = {}, {}, {}
  for i = first, last do
    local r = rs[i]
    paths[#paths + 1] = r.name
    if has_content(r) then
      local wanted = check.known(r.sha256) and r.sha256 or "unknown"
      -- The stamp in the state vouches for the hash in the state, and only a hash as wanted saves the reading.
      local trusted = r.prior and tables.equal(r.prior.sha256, wanted) and r.prior.stat or "-"
      hashes[#hashes + 1], hashes[#hashes + 2] = r.name, trusted
      if r.content ~= nil and not slipway.untrusted then contents[#contents + 1], contents[#contents + 2] = r.name, wanted end
    end
  end
  local fragment = { sh("h_stat {paths}", { paths = paths }) }
  if #hashes > 0 then fragment[2] = sh("h_hash {hashes}", { hashes = hashes }) end
  if #contents > 0 then fragment[3] = sh("h_content {contents}", { contents = contents }) end
  return sh.join(fragment)
end

local function probe_all(rs)
  local fragments = {}
  for first = 1, #rs, AT_ONCE do fragments[#fragments + 1] = probe_some(rs, first, math.min(first + AT_ONCE - 1, #rs)) end
  return sh.join(fragments)
end

local function is_text(bytes)
  return utf8.len(bytes) ~= nil and not bytes:find("\0")
end

local function read_one(found, r)
  local have = rights.have(found, r)
  have.stat, have.source = found.stat, r.source
  if not has_content(r) then return have end
  if found.kind ~= "file" then
    have.sha256 = "(a " .. found.kind .. ")"
    have.content = have.sha256
    return have
  end
  have.sha256 = found.sha256 or (r.prior and r.prior.sha256)
  -- The hash of a secret is secret, too: that the node did not send the content says that it is as wanted.
  local as_wanted = slipway.is_secret(r.sha256) and found.size <= 65536 and not found.content or tables.equal(have.sha256, r.sha256)
  if as_wanted then
    have.content = r.content
  elseif found.content and is_text(found.content) then
    have.content = found.content
  else
    have.content = ("(%d bytes, not shown)"):format(found.size)
  end
  return have
end

local function read_all(out, rs)
  local found, have = stat.parse(out), {}
  for _, r in ipairs(rs) do
    local one = found[r.name]
    have[r.name] = one and read_one(one, r) or nil
  end
  return have
end

local function apply(r)
  local path = { path = r.name }
  if not has_content(r) then
    local owner = rights.chown(r)
    return sh.join {
      sh("[ -e {path} ] || {{ echo 'there is no such file, and nothing says what it should hold (content, source or template)' >&2; exit 1; }}", path),
      owner ~= "" and sh("chown -- {owner} {path}", { owner = owner, path = r.name }) or "",
      r.mode and sh("chmod -- {mode} {path}", { mode = r.mode, path = r.name }) or "",
      stat.stamp(r.name),
    }
  end
  local is_link = r.have and r.have.sha256 == "(a link)"
  local mode = r.mode or (r.have and not is_link and r.have.mode) or "0644"
  local put = sh("h_put {path} {mode} {owner}", { path = r.name, mode = mode, owner = rights.chown(r, not is_link) })
  if r.content and place.fits(r.content) then
    return sh.join { sh("h_new {path}", path), place.write(r.content), put, stat.stamp(r.name) }
  end
  local staged = place.staged(r.name)
  return {
    uploads = { { path = staged, source = r.source, data = r.content, sha256 = r.sha256 } },
    script = sh.join { sh("_tmp={staged}", { staged = staged }), sh("h_room {path} || h_drop", path), put, stat.stamp(r.name) },
  }
end

return resource "file" {
  doc       = "A file on a node: its content and its rights. Replaced in one step; a link in its place is replaced, not followed.",
  name      = { doc = "the file's path", pattern = "^/[^%c]*[^/%c]$" },
  schema    = schema,
  declare   = declare,
  normalise = normalise,
  probe_all = probe_all,
  read_all  = read_all,
  apply     = apply,
  result    = function(out, r) return origin.result(r, { stat = out.lines[#out.lines] }) end,
  remove    = function(r)
    if not origin.removable(r) then return nil end
    return sh("rm -f -- {path}", { path = r.name })
  end,
}
