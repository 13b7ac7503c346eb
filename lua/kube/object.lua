--- kube_object: one object in a cluster, by server-side apply.
local resource = require "resource"
local fields, names, kinds, ready, diagnosis = require "kube/fields", require "kube/names", require "kube/kinds", require "kube/ready", require "kube/diagnosis"
local origin, trial = require "kube/origin", require "kube/trial"
local defaults, members = require "kube/defaults", require "kube/argo/members"
local tables = require "host/lib/tables"

-- How long a kind, a namespace or a webhook that this run has just made may take to be there, in seconds.
local PENDING = 120
-- Up to so many objects of a kind are fetched one by one; more are listed.
local FEW = 2
-- Of these up to so many, and not many at a time: each is as large as a list of others, and a list holds everybody's.
local LARGE = { CustomResourceDefinition = 200 }
local LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

local function identity(manifest)
  local group = kinds.group(manifest.apiVersion)
  return ("%s%s %s"):format(manifest.kind, group ~= "" and "." .. group or "", names.shown(manifest):match(" (.*)$"))
end

local function is_known(value)
  if type(value) ~= "table" then return slipway.is_known(value) end
  for _, member in pairs(value) do
    if not is_known(member) then return false end
  end
  return true
end

--- The object that is sent: the manifest, and a Secret's data.
local function body_of(r)
  if not is_known(r.data or {}) or next(r.data or {}) == nil then return r.manifest end
  return tables.merge(r.manifest, { data = r.data })
end

local function without_data(set)
  if not set then return nil end
  set = tables.merge(set)
  set["f:data"], set["f:stringData"] = nil, nil
  return set
end

--- A Secret as far as it can be shown, with its fields of ours.
local function bare(object)
  if object.kind ~= "Secret" or object.apiVersion ~= "v1" then return object end
  local copy = tables.merge(object)
  copy.data, copy.stringData = nil, nil
  copy.metadata = tables.merge(copy.metadata)
  local entries = {}
  for i, entry in ipairs(copy.metadata.managedFields or {}) do entries[i] = tables.merge(entry, { fieldsV1 = without_data(entry.fieldsV1) }) end
  copy.metadata.managedFields = entries
  -- kubectl keeps the whole object there, data and all.
  local annotations = copy.metadata.annotations
  if annotations and annotations[LAST_APPLIED] then
    copy.metadata.annotations = tables.merge(annotations, { [LAST_APPLIED] = secret(annotations[LAST_APPLIED]) })
  end
  return copy
end

--- The data of a live Secret under our names, and under those we set before.
local function live_data(r, live)
  if r.manifest.kind ~= "Secret" or r.manifest.apiVersion ~= "v1" then return nil end
  local found, before = {}, (fields.owned(live) or {})["f:data"] or {}
  for key, value in pairs(live.data or {}) do
    if r.data and r.data[key] ~= nil or before["f:" .. key] then found[key] = secret(value) end
  end
  return found
end

--- Is every member of a Secret's data ours? What it is worth is compared apart.
local function owns_data(r, live)
  local ours = (fields.owned(live) or {})["f:data"] or {}
  for key in pairs(is_known(r.data or {}) and r.data or {}) do
    if not ours["f:" .. key] then return false end
  end
  return true
end

