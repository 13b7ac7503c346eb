"""Where the AWS client has its keys from: every source, on doubles that are as strict as AWS."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import select
import sys
import termios
import time
import unittest
from pathlib import Path

from aws_account import OTHER, ROLE, Account
from aws_double import Role, stamp
from harness import SLIPWAY


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

    def test_file_that_is_renewed(self) -> None:
        """Another program writes fresh keys into the file while slipway works."""
        old, keys = self.double.new_keys("user/file")
        new, fresh = self.double.new_keys("user/file")
        line = "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {}\n"
        self.credentials(line.format(old, keys.secret, keys.token))
        keys.expires = time.time() - 1
        # The refusal comes late enough for the file to be there: it is written when the first call arrives.
        act = self.double.verify

        def verify(*arguments):
            self.credentials(line.format(new, fresh.secret, fresh.token))
            return act(*arguments)

        self.double.verify = verify
        self.apply().expect(0)
        self.assertEqual(self.double.count("CreateVpc"), 2)

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
        self.apply(AWS_EC2_METADATA_DISABLED="true").expect(1, "there are no AWS credentials; looked in\n       environment: AWS_ACCESS_KEY_ID is not set\n",
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


if __name__ == "__main__":
    unittest.main()
