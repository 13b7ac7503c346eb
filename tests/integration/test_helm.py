"""Helm charts as objects of the plan, rendered by the real helm 3 and 4 (.ci/setup helm) from a chart of our own (helm/shop)."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import shutil
import tarfile
import time
from pathlib import Path

from harness import wait_for
from kube_case import HEAD, Kube, KubeCase, unittest
from test_downloads import Shelf

CHART = Path(__file__).resolve().parent / "helm" / "shop"
PROGRAMS = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "slipway-test/helm"
SPY = '#!/bin/sh\n{ echo "run"; printf "argument %%s\\n" "$@"; env; } >>"%s"\nexec "%s" "$@"\n'
FAKE = "#!/bin/sh\ncat >/dev/null\n%s\n"
PASSWORD = "hunter2000swordfish"


class Site(Kube):
    """A site with the chart beside it, and a helm that writes down how it is called."""

    def __init__(self, case: HelmCase) -> None:
        super().__init__({"path": str(case.kubeconfig)})
        shutil.copytree(CHART, self.directory / "shop")
        self.namespace = case.ns
        self.log = self.directory.parent / (self.directory.name + ".helm")
        self.bin = self.directory / "bin"
        self.bin.mkdir()
        self.install(SPY % (self.log, case.program))
        self.env["PATH"] = f"{self.bin}:/usr/bin:/bin"

    def install(self, script: str) -> None:
        (self.bin / "helm").write_text(script)
        (self.bin / "helm").chmod(0o755)

    def says(self, values: str = "", more: str = "", name: str = "r") -> Site:
        self.play(HEAD + f'kube.helm "{name}" {{ chart = "shop", namespace = "{self.namespace}", create_namespace = true, '
                  f"values = {{ {values} }}, {more} }}\n")
        return self

    def runs(self) -> int:
        return self.log.read_text().splitlines().count("run") if self.log.exists() else 0

    def close(self) -> None:
        self.log.unlink(missing_ok=True)
        super().close()


def archive(directory: Path) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        tar.add(directory, arcname=directory.name)
    return out.getvalue()


class HelmCase(KubeCase):
    program: Path

    @classmethod
    def setUpClass(cls) -> None:
        if not cls.program.exists():
            raise AssertionError(f"there is no {cls.program}: run .ci/setup helm")
        super().setUpClass()

    def chart(self, values: str = "", more: str = "") -> Site:
        site = Site(self)
        self.addCleanup(site.close)
        return site.says(values, more)


class Objects:
    """What becomes of a chart; with both versions of helm."""

    def test_made_changed_and_taken_away(self):
        site = self.chart("size = 3")
        site.run("plan").expect(0, "kube_object.r:Deployment:" + self.ns + "/r-shop", "to create", "rendering the chart shop")
        site.apply().expect(0)
        self.assertEqual(self.get("ConfigMap", "r-cache")["data"], {"size": "64"})
        self.assertEqual(self.get("Size", "r-shop", "example.org/v1")["spec"], {"value": 3})
        self.assertEqual(self.get("Deployment", "r-shop", "apps/v1")["spec"]["replicas"], 2)
        self.assertEqual(self.get("Service", "r-shop")["spec"]["ports"][0]["targetPort"], "http")
        self.converged(site)
        self.assertEqual(site.runs(), 2)  # once to see, once to see the same: then it is in the cache
        site.says("size = 3, replicas = 3, greeting = 'good day'")
        site.run("plan").expect(0, "2 to change", "good day")
        site.apply().expect(0)
        self.assertEqual(self.get("Deployment", "r-shop", "apps/v1")["spec"]["replicas"], 3)
        self.assertEqual(self.get("ConfigMap", "r-shop")["data"]["greeting"], "good day")
        self.converged(site)
        site.says("size = 3, replicas = 3, greeting = 'good day', cache = { enabled = false }")
        site.run("plan").expect(0, "1 to destroy", "r-cache")
        site.apply().expect(0)
        self.assertIsNone(self.get("ConfigMap", "r-cache"))
        self.converged(site)
        site.run("destroy", "--yes").expect(0)
        self.assertIsNone(self.get("Deployment", "r-shop", "apps/v1"))

    def test_a_secret_value_is_shown_nowhere(self):
        site = self.chart(f'password = secret("{PASSWORD}")')
        said = [site.run("plan"), site.run("plan", "--json", "--trace", "trace"), site.run("plan", "--out", "saved"), site.run("show", "--json", "saved"),
                site.apply("--json"), site.run("plan", "--detailed-exitcode"), site.run("state", "list")]
        for each in said:
            each.expect(0)
        name, encoded = f"{self.ns}/r-shop", base64.b64encode(PASSWORD.encode()).decode()
        self.assertEqual(self.get("Secret", "r-shop")["data"], {"password": encoded})
        self.assertEqual(self.get("ConfigMap", "r-shop-url")["data"],
                         {"url": f"https://shop:{PASSWORD}@db.example.org/shop", "encoded": encoded, "plain": "nothing to hide"})
        checksum = self.get("Deployment", "r-shop", "apps/v1")["spec"]["template"]["metadata"]["annotations"]["checksum/settings"]
        self.assertEqual(checksum, hashlib.sha256(f"hello/{PASSWORD}".encode()).hexdigest())
        said.append(site.run("state", "show", "--json", f"kube_object.r:ConfigMap:{name}-url"))
        text = "".join(each.text for each in said) + site.log.read_text()
        for path in site.directory.rglob("*"):
            if path.is_file() and path.name != "play.lua":
                text += path.read_bytes().decode("latin-1")
        for word in (PASSWORD, encoded, checksum, encoded[:20]):
            self.assertNotIn(word, text)
        self.assertIn("nothing to hide", said[0].text)  # the rest of the object is not hidden
        self.assertIn("checksum/settings", said[0].text)
        self.assertFalse((site.directory / ".slipway/charts").exists())
        site.says('password = secret("another2000swordfish")')
        site.run("plan").expect(0, "3 to change", "(sensitive)", without=("swordfish",))

    def test_errors_of_helm(self):
        for values, words in (
            ("replicas = 99", ("the chart 'shop': values don't meet the specifications of the schema", "replicas", "play.lua:2")),
            ("broken = { x = 1 }", ("shop/templates/configmap.yaml:11:13", "say what is broken", "play.lua:2")),
            ("size = '[a: '", ("YAML parse error on shop/templates/size.yaml", "play.lua:2")),
        ):
            self.chart(values).run("validate").expect(1, *words, without=("--debug",))
        site = self.chart()
        shutil.rmtree(site.directory / "shop/charts")
        site.run("validate").expect(1, "missing in charts/ directory: cache", "helm dependency build", "nothing is fetched here")
        site = self.chart()
        (site.directory / "shop/templates/service.yaml").write_text("{{ if }}")
        site.run("validate").expect(1, "parse error at (shop/templates/service.yaml:1)")
        site = self.chart(more='kube_version = "1.19.3"')
        site.run("validate").expect(1, "incompatible with Kubernetes v1.19.3", "set kube_version")

    def test_errors_tell_no_secret(self):
        # The stand-in is as wrong as the secret: its error is shown, without it.
        site = self.chart('password = secret("SWORD.fish.2000")')
        site.run("validate").expect(1, "values don't meet the specifications of the schema", "password", without=("SWORD", "fish", "2000"))
        # Only the secret is wrong: what may tell something of it is left out.
        site = self.chart(f'password = secret("{PASSWORD}")')
        (site.directory / "shop/templates/check.yaml").write_text(
            '{{ if eq .Values.password "%s" }}{{ fail (upper .Values.password) }}{{ end }}' % PASSWORD)
        site.run("validate").expect(1, "shop/templates/check.yaml:1", "may hold a secret value", without=(PASSWORD.upper(), PASSWORD))

    def test_what_may_not_follow_from_secrets(self):
        site = self.chart(f'password = secret("{PASSWORD}")')
        template = site.directory / "shop/templates/check.yaml"
        # The chart takes no other text in its place, so nobody can tell what follows from it.
        template.write_text('{{ if ne .Values.password "%s" }}{{ fail .Values.password }}{{ end }}' % PASSWORD)
        site.run("validate").expect(1, "shop/templates/check.yaml:1", "(sensitive)", "in the place of secret values", "kube.object", without=(PASSWORD,))
        # Names and fields are shown, so they cannot follow from secrets.
        for text in ("kind: ConfigMap\napiVersion: v1\nmetadata: {name: 'x-{{ .Values.password }}'}\n",
                     "kind: ConfigMap\napiVersion: v1\nmetadata: {name: x}\ndata: {'{{ .Values.password }}': y}\n",
                     '{{ if eq .Values.password "%s" }}\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: x}\n{{ end }}' % PASSWORD):
            template.write_text(text)
            site.run("validate").expect(1, "follows from a secret value", without=(PASSWORD,))

    def test_hooks(self):
        site = self.chart("hooks = true")
        site.run("plan").expect(0, "left out: Job r-shop-pre-delete (pre-delete)", without=("Job:" + self.ns + "/r-shop-test",))
        since = len(self.double.requests)
        running = site.start("apply", "--yes")
        for name in ("r-shop-pre-install", "r-shop-post-install"):  # each is waited for
            wait_for(lambda name=name: self.get("Job", name, "batch/v1"), what=name)
            self.api.patch("batch/v1", "Job", self.ns, name, {"status": {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}},
                           subresource="status")
        running.finish().expect(0)
        applied = [request.split("?")[0].rsplit("/", 1)[1] for request in self.requests(since) if request.startswith("PATCH") and not request.endswith(" dry")]
        order = [applied.index(name) for name in ("r-shop-before", "r-shop-pre-install", "r-cache", "r-shop-post-install")]
        self.assertEqual(order, sorted(order), applied)
        self.assertNotIn("r-shop-pre-delete", applied)
        self.assertNotIn("r-shop-test", applied)
        self.assertNotIn("ttlSecondsAfterFinished", self.get("Job", "r-shop-pre-install", "batch/v1")["spec"])
        self.converged(site)
        hooks = site.directory / "shop/templates/hooks.yaml"
        hooks.write_text(hooks.read_text().replace("job:1", "job:2"))
        site.run("plan").expect(0, "2 to replace")  # a changed hook runs again
        site.says("hooks = true", "hooks = false").run("plan").expect(0, "3 to destroy", without=("left out",))

    def test_what_is_new_each_time(self):
        site = self.chart("random = true")
        site.run("validate").expect(0, "something new at each rendering", "ConfigMap r-shop: data.random")
        site.run("plan").expect(0, "(sensitive)")
        self.assertFalse((site.directory / ".slipway/charts").exists())

    def test_files_of_values_and_what_the_cluster_has(self):
        site = self.chart("greeting = 'from the playbook'",
                          'values_files = { "a.yaml", "b, c.yaml" }, kube_version = "1.29.4", api_versions = { "example.org/v1/Size" }, release = "other"')
        (site.directory / "a.yaml").write_text("replicas: 4\nimage: a\ngreeting: from a\n")
        (site.directory / "b, c.yaml").write_text("image: b\n")
        site.apply().expect(0)
        deployment = self.get("Deployment", "other-shop", "apps/v1")["spec"]
        self.assertEqual((deployment["replicas"], deployment["template"]["spec"]["containers"][0]["image"]), (4, "b:7.1"))
        self.assertEqual(self.get("ConfigMap", "other-shop")["data"], {"greeting": "from the playbook", "kubernetes": "v1.29.4", "sizes": "true"})
        runs = site.runs()
        (site.directory / "a.yaml").write_text("replicas: 5\n")
        site.run("plan").expect(0, "replicas")
        self.assertGreater(site.runs(), runs)

    def test_an_archive_by_url(self):
        shelf = Shelf()
        self.addCleanup(shelf.close)
        content = archive(CHART)
        shelf.answers["/charts.example.org/shop-1.2.3.tgz"] = content
        site = self.chart()
        inventory = json.loads((site.directory / "inventory.yaml").read_text())
        (site.directory / "inventory.yaml").write_text(json.dumps({**inventory, "downloads": {"mirror": shelf.url}}))
        play = HEAD + 'kube.helm "r" { url = "https://charts.example.org/shop-1.2.3.tgz", namespace = "%s"%s }'
        site.play(play % (self.ns, ""))
        site.run("validate").expect(0, "5 resources", "fetching", "rendering")
        self.assertIn(hashlib.sha256(content).hexdigest(), (site.directory / "slipway.lock").read_text())
        shelf.close()
        site.run("validate").expect(0, "5 resources", without=("fetching", "rendering"))  # nothing of the network is needed any more
        site.play(play % (self.ns, ", values = { replicas = 5 }"))
        site.run("validate").expect(0, "rendering", without=("fetching",))
        site.play(play % (self.ns, f', sha256 = "{"0" * 64}"'))
        site.run("validate").expect(3, "pinned to another SHA-256")
        (site.directory / "shop.tgz").write_bytes(content)  # and one that lies beside the inventory
        site.says().play((site.directory / "play.lua").read_text().replace('"shop"', '"shop.tgz"'))
        site.run("validate").expect(0, "6 resources", without=("rendering",))  # the same chart
        site.says("replicas = 6").play((site.directory / "play.lua").read_text().replace('"shop"', '"shop.tgz"'))
        site.run("validate").expect(0, "rendering the chart shop.tgz")


class Helm3(Objects, HelmCase):
    program = PROGRAMS / "3/helm"


class Helm4(Objects, HelmCase):
    program = PROGRAMS / "4/helm"


class Around(HelmCase):
    """What does not hang on helm's version."""

    program = PROGRAMS / "4/helm"

    def test_how_helm_is_called(self):
        site = self.chart('greeting = "in the values"')
        site.env |= {"KUBECONFIG": str(self.kubeconfig), "HELM_NAMESPACE": "x", "HELM_KUBETOKEN": "t0ken", "HELM_PLUGINS": "/x", "AWS_SECRET_ACCESS_KEY": "k3y",
                     "HELM_CONFIG_HOME": "/x"}
        site.run("validate").expect(0)
        log = site.log.read_text()
        for word in ("in the values", "HELM_NAMESPACE", "HELM_PLUGINS", "t0ken", "k3y", str(self.kubeconfig), "/x"):
            self.assertNotIn(word, log)
        lines = log.splitlines()
        self.assertIn("argument --include-crds", lines)
        self.assertEqual(lines[lines.index("argument --values") + 1], "argument -")
        self.assertFalse((site.directory / ".slipway/charts/none").exists())

    def test_the_cache(self):
        site = self.chart()
        for _ in range(3):
            site.run("validate").expect(0)
        self.assertEqual(site.runs(), 2)
        kept, = (site.directory / ".slipway/charts").iterdir()
        self.assertEqual(kept.stat().st_mode & 0o777, 0o600)
        (site.directory / "shop/values.yaml").write_text((CHART / "values.yaml").read_text().replace("hello", "hi"))
        site.run("validate").expect(0, "rendering")
        os.utime(site.bin / "helm", (time.time(), 1))  # another program
        site.run("validate").expect(0, "rendering")
        site.says("password = 'plain'").run("validate").expect(0, "rendering")
        site.run("validate").expect(0, "rendering")  # a Secret is kept nowhere
        self.assertEqual(len(list((site.directory / ".slipway/charts").iterdir())), 3)

    def test_a_saved_plan_needs_no_helm(self):
        site = self.chart()
        site.run("plan", "--out", "saved").expect(0)
        (site.bin / "helm").unlink()
        site.run("apply", "saved", "--yes").expect(0)
        site.run("validate").expect(1, "there is no helm on this machine", "'shop'", "play.lua:2", "install helm")

    def test_a_stranger(self):
        site = self.chart()
        site.run("validate", "--untrusted").expect(3, "helm is not run for a stranger: a chart is a program", "render it once", "play.lua:2")
        self.assertEqual(site.runs(), 0)
        site.run("validate").expect(0)
        runs = site.runs()
        site.run("validate", "--untrusted").expect(0, "6 resources")  # what its owner has rendered
        site.says("replicas = 3").run("plan", "--untrusted").expect(3, "helm is not run for a stranger")
        site.says(f'password = secret("{PASSWORD}")').run("validate", "--untrusted").expect(3, "by a plan of your own only")
        (site.directory / "shop/private").symlink_to("/etc/hostname")
        site.says().run("validate", "--untrusted").expect(3, "'private' leads out of the inventory's directory, by a link")
        self.assertEqual(site.runs(), runs)

    def test_charts_that_are_none(self):
        site = self.chart()
        (site.directory / "empty").mkdir()
        (site.directory / "text.tgz").write_text("no archive")
        for chart, words in (("absent", "there is no file 'absent'"), ("empty", "it holds no Chart.yaml"), ("../x", "leads out"), ("text.tgz", "text.tgz")):
            site.play(HEAD + f'kube.helm "r" {{ chart = "{chart}" }}')
            code = 3 if chart == "../x" else 1
            site.run("validate").expect(code, words, "play.lua:2")
        site.says()
        (site.directory / "shop/templates/loop").symlink_to(site.directory / "shop")
        site.run("validate").expect(1, "lies too deep: does a link lead in a circle?")
        (site.directory / "shop/templates/loop").unlink()
        os.mkfifo(site.directory / "shop/pipe")
        site.run("validate").expect(1, "'pipe' is neither a file nor a directory")

    def test_options_that_are_wrong(self):
        site = self.chart()
        for options, words in (
            ("", "chart = a directory or archive, or url"),
            ('chart = "shop", url = "https://x/y.tgz"', "chart = a directory or archive, or url"),
            ('chart = "shop", valeus = {}', "there is no 'valeus'"),
            ('chart = "oci://example.org/shop"', "in an OCI registry is not fetched"),
            ('url = "oci://example.org/shop"', "helm pull oci://example.org/shop"),
            ('chart = "https://example.org/shop.tgz"', "given as url"),
            ('chart = "shop", release = "Bad_Name"', "release: a name of small letters"),
            (f'chart = "shop", release = "{"a" * 54}"', "is no name for a release"),
            ('chart = "shop", namespace = 3', "namespace: a name"),
            ('chart = "shop", values = { "a" }', "values: a table"),
            ('chart = "shop", values_files = { "absent.yaml" }', "there is no file 'absent.yaml'"),
            ('chart = "shop", values_files = { "--debug" }', "values_files: a list of texts"),
            ('chart = "shop", kube_version = "new"', "kube_version: a version"),
            ('chart = "shop", api_versions = { 3 }', "api_versions: a list of texts"),
            ('chart = "shop", values = { a = kube.object "o" { apiVersion = "v1", kind = "ConfigMap", metadata = { name = "x" } }.uid }', "known after apply"),
        ):
            site.play(HEAD + f'kube.helm "r" {{ {options} }}')
            site.run("validate").expect(1, words, "play.lua:2")
        site.play(HEAD + 'kube.helm "r" "shop"').run("validate").expect(1, "a table wanted", "play.lua:2")
        site.play(HEAD + 'kube.helm "BIG" { chart = "shop" }').run("validate").expect(1, "'BIG' is no name for a release")
        site.play(HEAD + 'kube.helm "r"').run("validate").expect(1, 'kube.helm "r"')
        self.assertEqual(site.runs(), 0)

    def test_a_helm_that_misbehaves(self):
        site = self.chart()
        for script, words in (
            ("yes '# long line of nothing' | head -c 35000000", "more than 32 MiB"),
            ("printf 'a: [\\n'", "not valid YAML"),
            ("printf 'a: \\001\\n'", "not valid YAML"),
            ("printf 'text\\n'", "an object wanted"),
            ("echo 'Error: unknown flag: --include-crds' >&2; exit 1", "unknown flag: --include-crds"),
            ("exit 3", "helm could not render the chart 'shop'"),
            ("kill -9 $$", "helm could not render the chart 'shop'"),
        ):
            site.install(FAKE % script)
            site.run("validate").expect(1, words)
        site.install("#!/bin/sh\necho 'Error: \033[31mred' >&2; exit 1")  # does not read its values; says what a terminal would obey
        site.says("motd = ('x'):rep(1000000)").run("validate").expect(1, "\\x1b[31mred", without=("\033",))

    def test_interrupted(self):
        site = self.chart()
        site.install("#!/bin/sh\necho $$ >>%s\nexec sleep 1000\n" % site.log)
        running = site.start("plan")
        pids = wait_for(lambda: site.log.exists() and len(site.log.read_text().split()) == 2 and site.log.read_text().split(), what="helm")
        running.interrupt()
        running.finish(20).expect(1, "cancelled", "rendering the chart 'shop'")
        wait_for(lambda: not any(Path("/proc", pid).exists() for pid in pids), what="the end of helm")

    def test_the_inventorys_version_and_nulls(self):
        site = self.chart("greeting = slipway.null, motd = 'a\\nb'", "create_namespace = false")
        inventory = json.loads((site.directory / "inventory.yaml").read_text())
        (site.directory / "inventory.yaml").write_text(json.dumps({**inventory, "kubernetes": {"version": "1.28.9"}}))
        site.run("plan").expect(0, '"v1.28.9"', 'motd', without=("hello",))

    def test_kept_where_the_chart_says_so(self):
        site = self.chart()
        service = site.directory / "shop/templates/service.yaml"
        kept = service.read_text().replace("metadata:\n", "metadata:\n  annotations: { helm.sh/resource-policy: keep }\n", 1)
        service.write_text(kept)
        site.apply().expect(0)
        service.unlink()
        site.run("plan").expect(3, "prevent_destroy", "Service")
        self.assertIsNotNone(self.get("Service", "r-shop"))

    def test_a_secret_among_others_in_a_list(self):
        site = self.chart('env = { { name = "A", value = "plain" }, { name = "B", value = secret("%s") } }' % PASSWORD)
        deployment = site.directory / "shop/templates/deployment.yaml"
        deployment.write_text(deployment.read_text() + "          env: {{- toYaml .Values.env | nindent 12 }}\n")
        site.apply().expect(0, without=(PASSWORD,))
        self.assertEqual(self.get("Deployment", "r-shop", "apps/v1")["spec"]["template"]["spec"]["containers"][0]["env"][1]["value"], PASSWORD)
        self.converged(site)
        self.edit("Deployment", "r-shop", [{"op": "replace", "path": "/spec/template/spec/containers/0/env/1/value", "value": "by hand"}], "apps/v1")
        site.run("plan").expect(0, "1 to change", "(sensitive)", without=(PASSWORD, "by hand"))
        site.apply().expect(0)
        self.converged(site)

    def test_several(self):
        site = self.chart()
        site.play(HEAD + "\n".join(f'kube.helm "r{i}" {{ chart = "shop", namespace = "{self.ns}-{i}", create_namespace = true, include_crds = false }}'
                                   for i in range(3)))
        site.apply().expect(0, "15 to create")
        self.converged(site)
        self.assertEqual(site.runs(), 6)


if __name__ == "__main__":
    unittest.main()
