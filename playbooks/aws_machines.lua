--- The machines: instances whose SSH host keys are known before they boot, and their disks.
local aws, host, tls = require "aws", require "host", require "tls"

local CANONICAL = "099720109477"
local IMAGE = "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-%s-server-*"
local DATA_DEVICE = "/dev/sdf"

local CLOUD_CONFIG = [[
#cloud-config
hostname: {{ name }}
ssh_deletekeys: true
ssh_genkeytypes: []
ssh_keys:
  ed25519_private: {{ private }}
  ed25519_public: {{ public }}
]]

--- Graviton families end in g and a letter or two: t4g, m7gd, c7gn.
local function architecture(type) return type:match("^%a+%d+g") and "arm64" or "amd64" end

local images = {}

local function image(name, type)
  if name then return name end
  local arch = architecture(type)
  images[arch] = images[arch] or aws.data.ami(arch) {
    owners = { CANONICAL },
    most_recent = true,
    filter = { { name = "name", values = { IMAGE:format(arch) } }, { name = "state", values = { "available" } } },
  }
  return images[arch].id
end

--- An instance that is reached by SSH as the machine it claims to be.
local function instance(name, key, spec)
  local settings = {
    ami = image(spec.image, spec.type),
    instance_type = spec.type,
    key_name = key.key_name,
    subnet_id = spec.subnet.id,
    vpc_security_group_ids = { spec.group.id },
    iam_instance_profile = spec.profile and spec.profile.name,
    source_dest_check = not spec.routes,
    root_block_device = { volume_size = spec.disk or 30, volume_type = "gp3", encrypted = true },
    -- Pods do not get the machine's credentials, nor its user data.
    metadata_options = { http_tokens = "required", http_put_response_hop_limit = spec.hops or 1 },
    tags = spec.tags,
    -- A newer image is for new machines.
    lifecycle = { ignore_changes = { "ami" } },
    depends_on = spec.needs,
  }
  local identity = tls.private_key(name) {}
  settings.user_data = slipway.template(CLOUD_CONFIG, {
    name = name, public = identity.public_key_openssh, private = identity.private_key_json,
  })
  return aws.instance(name)(settings), identity
end

local function volume(options, node, machine)
  if not node.volume then return end
  local disk = aws.ebs_volume(node.name) {
    availability_zone = node.zone,
    size = node.volume.size,
    type = node.volume.type or "gp3",
    iops = node.volume.iops,
    throughput = node.volume.throughput,
    encrypted = node.volume.encrypted ~= false,
    tags = { Name = ("%s-%s-data"):format(options.name, node.name) },
  }
  aws.volume_attachment(node.name) { device_name = node.volume.device or DATA_DEVICE, volume_id = disk.id, instance_id = machine.id }
end

local function bastion(options, network, groups, key)
  if options.access ~= "bastion" then return nil end
  local machine, identity = instance("bastion", key, {
    type = options.bastion.type or "t3.micro",
    image = options.bastion.image,
    subnet = network.public[options.zones[1]],
    group = groups.bastion,
    disk = 10,
    tags = { Name = options.name .. "-bastion" },
  })
  local address = aws.eip "bastion" {
    domain = "vpc", instance = machine.id, tags = { Name = options.name .. "-bastion" }, depends_on = { network.gateway },
  }
  return {
    host = { address = address.public_ip, host_key = identity.public_key_openssh, user = options.user, key = options.key },
    after = network.open[options.zones[1]],
  }
end

--- @return table machines node name -> { host, id, address, after }; `after` must be there before the machine reaches the internet
return function(options, network, groups, profiles)
  local key = aws.key_pair(options.name) { key_name = options.name, public_key = options.public_key, tags = { Name = options.name } }
  local way_in = bastion(options, network, groups, key)
  local public = options.access == "public"
  local machines = {}
  for _, node in ipairs(options.nodes) do
    local is_plane = node.role == "control-plane"
    local machine, identity = instance(node.name, key, {
      type = node.type or "t3.medium",
      image = node.image,
      subnet = (public and network.public or network.private)[node.zone],
      group = is_plane and groups.plane or groups.node,
      profile = is_plane and profiles.plane or profiles.node,
      disk = node.disk,
      routes = options.cni == "bridge",
      hops = options.ebs_csi and not is_plane and 2 or 1,
      needs = public and { network.gateway } or nil,
      tags = { Name = ("%s-%s"):format(options.name, node.name), pool = node.pool },
    })
    volume(options, node, machine)
    local address = machine.private_ip
    if public then
      address = aws.eip(node.name) {
        domain = "vpc", instance = machine.id, tags = { Name = ("%s-%s"):format(options.name, node.name) }, depends_on = { network.gateway },
      }.public_ip
    end
    local connection = { address = address, host_key = identity.public_key_openssh, user = options.user }
    if options.user ~= "root" and not node.connection.become then connection.become = "sudo" end
    if way_in then connection.bastion = way_in.host end
    local after = { public and network.open[node.zone] or network.out[node.zone], way_in and way_in.after }
    machines[node.name] = { host = host(node.name)(connection), id = machine.id, interface = machine.primary_network_interface_id,
                            address = machine.private_ip, after = after }
  end
  return machines
end
