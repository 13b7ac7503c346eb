#!/usr/bin/env python3
"""A real AWS API on loopback: the moto server, empty at the start, with nothing in it but what AWS itself puts into an account.

    with Moto() as moto:
        moto.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")
        moto.inventory()      # {'vpc': {'vpc-0123...': 'its name'}}
        moto.env()            # what slipway needs in its environment

As a program it starts one, prints that environment and waits: `python3 tests/integration/moto.py [PORT]`.
moto and boto3 come from requirements.txt, installed by `.ci/setup aws` outside the repository.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
from ports import free_port  # noqa: E402

REPO = Path(__file__).resolve().parents[2]
VENV = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "slipway-test/venv"
PACKAGES = [str(path) for path in VENV.glob("lib/python3*/site-packages")]

REGION = "ap-northeast-2"
KEY_ID, SECRET, TOKEN = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "FwoGZXIvYXdzEXAMPLETOKEN=="
ACCOUNT = "123456789012"
START_DEADLINE = 60.0

CANONICAL, DEBIAN = "099720109477", "136693071363"


def _images() -> list[dict]:
    """Images as Canonical and Debian publish them, with an older one of each, so that 'the newest' means something."""
    common = {"state": "available", "public": True, "virtualization_type": "hvm", "hypervisor": "xen", "image_type": "machine",
              "root_device_type": "ebs", "root_device_name": "/dev/sda1", "sriov": "simple"}
    found = []
    for number, (owner, pattern, day) in enumerate([
        (CANONICAL, "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-{}-server-{}", "20260801"),
        (CANONICAL, "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-{}-server-{}", "20260915"),
        (CANONICAL, "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-{}-server-{}", "20260910"),
        (DEBIAN, "debian-12-{}-{}-2222", "20260901"),
    ]):
        for index, (arch, architecture) in enumerate((("amd64", "x86_64"), ("arm64", "arm64"))):
            name = pattern.format(arch, day)
            found.append({**common, "ami_id": f"ami-0a{number:07x}{index:08x}", "owner_id": owner, "name": name,
                          "image_location": f"amazon/{name}", "description": name, "architecture": architecture,
                          "creation_date": f"{day[:4]}-{day[4:6]}-{day[6:]}T04:05:06.000Z"})
    return found


def environment(endpoint: str) -> dict[str, str]:
    """What slipway (or any SDK) needs to speak to `endpoint` and to nothing else."""
    nothing = os.devnull
    return {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN, "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": endpoint, "AWS_CONFIG_FILE": nothing, "AWS_SHARED_CREDENTIALS_FILE": nothing,
            "AWS_EC2_METADATA_DISABLED": "true"}


class Moto:
    """One server. Start it by `with`; it ends with the block."""

    def __init__(self, port: int = 0, validation_wait: int = 1) -> None:
        if not (VENV / "requirements.txt").exists():
            raise RuntimeError(f"moto is not installed in {VENV}: run .ci/setup aws")
        self.port = port or free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.directory = Path(tempfile.mkdtemp(prefix="slipway-moto-"))
        self.validation_wait = validation_wait
        self.clients: dict[tuple[str, str], object] = {}

    def __enter__(self) -> Moto:
        images = self.directory / "images.json"
        images.write_text(json.dumps(_images()))
        settings = {"MOTO_AMIS_PATH": str(images), "MOTO_IAM_LOAD_MANAGED_POLICIES": "true", "MOTO_ENABLE_AMI_VALIDATION": "true",
                    "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true", "MOTO_ENABLE_KEYPAIR_VALIDATION": "true",
                    "MOTO_ACM_VALIDATION_WAIT": str(self.validation_wait)}
        self.log = open(self.directory / "log", "wb")
        self.process = subprocess.Popen(
            [VENV / "bin/python", VENV / "bin/moto_server", "-H", "127.0.0.1", "-p", str(self.port)], cwd=self.directory,
            env={**os.environ, **settings}, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_DEADLINE
        while True:
            try:
                urllib.request.urlopen(self.endpoint + "/moto-api/data.json", timeout=5).close()
                return
            except (urllib.error.URLError, OSError) as why:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the moto server did not start: {why}\n{self.said()}") from None
            time.sleep(0.05)

    def said(self) -> str:
        """The end of the server's log, for error texts."""
        return (self.directory / "log").read_text(errors="replace")[-4000:]

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def reset(self) -> None:
        """An empty account again."""
        urllib.request.urlopen(urllib.request.Request(self.endpoint + "/moto-api/reset", method="POST"), timeout=300).close()

    def env(self) -> dict[str, str]:
        return environment(self.endpoint)

    def client(self, service: str, region: str = REGION):
        """A boto3 client that speaks to this server directly, past any proxy."""
        if (service, region) not in self.clients:
            if PACKAGES[0] not in sys.path:
                sys.path.append(PACKAGES[0])
            import boto3  # from the virtual environment
            from botocore.config import Config

            self.clients[service, region] = boto3.session.Session().client(
                service, region_name=region, endpoint_url=self.endpoint, aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET,
                config=Config(retries={"total_max_attempts": 1}))
        return self.clients[service, region]

    def inventory(self, region: str = REGION) -> dict[str, dict[str, str]]:
        """Everything the account holds, but for what AWS puts there itself: kind -> id -> name (or what says most of it).
        Kinds of which there is nothing are left out, so an empty account is {}."""
        found = {**self._network(region), **self._machines(region), **self._balancers(region), **self._global(region)}
        return {kind: things for kind, things in found.items() if things}

    def _all(self, service: str, region: str, operation: str, member: str, **parameters) -> list[dict]:
        client = self.client(service, region)
        if client.can_paginate(operation):
            return [thing for page in client.get_paginator(operation).paginate(**parameters) for thing in page.get(member, [])]
        return getattr(client, operation)(**parameters).get(member, [])

    def _network(self, region: str) -> dict[str, dict[str, str]]:
        def every(operation: str, member: str) -> list[dict]:
            return self._all("ec2", region, operation, member)

        vpcs = every("describe_vpcs", "Vpcs")
        default = {vpc["VpcId"] for vpc in vpcs if vpc["IsDefault"]}
        tables = [table for table in every("describe_route_tables", "RouteTables") if table["VpcId"] not in default]
        groups = [group for group in every("describe_security_groups", "SecurityGroups") if group["VpcId"] not in default]
        main = {table["RouteTableId"] for table in tables if any(one.get("Main") for one in table["Associations"])}
        ours = {group["GroupId"] for group in groups if group["GroupName"] != "default"}
        rules = [rule for rule in every("describe_security_group_rules", "SecurityGroupRules") if rule["GroupId"] in ours]
        routes = {f"{table['RouteTableId']} {where}": route.get("State", "") for table in tables for route in table["Routes"]
                  if (where := route.get("DestinationCidrBlock") or route.get("DestinationIpv6CidrBlock", "")) and route.get("GatewayId") != "local"}
        return {
            "vpc": _named("VpcId", (vpc for vpc in vpcs if not vpc["IsDefault"])),
            "subnet": _named("SubnetId", (one for one in every("describe_subnets", "Subnets") if one["VpcId"] not in default)),
            "internet_gateway": _named("InternetGatewayId", (one for one in every("describe_internet_gateways", "InternetGateways")
                                       if not any(at["VpcId"] in default for at in one["Attachments"]))),
            "eip": _named("AllocationId", every("describe_addresses", "Addresses")),
            "nat_gateway": _named("NatGatewayId", (one for one in every("describe_nat_gateways", "NatGateways") if one["State"] != "deleted")),
            "route_table": _named("RouteTableId", (table for table in tables if table["RouteTableId"] not in main)),
            "route": routes,
            "association": {one["RouteTableAssociationId"]: one.get("SubnetId", "") for table in tables for one in table["Associations"]
                            if not one.get("Main")},
            "security_group": {group["GroupId"]: group["GroupName"] for group in groups if group["GroupId"] in ours},
            "security_group_rule": {rule["SecurityGroupRuleId"]: rule["GroupId"] for rule in rules},
        }

    def _machines(self, region: str) -> dict[str, dict[str, str]]:
        instances = [one for group in self._all("ec2", region, "describe_instances", "Reservations") for one in group["Instances"]]
        volumes = self._all("ec2", region, "describe_volumes", "Volumes")
        return {
            "instance": _named("InstanceId", (one for one in instances if one["State"]["Name"] != "terminated")),
            "volume": _named("VolumeId", volumes),
            "key_pair": {one["KeyName"]: one["KeyPairId"] for one in self._all("ec2", region, "describe_key_pairs", "KeyPairs")},
            "launch_template": {one["LaunchTemplateId"]: one["LaunchTemplateName"]
                                for one in self._all("ec2", region, "describe_launch_templates", "LaunchTemplates")},
        }

    def _balancers(self, region: str) -> dict[str, dict[str, str]]:
        balancers = self._all("elbv2", region, "describe_load_balancers", "LoadBalancers")
        groups = self._all("elbv2", region, "describe_target_groups", "TargetGroups")
        elb = self.client("elbv2", region)
        listeners = [one for lb in balancers for one in elb.describe_listeners(LoadBalancerArn=lb["LoadBalancerArn"])["Listeners"]]
        rules = [rule for one in listeners for rule in elb.describe_rules(ListenerArn=one["ListenerArn"])["Rules"] if not rule["IsDefault"]]
        targets = {f"{group['TargetGroupArn']} {one['Target']['Id']}": one["TargetHealth"]["State"] for group in groups
                   for one in elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
                   if one["TargetHealth"].get("Reason") != "Target.NotRegistered"}
        return {
            "lb": {lb["LoadBalancerArn"]: lb["LoadBalancerName"] for lb in balancers},
            "target_group": {group["TargetGroupArn"]: group["TargetGroupName"] for group in groups},
            "target": targets,
            "listener": {one["ListenerArn"]: f"{one['Protocol']} {one['Port']}" for one in listeners},
            "listener_rule": {rule["RuleArn"]: rule["Priority"] for rule in rules},
            "certificate": {one["CertificateArn"]: one["DomainName"]
                            for one in self._all("acm", region, "list_certificates", "CertificateSummaryList")},
        }

    def _global(self, region: str) -> dict[str, dict[str, str]]:
        iam, roles = self.client("iam", region), self._all("iam", region, "list_roles", "Roles")
        inline, attached = {}, {}
        for role in roles:
            for name in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]:
                inline[f"{role['RoleName']} {name}"] = ""
            for policy in iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"]:
                attached[f"{role['RoleName']} {policy['PolicyArn']}"] = ""
        zones = self._all("route53", region, "list_hosted_zones", "HostedZones")
        records = [(zone, record) for zone in zones
                   for record in self._all("route53", region, "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone["Id"])]
        return {
            "role": {role["RoleName"]: role["Arn"] for role in roles},
            "role_policy": inline,
            "role_policy_attachment": attached,
            "policy": {one["PolicyName"]: one["Arn"] for one in self._all("iam", region, "list_policies", "Policies", Scope="Local")},
            "instance_profile": {one["InstanceProfileName"]: " ".join(role["RoleName"] for role in one["Roles"])
                                 for one in self._all("iam", region, "list_instance_profiles", "InstanceProfiles")},
            "zone": {zone["Id"]: zone["Name"] for zone in zones},
            "record": {f"{zone['Name']} {record['Name']} {record['Type']} {record.get('SetIdentifier', '')}".rstrip(): ""
                       for zone, record in records if not (record["Name"] == zone["Name"] and record["Type"] in ("NS", "SOA"))},
            "bucket": {one["Name"]: "" for one in self.client("s3", region).list_buckets()["Buckets"]},
        }


def _named(id_key: str, things) -> dict[str, str]:
    return {thing[id_key]: next((tag["Value"] for tag in thing.get("Tags", []) if tag["Key"] == "Name"), "") for thing in things}


def main() -> None:
    with Moto(int(sys.argv[1]) if len(sys.argv) > 1 else 0) as moto:
        for name, value in moto.env().items():
            print(f"export {name}={value}", flush=True)
        try:
            moto.process.wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
