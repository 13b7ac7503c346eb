#!/usr/bin/env python3
"""Moving in: what Terraform made (here: made by the AWS SDK, and written down as Terraform 1.5 does) is adopted in one go, and the plan is
empty. Against moto, which `.ci/setup aws` installs."""

from __future__ import annotations

import json
import re

from harness import Case, unittest
from moto import ACCOUNT, REGION, Moto

PLAYBOOK = """
local aws = require "aws"
local vpc = aws.vpc "main" { cidr_block = "10.0.0.0/16", enable_dns_hostnames = true, tags = { Name = "main" } }
local private = {}
for i, zone in ipairs { "a", "c" } do
  private[i] = aws.subnet("private-" .. (i - 1)) { vpc_id = vpc.id, cidr_block = ("10.0.%d.0/24"):format(i), availability_zone = "%REGION%" .. zone,
    tags = { Name = "private-" .. zone } }
end
local gateway = aws.internet_gateway "main" { vpc_id = vpc.id }
local routes = aws.route_table "private" { vpc_id = vpc.id, tags = { Name = "private" } }
aws.route "out" { route_table_id = routes.id, destination_cidr_block = "0.0.0.0/0", gateway_id = gateway.id }
for i, subnet in ipairs(private) do
  aws.route_table_association("private_" .. (i - 1)) { subnet_id = subnet.id, route_table_id = routes.id }
end
local group = aws.security_group "nodes" { name = "nodes", description = "what nodes may", vpc_id = vpc.id }
aws.vpc_security_group_ingress_rule "ssh" { security_group_id = group.id, cidr_ipv4 = "203.0.113.0/24", from_port = 22, to_port = 22,
  ip_protocol = "tcp", description = "ssh" }
for _, name in ipairs { "auth-1", "web" } do
  aws.instance(name) { ami = "%AMI%", instance_type = "t3.small", subnet_id = private[1].id, vpc_security_group_ids = { group.id },
    user_data = "#!/bin/sh\\n", tags = { Name = name } }
end
aws.ebs_volume "data" { availability_zone = "%REGION%a", size = 10, encrypted = true, tags = { Name = "data" } }
aws.eip "later" {}
"""


def resource(type_: str, name: str, instances: list[dict], module: str | None = None, mode: str = "managed", indices: list | None = None) -> dict:
    """A resource as Terraform 1.5 writes it into its state."""
    found = {"module": module} if module else {}
    found |= {"mode": mode, "type": type_, "name": name, "provider": 'provider["registry.example.org/hashicorp/aws"]', "instances": []}
    for number, attributes in enumerate(instances):
        instance = {} if indices is None else {"index_key": indices[number]}
        instance |= {"schema_version": 1, "attributes": attributes, "sensitive_attributes": []}
        if mode == "managed":
            instance |= {"private": "eyJzY2hlbWFfdmVyc2lvbiI6IjEifQ==", "dependencies": ["module.net.aws_vpc.main"]}
        found["instances"].append(instance)
    return found


