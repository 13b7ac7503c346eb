--- aws_lb: application and network load balancers.
local resource = require "resource"
local elb, kind, tags = require "aws/lib/elb", require "aws/lib/elb_kind", require "aws/lib/tags"

local KIND = { action = "DescribeLoadBalancers", list = "LoadBalancers", arn = "LoadBalancerArn", name = "LoadBalancerName" }
local MISSING = { "LoadBalancerNotFound" }

local ATTRIBUTES = {
  enable_deletion_protection = { "deletion_protection.enabled", "bool", "whether AWS refuses to delete it" },
  enable_cross_zone_load_balancing = { "load_balancing.cross_zone.enabled", "bool", "whether each node serves the targets of all zones (network)" },
  idle_timeout = { "idle_timeout.timeout_seconds", "int", "seconds an idle connection stays (application)" },
  client_keep_alive = { "client_keep_alive.seconds", "int", "seconds a client's connection may live (application)" },
  enable_http2 = { "routing.http2.enabled", "bool", "whether clients may speak HTTP/2 (application)" },
  drop_invalid_header_fields = { "routing.http.drop_invalid_header_fields.enabled", "bool", "whether invalid header fields are dropped (application)" },
  preserve_host_header = { "routing.http.preserve_host_header.enabled", "bool", "whether targets get the Host header as it came (application)" },
  xff_header_processing_mode = { "routing.http.xff_header_processing.mode", "string", "append, preserve or remove X-Forwarded-For (application)" },
  enable_xff_client_port = { "routing.http.xff_client_port.enabled", "bool", "whether X-Forwarded-For has the client's port (application)" },
  desync_mitigation_mode = { "routing.http.desync_mitigation_mode", "string", "monitor, defensive or strictest (application)" },
  enable_tls_version_and_cipher_suite_headers = {
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "bool", "whether targets are told the TLS version and cipher (application)",
  },
  enable_waf_fail_open = { "waf.fail_open.enabled", "bool", "whether requests pass when the WAF does not answer (application)" },
  enable_zonal_shift = { "zonal_shift.config.enabled", "bool", "whether a zone may be shifted away" },
  dns_record_client_routing_policy = {
    "dns_record.client_routing_policy", "string", "any_availability_zone, availability_zone_affinity or partial_availability_zone_affinity (network)",
  },
  access_logs = {
    doc = "where it logs its connections and requests to",
    of = {
      enabled = { "access_logs.s3.enabled", "bool", "whether it does" },
      bucket = { "access_logs.s3.bucket", "string", "the S3 bucket" },
      prefix = { "access_logs.s3.prefix", "string", "what the objects' names begin with" },
    },
  },
}

local attributes_of, set_attributes = kind.attributes {
  attributes = ATTRIBUTES, describe = "DescribeLoadBalancerAttributes", modify = "ModifyLoadBalancerAttributes", key = "LoadBalancerArn", missing = MISSING,
}

--- "app/NAME/ID" of the ARN.
local function suffix(arn) return arn:match(":loadbalancer/(.+)$") end

