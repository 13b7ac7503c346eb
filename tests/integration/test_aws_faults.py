"""Bad input and faults on AWS: what is wrong is said in words that help, nothing is lost, nothing is done twice."""

from aws_site import AwsCase, first, unittest

VPC = 'local vpc = aws.vpc "main" { cidr_block = "10.0.0.0/16", tags = { Name = "main" } }\n'
SUBNET = 'local subnet = aws.subnet "a" { vpc_id = vpc.id, cidr_block = "10.0.1.0/24", availability_zone = "ap-northeast-2a" }\n'
IMAGE = 'local image = aws.data.ami "ubuntu" { owners = { "099720109477" }, most_recent = true, filter = { { name = "architecture", values = { "x86_64" } } } }\n'
MACHINE = 'aws.instance "m" { ami = image.id, instance_type = "t3.micro", subnet_id = subnet.id }\n'
ROLE = 'aws.iam_role "r" { name = "r", assume_role_policy = { Version = "2012-10-17", Statement = { { Effect = "Allow", Action = "sts:AssumeRole", ' \
       'Principal = { Service = "ec2.amazonaws.com" } } } } }\n'


class Credentials(AwsCase):
    def test_a_wrong_secret(self):
        site = self.site().small(VPC)
        wrong = "wrong/wrong/wrong/wrong/wrong/wrong/wrong"
        result = site.apply(env={"AWS_SECRET_ACCESS_KEY": wrong}).expect(1, "SignatureDoesNotMatch", without=(wrong,))
        self.assertIn("keys", result.err)
        self.assertEqual(self.moto.inventory(), {})

    def test_an_unknown_key(self):
        self.site().small(VPC).apply(env={"AWS_ACCESS_KEY_ID": "AKIANOBODY0000000000"}).expect(1, "AuthFailure")

    def test_no_credentials_at_all(self):
        nothing = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), "")
        self.site().small(VPC).apply(env=nothing).expect(1, "credentials")
        self.assertEqual(self.proxy.calls, [])

    def test_expired(self):
        """They end in the middle: what was made is recorded, and new ones go on."""
        site = self.site().small(VPC + SUBNET + ROLE)
        self.proxy.rules.add("CreateSubnet", lambda _: setattr(self.proxy, "expired", True))
        result = site.apply().expect(1)
        self.assertRegex(result.err, "(?i)expired")
        self.proxy.expired = False
        site.apply().expect(0)
        site.converged()
        self.assertEqual({kind: len(things) for kind, things in self.moto.inventory().items()}, {"vpc": 1, "subnet": 1, "role": 1})

    def test_the_clock_is_wrong(self):
        """AWS's clock is twenty minutes ahead: noticed, corrected, and the run succeeds."""
        self.proxy.clock = 1200
        site = self.site().small(VPC + ROLE)
        site.apply().expect(0)
        self.assertEqual(set(self.moto.inventory()), {"vpc", "role"})

    def test_a_secret_is_nowhere(self):
        env = self.proxy.env(self.moto)
        site = self.site().small(VPC)
        trace = site.directory / "trace"
        result = site.apply("--trace", str(trace)) if "--trace FILE" in site.run("apply", "--help").text else site.apply("--trace")
        result.expect(0)
        everything = result.text.encode() + b"".join(file.read_bytes() for file in site.directory.rglob("*") if file.is_file())
        for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            self.assertNotIn(env[name].encode(), everything, name)
        self.assertNotRegex(everything.decode(errors="replace"), "Signature=[0-9a-f]{64}")


