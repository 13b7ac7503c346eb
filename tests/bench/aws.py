#!/usr/bin/env python3
"""What AWS costs in calls, time and memory: slipway against moto with 50 ms of latency for each call.

    tests/bench/aws.py [--quick] [--check] [COUNT ...]

The fourteen machines of inventories/aws: made (how near to the graph's critical path), and looked at again. Then so many resources (1,000 and 5,000;
--quick: 1,000): made, and looked at again. moto answers one call after the other, a few milliseconds each, and reads a large table in a second or
more: calls and memory are slipway's, wall time is both's; `moto s` is the part in which moto was at work. --check: exit 1 unless every target is met.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPO / "tests/tools"), str(REPO / "tests/integration")]

from aws_proxy import AwsProxy, Pending  # noqa: E402
from moto import Moto  # noqa: E402

SLIPWAY = os.environ.get("SLIPWAY", str(REPO / "build/slipway"))
LATENCY = 0.05
# Seconds until a new thing is ready: a tenth or so of what AWS takes, in its proportions.
READY = {"vpc": 0.5, "subnet": 0.5, "nat_gateway": 8, "instance": 3, "volume": 1, "lb": 10, "certificate": 2, "change": 3, "ending": 3}

MOST_CALLS_14, MOST_CALLS_5000, MOST_MB_5000, MOST_RATIO = 45, 100, 150.0, 1.1

MANY = """
local aws = require "aws"
local n = {n}
local vpc = aws.vpc "main" {{ cidr_block = "10.0.0.0/16" }}
local zone = aws.route53_zone "main" {{ name = "bench.example" }}
for i = 1, n // 10 do
  aws.subnet("s" .. i) {{ vpc_id = vpc.id, cidr_block = slipway.cidr("10.0.0.0/16", i - 1, 27), availability_zone = "ap-northeast-2a", tags = {{ Name = "s" .. i }} }}
end
local group
for i = 1, n * 4 // 10 do
  if i % 50 == 1 then group = aws.security_group("g" .. i) {{ name = "g" .. i, vpc_id = vpc.id }} end
  aws.vpc_security_group_ingress_rule("r" .. i) {{ security_group_id = group.id, ip_protocol = "tcp", from_port = i, to_port = i, cidr_ipv4 = "10.0.0.0/16" }}
end
for i = 1, n * 3 // 10 do
  aws.route53_record("r" .. i) {{ zone_id = zone.zone_id, name = "r" .. i .. ".bench.example", type = "A", ttl = 60, records = {{ "192.0.2.1" }} }}
