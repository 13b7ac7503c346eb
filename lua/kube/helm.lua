--- kube.helm: what a Helm chart makes of its values, as objects of the plan. helm renders it on this machine before anything is planned; no cluster
--- is asked, and no release is kept there.
local manifest, names = require "kube/manifest", require "kube/names"
local tables = require "host/lib/tables"

local helm = {}

local KNOWN = {}
for key in ([[chart url sha256 release namespace create_namespace values values_files kube_version api_versions include_crds hooks wait wait_for timeout force
  depends_on provider lifecycle patch]]):gmatch("%S+") do KNOWN[key] = true end

-- When a hook's object is applied, by its name; what is not here is left out.
local TIMES = { ["pre-install"] = "before", ["pre-upgrade"] = "before", ["post-install"] = "after", ["post-upgrade"] = "after" }
local TESTS = { test = true, ["test-success"] = true, ["test-failure"] = true }

local HOOK, WEIGHT, POLICY = "helm.sh/hook", "helm.sh/hook-weight", "helm.sh/resource-policy"

local function annotation(object, key)
  local metadata = type(object) == "table" and object.metadata
  local all = type(metadata) == "table" and metadata.annotations
  local value = type(all) == "table" and all[key]
  return type(value) == "string" and value or nil
end

--- "before", "after", or false (left out), and why; nil: it is no hook.
local function time_of(object)
  local hook = annotation(object, HOOK)
  if not hook then return nil end
  local time, test = false, false
  for each in hook:gmatch("[^%s,]+") do
    test = test or TESTS[each] == true
    if TIMES[each] and time ~= "before" then time = TIMES[each] end
  end
  return time, test and "test" or hook
end

local function weight_of(object)
  return math.tointeger(tonumber(annotation(object, WEIGHT) or "0")) or 0
end

