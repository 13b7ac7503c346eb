local resource = require "resource"
local ec2, release, tags = require "aws/lib/ec2", require "aws/lib/release", require "aws/lib/tags"

local HOW = { action = "DescribeSecurityGroups", filter = "group-id", set = "securityGroupInfo", id = "groupId" }
local MISSING = { "InvalidGroup.NotFound", "InvalidSecurityGroupID.NotFound", "InvalidGroupId.Malformed" }
local NOT_YET = { "InvalidGroup.NotFound", "InvalidSecurityGroupID.NotFound" }

--- The rules that AWS gives a new group: everything may go out.
local function everything(v6)
  if v6 then return { { IpProtocol = "-1", Ipv6Ranges = { { CidrIpv6 = "::/0" } } } } end
  return { { IpProtocol = "-1", IpRanges = { { CidrIp = "0.0.0.0/0" } } } }
end

--- Whether a group has the rule that lets everything out.
local function lets_out(aws, found)
  for _, permission in ipairs(aws.list(found.ipPermissionsEgress)) do
    if permission.ipProtocol == "-1" then
      for _, range in ipairs(aws.list(permission.ipRanges)) do
        if range.cidrIp == "0.0.0.0/0" then return true end
      end
    end
  end
  return false
end

local function arn(aws, found)
  return ec2.text(found.securityGroupArn) or ec2.arn(aws, found.ownerId, "security-group/" .. found.groupId)
end

local function read(aws, found, item)
  local have = {
    id = found.groupId,
    arn = arn(aws, found),
    owner_id = found.ownerId,
    name = found.groupName,
    description = found.groupDescription,
    vpc_id = found.vpcId,
    tags = tags.read(aws, item, found.tagSet),
    name_prefix = ec2.kept(item, "name_prefix"),
    revoke_rules_on_delete = ec2.kept(item, "revoke_rules_on_delete"),
  }
  -- Later on, a rule that lets everything out may be a declared one: the default is looked for only where a creation did not finish.
  if item._token and not item.prior then
    have.default_egress = lets_out(aws, found)
  else
    have.default_egress = ec2.kept(item, "default_egress")
  end
  return have
end

local function set_egress(aws, id, wanted, now)
  if wanted == now then return end
  if wanted then
    aws.ec2:call("AuthorizeSecurityGroupEgress", { GroupId = id, IpPermissions = everything(false) }, { retry = NOT_YET })
    return
  end
  aws.ec2:call("RevokeSecurityGroupEgress", { GroupId = id, IpPermissions = everything(false) }, {
    gone = { "InvalidPermission.NotFound" }, retry = NOT_YET,
  })
  -- In a VPC with IPv6 there is one for that as well.
  aws.ec2:call("RevokeSecurityGroupEgress", { GroupId = id, IpPermissions = everything(true) }, {
    gone = { "InvalidPermission.NotFound", "InvalidParameterValue" }, retry = NOT_YET,
  })
end

--- Takes every rule of a group away, so that two groups that refer to each other can be deleted.
local function revoke_all(aws, id)
  local ingress, egress = {}, {}
  for _, rule in ipairs(aws.ec2:by_ids("DescribeSecurityGroupRules", "group-id", { id }, "securityGroupRuleSet")) do
    local list = aws.bool(rule.isEgress) and egress or ingress
    list[#list + 1] = rule.securityGroupRuleId
  end
  local gone = { "InvalidPermission.NotFound", "InvalidSecurityGroupRuleId.NotFound", table.unpack(MISSING) }
  if ingress[1] then aws.ec2:call("RevokeSecurityGroupIngress", { GroupId = id, SecurityGroupRuleId = ingress }, { gone = gone }) end
  if egress[1] then aws.ec2:call("RevokeSecurityGroupEgress", { GroupId = id, SecurityGroupRuleId = egress }, { gone = gone }) end
end

return resource "aws_security_group" {
  on = "api", provider = "aws", unique = true,
  doc = "A firewall around instances and load balancers; its rules are aws_vpc_security_group_ingress_rule and aws_vpc_security_group_egress_rule.",
  schema = {
    name = { "string", immutable = true, doc = "its name in AWS; the resource's when neither it nor name_prefix is set" },
    name_prefix = { "string", immutable = true, doc = "how its name begins, with something unique after it: for create_before_destroy" },
    description = { "string", immutable = true, doc = "what it is for; \"Managed by slipway\" when it is not set" },
    vpc_id = { "string", immutable = true, doc = "the VPC it is in; the default VPC when it is not set" },
    default_egress = { "bool", default = false, doc = "keep the rule that AWS gives a new group, which lets everything out" },
    revoke_rules_on_delete = { "bool", default = false, doc = "take its rules away before it is deleted, those of others as well" },
    tags = tags.row,
    id = { "string", computed = true, doc = "sg-..." },
    arn = { "string", computed = true, doc = "its ARN" },
    owner_id = { "string", computed = true, doc = "the account it is in" },
  },
  declare = function(t)
    local name, description = ec2.text(t.name) or ec2.text(t.name_prefix), ec2.text(t.description)
    if t.name ~= nil and t.name_prefix ~= nil then slipway.fail("only one of name and name_prefix can be given") end
    if name and (name:find("^sg%-") or #name > 255) then
      slipway.fail(("name: expected at most 255 characters that do not begin with 'sg-', got '%s'"):format(name))
    end
    if description and (#description > 255 or description:find("[^%w ._:/()#,@%[%]+=&;{}!$*-]")) then
      slipway.fail(("description: expected at most 255 characters of a-z, A-Z, 0-9, spaces and ._-:/()#,@[]+=&;{}!$*, got '%s'"):format(description))
    end
  end,
  list = ec2.lister(HOW, read),

  create = function(aws, r)
    local id, open = r.have and r.have.id, true
    if not id then
      id = aws.ec2:call("CreateSecurityGroup", {
        GroupName = r.name_prefix and r.name_prefix .. r._token:sub(1, 12) or r.name, VpcId = r.vpc_id,
        GroupDescription = r.description or "Managed by slipway", TagSpecification = ec2.specification(aws, "security-group", r),
      }, { retry = { "InvalidVpcID.NotFound" } }).groupId
    else
      open = r.have.default_egress
    end
    local found = ec2.await(aws, HOW, id, "security group")
    set_egress(aws, id, r.default_egress, open)
    if r.have then ec2.retag(aws, r, id) end
    return {
      id = id, owner_id = found.ownerId, arn = arn(aws, found), name = found.groupName, description = found.groupDescription, vpc_id = found.vpcId,
    }
  end,

  update = function(aws, r)
    set_egress(aws, r.have.id, r.default_egress, r.have.default_egress)
    ec2.retag(aws, r, r.have.id)
  end,

  delete = function(aws, r, line)
    local id = ec2.id(r)
    if r.revoke_rules_on_delete then revoke_all(aws, id) end
    release.delete(aws, {
      action = "DeleteSecurityGroup", params = { GroupId = id }, gone = MISSING, what = "security group " .. id, holds = { group = id }, line = line,
    })
  end,
}