local function owners_text(conflicts)
  local by, order = {}, {}
  for _, each in ipairs(conflicts) do
    if not by[each.manager] then
      by[each.manager] = {}
      order[#order + 1] = each.manager
    end
    table.insert(by[each.manager], each.field)
  end
  for i, manager in ipairs(order) do order[i] = ("%s: %s"):format(manager, table.concat(by[manager], ", ")) end
  return table.concat(order, "; ")
end

-- What a dry run may meet and an apply need not: a plan is made all the same, by whoever may only read, too.
local LATER = { kind = true, namespace = true, webhook = true, untrusted = true, forbidden = true }

local FIXED = { "immutable", "may not change", "may not be changed", "cannot change", "cannot be changed", "updates to .* are forbidden" }

-- Which fields the server does not change, or nil when it refused for something else.
local function unchangeable(err)
  if err.class ~= "invalid" then return nil end
  local found = {}
  for _, cause in ipairs(err.causes or {}) do
    local message, fixed = cause.message or "", false
    for _, words in ipairs(FIXED) do fixed = fixed or message:find(words) ~= nil end
    if not fixed then return nil end
    found[#found + 1] = cause.field
  end
  return #found > 0 and table.concat(found, ", ") or nil
end

local function of_others(err, kube)
  local conflicts, found = kube.conflicts(err) or {}, {}
  for _, each in ipairs(conflicts) do
    if each.manager ~= fields.LEFT_BEHIND then found[#found + 1] = each end
  end
  return found
end

--- What a dry run says: the object, an error, and who else owns something of it.
local function try_out(kube, r, takes_over)
  -- A stranger's plan sends no secrets.
  local body, owner = slipway.untrusted and r.manifest or body_of(r), nil
  local would, err = kube:apply(body, { dry_run = true, try = true, force = r.force })
  if err and err.class == "owners" then
    local others = takes_over and of_others(err, kube) or kube.conflicts(err) or {}
    owner = #others > 0 and owners_text(others) or nil
    would, err = kube:apply(body, { dry_run = true, try = true, force = true })
  end
  return would, err, owner
end

--- Raises, with the place of the object's document.
local function refused(kube, r, err)
  local where = origin.of(r.manifest)
  if where then err.note = err.note and ("%s; %s"):format(where, err.note) or where end
  return kube.raise(err)
end

--- Attributes of what is there; or nil and a function that asks by a dry run what an apply would change, and gives them.
local function compare(kube, r, live)
  local have, want = { object = identity(r.manifest), owner = "slipway" }, r.manifest
  if not is_known(want) then
    have.manifest = fields.roughly(want, live)
    return have
  end
  local shown = bare(live)
  local migrated = fields.migrated(shown)
  if not migrated and owns_data(r, live) and fields.unchanged(want, shown) then
    have.manifest = want
    return have
  end
  if migrated then shown.metadata = tables.merge(shown.metadata, { managedFields = migrated }) end
  return nil, function()
    local would, err, owner = try_out(kube, r, migrated)
    if would then
      have.manifest = fields.have(want, shown, bare(would))
      -- What is wanted only now is nobody's fault; an apply is due then anyway.
      local before = r.prior and r.prior.manifest and not tables.equal(have.manifest, want) and tables.merge(r.prior.manifest, { data = r.prior.data })
      local new = fields.new(live, would, 3, before or nil)
      have.owner = owner or migrated and fields.LEFT_BEHIND or #new > 0 and "slipway, but for " .. table.concat(new, ", ") or "slipway"
      return have
    end
    have.manifest = fields.roughly(want, live)
    local which = unchangeable(err)
    if which then
      have.object = ("%s (%s cannot be changed)"):format(have.object, which)
    elseif not LATER[err.class] then
      -- What is only to be removed, or was applied like this before, may be as wrong as it likes.
      if not (r.prior and err.class == "invalid" and tables.equal(want, r.prior.manifest)) then refused(kube, r, err) end
    end
    return have
  end
end

local function read(kube, r, live)
  local function complete(have)
    have.data = live_data(r, live)
    have.uid = live.metadata.uid
    if r.ready ~= nil then
      local done, words = ready.of(live, r.wait_for)
      have.ready, have.message = done and true or false, done and "" or words
    end
    return have
  end
  local have, ask = compare(kube, r, live)
  if have then return complete(have) end
  return nil, function() return complete(ask()) end
end

--- Items by what is asked for together: those of one kind in one namespace.
local function grouped(items)
  local groups = {}
  for _, item in ipairs(items) do
    local manifest = item.manifest
    local metadata = type(manifest) == "table" and manifest.metadata
    if type(metadata) == "table" and is_known(metadata.name) and is_known(metadata.namespace or "") then
      local key = ("%s|%s|%s"):format(manifest.apiVersion, manifest.kind, metadata.namespace or "")
      groups[key] = groups[key] or { version = manifest.apiVersion, kind = manifest.kind, namespace = metadata.namespace, items = {} }
      table.insert(groups[key].items, item)
    end
  end
  return groups
end

--- One list for a group, or a get for each where there are few. `take(item, live)` gets what is there, and nobody keeps it; it may give a
--- function that is to be called, too, and may wait.
local function add_calls(kube, group, take, calls)
  if #group.items <= (LARGE[group.kind] or FEW) then
    for _, item in ipairs(group.items) do
      calls[#calls + 1] = function()
        local live = kube:get(group.version, group.kind, group.namespace, item.manifest.metadata.name)
        local rest = live and take(item, live)
        if rest then rest() end
      end
    end
    return
  end
  calls[#calls + 1] = function()
    local wanted, by_name, rest = {}, {}, {}
    for _, item in ipairs(group.items) do wanted[item.manifest.metadata.name] = true end
    local list = kube:list(group.version, group.kind, { namespace = group.namespace, names = wanted })
    for _, live in ipairs(list or {}) do by_name[live.metadata.name] = live end
    for _, item in ipairs(group.items) do
      local live = by_name[item.manifest.metadata.name]
      rest[#rest + 1] = live and take(item, live) or nil
    end
    kube:all(rest, 16)
  end
end

--- Reads what there is of the items. Namespaces come first: in one that is not there nothing is asked for.
local function fetch(kube, items, take)
  local groups, there = grouped(items), {}
  local spaces = groups["v1|Namespace|"]
  local function missing(namespace)
    if not spaces or not namespace or there[namespace] then return false end
    for _, item in ipairs(spaces.items) do
      if item.manifest.metadata.name == namespace then return true end
    end
    return false
  end
  if spaces then
    local calls = {}
    add_calls(kube, spaces, function(item, live)
      there[live.metadata.name] = true
      return take(item, live)
    end, calls)
    kube:all(calls, 16)
  end
  local calls, large = {}, {}
  for _, group in pairs(groups) do
    if group ~= spaces and not missing(group.namespace) then add_calls(kube, group, take, LARGE[group.kind] and large or calls) end
  end
  kube:all({ function() kube:all(calls, 16) end, function() kube:all(large, 2) end })
end

--- Has somebody made another of that name since? Then ours is gone.
local function is_another(item, live)
  local uid = item.prior and item.prior.uid
  return uid ~= nil and live.metadata.uid ~= uid and not fields.owned(live)
end

--- What a dead run was making and the playbook does not have any more: ours is what we own something of.
local function left_behind(item, live)
  if not fields.owned(live) then return nil end
  return { object = identity(item.manifest), owner = "slipway", manifest = item.manifest, data = live_data(item, live), uid = live.metadata.uid }
end

local function list(kube, items)
  local have, gone = {}, {}
  for i, item in ipairs(items) do
    if not item.manifest and item._begun then
      gone[item._name] = true
      items[i] = tables.merge(item, tables.pick(item._begun, { "manifest", "data" }))
    end
  end
  fetch(kube, items, function(item, live)
    if gone[item._name] then
      have[item._name] = left_behind(item, live)
      return
    end
    -- What is being deleted is gone: it cannot be changed any more, only made anew once it is.
    if live.metadata.deletionTimestamp ~= nil or is_another(item, live) then return nil end
    local ask
    have[item._name], ask = read(kube, item, live)
    return ask and function() have[item._name] = ask() end
  end)
  if core.only_plans then
    trial.run(kube, items, have, is_known, function(item) return slipway.untrusted and item.manifest or body_of(item) end,
      function(item, err) return select(2, pcall(refused, kube, item, err)) end)
  end
  return have
end

--- What an ApplicationSet is for are its Applications.
local function wait_for_members(kube, r, line)
  local metadata = r.manifest.metadata
  local set = kube:get(r.manifest.apiVersion, r.manifest.kind, metadata.namespace, metadata.name, { metadata = true })
  local words = set and members.wait(kube, set, r.timeout, line)
  if words then fail(("%s: of its Applications, %s"):format(names.shown(r.manifest), words)) end
end

local function wait_until_ready(kube, r, line)
  if not r.ready then return end
  local metadata = r.manifest.metadata
  local told, failed
  local ok, problem = pcall(kube.wait, kube, {
    apiVersion = r.manifest.apiVersion, kind = r.manifest.kind, namespace = metadata.namespace, name = metadata.name,
    within = r.timeout, what = names.shown(r.manifest), line = line,
    check = function(object)
      if not object then return nil, "not there any more" end
      local done, words, is_over = ready.of(object, r.wait_for)
      told = words
      if is_over then
        failed = true
        return "failed", words
      end
      return done and "ready" or nil, words
    end,
  })
  if ok and not failed then
    if r.manifest.kind == "ApplicationSet" then wait_for_members(kube, r, line) end
    return
  end
  local why = diagnosis.of(kube, r.manifest)
  if ok then return fail(("%s: %s"):format(names.shown(r.manifest), told), why) end
  if told == nil then error(problem, 0) end
  return fail(("%s was not ready within %d s: %s"):format(names.shown(r.manifest), r.timeout, told), why)
end

--- Were these fields set by us before? Then they were taken by hand, and are taken back.
local function were_ours(r, conflicts)
  local before = r.prior and r.have and r.prior.manifest
  if not before then return false end
  local whole = tables.merge(before, { data = r.prior.data })
  for _, each in ipairs(conflicts) do
    if not fields.has(whole, each.field) then return false end
  end
  return #conflicts > 0
end

--- Takes over what `kubectl apply` left. Whoever changes the object at the same time wins: then it is read again.
local function take_over(kube, manifest)
  local metadata = manifest.metadata
  for _ = 1, 5 do
    local live = kube:get(manifest.apiVersion, manifest.kind, metadata.namespace, metadata.name)
    local entries = live and fields.migrated(live)
    if not entries then return end
    local patch = { { op = "replace", path = "/metadata/managedFields", value = slipway.list(entries) },
      { op = "replace", path = "/metadata/resourceVersion", value = live.metadata.resourceVersion } }
    local done, err = kube:patch(manifest.apiVersion, manifest.kind, metadata.namespace, metadata.name, patch, { type = "json", try = true })
    if done then return end
    if err.class ~= "conflict" then kube.raise(err) end
  end
end

local function apply(kube, r, line)
  if r.have and r.have.owner == fields.LEFT_BEHIND then take_over(kube, r.manifest) end
  local body = body_of(r)
  -- Of a new object only its id is wanted: the answer need not hold the rest.
  local options = { force = r.force, pending = math.min(PENDING, r.timeout), line = line, try = true, metadata = not r.have }
  local object, err = kube:apply(body, options)
  if err and err.class == "owners" then
    local conflicts = kube.conflicts(err) or {}
    if not were_ours(r, conflicts) then
      return fail(("%s: fields have another owner (%s)"):format(names.shown(r.manifest), owners_text(conflicts)),
        "leave them out of the manifest, or take them over with force = true")
    end
    options.force = true
    object, err = kube:apply(body, options)
  end
  if err then refused(kube, r, err) end
  -- Of what loses all its members the server makes nothing, even where it is wanted as {}.
  if r.have and not fields.unchanged(r.manifest, bare(object)) then object = kube:apply(body, { force = options.force }) end
  wait_until_ready(kube, r, line)
  return { uid = object.metadata.uid, ready = r.ready, message = r.ready and "" or nil, owner = "slipway" }
end

local object = resource "kube_object" {
  on = "api",
  provider = "kube",
  doc = "An object in a Kubernetes cluster, by server-side apply: only the fields named here are ours.",
  schema = {
    manifest = { "map", required = true, doc = "the object: apiVersion, kind, metadata, spec, ..." },
    data = { "map", sensitive = true, doc = "of a Secret: its data, in base64" },
    object = { "string", immutable = true, derived = true, doc = "which object it is; follows from the manifest" },
    owner = { "string", derived = true, doc = "who owns the manifest's fields; follows from the manifest" },
    wait = { "bool", default = true, write_only = true, doc = "wait until it is ready, where its kind has a notion of that" },
    wait_for = { "string", write_only = true, doc = "a condition of its status to wait for" },
    timeout = { "int", default = 300, write_only = true, doc = "seconds to wait" },
    force = { "bool", default = false, write_only = true, doc = "take fields from other owners" },
    ready = { "bool", derived = true, health = true, doc = "whether it does what it is for; follows from wait" },
    message = { "string", computed = true, doc = "why it is not ready" },
    uid = { "string", computed = true, doc = "the cluster's own id of it" },
  },

  normalise = function(want)
    local manifest = want.manifest
    for _, key in ipairs { "apiVersion", "kind" } do
      if type(manifest[key]) ~= "string" then slipway.fail(("manifest.%s: a text wanted"):format(key)) end
    end
    if type(manifest.metadata) ~= "table" or type(manifest.metadata.name) ~= "string" then slipway.fail "manifest.metadata.name: a text wanted" end
    want = tables.merge(want, { object = identity(manifest), owner = "slipway" })
    if want.wait and (want.wait_for or ready.knows(manifest)) then want.ready = true end
    return want
  end,

  list = list,
  create = apply,
  update = apply,
  delete = function(kube, r, line)
    local manifest = r.manifest
    local uid = r.have and r.have.uid or r.uid
    kube:delete(manifest.apiVersion, manifest.kind, manifest.metadata.namespace, manifest.metadata.name,
      { uid = uid, within = r.timeout or 300, propagation = kinds.propagation(manifest), line = line })
  end,
}

local words = {}

--- base64 of each member of a Secret's stringData is its data.
local function split_secret(manifest)
  if manifest.kind ~= "Secret" or manifest.apiVersion ~= "v1" then return manifest, nil end
  local data = {}
  for _, from in ipairs { "data", "stringData" } do
    for key, value in pairs(type(manifest[from]) == "table" and manifest[from] or {}) do
      -- The server would refuse it, and quote it.
      if type(value) ~= "string" and type(value) ~= "userdata" then
        slipway.fail(("%s: %s.%s: a text wanted, not a %s"):format(names.shown(manifest), from, tostring(key), type(value)), "put it into quotes")
      end
      data[key] = secret(from == "data" and value or base64.encode(value))
    end
  end
  local rest = tables.merge(manifest)
  rest.data, rest.stringData = nil, nil
  return rest, data
end

local PASSED_ON = { "wait", "wait_for", "timeout", "force", "depends_on", "provider", "lifecycle", "restart_on", "precondition" }

--- Declares an object under a name; the options are those of kube.object.
function words.declare(name, manifest, options)
  local attributes = tables.pick(options or {}, PASSED_ON)
  attributes.manifest, attributes.data = split_secret(defaults.fill(manifest))
  return object(name)(attributes)
end

local OPTIONS = {}
for _, key in ipairs(PASSED_ON) do OPTIONS[key] = true end

--- kube.object "name" { apiVersion, kind, metadata, ..., wait, wait_for, timeout, force, depends_on, ... }
function words.call(name)
  if type(name) ~= "string" then slipway.fail 'kube.object "name" { ... } wanted' end
  return function(t)
    if type(t) ~= "table" then slipway.fail(("kube.object %q: a table wanted"):format(name)) end
    local manifest, options = {}, {}
    for key, value in pairs(t) do
      if OPTIONS[key] then options[key] = value else manifest[key] = value end
    end
    return words.declare(name, fields.clean(manifest), options)
  end
end

return words