--- The pieces without what no plan is for: tests, and hooks of deletions and rollbacks, of which `left_out` gets to know.
local function without(pieces, hooks, left_out)
  local texts = {}
  for _, piece in ipairs(pieces) do
    local kept = {}
    for _, object in ipairs(piece.objects) do
      local time, why = time_of(object)
      if time == nil or time and hooks then
        kept[#kept + 1] = object
      elseif time == false and why ~= "test" and hooks then
        left_out[#left_out + 1] = ("%s (%s)"):format(names.shown(object), why)
      end
    end
    if #kept > 0 then texts[#texts + 1] = { documents = kept, where = piece.source } end
  end
  return texts
end

--- A Job that removes itself would be made, and run, again by every apply.
local function keep_job(object)
  if object.kind ~= "Job" or type(object.spec) ~= "table" or object.spec.ttlSecondsAfterFinished == nil then return end
  object.spec = tables.merge(object.spec)
  object.spec.ttlSecondsAfterFinished = nil
end

local function append(lists, by_weight)
  for _, objects in pairs(by_weight) do lists[#lists + 1] = objects end -- pairs goes by number
end

--- Lists of objects, each applied when the one before is there: what hooks may need, hooks before by weight, the rest, hooks after by weight.
local function stages(list)
  local first, rest, hooks = {}, {}, { before = {}, after = {} }
  for _, object in ipairs(list) do
    local time = time_of(object)
    local to = (object.kind == "Namespace" or object.kind == "CustomResourceDefinition") and first or rest
    if time then
      local by_weight, weight = hooks[time], weight_of(object)
      by_weight[weight] = by_weight[weight] or {}
      to = by_weight[weight]
      keep_job(object)
    end
    to[#to + 1] = object
  end
  if next(hooks.before) == nil and next(hooks.after) == nil then return { list } end
  local lists = { first }
  append(lists, hooks.before)
  lists[#lists + 1] = rest
  append(lists, hooks.after)
  return lists
end

local function check_text(options, key, pattern, wanted, refuse)
  local value = options[key]
  if value ~= nil and (type(value) ~= "string" or not value:find(pattern)) then refuse(("%s: %s wanted"):format(key, wanted)) end
end

local function check(name, options)
  local function refuse(text, hint) slipway.fail(("kube.helm %q: %s"):format(name, text), hint) end
  if type(options) ~= "table" then refuse "a table wanted" end
  for key in pairs(options) do
    if not KNOWN[key] then refuse(("there is no '%s'"):format(tostring(key))) end
  end
  if (options.chart == nil) == (options.url == nil) then refuse "chart = a directory or archive, or url = an archive's URL wanted" end
  check_text(options, "chart", "%S", "the path of a chart's directory or archive", refuse)
  check_text(options, "url", "%S", "a text", refuse)
  for _, place in ipairs { options.url or "", options.chart or "" } do
    if place:find("^oci:") then
      refuse("a chart in an OCI registry is not fetched", "run `helm pull " .. place .. "` once, keep the archive beside the inventory, and name it as chart")
    end
  end
  if options.chart and options.chart:find("^https?:") then refuse "chart is a path: a URL is given as url" end
  check_text(options, "release", "^[a-z0-9][-a-z0-9]*$", "a name of small letters, digits and -", refuse)
  check_text(options, "namespace", "^[a-z0-9][-a-z0-9]*$", "a name of small letters, digits and -", refuse)
  check_text(options, "kube_version", "^v?%d+%.%d+", "a version such as 1.30.1", refuse)
  if options.values ~= nil and (type(options.values) ~= "table" or #options.values > 0) then refuse "values: a table of names and values wanted" end
  local release = options.release or name
  if not release:find("^[a-z0-9][-a-z0-9]*$") or #release > 53 then
    refuse(("'%s' is no name for a release: at most 53 small letters, digits and -"):format(release), "give another with release = ...")
  end
  for _, key in ipairs { "values_files", "api_versions" } do
    for _, each in ipairs(tables.list(options[key])) do
      if type(each) ~= "string" or each == "" or each:find("^%-") then refuse(("%s: a list of texts wanted"):format(key)) end
    end
  end
  return release
end

local function cluster_version()
  local kubernetes = slipway.inventory and slipway.inventory.kubernetes
  local version = kubernetes and kubernetes.version
  return type(version) == "string" and version:find("^v?%d+%.%d+") and version or nil
end

--- The texts of the chart's objects, as kube.manifest takes them.
local function render(name, options)
  local release = check(name, options)
  local found = core.helm {
    chart = options.chart, url = options.url, sha256 = options.sha256, release = release, namespace = options.namespace or "default",
    values = options.values or {}, values_files = tables.list(options.values_files), api_versions = tables.list(options.api_versions),
    kube_version = options.kube_version or cluster_version(), include_crds = options.include_crds ~= false,
  }
  local left_out = {}
  local texts = without(found.pieces, options.hooks ~= false, left_out)
  if #left_out > 0 then
    slipway.warn(("kube.helm %q: hooks of deletions and rollbacks are left out: %s (hooks = false leaves out all)"):format(name, table.concat(left_out, ", ")))
  end
  if #found.changing > 0 then
    slipway.warn(("kube.helm %q: the chart makes something new at each rendering, so that every plan changes it: %s. Give it as a value"):format(name,
      table.concat(found.changing, "; ")))
  end
  return texts
end

--- kube.helm "name" { chart = DIRECTORY or ARCHIVE | url = URL, sha256 = ..., release, namespace, values, values_files, kube_version, api_versions, ... }
function helm.call(name)
  if type(name) ~= "string" then slipway.fail 'kube.helm "name" { ... } wanted' end
  local begun = core.begin(("kube.helm %q"):format(name))
  return function(options)
    core.done(begun)
    local list = manifest.objects(render(name, options), options)
    if options.patch then
      for _, one in ipairs(list) do options.patch(one) end
    end
    local made, before = {}, options.depends_on
    for _, stage in ipairs(stages(list)) do
      local these = manifest.declare(name, stage, tables.merge(options, { depends_on = before, special = function(object)
        if annotation(object, POLICY) ~= "keep" then return nil end
        return { lifecycle = tables.merge({ prevent_destroy = true }, options.lifecycle) }
      end }))
      for _, resource in ipairs(these) do made[#made + 1] = resource end
      if #these > 0 then before = these end
    end
    return made
  end
end

return helm