local function zones(aws, lb)
  local subnets, mapping = {}, {}
  for _, zone in ipairs(aws.list(lb.AvailabilityZones)) do
    subnets[#subnets + 1] = zone.SubnetId
    local address = aws.list(zone.LoadBalancerAddresses)[1] or {}
    mapping[#mapping + 1] = {
      subnet_id = zone.SubnetId, allocation_id = address.AllocationId, private_ipv4_address = address.PrivateIPv4Address, ipv6_address = address.IPv6Address,
    }
  end
  table.sort(subnets)
  table.sort(mapping, function(a, b) return a.subnet_id < b.subnet_id end)
  return slipway.list(subnets), slipway.list(mapping)
end

local function read(aws, item, lb, set, attributes)
  local subnets, mapping = zones(aws, lb)
  local groups = {}
  for i, group in ipairs(aws.list(lb.SecurityGroups)) do groups[i] = group end
  table.sort(groups)
  return kind.with({
    id = lb.LoadBalancerArn,
    arn = lb.LoadBalancerArn,
    arn_suffix = suffix(lb.LoadBalancerArn),
    name = lb.LoadBalancerName,
    dns_name = lb.DNSName,
    zone_id = lb.CanonicalHostedZoneId,
    vpc_id = lb.VpcId,
    load_balancer_type = lb.Type,
    internal = lb.Scheme == "internal",
    ip_address_type = lb.IpAddressType,
    security_groups = slipway.list(groups),
    subnets = subnets,
    subnet_mapping = mapping,
    tags = tags.read(aws, item, set),
  }, attributes)
end

local function mappings(r)
  if not r.subnet_mapping then return nil end
  local list = {}
  for i, one in ipairs(r.subnet_mapping) do
    list[i] = { SubnetId = one.subnet_id, AllocationId = one.allocation_id, PrivateIPv4Address = one.private_ipv4_address, IPv6Address = one.ipv6_address }
  end
  return list
end

local function get(aws, arn)
  return (elb.find(aws, "DescribeLoadBalancers", { LoadBalancerArns = { arn } }, "LoadBalancers", MISSING) or {})[1]
end

local function settle(aws, arn, line)
  return aws:wait { what = "the load balancer " .. suffix(arn), within = 900, every = 1, line = line, check = function()
    local lb = get(aws, arn)
    if not lb then return nil, "not shown yet" end
    local state = lb.State or {}
    if state.Code == "failed" then return fail("the load balancer failed: " .. (state.Reason or "AWS gives no reason")) end
    return (state.Code == "active" or state.Code == "active_impaired") and lb, state.Code
  end }
end

--- Whether two lists differ, in the fields that the first one sets.
local function differ(want, have)
  if want == nil then return false end
  if not have or #want ~= #have then return true end
  for i, one in ipairs(want) do
    if type(one) ~= "table" then
      if one ~= have[i] then return true end
    else
      for key, value in pairs(one) do
        if have[i][key] ~= value then return true end
      end
    end
  end
  return false
end

--- Its interfaces stay for minutes, and with them security groups, subnets and addresses.
local function await_interfaces(aws, arn, line)
  local filter = { { Name = "description", Value = { "ELB " .. suffix(arn) } } }
  return aws:wait { what = "the interfaces of the load balancer " .. suffix(arn), within = 900, line = line, check = function()
    local left = aws.ec2:pages("DescribeNetworkInterfaces", { Filter = filter }, "networkInterfaceSet")
    return #left == 0, ("%d of its network interfaces are left"):format(#left)
  end }
end

local function update(aws, r, line)
  local arn, have = r.have.id, r.have
  local attributes = set_attributes(aws, arn, r)
  if differ(r.security_groups, have.security_groups) then
    aws.elbv2:call("SetSecurityGroups", { LoadBalancerArn = arn, SecurityGroups = r.security_groups }, { idempotent = true })
  end
  if differ(r.subnets, have.subnets) or differ(r.subnet_mapping, have.subnet_mapping) then
    aws.elbv2:call("SetSubnets", { LoadBalancerArn = arn, Subnets = r.subnets, SubnetMappings = mappings(r) }, { idempotent = true })
  end
  if r.ip_address_type and r.ip_address_type ~= have.ip_address_type then
    aws.elbv2:call("SetIpAddressType", { LoadBalancerArn = arn, IpAddressType = r.ip_address_type }, { idempotent = true })
  end
  elb.retag(aws, arn, r)
  return kind.made(read(aws, r, settle(aws, arn, line), {}, attributes), r)
end

return resource "aws_lb" {
  on = "api",
  provider = "aws",
  doc = "A load balancer: application (HTTP) or network (TCP, UDP, TLS). Its id is its ARN.",
  schema = elb.rows(ATTRIBUTES, {
    name = elb.name_rows.name,
    name_prefix = elb.name_rows.name_prefix,
    load_balancer_type = { "string", default = "application", immutable = true, one_of = { "application", "network" }, doc = "what kind it is" },
    internal = { "bool", default = false, immutable = true, doc = "whether it is reached within the VPC only" },
    subnets = { "list", of = "string", doc = "the subnets it stands in, one a zone" },
    subnet_mapping = {
      "list",
      of = {
        subnet_id = { "string", required = true, doc = "the subnet" },
        allocation_id = { "string", doc = "the elastic address it has there (network)" },
        private_ipv4_address = { "string", doc = "its private address there (network, internal)" },
        ipv6_address = { "string", doc = "its IPv6 address there (network)" },
      },
      doc = "instead of subnets: the subnets with the addresses it has in them",
    },
    security_groups = { "list", of = "string", doc = "its security groups; a network load balancer made without any can never have some" },
    ip_address_type = { "string", one_of = { "ipv4", "dualstack", "dualstack-without-public-ipv4" }, doc = "the kinds of addresses its clients use" },
    tags = tags.row,
    id = { "string", computed = true, doc = "its ARN" },
    arn = { "string", computed = true, doc = "its ARN" },
    arn_suffix = { "string", computed = true, doc = "the end of its ARN, as CloudWatch has it" },
    dns_name = { "string", computed = true, doc = "its DNS name" },
    zone_id = { "string", computed = true, doc = "the hosted zone of dns_name, for alias records" },
    vpc_id = { "string", computed = true, doc = "the VPC it is in" },
  }),

  declare = function(want, name)
    elb.check_name(want, name)
    if (want.subnets == nil) == (want.subnet_mapping == nil) then fail "a load balancer needs either subnets or subnet_mapping" end
  end,

  normalise = function(want)
    local out = elb.sorted(want, "subnets", "security_groups")
    if out.subnet_mapping then
      local list = {}
      for i, one in ipairs(out.subnet_mapping) do list[i] = one end
      table.sort(list, function(a, b) return a.subnet_id < b.subnet_id end)
      out.subnet_mapping = list
    end
    return out
  end,

  list = kind.named(KIND, read, attributes_of),

  create = function(aws, r, line)
    if r.have then return update(aws, r, line) end
    local name = elb.name(r)
    local lb = elb.existing(aws, r, name, "load balancer", KIND.action, KIND.list, KIND.arn, MISSING)
      or aws.elbv2:call("CreateLoadBalancer", {
        Name = name,
        Type = r.load_balancer_type,
        Scheme = r.internal and "internal" or "internet-facing",
        Subnets = r.subnets,
        SubnetMappings = mappings(r),
        SecurityGroups = r.security_groups,
        IpAddressType = r.ip_address_type,
        Tags = aws:tags(r),
      }, { retry = { "SubnetNotFound", "InvalidSubnet", "InvalidSecurityGroup" }, idempotent = true }).LoadBalancers[1]
    local attributes = set_attributes(aws, lb.LoadBalancerArn, r)
    lb = settle(aws, lb.LoadBalancerArn, line)
    return kind.made(read(aws, r, lb, {}, attributes), r)
  end,

  update = update,

  delete = function(aws, r, line)
    local arn = (r.have or r.prior).id
    local out, err = aws.elbv2:try("DeleteLoadBalancer", { LoadBalancerArn = arn }, { gone = MISSING, retry = { "ResourceInUse" }, within = 300 })
    if not out and err.code == "OperationNotPermitted" then
      return fail(("the load balancer %s is protected from being deleted"):format(suffix(arn)),
        "set enable_deletion_protection = false on it and apply that first")
    end
    if not out then return aws:raise(err) end
    await_interfaces(aws, arn, line)
  end,
}
