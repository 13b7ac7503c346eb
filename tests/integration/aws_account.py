"""An AWS account on loopback for one test: a strict double, a home directory, an inventory, and a type that makes VPCs."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import unittest
from pathlib import Path

from aws_double import Double
from harness import SANITIZERS, SLIPWAY, Process, Result

ROLE = "arn:aws:iam::111122223333:role/deploy"
OTHER = "arn:aws:iam::111122223333:role/other"

PROBE = """
local resource = require "resource"

local function read(vpc, account) return { id = vpc.vpcId, cidr_block = vpc.cidrBlock, account = account } end

return resource "probe" {
  on = "api", provider = "aws", doc = "A VPC, as simple as can be.",
  schema = {
    cidr_block = { "string", required = true, immutable = true, doc = "its network" },
    id = { "string", computed = true, doc = "its id" },
    account = { "string", computed = true, doc = "whose it is" },
  },
  list = function(aws, items)
    local ids, tokens, found, by = {}, {}, {}, {}
    for _, item in ipairs(items) do
      if item.prior and item.prior.id then ids[#ids + 1] = item.prior.id
      elseif item._token then tokens[#tokens + 1] = item._token end
    end
    for _, vpc in ipairs(aws.ec2:by_ids("DescribeVpcs", "vpc-id", ids, "vpcSet")) do by[vpc.vpcId] = vpc end
    for _, vpc in ipairs(aws.ec2:by_ids("DescribeVpcs", "tag:slipway:token", tokens, "vpcSet")) do by[aws.token_of(vpc.tagSet)] = vpc end
    for _, item in ipairs(items) do
      local vpc = by[item.prior and item.prior.id or item._token]
      if vpc then found[item._name] = read(vpc, aws:account()) end
    end
    return found
  end,
  create = function(aws, r)
    if r.have then return { id = r.have.id, account = aws:account() } end
    local out = aws.ec2:call("CreateVpc", { CidrBlock = r.cidr_block, TagSpecification = { { ResourceType = "vpc", Tag = aws:tags(r) } } })
    return read(out.vpc, aws:account())
  end,
  delete = function(aws, r) aws.ec2:call("DeleteVpc", { VpcId = r.prior.id }, { gone = { "InvalidVpcID.NotFound" } }) end,
}
"""


class Account(unittest.TestCase):
    """Each test has a double, a home directory and a site of its own."""

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="slipway-aws-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.home = self.directory / "home"
        (self.home / ".aws").mkdir(parents=True)
        self.site = self.directory / "site"
        self.site.mkdir()
        self.double = Double()
        self.double.__enter__()
        self.addCleanup(self.double.__exit__)
        self.said = ""
        self.provider: dict = {}
        self.write_play(1)
        (self.site / "probe.lua").write_text(PROBE)

    def write_play(self, count: int) -> None:
        (self.site / "play.lua").write_text(
            f'require "aws"\nlocal probe = require "probe"\nfor i = 1, {count} do probe("p" .. i) {{ cidr_block = "10." .. i .. ".0.0/16" }} end\n')

    def config(self, text: str) -> None:
        (self.home / ".aws/config").write_text(text)

    def credentials(self, text: str) -> None:
        (self.home / ".aws/credentials").write_text(text)

    def environment(self, env: dict[str, str]) -> dict[str, str]:
        base = {name: value for name, value in os.environ.items() if not name.startswith(("SLIPWAY", "AWS"))}
        base |= {"NO_COLOR": "1", "TERM": "dumb", "HOME": str(self.home), "AWS_ENDPOINT_URL": self.double.url, "AWS_REGION": self.double.region,
                 "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.double.url, **SANITIZERS, **env}
        return {name: value for name, value in base.items() if value}

    def start(self, *arguments: str, **env: str) -> Process:
        document = {"name": "site", "playbook": "play", "provider": {"name": "aws", **self.provider}}
        (self.site / "inventory.yaml").write_text(re.sub(r'"(!env \w+)"', r"\1", json.dumps(document)))
        trace = self.directory / f"trace{len(list(self.directory.glob('trace*')))}"
        return Process([str(SLIPWAY), *arguments, "--trace", str(trace)], list(arguments), self.environment(env), self.site)

    def run_slipway(self, *arguments: str, **env: str) -> Result:
        result = self.start(*arguments, **env).finish(60)
        self.said += result.text
        return result

    def apply(self, **env: str) -> Result:
        return self.run_slipway("apply", "--yes", **env)

    def plan(self, **env: str) -> Result:
        return self.run_slipway("plan", **env)

    def user(self) -> dict[str, str]:
        self.double.user("AKIDUSER", "user/SECRET+key")
        return {"AWS_ACCESS_KEY_ID": "AKIDUSER", "AWS_SECRET_ACCESS_KEY": "user/SECRET+key"}

    def works(self, who: str, **env: str) -> None:
        """A VPC is made and read again, by that principal, and nothing is left to do."""
        self.apply(**env).expect(0, "1 done")
        self.run_slipway("plan", "--detailed-exitcode", **env).expect(0)
        self.assertEqual({by for action, by in self.double.principals if action not in ("AssumeRole", "AssumeRoleWithWebIdentity")}, {who})
        self.assertEqual(len(self.double.vpcs), 1)

    def tearDown(self) -> None:
        self.assertEqual(self.double.problems, [])
        places = {"what was printed": self.said.encode()}
        for path in [*self.directory.glob("trace*"), *(path for path in (self.site / ".slipway").rglob("*") if path.is_file())]:
            places[path.name] = path.read_bytes()
        for secret in self.double.secrets:
            for place, text in places.items():
                self.assertNotIn(secret.encode(), text, f"a secret is in {place}")
