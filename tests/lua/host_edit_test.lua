-- line_in_file, block_in_file, hosts_entry, mount, swap.
raises(function() testing.attributes("line_in_file", "x", { path = "relative", line = "y" }) end, "path: expected an absolute path")
raises(function() testing.attributes("line_in_file", "/f", { line = "a\nb" }) end, "line: expected one line")
raises(function() testing.attributes("line_in_file", "/f", {}) end, "line: is not set")
equal(testing.attributes("line_in_file", "/f", { line = "x" }).path, "/f")

local probe = testing.probe("line_in_file", "label", { path = "/f", line = "-e 'x'", match = "^-e" })
check(probe:find("grep -asnxFH '-e' '-e '\\''x'\\''' -- '/f'", 1, true), probe)
check(probe:find("grep -anE -m '200' -e '^-e' 2>/dev/null < '/f'", 1, true), probe)

local function line(out, attributes)
  return testing.read("line_in_file", "/a:b", attributes or { line = "k=1" }, { out = out })
end
equal(line(""), nil)
equal(line("/a:b:7:k=1\n").line, "k=1")
equal(line("/a:7:k=1\n"), nil, "another file")
equal(line("/a:b:7:k=1\n#1\n9:k=2\n", { line = "k=1", match = "^k=" }).line, "k=2", "the last match counts")
equal(line("#1\n", { line = "k=1", match = "^k=" }), nil)
equal(line("/a:b:7:k=1\n#1\n", { line = "k=1", match = "^#k=" }).line, "k=1", "there already, though nothing matches")
raises(function() line("#1\n" .. ("1:k\n"):rep(200), { line = "k=1", match = "k" }) end, "make it narrower")

-- block_in_file
raises(function() testing.attributes("block_in_file", "/f", { block = "x", marker = "# mine" }) end, "{mark}")
equal(testing.attributes("block_in_file", "/f", { block = "x" }).block, "x\n")
equal(testing.read("block_in_file", "/f", { block = "x" }, { out = "#1\n>one\n>\n>#end\n#end\n" }).block, "one\n\n#end\n")
equal(testing.read("block_in_file", "/f", { block = "x" }, { out = "#1\n" }), nil)
equal(testing.read("block_in_file", "/f", { block = "" }, { out = "#1\n#end\n" }).block, "")
local step = testing.apply("block_in_file", "x", { path = "/f", block = "a\n" })
check(step.script:find("h_block '# BEGIN slipway: x' '# END slipway: x' '# BEGIN slipway: x\na\n# END slipway: x'", 1, true))

-- hosts_entry
local function entry(out) return testing.read("hosts_entry", "api", { address = "192.0.2.1" }, { out = out }) end
equal(entry(""), nil)
equal(entry("192.0.2.1 api a b\n"), { address = "192.0.2.1", aliases = { "a", "b" }, state = "present" })
equal(entry("192.0.2.1 api\n192.0.2.2 api\n").address, "192.0.2.1, 192.0.2.2", "two lines for a name are seen")
raises(function() testing.attributes("hosts_entry", "api", { address = "x y" }) end, "address: expected an IP address")

-- mount
local mount = { source = "/dev/x", type = "ext4", options = { "noatime", "ro" } }
equal(testing.attributes("mount", "/m", mount).options, "noatime,ro")
local have = testing.read("mount", "/m n", mount, { out = "now /dev/x /m\\040n ext4 ro 0 0\nboot /dev/x /m\\040n ext4 noatime,ro 0 2\n" })
equal(have, { source = "/dev/x", type = "ext4", options = "noatime,ro", dump = 0, pass = 2, mounted = true, state = "present" })
check(testing.apply("mount", "/m n", mount).script:find("'/dev/x /m\\040n ext4 noatime,ro 0 0'", 1, true))

-- swap
equal(testing.read("swap", "off", {}, { out = "no no no\n" }).off, true)
equal(testing.read("swap", "off", {}, { out = "no yes no\n" }).off, false)
equal(testing.read("swap", "off", { state = "absent" }, { out = "no no no\n" }).state, "absent", "nothing to bring back")
