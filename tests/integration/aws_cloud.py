"""What the tests of EC2 and VPC types share: moto behind a proxy that behaves like AWS, playbooks that build on each other, and the life of a resource."""

from __future__ import annotations

from harness import Case, Site, unittest
from moto import Moto
from aws_proxy import AwsProxy

HEAD = 'local aws = require "aws"\n'
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJhv3UEjJQjfhrIYyG1XcYc0d7m8cgKLfbRxDPr5jPyH"
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


class CloudSite(Site):
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

    def cloud(self, body: str) -> CloudSite:
        number = getattr(type(self), "_sites", 0) + 1
        type(self)._sites = number
        site = CloudSite(type(self), self.directory / f"site{number}", [])
        site.inventory(provider={"name": "aws"}, hosts=[])
        return self.says(site, body)

    def says(self, site: CloudSite, body: str) -> CloudSite:
        site.body = body
        return site.play(HEAD + body, each=False)

    def change(self, site: CloudSite, old: str, new: str) -> None:
        self.assertIn(old, site.body)
        self.says(site, site.body.replace(old, new))

    def settled(self, site: CloudSite) -> None:
        """Nothing is left to do, nobody is said to have changed a thing, and looking changed nothing."""
        since = len(self.proxy.calls)
        site.run("plan", "--detailed-exitcode").expect(0, "No changes", without=("behind our back",))
        self.assertEqual([call.name for call in self.proxy.mutations(since)], [])
        self.assertEqual(self.proxy.problems, [])

    def attributes(self, site: CloudSite, address: str) -> dict:
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


__all__ = ["AMI", "Cloud", "CloudSite", "GATEWAY", "GROUP", "INSTANCE", "KEY", "SUBNET", "VPC", "unittest"]
