-- Lua patterns are our own implementation (src/script/match.c): these are what the manual and the reference implementation say.
local function all(...) return table.pack(...) end
local function same(got, ...)
  local wanted = table.pack(...)
  check(got.n == wanted.n, ("%d results, not %d"):format(got.n, wanted.n))
  for i = 1, wanted.n do equal(got[i], wanted[i], "result " .. i) end
end

same(all(("hello world"):find "wor"), 7, 9)
same(all(("hello"):find "l"), 3, 3)
same(all(("hello"):find("l", 4)), 4, 4)
same(all(("hello"):find("xyz")), nil)
same(all(("a.b"):find(".", 1, true)), 2, 2)
same(all(("a+b"):find("+", 1, true)), 2, 2)
same(all((""):find ""), 1, 0)
same(all(("abc"):find("", 4)), 4, 3)
same(all(("abc"):find("", 5)), nil)
same(all(("abc"):find("b", -2)), 2, 2)
same(all(("abc"):find("a", -100)), 1, 1)
same(all(("alo"):find "(a)(l)"), 1, 2, "a", "l")
same(all(("key = value"):match "^(%w+)%s*=%s*(%w+)$"), "key", "value")
same(all(("  x  "):match "^%s*(.-)%s*$"), "x")
same(all(("2024-01-31"):match "(%d+)-(%d+)-(%d+)"), "2024", "01", "31")
same(all(("hello"):match "()ll()"), 3, 5)
same(all(("f(a(b)c)d"):match "%b()"), "(a(b)c)")
same(all(("THE (quick) fox"):find "%((%a+)%)"), 5, 11, "quick")
same(all(("THE (quick) fox"):match "%f[%a]%a+%f[%A]"), "THE")
same(all(("x]y"):match "[]]"), "]")
same(all(("x^y"):match "[x^]+"), "x^")
same(all(("a-z"):match "[a%-z]+"), "a-z")
same(all(("a-z"):match "[a-]+"), "a-")
same(all(("abc123"):match "[^%d]+"), "abc")
same(all(("aaa"):match "a-b"), nil)
same(all(("aab"):match "a-b"), "aab")
same(all(("\0a\0"):match "%z?a"), nil == nil and "a" or nil)
same(all(("a\0b"):match "a\0b"), "a\0b")
same(all(("abab"):match "(ab)%1"), "ab")
same(all(("$x$"):match "^%$(.*)%$$"), "x")
same(all(("colour color"):gsub("colou?r", "hue")), "hue hue", 2)
same(all(("hello world"):gsub("o", "0", 1)), "hell0 world", 1)
same(all(("abc"):gsub("", "-")), "-a-b-c-", 4)
same(all(("abc"):gsub("%w", "%0%0")), "aabbcc", 3)
same(all(("abc"):gsub("(a)(b)", "%2%1")), "bac", 1)
same(all(("$name is $age"):gsub("%$(%w+)", { name = "Bob", age = 7 })), "Bob is 7", 2)
same(all(("abc"):gsub("b", function() return nil end)), "abc", 1)
same(all(("abc"):gsub("b", function() return false end)), "abc", 1)
same(all(("abc def"):gsub("%w+", string.upper)), "ABC DEF", 2)
same(all(("a.b.c"):gsub("%.", "%%")), "a%b%c", 2)
same(all(("abc"):gsub("^a", "x")), "xbc", 1)
same(all(("hello world from Lua"):gsub("(%w+) (%w+)", "%2 %1")), "world hello Lua from", 2)

local words = {}
for w in ("one two  three"):gmatch "%a+" do words[#words + 1] = w end
equal(words, { "one", "two", "three" })
local pairs_found = {}
for k, v in ("a=1, b=2"):gmatch "(%w+)=(%w+)" do pairs_found[k] = v end
equal(pairs_found, { a = "1", b = "2" })
local n = 0
for _ in ("abc"):gmatch "" do n = n + 1 end
equal(n, 4)
local from = {}
for w in ("abc"):gmatch("%w", 2) do from[#from + 1] = w end
equal(from, { "b", "c" })

raises(function() return ("x"):find "[a" end, "missing ']'")
raises(function() return ("x"):find "%" end, "ends with '%%'")
raises(function() return ("x"):find "(" end, "unfinished capture")
raises(function() return ("x"):match ")" end, "invalid pattern capture")
raises(function() return ("x"):match "%1" end, "invalid capture index")
raises(function() return ("x"):match "%bx" end, "missing arguments")
raises(function() return ("x"):match "%f" end, "missing '%['")
raises(function() return ("x"):gsub("x", "%2") end, "invalid capture index")
raises(function() return ("x"):gsub("x", "%a") end, "invalid use of '%%'")
raises(function() return ("x"):gsub("x", function() return {} end) end, "invalid replacement value")
raises(function() return ("x"):find(("("):rep(40)) end, "too many captures")
raises(function() return (("x"):rep(1000)):match(("(x"):rep(31) .. ("x?"):rep(300)) end, "too complex")
