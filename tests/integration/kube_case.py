"""What tests of objects share: a cluster (the API double; with KUBE_BUNDLE, the lab's bundle, the real API server of that version), a namespace for each test,
manifests, and what somebody else does to it."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import time
from pathlib import Path

from kube_suite import Kube, unittest
from kube_api import Api
from kube_double import KubeDouble
from kube_server import GUEST, Server

HEAD = 'local kube = require "kube"\n'
on_the_double = unittest.skipIf(os.environ.get("KUBE_BUNDLE"), "the real server does not fail when it is told to")
DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: { name: web, labels: { app: web, tier: front } }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - name: web
          image: web:1
          env: [{ name: A, value: "1" }, { name: B, value: "2" }]
          ports: [{ containerPort: 80 }]
          resources: { limits: { cpu: 500m } }
"""
MORE = """---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80, name: http }] }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: settings, labels: { app: web } }
data: { colour: blue, size: "3" }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: reader }
rules: [{ apiGroups: [""], resources: [pods], verbs: [get, list] }]
"""
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: %s }\ndata: { a: '1' }\n"


def definition(group: str, kind: str = "Widget", **properties) -> str:
    plural = kind.lower() + "s"
    schema = {"type": "object", "properties": {"status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}, "spec": {"type": "object", "properties": properties or {"size": {"type": "integer"}}}}}
    return json.dumps({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"{plural}.{group}"}, "spec": {
        "group": group, "scope": "Namespaced", "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": kind + "List"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}]}})


class KubeCase(unittest.TestCase):
    version = (1, 36)

    @classmethod
    def setUpClass(cls) -> None:
        cls.directory = Path(tempfile.mkdtemp(prefix="slipway-objects-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        bundle = os.environ.get("KUBE_BUNDLE")
        cls.double = cls.server = None
        if bundle:
            cls.server = Server(Path(bundle), cls.directory / "server").up()
            cls.addClassCleanup(cls.server.down)
            cls.kubeconfig = cls.server.kubeconfig
        else:
            cls.double = KubeDouble(cls.directory / "double", cls.version)
            cls.addClassCleanup(cls.double.close)
            cls.kubeconfig = cls.double.kubeconfig
        cls.api = Api(cls.kubeconfig)

    def setUp(self) -> None:
        self.ns = "t-" + re.sub(r"[^a-z0-9]+", "-", self._testMethodName.removeprefix("test_"))[:50].strip("-")
        if self.double:
            self.double.faults.clear()
            self.double.store.establish_after, self.double.store.rollout_after = 0.05, 0.05
            self.addCleanup(lambda: self.assertEqual(self.double.problems, []))

    def site(self, body: str | None = None, **provider) -> Kube:
        site = Kube({"path": str(self.kubeconfig), **provider})
        self.addCleanup(site.close)
        return site if body is None else self.says(site, body)

    def says(self, site: Kube, body: str) -> Kube:
        return site.play(HEAD + body)

    def config_of(self, token: str) -> str:
        """A kubeconfig for the same server with a token, as a file's name."""
        tree = json.loads(self.kubeconfig.read_text())
        tree["users"][0]["user"] = {"token": token}
        path = self.directory / "config"
        path.write_text(json.dumps(tree))
        return str(path)

    def allow_guest(self, *verbs: str) -> str:
        """The user "guest" may do this to everything, and nothing else. Gives his kubeconfig."""
        if self.double:
            self.double.tokens[GUEST] = ("guest", ["system:authenticated"])
            self.double.rules["guest"] = [{"verbs": list(verbs), "resources": ["*"]}] if verbs else []
        else:
            role = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "guest"}}
            rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": list(verbs)}] if verbs else []
            self.api.apply({**role, "kind": "ClusterRole", "rules": rules}, force=True)
            self.api.apply({**role, "kind": "ClusterRoleBinding", "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "guest"},
                            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "guest"}]}, force=True)
        return self.config_of(GUEST)

    def restart(self, seconds: float) -> None:
        """The API server is away for so long."""
        if self.double:
            self.double.restart(seconds)
            return
        self.server.stop("kube-apiserver")
        time.sleep(seconds)
        self.server.serve()

    def manifest(self, text: str, name: str = "m", **options) -> str:
        """kube.manifest of a text, in this test's namespace."""
        options = {"namespace": self.ns, "create_namespace": True, "wait": False, **options}
        said = ", ".join(f"{key} = {json.dumps(value)}" for key, value in options.items())
        return f'kube.manifest "{name}" {{ content = [==[{text}]==], {said} }}\n'

    def get(self, kind: str, name: str, api_version: str = "v1", namespace: str | None = None) -> dict | None:
        return self.api.get(api_version, kind, namespace or self.ns, name)

    def names(self, kind: str, api_version: str = "v1") -> set[str]:
        """Of this test's objects of a kind, without those that the cluster makes by itself."""
        found = {each["metadata"]["name"] for each in self.api.call("GET", self.api.path(api_version, kind, self.ns)).get("items", [])}
        return found - {"kube-root-ca.crt"}

    def edit(self, kind: str, name: str, patch, api_version: str = "v1", **more) -> dict:
        return self.api.patch(api_version, kind, self.ns, name, patch, **more)

    def converged(self, site: Kube) -> None:
        site.run("plan", "--detailed-exitcode").expect(0)

    def requests(self, since: int) -> list[str]:
        return [f"{method} {path}" + (" dry" if "dryRun" in query else "") for method, path, query, _ in self.double.requests[since:]]


__all__ = ["CONFIG", "DEPLOYMENT", "Kube", "KubeCase", "MORE", "definition", "on_the_double", "unittest"]
