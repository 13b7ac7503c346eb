--- Templates: {{ expression }} and {% statement %}. A line that holds only statements leaves no line.
---
--- A template becomes a Lua function with as many lines as the template has, so that an error names the template's own line.

local function fail(name, line, message)
  core.fail_at(name, line, message)
end

--- True when nothing but blanks stands around the statement from `first` to `last`; then where its line starts and ends.
local function alone(text, first, last)
  local start, stop = first, last
  while start > 1 and text:find("^[ \t]", start - 1) do start = start - 1 end
  if start > 1 and text:sub(start - 1, start - 1) ~= "\n" then return nil end
  local _, e = text:find("^[ \t]*\r?\n", stop + 1)
  if e then return start, e end
  _, e = text:find("^[ \t]*$", stop + 1)
  if e then return start, #text end
end

local function compile(text, name)
  local code, pieces = { "local _emit, _text, _ENV = ..." }, {}
  local at, line = 1, 1
  local function literal(to)
    if to < at then return end
    local piece = text:sub(at, to)
    pieces[#pieces + 1] = piece
    code[#code + 1] = (" _emit(_text[%d])"):format(#pieces)
    for _ in piece:gmatch("\n") do code[#code + 1] = "\n" end
  end
  while true do
    local first = text:find("{[{%%]", at)
    if not first then break end
    local is_statement = text:sub(first + 1, first + 1) == "%"
    local close = text:find(is_statement and "%}" or "}}", first + 2, true)
    if not close then
      for _ in text:sub(1, first):gmatch("\n") do line = line + 1 end
      fail(name, line, is_statement and "'{%' is not closed by '%}'" or "'{{' is not closed by '}}'")
    end
    local inside, last = text:sub(first + 2, close - 1), close + 1
    if is_statement then
      local start, stop = alone(text, first, last)
      literal((start or first) - 1)
      code[#code + 1] = " " .. inside .. " "
      if start then -- the line's end goes with it, and the count of lines goes on
        if text:sub(stop, stop) == "\n" then code[#code + 1] = "\n" end
        last = stop
      end
    else
      literal(first - 1)
      if not inside:find("%S") then
        for _ in text:sub(1, first):gmatch("\n") do line = line + 1 end
        fail(name, line, "'{{ }}' is empty")
      end
      code[#code + 1] = " _emit((" .. inside .. "))"
    end
    at = last + 1
  end
  literal(#text)
  -- The newline at the end of the file begins no line: what the compiler finds at the end is on the last one.
  if text:sub(-1) == "\n" and code[#code] == "\n" then code[#code] = nil end
  return { run = core.compile(table.concat(code), name), pieces = pieces }
end

local compiled = {} -- name and text -> template

local function render(template, vars)
  local out, n = {}, 0
  local function emit(value)
    if value == nil then error("the value is nil", 2) end
    local kind = type(value)
    if kind == "table" or kind == "function" then error("the value is a " .. kind .. ", not a text", 2) end
    n = n + 1
    out[n] = value
  end
  template.run(emit, template.pieces, core.template_env(vars))
  return core.join(out)
end

--- @param text string
--- @param vars table the locals of the template
--- @param name string? the file, for messages
return function(text, vars, name)
  if slipway.is_secret(text) then core.fail "a template cannot be a secret itself; its values can" end
  if type(text) ~= "string" then core.fail "slipway.template(text, vars): a text wanted" end
  if vars ~= nil and type(vars) ~= "table" then core.fail "slipway.template(text, vars): a table of values wanted" end
  name = name or core.file_name(text) or "template"
  local key = name .. "\0" .. text
  local template = compiled[key]
  if not template then
    template = compile(text, name)
    compiled[key] = template
  end
  return render(template, vars or {})
end
