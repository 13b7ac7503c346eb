"""EC2 and VPC types on moto behind a proxy that behaves like AWS: each is made, changed, replaced, changed and deleted by hand, imported, destroyed."""

from __future__ import annotations

import sys

from harness import REPO, Case, Site, unittest
from moto import Moto

sys.path.insert(0, str(REPO / "tests" / "tools"))
from aws_proxy import AwsProxy  # noqa: E402
from aws_world import Pending  # noqa: E402

HEAD = 'local aws = require "aws"\n'
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJhv3UEjJQjfhrIYyG1XcYc0d7m8cgKLfbRxDPr5jPyH"
KEY2 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtXr0rZ2m6QbJ9JYVwGCJx3xDZ5nZ0aP3pAL4cQ1YbC"
AMI = 'local ami = aws.data.ami "os" { owners = { "099720109477" }, most_recent = true, filter = { { name = "name", values = { "*noble*amd64*" } } } }\n'
VPC = 'local vpc = aws.vpc "main" { cidr_block = "10.0.0.0/16" }\n'
SUBNET = VPC + 'local subnet = aws.subnet "a" { vpc_id = vpc.id, cidr_block = "10.0.1.0/24", availability_zone = "ap-northeast-2a" }\n'
GROUP = SUBNET + 'local group = aws.security_group "nodes" { vpc_id = vpc.id }\n'
GATEWAY = SUBNET + 'local igw = aws.internet_gateway "out" { vpc_id = vpc.id }\n'
INSTANCE = GROUP + AMI + """
local node = aws.instance "n1" {
  ami = ami.id, instance_type = "t3.small", subnet_id = subnet.id, vpc_security_group_ids = { group.id },
  root_block_device = { volume_size = 20, volume_type = "gp3" }, metadata_options = { http_tokens = "required", http_put_response_hop_limit = 2 },
  user_data = secret "#!/bin/sh\\ntrue\\n", source_dest_check = false, tags = { Name = "n1" }, volume_tags = { Name = "root" },
}
"""


class AwsSite(Site):
    """A site whose slipway speaks to the proxy."""

    def start(self, *arguments, env=None, **options):
        return super().start(*arguments, env={**self.case.proxy.env(self.case.moto), **(env or {})}, **options)


class Cloud(Case):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.moto = cls._enter(Moto())
        cls.proxy = cls._enter(AwsProxy(cls.moto.endpoint))
        cls.ec2 = cls.moto.client("ec2")

    @classmethod
    def _enter(cls, context):
        value = context.__enter__()
        cls.addClassCleanup(context.__exit__, None, None, None)
        return value

    def setUp(self) -> None:
        self.moto.reset()
        self.proxy.reset()

    def cloud(self, body: str) -> AwsSite:
        number = getattr(type(self), "_sites", 0) + 1
        type(self)._sites = number
        site = AwsSite(type(self), self.directory / f"site{number}", [])
        site.inventory(provider={"name": "aws"}, hosts=[])
        return self.says(site, body)

    def says(self, site: AwsSite, body: str) -> AwsSite:
        site.body = body
        return site.play(HEAD + body, each=False)

    def change(self, site: AwsSite, old: str, new: str) -> None:
        self.assertIn(old, site.body)
        self.says(site, site.body.replace(old, new))

    def settled(self, site: AwsSite) -> None:
        """Nothing is left to do, nobody is said to have changed a thing, and looking changed nothing."""
        since = len(self.proxy.calls)
        site.run("plan", "--detailed-exitcode").expect(0, "No changes", without=("behind our back",))
        self.assertEqual([call.name for call in self.proxy.mutations(since)], [])
        self.assertEqual(self.proxy.problems, [])

    def attributes(self, site: AwsSite, address: str) -> dict:
        return site.recorded(address)["attributes"]

    def life(self, body: str, address: str, *, update=None, replace=None, drift=None, delete=None, import_id=None, rename="") -> None:
        """The life of one resource. `update` and `replace`: (text, other text) of the playbook; `drift`, `delete`: what somebody does by hand, given
        the recorded attributes; `import_id`: its id from them; `rename`: another text that makes the playbook's thing a new one after `delete`."""
        site = self.cloud(body)
        site.apply().expect(0)
        self.settled(site)
        if update:
            before = self.attributes(site, address)
            for old, new in update:
                self.change(site, old, new)
                site.apply().expect(0, "1 to change, 0 to replace", f"~ {address}", f"{address} changed")
                self.settled(site)
            if address.split(".")[0] != "aws_route_table_association":
                self.assertEqual(self.attributes(site, address)["id"], before["id"])
        if replace:
            before = self.attributes(site, address)
            self.change(site, *replace)
            site.apply().expect(0, "to replace", "cannot be changed in place")
            self.settled(site)
            if address.split(".")[0] not in ("aws_key_pair", "aws_route"):
                self.assertNotEqual(self.attributes(site, address)["id"], before["id"])
        for by_hand in drift or []:
            by_hand(self.attributes(site, address))
            site.run("drift").expect(2, address)
            site.apply().expect(0, "behind our back", "1 to change, 0 to replace")
            self.settled(site)
        if delete:
            delete(self.attributes(site, address))
            site.apply().expect(0, address)
            self.settled(site)
        if import_id:
            identity = import_id(self.attributes(site, address))
            site.run("state", "rm", "--yes", address).expect(0)
            since = len(self.proxy.calls)
            site.run("import", address, identity).expect(0)
            self.assertEqual([call.name for call in self.proxy.mutations(since)], [])
            self.settled(site)
        site.run("destroy", "--yes").expect(0)
        self.assertEqual(self.moto.inventory(), {})


