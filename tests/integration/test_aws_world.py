"""EC2 and VPC types together, on moto behind a proxy that behaves like AWS: few calls, a slow world, lost answers, what holds on to what, wrong input."""

from __future__ import annotations

from aws_cloud import AMI, GROUP, INSTANCE, KEY, SUBNET, VPC, Cloud, CloudSite, unittest
from aws_world import Pending

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
    def network(self, nodes: int = 1) -> CloudSite:
        return self.cloud(NETWORK.replace("NODES", str(nodes)))

    def held(self) -> dict[str, int]:
        return {kind: len(things) for kind, things in self.moto.inventory().items()}

    def ends(self, site: CloudSite) -> None:
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

    def settled_after(self, site: CloudSite) -> None:
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
