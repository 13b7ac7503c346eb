#!/usr/bin/env python3
"""Policies over a plan: other people's (checkov, on the plan as JSON in Terraform's format) and our own (policies/*.lua).

checkov comes from requirements-policy.txt, installed by `.ci/setup policy` outside of the repository.
"""

from __future__ import annotations

import json
import os
import subprocess

from harness import Case, Path, unittest

VENV = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "slipway-test/policy"

# Types of an API that answers at once and holds nothing, under the names that other people's policies know.
CLOUD = """
local resource, provider = require "resource", require "provider"
provider.define("cloud", { client = function() return {} end })
local function api(name, schema)
  schema.id = { "string", computed = true, doc = "the id" }
  return resource(name) { on = "api", provider = "cloud", schema = schema,
    list = function(_, items)
      local found = {}
      for _, item in ipairs(items) do if item.prior then found[item._name] = item.prior end end
      return found
    end,
    create = function(_, r) return { id = "id-" .. r._name } end,
    update = function() return {} end,
    delete = function() end }
end
return {
  bucket = api("aws_s3_bucket", { bucket = { "string" }, tags = { "map", of = "string" } }),
  access_block = api("aws_s3_bucket_public_access_block", { bucket = { "string" }, block_public_acls = { "bool" },
    block_public_policy = { "bool" }, ignore_public_acls = { "bool" }, restrict_public_buckets = { "bool" } }),
  volume = api("aws_ebs_volume", { availability_zone = { "string" }, size = { "int" }, encrypted = { "bool" }, kms_key_id = { "string" } }),
  group = api("aws_security_group", { name = { "string" }, description = { "string" } }),
  ingress = api("aws_vpc_security_group_ingress_rule", { security_group_id = { "string" }, cidr_ipv4 = { "string" }, from_port = { "int" },
    to_port = { "int" }, ip_protocol = { "string" }, description = { "string" } }),
  instance = api("aws_instance", { instance_type = { "string" }, user_data = { "string", sensitive = true }, tags = { "map", of = "string" },
    root_block_device = { "map", of = { encrypted = { "bool" }, volume_size = { "int" } } }, private_ip = { "string", computed = true },
    metadata_options = { "map", of = { http_tokens = { "string" } } } }),
}
"""

OPEN = """
local aws = require "cloud"
aws.bucket "logs" { bucket = "logs" }
aws.volume "data" { availability_zone = "a", size = 100 }
local web = aws.group "web" { name = "web", description = "what the world reaches" }
aws.ingress "ssh" { security_group_id = web.id, cidr_ipv4 = "0.0.0.0/0", from_port = 22, to_port = 22, ip_protocol = "tcp", description = "ssh" }
aws.instance "api.example.org" { instance_type = "t3.small" }
"""

MENDED = """
local aws = require "cloud"
local logs = aws.bucket "logs" { bucket = "logs" }
aws.access_block "logs" { bucket = logs.id, block_public_acls = true, block_public_policy = true, ignore_public_acls = true,
  restrict_public_buckets = true }
aws.volume "data" { availability_zone = "a", size = 100, encrypted = true, kms_key_id = "arn:aws:kms:x:1:key/2" }
local web = aws.group "web" { name = "web", description = "what the office reaches" }
aws.ingress "ssh" { security_group_id = web.id, cidr_ipv4 = "203.0.113.0/24", from_port = 22, to_port = 22, ip_protocol = "tcp",
  description = "ssh" }
aws.instance "api.example.org" { instance_type = "t3.small", root_block_device = { encrypted = true, volume_size = 20 },
  metadata_options = { http_tokens = "required" } }
"""

# check id -> the resource that breaks it in OPEN
VIOLATIONS = {
    "CKV2_AWS_6": "aws_s3_bucket.logs",                          # no public access block: seen by the reference in the configuration
    "CKV_AWS_3": "aws_ebs_volume.data",                          # not encrypted
    "CKV_AWS_24": "aws_vpc_security_group_ingress_rule.ssh",     # ssh open to the world
    "CKV_AWS_8": 'aws_instance.api_example_org["api.example.org"]',   # a block inside of an instance
    "CKV_AWS_79": 'aws_instance.api_example_org["api.example.org"]',  # IMDSv1
}


def checkov(plan: Path) -> dict[str, dict[str, str]]:
    """{'failed': {check: resource}, 'passed': {...}} of the checks above."""
    command = [VENV / "bin/checkov", "-f", plan, "--framework", "terraform_plan", "-o", "json", "--compact", "--skip-download",
               "--check", ",".join(VIOLATIONS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=plan.parent)
    if done.returncode not in (0, 1):
        raise AssertionError(f"checkov ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    report = json.loads(done.stdout)
    if report["summary"]["parsing_errors"]:
        raise AssertionError(f"checkov cannot read the plan\n{done.stdout}\n{done.stderr}")
    return {kind: {check["check_id"]: check["resource"] for check in report["results"][f"{kind}_checks"]} for kind in ("passed", "failed")}


class Base(Case):
    def cloud(self, body: str, **more):
        site = self.site(nodes=[])
        site.inventory(nodes=[], **more)
        (site.directory / "cloud.lua").write_text(CLOUD)
        site.play(body, each=False)
        return site


class OtherPeoples(Base):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        if not (VENV / "requirements.txt").exists():
            raise RuntimeError(f"checkov is not installed in {VENV}: run .ci/setup policy")

    def plan(self, body: str) -> Path:
        site = self.cloud(body)
        site.run("plan", "--out", "saved").expect(0)
        site.run("show", "--json", "--out", "plan.json", "saved").expect(0)
        return site.directory / "plan.json"

    def test_checkov_finds_what_is_wrong(self):
        self.assertEqual(checkov(self.plan(OPEN))["failed"], VIOLATIONS)

    def test_checkov_passes_the_mended_playbook(self):
        report = checkov(self.plan(MENDED))
        self.assertEqual((report["failed"], report["passed"].keys()), ({}, VIOLATIONS.keys()))

    def test_what_policies_look_at(self):
        plan = json.loads(self.plan(MENDED).read_text())
        self.assertEqual(plan["format_version"], "1.2")
        changes = {change["address"]: change for change in plan["resource_changes"]}
        instance = changes['aws_instance.api_example_org["api.example.org"]']
        self.assertEqual(instance["change"]["after"]["root_block_device"], [{"encrypted": True, "volume_size": 20}])
        self.assertEqual(instance["change"]["after_unknown"], {"id": True, "private_ip": True})
        self.assertEqual(instance["index"], "api.example.org")
        self.assertEqual(instance["slipway"]["address"], "aws_instance.api.example.org")
        block = changes["aws_s3_bucket_public_access_block.logs"]
        self.assertNotIn("bucket", block["change"]["after"])
        self.assertTrue(block["change"]["after_unknown"]["bucket"])
        configured = {entry["address"]: entry for entry in plan["configuration"]["root_module"]["resources"]}
        self.assertEqual(configured["aws_s3_bucket_public_access_block.logs"]["expressions"]["bucket"],
                         {"references": ["aws_s3_bucket.logs.id", "aws_s3_bucket.logs"]})


if __name__ == "__main__":
    unittest.main()
