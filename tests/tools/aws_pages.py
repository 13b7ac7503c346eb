"""Lists in pages, with AWS's limits on how many may be asked for. moto answers all at once, or in pages of its own."""

from __future__ import annotations

import copy
import hashlib
import itertools
import urllib.parse
import xml.etree.ElementTree as ET

from aws_wire import Answer, Call, error

# action -> path of the list, the limits on its page, whether it goes by Marker (ELB) instead of NextToken.
LISTS = {
    "DescribeVpcs": ("vpcSet", 5, 1000), "DescribeSubnets": ("subnetSet", 5, 1000), "DescribeInternetGateways": ("internetGatewaySet", 5, 1000),
    "DescribeNatGateways": ("natGatewaySet", 5, 1000), "DescribeRouteTables": ("routeTableSet", 5, 100),
    "DescribeSecurityGroups": ("securityGroupInfo", 5, 1000), "DescribeSecurityGroupRules": ("securityGroupRuleSet", 5, 1000),
    "DescribeInstances": ("reservationSet", 5, 1000), "DescribeVolumes": ("volumeSet", 5, 500),
    "DescribeLaunchTemplates": ("launchTemplates", 1, 200), "DescribeImages": ("imagesSet", 1, 1000),
    "DescribeNetworkInterfaces": ("networkInterfaceSet", 5, 1000),
    "DescribeLoadBalancers": ("DescribeLoadBalancersResult/LoadBalancers", 1, 400),
    "DescribeTargetGroups": ("DescribeTargetGroupsResult/TargetGroups", 1, 400),
    "DescribeListeners": ("DescribeListenersResult/Listeners", 1, 400), "DescribeRules": ("DescribeRulesResult/Rules", 1, 400),
}
ID_LISTS = {"DescribeInstances": "InstanceId", "DescribeVolumes": "VolumeId"}
IAM_LISTS = {"ListRoles", "ListPolicies", "ListRolePolicies", "ListAttachedRolePolicies", "ListInstanceProfiles", "GetAccountAuthorizationDetails",
             "ListInstanceProfilesForRole", "ListPolicyVersions", "ListEntitiesForPolicy"}
KEPT = 1000


class Pages:
    def __init__(self) -> None:
        self._rest: dict[str, tuple[str, list[ET.Element], ET.Element]] = {}  # token -> query, what is left, the document without items
        self._numbers = itertools.count(1)

    async def before(self, world, call: Call) -> Answer | None:
        if call.action in IAM_LISTS and world.page_size:
            _set(call, {**call.params, "MaxItems": str(min(world.page_size, int(call.params.get("MaxItems", 1000))))})
        elif call.action == "ListResourceRecordSets" and world.page_size:
            query = {**call.query, "maxitems": str(min(world.page_size, int(call.query.get("maxitems", 300))))}
            call.target = f"{call.path}?{urllib.parse.urlencode(query)}"
        if call.action not in LISTS:
            return None
        path, low, high = LISTS[call.action]
        size = call.params.get("MaxResults") or call.params.get("PageSize")
        if size is not None and not (size.isdigit() and low <= int(size) <= high):
            code = "ValidationError" if call.service == "elbv2" else "InvalidParameterValue"
            return error(call, code, f"Value ( {size} ) for parameter maxResults is invalid. Expecting a value between {low} and {high}.")
        if call.service == "ec2" and size and call.values(ID_LISTS.get(call.action, "-")):
            return error(call, "InvalidParameterCombination", f"The parameter {ID_LISTS[call.action]} cannot be used with the parameter maxResults")
        token = call.params.get("NextToken") or call.params.get("Marker")
        if token:
            kept = self._rest.get(token)
            if not kept or kept[0] != _query(call):
                return error(call, "InvalidNextToken" if call.service == "ec2" else "InvalidMarker", "The token is not valid for this request")
            return self._page(world, call, Answer(200, b""), path, kept[1], kept[2])
        # moto's own pages: all of them first.
        whole = {key: value for key, value in call.params.items() if key not in ("MaxResults", "PageSize")}
        answer = await world.ask(call, call.service, "POST", "/", urllib.parse.urlencode(whole).encode(),
                                 {"content-type": "application/x-www-form-urlencoded"})
        call.params["_size"] = size or ""
        while answer.ok:
            root = answer.tree()
            more = root.find(".//nextToken") if call.service == "ec2" else root.find(".//NextMarker")
            if more is None or not more.text:
                break
            key = "NextToken" if call.service == "ec2" else "Marker"
            following = await world.ask(call, call.service, "POST", "/", urllib.parse.urlencode({**whole, key: more.text}).encode(),
                                        {"content-type": "application/x-www-form-urlencoded"})
            rest = following.tree()
            rest.find(path)[:0] = list(root.find(path))
            answer = following.put(rest)
        return await world.after(call, answer)

    def after(self, world, call: Call, answer: Answer) -> Answer:
        if call.action not in LISTS or not answer.ok:
            return answer
        path, _, _ = LISTS[call.action]
        size = _size(world, call)
        if not size or answer.body.count(b"<item>") + answer.body.count(b"<member>") <= size:
            return answer
        root = answer.tree()
        holder = root.find(path)
        items = list(holder)
        for item in items:
            holder.remove(item)
        return self._page(world, call, answer, path, items, root)

    def _page(self, world, call: Call, answer: Answer, path: str, items: list[ET.Element], empty: ET.Element) -> Answer:
        size = _size(world, call) or len(items)
        root = copy.deepcopy(empty)
        root.find(path).extend(items[:size])
        holder, name = (root, "nextToken") if call.service == "ec2" else (root.find(path.split("/")[0]), "NextMarker")
        for old in holder.findall(name):
            holder.remove(old)
        if items[size:]:
            token = hashlib.sha256(f"{next(self._numbers)} {id(self)}".encode()).hexdigest()
            self._rest[token] = (_query(call), items[size:], empty)
            while len(self._rest) > KEPT:
                del self._rest[next(iter(self._rest))]
            ET.SubElement(holder, name).text = token
        answer.headers.setdefault("Content-Type", "text/xml;charset=UTF-8")
        return answer.put(root)


def _size(world, call: Call) -> int:
    """How many a page of this call may hold; 0: no limit."""
    size = int(call.params.get("_size") or call.params.get("MaxResults") or call.params.get("PageSize") or 0)
    if call.service == "ec2" and not size and call.values(ID_LISTS.get(call.action, "-")):
        return 0
    return min(size or world.page_size, world.page_size or size)


def _query(call: Call) -> str:
    drop = ("NextToken", "Marker", "MaxResults", "PageSize", "_size")
    return call.name + urllib.parse.urlencode(sorted((key, value) for key, value in call.params.items() if key not in drop))


def _set(call: Call, params: dict[str, str]) -> None:
    call.params = params
    call.body = urllib.parse.urlencode(params).encode()
