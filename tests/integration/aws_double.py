"""What the AWS client speaks to, on loopback, as strict as AWS: STS and a little EC2 that verify signatures by themselves, the SSO portal, the container's
endpoint, the instance metadata service (version 2 only, unless told). Failures are scripted per action.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import json
import re
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ACCOUNT = "111122223333"
SERVICES = {"AssumeRole": "sts", "GetCallerIdentity": "sts", "AssumeRoleWithWebIdentity": "sts"}
VERSIONS = {"sts": "2011-06-15", "ec2": "2016-11-15"}
NEVER_SIGNED = {"connection", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "user-agent"}


def stamp(epoch: float) -> str:
    return datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Refused(Exception):
    """An answer that is an error: status, code, message."""


@dataclass
class Keys:
    secret: str
    token: str | None = None
    expires: float | None = None
    who: str = "user/somebody"


@dataclass
class Role:
    """Who may assume it, and what for."""
    principals: set[str]
    external_id: str | None = None
    mfa: tuple[str, str] | None = None  # serial, code
    lifetime: float = 3600


@dataclass
class Double:
    """One server for all of it. `script[action]` is a list of what the next calls of the action get instead: see _scripted."""
    keys: dict[str, Keys] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    jwts: dict[str, str] = field(default_factory=dict)  # token -> role
    sso: dict[str, tuple[str, str]] = field(default_factory=dict)  # bearer token -> account, role
    container_token: str | None = None
    instance_role: str | None = None
    imds_version: int = 2
    skew: float = 0  # our clock, against the real one
    region: str = "eu-west-1"
    lifetime: float = 3600  # of the keys that the container and the instance give
    script: dict[str, list] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)  # actions, and METHOD path of what has none
    principals: list[tuple[str, str]] = field(default_factory=list)  # action, who called
    vpcs: dict[str, dict] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)  # everything that must be seen nowhere
    problems: list[str] = field(default_factory=list)  # requests that no SDK would send

    def __enter__(self) -> Double:
        self.lock = threading.Lock()
        self.made = 0
        self.imds_tokens: set[str] = set()
        double = self

        class Handler(_Handler):
            owner = double

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def now(self) -> float:
        return time.time() + self.skew

    def new_keys(self, who: str, lifetime: float | None = None) -> tuple[str, Keys]:
        """Temporary keys, with a token, known from now on."""
        with self.lock:
            self.made += 1
            number = self.made
        keys = Keys(f"SECRET{number:04d}/of+{who[-6:]}", f"TOKEN{number:04d}//==" * 3, self.now() + (self.lifetime if lifetime is None else lifetime), who)
        key = f"ASIA{number:016d}"
        self.keys[key] = keys
        self.secrets += [keys.secret, keys.token]
        return key, keys

    def user(self, key: str, secret: str, who: str = "user/somebody") -> None:
        self.keys[key] = Keys(secret, who=who)
        self.secrets.append(secret)

    def count(self, action: str) -> int:
        return self.calls.count(action)

    # --- signatures: Signature Version 4, from its specification

    def verify(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes, service: str) -> str:
        """The key id. Raises what the service answers."""
        given: dict[str, list[str]] = {}
        for name, value in headers:
            given.setdefault(name.lower(), []).append(re.sub(r"\s+", " ", value.strip()))
        match = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})",
                             given.get("authorization", [""])[0])
        if not match:
            raise Refused(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
        key, day, region, name, signed, signature = match.groups()
        if key not in self.keys:
            raise Refused(401, "AuthFailure" if service == "ec2" else "InvalidClientTokenId", "The security token included in the request is invalid.")
        keys = self.keys[key]
        date = given.get("x-amz-date", [""])[0]
        if not re.fullmatch(r"\d{8}T\d{6}Z", date) or not date.startswith(day):
            raise Refused(400, "IncompleteSignature", "Date must be in ISO-8601 'basic format'")
        at = datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc).timestamp()
        if abs(at - self.now()) > 300:
            if service == "ec2":
                raise Refused(400, "RequestExpired", "Request has expired.")
            raise Refused(403, "SignatureDoesNotMatch", f"Signature expired: {date} is now earlier than {stamp(self.now())}")
        wanted = "us-east-1" if service == "route53" else self.region
        if (region, name) != (wanted, service):
            raise Refused(403, "SignatureDoesNotMatch", f"Credential should be scoped to {wanted}/{service}, not {region}/{name}")
        names = signed.split(";")
        if names != sorted(names) or "host" not in names or "x-amz-date" not in names or NEVER_SIGNED & set(names):
            raise Refused(403, "SignatureDoesNotMatch", f"SignedHeaders is wrong: {signed}")
        if keys.token is not None and ("x-amz-security-token" not in names or given.get("x-amz-security-token") != [keys.token]):
            raise Refused(403, "InvalidClientTokenId", "The security token included in the request is invalid")
        if keys.token is None and "x-amz-security-token" in given:
            raise Refused(403, "InvalidClientTokenId", "The security token included in the request is invalid")
        if keys.expires is not None and keys.expires <= self.now():
            raise Refused(400, "RequestExpired" if service == "ec2" else "ExpiredToken", "The security token included in the request is expired")
        path, _, query = target.partition("?")
        pairs = sorted((urllib.parse.quote(n, safe="-_.~"), urllib.parse.quote(v, safe="-_.~"))
                       for n, v in urllib.parse.parse_qsl(query, keep_blank_values=True))
        canonical = "\n".join([method, urllib.parse.quote(path, safe="/-_.~"), "&".join(f"{n}={v}" for n, v in pairs),
                               *[f"{n}:{','.join(given.get(n, ['']))}" for n in names], "", signed, hashlib.sha256(body).hexdigest()])
        text = "\n".join(["AWS4-HMAC-SHA256", date, f"{day}/{region}/{name}/aws4_request", hashlib.sha256(canonical.encode()).hexdigest()])
        signing = ("AWS4" + keys.secret).encode()
        for part in (day, region, name, "aws4_request"):
            signing = hmac.new(signing, part.encode(), hashlib.sha256).digest()
        if not hmac.compare_digest(hmac.new(signing, text.encode(), hashlib.sha256).hexdigest(), signature):
            raise Refused(403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided.")
        return key

    # --- actions

    def act(self, action: str, form: dict[str, str], key: str | None) -> str:
        who = self.keys[key].who if key else "nobody"
        self.principals.append((action, who))
        if action == "GetCallerIdentity":
            return f"<Account>{ACCOUNT}</Account><Arn>arn:aws:iam::{ACCOUNT}:{who}</Arn>"
        if action == "AssumeRole":
            return self._assume(form, who)
        if action == "AssumeRoleWithWebIdentity":
            if self.jwts.get(form["WebIdentityToken"]) != form["RoleArn"]:
                raise Refused(400, "InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider")
            return self._role_keys(form["RoleArn"], self.lifetime)
        if action == "CreateVpc":
            vpc = {"id": f"vpc-{len(self.vpcs) + 1:017x}", "cidr": form["CidrBlock"], "tags": {}}
            for name, value in form.items():
                if match := re.fullmatch(r"TagSpecification\.1\.Tag\.(\d+)\.Key", name):
                    vpc["tags"][value] = form[f"TagSpecification.1.Tag.{match[1]}.Value"]
            self.vpcs[vpc["id"]] = vpc
            return f"<vpc>{self._vpc(vpc)}</vpc>"
        if action == "DescribeVpcs":
            return f"<vpcSet>{''.join(f'<item>{self._vpc(vpc)}</item>' for vpc in self._filtered(form))}</vpcSet>"
        if action == "DeleteVpc":
            if self.vpcs.pop(form["VpcId"], None) is None:
                raise Refused(400, "InvalidVpcID.NotFound", f"The vpc ID '{form['VpcId']}' does not exist")
            return "<return>true</return>"
        raise Refused(400, "InvalidAction", f"The action {action} is not valid for this web service.")

    def _filtered(self, form: dict[str, str]) -> list[dict]:
        found = list(self.vpcs.values())
        for number in range(1, 10):
            name = form.get(f"Filter.{number}.Name")
            values = [value for key, value in form.items() if key.startswith(f"Filter.{number}.Value.")]
            if name == "vpc-id":
                found = [vpc for vpc in found if vpc["id"] in values]
            elif name and name.startswith("tag:"):
                found = [vpc for vpc in found if vpc["tags"].get(name[4:]) in values]
            elif name:
                raise Refused(400, "InvalidParameterValue", f"The filter '{name}' is invalid")
        return found

    @staticmethod
    def _vpc(vpc: dict) -> str:
        tags = "".join(f"<item><key>{key}</key><value>{value}</value></item>" for key, value in vpc["tags"].items())
        return f"<vpcId>{vpc['id']}</vpcId><cidrBlock>{vpc['cidr']}</cidrBlock><state>available</state><tagSet>{tags}</tagSet>"

    def _assume(self, form: dict[str, str], who: str) -> str:
        role = self.roles.get(form["RoleArn"])
        denied = Refused(403, "AccessDenied", f"User: arn:aws:iam::{ACCOUNT}:{who} is not authorized to perform: sts:AssumeRole on resource: {form['RoleArn']}")
        if role is None or who not in role.principals or form.get("ExternalId") != role.external_id:
            raise denied
        if role.mfa and (form.get("SerialNumber"), form.get("TokenCode")) != role.mfa:
            raise Refused(403, "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code.")
        if not re.fullmatch(r"[\w+=,.@-]{2,64}", form["RoleSessionName"]):
            raise Refused(400, "ValidationError", "RoleSessionName")
        return self._role_keys(form["RoleArn"], role.lifetime)

    def _role_keys(self, arn: str, lifetime: float) -> str:
        key, keys = self.new_keys("assumed-role/" + arn.rsplit("/", 1)[1], lifetime)
        return (f"<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{keys.secret}</SecretAccessKey><SessionToken>{keys.token}</SessionToken>"
                f"<Expiration>{stamp(keys.expires)}</Expiration></Credentials>")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: Double

    def log_message(self, *_: object) -> None:
        pass

    def send(self, status: int, body: bytes | str, **headers: str) -> None:
        body = body.encode() if isinstance(body, str) else body
        self.send_response_only(status)
        self.send_header("Date", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(self.owner.now())))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        try:
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # who asked has given up

    def do_POST(self) -> None:
        double = self.owner
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        form = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
        action = form.get("Action", "?")
        service = SERVICES.get(action, "ec2")
        double.calls.append(action)
        if form.get("Version") != VERSIONS[service] or not self.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
            double.problems.append(f"{action}: version {form.get('Version')}, {self.headers.get('Content-Type')}")
        try:
            steps = double.script.get(action)
            step = steps.pop(0) if steps else None
            if step is not None and self._scripted(step, action, form):
                return
            key = None
            if action == "AssumeRoleWithWebIdentity":
                if self.headers.get("Authorization"):
                    double.problems.append("a signed AssumeRoleWithWebIdentity")
            else:
                key = double.verify("POST", self.path, self.headers.items(), body, service)
            result = double.act(action, form, key)
        except Refused as why:
            self._refuse(service, *why.args)
            return
        if service == "sts":
            result = f"<{action}Result>{result}</{action}Result><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>"
        self.send(200, f'<?xml version="1.0" encoding="UTF-8"?>\n<{action}Response xmlns="http://x/"><requestId>r</requestId>{result}</{action}Response>')

    def _refuse(self, service: str, status: int, code: str, message: str, **headers: str) -> None:
        error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        if service == "ec2":
            self.send(status, f"<Response><Errors>{error}</Errors><RequestID>req-7</RequestID></Response>", **headers)
        else:
            self.send(status, f"<ErrorResponse>{error}<RequestId>req-7</RequestId></ErrorResponse>", **headers)

    def _scripted(self, step: tuple, action: str, form: dict[str, str]) -> bool:
        """("refuse", status, code, message[, headers]), ("body", text), ("slow", seconds), ("drop",) before or ("lose",) after it took effect, ("pass",)."""
        kind, *rest = step
        if kind == "refuse":
            status, code, message, *headers = rest
            self._refuse(SERVICES.get(action, "ec2"), status, code, message, **(headers[0] if headers else {}))
        elif kind == "body":
            self.send(200, rest[0])
        elif kind == "slow":
            time.sleep(rest[0])
            return False
        elif kind in ("drop", "lose"):
            if kind == "lose":
                self.owner.act(action, form, None)
            self.close_connection = True
            self.connection.close()
        else:
            return False
        return True

    def do_PUT(self) -> None:
        double = self.owner
        double.calls.append("PUT " + self.path)
        if self.path != "/latest/api/token" or double.instance_role is None:
            self.send(404, "")
        elif double.imds_version == 1:
            self.send(404, "")
        elif not re.fullmatch(r"\d+", self.headers.get("x-aws-ec2-metadata-token-ttl-seconds", "")) or self.headers.get("X-Forwarded-For"):
            self.send(400, "")
        else:
            token = f"IMDSTOKEN{len(double.imds_tokens)}=="
            double.imds_tokens.add(token)
            double.secrets.append(token)
            self.send(200, token)

    def do_GET(self) -> None:
        double = self.owner
        path, _, query = self.path.partition("?")
        double.calls.append("GET " + path)
        if path.startswith("/latest/"):
            self._metadata(path)
        elif path == "/federation/credentials":
            self._portal(dict(urllib.parse.parse_qsl(query)))
        elif path == "/container":
            self._container()
        elif path == "/2013-04-01/hostedzonesbyname":
            self._zones(dict(urllib.parse.parse_qsl(query)))
        else:
            self.send(404, "")

    def _zones(self, query: dict[str, str]) -> None:
        """Two zones, one a page; names have characters that a signature must encode."""
        try:
            self.owner.verify("GET", self.path, self.headers.items(), b"", "route53")
        except Refused as why:
            self._refuse("route53", *why.args)
            return
        names = ["a.example.", "b \\052+ü.example."]
        name = names[names.index(query["dnsname"])]
        following = "".join(f"<NextDNSName>{each}</NextDNSName><NextHostedZoneId>Z2</NextHostedZoneId>" for each in names[names.index(name) + 1:])
        zone = f"<HostedZone><Id>Z1</Id><Name>{name}</Name></HostedZone>"
        self.send(200, f"<ListHostedZonesByNameResponse><HostedZones>{zone}</HostedZones><IsTruncated>{'true' if following else 'false'}"
                       f"</IsTruncated>{following}<MaxItems>1</MaxItems></ListHostedZonesByNameResponse>")

    def _metadata(self, path: str) -> None:
        double = self.owner
        role = double.instance_role
        if role is None:
            self.send(404, "")
        elif double.imds_version == 2 and self.headers.get("x-aws-ec2-metadata-token") not in double.imds_tokens:
            self.send(401, "")
        elif path == "/latest/meta-data/iam/security-credentials/":
            self.send(200, role)
        elif path == "/latest/meta-data/placement/region":
            self.send(200, double.region)
        elif path == f"/latest/meta-data/iam/security-credentials/{role}":
            key, keys = double.new_keys("instance/" + role)
            self.send(200, json.dumps({"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": key, "SecretAccessKey": keys.secret, "Token": keys.token,
                                       "Expiration": stamp(keys.expires)}))
        else:
            self.send(404, "")

    def _portal(self, query: dict[str, str]) -> None:
        granted = self.owner.sso.get(self.headers.get("x-amz-sso_bearer_token", ""))
        if granted is None:
            self.send(401, json.dumps({"message": "Session token not found or invalid", "__type": "com.amazonaws.switchboard.portal#UnauthorizedException"}))
        elif granted != (query.get("account_id"), query.get("role_name")):
            self.send(403, json.dumps({"message": "No access"}))
        else:
            key, keys = self.owner.new_keys("sso/" + granted[1])
            self.send(200, json.dumps({"roleCredentials": {"accessKeyId": key, "secretAccessKey": keys.secret, "sessionToken": keys.token,
                                                           "expiration": int(keys.expires * 1000)}}))

    def _container(self) -> None:
        double = self.owner
        if double.container_token is not None and self.headers.get("Authorization") != double.container_token:
            self.send(401, "")
            return
        key, keys = double.new_keys("task/container")
        self.send(200, json.dumps({"AccessKeyId": key, "SecretAccessKey": keys.secret, "Token": keys.token, "Expiration": stamp(keys.expires)}))
