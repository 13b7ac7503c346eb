local resource, sh = require "resource", require "sh"
local check, origin, place = require "host/lib/check", require "host/lib/origin", require "host/lib/place"
local tables, texts = require "host/lib/tables", require "host/lib/texts"

local function path_of(name) return "/etc/cron.d/" .. name end
local probe_all, read_all = texts.one_each(path_of)

-- cron turns a bare % into a newline; the command is meant as written.
local function content_of(t)
  local lines = { "# from slipway" }
  for name, value in pairs(t.environment or {}) do lines[#lines + 1] = name .. "=" .. value end
  lines[#lines + 1] = t.schedule .. " " .. t.user .. " " .. t.command:gsub("%%", "\\%%")
  return tables.join(lines, "\n") .. "\n"
end

local function normalise(want)
  local t = tables.merge(want)
  if t.state == "absent" then return t end
  check.line("command", t.command)
  check.account("user", t.user)
  local fields = 0
  for _ in t.schedule:gmatch("%S+") do fields = fields + 1 end
  if not t.schedule:find("^@%l+$") and fields ~= 5 then
    slipway.fail(("schedule: expected five fields or @daily and the like, got '%s'"):format(t.schedule))
  end
  check.match("schedule", t.schedule, "^[%w@*/,%- ]+$", "cron's fields")
  for name, value in pairs(t.environment or {}) do
    check.match("environment", name, "^[%a_][%w_]*$", "a variable's name")
    check.line("environment", value)
  end
  t.content = content_of(t)
  return t
end

return resource "cron" {
  doc    = "A job of cron, in a file of its own in /etc/cron.d.",
  name   = { doc = "the job's file in /etc/cron.d; cron skips names with dots", pattern = "^[%w_-]+$" },
  schema = {
    schedule    = { "string", required = true, write_only = true, doc = "five fields (30 3 * * *) or @daily, @reboot, ..." },
    command     = { "string", required = true, write_only = true, doc = "one line for sh; a % is a %" },
    user        = { "string", default = "root", write_only = true, doc = "whom it runs as" },
    environment = { "map", of = "string", write_only = true, doc = "variables for the command" },
    content     = { "string", doc = "the file; follows from the other attributes" },
    created     = origin.row,
  },
  normalise = normalise,
  probe_all = probe_all,

  read_all = function(out, rs)
    return read_all(out, rs, function(r, content)
      return tables.merge(tables.pick(r, { "schedule", "command", "user", "environment" }), { content = content })
    end)
  end,

  apply = function(r)
    return sh.join {
      "[ -d /etc/cron.d ] || { echo 'there is no /etc/cron.d: install cron first, or use h:timer' >&2; exit 1; }",
      place.file(path_of(r.name), r.content, "0644"),
    }
  end,

  result = function(_, r) return origin.result(r) end,
  remove = function(r)
    if not origin.removable(r) then return nil end
    return sh("rm -f -- {path}", { path = path_of(r.name) })
  end,
}
