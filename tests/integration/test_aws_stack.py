"""The stock playbook's layer 0 on a real AWS API: fourteen machines and what they need, made, looked at, changed, adopted, repaired, taken away."""

from aws_site import AwsCase, Pending, unittest

MOST_CALLS = 45  # of a refresh of everything

# What the stock inventory makes; the root disks and the two halves of an attachment count as AWS counts them.
MADE = {
    "vpc": 1, "subnet": 4, "internet_gateway": 1, "eip": 2, "nat_gateway": 1, "route_table": 2, "route": 16, "association": 4,
    "security_group": 5, "key_pair": 1, "instance": 15, "volume": 17, "lb": 2, "target_group": 2, "target": 14, "listener": 3, "certificate": 1,
    "role": 2, "role_policy": 2, "instance_profile": 2, "zone": 1, "record": 2,
}


class Stack(AwsCase):
    def built(self):
        """The stock set in an account that has a zone. Gives the site and what the account held before."""
        before = self.zone()
        site = self.site().stock()
        site.apply().expect(0)
        return site, before

    def unchanged(self, site) -> int:
        """A plan that finds nothing to do; how many calls it took."""
        since = len(self.proxy.calls)
        site.converged()
        made = len(self.proxy.calls) - since
        self.assertLessEqual(made, MOST_CALLS, self.calls(since))
        self.assertEqual(self.proxy.mutations(since), [])
        return made

    def test_everything(self):
        site, before = self.built()
        counted = {kind: len(things) for kind, things in self.moto.inventory().items()}
        self.assertEqual({kind: counted.get(kind) for kind in MADE}, MADE)
        self.assertEqual(set(counted) - set(MADE), {"security_group_rule"})
        self.unchanged(site)
        self.look(site)
        self.change(site)
        self.replace(site)
        self.adopt(site)
        self.repair(site)
        self.unchanged(site)
        site.destroy().expect(0)
        self.assertEqual(self.moto.inventory(), before)
        self.assertEqual(site.sql("select count(*) from resource"), [(0,)])

    def look(self, site) -> None:
        """What the machines are made with."""
        ec2 = self.moto.client("ec2")
        instances = [one for group in ec2.describe_instances()["Reservations"] for one in group["Instances"]]
        subnets = {one["SubnetId"]: one for one in ec2.describe_subnets()["Subnets"]}
        zones = {}
        for one in instances:
            tags = {tag["Key"]: tag["Value"] for tag in one["Tags"]}
            name = tags["Name"]
            zones[one["Placement"]["AvailabilityZone"]] = zones.get(one["Placement"]["AvailabilityZone"], 0) + 1
            self.assertEqual(one["MetadataOptions"]["HttpTokens"], "required", name)
            public = name == "ecoeco-bastion"
            self.assertEqual(one["SourceDestCheck"], public, name)
            self.assertEqual(subnets[one["SubnetId"]]["CidrBlock"] in ("10.0.128.0/20", "10.0.144.0/20"), public, name)
            self.assertEqual("IamInstanceProfile" in one, not public, name)
            data = ec2.describe_instance_attribute(InstanceId=one["InstanceId"], Attribute="userData")["UserData"]["Value"]
            self.assertIn("I2Nsb3VkLWNvbmZpZ", data)  # "#cloud-config" in base64
        self.assertEqual(set(zones), {f"{self.region}a", f"{self.region}c"})
        keys = [row for row in site.sql("select address from resource") if row[0].startswith("tls_private_key.")]
        self.assertEqual(len(keys), 15)
        self.assertNotIn(b"OPENSSH PRIVATE KEY", (site.state / "state.db").read_bytes())
        elb = self.moto.client("elbv2")
        schemes = {lb["LoadBalancerName"]: (lb["Type"], lb["Scheme"]) for lb in elb.describe_load_balancers()["LoadBalancers"]}
        self.assertEqual(schemes, {"ecoeco-api": ("network", "internal"), "ecoeco-ingress": ("application", "internet-facing")})

    def change(self, site) -> None:
        """In place: a larger disk, another size of machine, one more machine."""
        site.edit("volume: { size: 100 }", "volume: { size: 200 }").edit("count: 3, type: t3.medium", "count: 4, type: t3.large")
        changes = site.plan()
        disks = {f"aws_ebs_volume.data-{n}" for n in (1, 2)}
        sizes = {f"aws_instance.workers-{n}" for n in (1, 2, 3)}
        new = {f"{kind}.{name}" for kind, name in (("aws_instance", "workers-4"), ("tls_private_key", "workers-4"), ("aws_route", "pods-workers-4"),
                                                   ("aws_lb_target_group_attachment", "ingress-workers-4"))}
        self.assertEqual({address for address, actions in changes.items() if actions == ["update"]}, disks | sizes)
        self.assertEqual({address for address, actions in changes.items() if actions == ["create"]}, new)
        self.assertEqual(set(changes), disks | sizes | new)
        site.apply().expect(0)
        ec2 = self.moto.client("ec2")
        self.assertEqual([one["Size"] for one in ec2.describe_volumes()["Volumes"] if one["Size"] == 200], [200] * 2)
        site.edit("count: 4, type: t3.large", "count: 3, type: t3.large")
        self.assertEqual(set(site.plan()), new)
        site.apply().expect(0)
        self.assertEqual(len(self.moto.inventory()["instance"]), 15)

    def replace(self, site) -> None:
        was = site.id_of("aws_instance.auth-1")
        site.apply("--replace", "aws_instance.auth-1").expect(0)
        self.assertNotEqual(site.id_of("aws_instance.auth-1"), was)
        self.assertNotIn(was, self.moto.inventory()["instance"])

    def adopt(self, site) -> None:
        """Forgotten and imported: nothing is made anew."""
        for address in ("aws_vpc.main", "aws_nat_gateway.main", "aws_instance.user-1", "aws_lb.api", "aws_security_group.node", "aws_iam_role.node"):
            thing = site.id_of(address)
            site.run("state", "rm", address, "--yes").expect(0)
            site.run("import", address, thing).expect(0)
            self.assertEqual(site.id_of(address), thing)
        self.unchanged(site)

    def repair(self, site) -> None:
        """What was deleted and what was changed by hand is seen and put right; nothing else is touched."""
        ec2, elb = self.moto.client("ec2"), self.moto.client("elbv2")
        gone = site.id_of("aws_instance.place-1")
        ec2.terminate_instances(InstanceIds=[gone])
        rule = site.id_of("aws_vpc_security_group_ingress_rule.node-kubelet")
        group = site.id_of("aws_security_group.node")
        ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[rule])
        ec2.modify_vpc_attribute(VpcId=site.id_of("aws_vpc.main"), EnableDnsHostnames={"Value": False})
        ec2.delete_tags(Resources=[site.id_of("aws_subnet.private-a")], Tags=[{"Key": "Name"}])
        elb.modify_target_group(TargetGroupArn=site.id_of("aws_lb_target_group.ingress"), HealthCheckPath="/wrong")
        site.run("drift").expect(2, "aws_instance.place-1", "enable_dns_hostnames", "/wrong")
        changes = site.plan()
        expected = {
            "aws_instance.place-1": ["create"], "aws_vpc_security_group_ingress_rule.node-kubelet": ["create"], "aws_vpc.main": ["update"],
            "aws_subnet.private-a": ["update"], "aws_lb_target_group.ingress": ["update"],
        }
        self.assertEqual({address: changes.get(address) for address in expected}, expected)
        # What hangs on the machine that is gone.
        self.assertLessEqual(set(changes) - set(expected), {"aws_route.pods-place-1", "aws_lb_target_group_attachment.ingress-place-1"})
        site.apply().expect(0)

    def test_other_ways(self):
        """What an inventory may say otherwise: each is made, finds nothing to do, and leaves nothing."""
        before = self.zone()
        pools = "pools:\n  - { name: control-plane, role: control-plane }\n  - { name: w, count: 2, type: t4g.small, disk: 20 }\n"
        for edits, more, made in (
            ([("access: bastion", "access: public"), ("nat: single", "nat: zone"), ("endpoint: nlb", "options: {}")], "",
             {"instance": 3, "nat_gateway": 2, "eip": 5, "route_table": 3, "lb": 1, "route": 6, "security_group": 3}),
            ([("access: bastion", "access: private"), ("nat: single", "nat: none"), ("cni: bridge", "cni: calico"), ("zones: [a, c]", "zones: [ap-northeast-2b, d]"),
              ("cidr: 10.0.0.0/16", "cidr: 10.9.0.0/20\n  subnets: { private: { b: 10.9.0.0/22, d: 10.9.4.0/22 }, public: { b: 10.9.8.0/24, d: 10.9.9.0/24 } }")],
             "addons: { aws-ebs-csi: {} }\n",
             {"instance": 3, "nat_gateway": None, "eip": None, "route_table": 2, "lb": 2, "route": 1, "security_group": 4, "role_policy_attachment": 1}),
        ):
            with self.subTest(edits[0]):
                site = self.site().stock()
                file = site.directory / "inventory.yaml"
                text = file.read_text()
                file.write_text(text[:text.index("pools:")] + pools + more)
                for was, now in edits:
                    site.edit(was, now)
                site.apply().expect(0)
                held = self.moto.inventory()
                self.assertEqual({kind: len(held[kind]) if kind in held else None for kind in made}, made)
                self.unchanged(site)
                site.destroy().expect(0)
                self.assertEqual(self.moto.inventory(), before)

    def test_like_aws(self):
        """The same where things take time to be ready and to be seen, lists come in pages of five, and calls are throttled as AWS does."""
        world, rules = self.proxy.world, self.proxy.rules
        for kind in ("vpc", "subnet", "nat_gateway", "instance", "volume", "lb", "certificate", "change", "ending"):
            world.pending[kind] = Pending(describes=2)
        for kind in ("vpc", "subnet", "internet_gateway", "eip", "nat_gateway", "route_table", "security_group", "instance", "volume", "lb",
                     "target_group", "role", "instance_profile", "certificate"):
            world.invisible[kind] = 1
        world.page_size, world.linger = 5, 2
        rules.limit("ec2:RunInstances", 5, 2)
        rules.limit("ec2:Describe*", 100, 20)
        rules.limit("ec2:*SecurityGroup*gress", 50, 5)
        rules.limit("ec2:*", 50, 5)
        rules.limit("elbv2:*", 40, 10)
        rules.limit("route53:*", 5, 5)
        site, before = self.built()
        self.assertEqual(len(self.moto.inventory()["instance"]), 15)
        site.converged()
        site.destroy().expect(0)
        self.assertEqual(self.moto.inventory(), before)

    def test_an_answer_is_lost(self):
        """Each kind of creation loses its answer once: the run goes on or says so, the next one finishes, and nothing is there twice."""
        before = self.zone()
        site = self.site().stock()
        for action in ("CreateVpc", "CreateSubnet", "CreateInternetGateway", "AllocateAddress", "CreateNatGateway", "CreateRouteTable", "CreateRoute",
                       "CreateSecurityGroup", "AuthorizeSecurityGroupIngress", "RunInstances", "CreateVolume", "CreateLoadBalancer", "CreateTargetGroup",
                       "CreateListener", "CreateRole", "CreateInstanceProfile", "RequestCertificate", "ChangeResourceRecordSets", "ImportKeyPair"):
            self.proxy.rules.drop(action)
        for _ in range(12):
            if site.apply().code == 0:
                break
        site.apply().expect(0, "No changes")
        counted = {kind: len(things) for kind, things in self.moto.inventory().items()}
        self.assertEqual({kind: counted.get(kind) for kind in MADE}, MADE)
        site.destroy().expect(0)
        self.assertEqual(self.moto.inventory(), before)


if __name__ == "__main__":
    unittest.main()
