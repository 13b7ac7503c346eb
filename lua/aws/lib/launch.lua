--- What is said once, when an instance is made: the parameters of RunInstances.
local ec2 = require "aws/lib/ec2"

local launch = {}

--- A profile that IAM has just made is not known to EC2 for some seconds.
launch.PROFILE_NOT_YET = {
  { "InvalidParameterValue", "iamInstanceProfile" }, { "InvalidParameterValue", "IAM Instance Profile" }, { "InvalidParameterValue", "IAM Roles" },
}

local roots = {} -- region and image -> device: what an image is never changes

--- The device that an image's root disk is.
local function root_device(aws, image)
  local key = aws.region .. " " .. image
  if not roots[key] then
    local found = aws:once("DescribeImages " .. image, function()
      return aws.ec2:by_ids("DescribeImages", "image-id", { image }, "imagesSet")[1] or false
    end)
    if not found then fail(("there is no image %s in %s"):format(image, aws.region), "images belong to one region: see aws.data.ami") end
    roots[key] = ec2.text(found.rootDeviceName) or "/dev/sda1"
  end
  return roots[key]
end

--- An instance profile by name or ARN.
function launch.profile(value)
  if not value or value == "" then return nil end
  return value:find("^arn:") and { Arn = value } or { Name = value }
end

function launch.metadata(options)
  return options and {
    HttpTokens = options.http_tokens, HttpPutResponseHopLimit = options.http_put_response_hop_limit, HttpEndpoint = options.http_endpoint,
    InstanceMetadataTags = options.instance_metadata_tags,
  }
end

local function disk(aws, r)
  local root = r.root_block_device
  if not root then return nil end
  return { {
    DeviceName = root_device(aws, r.ami),
    Ebs = {
      VolumeSize = root.volume_size, VolumeType = root.volume_type, Iops = root.iops, Throughput = root.throughput, Encrypted = root.encrypted,
      KmsKeyId = root.kms_key_id, DeleteOnTermination = root.delete_on_termination,
    },
  } }
end

--- The tags of its disks: the provider's defaults under volume_tags.
local function volume_tags(aws, r)
  local all, list = {}, {}
  for key, value in pairs(aws.default_tags) do all[key] = value end
  for key, value in pairs(r.volume_tags or {}) do all[key] = value end
  for key, value in pairs(all) do list[#list + 1] = { Key = key, Value = value } end
  return list[1] and list
end

local function template(t)
  if not t then return nil end
  return { LaunchTemplateId = t.id, LaunchTemplateName = not t.id and t.name or nil, Version = t.version }
end

--- @param token string ClientToken
function launch.parameters(aws, r, token)
  local specifications = ec2.specification(aws, "instance", r)
  local on_disks = volume_tags(aws, r)
  if on_disks then specifications[2] = { ResourceType = "volume", Tag = on_disks } end
  local params = {
    ClientToken = token, MinCount = 1, MaxCount = 1,
    ImageId = r.ami, InstanceType = r.instance_type, KeyName = r.key_name, LaunchTemplate = template(r.launch_template),
    IamInstanceProfile = launch.profile(r.iam_instance_profile),
    UserData = r.user_data and base64.encode(r.user_data),
    Placement = {
      AvailabilityZone = r.availability_zone, Tenancy = r.tenancy, GroupName = r.placement_group, PartitionNumber = r.placement_partition_number,
      HostId = r.host_id,
    },
    Monitoring = { Enabled = r.monitoring }, EbsOptimized = r.ebs_optimized,
    DisableApiTermination = r.disable_api_termination, DisableApiStop = r.disable_api_stop,
    InstanceInitiatedShutdownBehavior = r.instance_initiated_shutdown_behavior,
    HibernationOptions = r.hibernation and { Configured = true } or nil,
    MetadataOptions = launch.metadata(r.metadata_options),
    CreditSpecification = r.credit_specification and { CpuCredits = r.credit_specification.cpu_credits },
    BlockDeviceMapping = disk(aws, r), TagSpecification = specifications,
  }
  if r.associate_public_ip_address ~= nil then
    params.NetworkInterface = { {
      DeviceIndex = 0, AssociatePublicIpAddress = r.associate_public_ip_address, SubnetId = r.subnet_id, SecurityGroupId = r.vpc_security_group_ids,
      PrivateIpAddress = r.private_ip, DeleteOnTermination = true,
    } }
  else
    params.SubnetId, params.SecurityGroupId, params.PrivateIpAddress = r.subnet_id, r.vpc_security_group_ids, r.private_ip
  end
  return params
end

return launch
