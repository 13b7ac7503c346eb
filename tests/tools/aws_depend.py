"""What holds on to what: deletions that AWS refuses and moto lets pass, duplicates, record sets, certificates, targets."""

from __future__ import annotations

import ipaddress
import json
import re
import urllib.parse
import xml.etree.ElementTree as ET

from aws_wire import EC2_NAMESPACE, Answer, Call, error, parse

FORM = {"content-type": "application/x-www-form-urlencoded"}
ELB_NAMESPACE = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"


class Depend:
    def __init__(self, world) -> None:
        self.world = world
        self.references: set[str] = set()  # of hosted zones
        self.records: set[str] = set()  # names of CNAMEs
        self.held: dict[str, tuple[str, int]] = {}  # subnet or group -> of which deleted load balancer, deletions left
        self.zones: dict[str, str] = {}  # subnet -> zone
        self.descriptions: dict[str, str] = {}  # rule -> its description, where the source is a group: moto forgets those

    async def _ask(self, call: Call, service: str, action: str, **parameters: str) -> ET.Element:
        version = "2016-11-15" if service == "ec2" else "2015-12-01"
        form = urllib.parse.urlencode({"Action": action, "Version": version, **parameters}).encode()
        return (await self.world.ask(call, service, "POST", "/", form, FORM)).tree()

    async def zone_of(self, call: Call) -> str:
        subnet = call.params.get("SubnetId") or call.params.get("NetworkInterface.1.SubnetId") or ""
        if subnet and subnet not in self.zones:
            for item in (await self._ask(call, "ec2", "DescribeSubnets")).findall("subnetSet/item"):
                self.zones[item.findtext("subnetId") or ""] = item.findtext("availabilityZone") or ""
        return self.zones.get(subnet) or call.params.get("Placement.AvailabilityZone", "")

    async def refuse(self, call: Call) -> Answer | None:
        check = getattr(self, f"_{call.action}", None)
        return await check(call) if check else None

    def _linger(self, thing: str) -> str | None:
        if thing not in self.held:
            return None
        holder, left = self.held.pop(thing)
        if left <= 0:
            return None
        self.held[thing] = (holder, left - 1)
        return holder

    # -- the network --------------------------------------------------------------------------------------------------------

    async def _instances(self, call: Call) -> list[ET.Element]:
        """Those whose interfaces are still there: terminating ones, too."""
        found = (await self._ask(call, "ec2", "DescribeInstances", MaxResults="1000")).findall("reservationSet/item/instancesSet/item")
        return [one for one in found
                if one.findtext("instanceState/name") != "terminated" or self.world.not_ready(one.findtext("instanceId") or "")]

    async def _gateways(self, call: Call) -> list[ET.Element]:
        found = (await self._ask(call, "ec2", "DescribeNatGateways")).findall("natGatewaySet/item")
        return [one for one in found if one.findtext("state") != "deleted" or self.world.not_ready(one.findtext("natGatewayId") or "")]

    async def _DeleteSubnet(self, call: Call) -> Answer | None:
        subnet = call.params.get("SubnetId", "")
        holder = next((f"the instance {one.findtext('instanceId')}" for one in await self._instances(call) if one.findtext("subnetId") == subnet), None)
        holder = holder or next((one.findtext("natGatewayId") for one in await self._gateways(call) if one.findtext("subnetId") == subnet), None)
        balancers = (await self._ask(call, "elbv2", "DescribeLoadBalancers")).findall("DescribeLoadBalancersResult/LoadBalancers/member")
        holder = holder or next((one.findtext("LoadBalancerArn") for one in balancers
                                 if subnet in [zone.text for zone in one.findall("AvailabilityZones/member/SubnetId")]), None)
        if holder or self._linger(subnet):
            return error(call, "DependencyViolation", f"The subnet '{subnet}' has dependencies and cannot be deleted.")
        return None

    async def _DeleteSecurityGroup(self, call: Call) -> Answer | None:
        group = call.params.get("GroupId", "")
        used = any(group in [g.findtext("groupId") for g in one.findall("groupSet/item")] for one in await self._instances(call))
        balancers = (await self._ask(call, "elbv2", "DescribeLoadBalancers")).findall("DescribeLoadBalancersResult/LoadBalancers/member")
        used = used or any(group in [g.text for g in one.findall("SecurityGroups/member")] for one in balancers)
        groups = (await self._ask(call, "ec2", "DescribeSecurityGroups")).findall("securityGroupInfo/item")
        used = used or any(group in [g.text for g in one.findall(".//groups/item/groupId")] for one in groups if one.findtext("groupId") != group)
        if used or self._linger(group):
            return error(call, "DependencyViolation", f"resource {group} has a dependent object")
        return None

    async def _ModifyNetworkInterfaceAttribute(self, call: Call) -> None:
        """An instance's groups are its interface's; moto keeps two lists, of which this changes the other."""
        groups = {key.replace("SecurityGroupId", "GroupId"): value for key, value in call.params.items() if key.startswith("SecurityGroupId.")}
        found = await self._ask(call, "ec2", "DescribeNetworkInterfaces", **{"NetworkInterfaceId.1": call.params.get("NetworkInterfaceId", "")})
        instance = found.findtext("networkInterfaceSet/item/attachment/instanceId")
        if groups and instance:
            await self._ask(call, "ec2", "ModifyInstanceAttribute", InstanceId=instance, **groups)

    async def _DeleteVpc(self, call: Call) -> Answer | None:
        vpc = call.params.get("VpcId", "")
        subnets = (await self._ask(call, "ec2", "DescribeSubnets")).findall("subnetSet/item")
        groups = (await self._ask(call, "ec2", "DescribeSecurityGroups")).findall("securityGroupInfo/item")
        gateways = (await self._ask(call, "ec2", "DescribeInternetGateways")).findall("internetGatewaySet/item/attachmentSet/item")
        tables = (await self._ask(call, "ec2", "DescribeRouteTables")).findall("routeTableSet/item")
        holds = [one for one in subnets if one.findtext("vpcId") == vpc]
        holds += [one for one in groups if one.findtext("vpcId") == vpc and one.findtext("groupName") != "default"]
        holds += [one for one in gateways if one.findtext("vpcId") == vpc]
        holds += [one for one in tables if one.findtext("vpcId") == vpc and one.findtext("associationSet/item/main") != "true"]
        if holds:
            return error(call, "DependencyViolation", f"The vpc '{vpc}' has dependencies and cannot be deleted.")
        return None

    async def _DetachInternetGateway(self, call: Call) -> Answer | None:
        vpc = call.params.get("VpcId", "")
        public = [one for one in await self._instances(call) if one.findtext("vpcId") == vpc and one.findtext("ipAddress")
                  and one.findtext("instanceState/name") != "terminated"]
        gateways = [one for one in await self._gateways(call) if one.findtext("vpcId") == vpc and one.findtext("connectivityType") != "private"]
        if public or gateways:
            return error(call, "DependencyViolation", f"Network {vpc} has some mapped public address(es). Please unmap those public address(es) "
                         "before detaching the gateway.")
        return None

    async def _ReleaseAddress(self, call: Call) -> Answer | None:
        allocation = call.params.get("AllocationId", "")
        gateways = await self._gateways(call)
        addresses = (await self._ask(call, "ec2", "DescribeAddresses")).findall("addressesSet/item")
        used = any(allocation in [a.text for a in one.findall("natGatewayAddressSet/item/allocationId")] for one in gateways)
        alive = {one.findtext("instanceId") for one in await self._instances(call)}
        used = used or any(one.findtext("allocationId") == allocation and one.findtext("associationId") and one.findtext("instanceId") in alive
                           for one in addresses)
        if used:
            return error(call, "InvalidIPAddress.InUse", f"The address with allocation id [{allocation}] cannot be released because it is in use")
        return None

    async def _CreateNatGateway(self, call: Call) -> Answer | None:
        """moto makes one in a network without an internet gateway; AWS makes it fail a moment later."""
        subnets = (await self._ask(call, "ec2", "DescribeSubnets")).findall("subnetSet/item")
        vpc = next((one.findtext("vpcId") for one in subnets if one.findtext("subnetId") == call.params.get("SubnetId")), None)
        attached = (await self._ask(call, "ec2", "DescribeInternetGateways")).findall("internetGatewaySet/item/attachmentSet/item/vpcId")
        if call.params.get("ConnectivityType") != "private" and vpc not in [one.text for one in attached]:
            return error(call, "Gateway.NotAttached", f"Network {vpc} has no Internet gateway attached")
        return None

    async def _DeleteNatGateway(self, call: Call) -> None:
        """Its address is free again; moto keeps it associated."""
        for one in await self._gateways(call):
            for address in one.findall("natGatewayAddressSet/item") if one.findtext("natGatewayId") == call.params.get("NatGatewayId") else []:
                association = address.findtext("associationId")
                if association and one.findtext("state") != "deleted":
                    await self._ask(call, "ec2", "DisassociateAddress", AssociationId=association)

    async def _AttachVolume(self, call: Call) -> Answer | None:
        instance = call.params.get("InstanceId", "")
        if word := self.world.not_ready(instance):
            return error(call, "IncorrectState", f"Instance '{instance}' is not 'running'. It is {word}.")
        if self.world.not_ready(call.params.get("VolumeId", "")):
            return error(call, "IncorrectState", f"{call.params.get('VolumeId')} is not 'available'.")
        return None

    async def _AuthorizeSecurityGroupIngress(self, call: Call) -> None:
        """A protocol by number has no ports; moto wants some."""
        for key in [key for key in call.params if re.fullmatch(r"IpPermissions\.\d+\.IpProtocol", key)]:
            ports = {key.replace("IpProtocol", name): "-1" for name in ("FromPort", "ToPort")}
            if call.params[key].isdigit() and not ports.keys() & call.params.keys():
                call.params |= ports
                call.body = urllib.parse.urlencode(call.params).encode()

    _AuthorizeSecurityGroupEgress = _AuthorizeSecurityGroupIngress

    async def _RunInstances(self, call: Call) -> None:
        """An image's root disk goes with the instance unless that is said otherwise; moto has images without disks."""
        for key in [key for key in call.params if re.fullmatch(r"BlockDeviceMapping\.\d+\.DeviceName", key)]:
            root = key.replace("DeviceName", "Ebs.DeleteOnTermination")
            if call.params[key] in ("/dev/sda1", "/dev/xvda") and root not in call.params:
                call.params[root] = "true"
                call.body = urllib.parse.urlencode(call.params).encode()

    # -- load balancers -----------------------------------------------------------------------------------------------------

    async def _RegisterTargets(self, call: Call) -> Answer | None:
        for key, value in call.params.items():
            if re.fullmatch(r"Targets\.member\.\d+\.Id", key) and value.startswith("i-") and self.world.not_ready(value):
                return error(call, "InvalidTarget", f"The following targets are not in a running state and cannot be registered: '{value}'")
        return None

    async def _CreateLoadBalancer(self, call: Call) -> Answer | None:
        root = await self._ask(call, "elbv2", "DescribeLoadBalancers")
        for one in root.findall("DescribeLoadBalancersResult/LoadBalancers/member"):
            if one.findtext("LoadBalancerName") != call.params.get("Name"):
                continue
            wanted = (call.params.get("Type", "application"), call.params.get("Scheme", "internet-facing"), sorted(
                call.values("Subnets") or [value for key, value in call.params.items() if re.fullmatch(r"SubnetMappings\.member\.\d+\.SubnetId", key)]))
            there = (one.findtext("Type"), one.findtext("Scheme") or "internet-facing", sorted(z.text or "" for z in one.findall("AvailabilityZones/member/SubnetId")))
            if wanted != there:
                return error(call, "DuplicateLoadBalancerName", f"A load balancer with the same name '{call.params.get('Name')}' exists, "
                             "but with different settings")
            return _wrapped("CreateLoadBalancer", "LoadBalancers", one)
        return None

    async def _CreateTargetGroup(self, call: Call) -> Answer | None:
        root = await self._ask(call, "elbv2", "DescribeTargetGroups")
        for one in root.findall("DescribeTargetGroupsResult/TargetGroups/member"):
            if one.findtext("TargetGroupName") != call.params.get("Name"):
                continue
            if all(one.findtext(key) == call.params.get(key) for key in ("Port", "Protocol", "VpcId")):
                return _wrapped("CreateTargetGroup", "TargetGroups", one)
            return error(call, "DuplicateTargetGroupName", f"A target group with the same name '{call.params.get('Name')}' exists, "
                         "but with different settings")
        return None

    async def _CreateListener(self, call: Call) -> Answer | None:
        balancer = call.params.get("LoadBalancerArn", "")
        root = await self._ask(call, "elbv2", "DescribeListeners", LoadBalancerArn=balancer)
        if call.params.get("Port") in [one.text for one in root.findall("DescribeListenersResult/Listeners/member/Port")]:
            return error(call, "DuplicateListener", "A listener already exists on this port for this load balancer")
        certificate = call.params.get("Certificates.member.1.CertificateArn")
        if certificate and not await self._issued(call, certificate):
            return error(call, "UnsupportedCertificate", f"The certificate '{certificate}' must have a fully-qualified domain name, a supported "
                         "signature, and a supported key size.")
        return None

    def health(self, answer: Answer) -> Answer:
        """A target starts as `initial`, and one whose machine is not up stays so."""
        root = answer.tree()
        for one in root.findall("DescribeTargetHealthResult/TargetHealthDescriptions/member"):
            if self.world.not_ready(one.findtext("Target/Id") or ""):
                one.find("TargetHealth/State").text = "initial"
        return answer.put(root)

    def note(self, call: Call, answer: Answer) -> None:
        """Remembers what a later call is judged by."""
        if call.action == "ChangeResourceRecordSets":
            for change in parse(call.body).iter("Change"):
                if change.findtext("ResourceRecordSet/Type") == "CNAME":
                    name = _dotted(change.findtext("ResourceRecordSet/Name") or "")
                    (self.records.discard if change.findtext("Action") == "DELETE" else self.records.add)(name)
        if call.action.startswith("AuthorizeSecurityGroup") or call.action == "ModifySecurityGroupRules":
            self._describe_rules(call, answer)
        if call.action == "CreateLoadBalancer" and self.world.linger:
            for element in answer.tree().iter():
                if element.tag == "SubnetId" or (element.tag == "member" and (element.text or "").startswith("sg-")):
                    self.held[f"of {element.text}"] = (element.text or "", 0)
        if call.action == "DeleteLoadBalancer" and self.world.linger:
            for key in [key for key in self.held if key.startswith("of ")]:
                thing, _ = self.held.pop(key)
                self.held[thing] = ("ELB", self.world.linger)

    def _describe_rules(self, call: Call, answer: Answer) -> None:
        asked = {}
        for key, group in call.params.items():
            if match := re.fullmatch(r"(IpPermissions\.\d+)\.(?:Groups|UserIdGroupPairs)\.(\d+)\.GroupId", key):
                asked[group, *(call.params.get(f"{match[1]}.{name}", "-1") for name in ("IpProtocol", "FromPort", "ToPort"))] = \
                    call.params.get(key.replace("GroupId", "Description"), "")
            if match := re.fullmatch(r"(SecurityGroupRule\.\d+)\.SecurityGroupRuleId", key):
                self.descriptions[group] = call.params.get(f"{match[1]}.SecurityGroupRule.Description", "")
        for rule in answer.tree().findall("securityGroupRuleSet/item"):
            key = (rule.findtext("referencedGroupInfo/groupId") or "", *(rule.findtext(name) or "-1" for name in ("ipProtocol", "fromPort", "toPort")))
            if key in asked:
                self.descriptions[rule.findtext("securityGroupRuleId") or ""] = asked[key]

    def described(self, answer: Answer) -> Answer:
        root = answer.tree()
        for rule in root.findall("securityGroupRuleSet/item"):
            if text := self.descriptions.get(rule.findtext("securityGroupRuleId") or ""):
                element = rule.find("description")
                (ET.SubElement(rule, "description") if element is None else element).text = text
        return answer.put(root)

    # -- names and certificates ---------------------------------------------------------------------------------------------

    async def _issued(self, call: Call, arn: str) -> bool:
        answer = await self.world.ask(call, "acm", "POST", "/", json.dumps({"CertificateArn": arn}).encode(),
                                      {"content-type": "application/x-amz-json-1.1", "x-amz-target": "CertificateManager.DescribeCertificate"})
        if not answer.ok:
            return False
        certificate = json.loads(answer.body)["Certificate"]
        return certificate["Status"] == "ISSUED" and not self.world.not_ready(arn) and self._proven(certificate)

    def _proven(self, certificate: dict) -> bool:
        options = certificate.get("DomainValidationOptions", [])
        return bool(options) and all(_dotted(option.get("ResourceRecord", {}).get("Name", "?")) in self.records for option in options)

    async def validated(self, call: Call, answer: Answer) -> bool:
        """Whether the records that prove the certificate's domains are there."""
        if call.action != "DescribeCertificate":
            return False
        certificate = json.loads(answer.body)["Certificate"]
        return certificate.get("Type") == "IMPORTED" or self._proven(certificate)

    async def _DeleteCertificate(self, call: Call) -> Answer | None:
        arn = call.params.get("CertificateArn", "")
        for balancer in (await self._ask(call, "elbv2", "DescribeLoadBalancers")).findall(".//LoadBalancerArn"):
            root = await self._ask(call, "elbv2", "DescribeListeners", LoadBalancerArn=balancer.text or "")
            if arn in [one.text for one in root.findall(".//CertificateArn")]:
                return error(call, "ResourceInUseException", f"Certificate {arn} is in use.")
        return None

    async def _CreateHostedZone(self, call: Call) -> Answer | None:
        reference = parse(call.body).findtext("CallerReference")
        taken = reference in self.references  # also of a request that is still at work
        self.references.add(reference)
        zones = (await self.world.ask(call, "route53", "GET", "/2013-04-01/hostedzone")).tree().findall("HostedZones/HostedZone")
        if taken or reference in [one.findtext("CallerReference") for one in zones]:
            return error(call, "HostedZoneAlreadyExists", f"A hosted zone has already been created with the specified caller reference: {reference}", 409)
        return None

    async def _ChangeResourceRecordSets(self, call: Call) -> Answer | None:
        zone = call.path.split("/")[3]
        listed = (await self.world.ask(call, "route53", "GET", f"/2013-04-01/hostedzone/{zone}/rrset?maxitems=10000")).tree()
        there = {_key(one): one for one in listed.findall("ResourceRecordSets/ResourceRecordSet")}
        wrong = []
        for change in parse(call.body).iter("Change"):
            action, record = change.findtext("Action"), change.find("ResourceRecordSet")
            name, kind, identifier = key = _key(record)
            words = f"[name='{name}', type='{kind}'" + (f", set-identifier='{identifier}'" if identifier else "") + "]"
            if action == "CREATE" and key in there:
                wrong.append(f"[Tried to create resource record set {words} but it already exists]")
            if action == "DELETE" and key not in there:
                wrong.append(f"[Tried to delete resource record set {words} but it was not found]")
            elif action == "DELETE" and _values(record) != _values(there[key]):
                wrong.append(f"[Tried to delete resource record set {words} but the values provided do not match the current values]")
            if kind == "A" and action != "DELETE":
                wrong += [f"[Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) encountered with "
                          f"'{value}'']" for value in _values(record)[1] if not _is_ipv4(value)]
            if action == "DELETE":
                there.pop(key, None)
            else:
                there[key] = record
        if wrong:
            return error(call, "InvalidChangeBatch", ", ".join(wrong))
        # moto refuses to create what was created once and deleted since.
        call.body = call.body.replace(b"<Action>CREATE</Action>", b"<Action>UPSERT</Action>")
        return None

    # -- identities ---------------------------------------------------------------------------------------------------------

    async def _DeleteInstanceProfile(self, call: Call) -> Answer | None:
        root = await self._ask(call, "iam", "GetInstanceProfile", InstanceProfileName=call.params.get("InstanceProfileName", ""))
        if root.find(".//Roles/member") is not None:
            return error(call, "DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.", 409)
        return None

    async def _DeleteRole(self, call: Call) -> Answer | None:
        name = call.params.get("RoleName", "")
        for action, path, words in (("ListInstanceProfilesForRole", ".//InstanceProfiles/member", "remove roles from instance profile"),
                                    ("ListAttachedRolePolicies", ".//AttachedPolicies/member", "detach all policies"),
                                    ("ListRolePolicies", ".//PolicyNames/member", "delete policies")):
            if (await self._ask(call, "iam", action, RoleName=name)).find(path) is not None:
                return error(call, "DeleteConflict", f"Cannot delete entity, must {words} first.", 409)
        return None


def _wrapped(action: str, holder: str, item: ET.Element) -> Answer:
    root = ET.Element(f"{action}Response", {"xmlns": ELB_NAMESPACE})
    ET.SubElement(ET.SubElement(root, f"{action}Result"), holder).append(item)
    return Answer(200, b"", {"Content-Type": "text/xml;charset=UTF-8"}).put(root)


def _dotted(name: str) -> str:
    return name.lower().replace("\\052", "*").rstrip(".") + "."


def _key(record: ET.Element) -> tuple[str, str, str]:
    return _dotted(record.findtext("Name") or ""), record.findtext("Type") or "", record.findtext("SetIdentifier") or ""


def _values(record: ET.Element) -> tuple[str, list[str], str]:
    alias = record.find("AliasTarget")
    target = "" if alias is None else f"{alias.findtext('HostedZoneId')} {_dotted(alias.findtext('DNSName') or '')}"
    return record.findtext("TTL") or "", sorted(value.text or "" for value in record.findall("ResourceRecords/ResourceRecord/Value")), target


def _is_ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


__all__ = ["Depend", "EC2_NAMESPACE"]