class Account:
    """Made by the SDK in an empty account; `resources` says so in Terraform's words."""

    def __init__(self, moto: Moto) -> None:
        ec2 = moto.client("ec2")
        self.ami = ec2.describe_images(Owners=["099720109477"])["Images"][0]["ImageId"]

        def tags(kind: str, **named: str) -> list[dict]:
            return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in named.items()]}]

        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags("vpc", Name="main"))["Vpc"]["VpcId"]
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
        subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=REGION + zone,
                                     TagSpecifications=tags("subnet", Name=f"private-{zone}"))["Subnet"]["SubnetId"]
                   for number, zone in ((1, "a"), (2, "c"))]
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        table = ec2.create_route_table(VpcId=vpc, TagSpecifications=tags("route-table", Name="private"))["RouteTable"]["RouteTableId"]
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        associations = [ec2.associate_route_table(SubnetId=subnet, RouteTableId=table)["AssociationId"] for subnet in subnets]
        group = ec2.create_security_group(GroupName="nodes", Description="what nodes may", VpcId=vpc)["GroupId"]
        egress = [rule["SecurityGroupRuleId"] for rule in ec2.describe_security_group_rules(
            Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]]
        ec2.revoke_security_group_egress(GroupId=group, SecurityGroupRuleIds=egress)
        rule = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "203.0.113.0/24", "Description": "ssh"}]},
        ])["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        names = ("auth-1", "web")
        machines = [ec2.run_instances(ImageId=self.ami, InstanceType="t3.small", MinCount=1, MaxCount=1, SubnetId=subnets[0],
                                      SecurityGroupIds=[group], UserData="#!/bin/sh\n",
                                      TagSpecifications=tags("instance", Name=name))["Instances"][0]["InstanceId"] for name in names]
        volume = ec2.create_volume(AvailabilityZone=REGION + "a", Size=10, VolumeType="gp3", Encrypted=True,
                                   TagSpecifications=tags("volume", Name="data"))["VolumeId"]
        self.vpc, self.volume = vpc, volume

        def arn(kind: str, name: str) -> str:
            return f"arn:aws:ec2:{REGION}:{ACCOUNT}:{kind}/{name}"

        self.resources = [
            resource("aws_availability_zones", "zones", [{"id": REGION, "names": [REGION + "a", REGION + "c"]}], mode="data"),
            resource("aws_vpc", "main", [{
                "arn": arn("vpc", vpc), "assign_generated_ipv6_cidr_block": False, "cidr_block": "10.0.0.0/16", "enable_dns_hostnames": True,
                "enable_dns_support": True, "id": vpc, "instance_tenancy": "default", "ipv6_cidr_block": "", "owner_id": ACCOUNT,
                "tags": {"Name": "main"}, "tags_all": {"Name": "main"}}], module="module.net"),
            resource("aws_subnet", "private", [{
                "arn": arn("subnet", subnet), "assign_ipv6_address_on_creation": False, "availability_zone": REGION + zone,
                "cidr_block": f"10.0.{number}.0/24", "id": subnet, "map_public_ip_on_launch": False, "tags": {"Name": f"private-{zone}"},
                "tags_all": {"Name": f"private-{zone}"}, "timeouts": None, "vpc_id": vpc}
                for number, (subnet, zone) in enumerate(zip(subnets, "ac"), 1)], module="module.net", indices=[0, 1]),
            resource("aws_internet_gateway", "this", [{"arn": arn("internet-gateway", gateway), "id": gateway, "owner_id": ACCOUNT, "tags": {},
                                                       "tags_all": {}, "timeouts": None, "vpc_id": vpc}], module="module.main"),
            resource("aws_route_table", "private", [{"arn": arn("route-table", table), "id": table, "propagating_vgws": [], "route": [
                {"cidr_block": "0.0.0.0/0", "gateway_id": gateway, "nat_gateway_id": ""}], "tags": {"Name": "private"},
                "tags_all": {"Name": "private"}, "timeouts": None, "vpc_id": vpc}], module="module.net"),
            # Terraform's own id of a route says nothing to AWS: it is found by what else is recorded of it
            resource("aws_route", "internet", [{"destination_cidr_block": "0.0.0.0/0", "destination_ipv6_cidr_block": "", "gateway_id": gateway,
                                                "id": f"r-{table}1080289494", "nat_gateway_id": "", "origin": "CreateRoute",
                                                "route_table_id": table, "state": "active", "timeouts": None}], module="module.net"),
            resource("aws_route_table_association", "private", [{"gateway_id": "", "id": association, "route_table_id": table, "subnet_id": subnet,
                                                                 "timeouts": None} for association, subnet in zip(associations, subnets)],
                     module="module.net", indices=[0, 1]),
            resource("aws_security_group", "nodes", [{"arn": arn("security-group", group), "description": "what nodes may", "egress": [],
                                                      "id": group, "ingress": [], "name": "nodes", "name_prefix": "", "owner_id": ACCOUNT,
                                                      "revoke_rules_on_delete": False, "tags": {}, "tags_all": {}, "timeouts": None, "vpc_id": vpc}]),
            resource("aws_vpc_security_group_ingress_rule", "ssh", [{
                "arn": arn("security-group-rule", rule), "cidr_ipv4": "203.0.113.0/24", "cidr_ipv6": None, "description": "ssh", "from_port": 22,
                "id": rule, "ip_protocol": "tcp", "security_group_id": group, "security_group_rule_id": rule, "tags": None, "tags_all": {},
                "to_port": 22}]),
            resource("aws_instance", "node", [{
                "ami": self.ami, "arn": arn("instance", machine), "id": machine, "instance_type": "t3.small", "subnet_id": subnets[0],
                "tags": {"Name": name}, "tags_all": {"Name": name}, "user_data": "94f7cd0e7a4ad1bb8f6a1b1c5f9d7d0b64d36c6d",
                "user_data_replace_on_change": False, "vpc_security_group_ids": [group],
                "root_block_device": [{"encrypted": False, "volume_size": 8, "volume_type": "gp2"}]}
                for machine, name in zip(machines, names)], indices=list(names)),
            resource("aws_ebs_volume", "postgres", [{"arn": arn("volume", volume), "availability_zone": REGION + "a", "encrypted": True,
                                                     "id": volume, "size": 10, "type": "gp3", "tags": {"Name": "data"},
                                                     "tags_all": {"Name": "data"}}]),
            resource("aws_sns_topic", "alerts", [{"arn": f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts", "id": f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts"}]),
            resource("aws_key_pair", "old", [{"id": "old", "key_name": "old", "public_key": "ssh-ed25519 AAAA"}]),
        ]


def state(resources: list[dict]) -> str:
    return json.dumps({"version": 4, "terraform_version": "1.5.7", "serial": 41, "lineage": "3b5d3c2e-6e0f-2f8e-6c1d-0a6b1f1e9c11",
                       "outputs": {"password": {"value": "hunter2", "type": "string", "sensitive": True}}, "resources": resources,
                       "check_results": None}, indent=2)


MAP = """# what no rule finds
module.net.aws_route.internet: aws_route.out
aws_ebs_volume.postgres: aws_ebs_volume.data
aws_key_pair.old: ~
"""
ADOPTED = ["aws_ebs_volume.data", "aws_instance.auth-1", "aws_instance.web", "aws_internet_gateway.main", "aws_route.out",
           "aws_route_table.private", "aws_route_table_association.private_0", "aws_route_table_association.private_1",
           "aws_security_group.nodes", "aws_subnet.private-0", "aws_subnet.private-1", "aws_vpc.main",
           "aws_vpc_security_group_ingress_rule.ssh"]


OTHERS = """
local aws = require "aws"
local trust = { Version = "2012-10-17", Statement = { { Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } } } }
local read = { Version = "2012-10-17", Statement = { { Effect = "Allow", Action = "s3:GetObject", Resource = "*" } } }
local role = aws.iam_role "node" { name = "node", assume_role_policy = json.encode(trust) }
aws.iam_role_policy "read" { name = "read", role = role.name, policy = json.encode(read) }
aws.iam_role_policy_attachment "ssm" { role = role.name, policy_arn = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore" }
aws.iam_instance_profile "node" { name = "node", role = role.name }
local logs = aws.s3_bucket "logs" { bucket = "logs-of-ours" }
aws.s3_bucket_versioning "logs" { bucket = logs.id, versioning_configuration = { status = "Enabled" } }
aws.s3_bucket_public_access_block "logs" { bucket = logs.id, block_public_acls = true, block_public_policy = true, ignore_public_acls = true,
  restrict_public_buckets = true }
local zone = aws.route53_zone "main" { name = "example.org" }
aws.route53_record "api" { zone_id = zone.zone_id, name = "api.example.org", type = "A", ttl = 300, records = { "203.0.113.7" } }
local vpc = aws.vpc "main" { cidr_block = "10.0.0.0/16" }
local subnet = aws.subnet "a" { vpc_id = vpc.id, cidr_block = "10.0.1.0/24", availability_zone = "%REGION%a" }
local lb = aws.lb "api" { name = "api", load_balancer_type = "network", internal = true, subnets = { subnet.id } }
local group = aws.lb_target_group "api" { name = "api", port = 6443, protocol = "TCP", target_type = "ip", vpc_id = vpc.id }
aws.lb_listener "api" { load_balancer_arn = lb.arn, port = 6443, protocol = "TCP", default_action = { { type = "forward", target_group_arn = group.arn } } }
aws.lb_target_group_attachment "api" { target_group_arn = group.arn, target_id = "10.0.1.10", port = 6443 }
local address = aws.eip "nat" {}
aws.nat_gateway "nat" { allocation_id = address.id, subnet_id = subnet.id }
local vm = aws.instance "db" { ami = "%AMI%", instance_type = "t3.small", subnet_id = subnet.id }
local disk = aws.ebs_volume "db" { availability_zone = "%REGION%a", size = 10 }
aws.volume_attachment "db" { device_name = "/dev/sdf", instance_id = vm.id, volume_id = disk.id }
"""


def others(moto: Moto) -> tuple[str, list[dict]]:
    """What is not a network: the image used, and the rest of the types, each with the id that Terraform gives it."""
    ec2, iam, s3, dns, elb = (moto.client(service) for service in ("ec2", "iam", "s3", "route53", "elbv2"))
    ami = ec2.describe_images(Owners=["099720109477"])["Images"][0]["ImageId"]
    trust = json.dumps({"Statement": [{"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}}],
                        "Version": "2012-10-17"})
    read = json.dumps({"Statement": [{"Action": "s3:GetObject", "Effect": "Allow", "Resource": "*"}], "Version": "2012-10-17"})
    role = iam.create_role(RoleName="node", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName="node", PolicyName="read", PolicyDocument=read)
    managed = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    iam.attach_role_policy(RoleName="node", PolicyArn=managed)
    iam.create_instance_profile(InstanceProfileName="node")
    iam.add_role_to_instance_profile(InstanceProfileName="node", RoleName="node")
    bucket = "logs-of-ours"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    block = {"BlockPublicAcls": True, "BlockPublicPolicy": True, "IgnorePublicAcls": True, "RestrictPublicBuckets": True}
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)
    zone = dns.create_hosted_zone(Name="example.org.", CallerReference="once")["HostedZone"]["Id"].split("/")[-1]
    dns.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": {
        "Name": "api.example.org", "Type": "A", "TTL": 300, "ResourceRecords": [{"Value": "203.0.113.7"}]}}]})
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", AvailabilityZone=REGION + "a")["Subnet"]["SubnetId"]
    lb = elb.create_load_balancer(Name="api", Subnets=[subnet], Scheme="internal", Type="network")["LoadBalancers"][0]["LoadBalancerArn"]
    group = elb.create_target_group(Name="api", Protocol="TCP", Port=6443, VpcId=vpc, TargetType="ip")["TargetGroups"][0]["TargetGroupArn"]
    listener = elb.create_listener(LoadBalancerArn=lb, Protocol="TCP", Port=6443, DefaultActions=[
        {"Type": "forward", "TargetGroupArn": group}])["Listeners"][0]["ListenerArn"]
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": "10.0.1.10", "Port": 6443}])
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
    machine = ec2.run_instances(ImageId=ami, InstanceType="t3.small", MinCount=1, MaxCount=1, SubnetId=subnet)["Instances"][0]["InstanceId"]
    disk = ec2.create_volume(AvailabilityZone=REGION + "a", Size=10, VolumeType="gp3")["VolumeId"]
    ec2.attach_volume(Device="/dev/sdf", InstanceId=machine, VolumeId=disk)
    return ami, [
        resource("aws_iam_role", "node", [{"arn": role, "assume_role_policy": trust, "id": "node", "name": "node", "path": "/",
                                           "inline_policy": [], "managed_policy_arns": [managed], "max_session_duration": 3600, "tags": {}}]),
        resource("aws_iam_role_policy", "read", [{"id": "node:read", "name": "read", "role": "node", "policy": read}]),
        resource("aws_iam_role_policy_attachment", "ssm", [{"id": "node-20260101120000000000000001", "policy_arn": managed, "role": "node"}]),
        resource("aws_iam_instance_profile", "node", [{"id": "node", "name": "node", "path": "/", "role": "node", "tags": {}}]),
        resource("aws_s3_bucket", "logs", [{"arn": f"arn:aws:s3:::{bucket}", "bucket": bucket, "id": bucket, "force_destroy": False, "tags": {},
                                            "versioning": [{"enabled": True, "mfa_delete": False}], "region": REGION}]),
        resource("aws_s3_bucket_versioning", "logs", [{"bucket": bucket, "expected_bucket_owner": "", "id": bucket, "mfa": None,
                                                       "versioning_configuration": [{"mfa_delete": "", "status": "Enabled"}]}]),
        resource("aws_s3_bucket_public_access_block", "logs", [{
            "bucket": bucket, "id": bucket, "block_public_acls": True, "block_public_policy": True, "ignore_public_acls": True,
            "restrict_public_buckets": True}]),
        resource("aws_route53_zone", "main", [{"id": zone, "zone_id": zone, "name": "example.org", "comment": "Managed by Terraform", "vpc": [],
                                               "force_destroy": False, "name_servers": [], "tags": {}}]),
        resource("aws_route53_record", "api", [{
            "alias": [], "allow_overwrite": None, "fqdn": "api.example.org", "id": f"{zone}_api.example.org_A", "name": "api.example.org",
            "records": ["203.0.113.7"], "set_identifier": "", "ttl": 300, "type": "A", "zone_id": zone, "weighted_routing_policy": []}]),
        resource("aws_vpc", "main", [{"id": vpc, "cidr_block": "10.0.0.0/16"}]),
        resource("aws_subnet", "a", [{"id": subnet, "vpc_id": vpc, "cidr_block": "10.0.1.0/24", "availability_zone": REGION + "a"}]),
        resource("aws_lb", "api", [{"arn": lb, "id": lb, "name": "api", "internal": True, "load_balancer_type": "network", "subnets": [subnet],
                                    "access_logs": [{"bucket": "", "enabled": False, "prefix": ""}], "tags": {}}]),
        resource("aws_lb_target_group", "api", [{"arn": group, "id": group, "name": "api", "port": 6443, "protocol": "TCP", "target_type": "ip",
                                                 "vpc_id": vpc, "tags": {}}]),
        resource("aws_lb_listener", "api", [{"arn": listener, "id": listener, "load_balancer_arn": lb, "port": 6443, "protocol": "TCP",
                                             "default_action": [{"type": "forward", "target_group_arn": group, "order": 1, "forward": []}]}]),
        resource("aws_lb_target_group_attachment", "api", [{"id": f"{group}-20260101120000000000000002", "target_group_arn": group,
                                                            "target_id": "10.0.1.10", "port": 6443, "availability_zone": None}]),
        resource("aws_eip", "nat", [{"id": address, "allocation_id": address, "domain": "vpc", "tags": {}}]),
        resource("aws_nat_gateway", "nat", [{"id": nat, "allocation_id": address, "subnet_id": subnet, "connectivity_type": "public", "tags": {}}]),
        resource("aws_instance", "db", [{"id": machine, "ami": ami, "instance_type": "t3.small", "subnet_id": subnet, "tags": {}}]),
        resource("aws_ebs_volume", "db", [{"id": disk, "availability_zone": REGION + "a", "size": 10, "type": "gp3", "tags": {}}]),
        resource("aws_volume_attachment", "db", [{"id": "vai-1234567890", "device_name": "/dev/sdf", "instance_id": machine, "volume_id": disk,
                                                  "force_detach": None, "skip_destroy": None, "stop_instance_before_detaching": None}]),
    ]


