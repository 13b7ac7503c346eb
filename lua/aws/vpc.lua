local resource = require "resource"
local cidr, ec2, release, tags = require "aws/lib/cidr", require "aws/lib/ec2", require "aws/lib/release", require "aws/lib/tags"

local HOW = { action = "DescribeVpcs", filter = "vpc-id", set = "vpcSet", id = "vpcId" }
local MISSING = { "InvalidVpcID.NotFound" }

--- One attribute, which AWS gives one at a time: "enableDnsSupport".
local function attribute(aws, id, name)
  local out = aws.ec2:call("DescribeVpcAttribute", { VpcId = id, Attribute = name }, { retry = MISSING })
  return aws.bool(out[name] and out[name].value)
end

--- What comes into being with a VPC, and stays the same: read once.
local function companions(aws, id)
  local main = aws.ec2:pages("DescribeRouteTables", {
    Filter = { { Name = "vpc-id", Value = { id } }, { Name = "association.main", Value = { "true" } } },
  }, "routeTableSet")[1]
  local group = aws.ec2:pages("DescribeSecurityGroups", {
    Filter = { { Name = "vpc-id", Value = { id } }, { Name = "group-name", Value = { "default" } } },
  }, "securityGroupInfo")[1]
  return main and main.routeTableId, group and group.groupId
end

local function read(aws, found, item)
  local id, prior = found.vpcId, item.prior or {}
  local table_id, group_id = prior.main_route_table_id, prior.default_security_group_id
  local asked = {
    function() return attribute(aws, id, "enableDnsSupport") end,
    function() return attribute(aws, id, "enableDnsHostnames") end,
    function()
      if table_id and group_id then return { table_id, group_id } end
      return { companions(aws, id) }
    end,
  }
  local answers = aws:all(asked)
  return {
    id = id,
    arn = ec2.arn(aws, found.ownerId, "vpc/" .. id),
    owner_id = found.ownerId,
    cidr_block = found.cidrBlock,
    instance_tenancy = found.instanceTenancy,
    enable_dns_support = answers[1],
    enable_dns_hostnames = answers[2],
    main_route_table_id = answers[3][1],
    default_security_group_id = answers[3][2],
    tags = tags.read(aws, item, found.tagSet),
  }
end

--- AWS takes one attribute a call; host names need the resolver, so that comes first when it is switched on, and last when off.
local function set_dns(aws, r, id)
  local have = r.have or {}
  local function set(name, value, old)
    if value ~= nil and value ~= old then aws.ec2:call("ModifyVpcAttribute", { VpcId = id, [name] = { Value = value } }, { retry = MISSING }) end
  end
  if r.enable_dns_support then set("EnableDnsSupport", true, have.enable_dns_support) end
  set("EnableDnsHostnames", r.enable_dns_hostnames, have.enable_dns_hostnames)
  if r.enable_dns_support == false then set("EnableDnsSupport", false, have.enable_dns_support) end
end

return resource "aws_vpc" {
  on = "api", provider = "aws",
  doc = "A virtual private cloud: a network of its own, in one region.",
  schema = {
    cidr_block = { "string", required = true, immutable = true, doc = "its IPv4 network, /16 to /28" },
    instance_tenancy = {
      "string", one_of = { "default", "dedicated" }, immutable = true, doc = "whether its instances share hardware with others'; they do when it is not set",
    },
    enable_dns_support = { "bool", default = true, doc = "AWS's resolver answers at the network's second address" },
    enable_dns_hostnames = { "bool", default = false, doc = "instances with a public address get a public DNS name" },
    tags = tags.row,
    id = { "string", computed = true, doc = "vpc-..." },
    arn = { "string", computed = true, doc = "its ARN" },
    owner_id = { "string", computed = true, doc = "the account it is in" },
    main_route_table_id = { "string", computed = true, doc = "the route table of subnets that have none of their own" },
    default_security_group_id = { "string", computed = true, doc = "the security group that came with it" },
  },
  declare = function(t)
    cidr.check("cidr_block", t.cidr_block, 4, 16, 28)
    if t.enable_dns_hostnames == true and t.enable_dns_support == false then slipway.fail("enable_dns_hostnames needs enable_dns_support") end
  end,
  list = function(aws, items)
    local found, names, reads = ec2.find(aws, items, HOW), {}, {}
    for _, item in ipairs(items) do
      local one = found[item._name]
      if one then
        names[#names + 1] = item._name
        reads[#reads + 1] = function() return read(aws, one, item) end
      end
    end
    local have = {}
    for i, attributes in ipairs(aws:all(reads)) do have[names[i]] = attributes end
    return have
  end,

  create = function(aws, r)
    local id = r.have and r.have.id
    if not id then
      id = aws.ec2:call("CreateVpc", {
        CidrBlock = r.cidr_block, InstanceTenancy = r.instance_tenancy, TagSpecification = ec2.specification(aws, "vpc", r),
      }).vpc.vpcId
    end
    local found = aws:wait {
      what = "VPC " .. id, within = 120,
      check = function()
        local vpc = ec2.one(aws, HOW, id)
        return vpc and vpc.state == "available" and vpc, vpc and vpc.state or "not shown yet"
      end,
    }
    -- A new VPC resolves names and gives none.
    set_dns(aws, { have = r.have or { enable_dns_support = true, enable_dns_hostnames = false },
                   enable_dns_support = r.enable_dns_support, enable_dns_hostnames = r.enable_dns_hostnames }, id)
    if r.have then ec2.retag(aws, r, id) end
    local table_id, group_id = companions(aws, id)
    return {
      id = id, owner_id = found.ownerId, arn = ec2.arn(aws, found.ownerId, "vpc/" .. id),
      main_route_table_id = table_id, default_security_group_id = group_id,
    }
  end,

  update = function(aws, r)
    set_dns(aws, r, r.have.id)
    ec2.retag(aws, r, r.have.id)
  end,

  delete = function(aws, r, line)
    local id = ec2.id(r)
    release.delete(aws, { action = "DeleteVpc", params = { VpcId = id }, gone = MISSING, what = "VPC " .. id, holds = { vpc = id }, line = line })
  end,
}
