#!/usr/bin/env python3
"""From an empty AWS account to a cluster, on real parts: the AWS API is moto behind the proxy that behaves like AWS, the machines behind its instances
are lab nodes, the SSH goes through the bastion, the Kubernetes is real. Smaller than the stock set (three control planes, one worker and the
bastion), for it all runs on one machine; the fourteen machines of inventories/aws are made in tests/integration/test_aws_stack.py.

aws.py SLIPWAY BUNDLE    as root. Works in a directory, on a bridge and on addresses of its own, and removes them.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

REPO = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPO / "tests/tools"), str(REPO / "tests/integration")]

from aws_proxy import AwsProxy, Pending  # noqa: E402
from lab import BUNDLE, SLIPWAY, VERSION, Failed, expect  # noqa: E402
from machines import Machines  # noqa: E402
from moto import Moto  # noqa: E402

CIDR, BRIDGE = "10.90.0.0/16", "slipway-aws"
KUBECTL = "sudo kubectl --kubeconfig /etc/kubernetes/admin.conf"


class Site:
    """A copy of inventories/aws with fewer machines, and with what containers need."""

    def __init__(self, root: pathlib.Path, moto: Moto, proxy: AwsProxy, machines: Machines) -> None:
        self.root, self.moto, self.proxy, self.machines = root, moto, proxy, machines
        self.env = {**{name: value for name, value in os.environ.items() if not name.startswith("AWS_")}, **proxy.env(moto),
                    "SLIPWAY_STATE_DIR": str(root / "state"), "NO_COLOR": "1"}
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "e2e", "-f", root / "key"], check=True)
        text = (REPO / "inventories/aws/inventory.yaml").read_text()
        text = text[:text.index("pools:")] + """pools:
  - { name: control-plane, role: control-plane, count: 3, type: t3.large }
  - { name: data, count: 1, type: t3.large, labels: { tier: data }, volume: { size: 100 } }
addons:
  aws-ebs-csi: { wait: false }  # its images cannot be pulled here
"""
        for was, now in (
            ("name: ecoeco", "name: e2e"), ("environment: production", "environment: test"), ("~/.ssh/ecoeco", str(root / "key")),
            ("10.0.0.0/16", CIDR), ("version: 1.36.2", f"version: {VERSION}"),
            ("source: packages", f"source: bundle\n  bundle: {BUNDLE}\n  options:\n    cgroup_driver: cgroupfs\n    fail_swap_on: false\n"
             "    restrict_oom_score_adj: true\n    conntrack_limits: false\n    shared_kernel: true"),
        ):
            if was not in text:
                raise Failed(f"inventories/aws has no {was!r}")
            text = text.replace(was, now)
        self.inventory = root / "inventory.yaml"
        self.inventory.write_text(text)

    def run(self, *args: str, code: int | None = 0, timeout: int = 1800) -> str:
        print(f"  $ slipway {' '.join(args)}", flush=True)
        start, since = time.monotonic(), len(self.proxy.calls)
        done = subprocess.run([SLIPWAY, args[0], "-i", str(self.inventory), *args[1:]], env=self.env, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        print(f"    exit {done.returncode} after {time.monotonic() - start:.1f} s, {len(self.proxy.calls) - since} calls", flush=True)
        if self.machines.failed or self.proxy.problems:
            raise Failed("the stand-ins failed: " + "; ".join(self.machines.failed + self.proxy.problems) + "\n" + done.stdout[-3000:])
        if code is not None and done.returncode != code:
            raise Failed(f"exit status {done.returncode}, expected {code}:\n{done.stdout[-8000:]}")
        return done.stdout

    def on(self, node: str, command: str) -> str:
        return self.run("ssh", node, "--", command)

    def nodes(self) -> dict[str, bool]:
        out = self.on("control-plane-1", f"{KUBECTL} get nodes --no-headers")
        return {line.split()[0]: line.split()[1] == "Ready" for line in out.splitlines() if re.match(r"[a-z-]+\d+ ", line)}


NODES = {"control-plane-1": True, "control-plane-2": True, "control-plane-3": True, "data-1": True}


def bootstrap(site: Site) -> None:
    out = site.run("bootstrap", "--yes")
    expect("data-1" in out, "the status summary names the nodes")
    expect(site.nodes() == NODES, "four nodes are Ready")
    members = site.on("control-plane-1", f"{KUBECTL} -n kube-system get pods -l component=etcd --no-headers")
    expect(members.count("Running") == 3, "etcd has three members")
    expect("BEGIN" not in out and "client-key-data" not in out, "no key was printed")
    name = next(iter(site.machines.names))
    config = site.on("data-1", "sudo cat /etc/kubernetes/kubelet.conf")
    expect(f"server: https://{name}:6443" in config, "the kubelet speaks to the load balancer's name")
    kubeconfig = (site.root / "state/kubeconfig").read_text()
    expect(f"https://{name}:6443" in kubeconfig, "and so does the administrator")


def platform(site: Site) -> None:
    """What the same plan put into the cluster, through the bastion and the first control plane."""
    found = site.on("control-plane-1", f"{KUBECTL} get csidriver,storageclass,deployment,daemonset -A -o name")
    for name in ("csidriver.storage.k8s.io/ebs.csi.aws.com", "storageclass.storage.k8s.io/gp3", "deployment.apps/ebs-csi-controller", "daemonset.apps/ebs-csi-node"):
        expect(name in found, f"{name} is there")
    site.on("control-plane-1", f"{KUBECTL} annotate storageclass gp3 storageclass.kubernetes.io/is-default-class=false --overwrite")
    expect("gp3" in site.run("drift", code=2), "a change by hand is drift")
    site.run("apply", "--yes")
    site.run("plan", "--detailed-exitcode")


def pods(site: Site) -> None:
    """Two pods on two machines reach each other, by the VPC's routes."""
    image = next(file["image"] for file in json.loads((BUNDLE / "bundle.json").read_text())["files"] if "pause" in file.get("image", ""))
    for node in ("data-1", "control-plane-2"):
        site.on("control-plane-1", f"{KUBECTL} run on-{node} --image={image} --restart=Never --overrides='"
                + json.dumps({"spec": {"nodeName": node, "tolerations": [{"operator": "Exists"}]}}) + "'")
    site.on("control-plane-1", f"{KUBECTL} wait --for=condition=Ready pod/on-data-1 pod/on-control-plane-2 --timeout=120s")
    addresses = site.on("control-plane-1", f"{KUBECTL} get pods -o jsonpath='{{.items[*].status.podIP}}'").split()[-2:]
    for node in ("data-1", "control-plane-2", "control-plane-1"):
        for address in addresses:
            # Nothing listens there; the refusal comes from the pod.
            out = site.run("ssh", node, "--", f"timeout 5 bash -c 'echo >/dev/tcp/{address}/9' 2>&1", code=None)
            expect("refused" in out, f"{node} reaches the pod {address}")
    expect(len(set(addresses)) == 2, "each pod has an address of its own machine's network")
    site.on("control-plane-1", f"{KUBECTL} delete pod on-data-1 on-control-plane-2 --wait=false")


