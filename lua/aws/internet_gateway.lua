local resource = require "resource"
local ec2, release, tags = require "aws/lib/ec2", require "aws/lib/release", require "aws/lib/tags"

local HOW = { action = "DescribeInternetGateways", filter = "internet-gateway-id", set = "internetGatewaySet", id = "internetGatewayId" }
local MISSING = { "InvalidInternetGatewayID.NotFound", "InvalidInternetGatewayId.NotFound" }

--- The VPC it is attached to, or "".
local function attached(aws, found)
  for _, attachment in ipairs(aws.list(found.attachmentSet)) do
    if attachment.state ~= "detached" and attachment.state ~= "detaching" then return attachment.vpcId or "" end
  end
  return ""
end

local function read(aws, found, item)
  return {
    id = found.internetGatewayId,
    arn = ec2.arn(aws, found.ownerId, "internet-gateway/" .. found.internetGatewayId),
    owner_id = found.ownerId,
    vpc_id = attached(aws, found),
    tags = tags.read(aws, item, found.tagSet),
  }
end

local function detach(aws, id, vpc, line)
  if not vpc or vpc == "" then return end
  release.delete(aws, {
    action = "DetachInternetGateway", params = { InternetGatewayId = id, VpcId = vpc },
    gone = { "Gateway.NotAttached", "InvalidVpcID.NotFound", table.unpack(MISSING) },
    what = "internet gateway " .. id, holds = { vpc = vpc, public = true }, line = line,
  })
end

local function attach(aws, id, vpc)
  if not vpc then return end
  local _, err = aws.ec2:try("AttachInternetGateway", { InternetGatewayId = id, VpcId = vpc }, {
    retry = { "InvalidVpcID.NotFound", table.unpack(MISSING) }, idempotent = true,
  })
  if not err then return end
  -- An answer that was lost: it is attached already, to this very VPC.
  local now = err.code == "Resource.AlreadyAssociated" and ec2.one(aws, HOW, id)
  if not now or attached(aws, now) ~= vpc then aws:raise(err) end
end

return resource "aws_internet_gateway" {
  on = "api", provider = "aws",
  doc = "The way from a VPC to the Internet and back, for what has a public address.",
  schema = {
    vpc_id = { "string", doc = "the VPC it is attached to" },
    tags = tags.row,
    id = { "string", computed = true, doc = "igw-..." },
    arn = { "string", computed = true, doc = "its ARN" },
    owner_id = { "string", computed = true, doc = "the account it is in" },
  },
  list = ec2.lister(HOW, read),

  create = function(aws, r)
    local id, owner, vpc = r.have and r.have.id, r.have and r.have.owner_id, r.have and r.have.vpc_id
    if not id then
      local made = aws.ec2:call("CreateInternetGateway", { TagSpecification = ec2.specification(aws, "internet-gateway", r) }).internetGateway
      id, owner = made.internetGatewayId, made.ownerId
    end
    if vpc ~= r.vpc_id then attach(aws, id, r.vpc_id) end
    if r.have then ec2.retag(aws, r, id) end
    return { id = id, owner_id = owner, arn = ec2.arn(aws, owner, "internet-gateway/" .. id) }
  end,

  update = function(aws, r, line)
    local id = r.have.id
    if r.vpc_id and r.vpc_id ~= r.have.vpc_id then
      detach(aws, id, r.have.vpc_id, line)
      attach(aws, id, r.vpc_id)
    end
    ec2.retag(aws, r, id)
  end,

  delete = function(aws, r, line)
    local id = ec2.id(r)
    local found = ec2.one(aws, HOW, id)
    if not found then return end
    local vpc = attached(aws, found)
    detach(aws, id, vpc, line)
    aws.ec2:call("DeleteInternetGateway", { InternetGatewayId = id }, { gone = MISSING })
  end,
}
