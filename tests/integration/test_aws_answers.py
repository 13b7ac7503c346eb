"""Answers that are none, for everything that is read and made: cut off, of another kind, hollow. An error says so; nothing is taken for gone, or made twice."""

import json

from aws_site import AwsCase, unittest
from aws_wire import Answer

POOLS = """pools:
  - { name: control-plane, role: control-plane, count: 1, type: t3.large }
  - { name: data, count: 1, type: t3.large, volume: { size: 100 } }
"""
# What the stock set has not.
MORE = """
local aws = require "aws"
local key = slipway.file(slipway.inventory.ssh.key .. ".pub")
local allow = { Statement = { { Effect = "Allow", Action = "s3:*", Resource = "*" } } }
aws.iam_policy "p" { policy = allow }
local bucket = aws.s3_bucket "b" { bucket = "slipway-tests-answers" }
aws.s3_bucket_versioning "b" { bucket = bucket.id, versioning_configuration = { status = "Enabled" } }
aws.s3_bucket_public_access_block "b" { bucket = bucket.id, block_public_acls = true }
aws.launch_template "t" { name = "template", instance_type = "t3.micro" }
aws.route53_zone "z" { name = "zone.example.net" }
"""
SETTINGS = {"ec2:DescribeVpcAttribute", "ec2:DescribeInstanceAttribute", "elbv2:DescribeTags", "s3:GetBucketTagging", "s3:GetBucketVersioning",
            "s3:GetPublicAccessBlock", "acm:ListTagsForCertificate", "sts:GetCallerIdentity", "iam:GetRolePolicy"}
WORDS = ("attempt to", "traceback", "stack")  # of an error in Lua, which is none for people


def cut(call) -> Answer:
    return Answer(200, call.answer.body[:max(len(call.answer.body) // 2, 1)], call.answer.headers)


def other(_) -> Answer:
    return Answer(200, b"<html><head><title>Welcome to the hotel</title></head><body>Please log in.</body></html>", {"Content-Type": "text/html"})


def hollow(call) -> Answer | None:
    """The document as it is, with nothing in its things."""
    if not call.answer.body:
        return None
    if call.service in ("acm", "ssm"):
        return Answer(200, json.dumps({name: [{}] if isinstance(value, list) else {} if isinstance(value, dict) else None
                                       for name, value in json.loads(call.answer.body).items()}).encode(), call.answer.headers)
    root = call.answer.tree()
    result = root.find(f"{call.action}Result")
    for element in root if result is None else result:
        for inner in element:
            inner.clear()
    return call.answer.put(root)


class Answers(AwsCase):
    def stock(self):
        self.zone()
        site = self.site().stock()
        file = site.directory / "inventory.yaml"
        text = file.read_text()
        file.write_text(text[:text.index("pools:")] + POOLS)
        return site.play((site.directory / "play.lua").read_text() + MORE)

    def clear(self, result, *words: str) -> None:
        """An error for people."""
        self.assertEqual(result.code, 1, str(result))
        for word in words:
            self.assertIn(word, result.err, str(result))
        for word in WORDS:
            self.assertNotIn(word, result.err, str(result))

    def test_reading(self):
        """Each action that a plan reads with."""
        site = self.stock()
        site.apply().expect(0)
        since = len(self.proxy.calls)
        site.converged()
        actions = sorted(self.proxy.counts(since))
        self.assertGreater(len(actions), 25)
        for number, action in enumerate(actions):
            for fault in (hollow, (cut, other)[number % 2]):
                with self.subTest(action=action, fault=fault.__name__):
                    self.proxy.rules.clear()
                    self.proxy.rules.add(action, fault, after=True, times=0)
                    result = site.run("plan", "--detailed-exitcode")
                    # A setting that may be left out may be left out: then it differs, and that is all.
                    if fault is hollow and action in SETTINGS and result.code != 1:
                        self.assertNotRegex(result.out, "(?m)^  [-+]")
                    else:
                        self.clear(result, action.partition(":")[2], "the answer cannot be read")
        self.proxy.rules.clear()
        site.converged()

    def test_making(self):
        """Each action that makes something, the first time: what it made is found, or made again where AWS refuses to make it twice."""
        site = self.stock()
        site.apply().expect(0)
        want = {kind: len(things) for kind, things in self.moto.inventory().items()}
        actions = sorted({call.name for call in self.proxy.calls if call.mutates})
        for fault in (hollow, other):
            with self.subTest(fault=fault.__name__):
                self.moto.reset()
                self.proxy.reset()
                site = self.stock()
                for action in actions:
                    self.proxy.rules.add(action, fault, after=True)
                for _ in range(len(actions)):
                    result = site.apply()
                    if result.code == 0:
                        break
                    self.clear(result, "the answer cannot be read")
                site.converged()
                self.assertEqual({kind: len(things) for kind, things in self.moto.inventory().items()}, want)


if __name__ == "__main__":
    unittest.main()
