-- What others make of the same salt: computed with another bcrypt. The hash itself is a secret: its text is looked at by `reveal`.
local hash = core.reveal(core.bcrypt("correct horse", "cluster"))
equal(#hash, 60)
equal(hash:sub(1, 7), "$2b$10$")
equal(core.reveal(core.bcrypt(secret "correct horse", "cluster")), hash)
check(core.reveal(core.bcrypt("correct horse", "other")) ~= hash, "another seed, another salt")
check(slipway.is_secret(core.bcrypt("x", "y")))
raises(function() core.bcrypt("", "y") end, "1 to 72 bytes")
raises(function() core.bcrypt(("x"):rep(73), "y") end, "1 to 72 bytes")
