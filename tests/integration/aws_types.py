"""What the tests of AWS resource types share: a type is made, found unchanged, changed, replaced, repaired, imported, removed."""

from __future__ import annotations

from aws_site import AwsCase, AwsSite, Pending, unittest

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


class TypesCase(AwsCase):
    def refresh(self, site: AwsSite, most: int) -> dict[str, int]:
        """A plan that finds nothing to do, in at most so many calls that only read. Gives the calls by name."""
        since = len(self.proxy.calls)
        site.converged()
        self.assertEqual(self.proxy.mutations(since), [])
        self.assertLessEqual(len(self.proxy.calls) - since, most, self.calls(since))
        return self.proxy.counts(since)

    def changes(self, site: AwsSite, expected: dict[str, str]) -> None:
        """What the plan would do, in words: create, update, delete, replace; and then it is done and nothing is left."""
        words = {address: "replace" if len(actions) == 2 else actions[0] for address, actions in site.plan().items()}
        self.assertEqual(words, expected)
        site.apply().expect(0)
        site.converged()

    def gone(self, site: AwsSite) -> None:
        ended = site.destroy().expect(0)
        self.assertEqual(self.moto.inventory(), {}, f"{ended}\n{self.calls(0)}")
        self.assertEqual(site.sql("select count(*) from resource"), [(0,)])
        self.assertEqual(site.sql("select count(*) from intent where outcome is null"), [(0,)])

    def adopted(self, site: AwsSite, ids: dict[str, str]) -> None:
        """Each thing is forgotten and imported again; then nothing is left to do."""
        for address, thing in ids.items():
            site.run("state", "rm", "--yes", address).expect(0)
            site.run("import", address, thing).expect(0)
        self.assertEqual(site.plan(), {})


__all__ = ["NETWORK", "OTHER", "Pending", "READER", "TRUST", "TypesCase", "unittest"]
