local resource = require "resource"
local ec2, launch, tags = require "aws/lib/ec2", require "aws/lib/launch", require "aws/lib/tags"
local change = require "aws/lib/change"

--- It has no filter by id: it is known by its name, which it keeps.
local MISSING = { "InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateName.NotFoundException" }

local function find(aws, filter, values)
  return aws.ec2:by_ids("DescribeLaunchTemplates", filter, ec2.distinct(values), "launchTemplates")
end

--- Disks as the API says them, and back.
local function disks_out(list)
  local out = {}
  for i, disk in ipairs(list or {}) do
    local ebs = disk.ebs or {}
    out[i] = {
      DeviceName = disk.device_name,
      Ebs = { VolumeSize = ebs.volume_size, VolumeType = ebs.volume_type, Iops = ebs.iops, Throughput = ebs.throughput, Encrypted = ebs.encrypted,
              KmsKeyId = ebs.kms_key_id, SnapshotId = ebs.snapshot_id, DeleteOnTermination = ebs.delete_on_termination },
    }
  end
  return out[1] and out
end

local function disks_in(aws, set)
  local list = {}
  for i, disk in ipairs(aws.list(set)) do
    local ebs = disk.ebs or {}
    list[i] = { device_name = disk.deviceName, ebs = {
      volume_size = aws.int(ebs.volumeSize), volume_type = ebs.volumeType, iops = aws.int(ebs.iops), throughput = aws.int(ebs.throughput),
      encrypted = aws.bool(ebs.encrypted), kms_key_id = ebs.kmsKeyId, snapshot_id = ebs.snapshotId, delete_on_termination = aws.bool(ebs.deleteOnTermination),
    } }
  end
  return slipway.list(list)
end