def changes_nothing(site: Site) -> None:
    since = len(site.proxy.calls)
    site.run("plan", "--detailed-exitcode")
    expect(len(site.proxy.calls) - since <= 45, "a plan of all layers makes at most 45 calls")
    expect("No changes" in site.run("apply", "--yes"), "a second apply says so")
    expect(site.proxy.mutations(since) == [], "and changes nothing in AWS")
    site.run("status")


def a_machine_is_gone(site: Site) -> None:
    """An instance that was terminated by hand is made anew and joins; with its own new host key, and at first contact."""
    gone = json.loads(site.run("state", "show", "--json", "aws_instance.data-1"))
    instance = gone.get("id") or gone["attributes"]["id"]
    site.moto.client("ec2").terminate_instances(InstanceIds=[instance])
    site.machines._TerminateInstances(type("Call", (), {"values": lambda _, __: [instance]})(), None)
    site.on("control-plane-1", f"{KUBECTL} delete node data-1")
    site.run("apply", "--yes")
    expect(site.nodes() == NODES, "four nodes are Ready again")
    site.run("plan", "--detailed-exitcode")


def destroy(site: Site) -> None:
    site.run("destroy", "--yes")
    expect(set(site.moto.inventory()) == {"zone"}, "the account holds nothing but the zone that was there before")
    expect(site.machines.left() == [], "no machine, port or route is left")
    expect(site.run("state", "list").strip() == "", "the state is empty")


def main() -> int:
    root = pathlib.Path(tempfile.mkdtemp(prefix="slipway-aws-", dir="/var/lib"))
    steps = [bootstrap, changes_nothing, platform, pods, a_machine_is_gone, destroy]
    passed = 0
    with Moto() as moto, AwsProxy(moto.endpoint) as proxy:
        machines = Machines(moto, root / "nodes", CIDR, BRIDGE)
        try:
            moto.client("route53").create_hosted_zone(Name="example.org", CallerReference="theirs")
            proxy.observers.append(machines)
            for kind in ("vpc", "subnet", "nat_gateway", "instance", "volume", "lb", "certificate", "change", "ending"):
                proxy.world.pending[kind] = Pending(describes=1)
            site = Site(root, moto, proxy, machines)
            for step in steps:
                words = step.__name__.replace("_", " ")
                print(f"e2e aws: {words}", flush=True)
                start = time.monotonic()
                step(site)
                passed += 1
                print(f"e2e aws: {words}: passed in {time.monotonic() - start:.0f} s", flush=True)
        except (Failed, subprocess.SubprocessError) as why:
            print(f"e2e aws: FAILED: {why}", flush=True)
        finally:
            if os.environ.get("KEEP") == "1" and passed != len(steps):
                with contextlib.suppress(EOFError):
                    input("kept; Enter cleans up ")
            machines.clean()
    shutil.rmtree(root, ignore_errors=True)
    print(f"e2e aws: {passed} passed, {len(steps) - passed} failed")
    return 0 if passed == len(steps) else 1


if __name__ == "__main__":
    sys.exit(main())