class Types(Cloud):
    def tag(self, thing: str, key: str = "Name", value: str = "by hand") -> None:
        self.ec2.create_tags(Resources=[thing], Tags=[{"Key": key, "Value": value}])

    def test_vpc(self):
        self.life(
            'local vpc = aws.vpc "main" { cidr_block = "10.0.0.0/16", enable_dns_hostnames = true, tags = { Name = "x" } }\n'
            'output "table" { value = vpc.main_route_table_id }\noutput "group" { value = vpc.default_security_group_id }',
            "aws_vpc.main",
            update=[("enable_dns_hostnames = true", "enable_dns_hostnames = false"), ('Name = "x"', 'Other = "y"')],
            replace=("10.0.0.0/16", "10.1.0.0/16"),
            drift=[lambda a: self.ec2.modify_vpc_attribute(VpcId=a["id"], EnableDnsSupport={"Value": False}), lambda a: self.tag(a["id"])],
            delete=lambda a: self.ec2.delete_vpc(VpcId=a["id"]), import_id=lambda a: a["id"])

    def test_subnet(self):
        self.life(
            SUBNET.replace('"ap-northeast-2a"', '"ap-northeast-2a", map_public_ip_on_launch = false'), "aws_subnet.a",
            update=[("map_public_ip_on_launch = false", "map_public_ip_on_launch = true")],
            replace=("10.0.1.0/24", "10.0.2.0/24"),
            drift=[lambda a: self.ec2.modify_subnet_attribute(SubnetId=a["id"], MapPublicIpOnLaunch={"Value": False})],
            delete=lambda a: self.ec2.delete_subnet(SubnetId=a["id"]), import_id=lambda a: a["id"])

    def test_internet_gateway(self):
        def delete(a: dict) -> None:
            self.ec2.detach_internet_gateway(InternetGatewayId=a["id"], VpcId=a["vpc_id"])
            self.ec2.delete_internet_gateway(InternetGatewayId=a["id"])

        self.life(
            VPC + 'local other = aws.vpc "other" { cidr_block = "10.2.0.0/16" }\naws.internet_gateway "out" { vpc_id = vpc.id }', "aws_internet_gateway.out",
            update=[("{ vpc_id = vpc.id }", "{ vpc_id = other.id }"), ("{ vpc_id = other.id }", '{ vpc_id = other.id, tags = { a = "b" } }')],
            drift=[lambda a: self.ec2.detach_internet_gateway(InternetGatewayId=a["id"], VpcId=a["vpc_id"])],
            delete=delete, import_id=lambda a: a["id"])

    def test_eip(self):
        self.life(INSTANCE + 'aws.eip "a" { instance = node.id, depends_on = { aws.internet_gateway "out" { vpc_id = vpc.id } } }', "aws_eip.a",
                  update=[("instance = node.id,", 'instance = node.id, tags = { a = "b" },')],
                  drift=[lambda a: self.ec2.disassociate_address(AssociationId=a["association_id"])],
                  delete=lambda a: self.ec2.release_address(AllocationId=a["id"]), import_id=lambda a: a["id"])

    def test_nat_gateway(self):
        def delete(a: dict) -> None:
            self.ec2.delete_nat_gateway(NatGatewayId=a["id"])
            self.ec2.disassociate_address(AssociationId=a["association_id"])  # AWS does this by itself, and the proxy, which is not asked here

        self.life(
            GATEWAY + 'local ip = aws.eip "nat" { depends_on = { igw } }\n'
            'local nat = aws.nat_gateway "nat" { subnet_id = subnet.id, allocation_id = ip.id, depends_on = { igw } }', "aws_nat_gateway.nat",
            update=[("subnet_id = subnet.id,", 'subnet_id = subnet.id, tags = { a = "b" },')], replace=("10.0.1.0/24", "10.0.2.0/24"),
            delete=delete, import_id=lambda a: a["id"])

    def test_route_table(self):
        self.life(
            VPC + 'local other = aws.vpc "other" { cidr_block = "10.2.0.0/16" }\naws.route_table "t" { vpc_id = vpc.id }', "aws_route_table.t",
            update=[("{ vpc_id = vpc.id }", '{ vpc_id = vpc.id, tags = { a = "b" } }')], replace=("vpc_id = vpc.id", "vpc_id = other.id"),
            drift=[lambda a: self.ec2.delete_tags(Resources=[a["id"]], Tags=[{"Key": "a"}])],
            delete=lambda a: self.ec2.delete_route_table(RouteTableId=a["id"]), import_id=lambda a: a["id"])

    def test_route(self):
        body = (GATEWAY + 'local ip = aws.eip "nat" { depends_on = { igw } }\nlocal t = aws.route_table "t" { vpc_id = vpc.id }\n'
                'local nat = aws.nat_gateway "nat" { subnet_id = subnet.id, allocation_id = ip.id, depends_on = { igw } }\n'
                'aws.route "out" { route_table_id = t.id, destination_cidr_block = "0.0.0.0/0", gateway_id = igw.id }')

        def redirect(a: dict) -> None:
            igw = self.ec2.describe_internet_gateways()["InternetGateways"]
            self.ec2.replace_route(RouteTableId=a["route_table_id"], DestinationCidrBlock="10.9.0.0/16", GatewayId=igw[-1]["InternetGatewayId"])

        self.life(body, "aws_route.out", update=[("gateway_id = igw.id }", "nat_gateway_id = nat.id }")], replace=("0.0.0.0/0", "10.9.0.0/16"), drift=[redirect],
                  delete=lambda a: self.ec2.delete_route(RouteTableId=a["route_table_id"], DestinationCidrBlock="10.9.0.0/16"),
                  import_id=lambda a: f"{a['route_table_id']}_10.9.0.0/16")

    def test_route_table_association(self):
        def moved(a: dict) -> None:
            other = self.ec2.create_route_table(VpcId=self.ec2.describe_subnets(SubnetIds=[a["subnet_id"]])["Subnets"][0]["VpcId"])["RouteTable"]
            self.ec2.replace_route_table_association(AssociationId=a["id"], RouteTableId=other["RouteTableId"])
            self.foreign = other["RouteTableId"]

        def gone(a: dict) -> None:
            self.ec2.disassociate_route_table(AssociationId=a["id"])
            self.ec2.delete_route_table(RouteTableId=self.foreign)

        self.life(
            SUBNET + 'local t = aws.route_table "t" { vpc_id = vpc.id }\nlocal u = aws.route_table "u" { vpc_id = vpc.id }\n'
            'aws.route_table_association "a" { subnet_id = subnet.id, route_table_id = t.id }', "aws_route_table_association.a",
            update=[("route_table_id = t.id", "route_table_id = u.id")], drift=[moved], delete=gone,
            import_id=lambda a: f"{a['subnet_id']}/{a['route_table_id']}")

    def test_security_group(self):
        self.life(
            VPC + 'aws.security_group "nodes" { vpc_id = vpc.id, description = "nodes" }', "aws_security_group.nodes",
            update=[('description = "nodes"', 'description = "nodes", tags = { a = "b" }')], replace=('description = "nodes"', 'description = "all nodes"'),
            drift=[lambda a: self.tag(a["id"])], delete=lambda a: self.ec2.delete_security_group(GroupId=a["id"]), import_id=lambda a: a["id"])

    def test_a_new_group_lets_nothing_out(self):
        site = self.cloud(VPC + 'aws.security_group "shut" { vpc_id = vpc.id }\naws.security_group "open" { vpc_id = vpc.id, default_egress = true }')
        site.apply().expect(0)
        groups = {one["GroupName"]: one for one in self.ec2.describe_security_groups()["SecurityGroups"]}
        self.assertEqual(groups["shut"]["IpPermissionsEgress"], [])
        self.assertEqual(len(groups["open"]["IpPermissionsEgress"]), 1)
        self.settled(site)

    def test_what_is_not_said_is_left_as_it_is(self):
        """What somebody made otherwise is taken over, not made anew, where the playbook does not say how it is to be."""
        vpc = self.ec2.create_vpc(CidrBlock="10.5.0.0/16", InstanceTenancy="dedicated")["Vpc"]["VpcId"]
        group = self.ec2.create_security_group(GroupName="theirs", Description="by hand", VpcId=vpc)["GroupId"]
        disk = self.ec2.create_volume(AvailabilityZone="ap-northeast-2a", Size=8, VolumeType="gp2")["VolumeId"]
        site = self.cloud('local vpc = aws.vpc "main" { cidr_block = "10.5.0.0/16" }\naws.security_group "theirs" { vpc_id = vpc.id }\n'
                          'aws.ebs_volume "data" { availability_zone = "ap-northeast-2a", size = 8 }')
        for address, thing in (("aws_vpc.main", vpc), ("aws_security_group.theirs", group), ("aws_ebs_volume.data", disk)):
            site.run("import", address, thing).expect(0)
        self.settled(site)
        site.run("destroy", "--yes").expect(0)
        self.assertEqual(self.moto.inventory(), {})

    def test_ingress_rule(self):
        def widen(a: dict) -> None:
            self.ec2.modify_security_group_rules(GroupId=a["security_group_id"], SecurityGroupRules=[{
                "SecurityGroupRuleId": a["id"],
                "SecurityGroupRule": {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 65535, "CidrIpv4": "0.0.0.0/0", "Description": "oops"}}])

        self.life(
            GROUP + 'local other = aws.security_group "other" { vpc_id = vpc.id }\n'
            'aws.vpc_security_group_ingress_rule "ssh" { security_group_id = group.id, cidr_ipv4 = "10.0.0.0/16", ip_protocol = "tcp", from_port = 22, to_port = 22,'
            ' description = "ssh" }', "aws_vpc_security_group_ingress_rule.ssh",
            update=[("10.0.0.0/16\", ip", "10.0.0.0/8\", ip"), ("to_port = 22", "to_port = 23"), ('description = "ssh"', 'description = "people"')],
            replace=("security_group_id = group.id", "security_group_id = other.id"), drift=[widen],
            delete=lambda a: self.ec2.revoke_security_group_ingress(GroupId=a["security_group_id"], SecurityGroupRuleIds=[a["id"]]),
            import_id=lambda a: a["id"])

    def test_egress_rule(self):
        self.life(
            GROUP + 'local other = aws.security_group "other" { vpc_id = vpc.id }\n'
            'aws.vpc_security_group_egress_rule "all" { security_group_id = group.id, cidr_ipv4 = "0.0.0.0/0", ip_protocol = "-1" }',
            "aws_vpc_security_group_egress_rule.all",
            replace=("security_group_id = group.id", "security_group_id = other.id"),
            delete=lambda a: self.ec2.revoke_security_group_egress(GroupId=a["security_group_id"], SecurityGroupRuleIds=[a["id"]]),
            import_id=lambda a: a["id"])

    def test_a_rule_gets_another_kind_of_peer(self):
        rule = 'aws.vpc_security_group_ingress_rule "in" { security_group_id = group.id, PEER, ip_protocol = "-1" }'
        site = self.cloud(GROUP + rule.replace("PEER", 'cidr_ipv4 = "10.0.0.0/16"'))
        site.apply().expect(0)
        self.says(site, GROUP + rule.replace("PEER", "referenced_security_group_id = group.id"))
        # The new rule is there, and then the run is cut off.
        self.proxy.rules.drop("RevokeSecurityGroupIngress", after=False, times=0)
        site.apply().expect(1)
        self.proxy.rules.clear()
        site.apply().expect(0, "changed")
        self.settled(site)
        group = self.attributes(site, "aws_security_group.nodes")["id"]
        rules = self.ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]
        self.assertEqual([one["ReferencedGroupInfo"]["GroupId"] for one in rules], [group])
        site.run("destroy", "--yes").expect(0)
        self.assertEqual(self.moto.inventory(), {})

    def test_ipv6_in_any_spelling(self):
        site = self.cloud(GROUP + 'aws.vpc_security_group_ingress_rule "x" { security_group_id = group.id, cidr_ipv6 = "2001:0DB8:0::/32", ip_protocol = "-1" }')
        site.apply().expect(0)
        self.settled(site)
        self.assertEqual(self.attributes(site, "aws_vpc_security_group_ingress_rule.x")["cidr_ipv6"], "2001:db8::/32")

    def test_key_pair(self):
        self.life(f'aws.key_pair "admin" {{ public_key = "{KEY} me@here" }}', "aws_key_pair.admin",
                  update=[("me@here\"", 'me@there", tags = { a = "b" }')], replace=(KEY, KEY2),
                  delete=lambda a: self.ec2.delete_key_pair(KeyName=a["id"]), import_id=lambda a: a["id"])

    def test_ebs_volume(self):
        self.life(
            'aws.ebs_volume "data" { availability_zone = "ap-northeast-2a", size = 10 }', "aws_ebs_volume.data",
            update=[("size = 10", "size = 20"), ("size = 20", 'size = 20, tags = { a = "b" }')], replace=("2a", "2b"),
            drift=[lambda a: self.ec2.delete_tags(Resources=[a["id"]], Tags=[{"Key": "a"}])],
            delete=lambda a: self.ec2.delete_volume(VolumeId=a["id"]), import_id=lambda a: a["id"])

    def test_a_volume_cannot_shrink(self):
        site = self.cloud('aws.ebs_volume "data" { availability_zone = "ap-northeast-2a", size = 10 }')
        site.apply().expect(0)
        self.change(site, "size = 10", "size = 5")
        site.run("plan").expect(1, "aws_ebs_volume.data: size is 10 GiB and cannot shrink to 5", "say 10 in the playbook")

    def test_volume_attachment(self):
        self.life(
            INSTANCE + 'local disk = aws.ebs_volume "data" { availability_zone = "ap-northeast-2a", size = 10 }\n'
            'aws.volume_attachment "data" { device_name = "/dev/sdf", volume_id = disk.id, instance_id = node.id }', "aws_volume_attachment.data",
            update=[("instance_id = node.id }", "instance_id = node.id, force_detach = true }")], replace=("/dev/sdf", "/dev/sdg"),
            delete=lambda a: self.ec2.detach_volume(VolumeId=a["volume_id"], InstanceId=a["instance_id"], Device=a["device_name"]),
            import_id=lambda a: a["id"])

    def test_launch_template(self):
        self.life(
            AMI + 'aws.launch_template "node" { image_id = ami.id, instance_type = "t3.small", user_data = "one", description = "first",\n'
            ' metadata_options = { http_tokens = "required" }, block_device_mappings = { { device_name = "/dev/sda1", ebs = { volume_size = 20 } } },\n'
            ' tag_specifications = { { resource_type = "instance", tags = { Name = "x" } } } }', "aws_launch_template.node",
            update=[("t3.small", "t3.large"), ('"one"', '"two"'), ("volume_size = 20", "volume_size = 30")],
            drift=[lambda a: self.ec2.create_launch_template_version(LaunchTemplateId=a["id"], LaunchTemplateData={"InstanceType": "t3.nano"})],
            delete=lambda a: self.ec2.delete_launch_template(LaunchTemplateId=a["id"]), import_id=lambda a: a["id"])


