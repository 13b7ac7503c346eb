-- What the schema cannot say of an attribute. Each returns the value or ends with an error that names the attribute.
-- Secrets are passed on unseen: a type cannot look into them.
local check = {}

local function wrong(attribute, value, expected)
  slipway.fail(("%s: expected %s, got '%s'"):format(attribute, expected, tostring(value)))
end

-- True for a value that is set and does not wait for another resource.
function check.known(value)
  return value ~= nil and slipway.is_known(value)
end

-- True for a value that can be looked into.
function check.plain(value)
  return check.known(value) and not slipway.is_secret(value)
end

-- Values that end up in one line of a file must be one line.
function check.line(attribute, value)
  if check.plain(value) and tostring(value):find("[\r\n\0]") then wrong(attribute, value, "one line") end
  return value
end

function check.match(attribute, value, pattern, expected)
  if check.plain(value) and not tostring(value):find(pattern) then wrong(attribute, value, expected) end
  return value
end

function check.path(attribute, value)
  return check.match(attribute, value, "^/[^%c]*$", "an absolute path")
end

-- Account names go into `~name` and file names, so they are held to what useradd accepts.
function check.account(attribute, value)
  return check.match(attribute, value, "^[%a_][%w_.%-]*%$?$", "an account's name")
end

function check.sha256(attribute, value)
  if not check.plain(value) then return value end
  local digits = value:lower()
  if #digits ~= 64 or digits:find("[^0-9a-f]") then wrong(attribute, value, "64 hexadecimal digits") end
  return digits
end

-- "644" and "0644" are the same mode. Numbers are refused by the schema: Lua reads 0644 as six hundred and forty-four.
function check.mode(attribute, value)
  if not check.plain(value) then return value end
  if not value:find("^[0-7][0-7][0-7][0-7]?[0-7]?$") then wrong(attribute, value, 'octal digits as text, such as "0644"') end
  return ("%04o"):format(tonumber(value, 8))
end

-- A plan for a stranger's pull request is read by the stranger. Where to look in a file must then be what the state has from a trusted run.
function check.may_look(r, names)
  if not slipway.untrusted then return true end
  if r.prior == nil then return false end
  for _, name in ipairs(names) do
    if type(r[name]) == "userdata" or type(r.prior[name]) == "userdata" or r[name] ~= r.prior[name] then return false end
  end
  return true
end

-- And what is found there is shown only when the stranger or the state knows it already.
function check.shown(found, r, name)
  if not slipway.untrusted then return found end
  for _, known in ipairs { r[name] or "", r.prior and r.prior[name] or "" } do
    if type(known) == "string" and known == found then return found end
  end
  return "(differs, not shown)"
end

-- Text that is written as lines ends with a newline.
function check.ended(value)
  if check.plain(value) and value ~= "" and value:sub(-1) ~= "\n" then return value .. "\n" end
  return value
end

return check
