--- The format of ~/.aws/config and ~/.aws/credentials: sections, keys, and maps by indentation. Rules as in botocore's configparser.
local ini = {}

--- Values of these keys are secrets from here on.
local SECRET = { aws_access_key_id = true, aws_secret_access_key = true, aws_session_token = true, aws_security_token = true }

local function trim(text) return (text:gsub("^%s+", ""):gsub("%s+$", "")) end

local function bad(path, line, problem) return core.fail_at(path, line, problem) end

local function value_of(key, text)
  if SECRET[key] and text ~= "" then return secret(text) end
  return text
end

local function set(path, into, lines, key, value, line)
  if lines[key] then bad(path, line, ("'%s' is there already, in line %d"):format(key, lines[key])) end
  into[key], lines[key] = value, line
end

--- Reads one section after another. State: section, its lines, the last key, its indentation and map.
local Reader = {}
Reader.__index = Reader

function Reader:header(text, line)
  local name = text:match("^%[([^%]]*)%]%s*$") or text:match("^%[([^%]]*)%]%s*[#;].*$")
  name = name and trim(name)
  if not name or name == "" then bad(self.path, line, "a section looks like [name]") end
  for _, each in ipairs(self.sections) do
    if each.name == name then bad(self.path, line, ("the section [%s] is there already, in line %d"):format(name, each.line)) end
  end
  self.section = { name = name, line = line, keys = {} }
  self.lines, self.key = {}, nil
  self.sections[#self.sections + 1] = self.section
end

--- What is indented further than its key: an entry of a map when the key has no value of its own, else more of the value.
function Reader:nested(text, line)
  local keys = self.section.keys
  local key, value = text:match("^%s*([^=:%s][^=:]-)%s*[=:]%s*(.-)%s*$")
  if keys[self.key] == "" or self.map then
    if not key then bad(self.path, line, ("'%s' is a map: KEY = VALUE wanted"):format(self.key)) end
    self.map = self.map or { lines = {} }
    if keys[self.key] == "" then keys[self.key] = {} end
    set(self.path, keys[self.key], self.map.lines, key:lower(), value_of(key:lower(), value), line)
    return
  end
  keys[self.key] = keys[self.key] .. "\n" .. trim(text)
end

function Reader:entry(text, line, indent)
  if not self.section then bad(self.path, line, "a section, such as [default], comes first") end
  local key, value = text:match("^%s*([^=:%s][^=:]-)%s*[=:]%s*(.-)%s*$")
  if not key then bad(self.path, line, "KEY = VALUE wanted") end
  key = key:lower()
  set(self.path, self.section.keys, self.lines, key, value_of(key, value), line)
  self.key, self.indent, self.map = key, indent, nil
end

function Reader:line(line, number)
  local indent = #line:match("^[ \t]*")
  if self.section and self.key and indent > self.indent then
    self:nested(line, number)
  elseif line:find("^%[") then
    self:header(line, number)
  else
    self:entry(line, number, indent)
  end
end

--- @param path string for messages
--- @return table sections { { name, line, keys = { key = value | { key = value } } } }, in order
function ini.parse(text, path)
  local reader = setmetatable({ path = path, sections = {}, indent = 0 }, Reader)
  local number = 0
  text = text:gsub("^\xEF\xBB\xBF", "")
  for raw in (text .. "\n"):gmatch("([^\n]*)\n") do
    number = number + 1
    local line = raw:gsub("\r$", "")
    if not line:find("^%s*[#;]") and not line:find("^%s*$") then reader:line(line, number) end
  end
  return reader.sections
end

return ini
