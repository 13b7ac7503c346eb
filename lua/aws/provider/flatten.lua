--- Parameters in the form of the Query protocol: a table becomes dotted names, a list numbered ones, the whole a form body.
local flatten = {}

local function scalar(value, name)
  local kind = type(value)
  if kind == "string" or slipway.is_secret(value) then return value end
  if kind == "boolean" then return value and "true" or "false" end
  if math.type(value) == "integer" then return tostring(value) end
  if kind == "number" then return value == math.floor(value) and ("%d"):format(value) or ("%.14g"):format(value) end
  return error(("parameter '%s' is a %s"):format(name, kind), 0)
end

local function is_list(value)
  if value[1] ~= nil then return true end
  return next(value) == nil
end

--- Appends { name, value } pairs.
local function walk(out, name, value, member)
  if type(value) ~= "table" then
    out[#out + 1] = { name, scalar(value, name) }
  elseif is_list(value) then
    for i, each in ipairs(value) do walk(out, ("%s%s.%d"):format(name, member, i), each, member) end
  else
    for key, each in pairs(value) do walk(out, name .. "." .. key, each, member) end
  end
end

--- @param ec2 boolean lists are Name.1, not Name.member.1
--- @return table pairs { { name, value }, ... } in the order of the names
function flatten.pairs(params, ec2)
  local out = {}
  for key, value in pairs(params or {}) do walk(out, key, value, ec2 and "" or ".member") end
  return out
end

--- The form: a text, or a secret when a value is one.
function flatten.form(list)
  local parts = {}
  for i, pair in ipairs(list) do
    if i > 1 then parts[#parts + 1] = "&" end
    parts[#parts + 1] = core.uri_escape(pair[1])
    parts[#parts + 1] = "="
    parts[#parts + 1] = core.uri_escape(pair[2])
  end
  return table.concat(parts)
end

--- A query string, in the order of the names: `""` or `?a=b&c`. Values are texts, numbers and booleans, or lists of such.
function flatten.query(query)
  local list = {}
  for name, value in pairs(query or {}) do
    if type(value) == "table" then
      for _, each in ipairs(value) do list[#list + 1] = { name, scalar(each, name) } end
    else
      list[#list + 1] = { name, scalar(value, name) }
    end
  end
  local text = flatten.form(list)
  return text == "" and "" or "?" .. text
end

return flatten
