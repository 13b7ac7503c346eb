--- What can be changed of an instance: while it runs, and what it must be stopped for.
local cidr, ec2, launch, machine, volume =
  require "aws/lib/cidr", require "aws/lib/ec2", require "aws/lib/launch", require "aws/lib/machine", require "aws/lib/volume"

local change = {}

local USER_DATA_LIMIT = 16384

function change.declare(t)
  if t.launch_template == nil then
    for _, name in ipairs { "ami", "instance_type" } do
      if t[name] == nil then slipway.fail(name .. " is not set, and there is no launch_template that could say it") end
    end
  end
  if t.ami == nil and t.root_block_device ~= nil then slipway.fail("root_block_device needs ami: the image says which of its disks is the root") end
  local kind = ec2.text(t.instance_type)
  if kind and not kind:find("^[%w-]+%.[%w-]+$") then slipway.fail(("instance_type: expected a size such as t3.large, got '%s'"):format(kind)) end
  cidr.address("private_ip", t.private_ip)
  local data = t.user_data
  if (type(data) == "string" or slipway.is_secret(data)) and slipway.is_known(data) and #data > USER_DATA_LIMIT then
    slipway.fail(("user_data: %d bytes are more than the %d that AWS takes"):format(#data, USER_DATA_LIMIT),
                 "keep the secrets of the first contact in it, and do the rest over SSH")
  end
  local root = t.root_block_device
  if type(root) == "table" then
    volume.check_key("root_block_device.kms_key_id", root.kms_key_id)
    volume.check("root_block_device.volume_", root.volume_size)
    volume.check("root_block_device.", nil, root.volume_type, root.iops, root.throughput)
  end
  for _, name in ipairs { "user_data_hash", "user_data_replace_hash" } do
    if t[name] ~= nil then slipway.fail(name .. ": it follows from user_data") end
  end
end

--- Groups in one order, and the hash that stands for user_data.
function change.normalise(want)
  local copy = {}
  for key, value in pairs(want) do copy[key] = value end
  if want.vpc_security_group_ids then
    local list = ec2.distinct(want.vpc_security_group_ids)
    table.sort(list)
    copy.vpc_security_group_ids = slipway.list(list)
  end
  if want.user_data ~= nil then
    copy[want.user_data_replace_on_change and "user_data_replace_hash" or "user_data_hash"] = sha256(want.user_data)
  end
  return copy
end

local function differs(r, have, name)
  return r[name] ~= nil and not core.same(r[name], have[name])
end

local function attribute(aws, id, params)
  params.InstanceId = id
  aws.ec2:call("ModifyInstanceAttribute", params, { retry = { "IncorrectInstanceState" } })
end

--- Attributes with a call each: name, field of ModifyInstanceAttribute.
local SIMPLE = {
  { "source_dest_check", "SourceDestCheck" },
  { "disable_api_termination", "DisableApiTermination" },
  { "disable_api_stop", "DisableApiStop" },
  { "instance_initiated_shutdown_behavior", "InstanceInitiatedShutdownBehavior" },
}

local function set_profile(aws, id, wanted)
  local association
  for _, one in ipairs(aws.ec2:by_ids("DescribeIamInstanceProfileAssociations", "instance-id", { id }, "iamInstanceProfileAssociationSet")) do
    if one.state == "associated" or one.state == "associating" then association = one.associationId end
  end
  local profile = launch.profile(wanted)
  local retry = { within = 180, retry = launch.PROFILE_NOT_YET }
  if association and profile then
    aws.ec2:call("ReplaceIamInstanceProfileAssociation", { AssociationId = association, IamInstanceProfile = profile }, retry)
  elseif profile then
    aws.ec2:call("AssociateIamInstanceProfile", { InstanceId = id, IamInstanceProfile = profile }, retry)
  elseif association then
    aws.ec2:call("DisassociateIamInstanceProfile", { AssociationId = association }, { gone = { "InvalidAssociationID.NotFound" } })
  end
end

local function set_metadata(aws, id, wanted)
  local params = launch.metadata(wanted)
  params.InstanceId = id
  aws.ec2:call("ModifyInstanceMetadataOptions", params, { idempotent = true, retry = { "IncorrectInstanceState" } })
  aws:wait {
    what = "metadata options of " .. id, within = 300,
    check = function()
      local found = machine.one(aws, id)
      local state = found and found.metadataOptions and found.metadataOptions.state
      return found and state ~= "pending", state or "not shown yet"
    end,
  }
end

local function set_disk(aws, r, have, line)
  local want, now = r.root_block_device, have.root_block_device
  if not want or not now then return end
  for _, name in ipairs { "encrypted", "kms_key_id" } do
    if want[name] ~= nil and want[name] ~= now[name] then
      fail(("root_block_device.%s cannot be changed in place"):format(name), ("make the instance anew: --replace %s"):format(r._address))
    end
  end
  volume.modify(aws, now.volume_id, { size = want.volume_size, type = want.volume_type, iops = want.iops, throughput = want.throughput },
                { size = now.volume_size, type = now.volume_type, iops = now.iops, throughput = now.throughput }, line)
  if want.delete_on_termination ~= nil and want.delete_on_termination ~= now.delete_on_termination then
    aws.ec2:call("ModifyInstanceAttribute", {
      InstanceId = have.id, BlockDeviceMapping = { { DeviceName = now.device_name, Ebs = { DeleteOnTermination = want.delete_on_termination } } },
    })
  end
end

--- @param fresh boolean just made: what RunInstances was told is so
function change.live(aws, r, have, line, fresh)
  local id = have.id
  for _, row in ipairs(fresh and { SIMPLE[1] } or SIMPLE) do
    if differs(r, have, row[1]) then attribute(aws, id, { [row[2]] = { Value = r[row[1]] } }) end
  end
  if fresh then return end
  if differs(r, have, "vpc_security_group_ids") then
    aws.ec2:call("ModifyNetworkInterfaceAttribute", { NetworkInterfaceId = have.primary_network_interface_id, SecurityGroupId = r.vpc_security_group_ids }, {
      retry = { "InvalidGroup.NotFound", "InvalidSecurityGroupID.NotFound" },
    })
  end
  if differs(r, have, "iam_instance_profile") then set_profile(aws, id, r.iam_instance_profile) end
  if r.metadata_options then
    for name in pairs(r.metadata_options) do
      if differs(r.metadata_options, have.metadata_options or {}, name) then
        set_metadata(aws, id, r.metadata_options)
        break
      end
    end
  end
  if differs(r, have, "monitoring") then
    aws.ec2:call(r.monitoring and "MonitorInstances" or "UnmonitorInstances", { InstanceId = { id } }, { idempotent = true })
  end
  if differs(r, have, "credit_specification") then
    local out = aws.ec2:call("ModifyInstanceCreditSpecification", {
      InstanceCreditSpecification = { { InstanceId = id, CpuCredits = r.credit_specification.cpu_credits } },
    }, { idempotent = true })
    local refused = aws.list(out.unsuccessfulInstanceCreditSpecificationSet)[1]
    if refused then fail(("credit_specification: %s"):format(refused.error and refused.error.message or "refused")) end
  end
  set_disk(aws, r, have, line)
  ec2.retag(aws, r, id)
  if r.volume_tags and have.root_block_device then
    ec2.retag(aws, { tags = r.volume_tags, have = { tags = have.volume_tags } }, have.root_block_device.volume_id)
  end
end

--- What AWS changes only of a stopped instance, and whether it runs.
function change.stopped(aws, r, have, line)
  local id, steps = have.id, {}
  if differs(r, have, "instance_type") then steps[#steps + 1] = { InstanceType = { Value = r.instance_type } } end
  if differs(r, have, "ebs_optimized") then steps[#steps + 1] = { EbsOptimized = { Value = r.ebs_optimized } } end
  if differs(r, have, "user_data_hash") then steps[#steps + 1] = { Attribute = "userData", Value = base64.encode(r.user_data) } end
  if steps[1] or not r.running then machine.stop(aws, id, line) end
  for _, params in ipairs(steps) do attribute(aws, id, params) end
  if r.running and (steps[1] or not have.running) then machine.start(aws, id, line) end
end

return change
