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
import time

from lab import BUNDLE, KUBECTL, SLIPWAY, Lab, expect, inventory, run_steps


def write(lab: Lab, workers: list[str]) -> None:
    lab.inventory.write_text(inventory(lab.root, "e2e", "10.89.0", "slipway-e2e", BUNDLE, workers))


def nodes_ready(lab: Lab) -> dict[str, bool]:
    out = lab.on("n1", f"{KUBECTL} get nodes --no-headers")
    return {line.split()[0]: line.split()[1] == "Ready" for line in out.splitlines() if re.match(r"n\d ", line)}


def bootstrap(lab: Lab) -> None:
    write(lab, ["n2", "n3"])
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
    nodes = lab.nodes()
    tunnel = {"address": nodes["n2"]["address"], "user": "root", "key": f"{lab.root}/nodes/id_ed25519", "host_key": nodes["n2"]["host_key"], "agent": False,
              "to_address": nodes["n1"]["address"]}
    done = subprocess.run([sys.executable, str(pathlib.Path(__file__).parent / "kube.py"), str(lab.root / "state" / "kubeconfig"), json.dumps(tunnel)],
                          env={**lab.env, "SLIPWAY": SLIPWAY}, text=True, capture_output=True)
    expect(done.returncode == 0, f"the client's suite passes on the real server{'' if done.returncode == 0 else ': ' + done.stderr[-6000:]}")


def shrink(lab: Lab) -> None:
    write(lab, ["n2"])
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
    write(lab, ["n2", "n3"])
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
    os.kill(int(lab.nodes()["n2"]["pid"]), signal.SIGKILL)
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
    n2 = lab.nodes()["n2"]
    other = Lab(home)
    for state in ("present", "absent"):
        other.inventory.write_text(f"""name: types
playbook: types
provider: {{ name: static }}
ssh: {{ user: root, key: {lab.root}/nodes/id_ed25519 }}
hosts:
  - {{ name: n2, address: {n2["address"]}, host_key: "{n2["host_key"]}" }}
vars: {{ state: {state} }}
""")
        boot = lab.on("n2", "cat /proc/sys/kernel/random/boot_id")
        other.run("apply", "--yes")
        other.run("plan", "--detailed-exitcode")
        after = lab.on("n2", "cat /proc/sys/kernel/random/boot_id")
        expect((boot != after) == (state == "present"), "the node was rebooted" if state == "present" else "the node was not rebooted")
        user = lab.run("ssh", "n2", "--", "id -u tester; systemctl is-active slipway-e2e slipway-e2e-timer.timer; apt-mark showhold", code=None)
        expect(("4711" in user) == (state == "present") and ("socat" in user) == (state == "present"), f"{state}: seen from the node itself")


def destroy(lab: Lab) -> None:
    write(lab, ["n2", "n3"])
    lab.run("destroy", "--yes")
    expect(lab.nodes() == {}, "no node is left")
    expect(str(lab.root) not in pathlib.Path("/proc/mounts").read_text(), "no mount is left")
    expect("slipway-e2e" not in os.listdir("/sys/class/net"), "no bridge is left")
    expect(lab.run("state", "list").strip() == "", "the state is empty")


if __name__ == "__main__":
    sys.exit(run_steps("e2e", "e2e", [bootstrap, changes_nothing, cluster_api, drift, shrink, grow_through_a_kill, node_restart, types, destroy]))
