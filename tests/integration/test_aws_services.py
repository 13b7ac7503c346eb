"""IAM, load balancers, certificates, DNS, buckets and data sources: each type made, found unchanged, changed, replaced, repaired, imported, removed."""

import json

from aws_site import AwsCase, Pending, unittest

TRUST = '{ Statement = { { Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } } } }'
READER = '{ Statement = { { Effect = "Allow", Action = { "ec2:DescribeInstances", "ec2:DescribeTags" }, Resource = "*" } } }'

OTHER = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}'

NETWORK = """
local vpc = aws.vpc "main" { cidr_block = "10.0.0.0/16" }
local subnets = {}
for i, zone in ipairs { "a", "c" } do
  subnets[i] = aws.subnet("s" .. i) { vpc_id = vpc.id, cidr_block = slipway.cidr("10.0.0.0/16", i, 24), availability_zone = "ap-northeast-2" .. zone }.id
end
"""


def document(text) -> dict:
    return text if isinstance(text, dict) else json.loads(text)


class Services(AwsCase):
    def refresh(self, site, most: int) -> dict[str, int]:
        """A plan that finds nothing to do, in at most so many calls that only read. Gives the calls by name."""
        since = len(self.proxy.calls)
        site.converged()
        self.assertEqual(self.proxy.mutations(since), [])
        self.assertLessEqual(len(self.proxy.calls) - since, most, self.calls(since))
        return self.proxy.counts(since)

    def changes(self, site, expected: dict[str, str]) -> None:
        """What the plan would do, in words: create, update, delete, replace; and then it is done and nothing is left."""
        words = {address: "replace" if len(actions) == 2 else actions[0] for address, actions in site.plan().items()}
        self.assertEqual(words, expected)
        site.apply().expect(0)
        site.converged()

    def gone(self, site) -> None:
        site.destroy().expect(0)
        self.assertEqual(self.moto.inventory(), {})
        self.assertEqual(site.sql("select count(*) from resource"), [(0,)])
        self.assertEqual(site.sql("select count(*) from intent where outcome is null"), [(0,)])

    def adopted(self, site, ids: dict[str, str]) -> None:
        """Each thing is forgotten and imported again; then nothing is left to do."""
        for address, thing in ids.items():
            site.run("state", "rm", "--yes", address).expect(0)
            site.run("import", address, thing).expect(0)
        self.assertEqual(site.plan(), {})

    # ---- IAM

    IAM = """
local role = aws.iam_role "node" {{ name = "eco-node", assume_role_policy = {trust}, description = "{description}", max_session_duration = {session}, tags = {{ Owner = "{owner}" }} }}
local reader = aws.iam_policy "reader" {{ name = "eco-reader", policy = {policy} }}
aws.iam_role_policy "inline" {{ name = "inline", role = role.name, policy = {{ Statement = {{ {{ Effect = "Allow", Action = "sts:GetCallerIdentity", Resource = role.arn }} }} }} }}
aws.iam_role_policy_attachment "reader" {{ role = role.name, policy_arn = reader.arn }}
aws.iam_instance_profile "node" {{ name = "eco-profile", role = role.name }}
"""

    def iam(self, **more: str) -> str:
        values = {"trust": TRUST, "description": "nodes", "session": 3600, "owner": "a", "policy": READER} | more
        return self.IAM.format(**values)

    def test_iam(self):
        self.proxy.world.invisible = {"role": 2, "instance_profile": 2}
        site, iam = self.site().small(self.iam()), self.moto.client("iam")
        site.apply().expect(0)
        self.assertEqual(set(self.moto.inventory()), {"role", "role_policy", "role_policy_attachment", "policy", "instance_profile"})
        self.refresh(site, 8)

        # In place.
        site.small(self.iam(description="machines", session=7200, owner="b", policy=READER.replace("ec2:DescribeTags", "ec2:DescribeVpcs"),
                            trust=TRUST.replace('"ec2.amazonaws.com"', '{ "ssm.amazonaws.com", "ec2.amazonaws.com" }')))
        self.changes(site, {"aws_iam_role.node": "update", "aws_iam_policy.reader": "update"})
        role = iam.get_role(RoleName="eco-node")["Role"]
        self.assertEqual((role["Description"], role["MaxSessionDuration"]), ("machines", 7200))
        self.assertEqual(sorted(document(role["AssumeRolePolicyDocument"])["Statement"][0]["Principal"]["Service"]),
                         ["ec2.amazonaws.com", "ssm.amazonaws.com"])
        tags = {tag["Key"]: tag["Value"] for tag in role["Tags"]}
        self.assertEqual(tags["Owner"], "b")
        self.assertRegex(tags["slipway:token"], "^[0-9a-f]{32}$")

        # The same in another form is no change: JSON, one text as a list, another order.
        site.small(self.iam(description="machines", session=7200, owner="b", trust=TRUST.replace('"ec2.amazonaws.com"', '{ "ec2.amazonaws.com", "ssm.amazonaws.com" }'),
                            policy="""'{"Version":"2012-10-17","Statement":{"Resource":["*"],"Effect":"Allow","Action":["ec2:DescribeVpcs","ec2:DescribeInstances"]}}'"""))
        site.converged()

        # By hand.
        iam.update_assume_role_policy(RoleName="eco-node", PolicyDocument=json.dumps(document(role["AssumeRolePolicyDocument"]) | {
            "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}]}))
        iam.put_role_policy(RoleName="eco-node", PolicyName="inline", PolicyDocument=OTHER)
        iam.detach_role_policy(RoleName="eco-node", PolicyArn="arn:aws:iam::123456789012:policy/eco-reader")
        iam.remove_role_from_instance_profile(RoleName="eco-node", InstanceProfileName="eco-profile")
        iam.tag_role(RoleName="eco-node", Tags=[{"Key": "Stray", "Value": "x"}])
        site.run("drift").expect(2, "aws_iam_role.node", "aws_iam_role_policy.inline", "aws_iam_role_policy_attachment.reader", "aws_iam_instance_profile.node")
        self.changes(site, {"aws_iam_role.node": "update", "aws_iam_role_policy.inline": "update", "aws_iam_role_policy_attachment.reader": "create",
                            "aws_iam_instance_profile.node": "update"})
        self.assertNotIn("Stray", {tag["Key"] for tag in iam.get_role(RoleName="eco-node")["Role"]["Tags"]})
        self.assertEqual(iam.get_instance_profile(InstanceProfileName="eco-profile")["InstanceProfile"]["Roles"][0]["RoleName"], "eco-node")

        self.adopted(site, {
            "aws_iam_role.node": "eco-node", "aws_iam_policy.reader": "arn:aws:iam::123456789012:policy/eco-reader",
            "aws_iam_role_policy.inline": "eco-node:inline", "aws_iam_instance_profile.node": "eco-profile",
            "aws_iam_role_policy_attachment.reader": "eco-node/arn:aws:iam::123456789012:policy/eco-reader"})

        # A new name is a new role, and what hangs on it follows.
        site.play('local aws = require "aws"\n' + self.iam(description="machines").replace("eco-node", "eco-other").replace("eco-reader", "eco-writer"))
        changes = site.plan()
        self.assertEqual(len(changes["aws_iam_role.node"]), 2)
        self.assertEqual(len(changes["aws_iam_policy.reader"]), 2)
        site.apply().expect(0)
        site.converged()
        self.assertEqual(set(self.moto.inventory()["role"]), {"eco-other"})
        self.gone(site)

    def test_iam_grows_by_pages(self):
        body = """
for i = 1, 30 do
  local role = aws.iam_role("r" .. i) {{ assume_role_policy = {trust}, tags = {{ Number = tostring(i) }} }}
  local policy = aws.iam_policy("p" .. i) {{ policy = {policy} }}
  aws.iam_role_policy("i" .. i) {{ role = role.name, policy = {policy} }}
  aws.iam_role_policy_attachment("a" .. i) {{ role = role.name, policy_arn = policy.arn }}
  aws.iam_instance_profile("f" .. i) {{ role = role.name }}
end
""".format(trust=TRUST, policy=READER)
        body = body.replace("tostring(i)", '"n" .. i')
        site = self.site().small(body)
        site.apply().expect(0, "150 done")
        found = self.refresh(site, 6)
        self.assertEqual(found["iam:GetAccountAuthorizationDetails"], 2, found)
        # Who may not read the whole account pays one by one.
        self.proxy.rules.unauthorized("iam:GetAccountAuthorizationDetails")
        found = self.refresh(site, 200)
        self.assertEqual((found["iam:GetRole"], found["iam:GetRolePolicy"], found["iam:ListAttachedRolePolicies"]), (30, 30, 30))
        self.proxy.rules.clear()
        self.moto.client("iam").put_role_policy(RoleName="r7", PolicyName="i7", PolicyDocument=OTHER)
        self.changes(site, {"aws_iam_role_policy.i7": "update"})
        self.gone(site)

    def test_iam_refusals(self):
        iam = self.moto.client("iam")
        trust = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}]})
        iam.create_role(RoleName="eco-node", AssumeRolePolicyDocument=trust)
        site = self.site().small(self.iam())
        site.apply().expect(1, "already, which this state does not know", "slipway import 'aws_iam_role.node' 'eco-node'")
        iam.delete_role(RoleName="eco-node")
        site.apply().expect(0)

        # What others attached is theirs: a destroy says what holds on.
        iam.attach_role_policy(RoleName="eco-node", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
        site.destroy().expect(1, "it still has the attached policy arn:aws:iam::aws:policy/ReadOnlyAccess", "force_detach_policies")
        site.apply().expect(0)
        site.small(self.iam().replace('name = "eco-node",', 'name = "eco-node", force_detach_policies = true,'))
        site.apply().expect(0)
        self.gone(site)

        # Nonsense is found before anything is asked.
        for wrong, words in (('policy = "{"', "expected a policy document"), ("policy = {}", "needs a Statement"),
                             ('policy = { Statement = { { Effect = "allow" } } }', '"Allow" or "Deny"')):
            since = len(self.proxy.calls)
            self.site().small(f'aws.iam_policy "p" {{ {wrong} }}').run("validate").expect(1, words)
            self.assertEqual(self.proxy.calls[since:], [])

    def test_iam_lost_answers(self):
        """An answer that is lost after the effect: the next run finds what was made by its token, and makes nothing twice."""
        for action in ("CreateRole", "CreatePolicy", "CreateInstanceProfile", "PutRolePolicy", "AttachRolePolicy", "AddRoleToInstanceProfile"):
            with self.subTest(action):
                self.moto.reset()
                self.proxy.reset()
                self.proxy.rules.drop(action)
                site = self.site().small(self.iam())
                site.apply()
                site.apply().expect(0)
                site.converged()
                self.assertEqual({kind: len(things) for kind, things in self.moto.inventory().items()},
                                 {"role": 1, "policy": 1, "role_policy": 1, "role_policy_attachment": 1, "instance_profile": 1})
                self.gone(site)

    def test_policy_versions(self):
        """IAM keeps five versions of a policy: the oldest makes room."""
        site = self.site()
        for number in range(8):
            site.small(f'aws.iam_policy "p" {{ policy = {READER.replace("ec2:DescribeTags", f"ec2:Describe{number}")} }}').apply().expect(0)
        versions = self.moto.client("iam").list_policy_versions(PolicyArn="arn:aws:iam::123456789012:policy/p")["Versions"]
        self.assertEqual(len(versions), 5)
        self.assertEqual([version["VersionId"] for version in versions if version["IsDefaultVersion"]], ["v8"])
        self.gone(site)

    # ---- load balancers

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

    # ---- certificates and DNS

    DNS = """
local zone = aws.route53_zone "z" {{ name = "Example.org.", comment = "{comment}", tags = {{ Owner = "{owner}" }} }}
local cert = aws.acm_certificate "c" {{ domain_name = "{domain}", subject_alternative_names = {{ "*.{domain}", "other.example.org" }}, lifecycle = {{ create_before_destroy = true }} }}
local records = {{}}
for i, option in ipairs {{ cert.domain_validation_options[1], cert.domain_validation_options[3] }} do
  records[i] = aws.route53_record("v" .. i) {{ zone_id = zone.id, name = option.resource_record_name, type = option.resource_record_type, ttl = 60, records = {{ option.resource_record_value }} }}
end
local valid = aws.acm_certificate_validation "c" {{ certificate_arn = cert.arn, validation_record_fqdns = {{ records[1].fqdn, records[2].fqdn }} }}
local alb = aws.lb "web" {{ subnets = subnets }}
local web = aws.lb_target_group "web" {{ port = 80, protocol = "HTTP", vpc_id = vpc.id }}
aws.lb_listener "https" {{ load_balancer_arn = alb.arn, port = 443, protocol = "HTTPS", certificate_arn = valid.certificate_arn, ssl_policy = "{ssl}",
  default_action = {{ type = "forward", target_group_arn = web.arn }} }}
aws.route53_record "www" {{ zone_id = zone.id, name = "www", type = "A", alias = {{ name = alb.dns_name, zone_id = alb.zone_id, evaluate_target_health = true }} }}
aws.route53_record "text" {{ zone_id = zone.id, name = "*.Example.org", type = "TXT", ttl = {ttl}, records = {{ 'say "hello"', "a&b<c>" }} }}
"""

    def dns(self, **more) -> str:
        return NETWORK + self.DNS.format(**({"comment": "ours", "owner": "a", "domain": "example.org", "ttl": 60, "ssl": "ELBSecurityPolicy-TLS13-1-2-2021-06"} | more))

    def test_certificate_and_dns(self):
        self.proxy.world.pending = {"certificate": Pending(describes=2), "change": Pending(describes=1)}
        site, route53, acm = self.site().small(self.dns()), self.moto.client("route53"), self.moto.client("acm")
        site.apply().expect(0)
        counts = self.refresh(site, 24)
        self.assertEqual((counts["acm:DescribeCertificate"], counts["route53:ListResourceRecordSets"]), (1, 1), counts)
        zone = site.id_of("aws_route53_zone.z")
        wild = [one for one in route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"] if one["Type"] == "TXT"]
        self.assertEqual([one["Value"] for one in wild[0]["ResourceRecords"]], ['"a&b<c>"', '"say \\"hello\\""'])
        self.assertEqual(site.recorded("aws_acm_certificate.c")["attributes"]["domain_validation_options"][1]["domain_name"], "*.example.org")

        site.small(self.dns(comment="theirs", owner="b", ttl=300, ssl="ELBSecurityPolicy-2016-08"))
        self.changes(site, {"aws_route53_zone.z": "update", "aws_route53_record.text": "update", "aws_lb_listener.https": "update"})

        # By hand.
        def change(action: str, record: dict) -> None:
            route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": record}]})
        text = {"Name": "*.example.org.", "Type": "TXT", "TTL": 5, "ResourceRecords": [{"Value": '"other"'}]}
        change("UPSERT", text)
        www = next(one for one in route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"] if one["Name"].startswith("www"))
        change("DELETE", www)
        acm.add_tags_to_certificate(CertificateArn=site.id_of("aws_acm_certificate.c"), Tags=[{"Key": "Stray", "Value": "x"}])
        self.changes(site, {"aws_route53_record.text": "update", "aws_route53_record.www": "create", "aws_acm_certificate.c": "update"})

        self.adopted(site, {
            "aws_route53_zone.z": zone, "aws_acm_certificate.c": site.id_of("aws_acm_certificate.c"),
            "aws_route53_record.text": f"{zone}_*.example.org_TXT", "aws_route53_record.www": f"{zone}_www.example.org_A",
            "aws_acm_certificate_validation.c": site.id_of("aws_acm_certificate_validation.c")})

        # Another domain is another certificate; the listener moves over before the old one goes.
        site.small(self.dns(comment="theirs", owner="b", ttl=300, ssl="ELBSecurityPolicy-2016-08", domain="new.example.org"))
        site.apply().expect(0)
        site.converged()
        self.assertEqual(list(self.moto.inventory()["certificate"].values()), ["new.example.org"])
        self.gone(site)

    def test_records_travel_together(self):
        body = """
local zone = aws.route53_zone "z" { name = "example.org" }
for i = 1, 40 do aws.route53_record("r" .. i) { zone_id = zone.id, name = "n" .. i, type = "A", ttl = 60, records = { "192.0.2." .. i } } end
aws.route53_record "blue" { zone_id = zone.id, name = "w", type = "A", ttl = 60, records = { "192.0.2.1" }, set_identifier = "blue", weighted_routing_policy = { weight = 90 } }
aws.route53_record "green" { zone_id = zone.id, name = "w", type = "A", ttl = 60, records = { "192.0.2.2" }, set_identifier = "green", weighted_routing_policy = { weight = 10 } }
"""
        self.proxy.world.pending = {"change": Pending(describes=1)}
        site = self.site().small(body)
        since = len(self.proxy.calls)
        site.apply("--parallelism", "64").expect(0, "43 done")
        counts = self.proxy.counts(since)
        self.assertLessEqual(counts["route53:ChangeResourceRecordSets"], 4, counts)
        self.refresh(site, 4)
        self.proxy.world.page_size = 5
        self.assertEqual(self.refresh(site, 14)["route53:ListResourceRecordSets"], 9)
        site.play('local aws = require "aws"\n' + body.replace("weight = 90", "weight = 80"))
        self.changes(site, {"aws_route53_record.blue": "update"})

        # Another name is another record, in one change with the old one.
        body = body.replace('name = "n" .. i', 'name = (i == 3 and "m" or "n") .. i')
        since = len(self.proxy.calls)
        site.small(body.replace("weight = 90", "weight = 80"))
        self.changes(site, {"aws_route53_record.r3": "update"})
        self.assertEqual(self.proxy.counts(since)["route53:ChangeResourceRecordSets"], 1)

        # One that is refused does not take the others along.
        site.small(body.replace('"192.0.2." .. i', 'i == 7 and "no address" or "192.0.3." .. i').replace("weight = 90", "weight = 80"))
        site.apply("--parallelism", "64").expect(1, "aws_route53_record.r7", "39 done, 1 failed")
        site.small(body.replace("weight = 90", "weight = 80"))
        site.apply().expect(0)
        self.gone(site)

    def test_dns_refusals(self):
        route53 = self.moto.client("route53")
        site = self.site().small('aws.route53_zone "z" { name = "example.org" }')
        site.apply().expect(0)
        zone = site.id_of("aws_route53_zone.z")
        theirs = {"Name": "www.example.org.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.9"}]}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": theirs}]})
        body = 'local z = aws.route53_zone "z" { name = "example.org" }\naws.route53_record "www" { zone_id = z.id, name = "www", type = "A", ttl = 60, records = { "192.0.2.1" }'
        site.small(body + " }").apply().expect(1, "already, which this state does not know", f"slipway import 'aws_route53_record.www' '{zone}_www.example.org_A'")
        self.assertEqual(route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"][-1]["ResourceRecords"], [{"Value": "192.0.2.9"}])
        site.small(body + ", allow_overwrite = true }").apply().expect(0)
        site.converged()
        # A zone with others' records in it says so.
        site.small('aws.route53_zone "z" { name = "example.org" }').apply().expect(0)
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": theirs}]})
        self.proxy.rules.fail("DeleteHostedZone", "HostedZoneNotEmpty", "The specified hosted zone contains non-required resource record sets")
        site.destroy().expect(1, "it still has 1 records: www.example.org A", "force_destroy")
        site.small('aws.route53_zone "z" { name = "example.org", force_destroy = true }').apply().expect(0)
        self.gone(site)
        for wrong, words in (('name = "a", type = "A", ttl = 60', "either records or alias"), ('name = "a", type = "A", records = { "1" }', "needs ttl"),
                             ('name = "a", type = "Q", ttl = 1, records = { "1" }', "type"),
                             ('name = "a", type = "A", ttl = 1, records = { "1" }, weighted_routing_policy = { weight = 1 }', "needs set_identifier")):
            self.site().small(f'aws.route53_record "r" {{ zone_id = "Z1", {wrong} }}').run("validate").expect(1, words)

    def test_certificate_and_dns_lost_answers(self):
        for action in ("RequestCertificate", "CreateHostedZone", "ChangeResourceRecordSets"):
            with self.subTest(action):
                self.moto.reset()
                self.proxy.reset()
                self.proxy.rules.drop(action)
                site = self.site().small(self.dns())
                site.apply()
                site.apply().expect(0)
                site.converged()
                counted = {kind: len(things) for kind, things in self.moto.inventory().items()}
                self.assertEqual((counted["certificate"], counted["zone"], counted["record"]), (1, 1, 4))
                self.gone(site)

    def test_certificate_that_fails(self):
        site = self.site().small('local c = aws.acm_certificate "c" { domain_name = "example.org" }\naws.acm_certificate_validation "v" { certificate_arn = c.arn }')

        def failed(call, answer):
            if call.action == "DescribeCertificate" and answer.ok:
                document = json.loads(answer.body)
                document["Certificate"].update(Status="FAILED", FailureReason="CAA_ERROR")
                answer.body = json.dumps(document).encode()
        self.proxy.observers.append(failed)
        site.apply().expect(1, "the certificate is FAILED: CAA_ERROR", "CAA records")

    # ---- buckets

    BUCKET = """
local b = aws.s3_bucket "logs" {{ bucket = "eco-logs-1", tags = {{ Owner = "{owner}" }}{more} }}
aws.s3_bucket_versioning "logs" {{ bucket = b.id, versioning_configuration = {{ status = "{status}" }} }}
aws.s3_bucket_server_side_encryption_configuration "logs" {{ bucket = b.id, rule = {{ apply_server_side_encryption_by_default = {{ sse_algorithm = "{sse}" }} }} }}
aws.s3_bucket_public_access_block "logs" {{ bucket = b.id, block_public_acls = true, block_public_policy = true, ignore_public_acls = true, restrict_public_buckets = {restrict} }}
"""

    def bucket(self, **more) -> str:
        return self.BUCKET.format(**({"owner": "a", "status": "Enabled", "sse": "AES256", "restrict": "true", "more": ""} | more))

    def test_bucket(self):
        site, s3 = self.site().small(self.bucket()), self.moto.client("s3")
        site.apply().expect(0)
        self.assertEqual(s3.get_bucket_location(Bucket="eco-logs-1")["LocationConstraint"], self.region)
        self.refresh(site, 4)
        changed = dict(owner="b", status="Suspended", sse="aws:kms", restrict="false")
        site.small(self.bucket(**changed))
        self.changes(site, {"aws_s3_bucket.logs": "update", "aws_s3_bucket_versioning.logs": "update",
                            "aws_s3_bucket_server_side_encryption_configuration.logs": "update", "aws_s3_bucket_public_access_block.logs": "update"})
        tags = {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket="eco-logs-1")["TagSet"]}
        self.assertEqual(tags["Owner"], "b")
        self.assertIn("slipway:token", tags)

        s3.put_bucket_versioning(Bucket="eco-logs-1", VersioningConfiguration={"Status": "Enabled"})
        s3.delete_public_access_block(Bucket="eco-logs-1")
        s3.put_bucket_encryption(Bucket="eco-logs-1", ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]})
        self.changes(site, {"aws_s3_bucket_versioning.logs": "update", "aws_s3_bucket_public_access_block.logs": "create",
                            "aws_s3_bucket_server_side_encryption_configuration.logs": "update"})
        self.adopted(site, {f"aws_s3_bucket{kind}.logs": "eco-logs-1" for kind in ("", "_versioning", "_server_side_encryption_configuration", "_public_access_block")})

        self.gone(site)

    def test_what_is_in_a_bucket(self):
        """It is kept, unless one says otherwise; then all versions go, and the marks of deletions."""
        site, s3 = self.site().small('aws.s3_bucket "b" { bucket = "eco-full" }'), self.moto.client("s3")
        site.apply().expect(0)
        s3.put_bucket_versioning(Bucket="eco-full", VersioningConfiguration={"Status": "Enabled"})
        for name in ("a b&c", "d/e", "d/e", "<x>"):
            s3.put_object(Bucket="eco-full", Key=name, Body=b"x")
        s3.delete_object(Bucket="eco-full", Key="d/e")
        site.destroy().expect(1, "there are objects in it", "force_destroy")
        self.assertEqual(len(s3.list_object_versions(Bucket="eco-full")["Versions"]), 4)
        site.small('aws.s3_bucket "b" { bucket = "eco-full", force_destroy = true }').apply().expect(0)
        self.gone(site)

    def test_bucket_refusals(self):
        for region, where in (("us-east-1", {}), ("ap-northeast-2", {"CreateBucketConfiguration": {"LocationConstraint": "ap-northeast-2"}})):
            with self.subTest(region):
                self.moto.client("s3", region).create_bucket(Bucket=f"eco-{region}", **where)
                site = self.site().small(f'aws.s3_bucket "b" {{ bucket = "eco-{region}" }}')
                file = site.directory / "inventory.yaml"
                file.write_text(file.read_text().replace(self.region, region))
                site.apply().expect(1, "already, which this state does not know")
        self.site().small('aws.s3_bucket "b" { bucket = "No_Name" }').run("validate").expect(1, "3 to 63 small letters")
        site = self.site().small('aws.s3_bucket "b" { bucket = "eco-new" }')
        file = site.directory / "inventory.yaml"
        file.write_text(file.read_text().replace(self.region, "us-east-1"))
        site.apply().expect(0)
        site.destroy().expect(0)

    # ---- data sources

    def test_data_sources(self):
        ssm, route53 = self.moto.client("ssm"), self.moto.client("route53")
        ssm.put_parameter(Name="/eco/image", Value="ami-123", Type="String")
        ssm.put_parameter(Name="/eco/password", Value="hunter2-hunter2", Type="SecureString")
        for number in range(12):
            ssm.put_parameter(Name=f"/eco/n{number}", Value=f"v{number}", Type="String")
        zone = route53.create_hosted_zone(Name="example.org", CallerReference="x")["HostedZone"]["Id"].rsplit("/", 1)[-1]
        site = self.site().small("""
local me = aws.data.caller_identity "me" {}
local image = aws.data.ssm_parameter "image" { name = "/eco/image" }
local password = aws.data.ssm_parameter "password" { name = "/eco/password" }
for i = 0, 11 do aws.data.ssm_parameter("n" .. i) { name = "/eco/n" .. i } end
local zone = aws.data.route53_zone "z" { name = "example.org." }
output "account" { value = me.account_id }
output "image" { value = image.value }
output "zone" { value = zone.zone_id }
output "password" { value = password.value }
aws.iam_role "r" { description = "runs " .. image.value, assume_role_policy = %s, tags = { Secret = password.value } }
""" % TRUST)
        since = len(self.proxy.calls)
        plan = site.run("plan").expect(0, without=("hunter2",))
        self.assertIn("(sensitive)", plan.text)
        self.assertEqual(self.proxy.counts(since)["ssm:GetParameters"], 2)
        site.apply().expect(0, "1 done", without=("hunter2",))
        self.assertEqual(site.run("output", "account").expect(0).out, "123456789012\n")
        self.assertEqual(site.run("output", "image").expect(0).out, "ami-123\n")
        self.assertEqual(site.run("output", "zone").expect(0).out, zone + "\n")
        role = self.moto.client("iam").get_role(RoleName="r")["Role"]
        self.assertEqual(role["Description"], "runs ami-123")
        self.assertIn({"Key": "Secret", "Value": "hunter2-hunter2"}, role["Tags"])
        site.converged()
        for name in site.state.iterdir():
            if name.is_file():
                self.assertNotIn(b"hunter2", name.read_bytes(), name)
        site.destroy().expect(0, without=("hunter2",))
        self.site().small("""
local password = aws.data.ssm_parameter "password" { name = "/eco/password" }
aws.route53_record "t" { zone_id = "Z1", name = "t", type = "TXT", ttl = 60, records = { password.value } }
""").run("plan").expect(1, "DNS is public", without=("hunter2",))
        self.site().small('aws.data.ssm_parameter "x" { name = "/eco/none" }').run("plan").expect(1, "data.aws_ssm_parameter.x", "/eco/none")
        self.site().small('aws.data.route53_zone "x" { name = "example.com" }').run("plan").expect(1, "data.aws_route53_zone.x", "example.com")

    def test_default_tags(self):
        """A default tag that comes, changes or is taken away by hand is brought in line, without showing in `tags`."""
        site = self.site()
        play = f'aws.iam_role "r" {{ assume_role_policy = {TRUST} }}\naws.s3_bucket "b" {{ bucket = "eco-tags" }}'
        site.small(play).apply().expect(0)
        site.small(play, provider=", default_tags: { team: platform }")
        self.changes(site, {"aws_iam_role.r": "update", "aws_s3_bucket.b": "update"})
        iam, s3 = self.moto.client("iam"), self.moto.client("s3")
        iam.untag_role(RoleName="r", TagKeys=["team"])
        self.changes(site, {"aws_iam_role.r": "update"})
        self.assertIn({"Key": "team", "Value": "platform"}, iam.list_role_tags(RoleName="r")["Tags"])
        self.assertIn({"Key": "team", "Value": "platform"}, s3.get_bucket_tagging(Bucket="eco-tags")["TagSet"])
        self.gone(site)


if __name__ == "__main__":
    unittest.main()
