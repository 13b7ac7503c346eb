local resource = require "resource"
local ec2, tags, volume = require "aws/lib/ec2", require "aws/lib/tags", require "aws/lib/volume"

local MISSING = { "InvalidVolume.NotFound" }

--- What is being deleted is gone.
local function alive(found)
  return found.status ~= "deleting" and found.status ~= "deleted"
end

local function arn(aws, id)
  return aws:arn("ec2", "volume/" .. id)
end

local function read(aws, found, item)
  local size = aws.int(found.size)
  volume.check_shrink(item._address, "size", item.size, size)
  return {
    id = found.volumeId,
    arn = arn(aws, found.volumeId),
    availability_zone = found.availabilityZone,
    size = size,
    type = found.volumeType,
    iops = aws.int(found.iops),
    throughput = aws.int(found.throughput),
    encrypted = aws.bool(found.encrypted),
    kms_key_id = found.kmsKeyId,
    snapshot_id = ec2.text(found.snapshotId),
    tags = tags.read(aws, item, found.tagSet),
  }
end

return resource "aws_ebs_volume" {
  on = "api", provider = "aws",
  doc = "A disk that outlives instances; aws_volume_attachment gives it to one.",
  schema = {
    availability_zone = { "string", required = true, immutable = true, doc = "the zone: the subnet's, for the instance's makes a new disk for a new instance" },
    size = { "int", doc = "GiB; it can grow and not shrink; the snapshot's when it is not set" },
    type = { "string", one_of = volume.TYPES, doc = "kind of disk; gp3 when it is not set" },
    iops = { "int", doc = "operations a second, of gp3, io1 and io2" },
    throughput = { "int", doc = "MiB a second, of gp3" },
    encrypted = { "bool", immutable = true, doc = "whether it is encrypted; the account's default when it is not set" },
    kms_key_id = { "string", immutable = true, doc = "ARN of the KMS key; the account's default when it is not set" },
    snapshot_id = { "string", immutable = true, doc = "the snapshot it is made of" },
    tags = tags.row,
    id = { "string", computed = true, doc = "vol-..." },
    arn = { "string", computed = true, doc = "its ARN" },
  },
  declare = function(t)
    if t.size == nil and t.snapshot_id == nil then slipway.fail("size is not set, and neither is snapshot_id") end
    volume.check_key("kms_key_id", t.kms_key_id)
    if t.kms_key_id ~= nil and t.encrypted == nil then slipway.fail("kms_key_id needs encrypted = true") end
    volume.check("", t.size, t.type or "gp3", t.iops, t.throughput)
  end,

  list = function(aws, items)
    local ids, have = {}, {}
    for _, item in ipairs(items) do ids[#ids + 1] = ec2.text(item.prior and item.prior.id) end
    local by_id, begun = volume.all(aws, ids), {}
    for _, item in ipairs(items) do
      if not (item.prior and item.prior.id) then begun[#begun + 1] = item end
    end
    local by_token = ec2.find(aws, begun, volume.HOW)
    for _, item in ipairs(items) do
      local found = by_id[item.prior and item.prior.id or ""] or by_token[item._name]
      if found and alive(found) then have[item._name] = read(aws, found, item) end
    end
    return have
  end,

  create = function(aws, r, line)
    local id = r.have and r.have.id
    if not id then
      id = aws.ec2:call("CreateVolume", {
        ClientToken = r._token, AvailabilityZone = r.availability_zone, Size = r.size, VolumeType = r.type or "gp3", Iops = r.iops, Throughput = r.throughput,
        Encrypted = r.encrypted, KmsKeyId = r.kms_key_id, SnapshotId = r.snapshot_id, TagSpecification = ec2.specification(aws, "volume", r),
      }).volumeId
    end
    local found = volume.await(aws, id, { available = true, ["in-use"] = true }, line)
    if r.have then
      volume.modify(aws, id, r, r.have, line)
      ec2.retag(aws, r, id)
    end
    return {
      id = id, arn = arn(aws, id), type = found.volumeType, size = aws.int(found.size), encrypted = aws.bool(found.encrypted), kms_key_id = found.kmsKeyId,
    }
  end,

  update = function(aws, r, line)
    volume.modify(aws, r.have.id, r, r.have, line)
    ec2.retag(aws, r, r.have.id)
  end,

  delete = function(aws, r, line)
    local id = ec2.id(r)
    aws.ec2:call("DeleteVolume", { VolumeId = id }, { gone = MISSING, retry = { "VolumeInUse", "IncorrectState" }, within = 300 })
    aws:wait {
      what = "volume " .. id, within = 600, line = line,
      check = function()
        local one = ec2.one(aws, volume.HOW, id)
        return not one or one.status == "deleted", one and one.status
      end,
    }
  end,
}
