--- One rule of a security group: what ingress and egress have in common.
local resource = require "resource"
local cidr, ec2, tags = require "aws/lib/cidr", require "aws/lib/ec2", require "aws/lib/tags"

local MISSING = {
  "InvalidPermission.NotFound", "InvalidSecurityGroupRuleId.NotFound", "InvalidGroup.NotFound", "InvalidSecurityGroupID.NotFound",
}
local NOT_YET = { "InvalidGroup.NotFound", "InvalidSecurityGroupID.NotFound" }
local NUMBERS = { ["6"] = "tcp", ["17"] = "udp", ["1"] = "icmp", ["58"] = "icmpv6", all = "-1" }
local SOURCES = { "cidr_ipv4", "cidr_ipv6", "prefix_list_id", "referenced_security_group_id" }

--- How a source is written in IpPermissions: list, field, and in a SecurityGroupRule.
local WIRE = {
  cidr_ipv4 = { "IpRanges", "CidrIp", "CidrIpv4" },
  cidr_ipv6 = { "Ipv6Ranges", "CidrIpv6", "CidrIpv6" },
  prefix_list_id = { "PrefixListIds", "PrefixListId", "PrefixListId" },
  referenced_security_group_id = { "Groups", "GroupId", "ReferencedGroupId" },
}

local function source(r)
  for _, name in ipairs(SOURCES) do
    if r[name] ~= nil and r[name] ~= "" then return name end
  end
  return nil
end

local function check_ports(t, protocol)
  if protocol == "-1" then
    if t.from_port ~= nil or t.to_port ~= nil then slipway.fail('from_port and to_port: ip_protocol = "-1" is every protocol and every port') end
    return
  end
  for _, name in ipairs { "from_port", "to_port" } do
    if t[name] == nil then slipway.fail(('%s is not set: ip_protocol = "%s" needs from_port and to_port'):format(name, protocol)) end
  end
  local function number(value) return (type(value) == "number" or type(value) == "string") and tonumber(value) or nil end
  local from, to = number(t.from_port), number(t.to_port)
  local icmp = protocol == "icmp" or protocol == "icmpv6"
  local low, high = icmp and -1 or 0, icmp and 255 or 65535
  for name, value in pairs { from_port = from, to_port = to } do
    local what = not icmp and "a port" or name == "from_port" and "an ICMP type" or "an ICMP code"
    if value < low or value > high then slipway.fail(("%s: expected %s from %d to %d, got %s"):format(name, what, low, high, value)) end
  end
  if from and to and not icmp and from > to then slipway.fail(("from_port: expected at most to_port (%s), got %s"):format(to, from)) end
end

local function declare(t)
  local n = 0
  for _, name in ipairs(SOURCES) do n = n + (t[name] ~= nil and 1 or 0) end
  if n ~= 1 then slipway.fail(("exactly one of %s is wanted, %d are given"):format(table.concat(SOURCES, ", "), n)) end
  cidr.check("cidr_ipv4", t.cidr_ipv4, 4)
  t.cidr_ipv6 = cidr.check("cidr_ipv6", t.cidr_ipv6, 6)
  local protocol = t.ip_protocol
  if type(protocol) == "number" then protocol = tostring(protocol) end
  if type(protocol) ~= "string" then return t end
  protocol = NUMBERS[protocol:lower()] or protocol:lower()
  if not (protocol == "tcp" or protocol == "udp" or protocol == "icmp" or protocol == "icmpv6" or protocol == "-1"
          or (protocol:find("^%d+$") and tonumber(protocol) <= 255)) then
    slipway.fail(("ip_protocol: expected tcp, udp, icmp, icmpv6, -1 (all) or a number from 0 to 255, got '%s'"):format(t.ip_protocol))
  end
  if not protocol:find("^%d+$") then check_ports(t, protocol) end
  t.ip_protocol = protocol
  return t
end

local function in_groups(aws, filter, values)
  return aws.ec2:by_ids("DescribeSecurityGroupRules", filter, values, "securityGroupRuleSet")
end