local function specifications_out(list)
  local out = {}
  for i, one in ipairs(list or {}) do
    local set = {}
    for key, value in pairs(one.tags or {}) do set[#set + 1] = { Key = key, Value = value } end
    out[i] = { ResourceType = one.resource_type, Tag = set }
  end
  return out[1] and out
end

local function specifications_in(aws, set)
  local list = {}
  for _, one in ipairs(aws.list(set)) do
    -- The template's own tags are not what it says of others.
    if one.resourceType ~= "launch-template" then list[#list + 1] = { resource_type = one.resourceType, tags = aws.read_tags(aws.list(one.tagSet)) } end
  end
  return slipway.list(list)
end

local function data(r)
  return {
    ImageId = r.image_id, InstanceType = r.instance_type, KeyName = r.key_name, EbsOptimized = r.ebs_optimized,
    UserData = r.user_data and base64.encode(r.user_data),
    IamInstanceProfile = launch.profile(r.iam_instance_profile),
    SecurityGroupId = r.vpc_security_group_ids,
    Monitoring = r.monitoring ~= nil and { Enabled = r.monitoring } or nil,
    DisableApiTermination = r.disable_api_termination, InstanceInitiatedShutdownBehavior = r.instance_initiated_shutdown_behavior,
    MetadataOptions = launch.metadata(r.metadata_options),
    CreditSpecification = r.credit_specification and { CpuCredits = r.credit_specification.cpu_credits },
    BlockDeviceMapping = disks_out(r.block_device_mappings),
    TagSpecification = specifications_out(r.tag_specifications),
  }
end

--- What a version says, as attributes.
local function read_data(aws, found)
  local groups, profile, options = {}, found.iamInstanceProfile or {}, found.metadataOptions or {}
  for i, id in ipairs(aws.list(found.securityGroupIdSet)) do groups[i] = id end
  table.sort(groups)
  return {
    image_id = found.imageId or "", instance_type = found.instanceType or "", key_name = found.keyName or "",
    ebs_optimized = aws.bool(found.ebsOptimized) or false,
    user_data_hash = ec2.text(found.userData) and sha256(base64.decode(found.userData)) or "",
    iam_instance_profile = ec2.text(profile.name) or ec2.text(profile.arn) or "",
    vpc_security_group_ids = slipway.list(groups),
    monitoring = found.monitoring and aws.bool(found.monitoring.enabled) or false,
    disable_api_termination = aws.bool(found.disableApiTermination) or false,
    instance_initiated_shutdown_behavior = found.instanceInitiatedShutdownBehavior or "",
    metadata_options = {
      http_tokens = options.httpTokens, http_endpoint = options.httpEndpoint, http_put_response_hop_limit = aws.int(options.httpPutResponseHopLimit),
      instance_metadata_tags = options.instanceMetadataTags,
    },
    credit_specification = { cpu_credits = found.creditSpecification and found.creditSpecification.cpuCredits },
    block_device_mappings = disks_in(aws, found.blockDeviceMappingSet),
    tag_specifications = specifications_in(aws, found.tagSpecificationSet),
  }
end

local function computed(aws, found)
  return {
    id = found.launchTemplateId, arn = aws:arn("ec2", "launch-template/" .. found.launchTemplateId),
    latest_version = aws.int(found.latestVersionNumber), default_version = aws.int(found.defaultVersionNumber),
  }
end

local function read(aws, found, item)
  local have, prior = computed(aws, found), item.prior or {}
  have.name = found.launchTemplateName
  have.tags = tags.read(aws, item, found.tagSet)
  have.description = ec2.kept(item, "description")
  have.update_default_version = ec2.kept(item, "update_default_version")
  -- A version never changes: while the newest is the recorded one, what is recorded of it holds.
  if prior.latest_version ~= have.latest_version then
    local version = aws.ec2:pages("DescribeLaunchTemplateVersions", {
      LaunchTemplateId = have.id, LaunchTemplateVersion = { "$Latest" },
    }, "launchTemplateVersionSet")[1]
    for key, value in pairs(read_data(aws, version and version.launchTemplateData or {})) do have[key] = value end
    have.description = version and version.versionDescription or ""
  end
  return have
end

local function set_default(aws, r, id, latest, now)
  if r.update_default_version and latest ~= now then
    aws.ec2:call("ModifyLaunchTemplate", { LaunchTemplateId = id, SetDefaultVersion = tostring(latest) }, { idempotent = true })
    return latest
  end
  return now
end

local CONTENT = {
  "image_id", "instance_type", "key_name", "ebs_optimized", "user_data_hash", "iam_instance_profile", "vpc_security_group_ids", "monitoring",
  "disable_api_termination", "instance_initiated_shutdown_behavior", "description",
}
local SHAPED = { "metadata_options", "credit_specification", "block_device_mappings", "tag_specifications" }

--- Whether what is wanted is in what is there: in tables only what is wanted counts.
local function within(want, have)
  if type(want) ~= "table" then return core.same(want, have) end
  if type(have) ~= "table" or #want ~= #have then return false end
  for key, value in pairs(want) do
    if not within(value, have[key]) then return false end
  end
  return true
end

local function differs(r, have)
  for _, name in ipairs(CONTENT) do
    if r[name] ~= nil and not core.same(r[name], have[name]) then return true end
  end
  for _, name in ipairs(SHAPED) do
    if r[name] ~= nil and not within(r[name], have[name] or {}) then return true end
  end
  return false
end

local function update(aws, r)
  local id, latest, default = r.have.id, r.have.latest_version, r.have.default_version
  if differs(r, r.have) then
    local made = aws.ec2:call("CreateLaunchTemplateVersion", {
      LaunchTemplateId = id, VersionDescription = r.description, LaunchTemplateData = data(r),
    }).launchTemplateVersion
    latest = aws.int(made.versionNumber)
  end
  default = set_default(aws, r, id, latest, default)
  ec2.retag(aws, r, id)
  return { latest_version = latest, default_version = default }
end

return resource "aws_launch_template" {
  on = "api", provider = "aws",
  doc = "How instances are made; each change of it is a new version. It is imported by its name.",
  schema = {
    name = { "string", immutable = true, doc = "its name in AWS; the resource's when it is not set" },
    description = { "string", doc = "what the version is for" },
    update_default_version = { "bool", default = true, doc = "make each new version the default one" },
    image_id = { "string", doc = "the image" },
    instance_type = { "string", doc = "the size, such as t3.large" },
    key_name = { "string", doc = "the key pair that lets people in" },
    iam_instance_profile = { "string", doc = "the instance profile, by name or ARN" },
    vpc_security_group_ids = { "list", of = "string", doc = "the security groups" },
    user_data = { "string", write_only = true, doc = "what runs at first boot, 16 KiB at most" },
    user_data_hash = { "string", doc = "SHA-256 of user_data; follows from it" },
    ebs_optimized = { "bool", doc = "bandwidth of their own for disks" },
    monitoring = { "bool", doc = "metrics each minute instead of every five" },
    disable_api_termination = { "bool", doc = "refuse to terminate instances" },
    instance_initiated_shutdown_behavior = { "string", one_of = { "stop", "terminate" }, doc = "what a shutdown from within does" },
    metadata_options = require "aws/lib/instance_schema".metadata_options,
    credit_specification = require "aws/lib/instance_schema".credit_specification,
    block_device_mappings = {
      "list", doc = "disks",
      of = {
        device_name = { "string", required = true, doc = "the device as AWS calls it" },
        ebs = {
          "map", doc = "the disk",
          of = {
            volume_size = { "int", doc = "GiB" },
            volume_type = { "string", doc = "kind of disk" },
            iops = { "int", doc = "operations a second" },
            throughput = { "int", doc = "MiB a second" },
            encrypted = { "bool", doc = "whether it is encrypted" },
            kms_key_id = { "string", doc = "ARN of the KMS key" },
            snapshot_id = { "string", doc = "the snapshot it is made of" },
            delete_on_termination = { "bool", doc = "whether it goes with the instance" },
          },
        },
      },
    },
    tag_specifications = {
      "list", doc = "tags of what is made by it",
      of = {
        resource_type = { "string", required = true, doc = "instance, volume, network-interface" },
        tags = { "map", of = "string", doc = "the tags" },
      },
    },
    tags = tags.row,
    id = { "string", computed = true, doc = "lt-..." },
    arn = { "string", computed = true, doc = "its ARN" },
    latest_version = { "int", computed = true, doc = "number of the newest version" },
    default_version = { "int", computed = true, doc = "number of the version that is used unless one is named" },
  },
  declare = function(t)
    if t.user_data_hash ~= nil then slipway.fail("user_data_hash: it follows from user_data") end
    local name = ec2.text(t.name)
    if name and (not name:find("^[%w().-/_]+$") or #name < 3 or #name > 128) then
      slipway.fail(("name: expected 3 to 128 letters, digits and ( ) . - / _, got '%s'"):format(name))
    end
  end,
  normalise = change.normalise,

  list = function(aws, items)
    local names, tokens, have, by_name, by_token = {}, {}, {}, {}, {}
    local function name_of(item)
      if not item.prior then return nil end
      local id = ec2.text(item.prior.id)
      return ec2.text(item.prior.name) or id and not id:find("^lt%-%x+$") and id or ec2.text(item.prior.id) and item.name
    end
    for _, item in ipairs(items) do
      names[#names + 1] = name_of(item)
      if not item.prior then tokens[#tokens + 1] = ec2.text(item._token) end
    end
    for _, one in ipairs(find(aws, "launch-template-name", names)) do by_name[one.launchTemplateName] = one end
    for _, one in ipairs(find(aws, "tag:slipway:token", tokens)) do by_token[aws.token_of(aws.list(one.tagSet)) or ""] = one end
    for _, item in ipairs(items) do
      local name = name_of(item)
      local found = name and by_name[name] or not item.prior and by_token[item._token or ""]
      local id = ec2.text(item.prior and item.prior.id)
      -- Another one of the same name is not ours.
      if found and (not id or id == found.launchTemplateId or id == found.launchTemplateName) then have[item._name] = read(aws, found, item) end
    end
    return have
  end,

  create = function(aws, r)
    if r.have then return update(aws, r) end
    local made = aws.ec2:call("CreateLaunchTemplate", {
      ClientToken = r._token, LaunchTemplateName = r.name, VersionDescription = r.description, LaunchTemplateData = data(r),
      TagSpecification = ec2.specification(aws, "launch-template", r),
    }).launchTemplate
    local have = computed(aws, made)
    have.name = r.name
    return have
  end,

  update = update,
  delete = function(aws, r) aws.ec2:call("DeleteLaunchTemplate", { LaunchTemplateId = ec2.id(r) }, { gone = MISSING }) end,
}
