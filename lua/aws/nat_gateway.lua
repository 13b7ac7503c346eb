local resource = require "resource"
local cidr, ec2, tags = require "aws/lib/cidr", require "aws/lib/ec2", require "aws/lib/tags"

--- Deleted and failed ones stay visible for about an hour.
local function alive(found)
  return found.state == "pending" or found.state == "available"
end

local HOW = { action = "DescribeNatGateways", filter = "nat-gateway-id", set = "natGatewaySet", id = "natGatewayId", alive = alive }
local ANY = { action = HOW.action, filter = HOW.filter, set = HOW.set, id = HOW.id }
local MISSING = { "NatGatewayNotFound", "InvalidNatGatewayID.NotFound" }

--- Its first address.
local function primary(aws, found)
  local first = {}
  for _, address in ipairs(aws.list(found.natGatewayAddressSet)) do
    if first.privateIp == nil or aws.bool(address.isPrimary) then first = address end
  end
  return first
end

local function read(aws, found, item)
  local address = primary(aws, found)
  return {
    id = found.natGatewayId,
    subnet_id = found.subnetId,
    allocation_id = address.allocationId,
    connectivity_type = found.connectivityType or "public",
    private_ip = address.privateIp,
    public_ip = address.publicIp,
    network_interface_id = address.networkInterfaceId,
    association_id = address.associationId,
    tags = tags.read(aws, item, found.tagSet),
  }
end

local function failed(found)
  local code, message = found.failureCode or "no reason given", found.failureMessage or ""
  local hint = code:find("NotAttached", 1, true) and "the VPC needs its internet gateway first: depends_on = { the internet gateway }" or nil
  fail(("the NAT gateway %s failed: %s %s"):format(found.natGatewayId, code, message), hint)
end

--- A token stands for the gateway it made even when that failed: the next one needs another token.
local function make(aws, r)
  for attempt = 1, 5 do
    local made = aws.ec2:call("CreateNatGateway", {
      ClientToken = attempt == 1 and r._token or ("%s-%d"):format(r._token, attempt),
      SubnetId = r.subnet_id, AllocationId = r.allocation_id, ConnectivityType = r.connectivity_type, PrivateIpAddress = r.private_ip,
      TagSpecification = ec2.specification(aws, "natgateway", r),
    }, { retry = { "InvalidSubnetID.NotFound", "InvalidAllocationID.NotFound" } }).natGateway
    if alive(made) then return made.natGatewayId end
  end
  return fail("five NAT gateways made with this token have failed", "run it again a little later")
end

return resource "aws_nat_gateway" {
  on = "api", provider = "aws",
  doc = "The way out to the Internet for what has no public address.",
  schema = {
    subnet_id = { "string", required = true, immutable = true, doc = "the public subnet it is in" },
    allocation_id = { "string", immutable = true, doc = "the aws_eip it is seen as; required when it is public" },
    connectivity_type = {
      "string", one_of = { "public", "private" }, immutable = true, doc = "public (when it is not set): to the Internet; private: to other networks",
    },
    private_ip = { "string", immutable = true, doc = "its private address; AWS chooses one when it is not set" },
    tags = tags.row,
    id = { "string", computed = true, doc = "nat-..." },
    public_ip = { "string", computed = true, doc = "the address it is seen as" },
    network_interface_id = { "string", computed = true, doc = "its network interface" },
    association_id = { "string", computed = true, doc = "the association of the address" },
  },
  declare = function(t)
    if t.connectivity_type == "private" then
      if t.allocation_id ~= nil then slipway.fail("a private NAT gateway has no allocation_id") end
    elseif t.allocation_id == nil and (t.connectivity_type == nil or t.connectivity_type == "public") then
      slipway.fail("allocation_id is not set", 'a public NAT gateway needs an address: allocation_id = aws.eip "nat" {}.id')
    end
    cidr.address("private_ip", t.private_ip)
  end,
  list = ec2.lister(HOW, read),

  create = function(aws, r, line)
    local id = r.have and r.have.id or make(aws, r)
    local found = aws:wait {
      what = "NAT gateway " .. id, within = 600, line = line,
      check = function()
        local gateway = ec2.one(aws, ANY, id)
        if gateway and not alive(gateway) then failed(gateway) end
        return gateway and gateway.state == "available" and gateway, gateway and gateway.state or "not shown yet"
      end,
    }
    if r.have then ec2.retag(aws, r, id) end
    local address = primary(aws, found)
    return {
      id = id, public_ip = address.publicIp, private_ip = address.privateIp,
      network_interface_id = address.networkInterfaceId, association_id = address.associationId,
    }
  end,

  update = function(aws, r) ec2.retag(aws, r, r.have.id) end,

  delete = function(aws, r, line)
    local id = ec2.id(r)
    aws.ec2:call("DeleteNatGateway", { NatGatewayId = id }, { gone = MISSING })
    aws:wait {
      what = "NAT gateway " .. id, within = 900, line = line,
      check = function()
        local gateway = ec2.one(aws, ANY, id)
        if gateway and gateway.state == "failed" then return true end
        return not gateway or gateway.state == "deleted", gateway and gateway.state
      end,
    }
  end,
}
