-- JSON, YAML, base64, hashes, secrets, order.
equal(json.encode { b = 1, a = { 1, 2.5, "x", true } }, '{"a":[1,2.5,"x",true],"b":1}')
equal(json.encode {}, "{}")
equal(json.encode(slipway.list {}), "[]")
equal(json.encode(json.decode "[]"), "[]")
equal(json.encode(json.decode '{"a":[],"b":{},"c":[null,1],"d":null}'), '{"a":[],"b":{},"c":[null,1]}')
check(json.decode("[null]")[1] == slipway.null)
equal(json.decode '{"n": 9007199254740993}'.n, 9007199254740993)
check(math.type(json.decode("1.0")) == "float")
check(math.type(json.decode("1")) == "integer")
raises(function() json.decode "{" end)
raises(function() json.encode { 1, a = 2 } end, "mixes a list and a map")
raises(function() json.encode { 1, nil, 3 } end, "hole")
raises(function() json.encode { [1.5] = 2 } end, "key")
raises(function() json.encode(print) end, "is a function")
raises(function() json.encode { a = { b = 0 / 0 } } end, "the value.a.b is not a finite number")
raises(function() local t = {} t.a = { t } json.encode(t) end, "holds itself")
raises(function()
  local t = {}
  for _ = 1, 100 do t = { t } end
  json.encode(t)
end, "nested too deeply")
raises(function() -- 2^40 nodes from 40 tables
  local t = { 1 }
  for _ = 1, 40 do t = { t, t } end
  json.encode(t)
end, "too large")
equal(yaml.decode "a: [1, two, 3.5, ~]\nb: {}\n", { a = { 1, "two", 3.5, slipway.null }, b = {} })
equal(yaml.decode(yaml.encode { x = "1", y = { 1, 2 } }), { x = "1", y = { 1, 2 } })
equal(#yaml.decode_all "a: 1\n---\nb: 2\n", 2)
raises(function() yaml.decode "a: [" end)
equal(base64.encode "hello\0", "aGVsbG8A")
equal(base64.decode "aGVsbG8A", "hello\0")
raises(function() base64.decode "?" end, "not base64")
equal(sha256 "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")

-- == that does not guess.
check(slipway.equal(1, 1.0) and slipway.equal("a", "a") and not slipway.equal("1", 1) and slipway.equal(nil, nil))
check(slipway.equal(slipway.null, slipway.null) and not slipway.equal(slipway.null, "a"))
raises(function() return slipway.equal(secret "a", "a") end, "a secret cannot be compared")
raises(function() return slipway.equal("a", secret "a") end, "a secret cannot be compared")
raises(function() return slipway.equal("a", slipway.unknown) end, "not known yet cannot be compared")

-- Secrets go through everything and come out as secrets.
local s = secret "hunter2"
for name, value in pairs {
  concat = "a" .. s .. 1, json = json.encode { k = s }, yaml = yaml.encode { k = s }, base64 = base64.encode(s), sha256 = sha256(s),
  tostring = tostring(s), template = slipway.template("x {{ s }}", { s = s }), decoded = json.decode(secret '{"a":"b"}').a,
  concat_list = table.concat({ s, "x" }, "-"), nested = secret({ a = { 1 } }).a[1],
} do
  check(slipway.is_secret(value), name .. " of a secret is a secret")
end
equal("a" .. s .. 1, secret "ahunter21")
equal(#s, 7)
for name, fn in pairs {
  compare = function() return s == secret "hunter2" end,
  less = function() return s < "x" end,
  index = function() return s.x end,
  method = function() return s:sub(1, 1) end,
  format = function() return ("%s"):format(s) end,
  arithmetic = function() return s + 1 end,
  rep = function() return string.rep(s, 2) end,
  pairs = function() return pairs(s) end,
  sub = function() return string.sub(s, 1, 1) end,
  find = function() return string.find(s, "h") end,
  gsub = function() return string.gsub("x", "x", s) end,
  tonumber = function() return assert(tonumber(s)) end,
} do
  local message = raises(fn)
  check(message and not message:find("hunter", 1, true), name .. ": the message does not tell the secret")
end
local _, problem = pcall(error, s)
check(problem == s or slipway.is_secret(problem))
raises(function() error(s) end, "no text")
raises(function() fail(s) end, "%(sensitive%)")

-- Unknown hangs on.
local u = slipway.unknown
check(u == slipway.unknown and ("a" .. u) == u and u.x.y == u and tostring(u) == u and sha256(u) == u and json.encode { u } == u)
raises(function() return u + 1 end, "not known yet")
check(not slipway.is_known { a = { u } } and slipway.is_known { a = { 1 } })

-- pairs and next in sorted order.
local keys = {}
for k in pairs { b = 1, a = 2, [3] = 1, [1] = 1, [2.5] = 1, [true] = 1 } do keys[#keys + 1] = tostring(k) end
equal(table.concat(keys, " "), "1 2.5 3 a b true")
for _, n in ipairs { 0, 1, 63, 64, 65, 200 } do
  local set, last, seen = {}, nil, 0
  for i = n, 1, -1 do set[("k%03d"):format(i * 7 % 211)] = i end
  for k, v in pairs(set) do
    check((last == nil or last < k) and set[k] == v, k)
    last, seen = k, seen + 1
  end
  equal(seen, n)
end
check(next {} == nil and next { z = 1, y = 2 } == "y")
equal({ next({ z = 1, y = 2 }, "y") }, { "z", 1 })
local t = { a = 1, b = 2, c = 3 }
for k in pairs(t) do t[k] = nil end
check(next(t) == nil, "removing while iterating")

-- Networks.
equal(slipway.cidr("10.0.0.0/16", 5), "10.0.0.5")
equal(slipway.cidr("10.0.0.0/16", 256), "10.0.1.0")
equal(slipway.cidr("10.0.7.9/16", -2), "10.0.255.254")
equal(slipway.cidr("10.0.0.0/16", 3, 24), "10.0.3.0/24")
equal(slipway.cidr("10.0.0.0/16", -1, 24), "10.0.255.0/24")
equal(slipway.cidr("fd00::/48", 1, 64), "fd00:0:0:1::/64")
equal(slipway.cidr("fd00::/64", 17), "fd00::11")
equal(slipway.cidr("fd00::/48", -1), "fd00::ffff:ffff:ffff:ffff:ffff")
raises(function() slipway.cidr("10.0.0.0/24", 256) end, "no place 256")
raises(function() slipway.cidr("10.0.0.0/24", -257) end, "no place")
raises(function() slipway.cidr("10.0.0.0", 1) end, "no network")
raises(function() slipway.cidr("10.0.0.0/16", 1, 8) end, "no part")

-- XML
do
  local out, name = xml.decode("<R><set><item><id>1</id></item></set><n>2</n><e/></R>")
  equal(out, { set = { { id = "1" } }, n = "2", e = "" })
  equal(name, "R")
  equal(xml.decode("<R><set><item>1</item></set></R>", {}), { set = { item = "1" } })
  equal(xml.decode("<R><set><X>1</X></set></R>", { "X" }), { set = { "1" } })
  equal(xml.decode("<R>1</R>"), "1")
  local hidden = xml.decode(secret "<R><id>a</id></R>")
  check(slipway.is_secret(hidden.id), "what is read from a secret is secret")
  raises(function() xml.decode("<R>") end, "not XML")
  raises(function() xml.decode("<!DOCTYPE R><R/>") end, "document type")
  raises(function() xml.decode(7) end, "a text wanted")
  raises(function() xml.decode({}) end, "a text wanted")
  raises(function() xml.decode("<R/>", "item") end, "table")
  raises(function() xml.decode("<R/>", { 1 }) end, "list of names")
end
