-- Every type that can be tried without a machine of its own: absent, made, found, left alone, changed by hand and seen, mended, removed.
-- Run by real.sh in a mount namespace whose /etc, /root, /home, /run and /srv are scratch.   lua5.4 real.lua SHELL [PATH]
local here = arg[0]:match("^(.*)/") or "."
package.path = here .. "/?.lua;" .. here .. "/../../../lua/?.lua"
local h = require "harness"
local cases = require "cases"
h.shell, h.path = arg[1] or "dash", arg[2]

local checks, failures = 0, 0
local function check(condition, item, what, detail)
  checks = checks + 1
  if condition then return end
  failures = failures + 1
  print(("FAIL %s '%s': %s%s"):format(item.spec.type, item.name, what, detail and "\n     " .. detail or ""))
end

local function words(diff) return diff and (#diff == 0 and "none" or table.concat(diff, " ")) or "absent" end

local function detail(out)
  return out and ("status %d\n     %s"):format(out.status, (out.err .. out.raw):gsub("\n", "\n     ")) or nil
end

local function probe(item)
  local code, out = h.probe { item }
  return code, out
end

-- What a probe leaves behind: nothing.
local function fingerprint()
  local p = assert(io.popen("find /etc /root /home /srv -exec stat -c '%n %i %s %y %f %u %g' {} + 2>/dev/null | sha256sum"))
  local digits = p:read("a")
  p:close()
  return digits
end

local function expect(item, wanted, what)
  local before = fingerprint()
  local code, out = probe(item)
  check(fingerprint() == before, item, what .. ": the probe wrote something")
  local diff = h.diff(item)
  local found = words(diff)
  check(wanted == "different" and found ~= "none" or found == wanted, item, what .. ": expected " .. wanted .. ", found " .. found,
    "probe: " .. code:sub(1, 600) .. "\n     " .. (detail(out) or ""))
end

local function apply(item, what, more)
  local ok, out = h.apply(item, more)
  check(ok, item, what .. ": the step failed", detail(out))
  return ok
end

local function run(case)
  if case.before then
    local out = h.run("set -e\n" .. case.before)
    assert(out.ok, out.err)
  end
  local item = h.declare(case[1], case[2], case[3])
  expect(item, case.first or "absent", "at first")
  if not apply(item, "making it") then return end
  expect(item, "none", "after making it")
  if case.is then
    local out = h.run(case.is)
    check(out.ok, item, "what was made is not right", detail(out))
  end
  apply(item, "again")
  expect(item, "none", "after making it again")
  for _, by_hand in ipairs(case.by_hand or {}) do
    local out = h.run("set -e\n" .. by_hand)
    check(out.ok, item, "by hand", detail(out))
    expect(item, case.by_hand.wanted or "different", "after " .. by_hand)
    apply(item, "mending it")
    expect(item, "none", "after mending it")
  end
  for _, attributes in ipairs(case.then_ or {}) do
    local changed = h.declare(case[1], case[2], attributes)
    changed.prior = item.prior
    item = changed
    expect(item, "different", "with other attributes")
    apply(item, "changing it")
    expect(item, "none", "after changing it")
  end
  if case.keeps then return end
  probe(item)
  local ok, out = h.remove(item, case.asked)
  check(ok, item, "removing it", detail(out))
  item.desired = h.merge(item.desired, { state = "absent" })
  probe(item)
  check(item.have == nil, item, "it is still there after it was removed")
  if case.after then
    local left = h.run(case.after)
    check(left.ok, item, "what removing left", detail(left))
  end
end

for _, case in ipairs(cases) do
  local skip = case.only and not case.only(h)
  if not skip then
    local ok, why = xpcall(run, debug.traceback, case)
    if not ok then
      failures = failures + 1
      print(("FAIL %s '%s': %s"):format(case[1], case[2], why))
    end
  end
end
local ok, why = xpcall(require "batches", debug.traceback, h, check)
if not ok then
  failures = failures + 1
  print("FAIL batches: " .. why)
end
h.done()
print(("%s: %d checks, %d failed"):format(h.shell, checks, failures))
os.exit(failures == 0)