class Refusals(AwsCase):
    def test_a_permission_is_missing(self):
        self.proxy.rules.unauthorized("CreateSubnet")
        site = self.site().small(VPC + SUBNET)
        result = site.apply().expect(1, "ec2:CreateSubnet", "aws_subnet.a", "UnauthorizedOperation")
        self.assertIn("permission", result.err)
        self.assertEqual(set(self.moto.inventory()), {"vpc"})
        self.proxy.rules.clear()
        site.apply().expect(0)

    def test_refused_again_and_again(self):
        """What a create left half made is not lost track of, however often it is refused to be finished; nor is something else adopted in its place."""
        theirs = self.moto.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.proxy.rules.unauthorized("ModifyVpcAttribute")
        site = self.site().small('aws.vpc "main" { cidr_block = "10.0.0.0/16", enable_dns_hostnames = true }\n')
        for _ in range(3):
            site.apply().expect(1, "ec2:ModifyVpcAttribute")
        ours = next(name for name in self.moto.inventory()["vpc"] if name != theirs)
        site.run("import", "aws_vpc.main", theirs).expect(1, f"'aws_vpc.main' was begun by a run that did not finish: it made '{ours}'", "slipway state rm")
        self.proxy.rules.clear()
        site.apply().expect(0)
        site.converged()
        self.assertEqual((site.id_of("aws_vpc.main"), set(self.moto.inventory()["vpc"])), (ours, {ours, theirs}))

    def test_half_made_and_imported(self):
        """Told what it is by its id, it is no longer half made, and nothing is open any more."""
        self.proxy.rules.unauthorized("ModifyVpcAttribute")
        site = self.site().small('aws.vpc "main" { cidr_block = "10.0.0.0/16", enable_dns_hostnames = true }\n')
        site.apply().expect(1)
        ours = next(iter(self.moto.inventory()["vpc"]))
        self.proxy.rules.clear()
        site.run("import", "aws_vpc.main", ours).expect(0)
        self.assertEqual(site.sql("select count(*) from intent where outcome is null"), [(0,)])
        site.apply().expect(0)
        site.converged()
        self.assertEqual(set(self.moto.inventory()["vpc"]), {ours})

    def test_a_permission_to_read_is_missing(self):
        site = self.site().small(VPC + ROLE)
        site.apply().expect(0)
        self.proxy.rules.unauthorized("iam:Get*")
        self.proxy.rules.unauthorized("iam:List*")
        site.run("plan").expect(1, "AccessDenied", "iam:")
        self.assertEqual(set(self.moto.inventory()), {"vpc", "role"})

    def test_a_quota(self):
        self.proxy.rules.fail("CreateVpc", "VpcLimitExceeded", "The maximum number of VPCs has been reached.", times=0)
        result = self.site().small(VPC).apply().expect(1, "VpcLimitExceeded", "aws_vpc.main")
        self.assertIn("quota", result.err.lower())
        self.assertEqual(self.proxy.counts()["ec2:CreateVpc"], 1)

    def test_no_capacity(self):
        self.proxy.world.full_zones = {"ap-northeast-2a"}
        site = self.site().small(VPC + SUBNET + IMAGE + MACHINE)
        result = site.apply().expect(1, "InsufficientInstanceCapacity", "aws_instance.m", "ap-northeast-2a")
        self.assertIn("choose another zone (ap-northeast-2b, ap-northeast-2c or ap-northeast-2d) or another type", result.err)
        self.proxy.world.full_zones = set()
        site.apply().expect(0)
        self.assertEqual(len(self.moto.inventory()["instance"]), 1)

    def test_a_name_is_taken(self):
        """Somebody else's thing of the same name is not adopted, and the way to adopt it is said."""
        self.moto.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")
        site = self.site().small(ROLE)
        site.apply().expect(1, "slipway import", "aws_iam_role.r")
        site.run("import", "aws_iam_role.r", "nobody").expect(1, "there is no aws_iam_role with the id 'nobody'")
        site.run("import", "aws_iam_role.r", "r").expect(0)
        site.apply().expect(0)
        self.assertEqual(set(self.moto.inventory()["role"]), {"r"})

    def test_something_holds_on(self):
        """A machine made by hand in our subnet: destroy says what it is, and goes on once it is gone."""
        site = self.site().small(VPC + SUBNET)
        site.apply().expect(0)
        ec2 = self.moto.client("ec2")
        image = ec2.describe_images(Filters=[{"Name": "architecture", "Values": ["x86_64"]}])["Images"][0]["ImageId"]
        theirs = ec2.run_instances(ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1, SubnetId=site.id_of("aws_subnet.a"))
        name = theirs["Instances"][0]["InstanceId"]
        site.destroy().expect(1, name, "aws_subnet.a")
        ec2.terminate_instances(InstanceIds=[name])
        site.destroy().expect(0)
        self.assertEqual({kind for kind in self.moto.inventory() if kind != "volume"}, set())


