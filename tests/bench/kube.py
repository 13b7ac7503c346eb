#!/usr/bin/env python3
"""A cluster's objects: slipway beside kubectl, on a real API server without nodes (tests/tools/kube_server.py), in one run.

kube.py SLIPWAY BUNDLE [--quick] [--check] [--ahead]

500 objects of ten kinds in ten namespaces are made (kubectl apply --server-side; slipway apply), each tool in namespaces of its own, and planned when nothing
has changed (kubectl diff; slipway plan). Then the largest manifests that there are, in one playbook: definitions of 346 KB each, and those of Argo CD, MetalLB and the NFS
provisioner where they are in $SLIPWAY_MANIFESTS; made, planned, and planned when the largest definitions were changed by hand. Requests and the server's CPU are counted, too.
--quick: 100 objects, once. --check: exit 1 unless the plan is 5 times as fast, the apply 2 times, and memory stays below 60 MB.
--ahead: on a machine that has other work, the tools and the server come first (root; the kernel's autogroups), so that the times are nearly those of a machine at rest.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[0] / "tools"))
from kube_api import Api  # noqa: E402
from kube_server import Server  # noqa: E402

MANIFESTS = Path(os.environ.get("SLIPWAY_MANIFESTS", "manifests"))
LARGE = ("argo-cd-v3.5.1.yaml", "metallb-v0.13.12-native.yaml", "nfs-subdir-external-provisioner.yaml")  # Kubernetes 1.20 takes them
FIELD = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/generator0/properties/template/properties/field0/description"
PLAN, APPLY, MEMORY = 5.0, 2.0, 60


def objects(prefix: str, count: int) -> list[dict]:
    """Of ten kinds, as an application of a few services has them."""
    found: list[dict] = []
    for space in range(10):
        namespace = f"{prefix}-{space}"
        found.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    index = 0
    while len(found) < count:
        namespace, name, labels = f"{prefix}-{index % 10}", f"app-{index // 10:03}", {"app.kubernetes.io/name": f"app-{index // 10:03}", "part-of": "bench"}
        metadata = {"name": name, "namespace": namespace, "labels": labels}
        pod = {"serviceAccountName": name, "containers": [{
            "name": "app", "image": "example.org/app:1.2.3", "args": ["serve", "--port=8080"], "ports": [{"containerPort": 8080, "name": "http", "protocol": "TCP"}],
            "env": [{"name": f"VARIABLE_{i}", "value": f"value {i}"} for i in range(12)], "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
            "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8080}}, "volumeMounts": [{"name": "config", "mountPath": "/etc/app"}]}],
            "volumes": [{"name": "config", "configMap": {"name": name}}]}
        template = {"metadata": {"labels": labels}, "spec": pod}
        for each in (
            {"apiVersion": "v1", "kind": "ConfigMap", "data": {f"file-{i}.yaml": "key: value\n" * 20 for i in range(3)}},
            {"apiVersion": "v1", "kind": "Secret", "data": {"password": "c2VjcmV0"}},
            {"apiVersion": "v1", "kind": "ServiceAccount"},
            {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": [{"apiGroups": [""], "resources": ["pods", "configmaps"], "verbs": ["get", "list", "watch"]}]},
            {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
             "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}]},
            {"apiVersion": "v1", "kind": "Service", "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080, "protocol": "TCP", "name": "http"}]}},
            {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}},
            {"apiVersion": "apps/v1", "kind": "StatefulSet", "spec": {"replicas": 1, "serviceName": name, "selector": {"matchLabels": labels}, "template": template}},
            {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "spec": {"podSelector": {"matchLabels": labels}, "policyTypes": ["Ingress"],
             "ingress": [{"ports": [{"port": 8080, "protocol": "TCP"}]}]}},
            {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "spec": {"rules": [{"host": f"{name}.{namespace}.example.org", "http": {"paths": [
                {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": name, "port": {"number": 80}}}}]}}]}},
        ):
            if len(found) < count:
                found.append({"metadata": metadata, **each})
        index += 1
    return found


def definitions(count: int, size: int) -> list[dict]:
    """Of the size and shape of applicationsets.argoproj.io."""
    found = []
    for i in range(count):
        leaf = {"type": "object", "properties": {f"field{n}": {"type": "string", "description": "What this field is for, in a sentence of usual length. " * 2} for n in range(20)}}
        schema, n = {"type": "object", "properties": {}}, 0
        while n == 0 or len(json.dumps(schema)) < size:
            schema["properties"][f"generator{n}"] = {"type": "object", "properties": {"template": leaf, "items": {"type": "array", "items": leaf}}}
            n += 1
        found.append({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"larges{i}.bench.example.org"}, "spec": {
            "group": "bench.example.org", "scope": "Namespaced", "names": {"plural": f"larges{i}", "singular": f"large{i}", "kind": f"Large{i}", "listKind": f"Large{i}List"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": schema}}}}]}})
    return found


def served(server: Server) -> int:
    """Requests that the server has answered so far, but for those of its own loops and for watches."""
    request = urllib.request.Request(server.url + "/metrics", headers=Api(server.kubeconfig).headers)
    with urllib.request.urlopen(request, context=Api(server.kubeconfig).context) as answer:
        text = answer.read().decode()
    total = 0
    for line in text.splitlines():
        match = re.match(r'apiserver_request_total\{(.*)\} (\S+)$', line)
        if match and 'verb="WATCH"' not in line and "leases" not in line:
            total += int(float(match[2]))
    return total


class Run:
    def __init__(self, command: list[str], cwd: Path, env: dict, codes: tuple[int, ...], server: Server) -> None:
        before = served(server), server.cpu()
        (cwd / "out").unlink(missing_ok=True)
        subprocess.run([sys.executable, "-I", "-S", str(HERE / "launch.py"), "1", "sample", "out", "out", *command], cwd=cwd, env=env, check=True)
        sample = json.loads((cwd / "sample").read_text())[0]
        self.seconds, self.cpu, self.memory = sample["wall"], sample["cpu"], sample["peak_kib"] / 1024
        self.requests, self.theirs = served(server) - before[0] - 1, server.cpu() - before[1]
        if sample["code"] not in codes:
            raise SystemExit(f"{' '.join(command)}: exit {sample['code']}\n{(cwd / 'out').read_text()[-3000:]}")


def come_first(pids: list[int]) -> None:
    """The session of each gets 28 times the CPU of one that does ordinary work."""
    for pid in pids:
        Path(f"/proc/{pid}/autogroup").write_text("-15")


class Bench:
    def __init__(self, slipway: Path, bundle: Path, root: Path, ahead: bool = False) -> None:
        self.slipway, self.kubectl, self.root = slipway, bundle / "bin" / "kubectl", root
        self.server = Server(bundle, root / "server", controllers=False, sync=True).up()
        if ahead:
            come_first([os.getpid(), *(child.pid for child in self.server.children.values())])
        self.env = {**os.environ, "KUBECONFIG": str(self.server.kubeconfig), "NO_COLOR": "1", "HOME": str(root)}

    def site(self, name: str, files: list[Path]) -> Path:
        site = self.root / name
        site.mkdir()
        (site / "inventory.yaml").write_text(json.dumps({"name": name, "playbook": "play", "hosts": [], "provider": {"name": "kube", "path": str(self.server.kubeconfig)}}))
        (site / "play.lua").write_text('local kube = require "kube"\n' + "".join(f'kube.manifest "m{i}" {{ source = "{file}", namespace = "default", wait = false }}\n'
                                                                               for i, file in enumerate(files)))
        return site

    def slip(self, site: Path, *arguments: str) -> Run:
        return Run([str(self.slipway), *arguments], site, self.env, (0,), self.server)

    def kube(self, where: Path, *arguments: str) -> Run:
        """kubectl diff ends with 1 where something differs, as namespaces always do for it here."""
        return Run([str(self.kubectl), *arguments], where, self.env, (0, 1) if arguments[0] == "diff" else (0,), self.server)

    def change_by_hand(self, definitions: list[str]) -> None:
        patch = json.dumps([{"op": "replace", "path": FIELD, "value": "changed"}])
        for name in definitions:
            subprocess.run([str(self.kubectl), "patch", "crd", name, "--type", "json", "-p", patch], env=self.env, check=True, stdout=subprocess.DEVNULL)

    def write(self, name: str, things: list[dict]) -> Path:
        path = self.root / name
        path.write_text("# objects\n" + "\n---\n".join(json.dumps(thing) for thing in things))
        return path


def best(runs: list[Run]) -> Run:
    return min(runs, key=lambda run: run.seconds)


def row(what: str, run: Run, ratio: float | None = None) -> None:
    print(f"| {what} | {run.seconds:.2f} s | {run.cpu:.2f} s | {run.theirs:.1f} s | {run.memory:.0f} MB | {run.requests} | {f'{ratio:.1f}x' if ratio else ''} |", flush=True)


def main() -> int:
    slipway, bundle = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    quick, check, ahead = "--quick" in sys.argv, "--check" in sys.argv, "--ahead" in sys.argv
    count, rounds = (100, 1) if quick else (500, 3)
    root = Path(tempfile.mkdtemp(prefix="slipway-bench-kube-"))
    failed: list[str] = []
    bench = None
    try:
        bench = Bench(slipway, bundle, root, ahead)
        print(f"{count} objects, a real API server of 1.20, {rounds} round{'s' if rounds > 1 else ''}, the best of each\n")
        print("| what | time | CPU | the server's CPU | peak memory | requests | slipway is faster by |\n| --- | --- | --- | --- | --- | --- | --- |")
        made, ours = [], []
        for i in range(rounds):
            theirs = bench.write(f"kubectl{i}.yaml", objects(f"kubectl{i}", count))
            site = bench.site(f"slipway{i}", [bench.write(f"slipway{i}.yaml", objects(f"slipway{i}", count))])
            made.append(bench.kube(root, "apply", "--server-side", "-f", str(theirs)))
            ours.append(bench.slip(site, "apply", "--yes"))
        ratio = best(made).seconds / best(ours).seconds
        row("kubectl apply --server-side", best(made))
        row("slipway apply", best(ours), ratio)
        if ratio < APPLY:
            failed.append(f"apply: {ratio:.1f}x, {APPLY}x wanted")
        diffs = [bench.kube(root, "diff", "--server-side", "-f", str(root / "kubectl0.yaml"))]  # minutes: a process for each object
        plans = [bench.slip(root / "slipway0", "plan", "--detailed-exitcode") for _ in range(rounds)]
        ratio = best(diffs).seconds / best(plans).seconds
        row("kubectl diff --server-side, no change", best(diffs))
        row("slipway plan, no change", best(plans), ratio)
        if ratio < PLAN:
            failed.append(f"plan: {ratio:.1f}x, {PLAN}x wanted")
        others = [MANIFESTS / name for name in LARGE if (MANIFESTS / name).exists()]
        site = bench.site("large", [bench.write("large.yaml", definitions(3, 346_000)), *others])
        for what, arguments in (("apply", ("apply", "--yes")), ("plan, no change", ("plan", "--detailed-exitcode")), ("plan, definitions changed by hand", ("plan",))):
            if "by hand" in what:
                bench.change_by_hand([f"larges{i}.bench.example.org" for i in range(3)])
            run = bench.slip(site, *arguments)
            row(f"slipway {what}, {1 + len(others)} of the largest manifests", run)
            if run.memory > MEMORY:
                failed.append(f"{what}, the largest manifests: {run.memory:.0f} MB, {MEMORY} MB at most")
    finally:
        if bench:
            bench.server.down()
        shutil.rmtree(root, ignore_errors=True)
    for line in failed:
        print(f"missed: {line}")
    return 1 if failed and check else 0


if __name__ == "__main__":
    sys.exit(main())
