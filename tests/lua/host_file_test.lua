-- file, directory, symlink, download: what they ask, and how they read the answers.
local hash = sha256("new\n")
local stamp = "612 4 2026-01-01 10:00:00.100000000 +0000 2026-01-01 10:00:00.200000000 +0000"

local function stat_line(path, bits, more)
  return ("\t%s\t%s\t%s 0 0 root root\t\n"):format(path, more or stamp, bits)
end

-- Rights are compared in one form.
equal(testing.attributes("file", "/f", { content = "new\n", mode = "644" }),
  { content = "new\n", mode = "0644", sha256 = hash, state = "present" })
equal(testing.attributes("file", "/f", { content = "x", mode = "1777" }).mode, "1777")
raises(function() testing.attributes("file", "/f", { content = "x", mode = "u+x" }) end, "mode: expected octal digits")
raises(function() testing.attributes("file", "/f", { content = "x", mode = 420 }) end, "mode")
raises(function() testing.attributes("file", "/f", { content = "x", source = "y" }) end, "only one of")
raises(function() testing.attributes("file", "/f", { content = "x", vars = { a = 1 } }) end, "vars")
raises(function() testing.attributes("file", "/f", { content = "x", sha256 = ("0"):rep(64) }) end, "the content has")
raises(function() testing.attributes("file", "/f", { content = "x", owner = "a b" }) end, "owner")

-- The probe: one stat, one sha256sum, the content when it differs; the hash of the state where its stamp holds.
local odd = "/a 'b' $(c)"
local probe = testing.probe("file", odd, { content = "new\n" })
equal(probe, "h_stat '/a '\\''b'\\'' $(c)'\nh_hash '/a '\\''b'\\'' $(c)' '-'\nh_content '/a '\\''b'\\'' $(c)' '" .. hash .. "'")
check(testing.probe("file", "/f", { content = "new\n" }, { prior = { sha256 = hash, stat = stamp } }):find("h_hash '/f' '" .. stamp .. "'", 1, true))
check(testing.probe("file", "/f", { content = "new\n" }, { prior = { sha256 = "other", stat = stamp } }):find("h_hash '/f' '-'", 1, true))
equal(testing.probe("file", "/f", { mode = "0600" }), "h_stat '/f'")
check(testing.probe("file", "/f", { content = slipway.unknown }):find("h_content '/f' 'unknown'", 1, true))

local function read(out, attributes, known)
  known = known or {}
  known.out = out
  return testing.read("file", "/f", attributes or { content = "new\n" }, known)
end

equal(read(""), nil)
raises(function() read("!stat\n") end, "the node has no stat")
equal(read(stat_line("/f", "81a4") .. hash .. "  /f\n"),
  { mode = "0644", owner = "root", group = "root", sha256 = hash, stat = stamp, content = "new\n", state = "present" })
local differs = read(stat_line("/f", "8180") .. ("a"):rep(64) .. "  /f\n#/f\n" .. base64.encode("old\n") .. "\n")
equal(differs.content, "old\n")
equal(differs.mode, "0600")
equal(read(stat_line("/f", "81a4"), nil, { prior = { sha256 = hash, stat = stamp } }).sha256, hash)
equal(read(stat_line("/f", "81a4") .. ("a"):rep(64) .. "  /f\n#/f\n" .. base64.encode("\0\255") .. "\n").content, "(4 bytes, not shown)")
equal(read(stat_line("/f", "a1ff")).sha256, "(a link)")
equal(read(stat_line("/f", "41ed")).sha256, "(a directory)")
equal(read(stat_line("/f", "81a4"):gsub("0 0 root root", "0 7 root UNKNOWN"), { mode = "0644", owner = "0" }),
  { mode = "0644", owner = "0", group = "7", stat = stamp, state = "present" })
-- sha256sum escapes backslashes in names.
equal(testing.read("file", "/a\\b", { content = "new\n" }, { out = stat_line("/a\\b", "81a4") .. "\\" .. hash .. "  /a\\\\b\n" }).sha256, hash)

