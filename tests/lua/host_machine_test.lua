-- sysctl, kernel_module, hostname, reboot, exec, cron, timer.
equal(testing.attributes("sysctl", "net.ipv4.ip_forward", { value = 1 }).value, "1")
equal(testing.attributes("sysctl", "net.ipv4.tcp_rmem", { value = "1\t2  3" }).at_boot, "1 2 3")
raises(function() testing.attributes("sysctl", "net/../../../etc/x", { value = 1 }) end, "not a path")
local key, file = "/proc/sys/net/ipv4/conf/eth0.1/forwarding", "/etc/sysctl.d/90-slipway-net.ipv4.conf.eth0.1.forwarding.conf"
check(testing.probe("sysctl", "net/ipv4/conf/eth0.1/forwarding", { value = 1 }):find(key, 1, true))
local function sysctl(out) return testing.read("sysctl", "net/ipv4/conf/eth0.1/forwarding", { value = 1 }, { out = out }) end
equal(sysctl(key .. ":0\n" .. file .. ":net/ipv4/conf/eth0.1/forwarding = 1\n"), { value = "0", at_boot = "1", state = "present" })
equal(sysctl(key .. ":1\n"), nil, "not yet for the next boot")
equal(sysctl(key .. ":1\n" .. file .. ":something = else\n").at_boot, "something = else")

equal(testing.read("kernel_module", "br-netfilter", {}, { out = "loaded br-netfilter\n" }), { loaded = true, at_boot = true, state = "present" })
equal(testing.read("kernel_module", "x", {}, { out = "- x\n" }).loaded, false)
equal(testing.read("kernel_module", "x", {}, { out = "loaded -\n" }), nil)
check(testing.probe("kernel_module", "br-netfilter", {}):find("'br_netfilter' '/etc/modules-load.d/90-slipway-br-netfilter.conf'", 1, true))

equal(testing.read("hostname", "n1", {}, { out = "n1\nn1\n" }), { running = "n1", at_boot = "n1" })
equal(testing.read("hostname", "n1", {}, { out = "n1\nlocalhost\n" }), nil)

-- reboot: needed is a difference; while it restarts, another boot ends it.
local function reboot(out, prior) return testing.read("reboot", "x", { when = "/flag" }, { out = out, prior = prior }).pending end
equal(reboot("- abc\n"), false)
equal(reboot("needed abc\n"), true)
equal(reboot("needed abc\n", { pending = true, boot_id = "abc" }), true, "still the old boot")
equal(reboot("needed def\n", { pending = true, boot_id = "abc" }), false, "the new boot, though the flag is still there")
equal(reboot("needed def\n", { pending = false, boot_id = "abc" }), true)
equal(testing.apply("reboot", "x", { timeout = 60 }).reconnect, true)

-- exec
local function exec(attributes, known) return testing.read("exec", "x", attributes, known) end
local once = { command = "do it" }
equal(exec(once, { out = "unasked\n" }), nil, "never run")
equal(exec(once, { out = "unasked\n", prior = { command = "do it", done = true } }).command, "do it")
equal(exec({ command = "do that" }, { out = "unasked\n", prior = { command = "do it", done = true } }).command, "do it", "another command")
equal(exec(once, { out = "unasked\n", prior = { command = "do it" } }), nil, "begun, and never done")
local guarded = { command = "do it", unless = "test -e '/x'" }
equal(exec(guarded, { status = 0 }).command, "do it")
equal(exec(guarded, { status = 1 }), nil)
equal(testing.probe("exec", "x", guarded), "( eval 'test -e '\\''/x'\\''' ) >/dev/null 2>&1")
equal(testing.probe("exec", "x", { command = "c", creates = { "/a", "/b c" } }),
  "{ { [ -e '/a' ] || [ -L '/a' ]; } && { [ -e '/b c' ] || [ -L '/b c' ]; }; }")
equal(testing.probe("exec", "x", { command = "c", onlyif = "o", cwd = "/w", environment = { A = "it's" } }),
  "! ( export A='it'\\''s' && cd -- '/w' && eval 'o' ) >/dev/null 2>&1")
equal(testing.probe("exec", "x", { command = "c", unless = slipway.unknown }), "echo unasked")
local list = testing.apply("exec", "x", { command = { "echo", "a b", "$c" }, timeout = 5 })
equal(list.script, [[eval ''\''echo'\'' '\''a b'\'' '\''$c'\''']])
equal(list.timeout, 5)
check(testing.apply("exec", "x", guarded).script:find("^if .*; then exit 0; fi\n"), "asked again at apply")
check(not testing.apply("exec", "x", guarded, { triggered = true }).script:find("exit 0"), "a trigger does not ask")
raises(function() testing.attributes("exec", "x", { command = "" }) end, "command: is empty")
raises(function() testing.attributes("exec", "x", { command = "c", environment = { ["a b"] = "x" } }) end, "a variable's name")
check(testing.apply("exec", "x", { command = "c", environment = { T = secret "s3" } }).script:find("export T='s3'\neval 'c'", 1, true))

-- cron and timer: the command is taken as written.
local cron = testing.attributes("cron", "job", { schedule = "0 3 * * *", command = "date +%F" })
equal(cron.content, "# from slipway\n0 3 * * * root date +\\%F\n")
equal(testing.read("cron", "job", { schedule = "0 3 * * *", command = "date +%F" }, { out = "/etc/cron.d/job:# mine\n" }).content, "# mine\n")
raises(function() testing.attributes("cron", "job", { schedule = "0 3 * *", command = "x" }) end, "five fields")
raises(function() testing.attributes("cron", "job", { schedule = "@daily", command = "a\nb" }) end, "one line")
local timer = testing.attributes("timer", "job", { calendar = "daily", command = [[echo "$A" \ 50%]], environment = { A = "$x%" } })
check(timer.service_unit:find([[ExecStart=/bin/sh -ec "echo \"$$A\" \\ 50%%"]], 1, true), timer.service_unit)
check(timer.service_unit:find([[Environment="A=$x%%"]], 1, true), timer.service_unit)
local path = "/etc/systemd/system/job."
local have = testing.read("timer", "job", { calendar = "daily", command = "x" },
  { out = path .. "service:[Service]\n" .. path .. "timer:[Timer]\n\ninactive\n" })
equal(have.active, false)
equal(have.timer_unit, "[Timer]\n")
