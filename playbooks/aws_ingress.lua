--- What comes in: an application load balancer with a certificate of ACM's, in front of the ingress on the workers.
local aws = require "aws"

local TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"

--- A certificate, shown to be ours by a record in the domain's zone.
local function certificate(domain, zone)
  local cert = aws.acm_certificate "ingress" { domain_name = domain, validation_method = "DNS" }
  local proof = cert.domain_validation_options[1]
  local record = aws.route53_record "ingress-certificate" {
    zone_id = zone.zone_id,
    name = proof.resource_record_name,
    type = proof.resource_record_type,
    ttl = 60,
    records = { proof.resource_record_value },
    allow_overwrite = true,
  }
  return aws.acm_certificate_validation "ingress" { certificate_arn = cert.arn, validation_record_fqdns = { record.fqdn } }
end

return function(options, network, groups, machines)
  local ingress = options.ingress
  if not ingress then return end
  local zone = aws.data.route53_zone "ingress" { name = ingress.zone or ingress.domain:match("^[^.]+%.(.+%..+)$") or ingress.domain }
  local name, subnets = options.name .. "-ingress", {}
  for i, each in ipairs(options.zones) do subnets[i] = network.public[each].id end
  local balancer = aws.lb "ingress" {
    name = name,
    load_balancer_type = "application",
    internal = false,
    subnets = subnets,
    security_groups = { groups.alb.id },
    drop_invalid_header_fields = true,
    tags = { Name = name },
    depends_on = { network.gateway },
  }
  -- An ingress without a route for "/" answers 404, and is well.
  local targets = aws.lb_target_group "ingress" {
    name = name,
    port = ingress.port or 30080,
    protocol = "HTTP",
    target_type = "instance",
    vpc_id = network.vpc.id,
    health_check = { protocol = "HTTP", path = "/", interval = 10, healthy_threshold = 2, unhealthy_threshold = 3, matcher = "200-499" },
    tags = { Name = name },
  }
  aws.lb_listener "ingress-https" {
    load_balancer_arn = balancer.arn,
    port = 443,
    protocol = "HTTPS",
    ssl_policy = TLS_POLICY,
    certificate_arn = certificate(ingress.domain, zone).certificate_arn,
    default_action = { { type = "forward", target_group_arn = targets.arn } },
  }
  aws.lb_listener "ingress-http" {
    load_balancer_arn = balancer.arn,
    port = 80,
    protocol = "HTTP",
    default_action = { { type = "redirect", redirect = { port = "443", protocol = "HTTPS", status_code = "HTTP_301" } } },
  }
  for _, node in ipairs(options.nodes) do
    if node.role ~= "control-plane" then
      aws.lb_target_group_attachment("ingress-" .. node.name) { target_group_arn = targets.arn, target_id = machines[node.name].id }
    end
  end
  aws.route53_record "ingress" {
    zone_id = zone.zone_id,
    name = ingress.domain,
    type = "A",
    alias = { name = balancer.dns_name, zone_id = balancer.zone_id, evaluate_target_health = true },
  }
  output "ingress" { value = "https://" .. ingress.domain, doc = "where the ingress is reached" }
end
