--- Where a manifest's text comes from.
local kustomize = require "kube/kustomize"

local sources = {}

--- The texts of kube.manifest's options: a list of { text, where }, or, of a kustomization, of { documents, where }.
function sources.texts(name, options)
  local ways = {}
  for _, key in ipairs { "source", "url", "content" } do
    if options[key] ~= nil then ways[#ways + 1] = key end
  end
  local function refuse(text, hint) slipway.fail(("kube.manifest %q: %s"):format(name, text), hint) end
  if #ways ~= 1 then refuse("one of source, url and content wanted" .. (#ways > 1 and ", not " .. table.concat(ways, " and ") or "")) end
  if options.content ~= nil then
    if type(options.content) ~= "string" then
      refuse(("content is a %s, and a text known now is wanted"):format(type(options.content)), "for an object with references, use kube.object")
    end
    return { { text = options.content, where = ("kube.manifest %q"):format(name) } }
  end
  if options.url ~= nil then return { { text = core.download(options.url, options.sha256), where = options.url } } end
  local names = core.files(options.source)
  if not names then
    local text, path = slipway.file(options.source)
    return { { text = text, where = path or options.source } }
  end
  local texts = {}
  if kustomize.file(options.source) then
    for _, entry in ipairs(kustomize.build(options.source)) do texts[#texts + 1] = { documents = { entry.object }, where = entry.where } end
    return texts
  end
  for _, each in ipairs(names) do
    if each:find("%.ya?ml$") or each:find("%.json$") then
      local text, path = slipway.file(options.source .. "/" .. each)
      texts[#texts + 1] = { text = text, where = path or each }
    end
  end
  if #texts == 0 then refuse(("the directory '%s' holds no *.yaml, *.yml or *.json"):format(options.source)) end
  return texts
end

return sources
