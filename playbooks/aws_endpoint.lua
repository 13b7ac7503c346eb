--- The API server's address: a network load balancer inside the VPC, in front of every control plane.
local aws = require "aws"

local PORT = 6443

--- @return any|nil endpoint "NAME:6443", known once the load balancer exists
return function(options, network, groups, machines)
  if not options.nlb then return nil end
  local name, subnets = options.name .. "-api", {}
  for i, zone in ipairs(options.zones) do subnets[i] = network.private[zone].id end
  local balancer = aws.lb "api" {
    name = name,
    load_balancer_type = "network",
    internal = true,
    subnets = subnets,
    security_groups = { groups.nlb.id },
    enable_cross_zone_load_balancing = true,
    tags = { Name = name },
  }
  -- By address: then a control plane that speaks to the load balancer can be sent to itself, which by instance it cannot.
  local targets = aws.lb_target_group "api" {
    name = name,
    port = PORT,
    protocol = "TCP",
    target_type = "ip",
    vpc_id = network.vpc.id,
    deregistration_delay = 30,
    health_check = { protocol = "HTTPS", path = "/readyz", interval = 10, healthy_threshold = 2, unhealthy_threshold = 2, matcher = "200" },
    tags = { Name = name },
  }
  aws.lb_listener "api" {
    load_balancer_arn = balancer.arn,
    port = PORT,
    protocol = "TCP",
    default_action = { { type = "forward", target_group_arn = targets.arn } },
  }
  for _, node in ipairs(options.nodes) do
    if node.role == "control-plane" then
      aws.lb_target_group_attachment("api-" .. node.name) { target_group_arn = targets.arn, target_id = machines[node.name].address, port = PORT }
    end
  end
  return balancer.dns_name .. ":" .. PORT
end
