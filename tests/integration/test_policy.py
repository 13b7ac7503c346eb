#!/usr/bin/env python3
"""Policies over a plan: other people's (checkov, on the plan as JSON in Terraform's format) and our own (policies/*.lua).

checkov comes from requirements-policy.txt, installed by `.ci/setup policy` outside of the repository.
"""

from __future__ import annotations

import json
import os
import subprocess

from harness import SANITIZERS, SLIPWAY, Case, Path, unittest

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
  s3_bucket = api("aws_s3_bucket", { bucket = { "string" }, tags = { "map", of = "string" } }),
  s3_bucket_public_access_block = api("aws_s3_bucket_public_access_block", { bucket = { "string" }, block_public_acls = { "bool" },
    block_public_policy = { "bool" }, ignore_public_acls = { "bool" }, restrict_public_buckets = { "bool" } }),
  ebs_volume = api("aws_ebs_volume", { availability_zone = { "string" }, size = { "int" }, encrypted = { "bool" }, kms_key_id = { "string" } }),
  security_group = api("aws_security_group", { name = { "string" }, description = { "string" } }),
  vpc_security_group_ingress_rule = api("aws_vpc_security_group_ingress_rule", { security_group_id = { "string" }, cidr_ipv4 = { "string" }, from_port = { "int" },
    to_port = { "int" }, ip_protocol = { "string" }, description = { "string" } }),
  instance = api("aws_instance", { ami = { "string" }, instance_type = { "string" }, user_data = { "string", sensitive = true }, tags = { "map", of = "string" },
    root_block_device = { "map", of = { encrypted = { "bool" }, volume_size = { "int" } } }, private_ip = { "string", computed = true },
    metadata_options = { "map", of = { http_tokens = { "string" } } } }),
}
"""

OPEN = """
local aws = require "%s"
aws.s3_bucket "logs" { bucket = "logs" }
aws.ebs_volume "data" { availability_zone = "eu-west-1a", size = 100 }
local web = aws.security_group "web" { name = "web", description = "what the world reaches" }
aws.vpc_security_group_ingress_rule "ssh" { security_group_id = web.id, cidr_ipv4 = "0.0.0.0/0", from_port = 22, to_port = 22, ip_protocol = "tcp",
  description = "ssh" }
aws.instance "api.example.org" { ami = "ami-1", instance_type = "t3.small" }
"""

MENDED = """
local aws = require "%s"
local logs = aws.s3_bucket "logs" { bucket = "logs" }
aws.s3_bucket_public_access_block "logs" { bucket = logs.id, block_public_acls = true, block_public_policy = true, ignore_public_acls = true,
  restrict_public_buckets = true }
aws.ebs_volume "data" { availability_zone = "eu-west-1a", size = 100, encrypted = true, kms_key_id = "arn:aws:kms:eu-west-1:1:key/2" }
local web = aws.security_group "web" { name = "web", description = "what the office reaches" }
aws.vpc_security_group_ingress_rule "ssh" { security_group_id = web.id, cidr_ipv4 = "203.0.113.0/24", from_port = 22, to_port = 22,
  ip_protocol = "tcp", description = "ssh" }
aws.instance "api.example.org" { ami = "ami-1", instance_type = "t3.small", root_block_device = { encrypted = true, volume_size = 20 },
  metadata_options = { http_tokens = "required" } }
"""

ROLE = """
local aws = require "aws"
aws.iam_role "node" { assume_role_policy = json.encode { Version = "2012-10-17", Statement = { { Effect = "Allow", Action = "sts:AssumeRole",
  Principal = { %s } } } } }