-- Secrets stay secret, and are written all the same.
local hidden = testing.attributes("file", "/f", { content = secret "s3cret" })
check(slipway.is_secret(hidden.sha256), "the hash of a secret is one")
check(testing.apply("file", "/f", { content = secret "s3cret" }).script:find(base64.encode("s3cret"), 1, true), "a secret is written")

-- Writing: text as it is, bytes as base64, much as an upload.
local step = testing.apply("file", odd, { content = "it's\n", mode = "600", owner = "app" })
equal(step.uploads, {})
check(step.script:find("printf '%s' 'it'\\''s\n' > \"$_tmp\"", 1, true), step.script)
check(step.script:find("h_put '/a '\\''b'\\'' $(c)' '0600' 'app'", 1, true), step.script)
check(testing.apply("file", "/f", { content = "\0\1" }).script:find("base64 -d > \"$_tmp\" <<'SLIPWAY_END' || h_drop\nAAE=\nSLIPWAY_END", 1, true))
local large = ("x"):rep(200 * 1024)
step = testing.apply("file", "/srv/f", { content = large }, { have = { mode = "0640", owner = "app", group = "app", sha256 = "x" } })
equal(#step.uploads, 1)
equal(step.uploads[1].path:match("^/srv/%.slipway%-%x+$") ~= nil, true)
equal(step.uploads[1].sha256, sha256(large))
check(step.script:find("h_put '/srv/f' '0640' 'app:app'", 1, true), "what is not said stays as it was")

-- Removing: what slipway made, or what the playbook says must go.
equal(testing.apply("file", "/f", { state = "absent" }, { have = { mode = "0644" } }).script, "rm -f -- '/f'")
equal(testing.apply("file", "/f", nil, { action = "delete", prior = { sha256 = hash }, have = { sha256 = hash } }).script, ":")
equal(testing.apply("file", "/f", nil, { action = "delete", prior = { sha256 = hash, created = true }, have = {} }).script, "rm -f -- '/f'")
equal(testing.result("file", "/f", { content = "new\n" }, { out = "noise\n::result\n" .. stamp .. "\n" }).stat, stamp)
equal(testing.result("file", "/f", { content = "new\n" }, { out = stamp }).created, true)
equal(testing.result("file", "/f", { content = "new\n" }, { out = stamp, have = { mode = "0644" } }).created, false)
equal(testing.result("file", "/f", { content = "new\n" }, { out = stamp, have = { mode = "0644" }, prior = { created = true } }).created, true)

-- directory: a link to one counts as one.
equal(testing.probe("directory", "/var/run", {}), "h_stat '/var/run/'")
equal(testing.read("directory", "/d", { mode = "755" }, { out = stat_line("/d/", "41ed") }),
  { mode = "0755", owner = "root", group = "root", state = "present" })
equal(testing.apply("directory", "/d", { state = "absent" }, { have = {} }).script, "rm -rf -- '/d'")
check(testing.apply("directory", "/d", nil, { action = "delete", prior = { created = true }, have = {} }).script:find("^rmdir"))

-- symlink
equal(testing.read("symlink", "/l", { target = "x" }, { out = "1\n/some where\n" }).target, "/some where")
equal(testing.read("symlink", "/l", { target = "x" }, { out = "0\n" }).target, "(not a link)")
equal(testing.read("symlink", "/l", { target = "x" }, { out = "-\n" }), nil)

-- download
raises(function() testing.attributes("download", "/f", { url = "file:///etc/passwd" }) end, "url: expected an http")
raises(function() testing.attributes("download", "/f", { url = "https://x/y", sha256 = "abc" }) end, "sha256: expected 64")
local got = testing.read("download", "/f", { url = "https://x/new", sha256 = hash },
  { out = stat_line("/f", "81a4") .. hash .. "  /f\n", prior = { url = "https://x/old", sha256 = hash } })
equal(got.url, "https://x/new", "the same bytes from elsewhere are the same")
got = testing.read("download", "/f", { url = "https://x/new" }, { out = stat_line("/f", "81a4"), prior = { url = "https://x/old" } })
equal(got.url, "https://x/old", "without a hash another URL is another file")
