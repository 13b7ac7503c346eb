"""The AWS client on doubles that are as strict as AWS: failures of every class, signatures, what is said of them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
import unittest

from aws_account import PROBE, ROLE, Account
from aws_double import stamp
from harness import wait_for
from moto import REGION, Moto


class Failures(Account):
    """What goes wrong between here and there."""

    def setUp(self) -> None:
        super().setUp()
        self.env = self.user()

    THROTTLED = ("refuse", 503, "RequestLimitExceeded", "Request limit exceeded.")

    def test_throttled(self) -> None:
        self.double.script = {"CreateVpc": [self.THROTTLED] * 3, "GetCallerIdentity": [("refuse", 400, "Throttling", "Rate exceeded")]}
        self.works("user/somebody", **self.env)
        self.assertEqual(self.double.count("CreateVpc"), 4)

    def test_throttled_without_end(self) -> None:
        self.provider = {"max_attempts": 3}
        self.double.script = {"CreateVpc": [self.THROTTLED] * 50}
        self.apply(**self.env).expect(1, "aws ec2 CreateVpc: RequestLimitExceeded", "3 tries in")
        self.assertEqual(self.double.count("CreateVpc"), 3)

    def test_read_that_fails(self) -> None:
        self.apply(**self.env).expect(0)
        self.double.script = {"DescribeVpcs": [("refuse", 500, "InternalError", "An internal error has occurred"), ("drop",), ("refuse", 502, "x", "y")]}
        self.run_slipway("plan", "--detailed-exitcode", **self.env).expect(0)
        self.assertEqual(self.double.count("DescribeVpcs"), 4)

    def test_answer_that_is_lost(self) -> None:
        """The call took effect, its answer did not come: it is not sent again, for what was made is found."""
        self.double.script = {"CreateVpc": [("lose",)]}
        self.apply(**self.env).expect(0, "probe.p1 created")
        self.assertEqual((self.double.count("CreateVpc"), len(self.double.vpcs)), (1, 1))
        self.run_slipway("plan", "--detailed-exitcode", **self.env).expect(0)

    def test_call_that_never_arrived(self) -> None:
        self.double.script = {"CreateVpc": [("drop",)]}
        self.apply(**self.env).expect(1, "aws ec2 CreateVpc", "the next run looks", "nothing of it is seen after 15 s")
        self.apply(**self.env).expect(0)
        self.assertEqual(len(self.double.vpcs), 1)

    def test_delete_is_sent_again(self) -> None:
        self.apply(**self.env).expect(0)
        self.double.script = {"DeleteVpc": [("lose",)]}
        self.run_slipway("destroy", "--yes", **self.env).expect(0)
        self.assertEqual((self.double.count("DeleteVpc"), self.double.vpcs), (2, {}))

    def test_clock(self) -> None:
        for skew in (3600, -7200):
            with self.subTest(skew=skew):
                self.double.skew = skew
                self.double.calls.clear()
                shutil.rmtree(self.site / ".slipway", ignore_errors=True)
                self.apply(**self.env).expect(0)
                self.assertEqual(self.double.count("CreateVpc"), 2)  # refused once
                self.assertEqual(self.double.count("GetCallerIdentity"), 1)  # and the offset is kept
        self.double.skew = 200  # within what a signature allows
        self.double.calls.clear()
        self.run_slipway("plan", **self.env).expect(0)
        self.assertEqual(self.double.count("DescribeVpcs"), 1)

    def test_keys_that_expired(self) -> None:
        """The service says so before their date: they are fetched anew once."""
        key, keys = self.double.new_keys("user/late")
        fresh_key, fresh = self.double.new_keys("user/late")
        keys.expires = time.time() - 1
        counter, script = self.directory / "count", self.directory / "keys.py"
        script.write_text(f"""import json, pathlib
