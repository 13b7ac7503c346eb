local resource, sh = require "resource", require "sh"
local check, origin = require "host/lib/check", require "host/lib/origin"
local packages, tables = require "host/lib/packages", require "host/lib/tables"

local function read_one(package, r)
  local version = package.version
  -- Shown as it was asked for where it answers to that, so that no change is seen.
  if check.known(r.version) and packages.is_version(version, r.version) then version = r.version end
  return { version = version, hold = package.hold, installed = package.version, purge = r.purge }
end

return resource "package" {
  doc    = "A package of the node's distribution: apt, dnf or apk, whichever is there.",
  name   = { doc = "the package's name", pattern = "^%w[%w+._-]*$" },
  schema = {
    version   = { "string", doc = "exactly this one; the distribution's revision (-1.1, ~bookworm) may be left out. Any version when not set" },
    hold      = { "bool", doc = "kept back from upgrades; left alone when not set" },
    purge     = { "bool", write_only = true, doc = "with state = 'absent': its configuration goes, too" },
    installed = { "string", computed = true, doc = "the full version that is installed" },
    together  = { "list", of = "string", write_only = true, doc = "packages declared in the same call: one run of the package manager brings them all" },
    created   = origin.row,
  },

  -- Of any version and wanted at once: the first step of a batch installs all of them, the others find theirs there.
  many = function(t)
    local items, names = tables.names(t), {}
    for _, item in ipairs(items) do
      if not item[2].version and item[2].state ~= "absent" then names[#names + 1] = item[1] end
    end
    for _, item in ipairs(items) do
      if #names > 1 and not item[2].version and item[2].state ~= "absent" then item[2].together = names end
    end
    return items
  end,

  normalise = function(want)
    check.match("version", want.version, "^%w[%w.+:~_-]*$", "a version")
    return want
  end,

  probe_all = function(rs)
    local names = {}
    for _, r in ipairs(rs) do names[#names + 1] = r.name end
    return sh("h_package_list {names}", { names = names })
  end,

  read_all = function(out, rs)
    local _, found = packages.parse(out)
    local have = {}
    for _, r in ipairs(rs) do
      have[r.name] = found[r.name] and read_one(found[r.name], r)
    end
    return have
  end,

  apply = function(r)
    local name, have = { name = r.name }, r.have
    local install = have == nil or (r.version ~= nil and have.version ~= r.version)
    local held = have ~= nil and have.hold
    local hold = r.hold
    if hold == nil then hold = held end
    return sh.join {
      install and sh("h_install {name} {version} {together}", { name = r.name, version = r.version or "", together = r.together or {} }) or "",
      hold and (install or not held) and sh("h_hold {name}", name) or "",
      not hold and held and sh("h_unhold {name}", name) or "",
      "echo ::result",
      sh("h_package_list {name}", name),
    }
  end,

  result = function(out, r)
    local lines = {}
    for i = #out.lines, 1, -1 do
      if out.lines[i] == "::result" then
        lines = table.move(out.lines, i + 1, #out.lines, 1, {})
        break
      end
    end
    local _, found = packages.parse({ lines = lines })
    if not found[r.name] then
      slipway.fail(("'%s' did not get installed under that name: it may be a virtual package; name the one that provides it"):format(r.name))
    end
    return origin.result(r, { installed = found[r.name].version })
  end,

  remove = function(r)
    if not origin.removable(r) then return nil end
    return sh("h_remove {name} {purge}", { name = r.name, purge = r.purge and "--purge" or "" })
  end,
}
