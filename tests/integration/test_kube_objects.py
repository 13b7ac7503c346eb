"""Objects in a cluster: made, left alone, changed by hand, owned by others, replaced, waited for, taken away. On the API double; with KUBE_BUNDLE (the lab's
bundle) on the real API server of that version, where the double is not asked to fail."""

from __future__ import annotations

import json
import signal
import time

from harness import wait_for
from kube_case import KubeCase, on_the_double, unittest
from kube_api import owners

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


class Objects(KubeCase):
    # ---- made, and left alone

    def test_made_once_and_then_left_alone(self):
        site = self.site(self.manifest(DEPLOYMENT + MORE))
        plan = site.run("plan").expect(0, "5 to create", f"kube_object.m:Deployment:{self.ns}/web")
        self.assertIsNone(self.api.get("v1", "Namespace", None, self.ns), "a plan makes nothing")
        self.assertNotIn("error", plan.err)
        site.apply().expect(0, "5 done")
        live = self.get("Deployment", "web", "apps/v1")
        self.assertEqual(live["spec"]["replicas"], 2)
        self.assertEqual(list(owners(live)), ["slipway"])
        before = live["metadata"]["generation"], owners(live)
        since = len(self.double.requests) if self.double else 0
        site.run("plan", "--detailed-exitcode").expect(0, "5 unchanged" if not self.double else "")
        self.assertEqual(self.get("Deployment", "web", "apps/v1")["spec"]["template"]["spec"]["containers"][0]["image"], "web:1")
        if self.double:
            asked = [request for request in self.requests(since) if not request.endswith(("/version", "/api", "/apis"))]
            self.assertEqual([request for request in asked if not request.startswith("GET")], [])
            self.assertEqual(len([request for request in asked if "/web" not in request or "deployments" in request]) <= 7, True, asked)
        site.apply().expect(0, "5 unchanged")
        live = self.get("Deployment", "web", "apps/v1")
        self.assertEqual((live["metadata"]["generation"], owners(live)), before)

    def test_many_of_a_kind_are_one_list(self):
        site = self.site(self.manifest("---\n".join(CONFIG % f"c{i:03}" for i in range(60))))
        site.apply().expect(0, "61 done")
        since = len(self.double.requests) if self.double else 0
        self.converged(site)
        if self.double:
            self.assertEqual([r for r in self.requests(since) if "configmaps" in r], [f"GET /api/v1/namespaces/{self.ns}/configmaps"])

    # ---- by hand

    def test_a_field_changed_by_hand_is_shown_with_its_owner_and_put_back(self):
        site = self.site(self.manifest(DEPLOYMENT + MORE))
        site.apply().expect(0)
        self.edit("Deployment", "web", {"spec": {"replicas": 5}, "metadata": {"annotations": {"note": "by hand"}}}, "apps/v1")
        self.edit("ConfigMap", "settings", {"data": {"more": "x"}})
        site.run("drift").expect(2, "replicas", "5", "hand: .spec.replicas", without=("note", "settings"))
        site.run("plan").expect(0, "1 to change", "hand: .spec.replicas", without=("note",))
        site.apply().expect(0, "1 done")
        live = self.get("Deployment", "web", "apps/v1")
        self.assertEqual((live["spec"]["replicas"], live["metadata"]["annotations"].get("note")), (2, "by hand"))
        self.assertEqual(self.get("ConfigMap", "settings")["data"]["more"], "x")
        self.converged(site)

    def test_what_is_deleted_by_hand_is_made_again(self):
        site = self.site(self.manifest(CONFIG % "a" + "---\n" + CONFIG % "b"))
        site.apply().expect(0)
        self.api.delete("v1", "ConfigMap", self.ns, "a")
        site.run("drift").expect(2, "ConfigMap:" + self.ns + "/a")
        site.apply().expect(0, "1 done")
        self.assertIsNotNone(self.get("ConfigMap", "a"))

    def test_written_otherwise_is_no_change(self):
        site = self.site(self.manifest(DEPLOYMENT))
        site.apply().expect(0)
        self.says(site, self.manifest(DEPLOYMENT.replace("500m", "'0.5'")))
        self.converged(site)

    # ---- fields that go, fields of others

    def test_fields_taken_out_of_the_manifest_go(self):
        site = self.site(self.manifest(DEPLOYMENT + MORE))
        site.apply().expect(0)
        self.edit("Deployment", "web", {"metadata": {"labels": {"theirs": "yes"}}}, "apps/v1")
        less = DEPLOYMENT.replace(", tier: front", "").replace(', { name: B, value: "2" }', "").replace("  replicas: 2\n", "")
        self.says(site, self.manifest(less + MORE.replace("labels: { app: web } ", "").replace(', size: "3"', "")))
        site.run("plan").expect(0, "2 to change", "tier", "size")
        site.apply().expect(0, "2 done")
        live = self.get("Deployment", "web", "apps/v1")
        self.assertEqual(live["metadata"]["labels"], {"app": "web", "theirs": "yes"})
        self.assertEqual([each["name"] for each in live["spec"]["template"]["spec"]["containers"][0]["env"]], ["A"])
        self.assertEqual(self.get("ConfigMap", "settings")["data"], {"colour": "blue"})
        self.converged(site)

    def test_all_labels_taken_out(self):
        site = self.site(self.manifest(MORE))
        site.apply().expect(0)
        self.says(site, self.manifest(MORE.replace(", labels: { app: web }", "")))
        site.run("plan").expect(0, "1 to change", "labels")
        site.apply().expect(0, "1 done")
        self.assertNotIn("labels", self.get("ConfigMap", "settings")["metadata"])
        self.converged(site)

    def test_order_in_a_keyed_list(self):
        swapped = DEPLOYMENT.replace('{ name: A, value: "1" }, { name: B, value: "2" }', '{ name: B, value: "2" }, { name: A, value: "1" }')
        site = self.site(self.manifest(DEPLOYMENT))
        site.apply().expect(0)
        self.says(site, self.manifest(swapped)).apply().expect(0)
        self.converged(site)

    def test_an_owner_from_before_is_asked_first(self):
        self.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.ns}})
        self.api.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": self.ns}, "data": {"colour": "red", "own": "1"}}, "somebody")
        site = self.site(self.manifest(MORE))
        site.run("plan").expect(0, "somebody: .data.colour")
        site.apply().expect(1, f"ConfigMap {self.ns}/settings: fields have another owner (somebody: .data.colour)", "force = true")
        self.assertEqual(self.get("ConfigMap", "settings")["data"], {"colour": "red", "own": "1"})
        self.says(site, self.manifest(MORE, force=True)).apply().expect(0)
        self.assertEqual(self.get("ConfigMap", "settings")["data"], {"colour": "blue", "size": "3", "own": "1"})
        self.converged(site)

    def test_a_new_field_that_another_owns_is_asked_for_too(self):
        site = self.site(self.manifest(DEPLOYMENT.replace("  replicas: 2\n", "")))
        site.apply().expect(0)
        self.edit("Deployment", "web", {"spec": {"replicas": 7}}, "apps/v1", manager="autoscaler")
        self.converged(site)
        self.says(site, self.manifest(DEPLOYMENT))
        site.run("plan").expect(0, "autoscaler: .spec.replicas")
        site.apply().expect(1, "autoscaler: .spec.replicas")
        self.assertEqual(self.get("Deployment", "web", "apps/v1")["spec"]["replicas"], 7)

    def test_fields_that_are_as_wanted_become_ours(self):
        self.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.ns}})
        self.api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": self.ns}, "data": {"a": "1"}})
        site = self.site(self.manifest(CONFIG % "a"))
        site.run("plan").expect(0, "1 to change", ".data.a")
        site.apply().expect(0)
        self.assertEqual(owners(self.get("ConfigMap", "a"))["slipway"], {"f:data": {"f:a": {}}})
        self.converged(site)

    def test_what_kubectl_apply_left_is_taken_over_once(self):
        self.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.ns}})
        applied = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": self.ns, "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": "{}"}}, "data": {"a": "0", "old": "x"}}
        self.api.create(applied, "kubectl-client-side-apply")
        self.edit("ConfigMap", "a", {"data": {"theirs": "y"}})
        site = self.site(self.manifest(CONFIG % "a"))
        site.run("plan").expect(0, "1 to change", "old", without=("theirs",))
        site.apply().expect(0)
        live = self.get("ConfigMap", "a")
        self.assertEqual(live["data"], {"a": "1", "theirs": "y"})
        self.assertNotIn("annotations", live["metadata"])
        self.assertNotIn("kubectl-client-side-apply", [entry["manager"] for entry in live["metadata"]["managedFields"]])
        self.converged(site)
        # Afterwards kubectl is another manager like any other.
        self.edit("ConfigMap", "a", {"data": {"later": "z"}}, manager="kubectl-client-side-apply")
        self.converged(site)
        self.assertEqual(self.get("ConfigMap", "a")["data"]["later"], "z")

    # ---- replaced, removed

    def test_what_cannot_change_is_replaced(self):
        site = self.site(self.manifest(DEPLOYMENT + MORE))
        site.apply().expect(0)
        before = self.get("Deployment", "web", "apps/v1")["metadata"]["uid"]
        self.says(site, self.manifest(DEPLOYMENT.replace("app: web }", "app: web2 }") + MORE))
        site.run("plan").expect(0, "1 to replace", "selector", "cannot be changed")
        site.apply().expect(0)
        live = self.get("Deployment", "web", "apps/v1")
        self.assertNotEqual(live["metadata"]["uid"], before)
        self.assertEqual(live["spec"]["selector"]["matchLabels"], {"app": "web2"})
        self.converged(site)

    def test_what_leaves_the_playbook_goes_and_nothing_else(self):
        site = self.site(self.manifest(CONFIG % "a" + "---\n" + CONFIG % "b"))
        site.apply().expect(0)
        self.api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs", "namespace": self.ns, "labels": {"app": "web"}}})
        self.says(site, self.manifest(CONFIG % "b"))
        site.run("plan").expect(0, "1 to destroy", "0 to create")
        site.apply().expect(0)
        self.assertEqual([self.get("ConfigMap", name) is not None for name in ("a", "b", "theirs")], [False, True, True])
        self.converged(site)

    def test_another_of_the_same_name_is_left_alone(self):
        site = self.site(self.manifest(CONFIG % "a"))
        site.apply().expect(0)
        self.api.delete("v1", "ConfigMap", self.ns, "a")
        self.api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": self.ns}, "data": {"a": "theirs"}})
        self.says(site, self.manifest(CONFIG % "b"))
        site.apply().expect(0)
        self.assertEqual(self.get("ConfigMap", "a")["data"], {"a": "theirs"})

    def test_namespaces_and_definitions_go_with_an_approval_only(self):
        group = f"{self.ns}.example.org"
        site = self.site(self.manifest(definition(group) + "\n---\n" + CONFIG % "a"))
        site.apply().expect(0, "3 done")
        self.says(site, "")
        site.run("plan").expect(0, "3 to destroy", "cluster_data", "all its objects in the cluster go, too", "everything in it goes, too")
        site.apply().expect(3, "cluster_data", "--approve cluster_data")
        self.assertIsNotNone(self.get("ConfigMap", "a"))
        self.assertIsNotNone(self.api.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", None, f"widgets.{group}"))
        site.apply("--approve", "cluster_data").expect(0, "3 done")
        self.assertIsNone(self.api.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", None, f"widgets.{group}"))
        self.assertIsNone(self.api.get("v1", "Namespace", None, self.ns))

    def test_the_order_of_making_and_destroying(self):
        group = f"{self.ns}.example.org"
        custom = json.dumps({"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 3}})
        site = self.site(self.manifest("\n---\n".join([custom, CONFIG % "a", definition(group)])))
        if self.double:
            self.double.store.establish_after = 0.7
        since = len(self.double.requests) if self.double else 0
        site.apply().expect(0, "4 done")
        if self.double:
            made = [r.split("/")[-1] for r in self.requests(since) if r.startswith("PATCH") and not r.endswith("dry")]
            self.assertEqual(set(made[:2]), {self.ns, f"widgets.{group}"})
            self.assertEqual((made[2], made[-1]), ("a", "w"))
        self.converged(site)
        since = len(self.double.requests) if self.double else 0
        site.run("destroy", "--yes").expect(0, "4 done")
        if self.double:
            gone = [r.split("/")[-1] for r in self.requests(since) if r.startswith("DELETE")]
            self.assertEqual((gone[:2], set(gone[2:])), (["w", "a"], {self.ns, f"widgets.{group}"}))
        self.assertIsNone(self.api.get("v1", "Namespace", None, self.ns))

    def test_a_finalizer_that_hangs_is_named(self):
        text = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: held, finalizers: [example.org/cleanup] }\n"
        site = self.site(self.manifest(text + "---\n" + CONFIG % "a", timeout=2 if self.double else 20))
        site.apply().expect(0)
        self.converged(site)
        site.run("destroy", "--yes").expect(1, "held by the finalizers example.org/cleanup")
        self.edit("ConfigMap", "held", [{"op": "remove", "path": "/metadata/finalizers"}])
        site.run("destroy", "--yes").expect(0)
        self.assertIsNone(self.api.get("v1", "Namespace", None, self.ns))

    def test_a_namespace_that_does_not_end_says_why(self):
        site = self.site(self.manifest(CONFIG % "a", timeout=8))
        site.apply().expect(0)
        self.api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs", "namespace": self.ns, "finalizers": ["example.org/other"]}})
        site.run("destroy", "--yes").expect(1, "example.org/other", f"Namespace:{self.ns}")
        self.says(site, self.manifest(CONFIG % "a", timeout=3)).apply().expect(1, f"namespace {self.ns}", "because it is being terminated")
        self.says(site, self.manifest(CONFIG % "a", timeout=3, wait=True)).apply().expect(
            1, f"Namespace {self.ns} was not ready within 3 s: Terminating", "being deleted: ", "example.org/other")
        self.edit("ConfigMap", "theirs", [{"op": "remove", "path": "/metadata/finalizers"}])
        wait_for(lambda: self.api.get("v1", "Namespace", None, self.ns) is None, 30, "the namespace's end")
        self.says(site, self.manifest(CONFIG % "a")).apply().expect(0)
        site.run("destroy", "--yes").expect(0)

    # ---- waiting

    @on_the_double
    def test_waits_until_it_runs(self):
        self.double.store.rollout_after = 0.5
        site = self.site(self.manifest(DEPLOYMENT, wait=True))
        started = time.monotonic()
        site.apply().expect(0, "2 done")
        self.assertGreater(time.monotonic() - started, 0.5)
        self.assertEqual(self.get("Deployment", "web", "apps/v1")["status"]["availableReplicas"], 2)
        self.converged(site)
        self.edit("Deployment", "web", {"status": {"availableReplicas": 1}}, "apps/v1", subresource="status")
        site.run("plan").expect(0, "1 to change", "ready")

    @on_the_double
    def test_what_does_not_come_up_says_why(self):
        self.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.ns}})
        self.api.create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-1", "namespace": self.ns, "labels": {"app": "web"}},
                         "spec": {"containers": [{"name": "web", "image": "broken:1"}]}})
        self.edit("Pod", "web-1", {"status": {"containerStatuses": [{"name": "web", "state": {"waiting": {
            "reason": "ImagePullBackOff", "message": "Back-off pulling image broken:1"}}}]}}, subresource="status")
        self.api.create({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e1", "namespace": self.ns}, "type": "Warning", "reason": "ReplicaFailure",
                         "message": "quota exceeded", "involvedObject": {"kind": "Deployment", "name": "web"}, "lastTimestamp": "2026-01-01T00:00:00Z"})
        site = self.site(self.manifest(DEPLOYMENT.replace("web:1", "broken:1"), wait=True, timeout=2))
        site.apply().expect(1, f"Deployment {self.ns}/web was not ready within 2 s: 0 of 2 available", "ImagePullBackOff, Back-off pulling image broken:1",
                            "ReplicaFailure: quota exceeded")
        site.run("plan").expect(0, "ready")
        self.says(site, self.manifest(DEPLOYMENT, wait=True)).apply().expect(0)
        self.converged(site)

    @on_the_double
    def test_definitions_and_webhooks_that_are_late(self):
        group = f"{self.ns}.example.org"
        hook = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": self.ns}, "webhooks": [{
            "name": "check." + group, "admissionReviewVersions": ["v1"], "sideEffects": "None", "failurePolicy": "Fail",
            "clientConfig": {"service": {"namespace": self.ns, "name": "hook", "path": "/"}},
            "rules": [{"apiGroups": [group], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["widgets"]}]}]}
        custom = {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 3}}
        self.double.store.establish_after = 1
        site = self.site(self.manifest("\n---\n".join([json.dumps(custom), json.dumps(hook), definition(group)])))
        process = site.start("apply", "--yes")
        wait_for(lambda: "waiting for a webhook" in process.said or self.double.count("PATCH", "/widgets/w") > 1, 30, "the webhook's turn")
        self.assertIsNone(self.get("Widget", "w", f"{group}/v1"))
        self.double.store.webhooks_up.add((self.ns, "hook"))
        process.finish().expect(0, "4 done")
        self.assertEqual(self.get("Widget", "w", f"{group}/v1")["spec"]["size"], 3)
        self.converged(site)

    def test_kinds_that_are_not_there_yet(self):
        group = f"{self.ns}.example.org"
        custom = json.dumps({"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 3}})
        site = self.site(self.manifest(custom, timeout=2))
        site.run("plan").expect(0, "2 to create", "Widget")
        site.apply().expect(1, "no kind 'Widget'", group, "CustomResourceDefinition")

    # ---- secrets

    def test_secrets_are_never_shown(self):
        secret = 'kube.manifest "m" { content = [==[apiVersion: v1\nkind: Secret\nmetadata: { name: s }\nstringData: { password: hunter2, user: bob }\ndata: { key: c3VyZQ== }\n]==], namespace = "%s", create_namespace = true }\n' % self.ns
        site = self.site(secret)
        hidden = ("hunter2", "aHVudGVyMg", "c3VyZQ", "sure\n")
        site.run("plan", "--out", "p").expect(0, "(sensitive)", without=hidden)
        site.run("show", "--json", "p").expect(0, without=hidden)
        site.apply("--trace", "trace").expect(0, without=hidden)
        for word in hidden[:3]:
            self.assertNotIn(word, site.trace())
        self.assertEqual(self.get("Secret", "s")["data"], {"password": "aHVudGVyMg==", "user": "Ym9i", "key": "c3VyZQ=="})
        self.converged(site)
        site.run("state", "show", f"kube_object.m:Secret:{self.ns}/s").expect(0, without=hidden)
        self.edit("Secret", "s", {"data": {"password": "b3RoZXI="}})
        site.run("plan").expect(0, "1 to change", without=("b3RoZXI", *hidden))
        site.apply().expect(0)
        self.assertEqual(self.get("Secret", "s")["data"]["password"], "aHVudGVyMg==")
        self.says(site, secret.replace("stringData: { password: hunter2, user: bob }\ndata: { key: c3VyZQ== }\n", ""))
        site.run("plan").expect(0, "1 to change", without=hidden)
        site.apply().expect(0)
        self.assertFalse(self.get("Secret", "s").get("data"))
        self.converged(site)
        self.assertEqual(site.run("plan", "--json").text.count("hunter2"), 0)

    def test_a_secret_that_kubectl_made_does_not_show_in_its_annotation(self):
        self.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.ns}})
        self.api.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": self.ns, "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": '{"data":{"a":"aHVudGVyMg=="}}'}}, "data": {"a": "aHVudGVyMg=="}}, "kubectl-client-side-apply")
        site = self.site(self.manifest("apiVersion: v1\nkind: Secret\nmetadata: { name: s }\ndata: { a: aHVudGVyMg== }\n"))
        site.run("plan", "--out", "p").expect(0, "1 to change", without=("aHVudGVyMg",))
        site.run("show", "--json", "p").expect(0, without=("aHVudGVyMg",))
        site.apply().expect(0, without=("aHVudGVyMg",))
        self.assertNotIn("annotations", self.get("Secret", "s")["metadata"])
        self.converged(site)

    # ---- references

    def test_references_into_objects(self):
        body = f'''local ns = kube.object "ns" {{ apiVersion = "v1", kind = "Namespace", metadata = {{ name = "{self.ns}" }} }}
local a = kube.object "a" {{ apiVersion = "v1", kind = "ConfigMap", metadata = {{ name = "a", namespace = "{self.ns}" }}, data = {{ x = "1" }}, depends_on = {{ ns }} }}
kube.object "b" {{ apiVersion = "v1", kind = "ConfigMap", metadata = {{ name = "b", namespace = "{self.ns}" }}, data = {{ uid = a.uid, text = "of " .. a.uid }} }}
'''
        site = self.site(body)
        site.run("plan").expect(0, "3 to create", "known after apply")
        site.apply().expect(0, "3 done")
        uid = self.get("ConfigMap", "a")["metadata"]["uid"]
        self.assertEqual(self.get("ConfigMap", "b")["data"], {"uid": uid, "text": "of " + uid})
        self.converged(site)

    # ---- what goes wrong

    def test_killed_between_the_apply_and_its_record(self):
        names = [f"c{i:02}" for i in range(40)]
        site = self.site(self.manifest("---\n".join(CONFIG % name for name in names)))
        if self.double:
            # The answers are lost: what was made is not recorded.
            self.double.fail(0, times=6, path="/configmaps/")
        process = site.start("apply", "--yes")
        wait_for(lambda: len(self.names("ConfigMap")) >= 4, 30, "some of the work")
        process.interrupt(signal.SIGKILL)
        process.child.wait()
        if self.double:
            self.double.faults.clear()
        uids = {name: live["metadata"]["uid"] for name in names if (live := self.get("ConfigMap", name))}
        self.api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs", "namespace": self.ns}})
        # Meanwhile one of them left the playbook: made or not, recorded or not, it goes, and nothing else does.
        self.says(site, self.manifest("---\n".join(CONFIG % name for name in names if name != "c00"))).apply().expect(0)
        self.assertEqual(self.names("ConfigMap"), {*names, "theirs"} - {"c00"})
        for name, uid in uids.items():
            if name != "c00":
                self.assertEqual(self.get("ConfigMap", name)["metadata"]["uid"], uid, "made twice")
        self.converged(site)
        self.assertEqual(len(site.run("state", "list").out.split()), len(names))

    def test_two_at_once(self):
        group = f"{self.ns}.example.org"
        widget = json.dumps({"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 3}})
        site = self.site(self.manifest(definition(group), name="d", wait=True))
        site.apply().expect(0)
        self.says(site, self.manifest(definition(group), name="d", wait=True) + self.manifest(widget, wait=True, wait_for="Ready", create_namespace=False))
        first = site.start("apply", "--yes")
        wait_for(lambda: self.get("Widget", "w", f"{group}/v1"), 30, "the first")
        told = site.apply().expect(3, "lock")
        self.assertRegex(told.err, r"apply.*since|since.*apply|held by")
        site.run("plan").expect(0, "1 to change", "ready")
        self.edit("Widget", "w", {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}, f"{group}/v1")
        first.finish().expect(0, "done")
        self.converged(site)

    def test_two_sites_with_the_same_object(self):
        text = self.manifest(CONFIG % "a")
        one, two = self.site(text), self.site(text)
        one.apply().expect(0)
        two.apply().expect(0)
        self.converged(one)
        self.converged(two)

    def test_the_server_restarts_in_the_middle(self):
        site = self.site(self.manifest("---\n".join(CONFIG % f"c{i:02}" for i in range(40))))
        process = site.start("apply", "--yes")
        wait_for(lambda: len(self.names("ConfigMap")) >= 4, 30, "some of the work")
        self.restart(1.5)
        process.finish().expect(0, "41 done")
        self.converged(site)

    def test_what_is_not_allowed(self):
        site = self.site(self.manifest(CONFIG % "a"), path=self.allow_guest("get", "list"))
        wait_for(lambda: site.run("plan").code == 0, 30, "his role")
        site.run("plan").expect(0, "2 to create")
        site.apply().expect(1, f'patch namespaces {self.ns}: Forbidden: namespaces "{self.ns}" is forbidden: User "guest" cannot patch resource "namespaces"',
                            "allow the verb 'patch' on 'namespaces' to the user '")
        self.allow_guest()
        wait_for(lambda: site.run("plan").code == 1, 30, "the end of his role")
        site.run("plan").expect(1, 'get namespaces', "allow the verb 'get' on 'namespaces'", "guest")

    def test_credentials_that_have_expired(self):
        self.site(self.manifest(CONFIG % "a"), path=self.config_of("long-ago")).run("plan").expect(
            1, "Unauthorized", "are not accepted: they may have expired", without=("long-ago",))

    def test_bad_documents_name_themselves(self):
        for text, *words in (("a: [", 'kube.manifest "m", document 1', "not valid YAML"),
                             (CONFIG % "a" + "---\n# more\na: 1\n b: 2\n", 'document 2: line 8: not valid YAML'),
                             (CONFIG % "a" + "---\na: 1\na: 2\n", "document 2: line 7: duplicate key 'a'"), (CONFIG % "a" + "---\nkind: ConfigMap\n", "document 2", "apiVersion: a text wanted"),
                             (CONFIG % "a" + "---\n" + CONFIG % "a", "document 2", "is there already"),
                             ("apiVersion: v1\nkind: ConfigMap\nmetadata: { generateName: x- }", "document 1", "metadata.name")):
            self.site(self.manifest(text)).run("plan").expect(1, "play.lua:2", *words)
        site = self.site()
        (site.directory / "m").mkdir()
        (site.directory / "m" / "good.yaml").write_text(CONFIG % "a")
        (site.directory / "m" / "bad.yml").write_text(CONFIG % "b" + "---\napiVersion: v1\nmetadata: { name: x }\n")
        (site.directory / "m" / "notes.txt").write_text("none of ours: [")
        self.says(site, f'kube.manifest "m" {{ source = "m", namespace = "{self.ns}" }}').run("plan").expect(1, "m/bad.yml", "document 2", "kind: a text wanted")
        (site.directory / "m" / "bad.yml").unlink()
        site.run("plan").expect(0, "1 to create")

    def test_what_the_server_refuses_names_the_field(self):
        bad = DEPLOYMENT.replace("replicas: 2", "replikas: 2")
        site = self.site(self.manifest(MORE + "---\n" + bad))
        # Without its namespace nothing can be tried.
        site.run("plan").expect(0, "5 to create")
        self.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.ns}})
        words = ("replikas", f"deployments.apps {self.ns}/web: Invalid", 'kube.manifest "m", document 4')
        site.run("plan").expect(1, *words)
        self.assertEqual(self.names("Service"), set(), "a plan makes nothing")
        site.apply().expect(1, f"Deployment:{self.ns}/web", *words)
        # So is a change of what is there; and of what is new, all of it at once.
        self.says(site, self.manifest(MORE.replace('size: "3"', "size: 3")))
        site.run("plan").expect(1, f"configmaps {self.ns}/settings: Invalid: .data.size: expected string", "document 2", "put it into quotes")
        self.says(site, self.manifest("---\n".join((CONFIG % "n").replace("'1'", n).replace("name: n", "name: n" + n) for n in ("1", "2"))))
        site.run("plan").expect(1, "would refuse 2 objects", ".data.a: expected string", "document 1)", "document 2)", "put it into quotes")

    def test_a_secrets_data_that_is_no_text(self):
        for key in "data", "stringData":
            self.site(self.manifest(f"apiVersion: v1\nkind: Secret\nmetadata: {{ name: s }}\n{key}: {{ pin: 48151623 }}\n")).run("plan").expect(
                1, f"Secret {self.ns}/s: {key}.pin: a text wanted, not a number", "play.lua:2", without=("48151623",))

    def test_a_plan_needs_no_right_to_change(self):
        site = self.site(self.manifest(CONFIG % "a"))
        site.apply().expect(0)
        site.inventory({"path": self.allow_guest("get", "list")})
        self.says(site, self.manifest((CONFIG % "a").replace("'1'", "'2'") + "---\n" + CONFIG % "b"))
        wait_for(lambda: site.run("plan").code == 0, 30, "his role")
        site.run("plan").expect(0, "1 to create, 1 to change", '"1" -> "2"')
        site.apply().expect(1, "Forbidden", "allow the verb 'patch' on 'configmaps' in the namespace")


if __name__ == "__main__":
    unittest.main()