local vpc = aws.vpc "main" { cidr_block = "10.0.0.0/16" }
aws.subnet "a" { vpc_id = vpc.id, cidr_block = "10.0.1.0/24", map_public_ip_on_launch = %s }
"""

# check id -> the resource that breaks it in OPEN
VIOLATIONS = {
    "CKV2_AWS_6": "aws_s3_bucket.logs",                          # no public access block: seen by the reference in the configuration
    "CKV_AWS_3": "aws_ebs_volume.data",                          # not encrypted
    "CKV_AWS_24": "aws_vpc_security_group_ingress_rule.ssh",     # ssh open to the world
    "CKV_AWS_8": 'aws_instance.api_example_org["api.example.org"]',   # a block inside of an instance
    "CKV_AWS_79": 'aws_instance.api_example_org["api.example.org"]',  # IMDSv1
}


def checkov(plan: Path, checks=VIOLATIONS) -> dict[str, dict[str, str]]:
    """{'failed': {check: resource}, 'passed': {...}} of these checks."""
    command = [VENV / "bin/checkov", "-f", plan, "--framework", "terraform_plan", "-o", "json", "--compact", "--skip-download",
               "--check", ",".join(checks)]
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
        """As JSON, of slipway's own AWS types. Nothing is read: no AWS is needed to check a playbook."""
        site = self.site(nodes=[])
        site.inventory(nodes=[]).play(body, each=False)
        site.run("plan", "--no-refresh", "--out", "saved").expect(0)
        site.run("show", "--json", "--out", "plan.json", "saved").expect(0)
        return site.directory / "plan.json"

    def test_checkov_finds_what_is_wrong(self):
        self.assertEqual(checkov(self.plan(OPEN % "aws"))["failed"], VIOLATIONS)

    def test_checkov_passes_the_mended_playbook(self):
        report = checkov(self.plan(MENDED % "aws"))
        self.assertEqual((report["failed"], report["passed"].keys()), ({}, VIOLATIONS.keys()))

    def test_checkov_reads_documents_and_other_types(self):
        wrong = {"CKV_AWS_60": "aws_iam_role.node", "CKV_AWS_130": "aws_subnet.a"}
        self.assertEqual(checkov(self.plan(ROLE % ('AWS = "*"', "true")), wrong)["failed"], wrong)
        self.assertEqual(checkov(self.plan(ROLE % ('Service = "ec2.amazonaws.com"', "false")), wrong)["failed"], {})

    def test_what_policies_look_at(self):
        plan = json.loads(self.plan(MENDED % "aws").read_text())
        self.assertEqual(plan["format_version"], "1.2")
        changes = {change["address"]: change for change in plan["resource_changes"]}
        instance = changes['aws_instance.api_example_org["api.example.org"]']
        self.assertEqual(instance["change"]["after"]["root_block_device"], [{"delete_on_termination": True, "encrypted": True, "volume_size": 20}])
        self.assertTrue(instance["change"]["after_unknown"]["public_ip"])
        self.assertEqual(instance["index"], "api.example.org")
        self.assertEqual(instance["slipway"]["address"], "aws_instance.api.example.org")
        block = changes["aws_s3_bucket_public_access_block.logs"]
        self.assertNotIn("bucket", block["change"]["after"])
        self.assertTrue(block["change"]["after_unknown"]["bucket"])
        configured = {entry["address"]: entry for entry in plan["configuration"]["root_module"]["resources"]}
        self.assertEqual(configured["aws_s3_bucket_public_access_block.logs"]["expressions"]["bucket"],
                         {"references": ["aws_s3_bucket.logs.id", "aws_s3_bucket.logs"]})


NO_PUBLIC_SSH = """
for _, item in ipairs(plan.items) do
  if item.type == "aws_vpc_security_group_ingress_rule" and item.after and item.action ~= "no-op" then
    local open, port = item.after.cidr_ipv4, item.after.from_port
    if not slipway.is_known(open) then
      require_approval(item.address, "nobody knows yet who may come in")
    elseif open == "0.0.0.0/0" and port == 22 then
      deny(item.address, "ssh is open to the world")
    end
  end
end
"""
ASK_BEFORE_VOLUMES = """
for _, item in ipairs(plan.items) do
  if item.type == "aws_ebs_volume" and (item.action == "create" or item.action == "delete") then
    require_approval(item.address, ("%s of a volume of %d GB"):format(item.action, (item.after or item.before).size))
  end
end
"""


