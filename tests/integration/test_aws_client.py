"""The AWS client on doubles that are as strict as AWS: signatures, credentials from every source, failures of every class."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pty
import re
import select
import shutil
import signal
import sys
import tempfile
import termios
import time
import unittest
from pathlib import Path

from aws_double import Double, Keys, Role, stamp
from harness import SANITIZERS, SLIPWAY, Process, Result, wait_for
from moto import REGION, Moto

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


class Sources(Account):
    """Where keys come from."""

    def test_environment(self) -> None:
        self.works("user/somebody", **self.user())
        self.assertEqual(self.double.count("CreateVpc"), 1)
        self.assertEqual(self.double.count("DescribeVpcs"), 1)  # with nothing recorded there is nothing to look up

    def test_wrong_secret(self) -> None:
        env = self.user()
        env["AWS_SECRET_ACCESS_KEY"] = "another/SECRET"
        self.double.secrets.append("another/SECRET")
        self.apply(**env).expect(1, "aws ec2 CreateVpc: SignatureDoesNotMatch", "the keys come from the environment (AWS_ACCESS_KEY_ID)")

    def test_configuration_over_environment(self) -> None:
        self.double.user("AKIDINLINE", "inline/SECRET", "user/inline")
        self.provider = {"access_key": "AKIDINLINE", "secret_key": "inline/SECRET"}
        self.apply(**self.user()).expect(1, "secret_key stands there in plain text", "inventory.yaml:1")
        self.provider["secret_key"] = "!env INLINE"
        self.apply(**self.user(), INLINE="inline/SECRET").expect(0)
        self.run_slipway("plan", "--out", "saved", INLINE="inline/SECRET").expect(0)
        self.run_slipway("show", "--json", "saved", INLINE="inline/SECRET").expect(0)
        self.assertNotIn(b"inline/SECRET", (self.site / "saved").read_bytes())
        self.assertEqual({by for _, by in self.double.principals}, {"user/inline"})

    def test_credentials_file(self) -> None:
        self.double.user("AKIDFILE", "file/SECRET", "user/file")
        self.credentials("[default]\naws_access_key_id = AKIDFILE\naws_secret_access_key = file/SECRET\n")
        self.config(f"[default]\nregion = {self.double.region}\n")
        self.works("user/file", AWS_REGION="")

    def test_a_broken_file_shows_its_line_only(self) -> None:
        self.double.secrets.append("file/SECRET")
        self.credentials("[default]\naws_access_key_id = A\naws_secret_access_key file/SECRET\n")
        self.apply().expect(1, ".aws/credentials:3", "KEY = VALUE wanted")

    def test_roles_in_a_chain(self) -> None:
        self.user()
        self.double.roles = {OTHER: Role({"user/somebody"}), ROLE: Role({"assumed-role/other"}, external_id="ext")}
        self.credentials("[base]\naws_access_key_id = AKIDUSER\naws_secret_access_key = user/SECRET+key\n")
        self.config(f"[profile a]\nrole_arn = {ROLE}\nsource_profile = b\nexternal_id = ext\n[profile b]\nrole_arn = {OTHER}\nsource_profile = base\n")
        self.works("assumed-role/deploy", AWS_PROFILE="a")
        self.assertEqual(self.double.count("AssumeRole"), 4)  # two a run

    def test_role_that_is_denied(self) -> None:
        self.provider = {"assume_role": {"role_arn": ROLE, "external_id": "wrong"}}
        self.double.roles = {ROLE: Role({"user/somebody"}, external_id="right")}
        self.apply(**self.user()).expect(1, "aws sts AssumeRole: AccessDenied", "the permission 'sts:AssumeRole'", "user/somebody")

    def test_role_of_the_configuration(self) -> None:
        self.provider = {"assume_role": {"role_arn": ROLE, "external_id": "right", "session_name": "me", "duration": 900}}
        self.double.roles = {ROLE: Role({"user/somebody"}, external_id="right")}
        self.works("assumed-role/deploy", **self.user())

    def test_web_identity(self) -> None:
        token = self.directory / "jwt"
        token.write_text("eyJ.JWT-OF-THE-POD.sig\n")
        self.double.jwts = {"eyJ.JWT-OF-THE-POD.sig": ROLE}
        self.double.secrets.append("eyJ.JWT-OF-THE-POD.sig")
        self.works("assumed-role/deploy", AWS_WEB_IDENTITY_TOKEN_FILE=str(token), AWS_ROLE_ARN=ROLE)

    def sso(self, config: str, cache: str, expires: float, token: str = "SSO-BEARER-TOKEN") -> None:
        self.config(config)
        path = self.home / ".aws/sso/cache" / (hashlib.sha1(cache.encode()).hexdigest() + ".json")
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"accessToken": token, "expiresAt": stamp(expires), "startUrl": "https://x.awsapps.com/start"}))
        self.double.sso = {"SSO-BEARER-TOKEN": ("111122223333", "Admin")}
        self.double.secrets += ["SSO-BEARER-TOKEN", token]

    SESSION = ("[profile s]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Admin\n"
               "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://x.awsapps.com/start\n")

    def test_sso_session(self) -> None:
        self.sso(self.SESSION, "corp", time.time() + 3600)
        self.works("sso/Admin", AWS_PROFILE="s")

    def test_sso_legacy(self) -> None:
        start = "https://x.awsapps.com/start"
        self.sso(f"[default]\nsso_start_url = {start}\nsso_region = eu-west-1\nsso_account_id = 111122223333\nsso_role_name = Admin\n", start, time.time() + 3600)
        self.works("sso/Admin")

    def test_sso_expired(self) -> None:
        self.sso(self.SESSION, "corp", time.time() - 1)
        self.apply(AWS_PROFILE="s").expect(1, "the SSO token for https://x.awsapps.com/start expired", "aws sso login --profile s")
        self.assertEqual(self.double.calls, [])

    def test_sso_refused(self) -> None:
        self.sso(self.SESSION, "corp", time.time() + 3600, token="SSO-REVOKED-TOKEN")
        self.apply(AWS_PROFILE="s").expect(1, "the portal does not take the token any more", "aws sso login --profile s")

    def test_sso_without_the_role(self) -> None:
        self.sso(self.SESSION.replace("Admin", "Root"), "corp", time.time() + 3600)
        self.apply(AWS_PROFILE="s").expect(1, "no access to the role 'Root' in the account 111122223333")

    def process(self, code: str) -> Path:
        path = self.directory / "get keys.py"
        path.write_text("import json, os, sys\n" + code)
        self.config(f"[default]\ncredential_process = {sys.executable} '{path}' --for \"a profile\"\n")
        return path

    def test_process(self) -> None:
        key, keys = self.double.new_keys("user/process")
        self.process("assert sys.argv[1:] == ['--for', 'a profile']\n" + f"print(json.dumps({{'Version': 1, 'AccessKeyId': {key!r}, 'SecretAccessKey': "
                     f"{keys.secret!r}, 'SessionToken': {keys.token!r}, 'Expiration': {stamp(keys.expires)!r}}}))\nprint('noise', file=sys.stderr)")
        self.works("user/process")

    def test_process_that_fails(self) -> None:
        self.double.secrets.append("half/A/SECRET")
        self.process("print('{\"SecretAccessKey\": \"half/A/SECRET\"')\nprint('vault is\\nsealed', file=sys.stderr)\nsys.exit(3)")
        self.apply().expect(1, "ended with status 3: vault is sealed")

    def test_process_that_is_not_there(self) -> None:
        self.config("[default]\ncredential_process = /nowhere/keys\n")
        self.apply().expect(1, "credential_process of the profile 'default'", "/nowhere/keys")

    def test_container(self) -> None:
        token = self.directory / "token"
        token.write_text("Bearer CONTAINER-TOKEN\n")
        self.double.container_token = "Bearer CONTAINER-TOKEN"
        self.double.secrets.append("CONTAINER-TOKEN")
        self.works("task/container", AWS_CONTAINER_CREDENTIALS_FULL_URI=self.double.url + "/container", AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(token))

    def test_container_elsewhere(self) -> None:
        self.apply(AWS_CONTAINER_CREDENTIALS_FULL_URI="http://192.0.2.1/container").expect(1, "without https only this machine")

    def test_container_refuses(self) -> None:
        self.double.container_token = "right"
        self.apply(AWS_CONTAINER_CREDENTIALS_FULL_URI=self.double.url + "/container", AWS_CONTAINER_AUTHORIZATION_TOKEN="wrong").expect(
            1, "the container's endpoint answers with status 401")

    def test_instance(self) -> None:
        """IMDSv2, the region from there, too; and one client for all that begin at the same time."""
        self.double.instance_role = "node"
        self.write_play(20)
        self.apply(AWS_REGION="").expect(0, "20 done")
        self.assertEqual({by for _, by in self.double.principals}, {"instance/node"})
        self.assertEqual(self.double.count("GET /latest/meta-data/placement/region"), 1)
        self.assertEqual(self.double.count("GET /latest/meta-data/iam/security-credentials/node"), 1)
        self.assertEqual(self.double.count("GetCallerIdentity"), 1)

    def test_instance_of_version_1(self) -> None:
        self.double.instance_role, self.double.imds_version = "old", 1
        self.works("instance/old")
        self.apply(AWS_EC2_METADATA_V1_DISABLED="true").expect(1, "its version 1 is disabled")

    def test_nothing(self) -> None:
        self.plan(AWS_EC2_METADATA_DISABLED="true").expect(0)  # all is new: nothing to ask
        self.apply(AWS_EC2_METADATA_DISABLED="true").expect(1, "there are no AWS credentials; looked in environment: AWS_ACCESS_KEY_ID is not set",
                                                            "AWS_EC2_METADATA_DISABLED is set", "try: set AWS_PROFILE")
        self.assertEqual(self.double.calls, [])

    def test_instance_without_a_role(self) -> None:
        self.apply().expect(1, "instance: ")

    def test_account_that_is_not_allowed(self) -> None:
        self.provider = {"account_ids": ["999999999999"]}
        self.apply(**self.user()).expect(1, "are of the account 111122223333, which the configuration's account_ids do not name")
        self.assertEqual(self.double.count("CreateVpc"), 0)


class Mfa(Account):
    """The code is asked for at the terminal, and only there."""

    def setUp(self) -> None:
        super().setUp()
        self.provider = {"assume_role": {"role_arn": ROLE, "mfa_serial": "arn:aws:iam::111122223333:mfa/me"}}
        self.double.roles = {ROLE: Role({"user/somebody"}, mfa=("arn:aws:iam::111122223333:mfa/me", "123456"))}
        self.double.secrets.append("123456")

    def at_terminal(self, code: str) -> tuple[int, str]:
        """Runs apply on a terminal of its own, types the code, and gives the exit code and what the terminal showed."""
        document = {"name": "site", "playbook": "play", "provider": {"name": "aws", **self.provider}}
        (self.site / "inventory.yaml").write_text(json.dumps(document))
        env = self.environment(self.user())
        pid, terminal = pty.fork()
        if pid == 0:
            try:
                os.chdir(self.site)
                os.execve(SLIPWAY, [str(SLIPWAY), "apply", "--yes"], env)
            finally:
                os._exit(127)
        shown, typed, deadline = b"", False, time.monotonic() + 40
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], 0.2)[0]:
                continue
            try:
                data = os.read(terminal, 65536)
            except OSError:
                break
            if not data:
                break
            shown += data
            if not typed and b"MFA code for arn:aws:iam::111122223333:mfa/me: " in shown:
                attributes = termios.tcgetattr(terminal)
                attributes[3] &= ~termios.ECHO  # what the terminal echoes is no leak of slipway's
                termios.tcsetattr(terminal, termios.TCSANOW, attributes)
                os.write(terminal, code.encode() + b"\n")
                typed = True
        os.close(terminal)
        _, status = os.waitpid(pid, 0)
        return os.waitstatus_to_exitcode(status), shown.decode(errors="replace")

    def test_code(self) -> None:
        code, shown = self.at_terminal("123456")
        self.said += shown
        self.assertEqual(code, 0, shown)
        self.assertEqual({by for action, by in self.double.principals if action != "AssumeRole"}, {"assumed-role/deploy"})

    def test_wrong_code(self) -> None:
        code, shown = self.at_terminal("654321")
        self.assertEqual(code, 1, shown)
        self.assertIn("MultiFactorAuthentication failed", shown)

    def test_no_terminal(self) -> None:
        self.apply(**self.user()).expect(1, "wants the code of the MFA device 'arn:aws:iam::111122223333:mfa/me', and there is no terminal to ask at")
        self.assertEqual(self.double.count("AssumeRole"), 0)


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
        """The call took effect, its answer did not come: it is not sent again, and the next run finds what was made."""
        self.double.script = {"CreateVpc": [("lose",)]}
        self.apply(**self.env).expect(1, "aws ec2 CreateVpc", "may have had an effect: the next run looks")
        self.assertEqual((self.double.count("CreateVpc"), len(self.double.vpcs)), (1, 1))
        self.apply(**self.env).expect(0)
        self.assertEqual((self.double.count("CreateVpc"), len(self.double.vpcs)), (1, 1))
        self.run_slipway("plan", "--detailed-exitcode", **self.env).expect(0)

    def test_call_that_never_arrived(self) -> None:
        self.double.script = {"CreateVpc": [("drop",)]}
        self.apply(**self.env).expect(1, "the next run looks")
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
        self.assertEqual(self.double.count("DescribeVpcs"), 3)

    def test_nobody_there(self) -> None:
        self.provider = {"endpoints": {"ec2": "http://127.0.0.1:9"}, "max_attempts": 3}
        self.apply(**self.env).expect(1, "aws ec2 CreateVpc: no connection to the service", "http://127.0.0.1:9", "3 tries")

    def test_interrupt(self) -> None:
        """Ctrl-C, and again because the first waits for what runs, ends a pause between tries at once."""
        self.double.script = {"CreateVpc": [self.THROTTLED] * 100}
        process = self.start("apply", "--yes", **self.env)
        wait_for(lambda: self.double.count("CreateVpc") >= 3, what="some tries")
        started = time.monotonic()
        process.interrupt(signal.SIGINT)
        wait_for(lambda: "press Ctrl-C again" in process.said, what="the first Ctrl-C")
        process.interrupt(signal.SIGINT)
        result = process.finish(20)
        self.assertNotEqual(result.code, 0)
        self.assertLess(time.monotonic() - started, 5)

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
        self.run_slipway("plan", "--untrusted", **self.env).expect(3, "names an endpoint or certificates of its own")
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
