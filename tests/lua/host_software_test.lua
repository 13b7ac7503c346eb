-- package, repository, service, systemd_unit, user, group, authorized_key, archive, time_sync.
local packages = require "host/lib/packages"
for _, version in ipairs { "2.2.1", "2.2.1-1~debian.12~bookworm", "1:2.2.1-3", "2.2.1+dfsg-1", "2.2.1~rc1" } do
  check(packages.is_version(version, "2.2.1"), version)
end
for _, version in ipairs { "2.2.10", "2.2.10-1", "12.2.1", "2.2", "1:2.2" } do check(not packages.is_version(version, "2.2.1"), version) end
check(packages.is_version("1:2.2.1-3", "1:2.2.1-3"))

local function package(out, attributes, name) return testing.read("package", name or "kubelet", attributes or {}, { out = out }) end
equal(package("apt\nkubelet\thi \t1.36.2-1.1\tamd64\n", { version = "1.36.2", hold = true }),
  { version = "1.36.2", hold = true, installed = "1.36.2-1.1", state = "present" })
equal(package("apt\nkubelet\tii \t1.35.0-1.1\tamd64\n", { version = "1.36.2" }).version, "1.35.0-1.1")
equal(package("apt\nkubelet\trc \t1.35.0-1.1\tamd64\n"), nil, "removed, its configuration still there")
equal(package("apt\nkubelet\tiF \t1.35.0-1.1\tamd64\n"), nil, "half configured")
equal(package("apt\n"), nil)
equal(package("none\n"), nil)
equal(package("dnf\npackage kubelet is not installed\nheld\n"), nil)
equal(package("dnf\nkubelet\t0:1.36.2-150500.1.1\tx86_64\nheld\n# Added\nkubelet-0:1.36.2-150500.1.1.*\n", { version = "1.36.2" }),
  { version = "1.36.2", hold = true, installed = "1.36.2-150500.1.1", state = "present" })
equal(package("dnf\nkube\t0:1.0-1\tx86_64\nheld\nkubelet-0:1.36.2-1.*\n", {}, "kube").hold, false)
equal(package("apk\nkubelet\t1.36.2-r0\thold\n", { version = "1.36.2" }).hold, true)
raises(function() testing.attributes("package", "x", { version = "1 2" }) end, "version: expected a version")
local step = testing.apply("package", "kubelet", { version = "1.36.2", hold = true }).script
equal(step, "h_install 'kubelet' '1.36.2' \nh_hold 'kubelet'\necho ::result\nh_package_list 'kubelet'")
step = testing.apply("package", "kubelet", { hold = false }, { have = { version = "1", hold = true } }).script
equal(step, "h_unhold 'kubelet'\necho ::result\nh_package_list 'kubelet'")
equal(testing.result("package", "kubelet", {}, { out = "Setting up\n::result\napt\nkubelet\tii \t1.36.2-1.1\tamd64\n" }).installed, "1.36.2-1.1")
raises(function() testing.result("package", "mail-agent", {}, { out = "::result\napt\n" }) end, "virtual package")

-- repository
local key = "-----BEGIN PGP PUBLIC KEY BLOCK-----\nabc\n-----END PGP PUBLIC KEY BLOCK-----\n"
local docker = { url = "https://download.docker.com/linux/debian", suites = { "bookworm" }, components = { "stable" }, key = key }
local source, ring = "/etc/apt/sources.list.d/docker.sources", "/etc/apt/keyrings/docker.asc"
local text = testing.apply("repository", "docker", docker).script
local deb822 = "X-Slipway-Key: sha256:" .. sha256(key) ..
  "\nTypes: deb\nURIs: https://download.docker.com/linux/debian\nSuites: bookworm\nComponents: stable\nSigned-By: " .. ring .. "\n"
check(text:find("printf '%s' '" .. deb822 .. "'", 1, true), text)
local lines = deb822:gsub("([^\n]+\n)", source .. ":%1")
local have = testing.read("repository", "docker", docker, { out = "apt\n" .. ring .. "\n\n" .. lines })
equal(have.url, docker.url)
equal(have.suites, docker.suites)
equal(have.key, key)
check(testing.read("repository", "docker", docker, { out = "apt\n\n" .. lines }).key ~= key, "the key's file is missing")
equal(testing.read("repository", "docker", docker, { out = "apt\n" }), nil)
raises(function() testing.attributes("repository", "x", { url = "http://x", key = "mine" }) end, "key: expected a URL")

