--- What add-ons and the hand-over take, as text or as a table of Markdown: for `slipway docs NAME`.
local docs = {}

local function shown(value)
  if type(value) == "table" then return next(value) == nil and "none" or table.concat(value, ", ") end
  return tostring(value)
end

local function words(row)
  local doc = row.doc
  if row.required then doc = doc .. "; required" end
  if row.one_of then doc = doc .. "; one of " .. table.concat(row.one_of, ", ") end
  if row.default ~= nil and row.default ~= "" then doc = doc .. "; default " .. shown(row.default) end
  return doc
end

--- { name, type, doc } of every row, with the members of maps and lists after them.
local function flat(rows, prefix, into)
  for name, row in slipway.sorted(rows) do
    into[#into + 1] = { prefix .. name, row[1], words(row) }
    if row.of then flat(row.of, prefix .. name .. (row[1] == "list" and "[]." or "."), into) end
  end
  return into
end

local function table_of(rows)
  local lines = { "| option | type | |", "| --- | --- | --- |" }
  for _, row in ipairs(flat(rows, "", {})) do lines[#lines + 1] = ("| `%s` | %s | %s |"):format(row[1], row[2], (row[3]:gsub("|", "\\|"))) end
  return table.concat(lines, "\n") .. "\n"
end

local function text_of(name, doc, rows)
  local all, width = flat(rows, "", {}), 0
  for _, row in ipairs(all) do width = math.max(width, #row[1]) end
  local lines = { ("%s\n%s\n"):format(name, doc) }
  for _, row in ipairs(all) do lines[#lines + 1] = ("  %s  %s  %s"):format(row[1] .. (" "):rep(width - #row[1]), row[2] .. (" "):rep(6 - #row[2]), row[3]) end
  return table.concat(lines, "\n") .. "\n"
end

--- "metallb", ...: the names as inventories have them.
function docs.names()
  local names = {}
  for _, file in ipairs(core.type_files()) do
    local name = file:match("^kube/addon/([^/]+)$")
    if name then names[#names + 1] = (name:gsub("_", "-")) end
  end
  table.sort(names)
  return names
end

local function describe(name, markdown)
  if name == "gitops" then
    local rows = require("kube/gitops").ROWS
    return markdown and table_of(rows) or text_of("gitops (in the inventory)", "The hand-over to Argo CD.", rows)
  end
  for _, each in ipairs(docs.names()) do
    if each == name then
      local addon = require("kube/addon/" .. name:gsub("-", "_"))
      return markdown and table_of(addon.rows) or text_of(name .. " (an add-on)", addon.doc, addon.rows)
    end
  end
  return nil
end

--- @param name string "metallb", "gitops", or "addons" for the list
--- @return string|nil text nil when there is no such add-on
function docs.of(name, markdown)
  if name ~= "addons" then return describe(name, markdown) end
  local lines = {}
  for i, each in ipairs(docs.names()) do lines[i] = ("%-16s %s"):format(each, require("kube/addon/" .. each:gsub("-", "_")).doc) end
  return table.concat(lines, "\n") .. "\n"
end

return docs
