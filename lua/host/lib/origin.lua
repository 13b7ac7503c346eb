-- Who made it. A resource that leaves the playbook is removed only when slipway made it: a package that was installed before, a directory of the
-- distribution, a file that a package brought stay as they are. `state = "absent"` in the playbook removes it whoever made it.
local tables = require "host/lib/tables"

local origin = {}

origin.row = { "bool", computed = true, doc = "made by slipway, so removed when it leaves the playbook" }

-- For a type's `result`: computed attributes with the one about the origin.
function origin.result(r, computed)
  local created = r.have == nil or (r.prior ~= nil and r.prior.created == true)
  return tables.merge({ created = created }, computed)
end

-- For a type's `remove`.
function origin.removable(r)
  return r.state == "absent" or (r.prior ~= nil and r.prior.created == true)
end

return origin
