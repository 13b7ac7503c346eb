local resource = require "resource"
local ec2, tags = require "aws/lib/ec2", require "aws/lib/tags"

local HOW = { action = "DescribeAddresses", filter = "allocation-id", set = "addressesSet", id = "allocationId" }
local MISSING = { "InvalidAllocationID.NotFound", "InvalidAddress.NotFound", "InvalidAddressID.NotFound" }

local function computed(aws, found)
  return {
    id = found.allocationId,
    allocation_id = found.allocationId,
    association_id = found.associationId or "",
    public_ip = found.publicIp,
    private_ip = found.privateIpAddress or "",
    arn = aws:arn("ec2", "elastic-ip/" .. found.allocationId),
  }
end

local function read(aws, found, item)
  local have = computed(aws, found)
  have.domain = found.domain
  have.tags = tags.read(aws, item, found.tagSet)
  -- A NAT gateway associates it as well: only what the playbook (or the state) speaks of is said.
  if item.instance ~= nil then have.instance = found.instanceId or "" end
  if item.network_interface ~= nil then have.network_interface = found.networkInterfaceId or "" end
  if item.associate_with_private_ip ~= nil then have.associate_with_private_ip = found.privateIpAddress or "" end
  return have
end

local function associate(aws, r, id)
  if not r.instance and not r.network_interface then return end
  aws.ec2:call("AssociateAddress", {
    AllocationId = id, InstanceId = r.instance, NetworkInterfaceId = r.network_interface, PrivateIpAddress = r.associate_with_private_ip,
    AllowReassociation = true,
  }, { idempotent = true, within = 300, retry = { "InvalidInstanceID.NotFound", { "InvalidInstanceID", "pending" }, "InvalidAllocationID.NotFound" } })
end

local function same(r, have)
  for _, name in ipairs { "instance", "network_interface", "associate_with_private_ip" } do
    if r[name] ~= nil and r[name] ~= have[name] then return false end
  end
  return true
end

return resource "aws_eip" {
  on = "api", provider = "aws",
  doc = "A public IPv4 address that stays.",
  schema = {
    domain = { "string", default = "vpc", one_of = { "vpc" }, immutable = true, doc = "where it is used" },
    instance = { "string", doc = "the instance it is given to" },
    network_interface = { "string", doc = "the network interface it is given to" },
    associate_with_private_ip = { "string", doc = "the private address of the interface that it stands for" },
    tags = tags.row,
    id = { "string", computed = true, doc = "eipalloc-..." },
    allocation_id = { "string", computed = true, doc = "the same as id" },
    association_id = { "string", computed = true, doc = "eipassoc-... while it is given to something" },
    public_ip = { "string", computed = true, doc = "the address" },
    private_ip = { "string", computed = true, doc = "the private address it stands for" },
    arn = { "string", computed = true, doc = "its ARN" },
  },
  declare = function(t)
    if t.instance ~= nil and t.network_interface ~= nil then slipway.fail("only one of instance and network_interface can be given") end
  end,
  list = ec2.lister(HOW, read),

  create = function(aws, r)
    local id = r.have and r.have.id
    if not id then
      id = aws.ec2:call("AllocateAddress", { Domain = r.domain, TagSpecification = ec2.specification(aws, "elastic-ip", r) }).allocationId
    end
    if not r.have or not same(r, r.have) then associate(aws, r, id) end
    if r.have then ec2.retag(aws, r, id) end
    return computed(aws, ec2.await(aws, HOW, id, "address"))
  end,

  update = function(aws, r)
    local id = r.have.id
    if not same(r, r.have) then associate(aws, r, id) end
    ec2.retag(aws, r, id)
    return computed(aws, ec2.await(aws, HOW, id, "address"))
  end,

  delete = function(aws, r)
    local id = ec2.id(r)
    local found = ec2.one(aws, HOW, id)
    if not found then return end
    -- What a NAT gateway has, the NAT gateway gives back.
    if (r.instance or r.network_interface) and ec2.text(found.associationId) then
      aws.ec2:call("DisassociateAddress", { AssociationId = found.associationId }, { gone = { "InvalidAssociationID.NotFound", table.unpack(MISSING) } })
    end
    aws.ec2:call("ReleaseAddress", { AllocationId = id }, { gone = MISSING, retry = { "InvalidIPAddress.InUse" }, within = 300 })
  end,
}
