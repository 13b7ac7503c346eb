local resource, sh = require "resource", require "sh"
local check, tables = require "host/lib/check", require "host/lib/tables"

-- A list is one command and its arguments; a text is a script, of one line or many.
local function script_of(command)
  if type(command) ~= "table" then return command end
  local words = {}
  for _, word in ipairs(command) do words[#words + 1] = sh.quote(word) end
  return tables.join(words, " ")
end

local function has_guard(r)
  return r.creates ~= nil or r.unless ~= nil or r.onlyif ~= nil
end

-- What comes before a script.
local function surroundings(r, separator)
  local lines = {}
  for name, value in pairs(r.environment or {}) do
    lines[#lines + 1] = sh("export " .. name .. "={value}", { value = value })
  end
  if r.cwd then lines[#lines + 1] = sh("cd -- {cwd}", { cwd = r.cwd }) end
  lines[#lines + 1] = ""
  return tables.join(lines, separator)
end

-- A subshell of its own, and `eval`: a syntax error stays in there, too.
local function guard(r, script)
  return "( " .. surroundings(r, " && ") .. sh("eval {script}", { script = script }) .. " ) >/dev/null 2>&1"
end

-- True on the node when there is nothing to do.
local function is_done(r)
  local creates = {}
  for _, path in ipairs(tables.list(r.creates)) do
    creates[#creates + 1] = sh("{{ [ -e {path} ] || [ -L {path} ]; }}", { path = path })
  end
  local any = {}
  if #creates > 0 then any[#any + 1] = "{ " .. tables.join(creates, " && ") .. "; }" end
  if r.unless then any[#any + 1] = guard(r, r.unless) end
  if r.onlyif then any[#any + 1] = "! " .. guard(r, r.onlyif) end
  return tables.join(any, " || ")
end

local function normalise(want)
  local t = tables.merge(want)
  if check.plain(t.command) and type(t.command) ~= "string" and type(t.command) ~= "table" then
    slipway.fail("command: expected a text or a list of words")
  end
  if t.command == "" or (type(t.command) == "table" and #t.command == 0) then slipway.fail("command: is empty") end
  for name in pairs(t.environment or {}) do check.match("environment", name, "^[%a_][%w_]*$", "a variable's name") end
  check.path("cwd", t.cwd)
  for _, path in ipairs(tables.list(t.creates)) do check.path("creates", path) end
  return t
end

-- Guards of a stranger's pull request are not run at plan time; nor are those that hang on what does not exist yet.
local function may_ask(r)
  local asks = r.unless ~= nil or r.onlyif ~= nil
  if asks and slipway.untrusted then return false end
  for _, name in ipairs(asks and { "unless", "onlyif", "creates", "environment", "cwd" } or { "creates" }) do
    if r[name] ~= nil and not check.known(r[name]) then return false end
  end
  return true
end

local HOW = { "creates", "unless", "onlyif", "timeout" }      -- how it is decided, and
local WHAT = { "command", "environment", "cwd", "stdin" }     -- what is run: a change of these is another command

local function apply(r)
  local lines = {}
  -- Asked again: an earlier step may have done it. A trigger runs the command though it was done, but not against onlyif.
  if r.triggered then
    if r.onlyif then lines[1] = guard(r, r.onlyif) .. " || exit 0" end
  elseif has_guard(r) then
    lines[1] = "if " .. is_done(r) .. "; then exit 0; fi"
  end
  local run = surroundings(r, "\n") .. sh("eval {script}", { script = script_of(r.command) })
  lines[#lines + 1] = r.stdin and sh("printf '%s' {stdin} | (\nset -e\n", { stdin = r.stdin }) .. run .. "\n)" or run
  return { script = sh.join(lines), timeout = r.timeout }
end

return resource "exec" {
  doc    = "A command on a node, run by sh -e. With creates, unless or onlyif these decide; without, it runs once, and again when it changes.",
  name   = { doc = "what the command does", pattern = "^[^%c]+$" },
  schema = {
    command     = { "any", required = true, doc = "a script, of one line or many; or a list: one command and its arguments" },
    creates     = { "any", doc = "a path, or a list of paths: with all of them there, nothing is to be done" },
    unless      = { "string", doc = "a script: when it succeeds, nothing is to be done" },
    onlyif      = { "string", doc = "a script: when it fails, nothing is to be done" },
    environment = { "map", of = "string", doc = "variables for the command and its guards" },
    cwd         = { "string", doc = "the directory to run in" },
    stdin       = { "string", doc = "the command's input" },
    timeout     = { "int", doc = "seconds the command may take; 900 when not set" },
    done        = { "bool", computed = true, doc = "it has run, or needs not" },
  },
  normalise = normalise,

  probe = function(r)
    if not has_guard(r) or not may_ask(r) then return "echo unasked" end
    return is_done(r)
  end,

  read = function(out, r)
    local how = tables.merge(tables.pick(r, HOW), { done = true })
    -- Without a guard it is done when the state says so, for the command that the state names; one that failed or was cut off is not.
    if not has_guard(r) then return r.prior and r.prior.done and tables.merge(tables.pick(r.prior, WHAT), how) or nil end
    if out.text == "unasked" or not out.ok then return nil end
    return tables.merge(tables.pick(r, WHAT), how)
  end,

  apply  = apply,
  result = function() return { done = true } end,
}
