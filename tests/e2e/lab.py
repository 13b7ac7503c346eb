"""What the end-to-end tests on lab nodes share: slipway on an inventory of their own, and the steps, one after another.

A test's arguments are SLIPWAY and BUNDLE. It works in a directory, on a bridge and on addresses of its own, and removes them; KEEP=1 keeps them after a failure.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import time
from typing import Callable, Iterator

REPO = pathlib.Path(__file__).resolve().parents[2]
SLIPWAY = str(pathlib.Path(sys.argv[1]).resolve())
BUNDLE = pathlib.Path(sys.argv[2]).resolve()
VERSION = json.loads((BUNDLE / "bundle.json").read_text())["kubernetes"]
KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf"


class Failed(Exception):
    pass


def expect(condition: bool, what: str) -> None:
    if not condition:
        raise Failed(what)
    print(f"    ok: {what}", flush=True)


def inventory(root: pathlib.Path, name: str, network: str, bridge: str, bundle: pathlib.Path, workers: list[str]) -> str:
    """An inventory of lab nodes: a control plane n1, and these workers. network: '10.89.0'."""
    names = ", ".join(workers)
    pool = f"  - {{ name: workers, count: {len(workers)}, names: [{names}], labels: {{ tier: work }} }}\n" if workers else ""
    return f"""name: {name}
playbook: site
provider: {{ name: lab, dir: {root}/nodes }}
network: {{ cidr: {network}.0/24, gateway: {network}.1, bridge: {bridge} }}
kubernetes:
  version: {VERSION}
  source: bundle
  bundle: {bundle}
  pod_cidr: 10.244.0.0/16
  service_cidr: 10.96.0.0/12
  cni: bridge
  options: {{ cgroup_driver: cgroupfs, fail_swap_on: false, restrict_oom_score_adj: true, conntrack_limits: false }}
pools:
  - {{ name: control-plane, role: control-plane, count: 1, names: [n1] }}
{pool}"""


def enter(pid: str) -> list[str]:
    """What runs a command in a node, of which `pid` is the first process. The root of its mount namespace is not the node's own when this machine is a
    chroot itself."""
    return ["nsenter", "--target", pid, "--all", "--root", "--wd"]


class Lab:
    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        self.inventory = root / "inventory.yaml"
        self.env = {**os.environ, "SLIPWAY_STATE_DIR": str(root / "state"), "NO_COLOR": "1"}

    def command(self, *args: str) -> list[str]:
        return [SLIPWAY, args[0], "-i", str(self.inventory), *args[1:]]

    def run(self, *args: str, code: int | None = 0, timeout: int = 900, typed: str | None = None) -> str:
        """typed: what a person types, on a terminal."""
        shown = " ".join(" ".join(args).split())
        print(f"  $ slipway {shown if len(shown) < 160 else shown[:157] + '...'}" + (f"    (types {typed})" if typed else ""), flush=True)
        start = time.monotonic()
        ours, terminal = pty.openpty() if typed else (None, None)
        if ours is not None:
            os.write(ours, typed.encode() + b"\n")
        try:
            done = subprocess.run(self.command(*args), env=self.env, text=True, timeout=timeout,
                                  stdin=subprocess.DEVNULL if ours is None else terminal, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        finally:
            for descriptor in (terminal, ours) if ours is not None else ():
                os.close(descriptor)
        print(f"    exit {done.returncode} after {time.monotonic() - start:.1f} s", flush=True)
        if code is not None and done.returncode != code:
            raise Failed(f"exit status {done.returncode}, expected {code}:\n{done.stdout[-6000:]}")
        return done.stdout

    @contextlib.contextmanager
    def running(self, *args: str, until: str) -> Iterator[subprocess.Popen]:
        """slipway at work, at the moment when the change of an address that `until` (a regular expression) finds has begun."""
        print(f"  $ slipway {' '.join(args)} --json", flush=True)
        process = subprocess.Popen([*self.command(*args), "--json"], env=self.env, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert process.stdout
        try:
            seen = []
            for line in process.stdout:
                seen.append(line)
                event = json.loads(line) if line.startswith("{") else {}
                if event.get("type") == "start" and re.search(until, event.get("address", "")):
                    break
            else:
                raise Failed(f"it ended before {until} was begun:\n{''.join(seen)[-3000:]}")
            yield process
            rest = process.stdout.read()
            process.wait(timeout=600)
            print(f"    it ended with {process.returncode}", flush=True)
            process.rest = rest  # type: ignore[attr-defined]
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
            process.stdout.close()

    def plan(self) -> dict[str, list[str]]:
        """address -> actions, of everything that would change."""
        file = self.root / "plan"
        self.run("plan", "--out", str(file))
        shown = json.loads(self.run("show", str(file), "--json"))
        return {c["slipway"]["address"]: c["change"]["actions"] for c in shown["resource_changes"] if c["change"]["actions"] != ["no-op"]}

    def on(self, node: str, command: str) -> str:
        return self.run("ssh", node, "--", command)

    def inside(self, node: str, command: str) -> None:
        """In a node, at once: not through slipway and SSH."""
        print(f"  {node}$ {' '.join(command.split())}", flush=True)
        subprocess.run([*enter(self.nodes()[node]["pid"]), "sh", "-ec", command], check=True, stdout=subprocess.DEVNULL)

    def nodes(self) -> dict[str, dict[str, str]]:
        """What the lab itself says of its nodes: name -> address, state, pid, host_key."""
        found = {}
        for line in self.script("list").splitlines():
            name, address, state, pid, host_key = line.split("\t")[:5]
            found[name] = {"address": address, "state": state, "pid": pid, "host_key": host_key}
        return found

    def script(self, command: str, check: bool = True) -> str:
        script = (REPO / "lua/lab/node.sh").read_text()
        return subprocess.run(["sh", "-s", "--", command, f"{self.root}/nodes"], input=script, text=True, check=check, stdout=subprocess.PIPE).stdout

    def clean(self) -> None:
        self.script("clean", check=False)
        shutil.rmtree(self.root, ignore_errors=True)


def run_steps(title: str, name: str, steps: list[Callable[[Lab], None]], make: Callable[[pathlib.Path], Lab] = Lab) -> int:
    """Each step is given the lab; the first that fails ends it."""
    lab = make(pathlib.Path(tempfile.mkdtemp(prefix=f"slipway-{name}-", dir="/var/lib")))
    passed = 0
    try:
        for step in steps:
            words = step.__name__.replace("_", " ")
            print(f"{title}: {words}", flush=True)
            start = time.monotonic()
            step(lab)
            passed += 1
            print(f"{title}: {words}: passed in {time.monotonic() - start:.0f} s", flush=True)
    except (Failed, subprocess.SubprocessError) as why:
        print(f"{title}: FAILED: {why}", flush=True)
    finally:
        if os.environ.get("KEEP") != "1" or passed == len(steps):
            lab.clean()
    print(f"{title}: {passed} passed, {len(steps) - passed} failed")
    return 0 if passed == len(steps) else 1
