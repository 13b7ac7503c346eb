--- New objects in a plan: a dry run says what the server would refuse, before anybody approves it. Only where nothing but a plan is made: what is
--- applied at once is told of then.
local trial = {}

local AT_ONCE = 16
-- Of definitions, which can be half a megabyte.
local LARGE_AT_ONCE = 2

--- Is its namespace yet to be made by this plan?
local function waits_for_namespace(items, have)
  local new = {}
  for _, item in ipairs(items) do
    local manifest = item.manifest
    local is_space = type(manifest) == "table" and manifest.kind == "Namespace" and manifest.apiVersion == "v1"
    if is_space and not have[item._name] then new[manifest.metadata.name] = true end
  end
  return function(item) return new[item.manifest.metadata.namespace] == true end
end

--- Raises for what would be refused: all of it in one error. What cannot be tried yet is left for the apply.
--- @param is_known fun(value: any): boolean
--- @param body_of fun(item: table): table what is sent
--- @param tell fun(item: table, err: table): table the error as it is raised
function trial.run(kube, items, have, is_known, body_of, tell)
  local waits, calls, large, refused = waits_for_namespace(items, have), {}, {}, {}
  for _, item in ipairs(items) do
    if item._declared and not have[item._name] and is_known(item.manifest) and not waits(item) then
      local list = item.manifest.kind == "CustomResourceDefinition" and large or calls
      list[#list + 1] = function()
        local _, err = kube:apply(body_of(item), { dry_run = true, try = true, force = true, metadata = true })
        if err and err.class == "invalid" then refused[#refused + 1] = { name = item._name, err = tell(item, err) } end
      end
    end
  end
  kube:all({ function() kube:all(calls, AT_ONCE) end, function() kube:all(large, LARGE_AT_ONCE) end })
  if #refused == 0 then return end
  table.sort(refused, function(a, b) return a.name < b.name end)
  if #refused == 1 then error(refused[1].err, 0) end
  local lines = {}
  for i, each in ipairs(refused) do lines[i] = each.err.message end
  core.fail_as("remote", ("the API server would refuse %d objects:\n  %s"):format(#lines, table.concat(lines, "\n  ")), refused[1].err.hint)
end

return trial
