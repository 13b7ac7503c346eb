#!/usr/bin/env python3
"""The main job on real parts: a real kubeadm on lab nodes, changed by hand, shrunk, grown through a kill -9, and taken away.

run.py SLIPWAY BUNDLE    as root. Works in a directory, on a bridge and on addresses of its own, and removes them.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SLIPWAY = str(pathlib.Path(sys.argv[1]).resolve())
BUNDLE = pathlib.Path(sys.argv[2]).resolve()
VERSION = json.loads((BUNDLE / "bundle.json").read_text())["kubernetes"]
KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf"


class Failed(Exception):
    pass


class Lab:
    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        self.inventory = root / "inventory.yaml"
        self.env = {**os.environ, "SLIPWAY_STATE_DIR": str(root / "state"), "NO_COLOR": "1"}

    def write(self, workers: list[str]) -> None:
        names = ", ".join(workers)
        pool = f"  - {{ name: workers, count: {len(workers)}, names: [{names}], labels: {{ tier: work }} }}\n" if workers else ""
        self.inventory.write_text(f"""name: e2e
playbook: site
provider: {{ name: lab, dir: {self.root}/nodes }}
network: {{ cidr: 10.89.0.0/24, gateway: 10.89.0.1, bridge: slipway-e2e }}
kubernetes:
  version: {VERSION}
  source: bundle
  bundle: {BUNDLE}
  pod_cidr: 10.244.0.0/16
  service_cidr: 10.96.0.0/12
  cni: bridge
  options: {{ cgroup_driver: cgroupfs, fail_swap_on: false, restrict_oom_score_adj: true, conntrack_limits: false }}
pools:
  - {{ name: control-plane, role: control-plane, count: 1, names: [n1] }}
{pool}""")

    def run(self, *args: str, code: int | None = 0, timeout: int = 900) -> str:
        print(f"  $ slipway {' '.join(args)}", flush=True)
        start = time.monotonic()
        done = subprocess.run(
            [SLIPWAY, args[0], "-i", str(self.inventory), *args[1:]], env=self.env, text=True, timeout=timeout,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        print(f"    exit {done.returncode} after {time.monotonic() - start:.1f} s", flush=True)
        if code is not None and done.returncode != code:
            raise Failed(f"exit status {done.returncode}, expected {code}:\n{done.stdout[-6000:]}")
        return done.stdout

    def plan(self) -> dict[str, list[str]]:
        """address -> actions, of everything that would change."""
        file = self.root / "plan"
        self.run("plan", "--out", str(file))
        shown = json.loads(self.run("show", str(file), "--json"))
        return {c["slipway"]["address"]: c["change"]["actions"] for c in shown["resource_changes"] if c["change"]["actions"] != ["no-op"]}

    def on(self, node: str, command: str) -> str:
        return self.run("ssh", node, "--", command)


def expect(condition: bool, what: str) -> None:
    if not condition:
        raise Failed(what)
    print(f"    ok: {what}", flush=True)


def nodes_ready(lab: Lab) -> dict[str, bool]:
    out = lab.on("n1", f"{KUBECTL} get nodes --no-headers")
    return {line.split()[0]: line.split()[1] == "Ready" for line in out.splitlines() if re.match(r"n\d ", line)}


def bootstrap(lab: Lab) -> None:
    lab.write(["n2", "n3"])
    out = lab.run("bootstrap", "--yes")
    expect("n3" in out, "the status summary names the nodes")
    expect(nodes_ready(lab) == {"n1": True, "n2": True, "n3": True}, "three nodes are Ready")
    kubeconfig = lab.root / "state" / "kubeconfig"
    expect(kubeconfig.stat().st_mode & 0o777 == 0o600, "the kubeconfig is there, 0600")
    expect("BEGIN" not in out and "client-key-data" not in out, "no key was printed")


def changes_nothing(lab: Lab) -> None:
    lab.run("plan", "--detailed-exitcode")
    out = lab.run("apply", "--yes")
    expect("No changes" in out, "a second apply says so")
    lab.run("status")


def drift(lab: Lab) -> None:
    lab.on("n2", "echo '# by hand' >> /etc/containerd/config.toml; rm /etc/cni/net.d/10-slipway.conflist")
    lab.on("n1", f"{KUBECTL} label node n2 tier=play --overwrite")
    out = lab.run("drift", code=2)
    expect("by hand" in out, "the changed line is shown")
    changes = lab.plan()
    expect(set(changes) == {"n2/file:/etc/containerd/config.toml", "n2/file:/etc/cni/net.d/10-slipway.conflist", "n1/kube_node:n2",
                            "n2/service:containerd"}, "exactly what was touched would change, and containerd restart")
    lab.run("apply", "--yes")
    lab.run("plan", "--detailed-exitcode")


def cluster_api(lab: Lab) -> None:
    """The client of clusters on the real server, directly and through n2."""
    address, host_key = next((f[1], f[4]) for f in (line.split("\t") for line in node_list(lab)) if f[0] == "n2")
    first = next(line.split("\t")[1] for line in node_list(lab) if line.startswith("n1\t"))
    tunnel = {"address": address, "user": "root", "key": f"{lab.root}/nodes/id_ed25519", "host_key": host_key, "agent": False, "to_address": first}
    done = subprocess.run([sys.executable, str(pathlib.Path(__file__).parent / "kube.py"), str(lab.root / "state" / "kubeconfig"), json.dumps(tunnel)],
                          env={**lab.env, "SLIPWAY": SLIPWAY}, text=True, capture_output=True)
    expect(done.returncode == 0, f"the client's suite passes on the real server{'' if done.returncode == 0 else ': ' + done.stderr[-6000:]}")


def shrink(lab: Lab) -> None:
    lab.write(["n2"])
    changes = lab.plan()
    gone = {a: c for a, c in changes.items() if a.startswith("n3/")}
    rest = {a: c for a, c in changes.items() if not a.startswith("n3/")}
    expect(rest.pop("lab_node.n3", None) == ["delete"], "the machine goes")
    expect(rest.pop("n1/kube_node:n3", None) == ["delete"], "the node leaves the cluster")
    expect(all(c == ["forget"] for c in gone.values()) and gone, "what is on it goes with it")
    expect(set(rest) == {f"{n}/{r}" for n in ("n1", "n2") for r in ("systemd_unit:pod-routes.service", "service:pod-routes")},
           "the others lose the route to it, and nothing else changes")
    lab.run("apply", "--yes")
    expect(nodes_ready(lab) == {"n1": True, "n2": True}, "two nodes are left")
    lab.run("plan", "--detailed-exitcode")


def grow_through_a_kill(lab: Lab) -> None:
    lab.write(["n2", "n3"])
    print("  $ slipway apply --yes, killed while n3 joins", flush=True)
    process = subprocess.Popen([SLIPWAY, "apply", "-i", str(lab.inventory), "--yes", "--json"], env=lab.env, text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout
    for line in process.stdout:
        if '"n3/kubeadm_join:' in line and "start" in line:
            time.sleep(3)
            process.send_signal(signal.SIGKILL)
            break
    process.wait(timeout=600)
    process.stdout.close()
    expect(process.returncode == -signal.SIGKILL, "it was killed")
    # The node's own shell goes on for a moment or dies with the connection; either way the next run must cope.
    lab.run("apply", "--yes")
    expect(nodes_ready(lab) == {"n1": True, "n2": True, "n3": True}, "three nodes are Ready again")
    lab.run("plan", "--detailed-exitcode")


def node_restart(lab: Lab) -> None:
    pid = next(line.split()[3] for line in node_list(lab) if line.startswith("n2\t"))
    os.kill(int(pid), signal.SIGKILL)
    time.sleep(1)
    changes = lab.plan()
    expect(changes.get("lab_node.n2") == ["update"], "a machine that died is started again")
    lab.run("apply", "--yes")
    lab.run("plan", "--detailed-exitcode")


def types(lab: Lab) -> None:
    """Resource types that need a real systemd, a real kernel and a real reboot: on n2, as a static host with a state of its own."""
    home = lab.root / "types"
    home.mkdir()
    shutil.copy(pathlib.Path(__file__).parent / "types.lua", home)
    address, host_key = next((f[1], f[4]) for f in (line.split("\t") for line in node_list(lab)) if f[0] == "n2")
    other = Lab(home)
    for state in ("present", "absent"):
        other.inventory.write_text(f"""name: types
