--- How Argo CD syncs: the policy of Applications.
local sync = {}

--- The cluster in which Argo CD runs itself.
sync.HERE = "https://kubernetes.default.svc"

local AUTOMATED = { prune = true, self_heal = true, allow_empty = true }

local function automated(given, where)
  if given == true then return { prune = true, selfHeal = true, allowEmpty = false } end
  if given == false or given == nil then return nil end
  if type(given) ~= "table" then slipway.fail(("%s: true, false or a map wanted"):format(where)) end
  local found = { prune = true, self_heal = true, allow_empty = false }
  for key, value in pairs(given) do
    if not AUTOMATED[key] then core.unknown("member of " .. where, tostring(key), { "prune", "self_heal", "allow_empty" }) end
    if type(value) ~= "boolean" then slipway.fail(("%s: %s: true or false wanted"):format(where, key)) end
    found[key] = value
  end
  return { prune = found.prune, selfHeal = found.self_heal, allowEmpty = found.allow_empty }
end

--- @param given boolean|table whether it syncs by itself
--- @param more string[] further sync options
function sync.policy(given, more, where)
  local options = { "CreateNamespace=true", "PrunePropagationPolicy=foreground", "PruneLast=true" }
  for _, option in ipairs(more) do
    local name = type(option) == "string" and option:match("^(%w+)=")
    if not name then slipway.fail(("sync_options: NAME=VALUE wanted, not '%s'"):format(tostring(option))) end
    -- What is asked for takes the place of what would be there.
    for i = #options, 1, -1 do
      if options[i]:match("^(%w+)=") == name then table.remove(options, i) end
    end
    options[#options + 1] = option
  end
  return {
    automated = automated(given, where),
    syncOptions = slipway.list(options),
    retry = { limit = 5, backoff = { duration = "5s", factor = 2, maxDuration = "3m" } },
  }
end

return sync