class Input(AwsCase):
    def refused(self, body: str, *words: str) -> None:
        """Found without a call."""
        since = len(self.proxy.calls)
        self.site().small(body).run("validate").expect(1, *words)
        self.assertEqual(len(self.proxy.calls), since)

    def test_networks(self):
        self.refused('aws.vpc "main" { cidr_block = "10.0.0.0/33" }', "10.0.0.0/33")
        self.refused('aws.vpc "main" { cidr_block = "10.0.0.1/16" }', "10.0.0.1/16")
        self.refused('aws.vpc "main" { cidr_block = "10.0.0.0/8" }', "/16")
        self.refused(VPC + 'aws.subnet "a" { vpc_id = vpc.id, cidr_block = "300.0.0.0/24" }', "300.0.0.0/24")

    def test_networks_that_overlap(self):
        """Within one VPC, known or not; not across them, and not the same one twice."""
        one, other = SUBNET, 'aws.subnet "b" { vpc_id = vpc.id, cidr_block = "10.0.0.0/22" }\n'
        words = "cidr_block: '%s' overlaps '%s' of aws_subnet.%s, which is in the same VPC"
        self.refused(VPC + one + other, words % ("10.0.0.0/22", "10.0.1.0/24", "a"), "play.lua:4", "slipway.cidr")
        self.refused(VPC + other + one, words % ("10.0.1.0/24", "10.0.0.0/22", "b"), "play.lua:4")
        self.refused('aws.subnet "a" { vpc_id = "vpc-1", cidr_block = "10.0.0.0/24" }\naws.subnet "b" { vpc_id = "vpc-1", cidr_block = "10.0.0.128/25" }',
                     words % ("10.0.0.128/25", "10.0.0.0/24", "a"))
        many = "".join(f'aws.subnet "s{n}" {{ vpc_id = vpc.id, cidr_block = slipway.cidr("10.0.0.0/16", {n}, 24) }}\n' for n in (7, 3, 9, 1, 8))
        far = 'local far = aws.vpc "far" { cidr_block = "10.0.0.0/16" }\naws.subnet "far" { vpc_id = far.id, cidr_block = "10.0.1.0/24" }\n'
        self.site().small(VPC + many + far).run("validate").expect(0)

    def test_words(self):
        self.refused('aws.vcp "main" { cidr_block = "10.0.0.0/16" }', "vcp", "vpc")
        self.refused('aws.vpc "main" { cidr_block = "10.0.0.0/16", instance_tenanci = "default" }', "instance_tenanci", "instance_tenancy")
        self.refused('aws.vpc "main" {}', "cidr_block")

    def stock(self, *edits: tuple[str, str]):
        site = self.site().stock()
        for was, now in edits:
            site.edit(was, now)
        return site.run("validate")

    def test_the_inventory(self):
        """Each mistake is named with its place."""
        self.stock().expect(0, "ecoeco is valid")
        for was, now, *words in (
            ("cidr: 10.0.0.0/16", "cidr: 10.0.0.0/33", "network.cidr"),
            ("cidr: 10.0.0.0/16", "cidr: 192.168.0.0/17", "overlaps"),
            ("zones: [a, c]", "zones: [a, a]", "twice"),
            ("zones: [a, c]", "zones: [us-east-1a, c]", "not a zone of ap-northeast-2"),
            ("zones: [a, c]", "zones: [a]", "two zones"),
            ("nat: single", "nat: many", "nat"),
            ("allow: [203.0.113.0/24]", "allow: []", "network.allow"),
            ("allow: [203.0.113.0/24]", "allow: [home]", "'home' is not a network"),
            ("access: bastion", "acces: bastion", "acces"),
            ("name: ecoeco", "name: a-name-that-is-much-too-long", "too long"),
            ("volume: { size: 100 }", "volume: { size: 0 }", "volume.size"),
            ("region: ap-northeast-2", "profile: x", "region"),
            ("pod_cidr: 192.168.0.0/16", "pod_cidr: 192.168.0.0/18", "room for 4 pools"),
            ("count: 3, type: t3.medium", "count: 17, type: t3.medium", "more than 16 machines"),
        ):
            with self.subTest(now):
                self.stock((was, now)).expect(1, *words)


