"""EC2 and VPC types on moto behind a proxy that behaves like AWS: each is made, changed, replaced, changed and deleted by hand, imported, destroyed."""

from __future__ import annotations

from aws_cloud import AMI, GATEWAY, GROUP, INSTANCE, KEY, SUBNET, VPC, Cloud, unittest

KEY2 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtXr0rZ2m6QbJ9JYVwGCJx3xDZ5nZ0aP3pAL4cQ1YbC"


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


if __name__ == "__main__":
    unittest.main()
