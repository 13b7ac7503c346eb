local resource = require "resource"
local cidr, ec2, release, tags = require "aws/lib/cidr", require "aws/lib/ec2", require "aws/lib/release", require "aws/lib/tags"

local HOW = { action = "DescribeSubnets", filter = "subnet-id", set = "subnetSet", id = "subnetId" }
local MISSING = { "InvalidSubnetID.NotFound", "InvalidSubnetId.NotFound" }

--- The subnets that the playbook has declared so far, by VPC: { vpc, networks }. AWS would refuse two that overlap once half of all is made.
local declared = {}

local function check_overlap(t, name)
  if type(t.cidr_block) ~= "string" or t.vpc_id == nil then return end
  local of
  for _, one in ipairs(declared) do
    if core.same(one.vpc, t.vpc_id) then of = one end
  end
  if not of then
    of = { vpc = t.vpc_id, networks = {} }
    declared[#declared + 1] = of
  end
  local other = cidr.add(of.networks, t.cidr_block, { name = name, network = t.cidr_block })
  if other and other.name ~= name then
    slipway.fail(("cidr_block: '%s' overlaps '%s' of aws_subnet.%s, which is in the same VPC"):format(t.cidr_block, other.network, other.name),
      "each subnet needs a part of the VPC's network of its own: slipway.cidr(NETWORK, n, LENGTH) gives the n-th (from 0) of a length")
  end
end

local function read(aws, found, item)
  return {
    id = found.subnetId,
    arn = found.subnetArn,
    owner_id = found.ownerId,
    vpc_id = found.vpcId,
    cidr_block = found.cidrBlock,
    availability_zone = found.availabilityZone,
    availability_zone_id = found.availabilityZoneId,
    map_public_ip_on_launch = aws.bool(found.mapPublicIpOnLaunch),
    tags = tags.read(aws, item, found.tagSet),
  }
end

local function set_mapping(aws, r, id, old)
  if r.map_public_ip_on_launch == old then return end
  aws.ec2:call("ModifySubnetAttribute", { SubnetId = id, MapPublicIpOnLaunch = { Value = r.map_public_ip_on_launch } }, { retry = MISSING })
end

return resource "aws_subnet" {
  on = "api", provider = "aws", unique = true,
  doc = "A part of a VPC's network, in one availability zone.",
  schema = {
    vpc_id = { "string", required = true, immutable = true, doc = "the VPC it is part of" },
    cidr_block = { "string", required = true, immutable = true, doc = "its IPv4 network within the VPC's, /16 to /28" },
    availability_zone = { "string", immutable = true, doc = "the zone it is in, such as eu-west-1a; AWS chooses one when it is not set" },
    map_public_ip_on_launch = { "bool", default = false, doc = "instances get a public address unless they say otherwise" },
    tags = tags.row,
    id = { "string", computed = true, doc = "subnet-..." },
    arn = { "string", computed = true, doc = "its ARN" },
    owner_id = { "string", computed = true, doc = "the account it is in" },
    availability_zone_id = { "string", computed = true, doc = "the zone's name that is the same in every account" },
  },
  declare = function(t, name)
    cidr.check("cidr_block", t.cidr_block, 4, 16, 28)
    check_overlap(t, name)
  end,
  list = ec2.lister(HOW, read),

  create = function(aws, r)
    local id, mapping = r.have and r.have.id, r.have and r.have.map_public_ip_on_launch or false
    if not id then
      id = aws.ec2:call("CreateSubnet", {
        VpcId = r.vpc_id, CidrBlock = r.cidr_block, AvailabilityZone = r.availability_zone, TagSpecification = ec2.specification(aws, "subnet", r),
      }, { retry = { "InvalidVpcID.NotFound" } }).subnet.subnetId
    end
    local found = aws:wait {
      what = "subnet " .. id, within = 120,
      check = function()
        local subnet = ec2.one(aws, HOW, id)
        return subnet and subnet.state == "available" and subnet, subnet and subnet.state or "not shown yet"
      end,
    }
    set_mapping(aws, r, id, mapping)
    if r.have then ec2.retag(aws, r, id) end
    return {
      id = id, arn = found.subnetArn, owner_id = found.ownerId,
      availability_zone = found.availabilityZone, availability_zone_id = found.availabilityZoneId,
    }
  end,

  update = function(aws, r)
    set_mapping(aws, r, r.have.id, r.have.map_public_ip_on_launch)
    ec2.retag(aws, r, r.have.id)
  end,

  delete = function(aws, r, line)
    local id = ec2.id(r)
    release.delete(aws, {
      action = "DeleteSubnet", params = { SubnetId = id }, gone = MISSING, what = "subnet " .. id, holds = { subnet = id }, line = line,
    })
  end,
}
