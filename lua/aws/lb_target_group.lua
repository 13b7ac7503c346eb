--- aws_lb_target_group: what a load balancer sends to, and how it asks whether it is well.
local resource = require "resource"
local elb, kind, tags = require "aws/lib/elb", require "aws/lib/elb_kind", require "aws/lib/tags"

local KIND = { action = "DescribeTargetGroups", list = "TargetGroups", arn = "TargetGroupArn", name = "TargetGroupName" }
local MISSING = { "TargetGroupNotFound" }

local ATTRIBUTES = {
  deregistration_delay = { "deregistration_delay.timeout_seconds", "int", "seconds a target that leaves may finish what it does" },
  connection_termination = { "deregistration_delay.connection_termination.enabled", "bool", "whether connections are closed when that time is over (network)" },
  slow_start = { "slow_start.duration_seconds", "int", "seconds over which a new target gets its full share (application)" },
  load_balancing_algorithm_type = { "load_balancing.algorithm.type", "string", "round_robin, least_outstanding_requests or weighted_random (application)" },
  load_balancing_cross_zone_enabled = { "load_balancing.cross_zone.enabled", "string", '"true", "false" or "use_load_balancer_configuration"' },
  preserve_client_ip = { "preserve_client_ip.enabled", "bool", "whether targets see the client's address (network)" },
  proxy_protocol_v2 = { "proxy_protocol_v2.enabled", "bool", "whether targets get the PROXY protocol's header (network)" },
  stickiness = {
    doc = "whether a client stays with its target",
    of = {
      enabled = { "stickiness.enabled", "bool", "whether it does" },
      type = { "stickiness.type", "string", "lb_cookie or app_cookie (application), source_ip (network)" },
      cookie_duration = { "stickiness.lb_cookie.duration_seconds", "int", "seconds the load balancer's cookie is good for" },
      cookie_name = { "stickiness.app_cookie.cookie_name", "string", "the application's cookie" },
    },
  },
}

local attributes_of, set_attributes = kind.attributes {
  attributes = ATTRIBUTES, describe = "DescribeTargetGroupAttributes", modify = "ModifyTargetGroupAttributes", key = "TargetGroupArn", missing = MISSING,
}

--- health_check: attribute -> { parameter, type, doc }
local HEALTH = {
  enabled = { "HealthCheckEnabled", "bool", "whether targets are asked" },
  protocol = { "HealthCheckProtocol", "string", "HTTP, HTTPS or TCP" },
  port = { "HealthCheckPort", "string", 'the port, or "traffic-port"' },
  path = { "HealthCheckPath", "string", "the path that is asked for" },
  interval = { "HealthCheckIntervalSeconds", "int", "seconds between two checks of a target" },
  timeout = { "HealthCheckTimeoutSeconds", "int", "seconds an answer may take" },
  healthy_threshold = { "HealthyThresholdCount", "int", "successes in a row that make it well" },
  unhealthy_threshold = { "UnhealthyThresholdCount", "int", "failures in a row that make it unwell" },
}

local function health_rows()
  local rows = { matcher = { "string", doc = "the HTTP status codes that are good, such as 200-399" } }
  for name, spec in pairs(HEALTH) do rows[name] = { spec[2], doc = spec[3] } end
  return rows
end

local function read_health(aws, group)
  local out = { matcher = group.Matcher and group.Matcher.HttpCode }
  for name, spec in pairs(HEALTH) do
    local value = group[spec[1]]
    if spec[2] == "bool" then value = aws.bool(value) elseif spec[2] == "int" then value = aws.int(value) end
    out[name] = value
  end
  return out
end

--- Adds the health check to parameters of a create or modify.
local function add_health(params, check)
  for name, spec in pairs(HEALTH) do
    if check and check[name] ~= nil then params[spec[1]] = check[name] end
  end
  if check and check.matcher then params.Matcher = { HttpCode = check.matcher } end
  return params
end

