local resource = require "resource"
local ec2, volume = require "aws/lib/ec2", require "aws/lib/volume"

local GONE = { "InvalidVolume.NotFound", "InvalidAttachment.NotFound", "InvalidInstanceID.NotFound", { "IncorrectState", "available" } }

local function id_of(r)
  return ("%s:%s:%s"):format(r.device_name, r.volume_id, r.instance_id)
end

--- The attachment of a volume to an instance, or nil.
local function attachment(aws, found, instance)
  for _, one in ipairs(aws.list(found and found.attachmentSet)) do
    local state = one.status or one.state
    if one.instanceId == instance and state ~= "detached" and state ~= "detaching" then return one end
  end
  return nil
end

--- Device, volume and instance: recorded, in an id, or as wanted where a dead run began it.
local function key(item)
  local from = item.prior or (ec2.text(item._token) and item)
  if not from then return nil end
  local instance, id = ec2.text(from.instance_id), ec2.text(from.volume_id)
  if instance and id then return id, instance end
  local _, in_id, instance_in_id = (ec2.text(from.id) or ""):match("^([^:]+):(vol%-%x+):(i%-%x+)$")
  return in_id, instance_in_id
end

return resource "aws_volume_attachment" {
  on = "api", provider = "aws", unique = true,
  doc = "Gives a disk to an instance. Its id is DEVICE:VOLUME:INSTANCE.",
  schema = {
    device_name = { "string", required = true, immutable = true, doc = "the device as AWS calls it, such as /dev/sdf" },
    instance_id = { "string", required = true, immutable = true, doc = "the instance" },
    volume_id = { "string", required = true, immutable = true, doc = "the disk" },
    force_detach = { "bool", default = false, doc = "detach it even while the system uses it, which can lose data" },
    stop_instance_before_detaching = { "bool", default = false, doc = "stop the instance before the disk is taken away, so that nothing is lost" },
    id = { "string", computed = true, doc = "DEVICE:VOLUME:INSTANCE" },
  },
  declare = function(t)
    local device = ec2.text(t.device_name)
    if device and not device:find("^/dev/%w+$") and not device:find("^xvd%w+$") then
      slipway.fail(("device_name: expected a device such as /dev/sdf, got '%s'"):format(device))
    end
  end,

  list = function(aws, items)
    local ids, have = {}, {}
    for _, item in ipairs(items) do ids[#ids + 1] = key(item) end
    local by_id = volume.all(aws, ids)
    for _, item in ipairs(items) do
      local id, instance = key(item)
      local one = id and attachment(aws, by_id[id], instance)
      if one then
        local attributes = {
          device_name = one.device, instance_id = one.instanceId, volume_id = id,
          force_detach = ec2.kept(item, "force_detach"), stop_instance_before_detaching = ec2.kept(item, "stop_instance_before_detaching"),
        }
        attributes.id = id_of(attributes)
        have[item._name] = attributes
      end
    end
    return have
  end,

  create = function(aws, r, line)
    local found = volume.await(aws, r.volume_id, { available = true, ["in-use"] = true }, line)
    if not attachment(aws, found, r.instance_id) then
      aws.ec2:call("AttachVolume", { Device = r.device_name, InstanceId = r.instance_id, VolumeId = r.volume_id }, {
        retry = { { "IncorrectState", "instance" }, "InvalidInstanceID.NotFound", "InvalidVolume.NotFound" }, within = 300,
      })
    end
    aws:wait {
      what = ("volume %s at %s"):format(r.volume_id, r.instance_id), within = 600, line = line,
      check = function()
        local one = attachment(aws, ec2.one(aws, volume.HOW, r.volume_id), r.instance_id)
        local state = one and (one.status or one.state)
        return state == "attached", state or "not shown yet"
      end,
    }
    return { id = id_of(r) }
  end,

  update = function() end, -- how it is detached one day

  delete = function(aws, r, line)
    local from = r.have or r.prior or r
    if r.stop_instance_before_detaching then require "aws/lib/machine".stop(aws, from.instance_id, line) end
    aws.ec2:call("DetachVolume", {
      VolumeId = from.volume_id, InstanceId = from.instance_id, Device = from.device_name, Force = r.force_detach or nil,
    }, { gone = GONE })
    aws:wait {
      what = ("volume %s at %s"):format(from.volume_id, from.instance_id), within = 600, line = line,
      check = function()
        local found = ec2.one(aws, volume.HOW, from.volume_id)
        if not found then return true end
        for _, one in ipairs(aws.list(found.attachmentSet)) do
          local state = one.status or one.state
          if one.instanceId == from.instance_id and state ~= "detached" then
            return nil, state == "busy" and "busy: the system still uses it; unmount it" or state
          end
        end
        return true
      end,
    }
  end,
}
