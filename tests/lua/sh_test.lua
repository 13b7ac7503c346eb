local sh = require "sh"

equal(sh("readlink -- {path}", { path = "/a b" }), "readlink -- '/a b'")
equal(sh("x {list} y", { list = { "a", "b c", 3, true } }), "x 'a' 'b c' '3' 'true' y")
equal(sh("x {list}", { list = {} }), "x ")
equal(sh("a {{ b }} c"), "a { b } c")
equal(sh("f() { echo; } ; ${x}" .. " {y}", { x = 1, y = 2 }), "f() { echo; } ; $'1' '2'")
equal(sh("{v}", { v = "it's $(rm -rf /) `x` \"q\" \\ \n end" }), [['it'\''s $(rm -rf /) `x` "q" \ ]] .. "\n end'")
equal(sh.quote("a'b"), [['a'\''b']])
equal(sh.quote { "a", "b" }, "'a' 'b'")
equal(sh.join { "a", "", sh("b {x}", { x = 1 }) }, "a\nb '1'")
equal(sh.join {}, "")

-- Quoting would be undone within quotes of the text.
raises(function() sh("echo '{x}'", { x = 1 }) end, "{x} stands within quotes")
raises(function() sh('echo "a {x}"', { x = 1 }) end, "{x} stands within quotes")
raises(function() sh('echo \\{x}', { x = 1 }) end, "{x} stands within quotes")
raises(function() sh("# note {x}", { x = 1 }) end, "{x} stands in a comment")
raises(function() sh("echo 'open", {}) end, "a quote is not closed")
equal(sh('[ "$(stat -c %a {p})" = "1" ] || x {p}', { p = "/a" }), [=[[ "$(stat -c %a '/a')" = "1" ] || x '/a']=])
equal(sh("x # it's fine\ny {z}", { z = 1 }), "x # it's fine\ny '1'")
equal(sh([[echo "it's" {z} $# ${#x} a#'b' {z}]], { z = 1, }), [[echo "it's" '1' $# ${#x} a#'b' '1']])

raises(function() sh("{x}") end, "no value for {x}")
raises(function() sh("{x}", {}) end, "no value for {x}")
raises(function() sh("{x}", { x = "a\0b" }) end, "NUL")
raises(function() sh("{x}", { x = { a = {} } , }) end, nil)
raises(function() sh("{x}", { x = { {} } }) end, "is a table")
raises(function() sh("{x}", { x = slipway.unknown }) end, "not known yet")

-- A secret makes the fragment one.
local f = sh("login {p}", { p = secret "s3cret" })
check(slipway.is_secret(f), "a fragment with a secret is a secret")
equal(f, secret "login 's3cret'")
check(slipway.is_secret(sh.join { "a", f }))
check(slipway.is_secret(table.concat({ "a", f }, "\n")))