class Answers(AwsCase):
    def test_throttled(self):
        for action in ("CreateVpc", "CreateSubnet", "CreateRole", "DescribeVpcs"):
            self.proxy.rules.throttle(action, times=3)
        site = self.site().small(VPC + SUBNET + ROLE)
        site.apply().expect(0)
        self.assertEqual({kind: len(things) for kind, things in self.moto.inventory().items()}, {"vpc": 1, "subnet": 1, "role": 1})
        site.converged()

    def made_once(self, body: str, **calls: int) -> None:
        """One run, whatever became of an answer; and so many calls of each of these actions."""
        site = self.site().small(body)
        site.apply().expect(0)
        site.converged()
        self.assertEqual({action: self.proxy.counts()["ec2:" + action] for action in calls}, calls)
        wanted = {"vpc": 1, "subnet": 1} if body != VPC else {"vpc": 1}
        self.assertEqual({kind: len(things) for kind, things in self.moto.inventory().items()}, wanted)

    def left_open(self, fault: str) -> None:
        """Nothing but its token tells a VPC from another, so none is made while one may come to light: the next run looks, and goes on."""
        site = self.site().small(VPC + SUBNET)
        site.apply().expect(1, "aws ec2 CreateVpc", fault, "nothing of it is seen after 15 s", "slipway apply")
        self.assertEqual(self.proxy.counts()["ec2:CreateVpc"], 1)
        site.apply().expect(0)
        site.converged()
        self.assertEqual({kind: len(things) for kind, things in self.moto.inventory().items()}, {"vpc": 1, "subnet": 1})

    def test_500(self):
        """What AWS would refuse to make twice is made again when nothing of it shows."""
        self.proxy.rules.broken("CreateSubnet", status=500)
        self.proxy.rules.broken("DescribeVpcs", status=500)
        self.made_once(VPC + SUBNET, CreateVpc=1, CreateSubnet=2)

    def test_500_after_the_effect(self):
        """What was made all the same is found by its token, though it shows late."""
        self.proxy.rules.broken("CreateSubnet", status=500, after=True)
        self.proxy.world.invisible["subnet"] = 2
        self.made_once(VPC + SUBNET, CreateVpc=1, CreateSubnet=1)

    def test_500_that_comes_to_light_late(self):
        """It shows only after it was asked for anew, which AWS refuses: it is found then."""
        self.proxy.rules.broken("CreateSubnet", status=500, after=True)
        self.proxy.world.invisible["subnet"] = 5
        self.made_once(VPC + SUBNET, CreateVpc=1, CreateSubnet=2)

    def test_500_for_what_has_no_name(self):
        self.proxy.rules.broken("CreateVpc", status=500)
        self.left_open("InternalFailure")

    def test_500_after_the_effect_for_what_has_no_name(self):
        self.proxy.rules.broken("CreateVpc", status=500, after=True)
        self.made_once(VPC, CreateVpc=1)

    def test_503(self):
        """AWS says that it did nothing: simply once more."""
        self.proxy.rules.broken("CreateSubnet", status=503)
        self.proxy.rules.broken("DescribeVpcs", status=503)
        self.made_once(VPC + SUBNET, CreateVpc=1, CreateSubnet=2)

    def test_dropped_before_the_effect(self):
        self.proxy.rules.drop("CreateVpc", after=False)
        self.proxy.rules.drop("CreateSubnet", after=False)
        self.left_open("no connection to the service, or it broke off")

    def test_dropped_after_the_effect(self):
        self.proxy.rules.drop("CreateVpc")
        self.proxy.rules.drop("CreateSubnet")
        self.made_once(VPC + SUBNET, CreateVpc=1, CreateSubnet=1)

    def test_malformed(self):
        site = self.site().small(VPC)
        site.apply().expect(0)
        self.proxy.rules.malformed("DescribeVpcs", times=0)
        site.run("plan").expect(1, "DescribeVpcs")
        self.proxy.rules.clear()
        site.converged()

    def test_malformed_after_the_effect(self):
        """The answer to a creation cannot be read: it is found again, not made again."""
        self.proxy.rules.malformed("CreateVpc", after=True)
        self.made_once(VPC, CreateVpc=1)

    def test_huge(self):
        site = self.site().small(VPC)
        site.apply().expect(0)
        self.proxy.rules.huge("DescribeVpcs", size=256 << 20, times=0)
        result = site.run("plan").expect(1, "DescribeVpcs")
        self.assertRegex(result.err, "large|MiB|bytes|limit")

    def test_slow(self):
        """An answer that trickles in is given up at the call's deadline, and the call is made again."""
        site = self.site().small(VPC, ", timeout: 10")
        site.apply().expect(0)
        self.proxy.rules.slow("DescribeVpcs", seconds=60)
        since = len(self.proxy.calls)
        site.converged()
        self.assertGreaterEqual(self.proxy.counts(since)["ec2:DescribeVpcs"], 2)