class MovingIn(Case):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.moto = Moto().__enter__()
        cls.addClassCleanup(cls.moto.stop)

    def setUp(self) -> None:
        self.moto.reset()
        self.account = Account(self.moto)
        self.place = self.site(nodes=[])
        self.place.inventory(nodes=[])
        self.place.play(PLAYBOOK.replace("%AMI%", self.account.ami).replace("%REGION%", REGION), each=False)
        (self.place.directory / "terraform.tfstate").write_text(state(self.account.resources))
        (self.place.directory / "map.yaml").write_text(MAP)

    def run_it(self, *arguments: str):
        return self.place.run(*arguments, env=self.moto.env())

    def adopt(self, *arguments: str):
        """What is shown comes with its columns squeezed."""
        result = self.run_it("import", "--from-terraform-state", "terraform.tfstate", *arguments)
        result.out = re.sub("  +", "  ", result.out)
        return result

    def test_adopted_in_one_go(self):
        looked = self.adopt("--map", "map.yaml").expect(
            0, "Terraform's state: 15 resources (Terraform 1.5.7); data sources, which are not adopted: 1", "To adopt (13)", "Nothing was written",
            f"module.net.aws_vpc.main  ->  aws_vpc.main  {self.account.vpc}", 'aws_instance.node["auth-1"]  ->  aws_instance.auth-1',
            "module.net.aws_subnet.private[1]  ->  aws_subnet.private-1", "module.main.aws_internet_gateway.this  ->  aws_internet_gateway.main",
            "Of a type that slipway does not know (1)", "aws_sns_topic.alerts", "Left alone, as --map says (1)", "aws_key_pair.old",
            "Declared, and not in Terraform's state (1)", "aws_eip.later", without=("hunter2",))
        self.assertFalse(self.place.state.exists(), looked)
        self.adopt("--map", "map.yaml", "--yes").expect(0, "13 adopted", without=("hunter2",))
        self.assertEqual(sorted(self.run_it("state", "list").out.split()), ADOPTED)
        self.run_it("plan").expect(0, "+ aws_eip.later", "Plan: 1 to create, 0 to change, 0 to replace, 0 to destroy; 13 unchanged")
        # once more: nothing is left to adopt
        self.adopt("--map", "map.yaml", "--yes").expect(0, "In the state already (13)", "0 adopted")
        before = self.moto.inventory()
        self.run_it("apply", "--yes", "--exclude", "aws_eip.later").expect(0, "No changes")
        self.assertEqual(self.moto.inventory(), before)
        self.run_it("destroy", "--yes").expect(0)
        self.assertEqual(self.moto.inventory(), {})

    def test_every_other_type_by_the_id_that_terraform_gives_it(self):
        self.moto.reset()
        ami, resources = others(self.moto)
        (self.place.directory / "terraform.tfstate").write_text(state(resources))
        self.place.play(OTHERS.replace("%AMI%", ami).replace("%REGION%", REGION), each=False)
        self.adopt("--yes").expect(0, f"Adopted ({len(resources)})")
        self.run_it("plan").expect(0, f"No changes. Everything is as it should be. {len(resources)} unchanged.")

    def test_what_differs_and_what_is_gone(self):
        self.moto.client("ec2").delete_volume(VolumeId=self.account.volume)
        self.place.play((self.place.directory / "play.lua").read_text().replace('Name = "main"', 'Name = "other"'), each=False)
        self.adopt("--map", "map.yaml", "--yes").expect(0, "Adopted (12)", "# the playbook would change it", "Not there any more (1)",
                                                       f"aws_ebs_volume.postgres  ->  aws_ebs_volume.data  {self.account.volume}")
        self.run_it("plan").expect(0, "+ aws_ebs_volume.data", "~ aws_vpc.main", "Plan: 2 to create, 1 to change")

    def test_what_no_rule_finds(self):
        self.adopt().expect(0, "To adopt (11)", "Not declared in the playbook (3)", "aws_ebs_volume.postgres", "module.net.aws_route.internet")
        # two that claim the same, and one that could be two
        resources = self.account.resources + [resource("aws_vpc", "main", [{"id": "vpc-2"}], module="module.other")]
        (self.place.directory / "terraform.tfstate").write_text(state(resources))
        self.adopt().expect(0, "Not clear which", "# aws_vpc.main is claimed by module.other.aws_vpc.main, too")
        (self.place.directory / "map.yaml").write_text("module.net.aws_vpc.main: aws_vpc.main\n")
        rows = [json.loads(line) for line in self.adopt("--map", "map.yaml", "--json").expect(0).out.splitlines()]
        results = {row.get("terraform_address"): row["result"] for row in rows if row["type"] == "import"}
        self.assertEqual((results["module.net.aws_vpc.main"], results["module.other.aws_vpc.main"]), ("adopt", "ambiguous"))

    def test_a_map_that_is_wrong(self):
        for text, words in (
            ("module.net.aws_vpc.mian: aws_vpc.main\n", ("map.yaml:1", "Terraform's state has no", "did you mean 'module.net.aws_vpc.main'?")),
            ("# x\nmodule.net.aws_vpc.main: aws_vpc.mian\n", ("map.yaml:2", "declares no 'aws_vpc.mian'", "did you mean 'aws_vpc.main'?")),
            ("module.net.aws_vpc.main: aws_eip.later\n", ("different types",)),
            ("- a\n", ("'TERRAFORM_ADDRESS: ADDRESS' wanted",)),
            ("module.net.aws_vpc.main: [a]\n", ("a text wanted", "map.yaml:1")),
        ):
            (self.place.directory / "map.yaml").write_text(text)
            self.adopt("--map", "map.yaml", "--yes").expect(1, *words)
        self.assertEqual(self.run_it("state", "list").out, "")

    def test_by_file_and_by_hand(self):
        listed = "\n".join(f"{address}: {found}" for address, found in (("aws_vpc.main", self.account.vpc),
                                                                       ("aws_ebs_volume.data", self.account.volume)))
        (self.place.directory / "ids.yaml").write_text(listed + "\naws_instance.web: i-00000000000000000\n")
        self.run_it("import", "--file", "ids.yaml").expect(1, "there is no aws_instance with the id 'i-00000000000000000'")
        self.assertEqual(self.run_it("state", "list").out, "")  # all or nothing
        (self.place.directory / "ids.yaml").write_text(listed)
        self.run_it("import", "--file", "ids.yaml").expect(0, f"aws_vpc.main now stands for {self.account.vpc}")
        self.run_it("import", "--file", "ids.yaml").expect(1, "is in the state already")
        self.run_it("import", "aws_vpc.mian", "vpc-1").expect(1, "did you mean 'aws_vpc.main'?")
        table = next(found["instances"][0]["attributes"]["id"] for found in self.account.resources if found["type"] == "aws_route_table")
        event, = self.run_it("import", "--json", "aws_route_table.private", table).expect(0).events("import")
        self.assertEqual((event["address"], event["id"], event["result"]), ("aws_route_table.private", table, "adopted"))
        self.assertEqual(sorted(self.run_it("state", "list").out.split()), ["aws_ebs_volume.data", "aws_route_table.private", "aws_vpc.main"])
        self.run_it("import").expect(1, "what is to be imported?")
        self.run_it("import", "aws_vpc.main", "x", "--file", "ids.yaml").expect(1, "exclude each other")
        self.run_it("state", "history").expect(0, "import")


if __name__ == "__main__":
    unittest.main()