--- The rules of the groups that recorded and begun rules are in, and those of which only the id is known: by id, and by token.
local function find(aws, items)
  local groups, ids, by_id, by_token = {}, {}, {}, {}
  for _, item in ipairs(items) do
    local from = item.prior or (ec2.text(item._token) and item)
    local group = from and ec2.text(from.security_group_id)
    if group then
      groups[#groups + 1] = group
    elseif from and ec2.text(from.id) then
      ids[#ids + 1] = from.id
    end
  end
  local function take(filter, values)
    local rules = ec2.gather(aws, "DescribeSecurityGroupRules " .. filter, values, function(all) return in_groups(aws, filter, all) end)
    for _, rule in ipairs(rules) do
      by_id[rule.securityGroupRuleId] = rule
      local token = aws.token_of(aws.list(rule.tagSet))
      if token then by_token[token] = rule end
    end
  end
  take("group-id", groups)
  take("security-group-rule-id", ids)
  return by_id, by_token
end

local function read(aws, found, item)
  local port = function(value)
    local number = aws.int(value)
    return found.ipProtocol ~= "-1" and number or nil
  end
  return {
    id = found.securityGroupRuleId,
    security_group_rule_id = found.securityGroupRuleId,
    arn = ec2.arn(aws, found.groupOwnerId, "security-group-rule/" .. found.securityGroupRuleId),
    security_group_id = found.groupId,
    ip_protocol = NUMBERS[found.ipProtocol] or found.ipProtocol,
    from_port = port(found.fromPort),
    to_port = port(found.toPort),
    cidr_ipv4 = found.cidrIpv4 or "",
    cidr_ipv6 = found.cidrIpv6 or "",
    prefix_list_id = found.prefixListId or "",
    referenced_security_group_id = found.referencedGroupInfo and ec2.text(found.referencedGroupInfo.groupId) or "",
    description = found.description or "",
    tags = tags.read(aws, item, found.tagSet),
  }
end

local function permission(r)
  local name = source(r)
  local list, field = WIRE[name][1], WIRE[name][2]
  return {
    IpProtocol = r.ip_protocol, FromPort = r.from_port, ToPort = r.to_port,
    [list] = { { [field] = r[name], Description = r.description ~= "" and r.description or nil } },
  }
end

local function modified(r)
  local name = source(r)
  return {
    IpProtocol = r.ip_protocol, FromPort = r.from_port or (r.ip_protocol == "-1" and -1 or nil), ToPort = r.to_port or (r.ip_protocol == "-1" and -1 or nil),
    [WIRE[name][3]] = r[name], Description = r.description,
  }
end

local function differs(r, have)
  for _, name in ipairs { "ip_protocol", "from_port", "to_port", "description", table.unpack(SOURCES) } do
    if r[name] ~= nil and r[name] ~= have[name] then return true end
  end
  return false
end

--- The resource type for one direction: "Ingress" or "Egress".
return function(direction)
  local name, egress = "aws_vpc_security_group_" .. direction:lower() .. "_rule", direction == "Egress"
  local peer = egress and "where it may go" or "where it may come from"

  local function computed(aws, rule)
    return { id = rule.securityGroupRuleId, security_group_rule_id = rule.securityGroupRuleId,
             arn = ec2.arn(aws, rule.groupOwnerId, "security-group-rule/" .. rule.securityGroupRuleId) }
  end

  local function authorize(aws, r, token)
    local out, err = aws.ec2:try("AuthorizeSecurityGroup" .. direction, {
      GroupId = r.security_group_id, IpPermissions = { permission(r) },
      TagSpecification = ec2.specification(aws, "security-group-rule", { tags = r.tags, _token = token }),
    }, { retry = NOT_YET })
    if out then return computed(aws, aws.list(out.securityGroupRuleSet)[1]) end
    -- The one that a dead run made instead of the old one.
    for _, rule in ipairs(err.code == "InvalidPermission.Duplicate" and in_groups(aws, "group-id", { r.security_group_id }) or {}) do
      if aws.token_of(aws.list(rule.tagSet)) == token then return computed(aws, rule) end
    end
    return aws:raise(err)
  end

  local function revoke(aws, group, id)
    aws.ec2:call("RevokeSecurityGroup" .. direction, { GroupId = group, SecurityGroupRuleId = { id } }, { gone = MISSING })
  end

  local function change(aws, r)
    local have = r.have
    -- A rule keeps its kind of peer for life: another one is made first, so that there is no moment without.
    if source(r) ~= source(have) then
      local made = authorize(aws, r, "instead-of-" .. have.id)
      revoke(aws, have.security_group_id, have.id)
      return made
    end
    if differs(r, have) then
      aws.ec2:call("ModifySecurityGroupRules", {
        GroupId = have.security_group_id, SecurityGroupRule = { { SecurityGroupRuleId = have.id, SecurityGroupRule = modified(r) } },
      })
    end
    ec2.retag(aws, r, have.id)
    return nil
  end

  return resource(name) {
    on = "api", provider = "aws", unique = true,
    doc = ("A rule of a security group: traffic that may %s."):format(egress and "leave" or "come in"),
    schema = {
      security_group_id = { "string", required = true, immutable = true, doc = "the security group it is in" },
      ip_protocol = { "string", required = true, doc = 'tcp, udp, icmp, icmpv6, a number, or "-1" for all' },
      from_port = { "int", doc = "first port, or ICMP type (-1: all)" },
      to_port = { "int", doc = "last port, or ICMP code (-1: all)" },
      cidr_ipv4 = { "string", doc = peer .. ": an IPv4 network" },
      cidr_ipv6 = { "string", doc = peer .. ": an IPv6 network" },
      prefix_list_id = { "string", doc = peer .. ": a prefix list" },
      referenced_security_group_id = { "string", doc = peer .. ": members of a security group" },
      description = { "string", doc = "what it is for" },
      tags = tags.row,
      id = { "string", computed = true, doc = "sgr-..." },
      security_group_rule_id = { "string", computed = true, doc = "the same as id" },
      arn = { "string", computed = true, doc = "its ARN" },
    },
    declare = declare,

    list = function(aws, items)
      local by_id, by_token = find(aws, items)
      local have = {}
      for _, item in ipairs(items) do
        local id = ec2.text(item.prior and item.prior.id)
        local found = id and by_id[id] or not id and ec2.text(item._token) and by_token[item._token]
        if found and aws.bool(found.isEgress) == egress then have[item._name] = read(aws, found, item) end
      end
      return have
    end,

    create = function(aws, r)
      if r.have then return change(aws, r) end
      return authorize(aws, r, r._token)
    end,
    update = change,
    delete = function(aws, r)
      local from = r.have or r.prior or r
      revoke(aws, from.security_group_id, from.id)
    end,
  }
end
