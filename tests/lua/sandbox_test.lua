-- What a playbook cannot do. testing.user(text) runs text with a playbook's rights.
local user = testing.user

local function refused(text, pattern)
  local message, hint = raises(function() return user(text) end, pattern)
  check(message, "not refused: " .. text)
  return message, hint
end

for _, name in ipairs { "io", "os", "debug", "load", "loadstring", "dofile", "loadfile", "coroutine", "collectgarbage", "package", "_G", "rawset",
                        "rawget", "rawequal", "core", "warn", "testing", "check" } do
  refused("return " .. name, "there is no '" .. name .. "' here")
end
for _, name in ipairs { "string.dump", "string.pack", "math.random", "math.randomseed" } do check(user("return " .. name) == nil, name .. " is absent") end
local _, hint = refused("return slipwai", "there is no 'slipwai' here")
check(hint == "did you mean 'slipway'?")

-- What is shared cannot be changed, nor its metatables reached.
refused("string.format = 1", "read%-only")
refused("slipway.unknown = 1", "'unknown' cannot be set")
refused("require('sh').quote = print", "read%-only")
refused("table.insert(slipway.inventory or string, 1)", "read%-only")
refused("table.sort(string)", "read%-only")
refused("setmetatable(string, {})", "protected")
refused("setmetatable({}, { __gc = print })", "__gc")
refused("setmetatable({}, { __mode = 'k' })", "__mode")
refused("return getmetatable('').__index", "boolean")
check(user("return getmetatable('')") == false)
check(user("return getmetatable(string)") == false)
check(user("return getmetatable(slipway.unknown)") == false)
check(user("return getmetatable(secret 'x')") == false)
check(user("return getmetatable(_ENV)") == false)
refused("getmetatable(_ENV).__index = {}", "boolean")
refused("string = 1 return ('x'):nothing()", "nil")
equal(user "string = 1 return ('x'):upper()", "X")  -- its own global, nobody else's
equal(user "return string.upper('x')", "X")
check(string.upper == ("").upper)

-- Modules.
for _, name in ipairs { "../x", "/etc/passwd", "a/../b", ".hidden", "a//b", "a/", "", "A", "a b", "a..b", "./a" } do
  refused(("require %q"):format(name), "no name for require")
end
refused("require 'a\\0b'", "no name for require")
refused("require 'nothing_like_it'", "there is no file 'nothing_like_it.lua'")
refused("slipway.file '/etc/../etc/nothing'", "nothing")
refused("slipway.file '../x'", "leads out")
refused("slipway.file 'a/../../x'", "leads out")

-- No addresses, no bytecode.
equal(user "return tostring({})", "table")
equal(user "return tostring(print)", "function")
equal(user "return string.format('%s %d', {}, 3)", "table 3")
refused("return string.format('%p', {})", "not available")
refused("return string.format('%-5p', {})", "not available")
refused("\27Lua", "binary")

-- Loops in C that no instruction count sees.
equal(user "return (''):rep(1 << 60)", "")
refused("return table.concat(setmetatable({}, { __index = function() return '' end, __len = function() return 1 << 50 end }))", "out of range")
refused("return table.concat(setmetatable({}, { __index = function() return '' end, __len = function() return 9 end }))", "metatable")
refused("return table.concat({}, '', 1, 1 << 50)", "out of range")
refused("table.move({}, 1, 1 << 50, 2)", "out of range")
refused("table.insert(setmetatable({}, { __len = function() return 1 << 50 end }), 1, 1)", "metatable")
refused("return table.unpack({}, 1, 1 << 30)", "too many results")
refused("return ('x'):rep(9000):byte(1, -1)", "too many bytes")
refused("return utf8.codepoint(('x'):rep(9000), 1, -1)", "too many bytes")
equal(user "return select('#', ('x'):rep(9000):byte(-4000, -1))", 4000)
refused("return select(-1)", "out of range")

-- table.*
equal(user "local t = { 3, 1, 2 } table.sort(t) return t", { 1, 2, 3 })
equal(user "local t = {} table.insert(t, 'a') table.insert(t, 1, 'b') table.insert(t, 1 << 60) return t", { "b", "a", 1 << 60 })
equal(user "return table.concat({ 1, 2, 3 }, ', ', 2)", "2, 3")
equal(user "return table.concat({ 1, 2, 3 }, ', ', 1, 2)", "1, 2")
equal(user "return table.concat { 'a', 'b' }", "ab")
equal(user "return select('#', table.unpack({ 1, 2, nil, 4 }, 1, 4))", 4)
equal(user "return table.pack(1, nil, 3).n", 3)
equal(user "return table.remove({ 1, 2 })", 2)
equal(user "return table.move({ 1, 2 }, 1, 2, 2)", { 1, 1, 2 })
refused("table.concat({ {} })", "invalid value")

raises(function() require "host" "n1" {} end, "nothing can be declared here")
