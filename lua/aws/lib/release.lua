--- Deleting what others may still hold on to: network interfaces of load balancers, NAT gateways and instances go a while after these are gone.
--- While such are on their way out it waits; when nothing moves any more it says what holds on.
local ec2 = require "aws/lib/ec2"

local release = {}

local HELD = { ["DependencyViolation"] = true, ["InvalidGroup.InUse"] = true }
local WITHIN = 900
--- Seconds in which nothing that holds on was on its way out; what was deleted a moment ago may still be shown.
local PATIENCE = 20

--- What an interface belongs to, in words, and whether AWS removes it by itself once that is gone.
local function interface(aws, one)
  local description, attachment = one.description or "", one.attachment or {}
  local balancer = description:match("^ELB %a+/([^/]+)/") or description:match("^ELB ([^/]+)$")
  local nat = description:match("(nat%-%x+)")
  local owner, moves
  if balancer then
    owner, moves = "load balancer " .. balancer, true
  elseif nat or one.interfaceType == "nat_gateway" then
    owner, moves = "NAT gateway " .. (nat or ""), true
  elseif ec2.text(attachment.instanceId) then
    owner, moves = "instance " .. attachment.instanceId, attachment.status == "detaching"
  else
    owner, moves = description ~= "" and description or "nobody: it is " .. (one.status or "there"), aws.bool(one.requesterManaged) == true
  end
  return ("%s of %s"):format(one.networkInterfaceId, owner), moves
end

local function filter(name, value)
  return { Filter = { { Name = name, Value = { value } } } }
end

--- The interfaces that hold on: words for each, and whether one of them is on its way out.
local function interfaces(aws, holds)
  local words, moves = {}, false
  local name = holds.vpc and "vpc-id" or holds.subnet and "subnet-id" or holds.group and "group-id"
  if not name then return words, moves end
  for _, one in ipairs(aws.ec2:pages("DescribeNetworkInterfaces", filter(name, holds.vpc or holds.subnet or holds.group), "networkInterfaceSet")) do
    if not holds.public or (one.association and one.association.publicIp) then
      local text, moving = interface(aws, one)
      words[#words + 1] = text
      moves = moves or moving
    end
  end
  return words, moves
end

--- What else is in a VPC: action, set, filter, field of the id, in words, and which of them count.
local INSIDE = {
  { "DescribeSubnets", "subnetSet", "vpc-id", "subnetId", "subnet" },
  { "DescribeInternetGateways", "internetGatewaySet", "attachment.vpc-id", "internetGatewayId", "internet gateway" },
  { "DescribeSecurityGroups", "securityGroupInfo", "vpc-id", "groupId", "security group", function(one) return one.groupName ~= "default" end },
  { "DescribeRouteTables", "routeTableSet", "vpc-id", "routeTableId", "route table", function(one, aws)
    for _, association in ipairs(aws.list(one.associationSet)) do
      if aws.bool(association.main) then return false end
    end
    return true
  end },
}

local function others(aws, holds, words)
  if holds.vpc and not holds.public then
    for _, kind in ipairs(INSIDE) do
      local action, set, name, id, text, counts = table.unpack(kind, 1, 6)
      for _, one in ipairs(aws.ec2:pages(action, filter(name, holds.vpc), set)) do
        if not counts or counts(one, aws) then words[#words + 1] = text .. " " .. one[id] end
      end
    end
  elseif holds.route_table then
    for _, one in ipairs(aws.ec2:pages("DescribeRouteTables", filter("route-table-id", holds.route_table), "routeTableSet")) do
      for _, association in ipairs(aws.list(one.associationSet)) do
        words[#words + 1] = ec2.text(association.subnetId) or ec2.text(association.gatewayId) or "the VPC, whose main table it is"
      end
    end
  elseif holds.group then
    for _, name in ipairs { "ip-permission.group-id", "egress.ip-permission.group-id" } do
      for _, one in ipairs(aws.ec2:pages("DescribeSecurityGroups", filter(name, holds.group), "securityGroupInfo")) do
        if one.groupId ~= holds.group then words[#words + 1] = "rules of security group " .. one.groupId end
      end
    end
  end
end

--- The first of many words.
local function shortly(words)
  local list = ec2.distinct(words)
  if #list <= 8 then return table.concat(list, ", ") end
  return ("%s and %d more"):format(table.concat(list, ", ", 1, 8), #list - 8)
end

local function explain(aws, o, words)
  others(aws, o.holds, words)
  local held = #words > 0 and shortly(words) or "something AWS does not name"
  fail(("%s cannot be deleted: still in use by %s"):format(o.what, held),
       "delete that, or take it into the playbook, and run this again; nothing that was deleted before is lost track of")
end

--- Calls `action` until it is done. `gone`: codes that say there is nothing any more.
--- @param o { action, params, gone, what, holds = { vpc | subnet | group | route_table = id, public }, line }
function release.delete(aws, o)
  local moved = aws:now()
  aws:wait {
    what = o.what, within = WITHIN, line = o.line,
    check = function()
      local _, err = aws.ec2:try(o.action, o.params, { gone = o.gone })
      if not err then return true end
      if not HELD[err.code] then aws:raise(err) end
      local words, moves = interfaces(aws, o.holds)
      if moves then moved = aws:now() end
      if aws:now() - moved > PATIENCE then explain(aws, o, words) end
      return nil, #words > 0 and "in use by " .. shortly(words) or "in use"
    end,
  }
end

return release
