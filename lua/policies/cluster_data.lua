-- slipway's own policy, asked of every plan: what goes from a cluster with other people's objects or data in it, goes by somebody's word.
-- `destroy` is such a word.
local kinds = require "kube/kinds"

if plan.destroy then return end

local function manifest(item)
  local values = item.before or item.after
  local found = values and values.manifest
  return type(found) == "table" and found or {}
end

--- Which object it is, for all that the plan knows of it.
local function identity(item, values)
  local object = values and values.object
  return type(object) == "string" and ("%s %s"):format(item.provider or "", object:gsub(" %(.*%)$", "")) or nil
end

local kept = {}
for _, item in ipairs(plan.items) do
  local which = item.type == "kube_object" and item.action ~= "delete" and identity(item, item.after)
  if which then kept[which] = item.address end
end

for _, item in ipairs(plan.items) do
  if item.type == "kube_object" and (item.action == "delete" or item.action == "replace") then
    local which, kind = identity(item, item.before), manifest(item).kind
    local why = type(kind) == "string" and kinds.precious(kind)
    if item.action == "delete" and which and kept[which] then
      deny(item.address, ("%s is the same object, and would be gone with it: say moved { from = %q, to = %q }"):format(kept[which], item.address, kept[which]))
    elseif why then
      require_approval(item.address, ("a %s is deleted: %s"):format(kind, why))
    end
  end
end
