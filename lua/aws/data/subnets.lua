local resource = require "resource"
local ec2 = require "aws/lib/ec2"

local function read(aws, r)
  local params = { Filter = ec2.filters(r, { ["vpc-id"] = r.vpc_id }) }
  local found = aws:once("DescribeSubnets " .. json.encode(params), function() return aws.ec2:pages("DescribeSubnets", params, "subnetSet") end)
  local ids = {}
  for i, subnet in ipairs(found) do ids[i] = subnet.subnetId end
  table.sort(ids)
  return { id = aws.region, ids = slipway.list(ids) }
end

return resource "data.aws_subnets" {
  on = "api", provider = "aws", data = true,
  doc = "The subnets that match; there may be none.",
  schema = {
    vpc_id = { "string", doc = "only those of this VPC" },
    tags = { "map", of = "string", doc = "tags that they have" },
    filter = ec2.filter_row,
    id = { "string", computed = true, doc = "the region" },
    ids = { "list", of = "string", computed = true, doc = "their ids, sorted" },
  },
  list = function(aws, items)
    return ec2.data(items, function(r) return read(aws, r) end)
  end,
}
