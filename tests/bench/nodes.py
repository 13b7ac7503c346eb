"""The nodes of the benchmark: fresh, or with the 30 tasks done by plain Python, and what check.sh says of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from measure import HERE, BenchError, Node

SEEDS = {
    "etc/fstab": "UUID=0a1b / ext4 errors=remount-ro 0 1\nUUID=2c3d none swap sw 0 0\n/swapfile none swap sw 0 0\n",
    "etc/hosts": "127.0.0.1 localhost\n::1 localhost ip6-localhost\n",
    "etc/environment": 'LANG="C.UTF-8"\n',
    "etc/default/kubelet": "# arguments of the kubelet\nKUBELET_EXTRA_ARGS=\n",
    "usr/local/bin/kubeadm": "#!/bin/sh\n",
    "usr/local/bin/kubelet": "#!/bin/sh\n",
    "usr/local/bin/kubectl": "#!/bin/sh\n",
}


def seed(nodes: Sequence[Node]) -> None:
    """Fresh nodes: what an operating system brings."""
    for node in nodes:
        root = Path(node.root)
        shutil.rmtree(root)
        for path, text in SEEDS.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
            target.chmod(0o644)


def script_output(node: Node) -> list[str]:
    """What check.sh says of a node: a line for each of the 30 that does not hold."""
    result = subprocess.run(
        ["sh", str(HERE / "check.sh")], env={"PATH": os.defpath, "NODE_ROOT": node.root}, capture_output=True, text=True, timeout=60,
    )
    return result.stdout.splitlines()


def expect_prepared(nodes: Sequence[Node], by: str) -> None:
    for node in nodes:
        if wrong := script_output(node):
            raise BenchError(f"after {by}, on {node.name}: {', '.join(wrong)}")


def prepare(nodes: Sequence[Node]) -> None:
    """Fresh nodes with the 30 tasks done, for measurements without the first run of a tool."""
    seed(nodes)
    for node in nodes:
        do_the_tasks(node)


def do_the_tasks(node: Node) -> None:
    root = Path(node.root)

    def put(path: str, mode: int, text: str) -> None:
        (root / path).write_text(text)
        (root / path).chmod(mode)

    for path, mode in (("etc/modules-load.d", 0o755), ("etc/sysctl.d", 0o755), ("etc/containerd", 0o755),
                       ("etc/kubernetes", 0o750), ("var/lib/etcd", 0o700), ("opt/cni/bin", 0o755)):
        (root / path).mkdir(parents=True)
        (root / path).chmod(mode)
    for path, mode, source in (("etc/modules-load.d/k8s.conf", 0o644, "modules-k8s.conf"),
                               ("etc/sysctl.d/99-k8s.conf", 0o644, "sysctl-k8s.conf"),
                               ("etc/kubernetes/audit-policy.yaml", 0o600, "audit-policy.yaml"),
                               ("etc/kubernetes/admission.yaml", 0o640, "admission.yaml")):
        put(path, mode, (HERE / "ansible/files" / source).read_text())
    for path, mode, source in (("etc/containerd/config.toml", 0o644, "containerd.toml.j2"),
                               ("etc/kubernetes/kubeadm.yaml", 0o600, "kubeadm.yaml.j2"),
                               ("etc/kubernetes/crictl.yaml", 0o644, "crictl.yaml.j2")):
        text = (HERE / "ansible/templates" / source).read_text()
        put(path, mode, text.replace("{{ node_root }}", node.root).replace("{{ inventory_hostname }}", node.name))
    for name in ("fstab", "hosts"):
        shutil.copy2(root / "etc" / name, root / "etc" / f"{name}.orig")
    put("etc/fstab", 0o644, re.sub(r"^([^#\n].*\sswap\s.*)$", r"# \1", SEEDS["etc/fstab"], flags=re.MULTILINE))
    put("etc/hosts", 0o644, SEEDS["etc/hosts"] + "127.0.0.1 api.cluster.local\n")
    put("etc/environment", 0o644, SEEDS["etc/environment"] + "CONTAINER_RUNTIME=containerd\n")
    put("etc/default/kubelet", 0o644, SEEDS["etc/default/kubelet"].replace("ARGS=", "ARGS=--node-ip=127.0.0.1"))
    put("opt/cni/unpacked", 0o644, "unpacked\n")
    put("etc/kubernetes/token", 0o644, "token\n")
    put("var/lib/etcd/ready", 0o644, "ready\n")
    for name in ("kubeadm", "kubelet", "kubectl"):
        (root / "usr/local/bin" / name).chmod(0o755)