class OurOwn(Base):
    def policy(self, site, name: str, text: str, directory: str = "policies") -> None:
        (site.directory / directory).mkdir(exist_ok=True)
        (site.directory / directory / f"{name}.lua").write_text(text)

    def applied(self, site) -> bool:
        return bool(site.run("state", "list").expect(0).out.split())

    def test_deny(self):
        site = self.cloud(OPEN % "cloud")
        self.policy(site, "no_public_ssh", NO_PUBLIC_SSH)
        address = "aws_vpc_security_group_ingress_rule.ssh"
        site.run("plan").expect(3, "Policies", "deny", f"{address}: ssh is open to the world", "policies/no_public_ssh.lua:8",
                                "denied by the policy 'no_public_ssh'")
        site.run("apply", "--yes").expect(3, "ssh is open to the world")
        self.assertFalse(self.applied(site))
        # a saved plan can be looked at and not applied, whatever is approved
        site.run("plan", "--out", "saved").expect(3)
        site.run("show", "saved").expect(0, "ssh is open to the world")
        site.run("show", "--markdown", "saved").expect(0, "| **deny** |", "ssh is open to the world")
        shown = json.loads(site.run("show", "--json", "saved").expect(0).out)
        self.assertEqual(shown["slipway"]["policies"], [{"policy": "no_public_ssh", "verdict": "deny", "address": address,
                                                         "message": "ssh is open to the world"}])
        site.run("apply", "--yes", "saved").expect(3, "ssh is open to the world")
        self.assertFalse(self.applied(site))
        event, = site.run("plan", "--json").expect(3).events("policy")
        self.assertEqual((event["policy"], event["verdict"], event["address"]), ("no_public_ssh", "deny", address))
        site.play(MENDED % "cloud", each=False)
        site.apply().expect(0)
        site.run("destroy", "--yes").expect(0)

    def test_a_plan_made_before_the_policy(self):
        site = self.cloud(OPEN % "cloud")
        site.run("plan", "--out", "saved").expect(0)
        self.policy(site, "no_public_ssh", NO_PUBLIC_SSH)
        site.run("apply", "--yes", "saved").expect(3, "ssh is open to the world")
        self.assertFalse(self.applied(site))

    def test_approval(self):
        site = self.cloud(MENDED % "cloud")
        self.policy(site, "ask_before_volumes", ASK_BEFORE_VOLUMES)
        site.run("plan").expect(0, "needs approval", "aws_ebs_volume.data: create of a volume of 100 GB")
        site.run("apply", "--yes").expect(3, "wants this approved", "--approve ask_before_volumes")
        self.assertFalse(self.applied(site))
        site.run("apply", "--yes", "--approve", "ask_before_volume").expect(3, "--approve ask_before_volumes")
        site.run("plan", "--out", "saved").expect(0)
        site.run("apply", "saved").expect(3, "--approve ask_before_volumes")
        site.run("apply", "saved", "--approve", "ask_before_volumes").expect(0)
        self.assertTrue(self.applied(site))
        site.run("apply", "--yes").expect(0)  # nothing changes: nothing to approve
        site.run("apply", "--yes", "--approve", "ask_before_volumes").expect(0)  # and what nobody asked for does no harm
        site.run("destroy", "--yes").expect(3, "delete of a volume of 100 GB")
        site.run("destroy", "--yes", "--approve", "ask_before_volumes").expect(0)

    def test_approval_on_a_terminal(self):
        site = self.cloud(MENDED % "cloud")
        self.policy(site, "ask_before_volumes", ASK_BEFORE_VOLUMES)
        for answers, code in (("yes\n", 3), ("ask_before_volumes\nno\n", 3), ("ask_before_volumes\nyes\n", 0)):
            ours, theirs = os.openpty()
            try:
                environment = {name: value for name, value in os.environ.items() if not name.startswith("SLIPWAY")}
                child = subprocess.Popen([SLIPWAY, "apply"], stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                         cwd=site.directory, env={**environment, **SANITIZERS, "TERM": "dumb"}, text=True)
                os.write(ours, answers.encode())
                said, _ = child.communicate(timeout=60)
            finally:
                os.close(ours)
                os.close(theirs)
            self.assertEqual(child.returncode, code, said)
            self.assertIn("type its name to approve it", said)
            self.assertEqual(self.applied(site), code == 0)

    def test_warn_and_the_plan_as_a_whole(self):
        site = self.cloud(MENDED % "cloud")
        self.policy(site, "size", 'if plan.count.create > 3 then warn(nil, plan.count.create .. " at once is a lot") end')
        site.apply().expect(0, "warn", "6 at once is a lot")

    def test_what_a_policy_sees(self):
        site = self.cloud(MENDED % "cloud" + 'aws.instance "db" { instance_type = "m5.large", user_data = secret "hunter2", tags = { a = "b" } }\n',
                          environment="staging", vars={"limit": 3})
        self.policy(site, "see", """
local shared = require "lib/shared"
assert(plan.environment == "staging" and plan.inventory == "site" and slipway.inventory.vars.limit == 3)
for _, item in ipairs(plan.items) do
  if item.name == "db" then
    assert(item.layer == 0 and item.action == "create" and item.before == nil and item.mode == "managed")
    assert(item.after.tags.a == "b" and slipway.is_secret(item.after.user_data))
    shared.say(warn, item.address, item.after.user_data)
    warn(item.address, "and " .. item.after.user_data)
    assert(not pcall(function() item.after.tags.a = "c" end))
    assert(not pcall(function() return host "n1" {} end), "policies declare nothing")
  end
end
""")
        self.policy(site, "shared", "return { say = function(warn, address, text) warn(address, text) end }", "policies/lib")
        result = site.run("plan").expect(0, "aws_instance.db: (sensitive)", without=("hunter2",))
        self.assertEqual(result.out.count("# policy see"), 2)
        site.run("plan", "--json").expect(0, without=("hunter2",))

    def test_policies_of_the_inventory(self):
        site = self.cloud(OPEN % "cloud", policies=["rules/one.lua", "more"])
        self.policy(site, "one", 'warn(nil, "the first")', "rules")
        self.policy(site, "two", 'warn(nil, "the second")', "more")
        site.run("plan").expect(0, "the first", "the second")
        site.inventory(nodes=[], policies=["rules/none.lua"])
        site.run("plan").expect(1, "there is no policy", "rules/none.lua", "inventory.yaml:")

    def test_what_they_require_lies_beside_them(self):
        site = self.cloud(MENDED % "cloud")
        for directory in ("one", "two"):
            self.policy(site, "rule", 'warn(nil, "says " .. require "lib/word")', directory)
            self.policy(site, "word", f'return "{directory}"', f"{directory}/lib")
        self.policy(site, "word", 'return "the inventory\'s"', "lib")
        site.run("plan", "--policies", "one", "--policies", "two").expect(0, "says one", "says two")

    def test_a_policy_that_fails_lets_nothing_through(self):
        site = self.cloud(MENDED % "cloud")
        for text, words in (("local x = = 1", ("policies/bad.lua:1", "unexpected symbol")), ("while true do end", ("an endless loop?",)),
                            ("local t = {}\nwhile true do t = { t } end", ("MiB of memory", "policies/bad.lua:2")),
                            ('deny("aws_vpc.none", "x")', ("the plan has no 'aws_vpc.none'", "policies/bad.lua:1")),
                            ("for i = 1, 2000 do warn(nil, 'x') end", ("more than 1000",)),
                            ("return io.open('/etc/passwd')", ("there is no 'io' here",))):
            self.policy(site, "bad", text)
            site.run("apply", "--yes").expect(1, "asking the policy 'bad'", *words)
            site.run("validate").expect(1, "asking the policy 'bad'")
            self.assertFalse(self.applied(site))

    def test_a_stranger_cannot_take_the_operators_away(self):
        site = self.cloud(OPEN % "cloud")
        operators = site.directory.parent / f"{site.directory.name}-operators"
        operators.mkdir()
        (operators / "no_public_ssh.lua").write_text(NO_PUBLIC_SSH)
        env = {"SLIPWAY_POLICIES": str(operators)}
        # its own file of the same name, and one that would take what was said back if there were a way
        self.policy(site, "no_public_ssh", "")
        self.policy(site, "undo", "deny = function() end plan = nil")
        site.run("plan", "--untrusted", "--no-refresh", env=env).expect(3, "ssh is open to the world")
        site.run("plan", "--untrusted", "--no-refresh", "--policies", str(operators)).expect(3, "ssh is open to the world")
        # the playbook runs in a host of its own
        site.play(OPEN % "cloud" + "deny = nil\nlocal ok = pcall(function() slipway.is_known = function() return true end end)\n", each=False)
        site.run("plan", "--untrusted", "--no-refresh", env=env).expect(3, "ssh is open to the world")
        site.run("plan", env={"SLIPWAY_POLICIES": str(operators / "none")}).expect(1, "SLIPWAY_POLICIES: there is no policy")
        # what a stranger's inventory names lies in its directory
        outside = site.directory.parent / f"{site.directory.name}-outside.lua"
        outside.write_text('warn(nil, "outside")')
        site.inventory(nodes=[], policies=[str(outside)])
        site.run("plan").expect(0, "outside")
        site.run("plan", "--untrusted", "--no-refresh").expect(3, "leads out of its directory")
        site.inventory(nodes=[])
        (site.directory / "policies/link.lua").symlink_to(outside)
        site.run("plan", "--untrusted", "--no-refresh").expect(3, "leads out of its directory")


