--- Options of add-ons and of the hand-over, by rows: { TYPE, required, default, one_of, of = rows of its members, doc }.
local options = {}

-- Words of every resource: handed on.
local SHARED = { depends_on = true, provider = true, lifecycle = true }
local ARTICLES = { int = "a whole number", number = "a number", bool = "true or false", list = "a list", map = "a map", string = "a text" }
local WORDS = { number = "a number", boolean = "true or false", table = "a map or a list", string = "a text" }

local function is_list(value) return #value > 0 or next(value) == nil end

local function is_a(value, kind)
  if kind == "any" then return true end
  if type(value) == "userdata" then return kind ~= "list" and kind ~= "map" end -- a reference, a secret: known later
  if kind == "int" then return math.type(value) == "integer" end
  if kind == "number" then return type(value) == "number" end
  if kind == "bool" then return type(value) == "boolean" end
  if kind == "list" then return type(value) == "table" and is_list(value) end
  if kind == "map" then return type(value) == "table" and (#value == 0 or next(value) == nil) end
  return type(value) == "string"
end

local function names_of(rows)
  local names = {}
  for key in pairs(rows) do names[#names + 1] = key end
  return names
end

local function check_value(where, key, row, value)
  if not is_a(value, row[1]) then
    local what = WORDS[type(value)] or type(value)
    slipway.fail(("%s: %s: %s wanted, not %s"):format(where, key, ARTICLES[row[1]], what), row.doc)
  end
  if row.one_of and type(value) == "string" then
    for _, each in ipairs(row.one_of) do
      if each == value then return value end
    end
    core.unknown(("%s of %s"):format(key, where), value, row.one_of)
  end
  if not row.of then return value end
  if row[1] == "map" then return options.check(("%s: %s"):format(where, key), row.of, value) end
  local all = {}
  for i, each in ipairs(value) do
    local at = ("%s: %s[%d]"):format(where, key, i - 1)
    if type(each) ~= "table" or (is_list(each) and next(each) ~= nil) then
      slipway.fail(("%s: a map wanted, with %s"):format(at, table.concat(names_of(row.of), ", ")))
    end
    all[i] = options.check(at, row.of, each)
  end
  return all
end

--- What was given, checked and with defaults: a copy. `where`: "add-on metallb", for messages.
function options.check(where, rows, given)
  local checked = {}
  for key, value in pairs(given) do
    local row = rows[key]
    if row then
      checked[key] = check_value(where, key, row, value)
    elseif SHARED[key] then
      checked[key] = value
    else
      core.unknown("option of the " .. where, tostring(key), names_of(rows))
    end
  end
  for key, row in pairs(rows) do
    if checked[key] == nil then checked[key] = row.default end
    if checked[key] == nil and row.required then slipway.fail(("%s: %s is missing"):format(where, key), row.doc) end
  end
  return checked
end

-- "add-on metallb: addresses: ..." and "there is no option of the add-on metallb 'addreses'" both name a member.
local function member(message, given)
  for _, pattern in ipairs { "^[^:]+: ([%w_]+)", "'([^']+)'" } do
    local key = message:match(pattern)
    if key and type(given) == "table" and given[key] ~= nil then return key end
  end
  return nil
end

--- Calls fn; what the user did wrong in `given` is told of at its place in the inventory.
--- @param at string[]|nil the keys below which `given` stands there
function options.placed(at, given, fn, ...)
  if not at then return fn(...) end
  local fine, result = pcall(fn, ...)
  if fine then return result end
  -- A text is a mistake of the program's own.
  if type(result) == "string" or type(result.message) ~= "string" then error(result, 0) end
  local keys = {}
  for i, key in ipairs(at) do keys[i] = key end
  keys[#keys + 1] = member(result.message, given)
  local file, line = core.inventory_place(table.unpack(keys))
  if not file then error(result, 0) end
  return core.fail_at(file, line, result.message, result.hint)
end

return options
