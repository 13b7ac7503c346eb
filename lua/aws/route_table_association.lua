local resource = require "resource"
local ec2, routes = require "aws/lib/ec2", require "aws/lib/routes"

local MISSING = { "InvalidAssociationID.NotFound" }
local NOT_YET = {
  "InvalidRouteTableID.NotFound", "InvalidRouteTableId.NotFound", "InvalidSubnetID.NotFound", "InvalidSubnetId.NotFound", "InvalidGatewayID.NotFound",
}

local function read(found)
  return {
    id = found.routeTableAssociationId,
    route_table_id = found.routeTableId,
    subnet_id = ec2.text(found.subnetId),
    gateway_id = ec2.text(found.gatewayId),
  }
end

--- Every association but those of main tables: by its id, and by what is associated, which has one at most.
local function index(aws, tables)
  local by_id, by_member = {}, {}
  for _, one in pairs(tables) do
    for _, association in ipairs(aws.list(one.associationSet)) do
      local state = association.associationState and association.associationState.state
      local member = ec2.text(association.subnetId) or ec2.text(association.gatewayId)
      if member and state ~= "disassociated" and state ~= "disassociating" and state ~= "failed" then
        by_id[association.routeTableAssociationId], by_member[member] = association, association
      end
    end
  end
  return by_id, by_member
end

local function settled(aws, r, id)
  aws:wait {
    what = "association " .. id, within = 120,
    check = function()
      local by_id = index(aws, { routes.table(aws, r.route_table_id) })
      local state = by_id[id] and by_id[id].associationState and by_id[id].associationState.state or by_id[id] and "associated"
      return state == "associated", state or "not shown yet"
    end,
  }
  return { id = id }
end

local function replace(aws, r, id)
  local out = aws.ec2:call("ReplaceRouteTableAssociation", { AssociationId = id, RouteTableId = r.route_table_id }, { retry = NOT_YET })
  return settled(aws, r, out.newAssociationId)
end

return resource "aws_route_table_association" {
  on = "api", provider = "aws", unique = true,
  doc = "Which route table a subnet uses. It is imported by its id, or by SUBNET/TABLE.",
  schema = {
    subnet_id = { "string", immutable = true, doc = "the subnet" },
    gateway_id = { "string", immutable = true, doc = "or the gateway whose incoming traffic is routed" },
    route_table_id = { "string", required = true, doc = "the route table" },
    id = { "string", computed = true, doc = "rtbassoc-...; another one after each change" },
  },
  declare = function(t)
    if (t.subnet_id == nil) == (t.gateway_id == nil) then slipway.fail("exactly one of subnet_id and gateway_id is wanted") end
  end,

  list = function(aws, items)
    local have = {}
    if not routes.wanted(items) then return have end
    local by_id, by_member = index(aws, routes.all(aws))
    for _, item in ipairs(items) do
      local prior = item.prior or (ec2.text(item._token) and item)
      -- A change by hand gives the association another id: it is known by its subnet then.
      local found = prior and (by_id[prior.id or ""] or by_member[ec2.text(prior.subnet_id) or ec2.text(prior.gateway_id) or ""])
      if found then have[item._name] = read(found) end
    end
    return have
  end,

  import = function(aws, id)
    local member, table_id = id:match("^([^/]+)/(rtb%-%x+)$")
    local _, by_member = index(aws, routes.all(aws))
    local found = member and by_member[member]
    return found and found.routeTableId == table_id and read(found) or nil
  end,

  create = function(aws, r)
    if r.have then
      if r.have.route_table_id ~= r.route_table_id then return replace(aws, r, r.have.id) end
      return settled(aws, r, r.have.id)
    end
    local out = aws.ec2:call("AssociateRouteTable", { RouteTableId = r.route_table_id, SubnetId = r.subnet_id, GatewayId = r.gateway_id }, { retry = NOT_YET })
    return settled(aws, r, out.associationId)
  end,

  update = function(aws, r) return replace(aws, r, r.have.id) end,

  delete = function(aws, r)
    aws.ec2:call("DisassociateRouteTable", { AssociationId = ec2.id(r) }, { gone = MISSING })
  end,
}
