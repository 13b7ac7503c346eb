--- Kustomizations: a directory with a kustomization.yaml, as the objects it stands for. What is read is beside the playbook; what it names by URL is
--- fetched and pinned as every download is. A key that is not known here is an error: nothing is left out silently.
local kinds, patch, places = require "kube/kinds", require "kube/kustomize/patch", require "kube/kustomize/places"
local tables = require "host/lib/tables"

local kustomize = {}

local FILES = { "kustomization.yaml", "kustomization.yml", "Kustomization" }
local MAX_DEPTH = 20

local KEYS = {}
for key in ([[apiVersion kind metadata resources bases components patches patchesStrategicMerge patchesJson6902 images namespace namePrefix nameSuffix labels
  commonLabels commonAnnotations configMapGenerator secretGenerator generatorOptions replicas]]):gmatch("%S+") do KEYS[key] = true end

-- Kinds whose names are not the kustomization's to change.
local KEEPS_NAME = { CustomResourceDefinition = true, APIService = true, Namespace = true }

--- "a/b/../c" -> "a/c"
local function normal(path)
  local parts = {}
  for part in path:gmatch("[^/]+") do
    if part == ".." and #parts > 0 and parts[#parts] ~= ".." then
      parts[#parts] = nil
    elseif part ~= "." then
      parts[#parts + 1] = part
    end
  end
  local text = table.concat(parts, "/")
  return path:sub(1, 1) == "/" and "/" .. text or text == "" and "." or text
end

local function read(path, refuse)
  local ok, text = pcall(slipway.file, path)
  if not ok then refuse(("'%s' cannot be read: %s"):format(path, type(text) == "table" and text.message or tostring(text))) end
  return text
end

--- The kustomization's file in a directory, or nil.
function kustomize.file(directory)
  local names = core.files(directory)
  for _, name in ipairs(FILES) do
    for _, each in ipairs(names or {}) do
      if each == name then return directory .. "/" .. name end
    end
  end
  return nil
end

--- @param nulls boolean|nil in a patch, null takes a member away
local function decode(text, where, nulls)
  local ok, all = pcall(yaml.decode_all, text, nulls)
  if not ok then slipway.fail(("%s: %s"):format(where, type(all) == "table" and all.message or tostring(all))) end
  return all
end

local function entry_of(object, where)
  return { object = object, where = where, names = { [object.metadata.name] = true }, namespace = object.metadata.namespace }
end

--- The objects in a text, with where they come from.
local function entries(text, where, found)
  for i, document in ipairs(decode(text, where)) do
    if type(document) == "table" and next(document) ~= nil then
      if document.kind == "List" and type(document.items) == "table" then
        for _, item in ipairs(document.items) do found[#found + 1] = entry_of(item, where) end
      else
        local metadata = document.metadata
        if type(document.apiVersion) ~= "string" or type(document.kind) ~= "string" or type(metadata) ~= "table" or type(metadata.name) ~= "string" then
          slipway.fail(("%s, document %d: apiVersion, kind and metadata.name wanted"):format(where, i))
        end
        found[#found + 1] = entry_of(document, where)
      end
    end
  end
  return found
end

-- Generators -----------------------------------------------------------------------------------------------------------------------------------

local GENERATOR = { name = true, namespace = true, behavior = true, files = true, literals = true, envs = true, env = true, options = true, type = true }
local OPTIONS = { labels = true, annotations = true, disableNameSuffixHash = true, immutable = true }

local function check(table_, known, what, refuse)
  for key in pairs(table_) do
    if not known[key] then refuse(("%s has no '%s', or it is not supported"):format(what, tostring(key))) end
  end
end

local function env_lines(text, put, refuse)
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    line = line:gsub("\r$", ""):gsub("^%s+", "")
    if line ~= "" and line:sub(1, 1) ~= "#" then
      local key, value = line:match("^([^=]+)=(.*)$")
      if not key then refuse(("'%s': NAME=VALUE wanted"):format(line)) end
      put(key, value)
    end
  end
end

local function generated(spec, kind, directory, defaults, refuse)
  check(spec, GENERATOR, "a generator", refuse)
  if type(spec.name) ~= "string" then refuse "a generator has a name" end
  local data, binary, options = {}, {}, tables.merge(defaults, spec.options)
  check(options, OPTIONS, "options", refuse)
  for _, key in ipairs { "labels", "annotations" } do
    if options[key] then options[key] = tables.merge(defaults[key] or {}, options[key]) end
  end
  local function put(key, value)
    if data[key] ~= nil or binary[key] ~= nil then refuse(("%s: '%s' comes twice"):format(spec.name, key)) end
    if kind == "Secret" then
      data[key] = base64.encode(value)
    elseif utf8.len(value) then
      data[key] = value
    else
      binary[key] = base64.encode(value)
    end
  end
  for _, each in ipairs(tables.list(spec.envs or spec.env)) do env_lines(read(normal(directory .. "/" .. each), refuse), put, refuse) end
  for _, each in ipairs(spec.files or {}) do
    local key, path = each:match("^([^=]+)=(.*)$")
    path = path or each
    put(key or path:match("[^/]+$"), read(normal(directory .. "/" .. path), refuse))
  end
  for _, each in ipairs(spec.literals or {}) do
    local key, value = each:match("^([^=]+)=(.*)$")
    if not key then refuse(("literals: '%s': NAME=VALUE wanted"):format(each)) end
    put(key, value:match('^"(.*)"$') or value:match("^'(.*)'$") or value)
  end
  local object = { apiVersion = "v1", kind = kind, metadata = { name = spec.name, namespace = spec.namespace, labels = options.labels,
    annotations = options.annotations }, data = next(data) and data or nil, binaryData = next(binary) and binary or nil, immutable = options.immutable }
  if kind == "Secret" then object.type = spec.type or "Opaque" end
  local entry = entry_of(object, "the generator " .. spec.name)
  entry.hashed = not options.disableNameSuffixHash
  return entry, spec.behavior or "create"
end

--- A generated object joins those that there are.
local function join(list, entry, behavior, refuse)
  local object = entry.object
  local was, at
  for i, each in ipairs(list) do
    if each.object.kind == object.kind and each.names[object.metadata.name] and (object.metadata.namespace or each.object.metadata.namespace) ==
      each.object.metadata.namespace then
      was, at = each, i
    end
  end
  if behavior == "create" then
    if was then refuse(("%s '%s' is there already: behavior: merge or replace"):format(object.kind, object.metadata.name)) end
    list[#list + 1] = entry
    return
  end
  if behavior ~= "merge" and behavior ~= "replace" then refuse(("behavior: create, merge or replace wanted, not '%s'"):format(tostring(behavior))) end
  if not was then refuse(("%s '%s' is not there: nothing to %s"):format(object.kind, object.metadata.name, behavior)) end
  local old = was.object
  object.metadata.name, object.metadata.namespace = old.metadata.name, old.metadata.namespace
  object.metadata.labels = tables.merge(old.metadata.labels or {}, object.metadata.labels)
  object.metadata.annotations = tables.merge(old.metadata.annotations or {}, object.metadata.annotations)
  for _, key in ipairs { "labels", "annotations" } do
    if next(object.metadata[key]) == nil then object.metadata[key] = nil end
  end
  if behavior == "merge" then
    for _, key in ipairs { "data", "binaryData" } do
      if old[key] or object[key] then object[key] = tables.merge(old[key] or {}, object[key]) end
    end
  end
  list[at] = { object = object, where = was.where, names = was.names, namespace = was.namespace, hashed = was.hashed or entry.hashed }
end

local LETTERS = { ["0"] = "g", ["1"] = "h", ["3"] = "k", a = "m", e = "t" }

--- The suffix that stands for what a ConfigMap or Secret holds.
local function hash_of(object)
  -- The name is not part of it.
  local content = { kind = object.kind, name = "", data = object.data or "" }
  if object.kind == "Secret" then content.type = object.type end
  if object.binaryData then content.binaryData = object.binaryData end
  if object.stringData then content.stringData = object.stringData end
  local text = json.encode(content):gsub("[<>&]", function(c) return ("\\u%04x"):format(c:byte()) end)
  return (sha256(text):sub(1, 10):gsub(".", LETTERS))
end

-- What is changed in all -------------------------------------------------------------------------------------------------------------------------

--- Names of what is called otherwise now, wherever they stand.
local function rename(list)
  for _, entry in ipairs(list) do
    local own = entry.object.metadata.namespace
    places.references(entry.object, function(holder, key, kind, space)
      local found
      for _, target in ipairs(list) do
        local metadata = target.object.metadata
        local near = not kinds.is_namespaced(target.object) or (space and (holder[space] == nil or holder[space] == metadata.namespace
          or holder[space] == target.namespace) or not space and metadata.namespace == own)
        if target.object.kind == kind and target.names[holder[key]] and near then found = target break end
      end
      if found then
        holder[key] = found.object.metadata.name
        if space and found.object.metadata.namespace then holder[space] = found.object.metadata.namespace end
      end
    end)
  end
end

local function set_namespace(list, namespace)
  for _, entry in ipairs(list) do
    local object = entry.object
    if object.kind == "Namespace" and object.apiVersion == "v1" then
      object.metadata.name = namespace
      entry.names[namespace] = true
    elseif kinds.is_namespaced(object) then
      object.metadata.namespace = namespace
    end
    for _, subject in ipairs(object.kind:find("RoleBinding$") and object.subjects or {}) do
      if subject.kind == "ServiceAccount" and subject.name == "default" then subject.namespace = namespace end
    end
    if object.kind == "APIService" and object.spec and object.spec.service then object.spec.service.namespace = namespace end
  end
end

local function set_names(list, prefix, suffix)
  for _, entry in ipairs(list) do
    if not KEEPS_NAME[entry.object.kind] then
      local metadata = entry.object.metadata
      metadata.name = prefix .. metadata.name .. suffix
      entry.names[metadata.name] = true
    end
  end
end

local function set_labels(list, k, refuse)
  for _, each in ipairs(k.labels or {}) do
    check(each, { pairs = true, includeSelectors = true, includeTemplates = true }, "labels", refuse)
    for _, entry in ipairs(list) do
      local object = entry.object
      object.metadata.labels = tables.merge(object.metadata.labels or {}, each.pairs)
      if each.includeSelectors then places.label_selectors(object, each.pairs) end
      if each.includeTemplates then places.label_templates(object, each.pairs) end
    end
  end
  for _, entry in ipairs(k.commonLabels and list or {}) do
    entry.object.metadata.labels = tables.merge(entry.object.metadata.labels or {}, k.commonLabels)
    places.label_selectors(entry.object, k.commonLabels)
  end
  for _, entry in ipairs(k.commonAnnotations and list or {}) do places.annotate(entry.object, k.commonAnnotations) end
end

local function split_image(image)
  local name, digest = image:match("^(.-)@(.*)$")
  name = name or image
  local base, tag = name:match("^(.*):([^:/]*)$")
  return base or name, tag, digest
end

local function set_images(list, images, refuse)
  for _, each in ipairs(images) do
    check(each, { name = true, newName = true, newTag = true, digest = true }, "images", refuse)
    for _, entry in ipairs(list) do
      places.containers(entry.object, function(container)
        local name, tag, digest = split_image(container.image or "")
        if name ~= each.name then return end
        if each.newTag then tag, digest = tostring(each.newTag), nil end
        if each.digest then tag, digest = nil, each.digest end
        container.image = (each.newName or name) .. (tag and ":" .. tag or "") .. (digest and "@" .. digest or "")
      end)
    end
  end
end

local SCALES = { Deployment = true, ReplicaSet = true, StatefulSet = true, ReplicationController = true }

local function set_replicas(list, replicas, refuse)
  for _, each in ipairs(replicas) do
    check(each, { name = true, count = true }, "replicas", refuse)
    local found = false
    for _, entry in ipairs(list) do
      if SCALES[entry.object.kind] and entry.names[each.name] then
        entry.object.spec.replicas = each.count
        found = true
      end
    end
    if not found then refuse(("replicas: there is no '%s'"):format(tostring(each.name))) end
  end
end

-- Patches --------------------------------------------------------------------------------------------------------------------------------------

local function put_patch(list, change, is_for, what, refuse)
  local found = false
  for i = #list, 1, -1 do
    if is_for(list[i]) then
      found = true
      local object = change(list[i].object)
      if object then list[i].object = object else table.remove(list, i) end
    end
  end
  if not found then refuse(("%s is for nothing that is there"):format(what)) end
end

--- A strategic merge patch says itself what it is for.
local function merge_patch(list, over, where, refuse)
  local metadata = over.metadata
  if type(over.kind) ~= "string" or type(metadata) ~= "table" or type(metadata.name) ~= "string" then
    refuse(where .. ": a patch has kind and metadata.name")
  end
  put_patch(list, function(object) return patch.merge(object, over) end, function(entry)
    local object, namespace = entry.object, metadata.namespace
    return object.kind == over.kind and kinds.group(object.apiVersion) == kinds.group(over.apiVersion or object.apiVersion)
      and entry.names[metadata.name] and (namespace == nil or namespace == entry.namespace or namespace == object.metadata.namespace)
  end, ("%s: %s %s"):format(where, over.kind, metadata.name), refuse)
end

local function one_patch(list, each, directory, refuse)
  check(each, { path = true, patch = true, target = true, options = true }, "patches", refuse)
  if each.options and next(each.options) ~= nil then refuse "patches: options are not supported" end
  local where = each.path and normal(directory .. "/" .. each.path) or "a patch"
  local text = each.patch or each.path and read(where, refuse)
  if type(text) ~= "string" then refuse "patches: path or patch wanted" end
  for _, document in ipairs(decode(text, where, true)) do
    local function no(words) refuse(("%s: %s"):format(where, words)) end
    local function is_for(entry) return patch.is_for(each.target, entry, no) end
    if #document > 0 then
      if not each.target then no "a list of operations has a target" end
      put_patch(list, function(object) return patch.json(object, document, no) end, is_for, where, refuse)
    elseif each.target then
      put_patch(list, function(object) return patch.merge(object, document) end, is_for, where, refuse)
    else
      merge_patch(list, document, where, refuse)
    end
  end
end

-- One kustomization ------------------------------------------------------------------------------------------------------------------------------

local build

local function add_resource(list, name, directory, depth, refuse)
  if name:find("^https?://") then
    if not name:find("%.ya?ml$") and not name:find("%.json$") then refuse(("'%s': of URLs, those of files only"):format(name)) end
    return entries(core.download(name), name, list)
  end
  local path = normal(directory .. "/" .. name)
  if core.files(path) then
    for _, entry in ipairs(build(path, depth + 1, nil)) do list[#list + 1] = entry end
    return list
  end
  return entries(read(path, refuse), path, list)
end

--- @param given table|nil for a component: what there is already
function build(directory, depth, given)
  local path = kustomize.file(directory)
  if not path then slipway.fail(("the directory '%s' holds no kustomization.yaml"):format(directory)) end
  local function refuse(text) slipway.fail(("%s: %s"):format(path, text)) end
  if depth > MAX_DEPTH then refuse(("more than %d directories deep: do they name each other?"):format(MAX_DEPTH)) end
  local k = decode(read(path, refuse), path)[1]
  if type(k) ~= "table" then refuse "a map wanted" end
  check(k, KEYS, "a kustomization", refuse)
  local kind = given and "Component" or "Kustomization"
  if (k.kind or "Kustomization") ~= kind then refuse(("kind: %s wanted"):format(kind)) end
  local list = given or {}
  for _, name in ipairs(k.resources or {}) do add_resource(list, name, directory, depth, refuse) end
  for _, name in ipairs(k.bases or {}) do add_resource(list, name, directory, depth, refuse) end
  for _, name in ipairs(k.components or {}) do build(normal(directory .. "/" .. name), depth + 1, list) end
  for _, way in ipairs { { "configMapGenerator", "ConfigMap" }, { "secretGenerator", "Secret" } } do
    for _, spec in ipairs(k[way[1]] or {}) do
      local entry, behavior = generated(spec, way[2], directory, k.generatorOptions or {}, refuse)
      join(list, entry, behavior, refuse)
    end
  end
  for _, each in ipairs(k.patchesStrategicMerge or {}) do
    local inline = each:find("\n", 1, true) ~= nil
    local where = inline and "a patch" or normal(directory .. "/" .. each)
    for _, document in ipairs(decode(inline and each or read(where, refuse), where, true)) do merge_patch(list, document, where, refuse) end
  end
  for _, each in ipairs(k.patches or {}) do one_patch(list, each, directory, refuse) end
  if k.namespace then set_namespace(list, k.namespace) end
  set_names(list, k.namePrefix or "", k.nameSuffix or "")
  set_labels(list, k, refuse)
  for _, each in ipairs(k.patchesJson6902 or {}) do one_patch(list, each, directory, refuse) end
  set_replicas(list, k.replicas or {}, refuse)
  set_images(list, k.images or {}, refuse)
  rename(list)
  return list
end

--- The objects of a kustomization's directory, each with where it comes from: { object, where }.
function kustomize.build(directory)
  local list = build(normal(directory), 1, nil)
  for _, entry in ipairs(list) do
    if entry.hashed then
      local metadata = entry.object.metadata
      metadata.name = metadata.name .. "-" .. hash_of(entry.object)
      entry.names[metadata.name] = true
    end
  end
  rename(list)
  return list
end

return kustomize
