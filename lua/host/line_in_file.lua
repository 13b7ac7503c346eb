local resource, sh = require "resource", require "sh"
local check, edit = require "host/lib/check", require "host/lib/edit"
local origin, tables = require "host/lib/origin", require "host/lib/tables"

local LIMIT = 200  -- lines that `match` may find before it is held to be a mistake

local function normalise(want, name)
  local t = tables.merge(want)
  t.path = t.path or name
  check.path("path", t.path)
  check.line("line", t.line)
  check.line("match", t.match)
  if t.line == nil and not (t.state == "absent" and t.match) then slipway.fail("line: is not set") end
  return t
end

local function path_of(r)
  return check.known(r.path) and r.path or r.name
end

-- One grep for the lines that are looked for as they are, one more for each pattern. Only what was found comes back.
local function probe_all(rs)
  local lines, paths, fragments = {}, {}, {}
  for i, r in ipairs(rs) do
    local may_look = check.may_look(r, { "path", "match", "line" })
    local values = { tag = "#" .. i, limit = LIMIT, match = r.match, line = r.line, path = path_of(r) }
    if may_look and check.plain(r.line) then
      lines[#lines + 1], lines[#lines + 2] = "-e", r.line
      paths[#paths + 1] = values.path
    end
    if may_look and check.known(r.match) then
      fragments[#fragments + 1] = sh("echo {tag}; LC_ALL=C grep -anE -m {limit} -e {match} 2>/dev/null < {path}", values)
    elseif may_look and check.known(r.line) and not check.plain(r.line) then
      -- A secret line cannot be told from others here, so it is asked for on its own, and not in an argument.
      fragments[#fragments + 1] = sh("echo {tag}; printf '%s\\n' {line} | LC_ALL=C grep -anxF -m 1 -f - -- {path} 2>/dev/null", values)
    end
  end
  if #lines > 0 then
    table.insert(fragments, 1, sh("LC_ALL=C grep -asnxFH {lines} -- {paths}", { lines = lines, paths = paths }))
  end
  return sh.join(fragments)
end

-- exact[path][text] = true; matches[i] = { texts }
local function parse(out, rs)
  local exact, matches, current = {}, {}, nil
  local paths = {}
  for _, r in ipairs(rs) do paths[path_of(r)] = true end
  for _, line in ipairs(out.lines) do
    local i = line:match("^#(%d+)$")
    if i then
      current = {}
      matches[math.tointeger(tonumber(i))] = current
    elseif current then
      current[#current + 1] = line:match("^%d+:(.*)$")
    else
      for path in pairs(paths) do
        local text = line:sub(1, #path + 1) == path .. ":" and line:sub(#path + 2):match("^%d+:(.*)$")
        if text then
          exact[path] = exact[path] or {}
          exact[path][text] = true
        end
      end
    end
  end
  return exact, matches
end

local function read_all(out, rs)
  local exact, matches = parse(out, rs)
  local have = {}
  for i, r in ipairs(rs) do
    local path, found = path_of(r), matches[i] or {}
    if #found >= LIMIT then slipway.fail(("match: '%s' fits %d lines of %s or more; make it narrower"):format(r.match, LIMIT, path)) end
    local line = found[#found]
    local by_match_only = r.state == "absent" and r.match
    if not line and not by_match_only and check.plain(r.line) and exact[path] and exact[path][r.line] then line = r.line end
    if line then
      have[r.name] = tables.merge({ path = path, line = line }, tables.pick(r, { "match", "create" }))
    end
  end
  return have
end

local function matching(r)
  if r.match then return sh("LC_ALL=C grep -anE -e {match} < \"$_path\" 2>/dev/null", { match = r.match }) end
  return sh("printf '%s\\n' {line} | LC_ALL=C grep -anxF -f - -- \"$_path\" 2>/dev/null", { line = r.line })
end

-- The last match is the one that counts in files where the later line wins. No match, but the line is there: nothing is left to do.
local function apply(r)
  local must_exist = sh("[ -e {path} ] || {{ echo 'there is no such file, and create = false' >&2; exit 1; }}", { path = r.path })
  local number = matching(r) .. " | tail -n 1 | h_numbers ''"
  return sh.join { r.create == false and must_exist or "", edit.file(r.path, { edit.set(r.line, number) }) }
end

-- Asked for, all that `match` fits goes. Left over from an older playbook, only the line that was put there.
local function remove(r)
  if not origin.removable(r) then return nil end
  local path, lines = r.path or r.name, matching(r.state == "absent" and r or { line = r.line })
  return sh.join {
    sh("[ -e {path} ] || exit 0", { path = path }),
    edit.file(path, { edit.delete(lines .. " | h_numbers ''") }),
  }
end

return resource "line_in_file" {
  doc    = "One line of a file on a node. The line that `match` fits (the last one) becomes `line`; without any it is added at the end.",
  name   = { doc = "what the line is for, or the file's path", pattern = "^[^%c]+$" },
  schema = {
    path   = { "string", doc = "the file; the resource's name when not set" },
    line   = { "string", doc = "the line, without its newline" },
    match  = { "string", doc = "extended regular expression (grep -E) of the line to replace, or to remove" },
    create = { "bool", default = true, doc = "make the file when there is none" },
    created = origin.row,
  },
  normalise = normalise,
  probe_all = probe_all,
  read_all  = read_all,
  apply     = apply,
  result    = function(_, r) return origin.result(r) end,
  remove    = remove,
}