playbook: types
provider: {{ name: static }}
ssh: {{ user: root, key: {lab.root}/nodes/id_ed25519 }}
hosts:
  - {{ name: n2, address: {address}, host_key: "{host_key}" }}
vars: {{ state: {state} }}
""")
        boot = lab.on("n2", "cat /proc/sys/kernel/random/boot_id")
        other.run("apply", "--yes")
        other.run("plan", "--detailed-exitcode")
        after = lab.on("n2", "cat /proc/sys/kernel/random/boot_id")
        expect((boot != after) == (state == "present"), "the node was rebooted" if state == "present" else "the node was not rebooted")
        user = lab.run("ssh", "n2", "--", "id -u tester; systemctl is-active slipway-e2e slipway-e2e-timer.timer; apt-mark showhold", code=None)
        expect(("4711" in user) == (state == "present") and ("socat" in user) == (state == "present"), f"{state}: seen from the node itself")


def node_list(lab: Lab) -> list[str]:
    script = (pathlib.Path(__file__).parents[2] / "lua/lab/node.sh").read_text()
    done = subprocess.run(["sh", "-s", "--", "list", f"{lab.root}/nodes"], input=script, text=True, capture_output=True, check=True)
    return done.stdout.splitlines()


def destroy(lab: Lab) -> None:
    lab.write(["n2", "n3"])
    lab.run("destroy", "--yes")
    expect(node_list(lab) == [], "no node is left")
    expect(str(lab.root) not in pathlib.Path("/proc/mounts").read_text(), "no mount is left")
    expect("slipway-e2e" not in os.listdir("/sys/class/net"), "no bridge is left")
    expect(lab.run("state", "list").strip() == "", "the state is empty")


def clean(lab: Lab) -> None:
    script = (pathlib.Path(__file__).parents[2] / "lua/lab/node.sh").read_text()
    subprocess.run(["sh", "-s", "--", "clean", f"{lab.root}/nodes"], input=script, text=True, check=False)
    shutil.rmtree(lab.root, ignore_errors=True)


def main() -> int:
    root = pathlib.Path(tempfile.mkdtemp(prefix="slipway-e2e-", dir="/var/lib"))
    lab = Lab(root)
    steps = [bootstrap, changes_nothing, cluster_api, drift, shrink, grow_through_a_kill, node_restart, types, destroy]
    passed = 0
    try:
        for step in steps:
            print(f"e2e: {step.__name__.replace('_', ' ')}", flush=True)
            start = time.monotonic()
            step(lab)
            passed += 1
            print(f"e2e: {step.__name__.replace('_', ' ')}: passed in {time.monotonic() - start:.0f} s", flush=True)
    except (Failed, subprocess.TimeoutExpired) as why:
        print(f"e2e: FAILED: {why}", flush=True)
    finally:
        if os.environ.get("KEEP") != "1" or passed == len(steps):
            clean(lab)
    print(f"e2e: {passed} passed, {len(steps) - passed} failed")
    return 0 if passed == len(steps) else 1


if __name__ == "__main__":
    sys.exit(main())
