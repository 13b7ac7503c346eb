"""Add-ons and the hand-over through the stock playbook, on the API double: made, found unchanged, changed by hand, taken out again; what a plan may not do
by itself; freezes."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

from harness import SANITIZERS, SLIPWAY
from kube_suite import Kube  # it finds the next one
from kube_double import KubeDouble

REPOSITORY = Path(__file__).resolve().parents[2]
DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{ name: {plural}.{group} }}
spec:
  group: {group}
  names: {{ kind: {kind}, plural: {plural}, singular: {singular} }}
  scope: {scope}
  versions:
    - name: {version}
      served: true
      storage: true
      schema: {{ openAPIV3Schema: {{ type: object, x-kubernetes-preserve-unknown-fields: true }} }}
---
"""
WORKLOAD = """
apiVersion: apps/v1
kind: {kind}
metadata: {{ name: {name}, namespace: {namespace} }}
spec:
  selector: {{ matchLabels: {{ app: {name} }} }}
  template: {{ metadata: {{ labels: {{ app: {name} }} }}, spec: {{ containers: [{{ name: main, image: "{name}:1" }}] }} }}
---
"""


def definition(group: str, kind: str, version: str = "v1", scope: str = "Namespaced") -> str:
    return DEFINITION.format(group=group, kind=kind, plural=kind.lower() + "s", singular=kind.lower(), version=version, scope=scope)


def config_map(name: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: {name} }}\n---\n"


METALLB = "".join((
    "apiVersion: v1\nkind: Namespace\nmetadata: { name: metallb-system }\n---\n",
    *(definition("metallb.io", kind, version) for kind, version in (("IPAddressPool", "v1beta1"), ("L2Advertisement", "v1beta1"))),
    WORKLOAD.format(kind="Deployment", name="controller", namespace="metallb-system"),
    WORKLOAD.format(kind="DaemonSet", name="speaker", namespace="metallb-system"),
))
ARGO = "".join((
    *(definition("argoproj.io", kind, "v1alpha1") for kind in ("Application", "ApplicationSet", "AppProject")),
    *(config_map(name) for name in ("argocd-cm", "argocd-cmd-params-cm", "argocd-rbac-cm")),
    "apiVersion: v1\nkind: Secret\nmetadata: { name: argocd-secret }\ntype: Opaque\n---\n",
    WORKLOAD.format(kind="Deployment", name="argocd-server", namespace="argocd"),
    WORKLOAD.format(kind="StatefulSet", name="argocd-application-controller", namespace="argocd"),
))
REPO = "https://git.example.org/team/gitops.git"


