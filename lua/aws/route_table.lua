local resource = require "resource"
local ec2, release, routes, tags = require "aws/lib/ec2", require "aws/lib/release", require "aws/lib/routes", require "aws/lib/tags"

local MISSING = { "InvalidRouteTableID.NotFound", "InvalidRouteTableId.NotFound" }

local function computed(aws, found)
  return { id = found.routeTableId, owner_id = found.ownerId, arn = ec2.arn(aws, found.ownerId, "route-table/" .. found.routeTableId) }
end

return resource "aws_route_table" {
  on = "api", provider = "aws",
  doc = "Where the traffic of subnets goes; its routes are aws_route, its subnets aws_route_table_association.",
  schema = {
    vpc_id = { "string", required = true, immutable = true, doc = "the VPC it is for" },
    tags = tags.row,
    id = { "string", computed = true, doc = "rtb-..." },
    arn = { "string", computed = true, doc = "its ARN" },
    owner_id = { "string", computed = true, doc = "the account it is in" },
  },

  list = function(aws, items)
    local have = {}
    if not routes.wanted(items) then return have end
    local all, by_token = routes.all(aws), {}
    for _, found in pairs(all) do
      local token = aws.token_of(aws.list(found.tagSet))
      if token then by_token[token] = found end
    end
    for _, item in ipairs(items) do
      local id = ec2.text(item.prior and item.prior.id)
      local found = id and all[id] or not id and item._token and by_token[item._token]
      if found then
        local one = computed(aws, found)
        one.vpc_id, one.tags = found.vpcId, tags.read(aws, item, found.tagSet)
        have[item._name] = one
      end
    end
    return have
  end,

  create = function(aws, r)
    if r.have then
      ec2.retag(aws, r, r.have.id)
      return nil
    end
    local made = aws.ec2:call("CreateRouteTable", {
      ClientToken = r._token, VpcId = r.vpc_id, TagSpecification = ec2.specification(aws, "route-table", r),
    }, { retry = { "InvalidVpcID.NotFound" } }).routeTable
    local found = aws:wait {
      what = "route table " .. made.routeTableId, within = 120, check = function() return routes.table(aws, made.routeTableId), "not shown yet" end,
    }
    return computed(aws, found)
  end,

  update = function(aws, r) ec2.retag(aws, r, r.have.id) end,

  delete = function(aws, r, line)
    local id = ec2.id(r)
    release.delete(aws, {
      action = "DeleteRouteTable", params = { RouteTableId = id }, gone = MISSING, what = "route table " .. id, holds = { route_table = id }, line = line,
    })
  end,
}
