-- Runs the host's resource types without slipway, under plain lua5.4: a stand-in for the sandbox, and a small engine that really runs the
-- fragments with a shell of choice. It changes this machine: real.sh gives it a mount namespace of its own.
local harness = { types = {}, shell = "dash", path = nil }

local prelude = {}
local unknown = setmetatable({}, { __tostring = function() error("a value that is not known yet", 2) end })

-- --- processes ---------------------------------------------------------------------------------------------------------------------------

local function write_file(path, bytes)
  local f = assert(io.open(path, "wb"))
  f:write(bytes)
  f:close()
end

local function read_file(path)
  local f = io.open(path, "rb")
  if not f then return nil end
  local bytes = f:read("a")
  f:close()
  return bytes
end
harness.read_file, harness.write_file = read_file, write_file

local scratch = os.tmpname()
os.remove(scratch)
os.execute("mkdir -p " .. scratch)
function harness.done() os.execute("rm -rf " .. scratch) end

-- Runs code as a batch does: read wholly, stdin from /dev/null. Gives the output as types get it.
function harness.run(code, options)
  local file = scratch .. "/script"
  write_file(file, "{\n" .. table.concat(prelude, "\n") .. "\n" .. code .. "\n}\n")
  local environment = harness.path and ("PATH=" .. harness.path .. " ") or ""
  local command = ("%s%s %s %s </dev/null >%s/out 2>%s/err"):format(environment, options and options.trace or "", harness.shell, file, scratch, scratch)
  local _, how, status = os.execute(command)
  local out = { raw = read_file(scratch .. "/out"), err = read_file(scratch .. "/err"), status = how == "exit" and status or 128 + status }
  out.ok, out.text, out.lines = out.status == 0, out.raw:gsub("\n+$", ""), {}
  if out.text ~= "" then
    for line in (out.text .. "\n"):gmatch("([^\n]*)\n") do out.lines[#out.lines + 1] = line end
  end
  return out
end

-- --- what the sandbox gives --------------------------------------------------------------------------------------------------------------

local function quote(value)
  if type(value) == "table" then
    local words = {}
    for _, item in ipairs(value) do words[#words + 1] = quote(item) end
    return table.concat(words, " ")
  end
  assert(value ~= nil and value ~= unknown, "a value that is not known")
  value = math.type(value) == "float" and ("%.14g"):format(value) or tostring(value)
  assert(not value:find("\0"), "a NUL byte in a shell word")
  if value:find("^[%w_./:=@%%+,-]+$") then return value end
  return "'" .. value:gsub("'", "'\\''") .. "'"
end

local sh = setmetatable({
  quote = quote,
  join = function(list) return table.concat(list, "\n") end,
  prelude = function(code) prelude[#prelude + 1] = code end,
}, {
  __call = function(_, text, values)
    local parts, at = {}, 1
    while at <= #text do
      local two, key = text:sub(at, at + 1), text:match("^{([%a_][%w_]*)}", at)
      if two == "{{" or two == "}}" then
        parts[#parts + 1], at = two:sub(1, 1), at + 2
      elseif key then
        assert(values and values[key] ~= nil, "sh: no value for {" .. key .. "} in " .. text)
        parts[#parts + 1], at = quote(values[key]), at + #key + 2
      else
        parts[#parts + 1], at = text:sub(at, at), at + 1
      end
    end
    return table.concat(parts)
  end,
})

local function resource(name)
  return function(spec)
    spec.type = name
    if not spec.schema.state then
      spec.schema.state, spec.plain_state = { "string", default = "present", one_of = { "present", "absent" } }, true
    end
    harness.types[name] = spec
    return spec
  end
end

local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local function encode(bytes)
  local out = {}
  for i = 1, #bytes, 3 do
    local a, b, c = bytes:byte(i, i + 2)
    local n = a << 16 | (b or 0) << 8 | (c or 0)
    for k = 0, 3 do
      local v = n >> (18 - 6 * k) & 63
      out[#out + 1] = (k == 2 and not b or k == 3 and not c) and "=" or alphabet:sub(v + 1, v + 1)
    end
  end
  return table.concat(out)
end
local function decode(text)
  local out, n, bits = {}, 0, 0
  for c in text:gmatch("[%w+/]") do
    n, bits = n << 6 | (alphabet:find(c, 1, true) - 1), bits + 6
    if bits >= 8 then
      bits = bits - 8
      out[#out + 1] = string.char(n >> bits & 255)
    end
  end
  return table.concat(out)
end

local function hash_file(path)
  local p = assert(io.popen("sha256sum < '" .. path .. "'"))
  local digits = p:read("a"):sub(1, 64)
  p:close()
  return digits
end

function harness.sha256(bytes)
  write_file(scratch .. "/bytes", bytes)
  return hash_file(scratch .. "/bytes")
end

sha256 = harness.sha256                              -- luacheck: globals sha256
base64 = { encode = encode, decode = decode }        -- luacheck: globals base64
slipway = {                                          -- luacheck: globals slipway
  unknown = unknown,
  untrusted = false,
  is_known = function(v) return v ~= unknown end,
  is_secret = function() return false end,
  fail = function(message) error(message, 0) end,
  file = function(path) return assert(read_file(path), path), path end,
  file_info = function(path) return { path = path, sha256 = hash_file(path), size = #read_file(path) } end,
  template = function(text, vars) return (text:gsub("{{ *(%w+) *}}", vars)) end,
}

package.preload.resource = function() return resource end
package.preload.sh = function() return sh end

-- --- a small engine ----------------------------------------------------------------------------------------------------------------------

local function merge(a, b)
  local t = {}
  for k, v in pairs(a or {}) do t[k] = v end
  for k, v in pairs(b or {}) do t[k] = v end
  return t
end
harness.merge = merge

local function equal(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for k, v in pairs(a) do if not equal(v, b[k]) then return false end end
  for k in pairs(b) do if a[k] == nil then return false end end
  return true
end
harness.equal = equal

local lua_types = { string = "string", int = "number", number = "number", bool = "boolean", list = "table", map = "table" }

local function check_schema(spec, attributes)
  for key, value in pairs(attributes) do
    local row = assert(spec.schema[key], ("%s has no attribute %s"):format(spec.type, key))
    local wanted = lua_types[row[1]]
    assert(wanted == nil or value == unknown or type(value) == wanted, ("%s.%s: a %s"):format(spec.type, key, type(value)))
  end
  return attributes
end

-- A resource as the state and the playbook have it: { type, name, desired, prior }.
function harness.declare(type_name, name, attributes)
  if not harness.types[type_name] then require("host/" .. type_name) end
  local spec = harness.types[type_name]
  assert(spec.name.pattern == nil or name:find(spec.name.pattern), ("the name '%s' is refused"):format(name))
  local desired = spec.declare and spec.declare(merge(attributes), name) or merge(attributes)
  check_schema(spec, desired)
  for key, row in pairs(spec.schema) do
    if desired[key] == nil and row.default ~= nil then desired[key] = row.default end
    assert(not (row.required and desired[key] == nil and desired.state ~= "absent"), ("%s.%s is required"):format(type_name, key))
  end
  local has_unknown = false
  for _, value in pairs(desired) do has_unknown = has_unknown or value == unknown end
  if spec.normalise and not has_unknown and desired.state ~= "absent" then desired = check_schema(spec, spec.normalise(merge(desired), name)) end
  return { spec = spec, name = name, desired = desired }
end

local function view(item, more)
  return merge(merge(item.desired or item.prior, { name = item.name, prior = item.prior }), more)
end

-- Reads items of one type: sets item.have and gives the shell code and its output.
function harness.probe(items, options)
  local spec = items[1].spec
  local rs, code, out = {}, nil, nil
  for i, item in ipairs(items) do rs[i] = view(item) end
  if spec.probe_all then
    code = spec.probe_all(rs)
    out = harness.run(code, options)
    local have = spec.read_all(out, rs)
    for _, item in ipairs(items) do item.have = have[item.name] end
  else
    for i, item in ipairs(items) do
      code = spec.probe(rs[i])
      out = harness.run(code, options)
      item.have = spec.read(out, rs[i])
    end
  end
  for _, item in ipairs(items) do
    if item.have then
      item.have = check_schema(spec, merge(item.have))
      if spec.plain_state then item.have.state = "present" end
    end
  end
  return code, out
end

-- The attributes that differ, as the engine finds them; nil when it is absent.
function harness.diff(item)
  if not item.have then return nil end
  local before, names = merge(item.prior, item.have), {}
  for key, value in pairs(item.desired) do
    local row = item.spec.schema[key]
    if not row.computed and not row.write_only and not equal(value, before[key]) then names[#names + 1] = key end
  end
  table.sort(names)
  return names
end

local function run_step(step)
  if step == nil then return nil end
  if type(step) == "string" then step = { script = step } end
  for _, upload in ipairs(step.uploads or {}) do
    local bytes = upload.data or read_file(upload.source)
    write_file(upload.path, bytes)
    os.execute("chmod 600 '" .. upload.path .. "'")
    assert(upload.sha256 == harness.sha256(bytes), "the upload's hash")
  end
  return harness.run("(\nset -e\n" .. step.script .. "\n)")
end

function harness.apply(item, more)
  local r = view(item, merge({ have = item.have, action = item.have and "update" or "create" }, more))
  local out = run_step(item.spec.apply(r))
  if not out.ok then return false, out end
  item.prior = merge(merge(item.prior, item.desired), item.spec.result and item.spec.result(out, r) or {})
  return true, out
end

-- `asked`: by state = "absent"; else because it left the playbook.
function harness.remove(item, asked)
  local attributes = asked and merge(item.desired, { state = "absent" }) or item.prior
  local r = merge(attributes, { name = item.name, prior = item.prior, have = item.have })
  local out = item.spec.remove and run_step(item.spec.remove(r))
  if out and not out.ok then return false, out end
  return true, out
end

return harness