class Cluster:
    """The double, with something in it that does what Argo CD does to its Applications."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="slipway-addons-"))
        self.double = KubeDouble(self.directory)
        self.health: dict[str, dict] = {}  # name -> what to say of it
        self.of_sets = False  # whether ApplicationSets make an Application each, SET-web
        self.stopping = False
        self.thread = threading.Thread(target=self._reconcile, daemon=True)
        self.thread.start()

    def objects(self, group: str, version: str, plural: str) -> dict[str, dict]:
        store = self.double.store
        with store.changed:
            kind = store.kind(group, version, plural)
            return {thing["metadata"]["name"]: thing for thing in store.all(kind, None)} if kind else {}

    def change(self, group: str, version: str, plural: str, name: str, how) -> None:
        store = self.double.store
        with store.changed:
            kind = store.kind(group, version, plural)
            live = next(thing for thing in store.all(kind, None) if thing["metadata"]["name"] == name)
            new = json.loads(json.dumps(live))
            how(new)
            store.put(kind, new, "MODIFIED", live)

    def _reconcile(self) -> None:
        while not self.stopping:
            time.sleep(0.05)
            for name, thing in self.objects("argoproj.io", "v1alpha1", "applications").items():
                wanted = {"reconciledAt": "2026-01-01T00:00:00Z", "health": {"status": "Healthy"},
                          "sync": {"status": "Synced", "revision": "a" * 40, "comparedTo": {"source": thing["spec"]["source"]}}, **self.health.get(name, {})}
                if thing.get("status") != wanted and not thing["metadata"].get("deletionTimestamp"):
                    self.change("argoproj.io", "v1alpha1", "applications", name, lambda new, wanted=wanted: new.update(status=wanted))

            for name, thing in self.objects("argoproj.io", "v1alpha1", "applicationsets").items():
                if not thing.get("status") and not thing["metadata"].get("deletionTimestamp"):
                    if self.of_sets:
                        store = self.double.store
                        with store.changed:
                            owner = {"apiVersion": thing["apiVersion"], "kind": thing["kind"], "name": name, "uid": thing["metadata"]["uid"]}
                            store.create(store.kind("argoproj.io", "v1alpha1", "applications"), "argocd", {
                                "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "spec": thing["spec"]["template"]["spec"],
                                "metadata": {"name": f"{name}-web", "namespace": "argocd", "ownerReferences": [owner]}}, "argocd-applicationset-controller")
                    status = {"conditions": [{"type": "ResourcesUpToDate", "status": "True", "reason": "ApplicationSetUpToDate", "message": "all is there"}]}
                    self.change("argoproj.io", "v1alpha1", "applicationsets", name, lambda new, status=status: new.update(status=status))

    def close(self) -> None:
        self.stopping = True
        self.thread.join(5)
        self.double.close()
        shutil.rmtree(self.directory, ignore_errors=True)


class Case(unittest.TestCase):
    def setUp(self) -> None:
        self.cluster = Cluster()
        self.addCleanup(self.cluster.close)
        self.kube = Kube({})
        self.addCleanup(self.kube.close)
        (self.kube.directory / "metallb.yaml").write_text(METALLB)
        (self.kube.directory / "argo.yaml").write_text(ARGO)

    def wait_for(self, condition, seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), end, "it did not come about")
            time.sleep(0.05)

    METALLB = {"source": "metallb.yaml", "addresses": ["192.0.2.10-192.0.2.20"], "timeout": 60}
    ARGO = {"source": "argo.yaml", "admin_password": "correct horse", "insecure": True, "timeout": 60}
    GITOPS = {"repo": REPO, "path": "apps", "revision": "main", "timeout": 30,
              "sets": [{"name": "shop", "services": ["web"], "path": "services/{name}"}], "credentials": {"username": "u", "password": "tok3n"}}

    def inventory(self, **more) -> None:
        document = {"name": "site", "kubeconfig": str(self.cluster.double.kubeconfig), **more}
        (self.kube.directory / "inventory.yaml").write_text(json.dumps(document))


class Life(Case):
    def test_made_found_changed_and_taken_out(self):
        self.cluster.double.store.rollout_after = 0.1
        both = {"metallb": self.METALLB, "argo-cd": self.ARGO}
        gitops = self.GITOPS
        self.inventory(addons=both, gitops=gitops)
        plan = self.kube.run("plan").expect(0, "kube_object.gitops:Application.argoproj.io:argocd/root", without=("correct horse", "tok3n"))
        self.assertIn("0 to destroy", plan.text)
        self.kube.apply().expect(0, without=("correct horse", "tok3n"))
        self.kube.run("plan", "--detailed-exitcode").expect(0, "No changes")
        pools = self.cluster.objects("metallb.io", "v1beta1", "ipaddresspools")
        self.assertEqual(pools["default"]["spec"]["addresses"], ["192.0.2.10-192.0.2.20"])
        root = self.cluster.objects("argoproj.io", "v1alpha1", "applications")["root"]
        self.assertEqual(root["spec"]["syncPolicy"]["automated"], {"allowEmpty": False, "prune": True, "selfHeal": True})
        self.assertEqual(self.cluster.objects("", "v1", "secrets")["repo-git-example-org-team-gitops"]["metadata"]["labels"],
                         {"argocd.argoproj.io/secret-type": "repository"})

        # How it is: what was declared, and what Argo CD made of it.
        store = self.cluster.double.store
        with store.changed:
            kind = store.kind("argoproj.io", "v1alpha1", "applications")
            store.create(kind, "argocd", {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {
                "name": "shop", "namespace": "argocd", "annotations": {"argocd.argoproj.io/tracking-id": "root:argoproj.io/Application:argocd/shop"}},
                "spec": {"source": {"repoURL": REPO}, "syncPolicy": {"automated": {}}}}, "argocd-controller")
        self.wait_for(lambda: self.cluster.objects("argoproj.io", "v1alpha1", "applications")["shop"].get("status"))
        self.kube.run("status").expect(0, "metallb  7        yes", "root         Synced     Healthy", "  shop       Synced     Healthy", "Healthy.")
        self.cluster.health["shop"] = {"health": {"status": "Degraded", "message": "no pods"}}
        self.wait_for(lambda: self.cluster.objects("argoproj.io", "v1alpha1", "applications")["shop"]["status"]["health"]["status"] == "Degraded")
        self.kube.run("status").expect(1, "Not healthy:", "application shop: Synced, Degraded: no pods")
        self.kube.run("plan", "--detailed-exitcode").expect(0, "No changes")
        self.cluster.health["root"] = {"health": {"status": "Degraded"}}
        self.wait_for(lambda: self.cluster.objects("argoproj.io", "v1alpha1", "applications")["root"]["status"]["health"]["status"] == "Degraded")
        self.kube.run("status").expect(1, "gitops   3        no", "kube_object.gitops:Application.argoproj.io:argocd/root: Synced, Degraded")
        self.kube.run("status", "--wait", "1").expect(1, "waiting: ", "Not healthy:")
        stopped, waiting = (self.kube.start("status", "--wait", "600") for _ in range(2))
        self.wait_for(lambda: all("waiting: " in each.said for each in (stopped, waiting)))
        stopped.interrupt()
        stopped.finish().expect(1)  # while it sleeps, or reads
        self.inventory(addons=both, gitops={**gitops, "path": "other"})
        self.kube.run("plan", "--out", "p").expect(0, '"apps" -> "other"', "false -> true")
        self.inventory(addons=both, gitops=gitops)
        self.cluster.health.clear()
        waiting.finish().expect(0, "Healthy.")
        # How a thing is doing moves by itself: no plan is stale for it.
        self.kube.run("apply", "p").expect(0, "1 done")
        self.kube.apply().expect(0, "1 done")

        # What is wanted only now was not changed behind our back.
        self.inventory(addons=both, gitops={**gitops, "environment": "production"})
        self.kube.run("drift").expect(0)
        self.kube.run("plan").expect(0, "syncPolicy = {preserveResourcesOnDeletion = true}", without=("behind our back",))
        self.inventory(addons=both, gitops=gitops)

        # By hand: told of, and taken back.
        self.cluster.change("metallb.io", "v1beta1", "ipaddresspools", "default", lambda new: new["spec"].update(addresses=["198.51.100.0/24"]))
        self.kube.run("drift").expect(2, "kube_object.metallb:IPAddressPool.metallb.io:metallb-system/default", "198.51.100.0/24")
        self.kube.apply().expect(0, "1 done")
        self.assertEqual(self.cluster.objects("metallb.io", "v1beta1", "ipaddresspools")["default"]["spec"]["addresses"], ["192.0.2.10-192.0.2.20"])

        # Taken out: definitions and namespaces go by somebody's word only.
        self.inventory(addons={"argo-cd": self.ARGO}, gitops=gitops)
        self.kube.run("plan").expect(0, "needs approval", "kube_object.metallb:Namespace:metallb-system", "everything in it goes, too")
        self.kube.apply().expect(3, "the policy 'cluster_data' wants this approved", "--approve cluster_data")
        self.assertIn("metallb-system", self.cluster.objects("", "v1", "namespaces"))
        self.kube.apply("--approve", "cluster_data").expect(0)
        self.assertNotIn("metallb-system", self.cluster.objects("", "v1", "namespaces"))
        self.assertNotIn("ipaddresspools.metallb.io", self.cluster.objects("apiextensions.k8s.io", "v1", "customresourcedefinitions"))
        self.assertIn("root", self.cluster.objects("argoproj.io", "v1alpha1", "applications"))

        # What has no data in it needs no word.
        self.inventory(addons={"argo-cd": self.ARGO})
        self.kube.apply().expect(0, "kube_object.gitops:Application.argoproj.io:argocd/root destroyed")
        # With nothing wanted any more it is still this cluster that is meant.
        self.inventory()
        self.kube.apply("--approve", "cluster_data").expect(0)
        self.assertEqual(set(self.cluster.objects("apiextensions.k8s.io", "v1", "customresourcedefinitions")), set())
        # And destroy is a word, too.
        self.inventory(addons={"argo-cd": self.ARGO})
        self.kube.apply().expect(0)
        self.kube.run("destroy", "--yes").expect(0)
        self.assertEqual(set(self.cluster.objects("apiextensions.k8s.io", "v1", "customresourcedefinitions")), set())

    def test_a_set_is_done_when_its_applications_are(self):
        self.cluster.double.store.rollout_after = 0.1
        self.cluster.of_sets = True
        self.cluster.health["shop-web"] = {"health": {"status": "Degraded"}}
        self.inventory(addons={"argo-cd": self.ARGO}, gitops={**self.GITOPS, "timeout": 3})
        self.kube.apply().expect(1, "ApplicationSet argocd/shop: of its Applications, shop-web: Synced, Degraded (after 3 s)")
        self.kube.run("status").expect(1, "application shop-web: Synced, Degraded")
        self.inventory(addons={"argo-cd": self.ARGO}, gitops={**self.GITOPS, "revision": "next"})
        cure = threading.Timer(2, self.cluster.health.clear)
        cure.start()
        self.addCleanup(cure.cancel)
        self.kube.apply().expect(0)
        self.kube.run("status").expect(0, "Healthy.")

    def test_the_same_object_under_another_name_is_not_deleted(self):
        (self.kube.directory / "site.lua").write_text('local kube = require "kube"\nprovider "kube" { name = "kube", path = slipway.inventory.kubeconfig }\n'
                                                      'kube.object(slipway.inventory.vars.name) { apiVersion = "v1", kind = "ConfigMap", metadata = { name = "a", namespace = "default" } }\n')
        self.inventory(vars={"name": "one"})
        self.kube.apply().expect(0)
        self.inventory(vars={"name": "two"})
        self.kube.apply().expect(3, "denied by the policy 'cluster_data'", 'moved { from = "kube_object.one", to = "kube_object.two" }')
        self.assertIn("a", self.cluster.objects("", "v1", "configmaps"))


class Order(Case):
    MANIFEST = ("apiVersion: batch/v1\nkind: Job\nmetadata: { name: certificate }\nspec: { template: { spec: { restartPolicy: Never, containers: [{ name: a, image: a }] } } }\n---\n"
                + WORKLOAD.format(kind="Deployment", name="web", namespace="default") +
                "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: { name: hook }\n---\n"
                "apiVersion: example.org/v1\nkind: Widget\nmetadata: { name: one }\n")

    def test_a_job_may_wait_for_the_webhooks_itself(self):
        (self.kube.directory / "m.yaml").write_text(self.MANIFEST)
        (self.kube.directory / "site.lua").write_text('provider "kube" { name = "kube", path = slipway.inventory.kubeconfig }\nrequire "kube".manifest "m" { source = "m.yaml" }\n')
        self.inventory()
        graph = json.loads(self.kube.run("graph", "--json", "--no-refresh").expect(0).out)
        kinds = {node["id"]: node["name"].split(":")[1].split(".")[0] for node in graph["nodes"]}
        self.assertEqual({(kinds[edge["from"]], kinds[edge["to"]]) for edge in graph["edges"]}, {
            ("Deployment", "ValidatingWebhookConfiguration"), ("ValidatingWebhookConfiguration", "Widget"), ("Job", "Widget")})


class Production(Case):
    def test_the_name_is_typed(self):
        (self.kube.directory / "site.lua").write_text('provider "kube" { name = "kube", path = slipway.inventory.kubeconfig }\n'
                                                      'require("kube").object "a" { apiVersion = "v1", kind = "ConfigMap", metadata = { name = "a", namespace = "default" } }\n')
        self.inventory(environment="production")
        self.kube.run("apply").expect(3, "there is no terminal to ask on")
        for typed, code, words in (("yes", 3, "nothing was changed"), ("site ", 3, "nothing was changed"), ("site", 0, "Applied: 1 done")):
            ours, theirs = os.openpty()
            try:
                child = subprocess.Popen([SLIPWAY, "apply"], stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=self.kube.directory,
                                         env={**os.environ, **SANITIZERS, "NO_COLOR": "1", "TERM": "dumb", "HOME": str(self.kube.directory)})
                os.write(ours, (typed + "\n").encode())
                said = child.communicate(timeout=60)[0]
            finally:
                os.close(ours)
                os.close(theirs)
            self.assertIn("This is production: type the inventory's name, 'site', to go on:", said)
            self.assertIn(words, said)
            self.assertEqual((child.returncode, "a" in self.cluster.objects("", "v1", "configmaps")), (code, code == 0), said)

    def test_the_health_is_looked_at_after(self):
        (self.kube.directory / "site.lua").write_text('local kube = require "kube"\nprovider "kube" { name = "kube", path = slipway.inventory.kubeconfig }\n'
                                                      'kube.object "a" { apiVersion = "v1", kind = "Service", metadata = { name = "a", namespace = "default" }, wait = slipway.inventory.vars.wait,\n'
                                                      'spec = { type = "LoadBalancer", ports = { { port = 80 } }, selector = { a = "b" } } }\n')
        self.inventory(environment="production", vars={"wait": False})
        self.kube.apply().expect(0, "Applied: 1 done", "Healthy.")
        self.kube.apply().expect(0, "No changes", without=("Healthy.",))
        self.kube.run("destroy", "--yes").expect(0)
        self.inventory(environment="staging", vars={"wait": False})
        self.kube.apply().expect(0, "Applied: 1 done", without=("Healthy.",))

    def test_what_is_not_healthy_after(self):
        """An apply that did what it was to do, in a cluster where something else is broken: exit code 1, and the way back, whether the plan was saved or not."""
        (self.kube.directory / "site.lua").write_text('local kube, vars = require "kube", slipway.inventory.vars\nprovider "kube" { name = "kube", path = slipway.inventory.kubeconfig }\n'
                                                      'kube.object "a" { apiVersion = "v1", kind = "ConfigMap", metadata = { name = "a", namespace = "default" }, data = { x = vars.x } }\n'
                                                      'kube.manifest "b" { content = vars.b }\n')
        b = WORKLOAD.format(kind="Deployment", name="b", namespace="default")
        self.inventory(environment="production", vars={"x": "1", "b": b})
        self.kube.apply().expect(0, "Applied: 2 done", "Healthy.")
        self.cluster.change("apps", "v1", "deployments", "b", lambda new: new["status"].update(availableReplicas=0))
        words = ("Applied: 1 done", "Not healthy:", "kube_object.b:Deployment:default/b: 0 of 1 available", "To go back to what was declared before: slipway rollback 1")
        self.inventory(environment="production", vars={"x": "2", "b": b})
        self.kube.apply("--target", "kube_object.a").expect(1, *words)
        self.inventory(environment="production", vars={"x": "3", "b": b})
        self.kube.run("plan", "--target", "kube_object.a", "--out", "some").expect(0)
        self.kube.run("apply", "some").expect(1, *words)
        # The command that was printed is the way back.
        self.cluster.change("apps", "v1", "deployments", "b", lambda new: new["status"].update(availableReplicas=1))
        command = words[-1].partition("slipway ")[2].split()
        self.kube.run(*command, "--yes").expect(0, "Healthy.")
        self.assertEqual(self.cluster.objects("", "v1", "configmaps")["a"]["data"], {"x": "1"})


class Frozen(Case):
    def test_a_freeze_holds_changes_back(self):
        freeze = [{"from": "2001-01-01", "to": "2001-12-31"}, {"from": "2020-01-01", "to": "2999-12-31", "reason": "the books are being closed"}]
        (self.kube.directory / "site.lua").write_text('local kube = require "kube"\nprovider "kube" { name = "kube", path = slipway.inventory.kubeconfig }\n'
                                                      'kube.object "a" { apiVersion = "v1", kind = "ConfigMap", metadata = { name = "a", namespace = "default" }, data = { x = slipway.inventory.vars.x } }\n')
        self.inventory(vars={"x": "1"}, freeze=freeze)
        self.kube.run("plan").expect(0, "1 to create")
        self.kube.apply().expect(3, "nothing is changed during the freeze until 2999-12-31: the books are being closed", "inventory.yaml", "--override-freeze REASON")
        self.assertEqual(self.cluster.objects("", "v1", "configmaps"), {})
        self.kube.run("plan", "--out", "saved").expect(0)
        self.kube.apply("saved").expect(3, "during the freeze")
        self.kube.apply("--override-freeze", "ticket 4711").expect(0, "is overridden: ticket 4711")
        self.kube.run("state", "history").expect(0, "(freeze overridden: ticket 4711)")
        self.kube.apply().expect(0, "No changes")
        self.kube.run("destroy", "--yes").expect(3, "during the freeze")
        self.inventory(vars={"x": "2"}, freeze=freeze[:1])
        self.kube.apply().expect(0, "1 done")

    def test_freezes_are_checked(self):
        for entry, *words in (
            ({"from": "soon", "to": "2027-01-01"}, "'from' is not a time: 'soon'", "'fri 18:00' for every week"),
            ({"from": "2027-02-30", "to": "2027-03-01"}, "'2027-02-30'"),
            ({"from": "2027-01-01 25:00", "to": "2027-03-01"}, "not a time"),
            ({"from": "fri 18:00", "to": "2027-03-01"}, "of two kinds"),
            ({"from": "2027-03-02", "to": "2027-03-01"}, "ends before it begins"),
            ({"from": "fri", "to": "mon 08:00", "utc_offset": "9"}, "is no offset"),
            ({"from": "fri"}, "to"),
            ({"from": "fri", "to": "sun", "why": "x"}, "why"),
        ):
            self.inventory(freeze=[entry])
            self.kube.run("validate").expect(1, "inventory.yaml", *words)


class Documented(unittest.TestCase):
    def test_pages_say_what_add_ons_take(self):
        done = subprocess.run([sys.executable, REPOSITORY / "tests/tools/addon_docs.py", "--check"], env={**os.environ, **SANITIZERS, "SLIPWAY": str(SLIPWAY)}, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        linked = set(re.findall(r"\]\(([\w-]+)\.md\)", (REPOSITORY / "docs/addons/README.md").read_text()))
        self.assertEqual(linked, {path.stem for path in (REPOSITORY / "docs/addons").glob("*.md")} - {"README"})


class OnesOwn(Case):
    """The add-on of docs/addons/README.md, word by word."""

    def test_one_file_is_enough(self):
        code = re.search(r"```lua\n(.*?)```", (REPOSITORY / "docs/addons/README.md").read_text(), re.DOTALL).group(1)
        (self.kube.directory / "kured.yaml").write_text(WORKLOAD.format(kind="DaemonSet", name="kured", namespace="kube-system").replace('image: "kured:1"', 'image: "kured:1", args: [a]'))
        wanted = {"source": "kured.yaml", "period": "5h", "wait": False}
        shutil.copytree(REPOSITORY / "lua", self.kube.directory / "lua")
        (self.kube.directory / "lua/kube/addon/kured.lua").write_text(code)
        self.inventory(addons={"kured": wanted})
        self.kube.run("validate").expect(1, "there is no add-on 'kured'", "inventory.yaml:1")
        self.kube.run("docs", "kured", "--lua-dir", "lua").expect(0, "how often it looks; default 1h")
        self.kube.apply("--lua-dir", "lua").expect(0, "2 done")
        args = self.cluster.objects("apps", "v1", "daemonsets")["kured"]["spec"]["template"]["spec"]["containers"][0]["args"]
        self.assertEqual(args, ["a", "--period=5h"])
        self.kube.run("destroy", "--yes", "--lua-dir", "lua").expect(0, "2 done")

        # Beside a playbook it needs no library of one's own.
        (self.kube.directory / "kured.lua").write_text(code)
        (self.kube.directory / "site.lua").write_text('provider "kube" { name = "kube", path = slipway.inventory.kubeconfig }\nlocal kured = require "kured"\nkured { source = "kured.yaml", wait = false }\n')
        self.inventory()
        self.kube.apply().expect(0, "2 done")
        self.assertEqual(self.cluster.objects("", "v1", "configmaps")["kured"]["data"], {"by": "slipway"})
        (self.kube.directory / "site.lua").write_text('local kured = require "kured"\nkured { perod = "1h" }\n')
        self.kube.run("validate").expect(1, "'perod'", "did you mean 'period'?", "site.lua:2")


class Bad(Case):
    def test_mistakes_have_a_line(self):
        def refused(text: str, *words: str) -> None:
            (self.kube.directory / "inventory.yaml").write_text(f"name: site\nkubeconfig: {self.cluster.double.kubeconfig}\n{text}")
            self.kube.run("validate").expect(1, *words, without=("traceback",))
        refused("addons:\n  metalb: {}\n", "there is no add-on 'metalb'", "inventory.yaml:4", "did you mean 'metallb'?")
        refused("addons:\n  metallb:\n    source: metallb.yaml\n    addreses: []\n", "'addreses'", "inventory.yaml:6", "did you mean 'addresses'?")
        refused("addons:\n  metallb:\n    source: metallb.yaml\n    addresses: [a]\n", "'a' is no range", "inventory.yaml:6")
        refused("addons:\n  metallb: true\n", "add-on metallb: a map of options wanted", "inventory.yaml:4")
        refused("addons:\n  nfs-provisioner: { server: s }\n", "path is missing", "inventory.yaml:4")
        refused("gitops: { path: a }\n", "gitops: repo is missing", "inventory.yaml:3")
        self.assertEqual(self.cluster.double.count("GET"), 0)


if __name__ == "__main__":
    unittest.main()