local function read(aws, item, group, set, attributes)
  return kind.with({
    id = group.TargetGroupArn,
    arn = group.TargetGroupArn,
    arn_suffix = group.TargetGroupArn:match(":(targetgroup/.+)$"),
    name = group.TargetGroupName,
    port = aws.int(group.Port),
    protocol = group.Protocol,
    protocol_version = group.ProtocolVersion,
    vpc_id = group.VpcId,
    target_type = group.TargetType,
    ip_address_type = group.IpAddressType,
    health_check = read_health(aws, group),
    load_balancer_arns = slipway.list(aws.list(group.LoadBalancerArns)),
    tags = tags.read(aws, item, set),
  }, attributes)
end

local function get(aws, arn)
  return (elb.find(aws, "DescribeTargetGroups", { TargetGroupArns = { arn } }, "TargetGroups", MISSING) or {})[1]
end

local function health_differs(r)
  local have = r.have.health_check or {}
  for key, value in pairs(r.health_check or {}) do
    if value ~= have[key] then return true end
  end
  return false
end

local function update(aws, r)
  local arn = r.have.id
  local group = health_differs(r)
    and aws.elbv2:call("ModifyTargetGroup", add_health({ TargetGroupArn = arn }, r.health_check)).TargetGroups[1] or get(aws, arn)
  local attributes = set_attributes(aws, arn, r)
  elb.retag(aws, arn, r)
  return kind.made(read(aws, r, group, {}, attributes), r)
end

return resource "aws_lb_target_group" {
  on = "api",
  provider = "aws",
  unique = true,
  doc = "A target group: where a load balancer sends to. Its id is its ARN. With name_prefix and create_before_destroy it can be replaced while it is in use.",
  schema = elb.rows(ATTRIBUTES, {
    name = elb.name_rows.name,
    name_prefix = elb.name_rows.name_prefix,
    port = { "int", required = true, immutable = true, doc = "the port targets listen on, unless their attachment says another" },
    protocol = {
      "string", required = true, immutable = true, one_of = { "HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP" }, doc = "how targets are spoken to",
    },
    protocol_version = { "string", immutable = true, one_of = { "HTTP1", "HTTP2", "GRPC" }, doc = "of HTTP and HTTPS: HTTP1 (what AWS takes), HTTP2 or GRPC" },
    vpc_id = { "string", required = true, immutable = true, doc = "the VPC the targets are in" },
    target_type = { "string", default = "instance", immutable = true, one_of = { "instance", "ip", "alb" }, doc = "what a target is named by" },
    ip_address_type = { "string", immutable = true, one_of = { "ipv4", "ipv6" }, doc = "the kind of address targets have" },
    health_check = { "map", of = health_rows(), doc = "how it finds out whether a target is well" },
    tags = tags.row,
    id = { "string", computed = true, doc = "its ARN" },
    arn = { "string", computed = true, doc = "its ARN" },
    arn_suffix = { "string", computed = true, doc = "the end of its ARN, as CloudWatch has it" },
    load_balancer_arns = { "list", of = "string", computed = true, doc = "the load balancers that send to it" },
  }),

  declare = elb.check_name,

  list = kind.named(KIND, read, attributes_of),

  create = function(aws, r)
    if r.have then return update(aws, r) end
    local name = elb.name(r)
    local group = elb.existing(aws, r, name, "target group", KIND.action, KIND.list, KIND.arn, MISSING)
      or aws.elbv2:call("CreateTargetGroup", add_health({
        Name = name,
        Port = r.port,
        Protocol = r.protocol,
        ProtocolVersion = r.protocol_version,
        VpcId = r.vpc_id,
        TargetType = r.target_type,
        IpAddressType = r.ip_address_type,
        Tags = aws:tags(r),
      }, r.health_check), { retry = { "InvalidConfigurationRequest" }, within = 20 }).TargetGroups[1]
    return kind.made(read(aws, r, group, {}, set_attributes(aws, group.TargetGroupArn, r)), r)
  end,

  update = update,

  delete = function(aws, r)
    aws.elbv2:call("DeleteTargetGroup", { TargetGroupArn = (r.have or r.prior).id }, { gone = MISSING, retry = { "ResourceInUse" }, within = 120 })
  end,
}
