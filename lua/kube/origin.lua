--- Where an object stands that this run's playbook declared, for messages: "shop/web.yaml, document 3".
local kinds, names = require "kube/kinds", require "kube/names"

local origin, places = {}, {}

local function key(object) return ("%s %s"):format(kinds.group(object.apiVersion), names.shown(object)) end

--- @return string what tells objects apart
function origin.note(object, where, index)
  places[key(object)] = ("%s, document %d"):format(where, index)
end

function origin.of(object) return places[key(object)] end

return origin
