-- { TYPE, NAME, attributes, before = sh to prepare, is = sh that checks what was made, by_hand = { sh that spoils it, ... },
--   then_ = { other attributes, ... }, after = sh that checks what removing left, keeps = never removed, first = what the first probe finds,
--   asked = removed by state = "absent", not by leaving the playbook }
local big = ("0123456789abcde\n"):rep(12 * 1024)        -- 192 KiB: an upload
local binary = ""
for i = 0, 255 do binary = binary .. string.char(i) end
local odd = "/srv/it's a \"name\" -n $HOME `x` \\ é"

local function has(path, text)
  return ("printf '%%s' '%s' | cmp - '%s'"):format(text:gsub("'", "'\\''"), path)
end

-- Debian's busybox comes without adduser.
local function not_busybox(h) return h.path == nil end

return {
  -- files
  { "file", "/srv/plain", { content = "one\ntwo\n", mode = "640", owner = "daemon", group = "daemon" },
    is = "[ \"$(stat -c '%a %U:%G' /srv/plain)\" = '640 daemon:daemon' ]\n" .. has("/srv/plain", "one\ntwo\n"),
    by_hand = { "echo three >> /srv/plain", "chmod 600 /srv/plain", "chown root /srv/plain", "rm /srv/plain; ln -s /etc/passwd /srv/plain",
                "printf 'one\\nTWO\\n' > /srv/plain" },
    then_ = { { content = "", mode = "640" }, { content = "no newline" } }, after = "! [ -e /srv/plain ]" },
  { "file", "/srv/binary", { content = binary:rep(3) }, by_hand = { "printf x > /srv/binary" } },
  { "file", "/srv/big", { content = big }, is = "[ $(wc -c < /srv/big) = " .. #big .. " ]", by_hand = { "echo >> /srv/big" } },
  { "file", odd, { content = "it's -n\n" }, by_hand = { "for f in /srv/it*; do echo x > \"$f\"; done" } },
  { "file", "/srv/-n", { content = "-n" }, is = has("/srv/-n", "-n") },
  { "file", "/srv/from", { source = "/etc/bash.bashrc", mode = "0600" }, is = "cmp /etc/bash.bashrc /srv/from" },
  { "file", "/srv/rights", { mode = "0755" }, before = "echo tool > /srv/rights; chmod 600 /srv/rights", first = "mode", keeps = true,
    is = has("/srv/rights", "tool\n") },
  { "file", "/srv/adopted", { content = "new\n", mode = "0644" }, before = "echo old > /srv/adopted; chmod 600 /srv/adopted; chown daemon /srv/adopted",
    first = "mode sha256", is = "[ $(stat -c %U /srv/adopted) = daemon ]", asked = true },
  { "directory", "/srv/a/b/c", { mode = "0750", owner = "daemon" }, is = "[ $(stat -c %a /srv/a) = 755 ]",
    by_hand = { "chmod 700 /srv/a/b/c", "rmdir /srv/a/b/c" } },
  { "directory", "/srv/full", {}, before = "mkdir -p /srv/full; echo x > /srv/full/x", first = "none", asked = true },
  { "symlink", "/srv/link", { target = "/etc/passwd" }, by_hand = { "ln -sfn /etc/group /srv/link", "rm /srv/link; echo x > /srv/link" },
    then_ = { { target = "a name that is not there" }, { target = "/etc" }, { target = "/etc/passwd" } } },

  -- editing
  { "line_in_file", "/srv/lines", { line = "key = 1", match = "^key *=" }, before = "printf 'a\\nkey=2\\nb' > /srv/lines; chmod 640 /srv/lines",
    first = "line", is = has("/srv/lines", "a\nkey = 1\nb") .. "\n[ $(stat -c %a /srv/lines) = 640 ]",
    by_hand = { "sed -i s/key/KEY/ /srv/lines", "echo 'key = 7' >> /srv/lines" }, then_ = { { line = [[key = /\&'"$x]], match = "^key" } }, asked = true },
  { "line_in_file", "a label", { path = "/srv/new lines", line = "-e 'x'" }, is = has("/srv/new lines", "-e 'x'\n"), by_hand = { ": > '/srv/new lines'" } },
  { "line_in_file", "at the end", { path = "/srv/nonl", line = "b" }, before = "printf a > /srv/nonl", is = has("/srv/nonl", "a\nb\n"),
    after = has("/srv/nonl", "a\n") },
  { "line_in_file", "through a link", { path = "/srv/tolines", line = "linked" }, before = "echo x > /srv/target; ln -s target /srv/tolines",
    is = "[ -L /srv/tolines ] && " .. has("/srv/target", "x\nlinked\n") },
  { "block_in_file", "some lines", { path = "/srv/block", block = "one\ntwo & \\3" }, before = "printf 'top\\nbottom' > /srv/block",
    is = has("/srv/block", "top\nbottom\n# BEGIN slipway: some lines\none\ntwo & \\3\n# END slipway: some lines\n"),
    by_hand = { "sed -i s/two/2/ /srv/block", "sed -i /BEGIN/,/END/d /srv/block", "printf 'after' >> /srv/block; sed -i s/one/1/ /srv/block" },
    then_ = { { path = "/srv/block", block = "" } }, after = has("/srv/block", "top\nbottom\nafter") },
  { "block_in_file", "/srv/block2", { block = "x", marker = "; {mark} of -n" }, is = has("/srv/block2", "; BEGIN of -n\nx\n; END of -n\n") },
  { "hosts_entry", "api.example.org", { address = "192.0.2.1", aliases = { "api" } },
    before = "printf '127.0.0.1 localhost\\n' > /etc/hosts",
    by_hand = { "sed -i s/192.0.2.1/192.0.2.9/ /etc/hosts", "echo '192.0.2.3 api.example.org' >> /etc/hosts", "sed -i '/api/d' /etc/hosts" },
    then_ = { { address = "2001:db8::1" } }, after = has("/etc/hosts", "127.0.0.1 localhost\n") },
  { "cron", "nightly", { schedule = "30 3 * * *", command = "date +%F > /srv/date", environment = { A = "b c" } },
    before = "mkdir -p /etc/cron.d", is = has("/etc/cron.d/nightly", "# from slipway\nA=b c\n30 3 * * * root date +\\%F > /srv/date\n"),
    by_hand = { "echo '# x' >> /etc/cron.d/nightly", "rm /etc/cron.d/nightly" } },
  { "systemd_unit", "app.service.d/10-x.conf", { content = "[Service]\nNice=1" }, by_hand = { "echo >> /etc/systemd/system/app.service.d/10-x.conf" } },

  -- the kernel and the machine
  { "swap", "off", {}, before = "printf '/dev/a none swap sw 0 0\\n#c\\n/dev/b / ext4 x 0 1\\n/s.img\\tswap\\tswap\\tsw 0 0\\n' > /etc/fstab",
    first = "off", is = "grep -q '^#slipway-swap# /dev/a' /etc/fstab && [ $(grep -c ^# /etc/fstab) = 3 ]",
    by_hand = { "echo '/dev/c none swap sw 0 0' >> /etc/fstab" }, keeps = true },
  { "sysctl", "net.ipv4.ip_forward", { value = 1 }, before = "echo 0 > /proc/sys/net/ipv4/ip_forward",
    is = "[ $(cat /proc/sys/net/ipv4/ip_forward) = 1 ]",
    by_hand = { "echo 0 > /proc/sys/net/ipv4/ip_forward", "echo 'net.ipv4.ip_forward = 0' > /etc/sysctl.d/90-slipway-net.ipv4.ip_forward.conf",
                "rm /etc/sysctl.d/90-slipway-net.ipv4.ip_forward.conf" } },
  { "sysctl", "net/ipv4/tcp_rmem", { value = "4096 131072  6291456" }, is = "set -- $(cat /proc/sys/net/ipv4/tcp_rmem); [ $3 = 6291456 ]" },
  { "kernel_module", "ext4", {}, by_hand = { "rm /etc/modules-load.d/90-slipway-ext4.conf" } },
  { "hostname", "n1.example", {}, by_hand = { "echo other > /proc/sys/kernel/hostname", "echo other > /etc/hostname" }, keeps = true },
  { "timezone", "Asia/Seoul", {}, before = "ln -sfn /usr/share/zoneinfo/Etc/UTC /etc/localtime",
    by_hand = { "ln -sfn /usr/share/zoneinfo/Etc/UTC /etc/localtime" },
    keeps = true },
  { "mount", "/srv/mnt point", { source = "tmpfs", type = "tmpfs", options = { "size=1m", "nosuid" } }, before = ": > /etc/fstab",
    is = "grep -q nosuid /proc/mounts", by_hand = { "umount '/srv/mnt point'", "sed -i s/nosuid/suid/ /etc/fstab" }, after = "! [ -s /etc/fstab ]" },

  -- accounts
  { "group", "crew", only = not_busybox, { gid = 4711 }, by_hand = { "groupmod -g 4712 crew" }, then_ = { { gid = 4713 } } },
  { "user", "anna", only = not_busybox, { uid = 4711, group = "daemon", groups = { "games", "adm" }, comment = "Anna A.", shell = "/bin/sh", password = "!x" },
    is = "[ \"$(id -Gn anna)\" = 'daemon adm games' ] || id anna; [ -d /home/anna ]",
    by_hand = { "sed -i '/^adm:/s/anna//' /etc/group", "sed -i 's,^anna:!x,anna:!y,' /etc/shadow", "sed -i '/^anna:/s/Anna A./B/' /etc/passwd" },
    then_ = { { shell = "/bin/false" } } },
  { "authorized_key", "ops", { user = "root", key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ops@x" },
    is = "[ $(stat -c %a /root/.ssh) = 700 ] && [ $(stat -c %a /root/.ssh/authorized_keys) = 600 ]",
    by_hand = { "sed -i s/ops@x/other/ /root/.ssh/authorized_keys", "rm /root/.ssh/authorized_keys" } },

  -- commands
  { "exec", "creates", { command = "mkdir -p /srv/made\n: > /srv/made/it", creates = "/srv/made/it" }, by_hand = { "rm /srv/made/it" }, keeps = true },
  { "exec", "unless", { command = { "touch", "/srv/it's -n" }, unless = "test -e \"$F\"", environment = { F = "/srv/it's -n" } }, keeps = true },
  { "exec", "onlyif", { command = "rm go", onlyif = "test -e go; test -e go", cwd = "/srv" }, before = "touch /srv/go", keeps = true },
  { "exec", "stdin", { command = "cat > /srv/in", stdin = "a\nb", creates = "/srv/in" }, is = has("/srv/in", "a\nb"), keeps = true },
  { "exec", "once", { command = "echo x >> /srv/once" }, is = "[ $(wc -l < /srv/once) = 1 ]", then_ = { { command = "echo y >> /srv/once" } }, keeps = true },

  -- fetching
  { "download", "/srv/tool", { url = "http://127.0.0.1:8099/tool", sha256 = sha256("tool 1\n"), mode = "0755" },
    before = "echo tool 1 > $SLIPWAY_TEST_WWW/tool; echo tool 2 > $SLIPWAY_TEST_WWW/tool2", is = "[ -x /srv/tool ]",
    by_hand = { "echo >> /srv/tool", "chmod 600 /srv/tool", "rm /srv/tool; ln -s /etc/passwd /srv/tool" },
    then_ = { { url = "http://127.0.0.1:8099/tool2", sha256 = sha256("tool 2\n") } } },
  { "download", "a label", { target = "/srv/t 2", url = "http://127.0.0.1:8099/tool" }, by_hand = { "rm '/srv/t 2'" },
    then_ = { { target = "/srv/t 2", url = "http://127.0.0.1:8099/tool2" } } },
  { "archive", "by url", { url = "http://127.0.0.1:8099/x.tar", target = "/srv/un packed", creates = "/srv/un packed/top/bin/tool" },
    before = "mkdir -p /srv/x/top/bin; echo tool > /srv/x/top/bin/tool; tar -cf $SLIPWAY_TEST_WWW/x.tar -C /srv/x top; rm -r /srv/x",
    by_hand = { "rm -r '/srv/un packed/top'" } },
  { "archive", "/srv/unpacked", { source = "/srv/x.tgz", creates = { "/srv/unpacked/bin/tool" }, strip = 1 },
    before = "mkdir -p /srv/x/top/bin; echo tool > /srv/x/top/bin/tool; tar -czf /srv/x.tgz -C /srv/x top; rm -r /srv/x",
    by_hand = { "rm -r /srv/unpacked/bin", "rm -r /srv/unpacked" } },
}