class Instances(Cloud):
    def instance(self, a: dict) -> dict:
        return self.ec2.describe_instances(InstanceIds=[a["id"]])["Reservations"][0]["Instances"][0]

    def test_life(self):
        self.life(
            INSTANCE.replace(AMI, 'local other = aws.security_group "other" { vpc_id = vpc.id }\n' + AMI), "aws_instance.n1",
            update=[("source_dest_check = false", "source_dest_check = true"), ("http_put_response_hop_limit = 2", "http_put_response_hop_limit = 3"),
                    ("{ group.id }", "{ group.id, other.id }"), ("volume_size = 20", "volume_size = 30"), ("t3.small", "t3.large"),
                    ("ntrue", "nfalse"), ('Name = "n1"', 'Name = "n2"'), ('Name = "root"', 'Name = "disk"')],
            replace=("noble", "jammy"),
            drift=[lambda a: self.ec2.modify_instance_attribute(InstanceId=a["id"], SourceDestCheck={"Value": False}),
                   lambda a: self.ec2.stop_instances(InstanceIds=[a["id"]])],
            delete=lambda a: self.ec2.terminate_instances(InstanceIds=[a["id"]]), import_id=lambda a: a["id"])


# One of each, and of what a cluster of 14 nodes has.
NETWORK = GROUP + AMI + """
local igw = aws.internet_gateway "out" { vpc_id = vpc.id }
local ip = aws.eip "nat" { depends_on = { igw } }
local nat = aws.nat_gateway "nat" { subnet_id = subnet.id, allocation_id = ip.id, depends_on = { igw } }
local t = aws.route_table "t" { vpc_id = vpc.id }
aws.route "out" { route_table_id = t.id, destination_cidr_block = "0.0.0.0/0", nat_gateway_id = nat.id }
aws.route_table_association "a" { subnet_id = subnet.id, route_table_id = t.id }
aws.vpc_security_group_ingress_rule "self" { security_group_id = group.id, referenced_security_group_id = group.id, ip_protocol = "-1" }
aws.vpc_security_group_egress_rule "all" { security_group_id = group.id, cidr_ipv4 = "0.0.0.0/0", ip_protocol = "-1" }
local key = aws.key_pair "admin" { public_key = "KEY" }
aws.launch_template "node" { image_id = ami.id, instance_type = "t3.small" }
for i = 1, NODES do
  local node = aws.instance("n" .. i) {
    ami = ami.id, instance_type = "t3.small", subnet_id = subnet.id, vpc_security_group_ids = { group.id }, key_name = key.key_name,
    root_block_device = { volume_size = 20, volume_type = "gp3" }, source_dest_check = false, user_data = secret("#!/bin/sh\\ntrue " .. i),
    tags = { Name = "n" .. i },
  }
  local disk = aws.ebs_volume("data" .. i) { availability_zone = subnet.availability_zone, size = 10 }
  aws.volume_attachment("data" .. i) { device_name = "/dev/sdf", volume_id = disk.id, instance_id = node.id }
end
""".replace("KEY", KEY)
CREATES = [
    "CreateVpc", "CreateSubnet", "CreateSecurityGroup", "RevokeSecurityGroupEgress", "CreateInternetGateway", "AttachInternetGateway", "AllocateAddress",
    "CreateNatGateway", "CreateRouteTable", "CreateRoute", "AssociateRouteTable", "AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress",
    "ImportKeyPair", "CreateLaunchTemplate", "RunInstances", "ModifyInstanceAttribute", "CreateVolume", "AttachVolume",
]
# In refreshes: calls by action, whatever the number of resources.
READS = {
    "DescribeVpcs": 1, "DescribeVpcAttribute": 2, "DescribeSubnets": 1, "DescribeInternetGateways": 1, "DescribeAddresses": 1, "DescribeNatGateways": 1,
    "DescribeRouteTables": 1, "DescribeSecurityGroups": 1, "DescribeSecurityGroupRules": 1, "DescribeKeyPairs": 1, "DescribeInstances": 1,
    "DescribeVolumes": 1, "DescribeImages": 1, "DescribeLaunchTemplates": 1,
}


