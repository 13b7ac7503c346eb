"""How AWS's services speak: which action a request is, answers and errors in each service's own form.

A Call is one request as slipway sent it; an Answer is what goes back. XML is read without its namespace and written with it.
"""

from __future__ import annotations

import json
import re
import urllib.parse
import uuid
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field

JSON_SERVICES = {"CertificateManager": "acm", "AmazonSSM": "ssm"}
EC2_NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
READS = re.compile(r"^(Describe|Get|List|Head|Lookup|AssumeRole)")

# Method and path of the calls that have no action's name in them.
REST = [
    ("route53", "POST", r"^/2013-04-01/hostedzone/?$", "CreateHostedZone"),
    ("route53", "GET", r"^/2013-04-01/hostedzone/?$", "ListHostedZones"),
    ("route53", "GET", r"^/2013-04-01/hostedzonesbyname/?$", "ListHostedZonesByName"),
    ("route53", "GET", r"^/2013-04-01/hostedzone/[^/]+/?$", "GetHostedZone"),
    ("route53", "POST", r"^/2013-04-01/hostedzone/[^/]+/?$", "UpdateHostedZoneComment"),
    ("route53", "DELETE", r"^/2013-04-01/hostedzone/[^/]+/?$", "DeleteHostedZone"),
    ("route53", "GET", r"^/2013-04-01/hostedzone/[^/]+/rrset/?$", "ListResourceRecordSets"),
    ("route53", "POST", r"^/2013-04-01/hostedzone/[^/]+/rrset/?$", "ChangeResourceRecordSets"),
    ("route53", "GET", r"^/2013-04-01/change/[^/]+/?$", "GetChange"),
    ("route53", "GET", r"^/2013-04-01/tags/[^/]+/[^/]+$", "ListTagsForResource"),
    ("route53", "POST", r"^/2013-04-01/tags/[^/]+/[^/]+$", "ChangeTagsForResource"),
    ("route53", "POST", r"^/2013-04-01/tags/[^/]+$", "ListTagsForResources"),
    ("s3", "GET", r"^/$", "ListBuckets"),
    ("s3", "HEAD", r"^/[^/]+/?$", "HeadBucket"),
]
S3_PARTS = {"encryption": "BucketEncryption", "versioning": "BucketVersioning", "publicAccessBlock": "PublicAccessBlock", "tagging": "BucketTagging",
            "location": "BucketLocation", "policy": "BucketPolicy", "ownershipControls": "BucketOwnershipControls", "acl": "BucketAcl"}


@dataclass
class Call:
    method: str
    target: str  # path and query, as sent
    headers: dict[str, str]  # lower-case names
    body: bytes
    service: str = ""
    action: str = ""
    region: str = ""
    params: dict[str, str] = field(default_factory=dict)  # flat, as on the wire; of JSON services the top members
    at: float = 0.0  # time.monotonic() of its arrival
    status: int = 0  # of the answer; 0: the connection was dropped
    answer: Answer | None = None  # AWS's own, where a rule acts after the effect

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        return dict(urllib.parse.parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    @property
    def mutates(self) -> bool:
        return not READS.match(self.action) and self.service != "sts"

    @property
    def name(self) -> str:
        return f"{self.service}:{self.action}"

    def values(self, prefix: str) -> list[str]:
        """The values of Name.1, Name.2 (or Name.member.1), in order."""
        found = {}
        for key, value in self.params.items():
            if match := re.fullmatch(re.escape(prefix) + r"(?:\.member)?\.(\d+)", key):
                found[int(match[1])] = value
        return [found[number] for number in sorted(found)]

    def json(self) -> dict:
        return json.loads(self.body or b"{}")


@dataclass
class Answer:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.status < 300

    def tree(self) -> ET.Element:
        return parse(self.body)

    def put(self, root: ET.Element) -> Answer:
        self.body = render(root)
        return self


def parse(body: bytes) -> ET.Element:
    """The document without namespaces; the root remembers its own as `xmlns`."""
    namespace = re.search(rb'xmlns="([^"]*)"', body)
    root = ET.fromstring(re.sub(rb'\sxmlns(:\w+)?="[^"]*"', b"", body).strip())
    if namespace:
        root.set("xmlns", namespace[1].decode())
    return root


def render(root: ET.Element) -> bytes:
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root)