class Drift(AwsCase):
    def test_deleted_by_hand(self):
        site = self.site().small(VPC + SUBNET)
        site.apply().expect(0)
        self.moto.client("ec2").delete_subnet(SubnetId=site.id_of("aws_subnet.a"))
        site.run("drift").expect(2, "aws_subnet.a")
        self.assertEqual(site.plan(), {"aws_subnet.a": ["create"]})
        site.apply().expect(0, "aws_subnet.a created")
        site.converged()

    def test_changed_by_hand(self):
        site = self.site().small(VPC)
        site.apply().expect(0)
        self.moto.client("ec2").create_tags(Resources=[site.id_of("aws_vpc.main")], Tags=[{"Key": "Name", "Value": "by hand"}])
        result = site.run("drift").expect(2, "by hand")
        first(result.text, "aws_vpc.main")
        site.apply().expect(0)
        site.converged()

    def test_moved_and_removed(self):
        """Another name, and let go: in the plan, and nothing in the world changes."""
        site = self.site().small(VPC + SUBNET)
        site.apply().expect(0)
        before, thing = self.moto.inventory(), site.id_of("aws_vpc.main")
        renamed = VPC.replace('"main" {', '"network" {')
        site.small('moved { from = "aws_vpc.main", to = "aws_vpc.network" }\n' + renamed + SUBNET).run("plan").expect(
            0, "aws_vpc.main -> aws_vpc.network", "No changes")
        since = len(self.proxy.calls)
        site.apply().expect(0)
        self.assertEqual((site.id_of("aws_vpc.network"), site.sql("select count(*) from resource")), (thing, [(2,)]))
        site.small('removed { "aws_subnet.a" }\n' + renamed).run("plan").expect(0, "aws_subnet.a", "1 to forget")
        site.apply().expect(0)
        self.assertEqual(site.sql("select address from resource"), [("aws_vpc.network",)])
        self.assertEqual((self.proxy.mutations(since), self.moto.inventory()), ([], before))
        site.converged()


if __name__ == "__main__":
    unittest.main()