counter = pathlib.Path({str(counter)!r})
n = int(counter.read_text() or 0) + 1 if counter.exists() else 1
counter.write_text(str(n))
key, secret, token = {(key, keys.secret, keys.token)!r} if n == 1 else {(fresh_key, fresh.secret, fresh.token)!r}
print(json.dumps(dict(Version=1, AccessKeyId=key, SecretAccessKey=secret, SessionToken=token, Expiration={stamp(time.time() + 3600)!r})))
""")
        self.config(f"[default]\ncredential_process = {sys.executable} {script}\n")
        self.write_play(5)
        self.apply().expect(0, "5 done")
        self.assertEqual(counter.read_text(), "2")

    def test_keys_that_expire_soon(self) -> None:
        """Five minutes are less than a long wait: they are fetched anew, but not for each call."""
        self.double.instance_role, self.double.lifetime = "node", 300
        self.write_play(10)
        self.apply().expect(0, "10 done")
        self.assertLessEqual(self.double.count("GET /latest/meta-data/iam/security-credentials/node"), 2)

    def test_permission(self) -> None:
        self.double.script = {"CreateVpc": [("refuse", 403, "UnauthorizedOperation", "You are not authorized to perform this operation. Encoded "
                                             "authorization failure message: " + "Q" * 900)]}
        result = self.apply(**self.env).expect(1, "the permission 'ec2:CreateVpc' for 'probe.p1' is missing", without=("QQQQ",))
        self.assertIn("the environment (AWS_ACCESS_KEY_ID)", result.text)

    def test_echo(self) -> None:
        """A service that quotes a secret in its refusal."""
        self.double.secrets.append("note/SECRET")
        (self.site / "probe.lua").write_text(PROBE.replace('schema = {', 'schema = { note = { "string", sensitive = true, doc = "a secret" },').replace(
            "TagSpecification = {", "Note = r.note, TagSpecification = {"))
        (self.site / "play.lua").write_text('require "aws"\nrequire "probe" "p1" { cidr_block = "10.0.0.0/16", note = secret "note/SECRET" }\n')
        self.double.script = {"CreateVpc": [("refuse", 400, "InvalidParameterValue", "Value (note/SECRET) for parameter note is invalid.")]}
        self.apply(**self.env).expect(1, "Value ((sensitive)) for parameter note is invalid")

    def test_quota(self) -> None:
        self.double.script = {"CreateVpc": [("refuse", 400, "VpcLimitExceeded", "The maximum number of VPCs has been reached.")]}
        self.apply(**self.env).expect(1, "the quota 'VPCs per region' of 'vpc' in eu-west-1 is used up")
        self.assertEqual(self.double.count("CreateVpc"), 1)

    def test_answers_that_are_none(self) -> None:
        self.apply(**self.env).expect(0)
        for text in ("<DescribeVpcsResponse><vpcSet>", "no xml at all", "<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", ""):
            with self.subTest(text=text):
                self.double.script = {"DescribeVpcs": [("body", text)]}
                self.plan(**self.env).expect(1, "aws ec2 DescribeVpcs: the answer cannot be read")

    def test_answer_that_is_huge(self) -> None:
        self.apply(**self.env).expect(0)
        self.double.script = {"DescribeVpcs": [("body", "<x>" + "y" * (33 << 20) + "</x>")]}
        self.plan(**self.env).expect(1, "aws ec2 DescribeVpcs: the answer is too large")

    def test_answer_that_is_slow(self) -> None:
        self.provider = {"timeout": 1}
        self.apply(**self.env).expect(0)
        self.double.script = {"DescribeVpcs": [("slow", 3), ("slow", 3)]}
        self.plan(**self.env).expect(0)
        self.assertGreaterEqual(self.double.count("DescribeVpcs"), 3)

    def test_nobody_there(self) -> None:
        self.provider = {"endpoints": {"ec2": "http://127.0.0.1:9"}, "max_attempts": 3}
        self.apply(**self.env).expect(1, "aws ec2 CreateVpc: no connection to the service", "http://127.0.0.1:9", "3 tries")

    def test_interrupt(self) -> None:
        """Ctrl-C, and again because the first waits for what runs, ends a pause between tries: nothing is tried any more."""
        self.double.script = {"CreateVpc": [self.THROTTLED] * 100}
        process = self.start("apply", "--yes", **self.env)
        wait_for(lambda: self.double.count("CreateVpc") >= 3, what="some tries")
        process.interrupt(signal.SIGINT)
        wait_for(lambda: "press Ctrl-C again" in process.said, what="the first Ctrl-C")
        tried = self.double.count("CreateVpc")
        process.interrupt(signal.SIGINT)
        result = process.finish(60)
        self.assertNotEqual(result.code, 0)
        self.assertNotIn("tries in", result.err, "it was not tried to its end")
        self.assertLessEqual(self.double.count("CreateVpc"), tried + 1)  # one may have been on its way

    def test_misspelt(self) -> None:
        self.provider = {"assume_role": {"role_arn": ROLE, "externl_id": "x"}}
        self.run_slipway("validate").expect(1, "assume_role 'externl_id'", "inventory.yaml:1", "did you mean 'external_id'?")
        self.provider = {}
        (self.site / "play.lua").write_text('local aws = require "aws"\nprovider "tokyo" { name = "aws", regin = "ap-northeast-1" }\n')
        self.run_slipway("validate").expect(1, "'regin'", "play.lua:2", "did you mean 'region'?")

    def test_stranger(self) -> None:
        """A pull request names no endpoint that signed requests, and the token in them, go to."""
        (self.site / "play.lua").write_text('require "aws".vpc "main" { cidr_block = "10.0.0.0/16" }\n')
        self.run_slipway("plan", "--untrusted", **self.env).expect(0, "1 to create")
        self.provider = {"endpoint": self.double.url}
        self.run_slipway("plan", "--untrusted", **self.env).expect(0, "names an endpoint or certificates of its own", "not read: untrusted", "1 to create")
        self.assertEqual(self.double.calls, [])


SURVEY = """
local resource = require "resource"
return resource "survey" {
  on = "api", provider = "aws", doc = "One call of each kind.", schema = { answers = { "list", computed = true, doc = "what came" } },
  list = function() return {} end,
  create = function(aws)
    local name = "a b/ü+(1)*~.txt"
    aws.s3:request("PUT", "bucket-of-tests", { body = aws.region == "us-east-1" and "" or
      "<CreateBucketConfiguration><LocationConstraint>" .. aws.region .. "</LocationConstraint></CreateBucketConfiguration>" })
    aws.s3:request("PUT", "bucket-of-tests", { path = "/" .. name, body = "text", headers = { ["Content-Type"] = "text/plain", ["x-amz-meta-x"] = "a  b" } })
    local text = aws.s3:request("GET", "bucket-of-tests", { path = "/" .. name, raw = true })
    local listed = aws.s3:request("GET", "bucket-of-tests", { query = { ["list-type"] = 2, prefix = "a b/", ["encoding-type"] = "url" }, lists = { "Contents" } })
    aws.route53:request("POST", "/2013-04-01/hostedzone", { body = '<CreateHostedZoneRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Name>' ..
      "example.org.</Name><CallerReference>" .. tostring(aws:now()) .. "</CallerReference></CreateHostedZoneRequest>" })
    aws.iam:call("CreateRole", { RoleName = "r", AssumeRolePolicyDocument = json.encode { Version = "2012-10-17", Statement = slipway.list {} }, Tags = {
      { Key = "a:b", Value = "ü=+" } } })
    aws.acm:call("RequestCertificate", { DomainName = "*.example.org", IdempotencyToken = "t" })
    aws.ssm:call("PutParameter", { Name = "/x", Value = secret "parameter/SECRET", Type = "SecureString" })
    return { answers = {
      text, tostring(#aws.list(listed.Contents)), aws.iam:call("GetRole", { RoleName = "r" }).Role.Tags[1].Value,
      tostring(#aws.acm:pages("ListCertificates", {}, "CertificateSummaryList")),
      tostring(#aws.elbv2:pages("DescribeLoadBalancers", {}, "LoadBalancers")), tostring(#aws.ec2:pages("DescribeVpcs", {}, "vpcSet")), aws:account(),
    } }
  end,
  delete = function() end,
}
"""


class Signatures(Account):
    """What is signed is what is sent."""

    def test_query(self) -> None:
        (self.site / "survey.lua").write_text("""
local resource = require "resource"
return resource "survey" {
  on = "api", provider = "aws", doc = "Zones.", schema = { names = { "list", computed = true, doc = "theirs" } },
  list = function() return {} end,
  create = function(aws)
    local names = {}
    local options = { query = { dnsname = "a.example.", maxitems = "1", ["x y"] = "~" }, lists = { "HostedZone" } }
    for _, zone in ipairs(aws.route53:pages("/2013-04-01/hostedzonesbyname", "HostedZones", options)) do names[#names + 1] = zone.Name end
    return { names = names }
  end,
}
""")
        (self.site / "play.lua").write_text('require "aws"\nlocal s = require "survey" "s" {}\noutput "names" { value = s.names }\n')
        env = self.user()
        self.apply(**env).expect(0)
        self.assertEqual(json.loads(self.run_slipway("output", "--json", "names", **env).expect(0).out), ["a.example.", "b \\052+ü.example."])

    def test_every_kind(self) -> None:
        """moto, told to look, checks with botocore's own code: another reading of the specification than the double's and ours. It writes a form
        anew before it hashes it, with '+' for a space, so there is none here; and of GET it only knows S3's."""
        preparations = 3
        os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = str(preparations)
        self.addCleanup(os.environ.pop, "INITIAL_NO_AUTH_ACTION_COUNT")
        self.double.secrets.append("parameter/SECRET")
        with Moto() as moto:
            iam = moto.client("iam")
            iam.create_user(UserName="u")
            policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
            iam.put_user_policy(UserName="u", PolicyName="all", PolicyDocument=json.dumps(policy))
            key = iam.create_access_key(UserName="u")["AccessKey"]
            env = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"], "AWS_ENDPOINT_URL": moto.endpoint,
                   "AWS_REGION": REGION}
            (self.site / "survey.lua").write_text(SURVEY)
            (self.site / "play.lua").write_text('require "aws"\nlocal s = require "survey" "s" {}\noutput "answers" { value = s.answers }\n')
            self.apply(**{**env, "AWS_SECRET_ACCESS_KEY": "x" + key["SecretAccessKey"][1:]}).expect(1, "SignatureDoesNotMatch")
            self.apply(**env).expect(0)
            answers = json.loads(self.run_slipway("output", "--json", "answers", **env).expect(0).out)
            self.assertEqual(answers, ["text", "1", "ü=+", "1", "0", "1", "123456789012"])


if __name__ == "__main__":
    unittest.main()
