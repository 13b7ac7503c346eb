local resource, sh = require "resource", require "sh"
local check, origin, place = require "host/lib/check", require "host/lib/origin", require "host/lib/place"
local systemd, tables, texts = require "host/lib/systemd", require "host/lib/tables", require "host/lib/texts"

local function path_of(name) return "/etc/systemd/system/" .. name end
local probe_all, read_all = texts.one_each(path_of)

local function declare(t)
  if t.template == nil then return t end
  if t.content ~= nil then slipway.fail("only one of content and template can be given") end
  local text, path = slipway.file(t.template)
  local copy = tables.merge(t, { content = slipway.template(text, t.vars or {}, path) })
  copy.template, copy.vars = nil, nil
  return copy
end

local function normalise(want, name)
  local t = tables.merge(want)
  if name:find("/", 1, true) and not name:find("^[^/]+%.%l+%.d/[^/]+%.conf$") then
    slipway.fail("expected NAME.service or a drop-in, NAME.service.d/FILE.conf")
  end
  if t.content == nil and t.state ~= "absent" then slipway.fail("content: is not set (or template)") end
  t.content = check.ended(t.content)
  return t
end

return resource "systemd_unit" {
  doc    = "A systemd unit file, or a drop-in for one, in /etc/systemd/system. To start it is the service type's work.",
  name   = { doc = "app.service, or containerd.service.d/limits.conf", pattern = "^[%w_@][%w_@:.\\-]*%.%l[%w_@:.\\/-]*$" },
  schema = {
    content  = { "string", doc = "the unit file" },
    template = { "string", write_only = true, doc = "a local template to render with `vars`" },
    vars     = { "map", write_only = true, doc = "the locals of the template" },
    created  = origin.row,
  },
  declare   = declare,
  normalise = normalise,
  probe_all = probe_all,

  read_all = function(out, rs)
    return read_all(out, rs, function(_, content) return { content = content } end)
  end,

  apply = function(r)
    local path = path_of(r.name)
    return sh.join {
      sh("(umask 022; mkdir -p -- {directory})", { directory = path:match("^(.*)/") }),
      place.file(path, r.content, "0644"),
      "[ ! -d /run/systemd/system ] || systemctl daemon-reload",
    }
  end,

  result = function(_, r) return origin.result(r) end,

  remove = function(r)
    if not origin.removable(r) then return nil end
    local path = path_of(r.name)
    local is_unit = not r.name:find("/", 1, true)
    return sh.join {
      is_unit and systemd.kinds[r.name:match("%.(%l+)$")] and not r.name:find("@.", 1, true)
        and sh("[ ! -d /run/systemd/system ] || systemctl disable --quiet --now -- {unit} || :", { unit = r.name }) or "",
      sh("rm -f -- {path}", { path = path }),
      is_unit and "" or sh("rmdir -- {directory} 2>/dev/null || :", { directory = path:match("^(.*)/") }),
      "[ ! -d /run/systemd/system ] || systemctl daemon-reload",
    }
  end,
}
