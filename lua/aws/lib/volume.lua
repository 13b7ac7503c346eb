--- EBS volumes, of their own and as an instance's root: what a change of one can be.
local ec2 = require "aws/lib/ec2"

local volume = {}

volume.HOW = { action = "DescribeVolumes", filter = "volume-id", set = "volumeSet", id = "volumeId" }

volume.TYPES = { "gp2", "gp3", "io1", "io2", "st1", "sc1", "standard" }

--- Volumes by their ids: disks, attachments and the roots of instances share one read.
function volume.all(aws, ids)
  return ec2.gather(aws, "DescribeVolumes", ids, function(all)
    local by_id = {}
    for _, one in ipairs(aws.ec2:by_ids("DescribeVolumes", "volume-id", all, "volumeSet")) do by_id[one.volumeId] = one end
    return by_id
  end)
end

--- What is wrong with a wanted size, type, iops and throughput, where they are known.
function volume.check(prefix, size, kind, iops, throughput)
  local function number(value) return type(value) == "number" and value or nil end
  if number(size) and size < 1 then slipway.fail(("%s: expected at least 1 GiB, got %s"):format(prefix .. "size", size)) end
  if number(throughput) and type(kind) == "string" and kind ~= "gp3" then slipway.fail(prefix .. "throughput: only a gp3 volume has one") end
  if number(iops) and type(kind) == "string" and not (kind == "gp3" or kind == "io1" or kind == "io2") then
    slipway.fail(("%siops: a %s volume has none to choose; only gp3, io1 and io2 do"):format(prefix, kind))
  end
end

--- An alias or an id would never be what AWS answers, which is the key's ARN.
function volume.check_key(attribute, value)
  if type(value) == "string" and not value:find("^arn:[%w-]+:kms:[%w-]+:%d+:key/") then
    slipway.fail(("%s: expected the ARN of a KMS key, got '%s'"):format(attribute, value), "aws kms describe-key --key-id ... tells it, also of an alias")
  end
end

--- AWS only grows volumes: this is said when the plan is made.
function volume.check_shrink(address, what, wanted, have)
  if type(wanted) == "number" and have and wanted < have then
    fail(("%s: %s is %d GiB and cannot shrink to %d"):format(address, what, have, wanted),
         ("say %d in the playbook, or copy the data to a new volume"):format(have))
  end
end

--- Sets what differs of { size, type, iops, throughput } and waits until it is in use.
function volume.modify(aws, id, want, have, line)
  local params, differs = { VolumeId = id }, false
  for name, field in pairs { size = "Size", type = "VolumeType", iops = "Iops", throughput = "Throughput" } do
    if want[name] ~= nil and want[name] ~= have[name] then params[field], differs = want[name], true end
  end
  if not differs then return end
  aws.ec2:call("ModifyVolume", params, { retry = { "IncorrectState", "IncorrectModificationState" }, within = 300 })
  aws:wait {
    what = "volume " .. id, within = 1800, line = line,
    check = function()
      local change = aws.ec2:by_ids("DescribeVolumesModifications", "volume-id", { id }, "volumeModificationSet")[1]
      local state = change and change.modificationState
      if state == "failed" then fail(("volume %s could not be changed: %s"):format(id, change.statusMessage or "no reason given")) end
      return state == "optimizing" or state == "completed", state or "not shown yet"
    end,
  }
end

--- Waits until a volume is in one of these states.
function volume.await(aws, id, states, line)
  return aws:wait {
    what = "volume " .. id, within = 600, line = line,
    check = function()
      local one = ec2.one(aws, volume.HOW, id)
      if one and one.status == "error" then fail(("volume %s could not be made"):format(id), "look at the KMS key and the snapshot it uses") end
      return one and states[one.status] and one, one and one.status or "not shown yet"
    end,
  }
end

return volume