end
for i = 1, n * 2 // 10 do aws.ebs_volume("v" .. i) {{ availability_zone = "ap-northeast-2a", size = 1, tags = {{ Name = "v" .. i }} }} end
"""


class Bench:
    def __init__(self, moto: Moto, proxy: AwsProxy, directory: Path) -> None:
        self.moto, self.proxy, self.directory = moto, proxy, directory
        self.missed: list[str] = []

    def run(self, site: Path, *arguments: str) -> dict[str, float]:
        """Runs slipway; what it cost."""
        since, busy, start = len(self.proxy.calls), self.proxy.moto_seconds, time.monotonic()
        out, err = site / "out", site / "err"
        own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment = {**own, **self.proxy.env(self.moto), "HOME": str(self.directory), "NO_COLOR": "1"}
        files = [(os.POSIX_SPAWN_OPEN, fd, str(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) for fd, path in ((1, out), (2, err))]
        child = os.posix_spawn(SLIPWAY, [SLIPWAY, arguments[0], "-i", str(site), *arguments[1:]], environment, file_actions=files)
        _, status, usage = os.wait4(child, 0)
        cost = {"calls": len(self.proxy.calls) - since, "wall": time.monotonic() - start, "cpu": usage.ru_utime + usage.ru_stime,
                "mb": usage.ru_maxrss / 1024, "moto": self.proxy.moto_seconds - busy, "code": os.waitstatus_to_exitcode(status)}
        if cost["code"]:
            sys.exit(f"slipway {' '.join(arguments)}: exit {cost['code']}\n{out.read_text()[-3000:]}\n{err.read_text()[-3000:]}")
        if self.proxy.problems:
            sys.exit(f"moto failed: {self.proxy.problems[:3]}")
        return cost

    def row(self, what: str, cost: dict[str, float], more: str = "") -> None:
        print(f"| {what} | {cost['calls']:.0f} | {cost['wall']:.2f} | {cost['moto']:.2f} | {cost['cpu']:.2f} | {cost['mb']:.0f} | {more} |", flush=True)

    def target(self, met: bool, words: str) -> str:
        if not met:
            self.missed.append(words)
        return words + (": met" if met else ": MISSED")

    def fresh(self) -> None:
        self.moto.reset()
        self.proxy.reset()
        self.moto.client("ec2").describe_images()  # its tables are read at the first call
        self.moto.client("iam").list_roles()
        self.moto.client("elbv2").describe_load_balancers()
        self.proxy.latency = LATENCY

    def fourteen(self) -> None:
        self.fresh()
        self.moto.client("route53").create_hosted_zone(Name="example.org", CallerReference="bench")
        site = self.directory / "fourteen"
        site.mkdir()
        text = (REPO / "inventories/aws/inventory.yaml").read_text().replace("environment: production", "environment: bench")
        (site / "inventory.yaml").write_text(text.replace("playbook: site", "playbook: play").replace("~/.ssh/ecoeco", str(self.directory / "key")))
        (site / "play.lua").write_text('require "aws_stack"(slipway.inventory)\n')
        self.proxy.world.pending = {kind: Pending(seconds=seconds) for kind, seconds in READY.items()}
        cost = self.run(site, "apply", "--yes", "--json")
        summary = next(event for line in (site / "out").read_text().splitlines() if (event := json.loads(line))["type"] == "summary")
        ratio = summary["elapsed_ms"] / summary["critical_ms"]
        self.row("14 machines: made", cost, self.target(ratio <= MOST_RATIO, f"{ratio:.2f} x the critical path of {summary['critical_ms'] / 1000:.1f} s"))
        cost = self.run(site, "plan", "--detailed-exitcode")
        self.row("14 machines: no change", cost, self.target(cost["calls"] <= MOST_CALLS_14, f"at most {MOST_CALLS_14} calls"))
        self.row("14 machines: destroyed", self.run(site, "destroy", "--yes"))

    def many(self, n: int) -> None:
        self.fresh()
        site = self.directory / f"many{n}"
        site.mkdir()
        (site / "inventory.yaml").write_text("name: bench\nplaybook: play\nprovider: { name: aws, region: ap-northeast-2, timeout: 300 }\n")
        (site / "play.lua").write_text(MANY.format(n=n))
        # That it is made is not what is measured: without the questions that the proxy asks moto before each change.
        self.proxy.latency, self.proxy.world.strict = 0.0, False
        self.row(f"{n:,} resources: made, without latency", self.run(site, "apply", "--yes", "-q"))
        self.proxy.latency = LATENCY
        cost = self.run(site, "plan", "--detailed-exitcode")
        words = self.target(cost["calls"] < MOST_CALLS_5000 and cost["mb"] < MOST_MB_5000, f"under {MOST_CALLS_5000} calls and {MOST_MB_5000:.0f} MB")
        self.row(f"{n:,} resources: no change", cost, words)


def main() -> int:
    words = sys.argv[1:]
    counts = [int(word) for word in words if word.isdigit()] or ([1000] if "--quick" in words else [1000, 5000])
    directory = Path(tempfile.mkdtemp(prefix="slipway-bench-"))
    try:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / "key"], check=True)
        with Moto() as moto, AwsProxy(moto.endpoint) as proxy:
            bench = Bench(moto, proxy, directory)
            print(f"{LATENCY * 1000:.0f} ms for each call\n\n| what | calls | wall s | moto s | CPU s | peak MB | |\n| --- | --- | --- | --- | --- | --- | --- |")
            bench.fourteen()
            for n in counts:
                bench.many(n)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return 1 if bench.missed and "--check" in words else 0


if __name__ == "__main__":
    sys.exit(main())
