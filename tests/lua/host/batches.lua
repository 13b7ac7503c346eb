-- luacheck: globals slipway
-- What single cases do not show: many resources in one probe, what it costs in processes, trust in stat, what is not known yet, strangers.
return function(h, check)
  local unknown = slipway.unknown

  local function make(type_name, name, attributes)
    local item = h.declare(type_name, name, attributes)
    h.probe { item }
    local ok, out = h.apply(item)
    check(ok, item, "making it", out.err)
    return item
  end

  -- Nine files in every state, read at once.
  local files, wanted = {}, {}
  h.run([[mkdir -p '/srv/many/a directory'; ln -s /etc/passwd /srv/many/link
head -c 100000 /dev/zero > /srv/many/large; printf '\001\377' > /srv/many/bin]])
  local function file(name, attributes, diff)
    files[#files + 1], wanted[#wanted + 1] = h.declare("file", "/srv/many/" .. name, attributes), diff
    return files[#files]
  end
  local same = make("file", "/srv/many/same", { content = "same\n" })
  files[1], wanted[1] = same, ""
  local other = make("file", "/srv/many/other one", { content = "old\ntext\n" })
  local differs = file("other one", { content = "new\ntext\n" }, "sha256")
  differs.prior = other.prior
  file("missing", { content = "x" }, "absent")
  file("link", { content = "x" }, "sha256")
  file("a directory", { content = "x" }, "sha256")
  file("large", { content = "x" }, "sha256")
  local binary = file("bin", { content = "x" }, "sha256")
  h.run("echo anything > /srv/many/later; chmod 600 /srv/many/later")
  local later = file("later", { content = unknown, mode = "0600" }, "content")
  h.probe(files)
  for i, item in ipairs(files) do
    local diff = h.diff(item)
    local found = diff and table.concat(diff, " ") or "absent"
    if item == later then
      check(item.have.content == "anything\n", item, "the content is read while what is wanted is not known")
    else
      check(found == wanted[i], item, ("in a batch: expected %s, found %s"):format(wanted[i], found))
    end
  end
  check(differs.have.content == "old\ntext\n", differs, "the old content is read for the diff: " .. tostring(differs.have.content))
  check(binary.have.content == "(2 bytes, not shown)", binary, "binary content is not shown")

  -- The state's hash is trusted while stat says the same, and sha256sum is not run.
  local out, code, _
  code, out = h.probe { same }
  check(not out.raw:find(same.prior.sha256), same, "the hash was computed again:\n" .. code .. "\n" .. out.raw)
  h.run("sleep 0.02; printf 'SAME\\n' > /srv/many/same; touch -d @0 /srv/many/same")
  h.probe { same }
  check(#h.diff(same) == 1 and same.have.content == "SAME\n", same, "a change of the same size is seen")

  -- A stranger's pull request learns nothing of what is in files.
  slipway.untrusted = true
  _, out = h.probe(files)
  check(not out.raw:find("#/"), differs, "content came back for a stranger")
  local stranger = h.declare("block_in_file", "key", { path = "/srv/key", block = "x", marker = "-----{mark} KEY-----" })
  h.run("printf '%s\\n' '-----BEGIN KEY-----' secret '-----END KEY-----' > /srv/key")
  _, out = h.probe { stranger }
  check(not out.raw:find("secret"), stranger, "a block came back for a stranger")
  local line = h.declare("line_in_file", "key", { path = "/srv/key", line = "x", match = "." })
  _, out = h.probe { line }
  check(not out.raw:find("secret"), line, "a line came back for a stranger")
  local guard = h.declare("exec", "guard", { command = "true", unless = "touch /srv/ran" })
  h.probe { guard }
  check(h.diff(guard) == nil and not h.read_file("/srv/ran"), guard, "a stranger's guard was run")
  slipway.untrusted = false

  -- A guard cannot break out of its place.
  for _, text in ipairs { "if", "exit 0", "}", ")", "cd /; _stat=x; true", "'" } do
    local item = h.declare("exec", "guard", { command = "true", unless = text })
    local fragment = item.spec.probe { name = "guard", unless = text }
    out = h.run(fragment .. "\necho still here; pwd")
    check(out.text:find("still here\n" .. os.getenv("PWD"), 1, true), item, "the guard " .. text .. " broke out", out.raw .. out.err)
  end

  -- Triggered, a command runs though its guards hold.
  local triggered = make("exec", "triggered", { command = "echo x >> /srv/runs", creates = "/srv/runs" })
  h.probe { triggered }
  h.apply(triggered)
  check(h.read_file("/srv/runs") == "x\n", triggered, "done is done")
  h.apply(triggered, { triggered = true })
  check(h.read_file("/srv/runs") == "x\nx\n", triggered, "a trigger runs it again")

  -- Failing commands fail, with what they said.
  for _, command in ipairs { "echo why >&2; false; true", { "sh", "-c", "echo why >&2; exit 3" }, "cd /nowhere; true", "if" } do
    local item = h.declare("exec", "fails", { command = command })
    local ok, failed = h.apply(item)
    check(not ok and failed.err ~= "", item, "a failing command", failed.err)
  end

  -- Thirty resources of a node, nothing to change: processes are counted.
  local typical = {}
  local function add(...) typical[#typical + 1] = make(...) end
  for _, path in ipairs { "/srv/t", "/srv/t/a", "/srv/t/b", "/srv/t/c", "/srv/t/d", "/srv/t/e" } do add("directory", path, { mode = "0755" }) end
  for i = 1, 9 do add("file", "/srv/t/file" .. i, { content = "content of " .. i .. "\n" }) end
  for _, name in ipairs { "net.ipv4.ip_forward", "net.ipv4.tcp_syncookies", "net.ipv4.tcp_fin_timeout" } do add("sysctl", name, { value = 1 }) end
  for _, name in ipairs { "ext4", "loop" } do
    if h.run("[ -d /sys/module/" .. name .. " ] || grep -qw " .. name .. " /proc/filesystems").ok then add("kernel_module", name, {}) end
  end
  add("symlink", "/srv/t/link", { target = "x" })
  add("symlink", "/srv/t/link2", { target = "y" })
  add("line_in_file", "one", { path = "/srv/t/lines", line = "one" })
  add("line_in_file", "two", { path = "/srv/t/lines2", line = "two" })
  add("block_in_file", "block", { path = "/srv/t/lines", block = "a\nb" })
  add("hosts_entry", "x.example", { address = "192.0.2.7" })
  for i = 1, 3 do add("exec", "made" .. i, { command = "touch /srv/t/made" .. i, creates = "/srv/t/made" .. i }) end
  add("swap", "off", {})
  local by_type, order = {}, {}
  for _, item in ipairs(typical) do
    local name = item.spec.type
    if not by_type[name] then by_type[name], order[#order + 1] = {}, name end
    table.insert(by_type[name], item)
  end
  local fragments = {}
  for _, name in ipairs(order) do
    local items = by_type[name]
    if items[1].spec.probe_all then fragments[#fragments + 1] = h.probe(items)
    else for _, item in ipairs(items) do fragments[#fragments + 1] = h.probe { item } end end
    for _, item in ipairs(items) do
      check(h.diff(item) and #h.diff(item) == 0, item, "among thirty: " .. (h.diff(item) and table.concat(h.diff(item), " ") or "absent"))
    end
  end
  local trace = os.tmpname()
  local all = "read -r _a < /proc/loadavg\n" .. table.concat(fragments, "\n")
  h.run(all, { trace = "/usr/bin/strace -f -qq -e trace=fork,vfork,clone,clone3 -e signal=none -o " .. trace })
  local forks = 0
  for l in (h.read_file(trace) or ""):gmatch("[^\n]+") do
    if l:find("fork%(") or l:find("clone3?%(") then forks = forks + 1 end
  end
  os.remove(trace)
  print(("%s: %d resources, %d bytes of probe, %d processes"):format(h.shell, #typical, #all, forks))
  check(forks <= 10 and (forks > 0 or not h.read_file("/usr/bin/strace")), typical[1], "too many processes for nothing: " .. forks)
end
