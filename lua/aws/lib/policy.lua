--- JSON policy documents in one canonical form, so that two that mean the same are the same text, and two that do not differ line by line.
---
--- AWS takes a single text where a list of one is meant, reorders principals, and writes an account's number as the ARN of its root. Here, a
--- list of texts is sorted and without doubles, a list of one is its element, a root's ARN is the account's number, and conditions' values are
--- texts. The order of statements is kept.
local policy = {}

local SETS = { Action = true, NotAction = true, Resource = true, NotResource = true }
local PRINCIPALS = { Principal = true, NotPrincipal = true }

local function text_of(value, where)
  if type(value) == "table" then return fail(where .. " holds a table where a text is expected") end
  return tostring(value)
end

--- A text, or a list of texts as a set.
local function set(value, where)
  if type(value) ~= "table" then return text_of(value, where) end
  local seen, list = {}, {}
  for _, entry in ipairs(value) do
    local text = text_of(entry, where)
    if not seen[text] then
      seen[text] = true
      list[#list + 1] = text
    end
  end
  table.sort(list)
  if #list == 1 then return list[1] end
  return slipway.list(list)
end

local function account(text) return text:match("^arn:aws[%w-]*:iam::(%d%d%d%d%d%d%d%d%d%d%d%d):root$") or text end

local function principals(value, where)
  if type(value) ~= "table" then return text_of(value, where) end
  local out = {}
  for kind, who in pairs(value) do
    if type(who) == "table" then
      local list = {}
      for i, one in ipairs(who) do list[i] = account(text_of(one, where)) end
      out[kind] = set(list, where)
    else
      out[kind] = account(text_of(who, where))
    end
  end
  return out
end

local function conditions(value, where)
  if type(value) ~= "table" then return fail(where .. " is no table of operators") end
  local out = {}
  for operator, keys in pairs(value) do
    if type(keys) ~= "table" then return fail(("%s.%s is no table of keys"):format(where, operator)) end
    out[operator] = {}
    for key, wanted in pairs(keys) do out[operator][key] = set(wanted, where .. "." .. operator) end
  end
  return out
end

local function statement(value, where)
  if type(value) ~= "table" then return fail(where .. " is no statement") end
  local out = {}
  for key, part in pairs(value) do
    local here = where .. "." .. tostring(key)
    if SETS[key] then
      out[key] = set(part, here)
    elseif PRINCIPALS[key] then
      out[key] = principals(part, here)
    elseif key == "Condition" then
      if next(part) ~= nil then out[key] = conditions(part, here) end
    else
      out[key] = part
    end
  end
  if out.Effect ~= "Allow" and out.Effect ~= "Deny" then
    return fail(('%s.Effect: expected "Allow" or "Deny"'):format(where))
  end
  return out
end

local function document(value, attribute)
  local given = value.Statement
  if type(given) ~= "table" then return fail(attribute .. ": a policy document needs a Statement") end
  local statements = {}
  if given.Effect ~= nil then given = { given } end
  for i, one in ipairs(given) do statements[i] = statement(one, ("%s: Statement[%d]"):format(attribute, i)) end
  local out = {}
  for key, part in pairs(value) do out[key] = part end
  out.Statement = slipway.list(statements)
  return out
end

--- The canonical text of a document given as JSON or as a table. A table without a Version means 2012-10-17; a text without one means what
--- AWS says it does.
--- @param attribute string for messages
function policy.normal(value, attribute)
  local parsed = value
  if type(value) == "string" then
    local ok, decoded = pcall(json.decode, value)
    if not ok or type(decoded) ~= "table" then
      return fail(attribute .. ": expected a policy document, as a table or as JSON", "check it with: python3 -m json.tool")
    end
    parsed = decoded
  elseif type(value) ~= "table" then
    return value -- a secret, or not known yet
  end
  local out = document(parsed, attribute)
  if type(value) == "table" and out.Version == nil then out.Version = "2012-10-17" end
  return json.encode(out, { pretty = true })
end

--- The canonical text of a document in an answer of IAM, which is percent-encoded. What is no policy comes back as it is: that is a difference,
--- not an error.
function policy.read(text)
  local plain = text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
  local ok, normal = pcall(policy.normal, plain, "policy")
  return ok and normal or plain
end

--- A document as it is sent: without the spaces, which count against IAM's limits.
function policy.wire(text)
  return json.encode(json.decode(text))
end

--- For `normalise`: a copy with these attributes in canonical form.
function policy.attributes(want, ...)
  local out = {}
  for key, value in pairs(want) do out[key] = value end
  for _, name in ipairs { ... } do
    if out[name] ~= nil then out[name] = policy.normal(out[name], name) end
  end
  return out
end

return policy
