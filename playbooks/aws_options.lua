--- What an inventory may say of AWS, checked: what follows reads it without asking twice.
local FIELDS = {
  network = { "access", "allow", "bastion", "cidr", "ingress", "nat", "subnets", "zones" },
  bastion = { "image", "type" },
  ingress = { "allow", "domain", "port", "zone" },
  volume = { "device", "encrypted", "iops", "size", "throughput", "type" },
}
local DEFAULT_USER = "ubuntu" -- of Canonical's images

local function check_fields(map, what, where)
  local known = {}
  for _, name in ipairs(FIELDS[what]) do known[name] = true end
  for name in pairs(map) do
    if not known[name] then slipway.fail(("%s has no '%s'"):format(where, name), "it may have: " .. table.concat(FIELDS[what], ", ")) end
  end
end

local function one_of(value, default, words, where)
  value = value == nil and default or value
  for _, word in ipairs(words) do
    if value == word then return value end
  end
  return slipway.fail(("%s: expected %s, got '%s'"):format(where, table.concat(words, ", "), tostring(value)))
end

local function networks(list, where)
  if list == nil then return {} end
  if type(list) ~= "table" or (next(list) ~= nil and list[1] == nil) then
    slipway.fail(where .. ": expected a list of networks, such as [203.0.113.0/24]")
  end
  for _, cidr in ipairs(list) do
    if type(cidr) ~= "string" or not cidr:match("^%d+%.%d+%.%d+%.%d+/%d+$") then
      slipway.fail(("%s: '%s' is not a network"):format(where, tostring(cidr)), "write it as 203.0.113.0/24; one address is 203.0.113.7/32")
    end
  end
  return list
end

--- "a" and "ap-northeast-2a" are the same zone.
local function zone_name(region, zone) return #zone == 1 and region .. zone or zone end