-- service
local function service(out, attributes) return testing.read("service", "app", attributes or {}, { out = out }) end
local loaded = "LoadState=loaded\nActiveState=%s\nSubState=x\nUnitFileState=%s\n"
equal(service(loaded:format("active", "enabled"), { enabled = true }).enabled, true)
equal(service(loaded:format("active", "static"), { enabled = true }).enabled, true, "a static unit has no say")
equal(service(loaded:format("failed", "disabled")).state, "failed")
equal(service(loaded:format("activating", "enabled")).state, "running")
equal(service("LoadState=not-found\nActiveState=inactive\n"), nil)
equal(service("LoadState=not-found\nActiveState=inactive\n", { state = "stopped", enabled = false }).state, "stopped")
equal(service(loaded:format("inactive", "disabled"), { state = "absent" }).state, "absent")
equal(testing.probe("service", "a@b.timer", {}):match("%-%- (.*)$"), "'a@b.timer'")
equal(testing.probe("service", "app.v2", {}):match("%-%- (.*)$"), "'app.v2.service'")
check(testing.apply("service", "app", {}, { have = { state = "running" }, triggered = true }).script:find("systemctl restart -- 'app.service'", 1, true))
check(testing.apply("service", "app", { reload = true }, { have = { state = "running" }, triggered = true }).script:find("reload-or-restart", 1, true))
check(not testing.apply("service", "app", {}, { have = { state = "stopped" }, triggered = true }).script:find("systemctl restart"), "started is enough")
equal(testing.apply("service", "app", nil, { action = "delete", prior = { state = "running" }, have = {} }).script, ":")

raises(function() testing.attributes("systemd_unit", "a.service/../../x.y", { content = "x" }) end, "drop%-in")
equal(testing.attributes("systemd_unit", "a.service.d/x.conf", { content = "[Service]" }).content, "[Service]\n")

-- user
local passwd = "g:adm:x:4:syslog,anna\ng:anna:x:1001:\nu:anna:x:1001:1001:Anna:/home/anna:/bin/sh\n"
local user = testing.read("user", "anna", { groups = { "sudo", "adm" } }, { out = passwd })
equal(user.groups, { "adm" })
equal(user.group, "anna")
equal(user.uid, 1001)
check(testing.probe("user", "anna", {}):find("/etc/passwd $"), "passwords are read only where one is wanted")
check(testing.probe("user", "anna", { password = "$6$x" }):find("/etc/passwd '/etc/shadow'$"))
step = testing.apply("user", "anna", { password = "$6$x" }, { have = {} }).script
equal(step, "printf '%s:%s\\n' 'anna' '$6$x' | chpasswd -e")
raises(function() testing.attributes("user", "anna", { comment = "a:b" }) end, "comment")

-- authorized_key
local public = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMq x@y"
raises(function() testing.attributes("authorized_key", "x", { key = "AAAA" }) end, "expected a public key")
raises(function() testing.attributes("authorized_key", "x", { key = public, user = "a;b" }) end, "user: expected an account's name")
equal(testing.read("authorized_key", "x", { key = public }, { out = "#1\nno-pty " .. public .. "\n" }).key, "no-pty " .. public)
equal(testing.read("authorized_key", "x", { key = public }, { out = "#1\n# " .. public .. "\n" }), nil, "a comment lets nobody in")

-- archive
raises(function() testing.attributes("archive", "/opt/x", {}) end, "one of url and source")
equal(testing.probe("archive", "/opt/x", { url = "http://x/a.tgz", creates = { "/opt/x/a b" } }), "[ -e '/opt/x/a b' ]")
local archive = { url = "http://x/a.tgz", sha256 = ("a"):rep(64), creates = "/opt/x/a" }
equal(testing.read("archive", "/opt/x", archive, { status = 0 }).sha256, archive.sha256)
equal(testing.read("archive", "/opt/x", archive, { status = 0, prior = { sha256 = ("b"):rep(64), unpacked = true } }).sha256, ("b"):rep(64), "another version")
equal(testing.read("archive", "/opt/x", archive, { status = 0, prior = { sha256 = archive.sha256 } }), nil, "begun, and killed before its end")
equal(testing.read("archive", "/opt/x", { url = "http://x/a.tgz" }, { status = 0, prior = { target = "/opt/x" } }), nil, "a directory alone proves nothing")
equal(testing.read("archive", "/opt/x", { url = "http://x/a.tgz" }, { status = 0, prior = { target = "/opt/y", unpacked = true } }).target, "/opt/y")
equal(testing.result("archive", "/opt/x", archive, { action = "create" }).unpacked, true)
equal(testing.read("archive", "/opt/x", archive, { status = 1 }), nil)

-- time_sync
local show = "\n" .. ("LoadState=not-found\nActiveState=inactive\n\n"):rep(2) ..
  "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\n"
have = testing.read("time_sync", "ntp", {}, { out = show })
equal(have.daemon, "systemd-timesyncd.service")
equal(have.enabled, true)
equal(have.servers, {})
