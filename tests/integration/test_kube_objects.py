"""Objects in a cluster: made, left alone, changed by hand, owned by others, replaced, taken away. On the API double; with KUBE_BUNDLE (the lab's
bundle) on the real API server of that version, where the double is not asked to fail."""

from __future__ import annotations

import json

from harness import wait_for
from kube_case import CONFIG, DEPLOYMENT, MORE, KubeCase, definition, unittest
from kube_api import owners


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


if __name__ == "__main__":
    unittest.main()
