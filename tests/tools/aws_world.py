"""What AWS is like where moto is simpler: things take time to be ready and to be seen, tokens are honoured, lists come in pages."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import time
import urllib.parse
import xml.etree.ElementTree as ET
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aws_depend
import aws_pages
import aws_wire
from aws_wire import Answer, Call, error

TOKENS = {"RunInstances": "ClientToken", "CreateVolume": "ClientToken", "CreateNatGateway": "ClientToken", "CreateRouteTable": "ClientToken",
          "CreateLaunchTemplate": "ClientToken"}


@dataclass
class Pending:
    """How long something is not ready: for so many reads of it and so many seconds."""

    describes: int = 0
    seconds: float = 0.0


@dataclass
class Kind:
    create: str  # the action
    ids: str  # where its answer has the id
    describe: str = ""
    item: str = ""  # an element of the list
    id: str = ""  # the id within it
    state: str = ""  # the state within it
    words: tuple[str, str] = ("pending", "available")  # not ready, ready
    code: str = ""  # of an id that is not known
    keys: tuple[str, ...] = ()  # parameters that name it; empty: any whose value is the id


KINDS = {
    "vpc": Kind("CreateVpc", "vpc/vpcId", "DescribeVpcs", "vpcSet/item", "vpcId", "state", code="InvalidVpcID.NotFound"),
    "subnet": Kind("CreateSubnet", "subnet/subnetId", "DescribeSubnets", "subnetSet/item", "subnetId", "state", code="InvalidSubnetID.NotFound"),
    "internet_gateway": Kind("CreateInternetGateway", "internetGateway/internetGatewayId", "DescribeInternetGateways", "internetGatewaySet/item",
                             "internetGatewayId", code="InvalidInternetGatewayID.NotFound"),
    "eip": Kind("AllocateAddress", "allocationId", "DescribeAddresses", "addressesSet/item", "allocationId", code="InvalidAllocationID.NotFound"),
    "nat_gateway": Kind("CreateNatGateway", "natGateway/natGatewayId", "DescribeNatGateways", "natGatewaySet/item", "natGatewayId", "state",
                        code="NatGatewayNotFound"),
    "route_table": Kind("CreateRouteTable", "routeTable/routeTableId", "DescribeRouteTables", "routeTableSet/item", "routeTableId",
                        code="InvalidRouteTableID.NotFound"),
    "security_group": Kind("CreateSecurityGroup", "groupId", "DescribeSecurityGroups", "securityGroupInfo/item", "groupId",
                           code="InvalidGroup.NotFound"),
    "instance": Kind("RunInstances", "instancesSet/item/instanceId", "DescribeInstances", "reservationSet/item/instancesSet/item", "instanceId",
                     "instanceState", ("pending", "running"), code="InvalidInstanceID.NotFound"),
    "volume": Kind("CreateVolume", "volumeId", "DescribeVolumes", "volumeSet/item", "volumeId", "status", ("creating", "available"),
                   code="InvalidVolume.NotFound"),
    "lb": Kind("CreateLoadBalancer", "CreateLoadBalancerResult/LoadBalancers/member/LoadBalancerArn", "DescribeLoadBalancers",
               "DescribeLoadBalancersResult/LoadBalancers/member", "LoadBalancerArn", "State/Code", ("provisioning", "active"),
               code="LoadBalancerNotFound"),
    "target_group": Kind("CreateTargetGroup", "CreateTargetGroupResult/TargetGroups/member/TargetGroupArn", "DescribeTargetGroups",
                         "DescribeTargetGroupsResult/TargetGroups/member", "TargetGroupArn", code="TargetGroupNotFound"),
    "role": Kind("CreateRole", "CreateRoleResult/Role/RoleName", code="NoSuchEntity", keys=("RoleName",)),
    "instance_profile": Kind("CreateInstanceProfile", "CreateInstanceProfileResult/InstanceProfile/InstanceProfileName", code="NoSuchEntity",
                             keys=("InstanceProfileName", "IamInstanceProfile.Name")),
    "certificate": Kind("RequestCertificate", "", code="ResourceNotFoundException", keys=("CertificateArn", "Certificates.member.1.CertificateArn")),
}
BY_CREATE = {kind.create: name for name, kind in KINDS.items()}
BY_DESCRIBE = {kind.describe: name for name, kind in KINDS.items() if kind.describe}
# Going away takes time, too: the word meanwhile, and the state in which it is gone.
ENDING = {"TerminateInstances": ("instance", "InstanceId", "shutting-down"), "DeleteNatGateway": ("nat_gateway", "NatGatewayId", "deleting")}
INSTANCE_CODES = {"pending": "0", "running": "16", "shutting-down": "32", "terminated": "48", "stopping": "64", "stopped": "80"}


@dataclass
class Clock:
    """A thing that is not ready yet."""

    word: str
    describes: int
    until: float

    def tick(self) -> bool:
        """Whether it is still not ready, at one more read."""
        self.describes -= 1
        return self.describes >= 0 or time.monotonic() < self.until


class World:
    def __init__(self, ask: Callable[..., Awaitable[Answer]]) -> None:
        self.ask = ask
        self.pending: dict[str, Pending] = {}  # kind -> how long a new one takes; also "certificate", "change" (Route53), "ending"
        self.invisible: dict[str, int] = {}  # kind -> for how many calls a new one is not known yet
        self.page_size = 0  # every list comes in pages of at most so many; 0: of what was asked for
        self.strict = True  # dependency violations, duplicates and record sets as AWS has them
        self.linger = 0  # for how many deletions a deleted load balancer's interfaces still hold on
        self.full_zones: set[str] = set()  # zones without capacity
        self._clocks: dict[str, Clock] = {}
        self._hidden: dict[str, tuple[str, int]] = {}  # id -> kind, calls left
        self._tokens: dict[tuple[str, str, str], tuple[str, Answer]] = {}
        self._making: dict[tuple[str, str, str], asyncio.Event] = {}
        self._changes: dict[str, Clock] = {}
        self.pages = aws_pages.Pages()
        self.depend = aws_depend.Depend(self)

    def not_ready(self, thing: str) -> str | None:
        """What keeps a thing from being ready: its state's word, or None."""
        clock = self._clocks.get(thing)
        return clock.word if clock and (clock.describes > 0 or time.monotonic() < clock.until) else None

    # -- before moto sees it ------------------------------------------------------------------------------------------------

    async def before(self, call: Call) -> Answer | None:
        if unknown := self._unknown(call):
            return unknown
        if replay := await self._replay(call):
            return replay
        answer = await self._refuse(call)
        if answer and (event := self._making.pop((call.region, call.action, call.params.get(TOKENS.get(call.action, ""), "")), None)):
            event.set()
        return answer

    async def _refuse(self, call: Call) -> Answer | None:
        if call.action == "RunInstances" and self.full_zones and (zone := await self.depend.zone_of(call)) in self.full_zones:
            size, others = call.params.get("InstanceType", ""), [each for letter in "abcd" if (each := call.region + letter) not in self.full_zones]
            return error(call, "InsufficientInstanceCapacity", f"We currently do not have sufficient {size} capacity in the Availability Zone you requested "
                         f"({zone}). Our system will be working on provisioning additional capacity. You can currently get {size} capacity by not "
                         f"specifying an Availability Zone in your request or choosing {', '.join(others)}.", 500)
        if self.strict and (refusal := await self.depend.refuse(call)):
            return refusal
        return await self.pages.before(self, call)

    def _unknown(self, call: Call) -> Answer | None:
        """Things just made that this call names and that its server has not heard of."""
        for thing, (name, left) in list(self._hidden.items()):
            kind = KINDS[name]
            if call.service == "acm":
                named = thing in call.params.values()
            else:
                named = any(value == thing and (not kind.keys or key in kind.keys) and not key.startswith("Filter")
                            for key, value in call.params.items())
            if not named:
                continue
            self._less(thing)
            if call.action == "RunInstances" and name == "instance_profile":
                return error(call, "InvalidParameterValue", f"Value ({thing}) for parameter iamInstanceProfile.name is invalid. "
                             "Invalid IAM Instance Profile name")
            status = 404 if kind.code == "NoSuchEntity" else 400
            return error(call, kind.code, f"The {name.replace('_', ' ')} '{thing}' does not exist", status)
        return None

    def _less(self, thing: str) -> None:
        kind, left = self._hidden.pop(thing)
        if left > 1:
            self._hidden[thing] = (kind, left - 1)

    async def _replay(self, call: Call) -> Answer | None:
        """The same token again is the same thing again."""
        name = TOKENS.get(call.action)
        if not name or not (token := call.params.get(name)):
            return None
        key = (call.region, call.action, token)
        while (event := self._making.get(key)) is not None:
            await event.wait()
        digest = _digest(call)
        if key in self._tokens:
            same, answer = self._tokens[key]
            return Answer(answer.status, answer.body, dict(answer.headers)) if same == digest else error(
                call, "IdempotentParameterMismatch", "The client token has already been used with different parameters")
        self._making[key] = asyncio.Event()
        return None

    # -- after moto answered ------------------------------------------------------------------------------------------------

    async def after(self, call: Call, answer: Answer) -> Answer:
        if call.action == "CreateHostedZone" and not answer.ok:
            self.depend.references.discard(aws_wire.parse(call.body).findtext("CallerReference"))
        if answer.ok:
            self._made(call, answer)
            self._ended(call, answer)
            self.depend.note(call, answer)
            answer = self._certificate(call, answer, await self.depend.validated(call, answer))
            answer = self._change(call, answer)
            if call.action in BY_DESCRIBE and (self._clocks or self._hidden):
                answer = self._read(call, answer)
            if call.action == "DescribeSecurityGroupRules" and self.depend.descriptions:
                answer = self.depend.described(answer)
            if call.action == "DescribeTargetHealth":
                answer = self.depend.health(answer)
        if name := TOKENS.get(call.action):
            key = (call.region, call.action, call.params.get(name, ""))
            if answer.ok and key in self._making:
                self._tokens[key] = (_digest(call), Answer(answer.status, answer.body, dict(answer.headers)))
            if event := self._making.pop(key, None):
                event.set()
        return self.pages.after(self, call, answer)

    def _made(self, call: Call, answer: Answer) -> None:
        name = BY_CREATE.get(call.action)
        if not name:
            return
        kind, wait = KINDS[name], self.pending.get(name)
        things = [json.loads(answer.body)["CertificateArn"]] if name == "certificate" else []
        root = answer.tree() if name != "certificate" else None
        if root is not None:
            things = [element.text or "" for element in root.findall(kind.ids)]
        for thing in things:
            if self.invisible.get(name):
                self._hidden[thing] = (name, self.invisible[name])
            if wait:
                self._clocks[thing] = Clock(kind.words[0], wait.describes, time.monotonic() + wait.seconds)
        if wait and root is not None and kind.state:
            for item in root.findall(kind.ids.rsplit("/", 1)[0]) if "/" in kind.ids else [root]:
                _set_state(item, kind, kind.words[0])
            answer.put(root)

    def _ended(self, call: Call, answer: Answer) -> None:
        if call.action not in ENDING or not (wait := self.pending.get("ending")):
            return
        name, parameter, word = ENDING[call.action]
        for thing in call.values(parameter) or [call.params.get(parameter, "")]:
            self._clocks[thing] = Clock(word, wait.describes, time.monotonic() + wait.seconds)

    def _read(self, call: Call, answer: Answer) -> Answer:
        kind, root = KINDS[BY_DESCRIBE[call.action]], answer.tree()
        parents = {child: parent for parent in root.iter() for child in parent}
        for item in root.findall(kind.item):
            thing = item.findtext(kind.id) or ""
            if thing in self._hidden:
                self._less(thing)
                parents[item].remove(item)
            elif kind.state and (clock := self._clocks.get(thing)):
                if clock.tick():
                    _set_state(item, kind, clock.word)
                else:
                    del self._clocks[thing]
        for group in root.findall("reservationSet/item"):
            if not group.findall("instancesSet/item"):
                parents[group].remove(group)
        return answer.put(root)

    def _certificate(self, call: Call, answer: Answer, validated: bool) -> Answer:
        if call.action != "DescribeCertificate":
            return answer
        document = json.loads(answer.body)
        certificate = document["Certificate"]
        clock = self._clocks.get(certificate["CertificateArn"])
        early = bool(clock and clock.tick())
        if early:
            for option in certificate.get("DomainValidationOptions", []):
                option.pop("ResourceRecord", None)
        if early or not validated:
            certificate["Status"] = "PENDING_VALIDATION"
            certificate.pop("IssuedAt", None)
            for option in certificate.get("DomainValidationOptions", []):
                option["ValidationStatus"] = "PENDING_VALIDATION"
        answer.body = json.dumps(document).encode()
        return answer

    def _change(self, call: Call, answer: Answer) -> Answer:
        """A change of records takes a while to reach the name servers."""
        if call.action not in ("ChangeResourceRecordSets", "GetChange", "CreateHostedZone") or not (wait := self.pending.get("change")):
            return answer
        root = answer.tree()
        info = root.find("ChangeInfo")
        if info is None:
            return answer
        number = (info.findtext("Id") or "").rsplit("/", 1)[-1]
        if call.action != "GetChange":
            number = hashlib.sha256(f"{time.time_ns()}".encode()).hexdigest()[:14].upper()
            self._changes[number] = Clock("PENDING", wait.describes, time.monotonic() + wait.seconds)
            info.find("Id").text = f"/change/C{number}"
            info.find("Status").text = "PENDING"
        else:
            number = call.path.rsplit("/", 1)[-1].removeprefix("C")
            if not (clock := self._changes.get(number)):
                return error(call, "NoSuchChange", f"A change with the specified change ID {number} does not exist.", 404)
            info.find("Id").text = f"/change/C{number}"
            info.find("Status").text = "PENDING" if clock.tick() else "INSYNC"
        return answer.put(root)


def _set_state(item: ET.Element, kind: Kind, word: str) -> None:
    element = item.find(kind.state)
    if element is None:
        return
    if kind.state == "instanceState":
        element.find("code").text, element.find("name").text = INSTANCE_CODES[word], word
    else:
        element.text = word


def _digest(call: Call) -> str:
    parameters = {key: value for key, value in call.params.items() if not re.match(r"(Timestamp|Version)", key)}
    return hashlib.sha256(urllib.parse.urlencode(sorted(parameters.items())).encode()).hexdigest()