def understand(call: Call) -> Call:
    """Fills in which service and action a request is, by its signature's scope, its body and its path."""
    if scope := re.search(r"Credential=[^/]+/\d{8}/([^/]+)/([^/]+)/aws4_request", call.headers.get("authorization", "")):
        call.region, call.service = scope[1], {"elasticloadbalancing": "elbv2"}.get(scope[2], scope[2])
    if target := call.headers.get("x-amz-target"):
        prefix, _, call.action = target.partition(".")
        call.service = call.service or JSON_SERVICES.get(prefix.split("_")[0], prefix)
        document = call.json()
        call.params = {name: value for name, value in document.items() if isinstance(value, str)}
    elif call.method == "POST" and b"Action=" in call.body and "json" not in call.headers.get("content-type", ""):
        call.params = dict(urllib.parse.parse_qsl(call.body.decode(), keep_blank_values=True))
        call.action = call.params.get("Action", "")
        if not call.service:  # AssumeRoleWithWebIdentity is not signed
            call.service = "sts" if call.action.startswith("AssumeRole") else "?"
    elif call.path.startswith("/2013-04-01/") or call.service == "route53":
        call.service = "route53"
        call.action = next((action for service, method, path, action in REST
                            if service == "route53" and method == call.method and re.match(path, call.path)), call.method)
    elif call.service == "s3":
        part = next((name for key, name in S3_PARTS.items() if key in call.query), None)
        verb = {"GET": "Get", "PUT": "Put", "DELETE": "Delete", "HEAD": "Head", "POST": "Post"}.get(call.method, call.method)
        plain = {"PUT": "CreateBucket", "DELETE": "DeleteBucket", "HEAD": "HeadBucket", "GET": "ListObjectsV2"}
        call.action = verb + part if part else ("ListBuckets" if call.path == "/" else plain.get(call.method, verb))
    return call


def error(call: Call, code: str, message: str, status: int = 400) -> Answer:
    """An error in the form of the call's service."""
    request = str(uuid.uuid4())
    escaped = message.replace("&", "&amp;").replace("<", "&lt;")
    if call.service == "ec2":
        body = (f"<Response><Errors><Error><Code>{code}</Code><Message>{escaped}</Message></Error></Errors>"
                f"<RequestID>{request}</RequestID></Response>")
    elif call.service in ("acm", "ssm"):
        return Answer(status, json.dumps({"__type": code, "message": message}).encode(),
                      {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": request})
    elif call.service == "s3":
        body = f"<Error><Code>{code}</Code><Message>{escaped}</Message><RequestId>{request}</RequestId></Error>"
    elif call.service == "route53" and code == "InvalidChangeBatch":
        body = ('<InvalidChangeBatch xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Messages><Message>'
                f"{escaped}</Message></Messages><RequestId>{request}</RequestId></InvalidChangeBatch>")
    else:
        kind = "Sender" if status < 500 else "Receiver"
        body = (f"<ErrorResponse><Error><Type>{kind}</Type><Code>{code}</Code><Message>{escaped}</Message></Error>"
                f"<RequestId>{request}</RequestId></ErrorResponse>")
    return Answer(status, b'<?xml version="1.0" encoding="UTF-8"?>\n' + body.encode(), {"Content-Type": "text/xml;charset=UTF-8"})


def throttle(call: Call) -> Answer:
    """Too many calls, as each service says it."""
    if call.service == "ec2":
        return error(call, "RequestLimitExceeded", "Request limit exceeded.", 503)
    if call.service == "s3":
        return error(call, "SlowDown", "Please reduce your request rate.", 503)
    code = {"elbv2": "ThrottlingException", "acm": "ThrottlingException", "ssm": "ThrottlingException"}.get(call.service, "Throttling")
    return error(call, code, "Rate exceeded", 400)
