--- data.kube_applications: what Argo CD says of its Applications, for `slipway status`.
local resource = require "resource"

-- How long a message may be that is shown in a line.
local ENOUGH = 300

--- Which Application, or which ApplicationSet, made it: nil for none that is known.
local function parent(object)
  local metadata = object.metadata
  -- ROOT:argoproj.io/Application:NAMESPACE/NAME
  local tracked = ((metadata.annotations or {})["argocd.argoproj.io/tracking-id"] or ""):match("^([^:]+):")
  local labelled = (metadata.labels or {})["app.kubernetes.io/instance"]
  for _, owner in ipairs(metadata.ownerReferences or {}) do
    if owner.kind == "ApplicationSet" then return owner.name end
  end
  local name = tracked or labelled
  return name ~= metadata.name and name or nil
end

local function message(object)
  local status, found = object.status or {}, {}
  for _, each in ipairs(status.conditions or {}) do
    if each.type and each.type:find("Error$") then found[#found + 1] = ("%s: %s"):format(each.type, each.message or "") end
  end
  local operation = status.operationState or {}
  if operation.phase == "Failed" or operation.phase == "Error" then found[#found + 1] = "sync failed: " .. (operation.message or "") end
  if status.health and status.health.message and status.health.message ~= "" then found[#found + 1] = status.health.message end
  return (table.concat(found, "; "):gsub("%s+", " "):sub(1, ENOUGH))
end

local function row(object)
  local status, spec = object.status or {}, object.spec or {}
  local sync, health = (status.sync or {}).status or "Unknown", (status.health or {}).status or "Unknown"
  local by_hand = not (spec.syncPolicy and spec.syncPolicy.automated)
  return {
    name = object.metadata.name, parent = parent(object), sync = sync, health = health,
    revision = (status.sync or {}).revision or "", message = message(object),
    -- What a person syncs may wait for that person.
    good = (sync == "Synced" or (by_hand and sync == "OutOfSync"))
      and (health == "Healthy" or health == "Suspended" or (by_hand and health == "Missing")),
  }
end

return resource "data.kube_applications" {
  on = "api", provider = "kube", data = true,
  doc = "The Applications of Argo CD, and how they are.",
  schema = {
    namespace = { "string", default = "argocd", doc = "where Argo CD lives" },
    applications = { "list", computed = true, doc = "each with name, parent, sync, health, revision, message, good" },
  },
  list = function(kube, items)
    local found = {}
    for _, item in ipairs(items) do
      local rows = {}
      for _, object in ipairs(kube:list("argoproj.io/v1alpha1", "Application", { namespace = item.namespace }) or {}) do rows[#rows + 1] = row(object) end
      table.sort(rows, function(a, b) return a.name < b.name end)
      found[item._name] = { applications = slipway.list(rows) }
    end
    return found
  end,
}
