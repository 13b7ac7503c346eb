-- EC2 types where moto is simpler than AWS: on a double that knows only the calls a test allows, with a clock that only sleeping moves.
local answer, perform, tags, wait = require "aws/provider/answer", require "aws/provider/perform", require "aws/provider/tags", require "aws/provider/wait"
local cidr, ec2, launch, release = require "aws/lib/cidr", require "aws/lib/ec2", require "aws/lib/launch", require "aws/lib/release"

local function spec(name)
  require("aws/" .. name)
  return core.type_info("aws_" .. name).spec
end

--- @param handlers table action -> function(params, n) that gives an answer, or nil and { code, message }; what is not there must not be called
local function world(handlers)
  local io = { time = 1000 }
  function io.now() return io.time end
  function io.random() return 0.5 end
  function io.sleep(seconds) io.time = io.time + seconds end
  local calls, counts, aws = {}, {}, { region = "eu-west-1", partition = "aws", default_tags = {}, list = answer.list, read_tags = tags.read,
      token_of = tags.token }
  local service = {}
  function service.try(_, action, params, options)
    perform.check(options)
    if not handlers[action] then error("the call " .. action .. " was not expected", 0) end
    local deadline = io.time + (options and options.within or 120)
    while true do
      calls[#calls + 1] = { action = action, params = params }
      counts[action] = (counts[action] or 0) + 1
      local result, err = handlers[action](params, counts[action])
      if result then return result end
      if perform.matches(err, options and options.gone) then return {} end
      if not perform.matches(err, options and options.retry) or io.time > deadline then return nil, err end
      io.sleep(1)
    end
  end
  function service:call(...)
    local result, err = self:try(...)
    return result or error(err.code .. ": " .. (err.message or ""), 0)
  end
  function service:pages(action, params, set, options) return answer.list(self:call(action, params, options)[set]) end
  function service:by_ids(action, filter, ids, set, params)
    if #ids == 0 then return {} end
    local asked = { Filter = { { Name = filter, Value = ids } } }
    for key, value in pairs(params or {}) do asked[key] = value end
    return self:pages(action, asked, set)
  end
  aws.ec2 = service
  function aws.bool(value) if value == nil or value == "" then return nil end return value == true or value == "true" end
  function aws.int(value) return math.tointeger(tonumber(value)) end
  function aws.arn(_, name, thing) return ("arn:aws:%s:eu-west-1:1:%s"):format(name, thing) end
  function aws.once(_, _, fn) return fn() end
  function aws.all(_, fns) local out = {} for i, fn in ipairs(fns) do out[i] = fn() end return out end
  function aws.now() return io.time end
  function aws.sleep(_, seconds) io.sleep(seconds) end
  function aws.wait(_, o) return wait.until_done(io, o) end
  function aws.tags(_, r) return tags.of(r, aws.default_tags) end
  function aws.raise(_, err) error(err.code .. ": " .. (err.message or ""), 0) end
  return aws, calls, counts, io
end

local function actions(calls)
  local names = {}
  for i, call in ipairs(calls) do names[i] = call.action end
  return table.concat(names, " ")
end

local function params(calls, action)
  for _, call in ipairs(calls) do
    if call.action == action then return call.params end
  end
  return nil
end

local quiet = function() end

-- networks
equal(cidr.network("10.0.1.5/16"), "10.0.0.0/16")
equal(cidr.network("fd00::1/64"), "fd00::/64")
equal(cidr.network("10.0.0.0/33"), nil)
equal(cidr.network("10.0.0/8"), nil)
check(cidr.overlap("10.0.0.0/16", "10.0.255.0/24") and cidr.overlap("10.0.255.0/24", "10.0.0.0/16"))
check(not cidr.overlap("10.0.0.0/24", "10.0.1.0/24") and not cidr.overlap("10.0.0.0/16", "fd00::/16"))
check(cidr.overlap("0.0.0.0/0", "192.0.2.0/24") and cidr.contains("0.0.0.0/0", "192.0.2.0/24") and not cidr.contains("192.0.2.0/24", "0.0.0.0/0"))
local one, other = cidr.first_overlap { { "a", "10.0.0.0/24" }, { "b", "10.0.1.0/24" }, { "c", "10.0.1.128/25" } }
equal({ one[1], other[1] }, { "b", "c" })
equal(cidr.first_overlap { { "a", "10.0.0.0/24" }, { "b", "10.0.1.0/24" } }, nil)

-- secrets are compared without being seen
check(core.same(secret "x", secret "x") and core.same(secret "x", "x") and not core.same(secret "x", "y") and not core.same(nil,
    secret "x") and core.same(nil, nil))

-- DNS: host names need the resolver
do
  local vpc = spec "vpc"
  local aws, calls = world { ModifyVpcAttribute = function() return {} end }
  vpc.update(aws, { enable_dns_support = true, enable_dns_hostnames = true, have = { id = "vpc-1", enable_dns_support = false, enable_dns_hostnames = false } })
  equal(calls[1].params, { VpcId = "vpc-1", EnableDnsSupport = { Value = true } })
  equal(calls[2].params, { VpcId = "vpc-1", EnableDnsHostnames = { Value = true } })
  vpc.update(aws, { enable_dns_support = false, enable_dns_hostnames = false, have = { id = "vpc-1", enable_dns_support = true, enable_dns_hostnames = true } })
  equal(calls[3].params.EnableDnsHostnames, { Value = false })
  equal(calls[4].params.EnableDnsSupport, { Value = false })
  equal(#calls, 4)
end

-- an internet gateway whose attachment's answer was lost is attached; one that is attached elsewhere is not
do
  local gateway = spec "internet_gateway"
  local at = "vpc-1"
  local aws = world {
    CreateInternetGateway = function() return { internetGateway = { internetGatewayId = "igw-1", ownerId = "1" } } end,
    AttachInternetGateway = function() return nil, { code = "Resource.AlreadyAssociated", message = "it is" } end,
    DescribeInternetGateways = function() return { internetGatewaySet = { { internetGatewayId = "igw-1", attachmentSet = { { vpcId = at,
        state = "available" } } } } } end,
  }
  equal(gateway.create(aws, { vpc_id = "vpc-1", _token = "t" }).arn, "arn:aws:ec2:eu-west-1:1:internet-gateway/igw-1")
  at = "vpc-2"
  raises(function() gateway.create(aws, { vpc_id = "vpc-1", _token = "t" }) end, "AlreadyAssociated")
end

-- a NAT gateway that failed: why, and that the token is not used again
do
  local nat = spec "nat_gateway"
  local r = { subnet_id = "subnet-1", allocation_id = "eipalloc-1", connectivity_type = "public", _token = "t", tags = {} }
  local tokens = {}
  local aws = world {
    CreateNatGateway = function(p)
      tokens[#tokens + 1] = p.ClientToken
      return { natGateway = { natGatewayId = "nat-" .. #tokens, state = #tokens < 3 and "failed" or "pending" } }
    end,
    DescribeNatGateways = function(_, n)
      if n < 3 then return { natGatewaySet = { { natGatewayId = "nat-3", state = "pending" } } } end
      return { natGatewaySet = { { natGatewayId = "nat-3", state = "available", natGatewayAddressSet = { { publicIp = "192.0.2.1",
          privateIp = "10.0.0.9" } } } } }
    end,
  }
  local made = nat.create(aws, r, quiet)
  equal({ made.id, made.public_ip, tokens }, { "nat-3", "192.0.2.1", { "t", "t-2", "t-3" } })
  aws = world {
    CreateNatGateway = function() return { natGateway = { natGatewayId = "nat-1", state = "pending" } } end,
    DescribeNatGateways = function()
      return { natGatewaySet = { { natGatewayId = "nat-1", state = "failed", failureCode = "Gateway.NotAttached", failureMessage = "no way out" } } }
    end,
  }
  local message, hint = raises(function() nat.create(aws, r, quiet) end, "nat%-1 failed: Gateway.NotAttached no way out")
  check(message and hint:find("internet gateway first", 1, true), hint)
  aws = world { DescribeNatGateways = function() return { natGatewaySet = { { natGatewayId = "nat-1", state = "deleted" }, { natGatewayId = "nat-2",
      state = "failed" } } } end }
  equal(nat.list(aws, { { _name = "a", prior = { id = "nat-1" } }, { _name = "b", prior = { id = "nat-2" } } }), {}, "deleted and failed ones are absent")
end

-- what still holds on: it waits while a load balancer's interfaces go, and says who it is that stays
do
  local interfaces = { { networkInterfaceId = "eni-1", description = "ELB net/api/0123", status = "in-use" } }
  local left = 40
  local handlers = {
    DescribeNetworkInterfaces = function() return { networkInterfaceSet = interfaces } end,
    DescribeSecurityGroups = function(p)
      return { securityGroupInfo = p.Filter[1].Name == "ip-permission.group-id" and { { groupId = "sg-9" }, { groupId = "sg-1" } } or {} }
    end,
    DeleteSecurityGroup = function()
      left = left - 1
      if left > 0 then return nil, { code = "DependencyViolation", message = "resource sg-1 has a dependent object" } end
      return {}
    end,
  }
  local delete = { action = "DeleteSecurityGroup", params = { GroupId = "sg-1" }, what = "security group sg-1", holds = { group = "sg-1" } }
  local aws, _, _, io = world(handlers)
  local said = {}
  delete.line = function(text) said[#said + 1] = text end
  release.delete(aws, delete)
  check(io.time > 1300, "it waited minutes for the load balancer")
  equal(said, { "security group sg-1: in use by eni-1 of load balancer api" })
  interfaces, left = { { networkInterfaceId = "eni-2", attachment = { instanceId = "i-1", status = "attached" } } }, 1000
  aws, _, _, io = world(handlers)
  local _, hint = raises(function() release.delete(aws, delete) end,
    "security group sg%-1 cannot be deleted: still in use by eni%-2 of instance i%-1, rules of security group sg%-9$")
  check(hint:find("delete that", 1, true) and io.time < 1060, "it gives up soon where nothing moves")
  interfaces = { { networkInterfaceId = "eni-3", description = "Interface for NAT Gateway nat-0a1b", interfaceType = "nat_gateway" } }
  aws, _, _, io = world(handlers)
  raises(function() release.delete(aws, delete) end, "still in use by eni%-3 of NAT gateway nat%-0a1b after")
  check(io.time > 1890, "and has a deadline even then")
  aws = world { DeleteSecurityGroup = function() return nil, { code = "UnauthorizedOperation", message = "no" } end }
  raises(function() release.delete(aws, delete) end, "UnauthorizedOperation")
end

-- instances: how they are asked for
do
  local images = { DescribeImages = function() return { imagesSet = { { imageId = "ami-1", rootDeviceName = "/dev/xvda" } } } end }
  local aws, _, counts = world(images)
  aws.default_tags = { team = "x" }
  local r = {
    ami = "ami-1", instance_type = "t3.small", subnet_id = "subnet-1", vpc_security_group_ids = { "sg-1" }, associate_public_ip_address = true,
    private_ip = "10.0.0.9", iam_instance_profile = "node", user_data = secret "#!", monitoring = false, tags = { Name = "n" }, volume_tags = { disk = "root" },
    root_block_device = { volume_size = 20, delete_on_termination = true }, placement_group = "pg", tenancy = "default",
    metadata_options = { http_tokens = "required", http_put_response_hop_limit = 2 }, credit_specification = { cpu_credits = "standard" },
  }
  local p = launch.parameters(aws, r, "token")
  launch.parameters(aws, r, "token")
  equal(counts.DescribeImages, 1, "an image's root device is asked for once")
  equal(p.NetworkInterface, { { DeviceIndex = 0, AssociatePublicIpAddress = true, SubnetId = "subnet-1", SecurityGroupId = { "sg-1" },
      PrivateIpAddress = "10.0.0.9", DeleteOnTermination = true } })
  check(p.SubnetId == nil and p.SecurityGroupId == nil and p.PrivateIpAddress == nil, "with an interface these are its own")
  equal(p.BlockDeviceMapping, { { DeviceName = "/dev/xvda", Ebs = { VolumeSize = 20, DeleteOnTermination = true } } })
  equal(p.IamInstanceProfile, { Name = "node" })
  equal(launch.profile "arn:aws:iam::1:instance-profile/node", { Arn = "arn:aws:iam::1:instance-profile/node" })
  check(slipway.is_secret(p.UserData), "user data stays a secret")
  equal(p.Placement, { Tenancy = "default", GroupName = "pg" })
  equal(p.TagSpecification[2], { ResourceType = "volume", Tag = { { Key = "disk", Value = "root" }, { Key = "team", Value = "x" } } })
  r.associate_public_ip_address = nil
  p = launch.parameters(aws, r, "token")
  check(p.NetworkInterface == nil and p.SubnetId == "subnet-1", "without, they are the instance's")
end

--- An instance as DescribeInstances gives it.
local function instance(more)
  local found = {
    instanceId = "i-1", imageId = "ami-1", instanceType = "t3.small", instanceState = { name = "running" }, subnetId = "subnet-1", sourceDestCheck = "true",
    placement = { availabilityZone = "eu-west-1a" }, monitoring = { state = "disabled" }, metadataOptions = { state = "applied", httpTokens = "optional" },
    networkInterfaceSet = { { networkInterfaceId = "eni-1", ownerId = "1", attachment = { deviceIndex = "0" }, groupSet = { { groupId = "sg-2" },
        { groupId = "sg-1" } } } },
    groupSet = { { groupId = "sg-2" }, { groupId = "sg-1" }, { groupId = "sg-9" } }, rootDeviceName = "/dev/xvda",
    blockDeviceMapping = { { deviceName = "/dev/xvda", ebs = { volumeId = "vol-1", deleteOnTermination = "true" } } },
  }
  for key, value in pairs(more or {}) do found[key] = value end
  return found
end

local function reservations(...)
  return { reservationSet = { { instancesSet = { ... } } } }
end

do
  local type = spec "instance"
  local aws, calls = world { DescribeInstances = function() return reservations(instance(), instance { instanceId = "i-2",
      instanceState = { name = "terminated" } }) end }
  local have = type.list(aws, { { _name = "a", prior = { id = "i-1", user_data_hash = secret "h", disable_api_termination = true } }, { _name = "b",
      prior = { id = "i-2" } } })
  equal(#calls, 1)
  equal(have.b, nil, "terminated is absent")
  equal(have.a.vpc_security_group_ids, { "sg-1", "sg-2" }, "of its first interface, in order")
  check(have.a.disable_api_termination and core.same(have.a.user_data_replace_hash, "h"), "what is not told stays as recorded")

  -- a token whose instance was terminated makes another one
  local tokens = {}
  aws = world {
    RunInstances = function(p)
      tokens[#tokens + 1] = p.ClientToken
      return { instancesSet = { instance { instanceId = "i-" .. #tokens, instanceState = { name = #tokens == 1 and "terminated" or "pending" } } } }
    end,
    DescribeInstances = function(_, n) return reservations(instance { instanceId = "i-2", instanceState = { name = n < 3 and "pending" or "running" } }) end,
  }
  local r = { ami = "ami-1", instance_type = "t3.small", source_dest_check = true, running = true, tags = {}, _token = "t" }
  equal(type.create(aws, r, quiet).id, "i-2")
  equal(tokens, { "t", "t-2" })

  -- one that dies on its way says why
  aws = world {
    RunInstances = function() return { instancesSet = { instance { instanceState = { name = "pending" } } } } end,
    DescribeInstances = function() return reservations(instance { instanceState = { name = "terminated" }, stateReason = { code = "Client.InternalError",
        message = "Client error on launch" } }) end,
  }
  local _, hint = raises(function() type.create(aws, r, quiet) end, "the instance i%-1 is terminated: Client error on launch")
  check(hint:find("KMS", 1, true) or hint:find("key may not be used", 1, true), hint)

  -- begun by a run that died: nothing new is made, what is missing is done
  aws, calls = world {
    DescribeInstances = function() return reservations(instance()) end,
    ModifyInstanceAttribute = function() return {} end,
  }
  type.create(aws, { ami = "ami-1", instance_type = "t3.small", source_dest_check = false, running = true, tags = {}, _token = "t",
                     have = { id = "i-1", source_dest_check = true, running = true, tags = {} } }, quiet)
  equal(params(calls, "ModifyInstanceAttribute"), { InstanceId = "i-1", SourceDestCheck = { Value = false } })
end

-- what is changed while it runs does not stop it; what it must be stopped for does, once
do
  local type = spec "instance"
  local state = "running"
  local handlers = {
    DescribeInstances = function() return reservations(instance { instanceState = { name = state } }) end,
    MonitorInstances = function() return {} end,
    ModifyInstanceMetadataOptions = function() return {} end,
    ModifyNetworkInterfaceAttribute = function() return {} end,
    DescribeIamInstanceProfileAssociations = function() return { iamInstanceProfileAssociationSet = { { associationId = "iip-1", state = "associated" } } } end,
    ReplaceIamInstanceProfileAssociation = function(_, n)
      if n < 3 then return nil, { code = "InvalidParameterValue",
          message = "Value (node2) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name" } end
      return {}
    end,
    ModifyInstanceCreditSpecification = function() return { successfulInstanceCreditSpecificationSet = { { instanceId = "i-1" } } } end,
    CreateTags = function() return {} end,
  }
  local have = {
    id = "i-1", primary_network_interface_id = "eni-1", monitoring = false, metadata_options = { http_tokens = "optional" },
        vpc_security_group_ids = { "sg-1" },
    iam_instance_profile = "node", credit_specification = { cpu_credits = "standard" }, running = true, tags = {}, user_data_hash = secret "same",
        instance_type = "t3.small",
  }
  local r = {
    monitoring = true, metadata_options = { http_tokens = "required" }, vpc_security_group_ids = { "sg-1", "sg-2" }, iam_instance_profile = "node2",
        running = true,
    credit_specification = { cpu_credits = "unlimited" }, tags = { a = "b" }, user_data_hash = secret "same", user_data = secret "u",
        instance_type = "t3.small", have = have,
  }
  local aws, calls, counts = world(handlers)
  type.update(aws, r, quiet)
  equal(params(calls, "MonitorInstances"), { InstanceId = { "i-1" } })
  equal(params(calls, "ModifyNetworkInterfaceAttribute"), { NetworkInterfaceId = "eni-1", SecurityGroupId = { "sg-1", "sg-2" } })
  equal(params(calls, "ModifyInstanceMetadataOptions"), { InstanceId = "i-1", HttpTokens = "required" })
  equal(counts.ReplaceIamInstanceProfileAssociation, 3, "a new profile is not known at once")

  handlers = {
    DescribeInstances = function() return reservations(instance { instanceState = { name = state } }) end,
    StopInstances = function() state = "stopped" return {} end,
    StartInstances = function() state = "running" return {} end,
    ModifyInstanceAttribute = function() return {} end,
  }
  aws, calls = world(handlers)
  type.update(aws, { instance_type = "t3.large", user_data_hash = secret "new", user_data = secret "u", running = true, have = have }, quiet)
  equal(actions(calls),
      "DescribeInstances StopInstances DescribeInstances ModifyInstanceAttribute ModifyInstanceAttribute StartInstances DescribeInstances DescribeInstances")
  check(slipway.is_secret(calls[5].params.Value) and calls[5].params.Attribute == "userData", "user data goes as the secret it is")
  -- killed between the stop and the start: the next run finds it stopped
  state = "stopped"
  aws, calls = world(handlers)
  type.update(aws, { instance_type = "t3.large", running = true, have = { id = "i-1", instance_type = "t3.large", running = false } }, quiet)
  equal(actions(calls), "StartInstances DescribeInstances DescribeInstances")
  -- somebody who wants it stopped
  state = "running"
  aws, calls = world(handlers)
  type.update(aws, { instance_type = "t3.large", running = false, have = { id = "i-1", instance_type = "t3.large", running = true } }, quiet)
  equal(actions(calls), "DescribeInstances StopInstances DescribeInstances DescribeInstances")
end

-- a root disk's encryption stays as it is
do
  local aws = world {}
  local want = { root_block_device = { encrypted = true }, running = true, _address = "aws_instance.a", have = { id = "i-1",
      root_block_device = { volume_id = "vol-1", encrypted = false } } }
  local _, hint = raises(function() spec("instance").update(aws, want, quiet) end, "root_block_device.encrypted cannot be changed in place")
  check(hint:find("%-%-replace aws_instance.a"), hint)
end

-- volumes: a change is waited for until it is in use, and one that fails says why
do
  local states = { "modifying", "modifying", "optimizing" }
  local aws, calls = world {
    ModifyVolume = function() return {} end,
    DescribeVolumesModifications = function(_, n) return { volumeModificationSet = { { modificationState = states[n], statusMessage = "no" } } } end,
  }
  local r = { size = 20, type = "gp3", iops = 3000, tags = {}, have = { id = "vol-1", size = 10, type = "gp3", iops = 3000, tags = {} } }
  spec("ebs_volume").update(aws, r, quiet)
  equal(calls[1].params, { VolumeId = "vol-1", Size = 20 })
  equal(#calls, 4)
  states = { "failed" }
  aws = world {
    ModifyVolume = function() return {} end,
    DescribeVolumesModifications = function() return { volumeModificationSet = { { modificationState = "failed", statusMessage = "too often" } } } end,
  }
  raises(function() spec("ebs_volume").update(aws, r, quiet) end, "vol%-1 could not be changed: too often")
end

-- reads that several types share are one
do
  local asked
  local aws = world {}
  local batch
  aws.once = function(_, key, fn) batch = batch or { key = key, fn = fn } return { key = key } end
  local function fetch(ids) asked = ids return {} end
  local first = ec2.gather(aws, "k", { "a", "b" }, fetch)
  local second = ec2.gather(aws, "k", { "b", "c" }, fetch)
  equal(first.key, second.key, "asked in one turn: one read")
  batch.fn()
  equal(asked, { "a", "b", "c" })
  check(ec2.gather(aws, "k", { "d" }, fetch).key ~= first.key, "asked later: another")
  equal(ec2.gather(aws, "k", {}, fetch), {}, "nothing to look up: no read")
end
