--- Route tables: one read serves tables, routes and associations. Which tables the routes of a plan are in is known to them alone, so all are read.
local ec2 = require "aws/lib/ec2"

local routes = {}

local PAGE = 100 -- the most this action gives

--- Every route table of the region, by its id.
function routes.all(aws)
  return aws:once("DescribeRouteTables", function()
    local by_id = {}
    for _, one in ipairs(aws.ec2:pages("DescribeRouteTables", { MaxResults = PAGE }, "routeTableSet")) do by_id[one.routeTableId] = one end
    return by_id
  end)
end

--- One table as it is now, or nil.
function routes.table(aws, id)
  return aws.ec2:by_ids("DescribeRouteTables", "route-table-id", { id }, "routeTableSet")[1]
end

--- Whether there is anything to look for: something recorded, or begun by a run that did not finish.
function routes.wanted(items)
  for _, item in ipairs(items) do
    if item.prior or ec2.text(item._token) then return true end
  end
  return false
end

return routes
