"""Objects in a cluster that are late, refused or not allowed, and runs that are killed, cut off or beside each other. On the API double; with KUBE_BUNDLE (the
lab's bundle) on the real API server of that version, where the double is not asked to fail."""

from __future__ import annotations

import json
import signal
import time

from harness import wait_for
from kube_case import CONFIG, DEPLOYMENT, MORE, KubeCase, definition, on_the_double, unittest


class Faults(KubeCase):
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