class World(Cloud):
    def network(self, nodes: int = 1) -> AwsSite:
        return self.cloud(NETWORK.replace("NODES", str(nodes)))

    def held(self) -> dict[str, int]:
        return {kind: len(things) for kind, things in self.moto.inventory().items()}

    def ends(self, site: AwsSite) -> None:
        site.run("destroy", "--yes").expect(0)
        self.assertEqual(self.moto.inventory(), {})
        self.assertEqual(self.proxy.problems, [])

    def test_fourteen_nodes_are_read_by_a_handful_of_calls(self):
        site = self.network(14)
        site.apply().expect(0)
        since = len(self.proxy.calls)
        site.converged()
        self.assertEqual(self.proxy.counts(since), {**{f"ec2:{name}": n for name, n in READS.items()}, "sts:GetCallerIdentity": 1})
        self.ends(site)

    def test_a_slow_world(self):
        """Nothing is ready at once, nothing is known at once, and lists come in pages of five."""
        world = self.proxy.world
        kinds = ["vpc", "subnet", "internet_gateway", "eip", "nat_gateway", "route_table", "security_group", "instance", "volume"]
        for kind in kinds:
            world.pending[kind] = Pending(describes=2)
            world.invisible[kind] = 2
        world.pending["ending"] = Pending(describes=2)
        world.page_size = 5
        site = self.network(6)
        site.apply().expect(0)
        self.settled(site)
        self.assertEqual(len(self.moto.inventory()["instance"]), 6)
        self.ends(site)

    def test_answers_that_are_lost(self):
        """Each change has its effect, and its answer never comes: what was made is found, and nothing is made twice."""
        site = self.network()
        site.apply().expect(0)
        whole = self.held()
        self.ends(site)
        rules = {action: self.proxy.rules.drop(action, after=True) for action in CREATES}
        site = self.network()
        for _ in CREATES:
            last = site.run("apply", "--yes")
            if last.code == 0:
                break
        last.expect(0)
        self.assertEqual([action for action, rule in rules.items() if rule.seen == 0], [], "never called")
        self.settled(site)
        self.assertEqual(self.held(), whole)
        self.ends(site)

    def test_a_node_is_replaced_and_keeps_its_disk(self):
        site = self.network()
        site.apply().expect(0)
        disk, node = (self.attributes(site, address)["id"] for address in ("aws_ebs_volume.data1", "aws_instance.n1"))
        self.change(site, "noble", "jammy")
        site.apply().expect(0, "2 to replace")
        self.settled(site)
        self.assertEqual(self.attributes(site, "aws_ebs_volume.data1")["id"], disk)
        now = self.attributes(site, "aws_instance.n1")["id"]
        self.assertNotEqual(now, node)
        at = self.ec2.describe_volumes(VolumeIds=[disk])["Volumes"][0]["Attachments"]
        self.assertEqual([one["InstanceId"] for one in at], [now])
        self.ends(site)

    def test_a_group_in_use_is_replaced(self):
        """The new one is there before the machines leave the old one."""
        site = self.cloud(INSTANCE.replace('"nodes" { vpc_id = vpc.id }',
                                           '"nodes" { vpc_id = vpc.id, name_prefix = "n-", description = "old", lifecycle = { create_before_destroy = true } }'))
        site.apply().expect(0)
        old, node = (self.attributes(site, address)["id"] for address in ("aws_security_group.nodes", "aws_instance.n1"))
        self.change(site, '"old"', '"new"')
        site.apply().expect(0, "1 to replace")
        self.settled(site)
        self.assertEqual(self.attributes(site, "aws_instance.n1")["id"], node)
        self.assertNotIn(old, self.moto.inventory()["security_group"])
        self.ends(site)

    def test_what_still_holds_on(self):
        site = self.cloud(GROUP)
        site.apply().expect(0)
        a = self.attributes(site, "aws_subnet.a")
        group = self.attributes(site, "aws_security_group.nodes")["id"]
        image = self.ec2.describe_images(Owners=["099720109477"])["Images"][0]["ImageId"]
        made = self.ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="t3.small", SubnetId=a["id"], SecurityGroupIds=[group])
        instance = made["Instances"][0]["InstanceId"]
        self.says(site, SUBNET)
        site.apply().expect(1, f"security group {group} cannot be deleted: still in use by eni-", f"of instance {instance}", "delete that")
        self.ec2.terminate_instances(InstanceIds=[instance])
        self.settled_after(site)

    def settled_after(self, site: AwsSite) -> None:
        site.apply().expect(0)
        self.settled(site)

    def test_a_network_that_is_not_empty(self):
        site = self.cloud(VPC)
        site.apply().expect(0)
        a = self.attributes(site, "aws_vpc.main")
        foreign = self.ec2.create_subnet(VpcId=a["id"], CidrBlock="10.0.9.0/24")["Subnet"]["SubnetId"]
        site.run("destroy", "--yes").expect(1, f"VPC {a['id']} cannot be deleted: still in use by subnet {foreign}")
        self.ec2.delete_subnet(SubnetId=foreign)
        self.ends(site)

    def test_a_nat_gateway_needs_the_internet_gateway(self):
        site = self.cloud(SUBNET + 'aws.nat_gateway "nat" { subnet_id = subnet.id, allocation_id = aws.eip "nat" {}.id }')
        site.apply().expect(1, "Gateway.NotAttached")

    def test_a_protected_instance(self):
        body = INSTANCE.replace("user_data", "disable_api_termination = true, user_data")
        site = self.cloud(body)
        site.apply().expect(0)
        instance = self.attributes(site, "aws_instance.n1")["id"]
        self.proxy.rules.fail("TerminateInstances", "OperationNotPermitted", f"The instance '{instance}' may not be terminated.")
        site.run("destroy", "--yes", "--target", "aws_instance.n1").expect(1, "is protected", "set disable_api_termination = false")
        self.says(site, body.replace("disable_api_termination = true", "disable_api_termination = false"))
        site.apply().expect(0, "1 to change")
        self.ends(site)

    def test_user_data_that_replaces(self):
        body = INSTANCE.replace("user_data", "user_data_replace_on_change = true, user_data")
        site = self.cloud(body)
        site.apply().expect(0)
        self.settled(site)
        self.says(site, body.replace("ntrue", "nfalse"))
        site.apply().expect(0, "1 to replace", "user_data_replace_hash cannot be changed in place")
        self.settled(site)
        # The way of replacing alone is no reason to replace.
        self.says(site, site.body.replace("user_data_replace_on_change = true", "user_data_replace_on_change = false"))
        site.apply().expect(0, "1 to change, 0 to replace")
        self.settled(site)

    def test_default_tags(self):
        site = self.cloud(INSTANCE)
        site.inventory(provider={"name": "aws", "default_tags": {"team": "platform", "Name": "nobody"}}, hosts=[])
        site.apply().expect(0)
        self.settled(site)
        vpc, instance = (self.attributes(site, address)["id"] for address in ("aws_vpc.main", "aws_instance.n1"))

        def tags(thing: str) -> dict[str, str]:
            found = self.ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [thing]}])["Tags"]
            return {one["Key"]: one["Value"] for one in found if not one["Key"].startswith("slipway:")}

        disk = self.ec2.describe_volumes()["Volumes"][0]["VolumeId"]
        self.assertEqual(tags(vpc), {"team": "platform", "Name": "nobody"})
        self.assertEqual(tags(instance), {"team": "platform", "Name": "n1"})
        self.assertEqual(tags(disk), {"team": "platform", "Name": "root"})
        self.ec2.delete_tags(Resources=[vpc], Tags=[{"Key": "team"}])
        site.apply().expect(0, "1 to change")
        self.assertEqual(tags(vpc)["team"], "platform")
        self.settled(site)
        self.ends(site)

    def test_two_regions(self):
        site = self.cloud('provider "tokyo" { name = "aws", region = "ap-northeast-1" }\n'
                          'aws.vpc "here" { cidr_block = "10.0.0.0/16" }\naws.vpc "there" { cidr_block = "10.1.0.0/16", provider = "tokyo" }')
        site.apply().expect(0)
        self.settled(site)
        self.assertIn(":ap-northeast-1:", self.attributes(site, "aws_vpc.there")["arn"])
        there = self.moto.client("ec2", "ap-northeast-1").describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.1.0.0/16"]}])["Vpcs"]
        self.assertEqual([one["VpcId"] for one in there], [self.attributes(site, "aws_vpc.there")["id"]])
        self.ends(site)
        self.assertEqual(self.moto.inventory("ap-northeast-1"), {})

    def test_data_sources(self):
        made = self.ec2.create_vpc(CidrBlock="10.7.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "theirs"}]}])
        vpc = made["Vpc"]["VpcId"]
        subnets = sorted(self.ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.7.{i}.0/24")["Subnet"]["SubnetId"] for i in range(3))
        site = self.cloud(AMI + """
            local zones = aws.data.availability_zones "here" { state = "available", exclude_names = { "ap-northeast-2d" } }
            local theirs = aws.data.vpc "theirs" { tags = { Name = "theirs" } }
            local all = aws.data.subnets "all" { filter = { { name = "vpc-id", values = { theirs.id } } } }
            output "ami" { value = ami.name }
            output "zones" { value = zones.names }
            output "network" { value = theirs.cidr_block }
            output "subnets" { value = all.ids }
        """)
        site.apply().expect(0)
        said = site.run("output", "--json").expect(0).out
        for word in ["ubuntu-noble-24.04-amd64-server-20260915", "ap-northeast-2a", "10.7.0.0/16", *subnets]:
            self.assertIn(word, said)
        self.assertNotIn("ap-northeast-2d", said)
        self.says(site, 'aws.data.ami "none" { owners = { "self" } }')
        site.run("plan").expect(1, "data.aws_ami.none: no image matches: owners = self", "images differ by region and owner")
        self.says(site, AMI.replace("most_recent = true", "most_recent = false"))
        site.run("plan").expect(1, "2 images match", "most_recent = true")
        self.says(site, 'aws.data.vpc "any" {}')
        site.run("plan").expect(1, "VPCs match", "name one by id, tags or filter")


class Input(Cloud):
    def test_validate(self):
        """What is wrong is said before anything is asked of AWS."""
        for body, *words in [
            ('aws.vpc "x" { cidr_block = "10.0.1.5/16" }', "cidr_block", "the network it lies in is '10.0.0.0/16'"),
            ('aws.vpc "x" { cidr_block = "10.0.0.0/8" }', "from /16 to /28"),
            ('aws.vpc "x" { cidr_block = "10.0.0.0" }', "an IPv4 network such as 10.0.0.0/16", "a single address is '10.0.0.0/32'"),
            ('aws.vpc "x" { cidr_block = "fd00::/56" }', "an IPv4 network"),
            (VPC + 'aws.subnet "x" { vpc_id = vpc.id, cidr_block = "10.0.300.0/24" }', "10.0.300.0/24", "an IPv4 network"),
            (GROUP + 'aws.vpc_security_group_ingress_rule "x" { security_group_id = group.id, cidr_ipv4 = "10.0.0.1/8", ip_protocol = "-1" }',
             "the network it lies in is '10.0.0.0/8'"),
            (GROUP + 'aws.vpc_security_group_ingress_rule "x" { security_group_id = group.id, cidr_ipv4 = "10.0.0.0/8", ip_protocol = "tcp" }',
             "from_port is not set"),
            (GROUP + 'aws.vpc_security_group_ingress_rule "x" { security_group_id = group.id, cidr_ipv4 = "10.0.0.0/8", ip_protocol = "tcp",'
             ' from_port = 80, to_port = 70000 }', "to_port: expected a port from 0 to 65535"),
            (GROUP + 'aws.vpc_security_group_ingress_rule "x" { security_group_id = group.id, cidr_ipv4 = "10.0.0.0/8", ip_protocol = "tcp",'
             ' from_port = 80, to_port = 22 }', "from_port: expected at most to_port (22)"),
            (GROUP + 'aws.vpc_security_group_ingress_rule "x" { security_group_id = group.id, ip_protocol = "-1" }', "exactly one of cidr_ipv4"),
            (GROUP + 'aws.vpc_security_group_ingress_rule "x" { security_group_id = group.id, cidr_ipv4 = "10.0.0.0/8", ip_protocol = "tpc",'
             ' from_port = 1, to_port = 1 }', "ip_protocol: expected tcp, udp"),
            (GROUP + 'aws.vpc_security_group_ingress_rule "x" { security_group_id = group.id, cidr_ipv4 = "10.0.0.0/8", ip_protocol = "-1", from_port = 1 }',
             "every protocol and every port"),
            ('aws.key_pair "x" { public_key = "-----BEGIN OPENSSH PRIVATE KEY-----" }', "this is a private key"),
            (SUBNET + 'aws.instance "x" { ami = "ami-1", instance_type = "big", subnet_id = subnet.id }', "a size such as t3.large, got 'big'"),
            (SUBNET + 'aws.instance "x" { ami = "ami-1", instance_type = "t3.small", user_data = ("x"):rep(16385) }', "16385 bytes are more than the 16384"),
            ('aws.instance "x" { instance_type = "t3.small" }', "ami is not set"),
            (SUBNET + 'aws.nat_gateway "x" { subnet_id = subnet.id }', "a public NAT gateway needs an address"),
            (VPC + 'aws.route "x" { route_table_id = "rtb-1", destination_cidr_block = "0.0.0.0/0" }', "target: exactly one of", "0 are given"),
            ('aws.ebs_volume "x" { availability_zone = "a", size = 1, type = "gp2", throughput = 200 }', "only a gp3 volume has one"),
            ('aws.ebs_volume "x" { availability_zone = "a", size = 1, encrypted = true, kms_key_id = "alias/x" }', "the ARN of a KMS key", "also of an alias"),
            (GROUP + 'aws.vpc_security_group_ingress_rule "x" { security_group_id = group.id, cidr_ipv6 = "2001:DB8::1/32", ip_protocol = "-1" }',
             "the network it lies in is '2001:db8::/32'"),
            ('aws.data.ami "x" { most_recent = true }', "owners is not set", "anybody can publish"),
        ]:
            with self.subTest(body=body[-60:]):
                site = self.cloud(body)
                said = site.run("validate").expect(1, *words)
                self.assertRegex(said.text, r"play\.lua:\d+")
        self.assertEqual(self.proxy.calls, [])


if __name__ == "__main__":
    unittest.main()
