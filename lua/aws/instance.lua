local resource = require "resource"
local ec2, tags, volume = require "aws/lib/ec2", require "aws/lib/tags", require "aws/lib/volume"
local change, launch, machine = require "aws/lib/change", require "aws/lib/launch", require "aws/lib/machine"

--- Said when it is made, and not told by DescribeInstances (or told of another time): as recorded.
local KEPT = {
  "associate_public_ip_address", "credit_specification", "disable_api_stop", "disable_api_termination", "hibernation", "instance_initiated_shutdown_behavior",
  "launch_template", "user_data_replace_on_change",
}

local RUNNING = { pending = true, running = true }

local function primary(aws, found)
  for _, one in ipairs(aws.list(found.networkInterfaceSet)) do
    if one.attachment and one.attachment.deviceIndex == "0" then return one end
  end
  return aws.list(found.networkInterfaceSet)[1] or {}
end

--- The groups of its first interface: those of others are others' business.
local function groups(aws, found)
  local list = {}
  for _, group in ipairs(aws.list(primary(aws, found).groupSet or found.groupSet)) do list[#list + 1] = group.groupId end
  table.sort(list)
  return slipway.list(list)
end

--- What is known of it once it exists.
local function computed(aws, found, owner)
  return {
    id = found.instanceId,
    arn = owner and ec2.arn(aws, owner, "instance/" .. found.instanceId),
    private_ip = found.privateIpAddress,
    private_dns = found.privateDnsName or "",
    public_ip = found.ipAddress or "",
    public_dns = found.dnsName or "",
    primary_network_interface_id = primary(aws, found).networkInterfaceId,
    availability_zone = found.placement and found.placement.availabilityZone,
    instance_state = machine.state(found),
  }
end

--- The root disk's mapping: its id and whether it goes with the instance.
local function root_mapping(aws, found)
  for _, mapping in ipairs(aws.list(found.blockDeviceMapping)) do
    if mapping.deviceName == found.rootDeviceName then return mapping.ebs end
  end
  return nil
end

--- root_block_device as it is recorded: with what tells it apart, so that later runs read it along with the instance.
local function recorded_root(aws, r, found)
  local mapping, root = root_mapping(aws, found), {}
  if not mapping or (r.root_block_device == nil and r.volume_tags == nil) then return nil end
  for key, value in pairs(r.root_block_device or {}) do root[key] = value end
  root.volume_id, root.device_name = mapping.volumeId, found.rootDeviceName
  return root
end

local function read(aws, found, item)
  local placement, options = found.placement or {}, found.metadataOptions or {}
  local profile = found.iamInstanceProfile and ec2.text(found.iamInstanceProfile.arn)
  local have = computed(aws, found, primary(aws, found).ownerId)
  have.ami = found.imageId
  have.instance_type = found.instanceType
  have.subnet_id = found.subnetId
  have.vpc_security_group_ids = groups(aws, found)
  have.key_name = found.keyName or ""
  if profile and type(item.iam_instance_profile) == "string" and item.iam_instance_profile:find("^arn:") then
    have.iam_instance_profile = profile
  else
    have.iam_instance_profile = profile and profile:match("([^/]+)$") or ""
  end
  have.source_dest_check = aws.bool(found.sourceDestCheck)
  have.monitoring = found.monitoring ~= nil and (found.monitoring.state == "enabled" or found.monitoring.state == "pending")
  have.ebs_optimized = aws.bool(found.ebsOptimized)
  have.tenancy, have.placement_group, have.host_id = placement.tenancy, placement.groupName or "", ec2.text(placement.hostId)
  have.placement_partition_number = aws.int(placement.partitionNumber)
  have.metadata_options = {
    http_tokens = options.httpTokens, http_endpoint = options.httpEndpoint, http_put_response_hop_limit = aws.int(options.httpPutResponseHopLimit),
    instance_metadata_tags = options.instanceMetadataTags,
  }
  have.running = RUNNING[machine.state(found)] == true
  have.tags = tags.read(aws, item, found.tagSet)
  for _, name in ipairs(KEPT) do have[name] = ec2.kept(item, name) end
  -- One hash, by two names: which of them is wanted says whether its change replaces the instance.
  local prior = item.prior or {}
  have.user_data_hash = prior.user_data_hash or prior.user_data_replace_hash
  have.user_data_replace_hash = have.user_data_hash
  return have
end

local function speaks_of_disk(item)
  return item.root_block_device ~= nil or item.volume_tags ~= nil
end

--- Root disks as recorded: read at the same time as the instances.
local function recorded_disks(aws, items)
  local ids = {}
  for _, item in ipairs(items) do
    local root = item.prior and item.prior.root_block_device
    if root and speaks_of_disk(item) then ids[#ids + 1] = ec2.text(root.volume_id) end
  end
  return volume.all(aws, ids)
end

--- Root disks of those that speak of theirs: one call for all that were not read yet.
local function read_disks(aws, items, found, have, known)
  local ids, mappings = {}, {}
  for _, item in ipairs(items) do
    local one = found[item._name]
    if one and speaks_of_disk(item) then
      local mapping = root_mapping(aws, one)
      mappings[item._name] = mapping
      if mapping and not known[mapping.volumeId] then ids[#ids + 1] = mapping.volumeId end
    end
  end
  local by_id = volume.all(aws, ids)
  for _, item in ipairs(items) do
    local mapping = mappings[item._name]
    local disk = mapping and (known[mapping.volumeId] or by_id[mapping.volumeId])
    if disk then
      local size, root = aws.int(disk.size), item.root_block_device
      if type(root) == "table" then volume.check_shrink(item._address, "root_block_device.volume_size", root.volume_size, size) end
      have[item._name].root_block_device = {
        volume_id = disk.volumeId, device_name = found[item._name].rootDeviceName, volume_size = size, volume_type = disk.volumeType, iops = aws.int(disk.iops),
        throughput = aws.int(disk.throughput), encrypted = aws.bool(disk.encrypted), kms_key_id = disk.kmsKeyId,
        delete_on_termination = aws.bool(mapping.deleteOnTermination),
      }
      have[item._name].volume_tags = tags.read(aws, { tags = item.volume_tags }, disk.tagSet)
    end
  end
end

--- What was not recorded (an import) is asked for, one call each: later runs have it in the state.
local function read_hidden(aws, item, have)
  if item._token or not item.prior then return end
  local function ask(name)
    local out = aws.ec2:call("DescribeInstanceAttribute", { InstanceId = have.id, Attribute = name })
    return out[name] and ec2.text(out[name].value)
  end
  -- The wanted hash is not there yet while something else of the instance is not known.
  if item.user_data ~= nil and have.user_data_hash == nil then
    local data = ask "userData"
    have.user_data_hash = data and sha256(base64.decode(data)) or ""
    have.user_data_replace_hash = have.user_data_hash
  end
  for name, attribute in pairs { disable_api_termination = "disableApiTermination", disable_api_stop = "disableApiStop" } do
    if item[name] ~= nil and item.prior[name] == nil then have[name] = aws.bool(ask(attribute)) end
  end
  if item.instance_initiated_shutdown_behavior ~= nil and item.prior.instance_initiated_shutdown_behavior == nil then
    have.instance_initiated_shutdown_behavior = ask "instanceInitiatedShutdownBehavior"
  end
end

local function list(aws, items)
  local ids, tokens, have, found = {}, {}, {}, {}
  for _, item in ipairs(items) do
    local id, token = ec2.text(item.prior and item.prior.id), ec2.text(item._token)
    if id then ids[#ids + 1] = id elseif token then tokens[#tokens + 1] = token end
  end
  local by_id, by_token = {}, {}
  local reads = aws:all {
    function() return machine.by(aws, "instance-id", ids) end,
    function() return recorded_disks(aws, items) end,
  }
  for _, one in ipairs(reads[1]) do by_id[one.instanceId] = one end
  for _, one in ipairs(machine.by(aws, "tag:slipway:token", tokens)) do
    if machine.alive(one) then by_token[aws.token_of(aws.list(one.tagSet)) or ""] = one end
  end
  for _, item in ipairs(items) do
    local id = ec2.text(item.prior and item.prior.id)
    local one = id and by_id[id] or not id and by_token[item._token or ""]
    if one and machine.alive(one) then
      found[item._name], have[item._name] = one, read(aws, one, item)
      read_hidden(aws, item, have[item._name])
    end
  end
  read_disks(aws, items, found, have, reads[2])
  return have
end

--- A token stands for the instance it made even when that is gone: the next one needs another token.
local function run(aws, r)
  for attempt = 1, 5 do
    local made = aws.ec2:call("RunInstances", launch.parameters(aws, r, attempt == 1 and r._token or ("%s-%d"):format(r._token, attempt)), {
      retry = {
        "InvalidSubnetID.NotFound", "InvalidSubnetId.NotFound", "InvalidGroup.NotFound", "InvalidSecurityGroupID.NotFound", "InvalidKeyPair.NotFound",
        table.unpack(launch.PROFILE_NOT_YET),
      },
    })
    local one = aws.list(made.instancesSet)[1]
    if machine.alive(one) then return one.instanceId end
  end
  return fail("five instances made with this token were terminated", "run it again a little later")
end

local function create(aws, r, line)
  local id = r.have and r.have.id or run(aws, r)
  local found = machine.running(aws, id, line)
  local have = r.have or read(aws, found, { tags = r.tags })
  -- What cannot be said when it is made; of one that a dead run began, all that is not as wanted.
  change.live(aws, r, have, line, not r.have)
  found = machine.one(aws, id) or found
  local made = computed(aws, found, primary(aws, found).ownerId)
  made.root_block_device = recorded_root(aws, r, found)
  return made
end

return resource "aws_instance" {
  on = "api", provider = "aws", owns_host = true,
  doc = "A machine. What stops it for a moment: another instance_type, user_data or ebs_optimized.",
  schema = require "aws/lib/instance_schema",
  declare = change.declare,
  normalise = change.normalise,
  list = list,
  create = create,

  update = function(aws, r, line)
    change.live(aws, r, r.have, line, false)
    change.stopped(aws, r, r.have, line)
    local found = machine.one(aws, r.have.id)
    if not found then return nil end
    local made = computed(aws, found, primary(aws, found).ownerId)
    made.root_block_device = recorded_root(aws, r, found)
    return made
  end,

  delete = function(aws, r, line) machine.terminate(aws, ec2.id(r), line) end,
}
