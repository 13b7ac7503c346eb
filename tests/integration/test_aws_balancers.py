"""Load balancers: target groups, targets, listeners and rules."""

from aws_types import NETWORK, Pending, TypesCase, unittest


class Balancers(TypesCase):
    ELB = """
local open = aws.security_group "web" {{ name = "web", description = "web", vpc_id = vpc.id }}
local api = aws.lb_target_group "api" {{ port = 6443, protocol = "TCP", vpc_id = vpc.id, target_type = "ip", deregistration_delay = {delay},
  health_check = {{ protocol = "HTTPS", path = "{path}", interval = 10 }} }}
local web = aws.lb_target_group "web" {{ name_prefix = "web", port = {port}, protocol = "HTTP", vpc_id = vpc.id, target_type = "ip", lifecycle = {{ create_before_destroy = true }} }}
local nlb = aws.lb "api" {{ name = "{nlb}", load_balancer_type = "network", internal = true, subnets = subnets, enable_cross_zone_load_balancing = true }}
local alb = aws.lb "web" {{ subnets = subnets, security_groups = {{ open.id }}, idle_timeout = {idle}, tags = {{ Owner = "{owner}" }} }}
for i = 1, {targets} do aws.lb_target_group_attachment("cp" .. i) {{ target_group_arn = api.arn, target_id = "10.0.1." .. (10 + i), port = 6443 }} end
aws.lb_listener "api" {{ load_balancer_arn = nlb.arn, port = {api_port}, protocol = "TCP", default_action = {{ type = "forward", target_group_arn = api.arn }} }}
local http = aws.lb_listener "http" {{ load_balancer_arn = alb.arn, port = 80, protocol = "HTTP",
  default_action = {{ type = "redirect", redirect = {{ port = "443", protocol = "HTTPS", status_code = "{redirect}" }} }} }}
aws.lb_listener_rule "ok" {{ listener_arn = http.arn, priority = {priority}, condition = {{ {{ path_pattern = {{ values = {{ "{match}", "/a" }} }} }} }},
  action = {{ type = "fixed-response", fixed_response = {{ content_type = "text/plain", status_code = "200", message_body = "ok" }} }} }}
aws.lb_listener_rule "some" {{ listener_arn = http.arn, priority = 20, action = {{ type = "forward", forward = {{ target_group = {{ {{ arn = web.arn, weight = 10 }} }} }} }},
  condition = {{ {{ host_header = {{ values = {{ "b.example.org", "a.example.org" }} }} }}, {{ query_string = {{ {{ key = "k", value = "v" }} }} }} }} }}
"""

    def elb(self, **more) -> str:
        values = {"delay": 30, "path": "/readyz", "port": 80, "nlb": "eco-api", "idle": 60, "owner": "a", "targets": 14, "api_port": 6443,
                  "redirect": "HTTP_301", "priority": 10, "match": "/healthz"} | more
        return NETWORK + self.ELB.format(**values)

    def test_load_balancers(self):
        world, elb = self.proxy.world, self.moto.client("elbv2")
        world.pending = {"lb": Pending(describes=3)}
        world.invisible = {"target_group": 1}
        world.linger = 1
        site = self.site().small(self.elb())
        since = len(self.proxy.calls)
        site.apply().expect(0)
        counts = self.proxy.counts(since)
        self.assertLessEqual(counts["elbv2:RegisterTargets"], 4, "targets of a group go together")
        found = self.refresh(site, 25)
        self.assertLessEqual(sum(count for name, count in found.items() if name.startswith("elbv2:")), 20, found)

        changed = dict(delay=60, path="/livez", idle=120, owner="b", api_port=443, redirect="HTTP_302", priority=11, match="/ping", targets=13)
        site.small(self.elb(**changed))
        self.changes(site, {"aws_lb_target_group.api": "update", "aws_lb.web": "update", "aws_lb_listener.api": "update", "aws_lb_listener.http": "update",
                            "aws_lb_listener_rule.ok": "update", "aws_lb_target_group_attachment.cp14": "delete"})
        group = site.recorded("aws_lb_target_group.api")["attributes"]
        self.assertEqual((group["health_check"]["path"], group["health_check"]["interval"], group["deregistration_delay"]), ("/livez", 10, 60))

        # By hand: an attribute, a target, a rule, a listener.
        web = site.id_of("aws_lb.web")
        elb.modify_load_balancer_attributes(LoadBalancerArn=web, Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "17"}])
        elb.deregister_targets(TargetGroupArn=group["arn"], Targets=[{"Id": "10.0.1.11", "Port": 6443}])
        elb.delete_rule(RuleArn=site.id_of("aws_lb_listener_rule.some"))
        elb.delete_listener(ListenerArn=site.id_of("aws_lb_listener.api"))
        elb.modify_listener(ListenerArn=site.id_of("aws_lb_listener.http"), DefaultActions=[
            {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404", "ContentType": "text/plain"}}])
        self.changes(site, {"aws_lb.web": "update", "aws_lb_target_group_attachment.cp1": "create", "aws_lb_listener_rule.some": "create",
                            "aws_lb_listener.api": "create", "aws_lb_listener.http": "update"})

        self.adopted(site, {address: site.id_of(address) for address in (
            "aws_lb.web", "aws_lb_target_group.api", "aws_lb_listener.http", "aws_lb_listener_rule.ok", "aws_lb_target_group_attachment.cp3")})

        # What cannot change in place; the group that is in use is made anew first.
        site.small(self.elb(**changed, port=8080))
        site.apply().expect(0, "aws_lb_target_group.web")
        site.converged()
        self.assertEqual([one["Port"] for one in elb.describe_target_groups()["TargetGroups"] if one["Protocol"] == "HTTP"], [8080])
        site.small(self.elb(**changed, port=8080, nlb="eco-other"))
        site.apply().expect(0)
        site.converged()
        self.assertEqual({lb["LoadBalancerName"] for lb in elb.describe_load_balancers()["LoadBalancers"]}, {"web", "eco-other"})
        self.gone(site)

    def test_load_balancer_refusals(self):
        elb, ec2 = self.moto.client("elbv2"), self.moto.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{n}.0/24", AvailabilityZone=f"{self.region}{z}")["Subnet"]["SubnetId"] for n, z in ((1, "a"), (2, "c"))]
        elb.create_load_balancer(Name="web", Subnets=subnets)
        elb.create_target_group(Name="api", Port=1, Protocol="TCP", VpcId=vpc)
        site = self.site().small(self.elb())
        site.apply().expect(1, "there is a load balancer 'web' already", "there is a target group 'api' already", "slipway import 'aws_lb.web'")
        self.site().small('aws.lb "x_y" { subnets = {} }').run("validate").expect(1, "'x_y' is no name")
        self.site().small('aws.lb "x" { }').run("validate").expect(1, "either subnets or subnet_mapping")
        self.site().small('aws.lb_listener "x" { load_balancer_arn = "a", port = 1, protocol = "HTTPS", default_action = { type = "forward", target_group_arn = "t" } }') \
            .run("validate").expect(1, "needs certificate_arn")
        self.site().small('aws.lb_listener "x" { load_balancer_arn = "a", port = 1, protocol = "HTTP", default_action = { type = "redirect" } }') \
            .run("validate").expect(1, "needs redirect")

    def test_a_protected_load_balancer(self):
        site = self.site().small(NETWORK + 'aws.lb "web" { subnets = subnets, enable_deletion_protection = true }')
        site.apply().expect(0)
        site.converged()
        self.proxy.rules.fail("DeleteLoadBalancer", "OperationNotPermitted", "Load balancer cannot be deleted because deletion protection is enabled")
        site.destroy().expect(1, "app/web/", "is protected from being deleted", "enable_deletion_protection = false")
        self.gone(site)

    def test_load_balancer_lost_answers(self):
        for action in ("CreateLoadBalancer", "CreateTargetGroup", "CreateListener", "CreateRule", "RegisterTargets"):
            with self.subTest(action):
                self.moto.reset()
                self.proxy.reset()
                self.proxy.rules.drop(action)
                site = self.site().small(self.elb(targets=3))
                site.apply()
                site.apply().expect(0)
                site.converged()
                counted = {kind: len(things) for kind, things in self.moto.inventory().items()}
                self.assertEqual({kind: counted[kind] for kind in ("lb", "target_group", "listener", "listener_rule", "target")},
                                 {"lb": 2, "target_group": 2, "listener": 2, "listener_rule": 2, "target": 3})
                self.gone(site)


if __name__ == "__main__":
    unittest.main()