local function zones(inv, region)
  local list, seen = {}, {}
  for _, zone in ipairs(inv.network.zones or {}) do
    if type(zone) ~= "string" or (#zone > 1 and zone:sub(1, #region) ~= region) then
      slipway.fail(("network.zones: '%s' is not a zone of %s"):format(tostring(zone), region), ("write it as a, or as %sa"):format(region))
    end
    local name = zone_name(region, zone)
    if seen[name] then slipway.fail(("network.zones names %s twice"):format(name)) end
    seen[name] = true
    list[#list + 1] = name
  end
  if #list == 0 then
    slipway.fail("network.zones must name the availability zones", "two are usual: zones: [a, c]; `aws ec2 describe-availability-zones` lists them")
  end
  if #list > 4 then slipway.fail("network.zones: at most 4 zones") end
  return list, seen
end

--- A subnet for each zone: what network.subnets says, else sixteenths of the network: private ones from its start, public ones from its middle.
local function subnets(inv, list)
  local given, length = inv.network.subnets, tonumber(inv.network.cidr:match("/(%d+)$"))
  local found = { private = {}, public = {} }
  for kind, first in pairs { private = 0, public = 8 } do
    local of_kind = given and given[kind]
    if given and type(of_kind) ~= "table" then
      slipway.fail(("network.subnets has no '%s'"):format(kind), "write subnets: { private: { a: 10.0.0.0/20 }, public: { a: 10.0.128.0/20 } }")
    end
    for i, zone in ipairs(list) do
      local letter = zone:match("%a$")
      local cidr
      if of_kind then cidr = of_kind[letter] or of_kind[zone] or of_kind[i] else cidr = slipway.cidr(inv.network.cidr, first + i - 1, length + 4) end
      if type(cidr) ~= "string" then slipway.fail(("network.subnets.%s names no network for the zone %s"):format(kind, zone)) end
      found[kind][zone] = cidr
    end
  end
  return found
end

local function public_key(inv, nodes)
  local first = nodes[1] and nodes[1].connection or {}
  local file = first.key or (first.keys and first.keys[1])
  if not file then
    slipway.fail("ssh.key must name the private key file that opens the machines",
      "its public half, NAME.pub, becomes their key pair; make both with: ssh-keygen -t ed25519 -f ~/.ssh/" .. inv.name)
  end
  return slipway.file(file .. ".pub"):match("^%S+ %S+"), file
end

local function check_volume(volume, where)
  if volume == nil then return end
  if type(volume) ~= "table" then slipway.fail(where .. ".volume: expected { size: GIB, type: gp3 }") end
  check_fields(volume, "volume", where .. ".volume")
  if math.type(volume.size) ~= "integer" or volume.size < 1 or volume.size > 65536 then
    slipway.fail(where .. ".volume.size: expected GiB from 1 to 65536")
  end
end

local function check_pools(inv, known)
  local planes = 0
  for _, node in ipairs(inv.nodes) do
    local where = ("the pool '%s'"):format(node.pool)
    check_volume(node.volume, where)
    if node.disk ~= nil and (math.type(node.disk) ~= "integer" or node.disk < 8 or node.disk > 16384) then
      slipway.fail(where .. ": disk: expected the root disk's GiB, from 8 to 16384")
    end
    if not known[node.zone] then slipway.fail(("%s: the zone %s is none of network.zones"):format(where, node.zone)) end
    if node.role == "control-plane" then planes = planes + 1 end
  end
  return planes
end

--- The inventory with full zone names, as far as the machines go.
local function machines(inv, region)
  local list = {}
  for _, node in ipairs(inv.nodes) do
    local copy = {}
    for key, value in pairs(node) do copy[key] = value end
    copy.zone = zone_name(region, node.zone or "")
    list[#list + 1] = copy
  end
  return list
end

--- @return table options { name, region, cidr, zones, subnets, nat, access, allow, bastion, ingress, nlb, nodes, planes, user, public_key, key, cni,
---   pod_cidr, ebs_csi }: with defaults, zones by their full names, nodes as the inventory's
return function(inv)
  local net, kubernetes = inv.network, inv.kubernetes or {}
  check_fields(net, "network", "network")
  local region = inv.provider.region
  if type(region) ~= "string" then slipway.fail("provider.region must name the region, such as ap-northeast-2") end
  if #inv.name > 24 then
    slipway.fail(("the name '%s' is too long: it is a part of load balancers' names, which have at most 32 characters"):format(inv.name),
      "at most 24 characters")
  end
  if not net.cidr then slipway.fail("network.cidr must say the VPC's network, such as 10.0.0.0/16") end
  local length = tonumber(net.cidr:match("/(%d+)$"))
  if length and (length < 16 or length > 24) then
    slipway.fail(("network.cidr: expected a prefix from /16 to /24, got /%d"):format(length),
      "a VPC is at most a /16; a subnet, a sixteenth of it, at least a /28")
  end
  local list, known = zones(inv, region)
  local given_bastion = inv.ssh and inv.ssh.bastion
  local access = one_of(net.access, given_bastion and "private" or "bastion", { "bastion", "public", "private" }, "network.access")
  if access == "bastion" and given_bastion then
    slipway.fail("ssh.bastion names a bastion that exists, and network.access: bastion makes one", "keep one of the two")
  end
  local allow = networks(net.allow, "network.allow")
  if access ~= "private" and #allow == 0 then
    slipway.fail("network.allow must name the networks from which SSH is allowed", "your own address is a start: allow: [203.0.113.7/32]")
  end
  local bastion, ingress = net.bastion or {}, net.ingress
  check_fields(bastion, "bastion", "network.bastion")
  if ingress then
    check_fields(ingress, "ingress", "network.ingress")
    networks(ingress.allow, "network.ingress.allow")
    if ingress.domain == nil then slipway.fail("network.ingress.domain must name the domain of the certificate, such as api.example.org") end
    if #list < 2 then slipway.fail("network.zones: a load balancer for the ingress needs two zones") end
  end
  local nodes = machines(inv, region)
  local planes = check_pools({ nodes = nodes }, known)
  local connection = nodes[1] and nodes[1].connection or {}
  local key, file = public_key(inv, nodes)
  return {
    name = inv.name,
    region = region,
    cidr = net.cidr,
    zones = list,
    subnets = subnets(inv, list),
    nat = one_of(net.nat, "single", { "single", "zone", "none" }, "network.nat"),
    access = access,
    allow = allow,
    bastion = bastion,
    ingress = ingress,
    nlb = kubernetes.endpoint == "nlb",
    nodes = nodes,
    planes = planes,
    user = connection.user or DEFAULT_USER,
    public_key = key,
    key = file,
    cni = kubernetes.cni or "bridge",
    pod_cidr = kubernetes.pod_cidr or "10.244.0.0/16",
    ebs_csi = (inv.addons or {})["aws-ebs-csi"] ~= nil,
  }
end
