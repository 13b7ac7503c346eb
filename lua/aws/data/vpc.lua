local resource = require "resource"
local ec2 = require "aws/lib/ec2"

local function read(aws, r)
  local params = { Filter = ec2.filters(r, { ["vpc-id"] = r.id, cidr = r.cidr_block, ["is-default"] = r.default, state = "available" }) }
  local found = aws:once("DescribeVpcs " .. json.encode(params), function() return aws.ec2:pages("DescribeVpcs", params, "vpcSet") end)
  if #found == 0 then return fail(("%s: no VPC of %s matches"):format(r._address, aws.region), "look at them with: aws ec2 describe-vpcs") end
  if #found > 1 then
    fail(("%s: %d VPCs match, such as %s and %s"):format(r._address, #found, found[1].vpcId, found[2].vpcId), "name one by id, tags or filter")
  end
  local vpc = found[1]
  return {
    id = vpc.vpcId,
    arn = ec2.arn(aws, vpc.ownerId, "vpc/" .. vpc.vpcId),
    owner_id = vpc.ownerId,
    cidr_block = vpc.cidrBlock,
    default = aws.bool(vpc.isDefault),
    instance_tenancy = vpc.instanceTenancy,
    all_tags = aws.read_tags(aws.list(vpc.tagSet)),
  }
end

return resource "data.aws_vpc" {
  on = "api", provider = "aws", data = true,
  doc = "The one VPC that matches.",
  schema = {
    id = { "string", doc = "vpc-..." },
    cidr_block = { "string", doc = "its network" },
    default = { "bool", doc = "whether it is the region's default VPC" },
    tags = { "map", of = "string", doc = "tags that it has" },
    filter = ec2.filter_row,
    arn = { "string", computed = true, doc = "its ARN" },
    owner_id = { "string", computed = true, doc = "the account it is in" },
    instance_tenancy = { "string", computed = true, doc = "default or dedicated" },
    all_tags = { "map", of = "string", computed = true, doc = "all of its tags" },
  },
  list = function(aws, items)
    return ec2.data(items, function(r) return read(aws, r) end)
  end,
}
