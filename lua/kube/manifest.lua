--- kube.manifest: the documents of a file, a directory, a download or a text, as objects of the plan.
local kinds, names, fields, object = require "kube/kinds", require "kube/names", require "kube/fields", require "kube/object"
local kustomize, sources = require "kube/kustomize", require "kube/sources"
local origin, tables = require "kube/origin", require "host/lib/tables"

local manifest = {}

local OPTIONS = {
  source = true, url = true, sha256 = true, content = true, namespace = true, create_namespace = true, wait = true, wait_for = true, timeout = true,
  force = true, depends_on = true, provider = true, lifecycle = true, patch = true,
}

local function refuse(where, index, path, text)
  slipway.fail(("%s, document %d%s: %s"):format(where, index, path ~= "" and ", " .. path or "", text))
end

--- Which document of a text the line is in that a message begins with.
local function document_at(text, message)
  local last, line, index = tonumber(message:match("^line (%d+): ")) or 1, 0, 1
  for each in text:gmatch("[^\n]*\n?") do
    line = line + 1
    if line > last then break end
    if line > 1 and each:find("^%-%-%-%s") then index = index + 1 end
  end
  return index
end

--- The objects of the documents, with where each comes from: { object, where, index }. A List gives its items.
local function documents(texts)
  local found = {}
  local function take(where, index, document, path)
    if document == nil or document == slipway.null then return end
    if type(document) ~= "table" then refuse(where, index, path, "an object wanted, not a " .. type(document)) end
    if next(document) == nil then return end
    for _, key in ipairs { "apiVersion", "kind" } do
      if type(document[key]) ~= "string" then refuse(where, index, path .. (path ~= "" and "." or "") .. key, "a text wanted: every object has one") end
    end
    if document.kind:find("List$") and type(document.items) == "table" then
      for i, item in ipairs(document.items) do take(where, index, item, ("%sitems[%d]"):format(path ~= "" and path .. "." or "", i - 1)) end
      return
    end
    local metadata = document.metadata
    if type(metadata) ~= "table" or type(metadata.name) ~= "string" then
      refuse(where, index, path .. (path ~= "" and "." or "") .. "metadata.name", "a text wanted (generateName is not for what is applied again and again)")
    end
    found[#found + 1] = { object = document, where = where, index = index }
  end
  for _, text in ipairs(texts) do
    local ok, all = true, text.documents
    if not all then ok, all = pcall(yaml.decode_all, text.text) end
    if not ok then refuse(text.where, document_at(text.text, all.message), "", all.message) end
    for i, document in ipairs(all) do take(text.where, i, document, "") end
  end
  return found
end

--- "group/Kind" -> scope, of the CustomResourceDefinitions among them.
local function definitions(found)
  local scopes = {}
  for _, each in ipairs(found) do
    local spec = each.object.kind == "CustomResourceDefinition" and each.object.spec
    if type(spec) == "table" and type(spec.names) == "table" then scopes[("%s/%s"):format(spec.group, spec.names.kind)] = spec.scope end
  end
  return scopes
end

--- The objects as they are to be applied: cleaned, with their namespace. `options` are those of kube.manifest.
function manifest.objects(texts, options)
  local found = documents(texts)
  local scopes, list, seen = definitions(found), {}, {}
  for _, each in ipairs(found) do
    local one = fields.clean(each.object)
    one.metadata = tables.merge(one.metadata)
    if kinds.is_namespaced(one, scopes) then
      if one.metadata.namespace == nil then one.metadata.namespace = options.namespace or "default" end
    elseif one.metadata.namespace ~= nil then
      one.metadata.namespace = nil
    end
    local key = ("%s %s"):format(kinds.group(one.apiVersion), names.shown(one))
    if seen[key] then refuse(each.where, each.index, "", ("%s is there already (%s)"):format(names.shown(one), seen[key])) end
    seen[key] = ("%s, document %d"):format(each.where, each.index)
    origin.note(one, each.where, each.index)
    list[#list + 1] = one
  end
  if options.create_namespace and options.namespace and not seen[" Namespace " .. options.namespace] then
    table.insert(list, 1, { apiVersion = "v1", kind = "Namespace", metadata = { name = options.namespace } })
  end
  return list
end

--- Declares them: each waits for the wave before it; but a Job may wait for the webhooks itself, to give them their certificate, so only custom
--- objects wait for it. `options.special(object)`: what is different for that one, or nil. Returns the resources, by address order, to depend on.
function manifest.declare(name, list, options)
  local waves, made, jobs = {}, {}, {}
  for i in ipairs(kinds.WAVES) do waves[i] = {} end
  for _, one in ipairs(list) do table.insert(waves[kinds.wave(one)], one) end
  local before = tables.list(options.depends_on)
  for i, wave in ipairs(waves) do
    local these = {}
    if i == #waves then
      before = table.move(before, 1, #before, 1, {})
      table.move(jobs, 1, #jobs, #before + 1, before)
    end
    for _, one in ipairs(wave) do
      local own = tables.merge(options, { depends_on = before })
      local resource = object.declare(names.of(name, one), one, options.special and tables.merge(own, options.special(one)) or own)
      made[#made + 1] = resource
      table.insert(one.kind == "Job" and jobs or these, resource)
    end
    if #these > 0 then before = these end
  end
  return made
end

--- kube.kustomize "name" { source = DIRECTORY, ... }: kube.manifest of a directory that holds a kustomization, and nothing else.
function manifest.kustomize(name)
  local declare = manifest.call(name)
  return function(options)
    if type(options) == "table" and (type(options.source) ~= "string" or not kustomize.file(options.source)) then
      slipway.fail(("kube.kustomize %q: source = a directory with a kustomization.yaml wanted"):format(name))
    end
    return declare(options)
  end
end

--- kube.manifest "name" { source = FILE or DIRECTORY | url = URL, sha256 = ... | content = TEXT, namespace, create_namespace, wait, timeout, force }
function manifest.call(name)
  if type(name) ~= "string" then slipway.fail 'kube.manifest "name" { ... } wanted' end
  return function(options)
    if type(options) ~= "table" then slipway.fail(("kube.manifest %q: a table wanted"):format(name)) end
    for key in pairs(options) do
      if not OPTIONS[key] then slipway.fail(("kube.manifest %q has no '%s'"):format(name, tostring(key))) end
    end
    local list = manifest.objects(sources.texts(name, options), options)
    if options.patch then
      for _, one in ipairs(list) do options.patch(one) end
    end
    return manifest.declare(name, list, options)
  end
end

return manifest