PRICES = """
currency: USD
prices:
  aws_instance:
    - { match: { instance_type: t3.small }, hour: 0.026 }
    - { match: { instance_type: "m5.*" }, hour: 0.1 }
    - { month: 0.1, per: root_block_device.volume_size }
  aws_ebs_volume:
    - { month: 0.08, per: size }
  aws_security_group: []
"""
PRICED = """
local aws = require "cloud"
aws.security_group "web" { name = "web" }
aws.ebs_volume "data" { size = %d }
aws.s3_bucket "logs" { bucket = "logs" }
aws.instance "a" { instance_type = "%s", root_block_device = { volume_size = 20 } }
"""


class Cost(Base):
    def priced(self, size: int = 100, kind: str = "t3.small", **more):
        site = self.cloud(PRICED % (size, kind), **more)
        (site.directory / "prices.yaml").write_text(PRICES)
        return site

    def again(self, site, size: int, kind: str) -> None:
        site.play(PRICED % (size, kind), each=False)

    def test_per_change_and_in_all(self):
        site = self.priced()
        site.run("plan").expect(0, "Cost per month, estimated (USD)", "aws_ebs_volume.data", "0.00 ->          8.00         +8.00",
                                "0.00 ->         20.98        +20.98", "Total", "0.00 ->         28.98        +28.98",
                                "not priced: aws_s3_bucket (1): no price")
        event, = site.run("plan", "--json").expect(0).events("cost")
        self.assertEqual((event["currency"], event["before"], event["after"], event["difference"]), ("USD", 0, 28.98, 28.98))
        self.assertEqual(event["not_priced"], [{"type": "aws_s3_bucket", "resources": 1, "why": "no price"}])
        site.apply().expect(0)
        self.again(site, 200, "m5.large")
        site.run("plan", "--out", "saved").expect(0, "8.00 ->         16.00         +8.00", "20.98 ->         75.00        +54.02",
                                                  "28.98 ->         91.00        +62.02")
        site.run("show", "--markdown", "saved").expect(0, "**28.98 -> 91.00 USD**")
        cost = json.loads(site.run("show", "--json", "saved").expect(0).out)["slipway"]["cost"]
        self.assertEqual(cost["difference"], 62.02)
        self.assertEqual([change["address"] for change in cost["changes"]], ["aws_ebs_volume.data", "aws_instance.a"])
        site.run("plan", "--destroy").expect(0, "28.98 ->          0.00        -28.98")
        self.again(site, 100, "t3.small")
        site.run("plan").expect(0, "No changes", "28.98 ->         28.98          0.00")

    def test_what_has_no_price_in_part(self):
        site = self.priced(kind="c5.large")
        site.play((PRICED % (100, "c5.large")) + 'aws.instance "b" { instance_type = "t3.small" }\n', each=False)
        site.run("plan").expect(0, "not priced: aws_instance (1): no price for instance_type c5.large",
                                "not priced: aws_instance (1): root_block_device.volume_size is not set", "0.00 ->         18.98        +18.98")

    def test_a_policy_over_the_cost(self):
        site = self.priced()
        (site.directory / "policies").mkdir()
        (site.directory / "policies/budget.lua").write_text("""
if plan.cost and plan.cost.difference > 20 then require_approval(nil, ("%.2f %s more a month"):format(plan.cost.difference, plan.cost.currency)) end
for _, item in ipairs(plan.items) do
  if item.cost and item.cost.after > 20 then warn(item.address, "dear") end
end
""")
        site.run("plan").expect(0, "28.98 USD more a month", "aws_instance.a: dear")
        site.run("apply", "--yes").expect(3, "--approve budget")

    def test_lists_that_are_wrong(self):
        site = self.priced()
        for text, words in (
            ("currency: USD\nprices:\n  aws_instance:\n    - { hour: 1, mnth: 2 }\n", ("prices.yaml:4", "has no 'mnth'", "did you mean 'month'?")),
            ("currency: USD\nprices: { a: [{ hour: 1, month: 2 }] }\n", ("'hour' or 'month'",)),
            ("currency: USD\nprices: { a: [{ hour: -1 }] }\n", ("a price wanted",)),
            ("currency: USD\nprices: { a: { hour: 1 } }\n", ("a list of rules wanted",)),
            ("currency: USD\nprices: { a: [{ hour: 1, match: { x: { y: 1 } } }] }\n", ("a list of values",)),
            ("prices: {}\n", ("'currency': a text wanted",)), ("- 1\n", ("a price list wanted",)), ("currency: [", ("prices.yaml",)),
        ):
            (site.directory / "prices.yaml").write_text(text)
            site.run("plan").expect(1, "reading the price list", *words)
        site.inventory(nodes=[], cost="none.yaml")
        site.run("plan").expect(1, "none.yaml", "inventory.yaml:")
        outside = site.directory.parent / f"{site.directory.name}-prices.yaml"
        outside.write_text(PRICES)
        site.inventory(nodes=[], cost=str(outside))
        site.run("plan").expect(0, "Cost per month")
        site.run("plan", "--untrusted", "--no-refresh").expect(3, "leads out of its directory")


if __name__ == "__main__":
    unittest.main()
