"""The client of clusters, on an API server that is as strict as the real one and fails when it is told to."""

import json
import shutil
import tempfile
import time
from pathlib import Path

from kube_suite import Kube, Suite, unittest
from kube_double import KubeDouble


class Doubled:
    version = (1, 36)

    @classmethod
    def setUpClass(cls) -> None:
        cls.directory = Path(tempfile.mkdtemp(prefix="slipway-double-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.double = KubeDouble(cls.directory, cls.version)
        cls.addClassCleanup(cls.double.close)
        cls.provider = {"path": str(cls.double.kubeconfig)}
        super().setUpClass()


class Modern(Doubled, Suite, unittest.TestCase):
    """The suite on what 1.36 does."""


class Old(Doubled, Suite, unittest.TestCase):
    """The suite on what the real server of the e2e tests does."""

    version = (1, 20)


class Faults(Doubled, unittest.TestCase):
    """What goes wrong, and how it is told."""

    def setUp(self) -> None:
        self.kube = Kube(self.provider)
        self.addCleanup(self.kube.close)
        self.double.faults.clear()
        self.double.requests.clear()
        self.name = f"t{time.monotonic_ns()}"

    def does(self, body: str, *, code: int = 0, words: tuple[str, ...] = (), without: tuple[str, ...] = (), env: dict | None = None, times: int = 1):
        result = self.kube.script(body.replace("NAME", f'"{self.name}"'), times).apply("--trace", "trace", env=env).expect(code, *words, without=without)
        return self.kube.output() if code == 0 else result

    def data(self, name: str | None = None) -> dict | None:
        found = self.double.store.objects.get(("", "configmaps"), {}).get(("default", name or self.name))
        return found and found["data"]

    # ---- answers that are none

    def test_too_many_requests(self) -> None:
        self.double.fail(429, times=2, retry_after=1, path="/configmaps/")
        started = time.monotonic()
        self.does('kube:apply(cm(NAME, { a = "1" }))')
        self.assertGreater(time.monotonic() - started, 2)
        self.assertEqual((self.double.count("PATCH"), self.data()), (3, {"a": "1"}))

    def test_errors_that_pass(self) -> None:
        for status in 503, 504, -1, 0:
            self.double.fail(status, times=2, path=f"/configmaps/{self.name}", method="PATCH")
        self.double.fail(503, times=1, path="/api")
        self.does('kube:apply(cm(NAME, { a = "1" }))')
        self.assertEqual((self.double.count("PATCH"), self.data()), (9, {"a": "1"}))

    def test_somebody_else_changes_it_at_the_same_time(self) -> None:
        self.double.fail(409, times=3, path=f"/configmaps/{self.name}", method="PATCH")
        self.does('kube:apply(cm(NAME, { a = "1" }))')
        self.assertEqual((self.double.count("PATCH"), self.data()), (4, {"a": "1"}))
        self.double.fail(409, path=f"/configmaps/{self.name}", method="PATCH")
        self.kube.run("destroy", "--yes").expect(0)
        self.does('local _, err = kube:apply(cm(NAME, { a = "2" }, { resourceVersion = "1" }), { try = true }) return err.class')
        self.assertEqual((self.kube.output(), self.data()), ("conflict", {"a": "1"}))

    def test_a_creation_whose_answer_is_lost(self) -> None:
        """It is not sent again, and the intent stays open."""
        self.double.fail(0, path="/configmaps", method="POST")
        self.does('kube:create(cm(NAME, { a = "1" }))', code=1, words=("kubernetes: create configmaps default/" + self.name, "the answer is lost"))
        self.assertEqual((self.double.count("POST"), self.data()), (1, {"a": "1"}))
        self.assertIn("kube_script.s1", self.kube.run("status").text + self.kube.run("plan").text)

    def test_a_creation_that_was_not_heard(self) -> None:
        self.double.fail(503, times=2, path="/configmaps", method="POST")
        self.does('kube:create(cm(NAME, { a = "1" }))')
        self.assertEqual((self.double.count("POST"), self.data()), (3, {"a": "1"}))

    def test_a_delete_whose_answer_is_lost(self) -> None:
        self.double.fail(0, path=f"/configmaps/{self.name}", method="DELETE")
        out = self.does('local made = kube:apply(cm(NAME)) return kube:delete("v1", "ConfigMap", "default", NAME, { uid = made.metadata.uid, within = 10 })')
        self.assertIn(out, ("true", "false"))
        self.assertIsNone(self.data())

    def test_the_server_restarts(self) -> None:
        body = """
          local done = 0
          kube:all {
            function()
              kube:wait { apiVersion = "v1", kind = "ConfigMap", namespace = "default", name = NAME, within = 60, check = function(object)
                return object and object.data.round == "20"
              end }
            end,
            function()
              for i = 1, 20 do
                kube:apply(cm(NAME, { round = tostring(i) }))
                kube:sleep(0.1)
              end
            end,
          }"""
        process = self.kube.script(body.replace("NAME", f'"{self.name}"')).start("apply", "--yes")
        time.sleep(1)
        self.double.stop()
        time.sleep(2)
        self.double.start()
        process.finish(60).expect(0)
        self.assertEqual(self.data(), {"round": "20"})

    def test_nobody_there(self) -> None:
        config = self.double.config(server="https://127.0.0.1:1")
        (self.kube.directory / "kubeconfig").write_text(json.dumps(config))
        self.kube.inventory({"path": "kubeconfig"})
        self.kube.inventory({"path": str(self.kube.directory / "kubeconfig")})
        started = time.monotonic()
        self.does('kube:get("v1", "ConfigMap", "default", "a")', code=1, words=("no connection to the API server", "127.0.0.1:1", "check the network"))
        self.assertLess(time.monotonic() - started, 40)

    # ---- watches

    WAITERS = """
      local calls = {}
      for i = 1, 6 do
        calls[i] = function()
          return kube:wait { apiVersion = "v1", kind = "ConfigMap", namespace = "default", name = NAME .. i, within = 60, check = function(object)
            return object and object.data and object.data.state == "done" and i or nil, object and "there" or "not there"
          end }
        end
      end
      return kube:all(calls)"""

    def waits(self, *steps) -> None:
        process = self.kube.script(self.WAITERS.replace("NAME", f'"{self.name}"')).start("apply", "--yes")
        store = self.double.store
        kind = store.kind("", "v1", "configmaps")
        time.sleep(0.7)
        for number in range(1, 7):
            thing = {"metadata": {"name": f"{self.name}{number}"}, "data": {"state": "new", "big": "x" * 400_000}}
            store.create(kind, "default", thing, "test")
        for step in steps:
            step()
            time.sleep(0.3)
        for number in range(1, 7):
            with store.changed:
                live = store.get(kind, "default", f"{self.name}{number}")
                store.update(kind, live, {**live, "data": {"state": "done"}}, "test")
        process.finish(60).expect(0)
        self.assertEqual(json.loads(self.kube.output()), [1, 2, 3, 4, 5, 6])

    def watched(self) -> int:
        return sum(1 for method, path, query, _ in self.double.requests if query.get("watch"))

    def test_one_watch_for_all(self) -> None:
        self.waits()
        self.assertEqual(self.watched(), 1)
        self.assertEqual(self.double.count("GET", f"/configmaps/{self.name}"), 6)

    def test_watches_are_taken_up_where_they_broke(self) -> None:
        self.waits(self.double.cut_watches, self.double.cut_watches)
        self.assertGreaterEqual(self.watched(), 2)
        self.assertEqual(self.double.count("GET", f"/configmaps/{self.name}"), 6, "nothing was read anew")

    def test_what_is_too_old_is_read_anew(self) -> None:
        self.waits(self.double.forget_history)
        self.assertGreaterEqual(self.watched(), 2)

    def test_watches_and_restarts(self) -> None:
        self.waits(self.double.cut_watches, self.double.stop, self.double.start, self.double.forget_history)

    def test_a_list_that_is_forgotten_between_pages(self) -> None:
        self.double.store.compacted = 0
        body = """
          local calls = {}
          for i = 1, 9 do calls[i] = function() kube:apply(cm(NAME .. i, nil, { labels = { set = NAME } })) end end
          kube:all(calls)
          return #kube:list("v1", "ConfigMap", { labels = "set=" .. NAME, limit = 2 })"""
        self.double.fail(410, path="/api/v1/configmaps")
        self.double.faults[-1].times = 0
        handler = self.double._fault

        def forget_at_the_third_page(method, path):
            if path == "/api/v1/configmaps" and self.double.count("GET", "^/api/v1/configmaps$") == 2:
                self.double.forget_history()
            return handler(method, path)
        self.double._fault = forget_at_the_third_page
        self.addCleanup(setattr, self.double, "_fault", handler)
        self.assertEqual(self.does(body), "9")

    RAW = """
      local provider, resource = require "provider", require "resource"
      provider.define("raw", { client = function(config, io) return { config = config, io = io } end })
      return resource "raw_script" { on = "api", provider = "raw", doc = "x", schema = { out = { "string", computed = true, doc = "x" } },
        list = function() return {} end,
        create = function(raw)
          local function open(query, more)
            local options = { url = raw.config.url .. "/api/v1/namespaces/default/configmaps?watch=1&" .. query, stream = true, ca = raw.config.ca,
              headers = { Authorization = "Bearer raw-token" }, timeout = 60 }
            for key, value in pairs(more or {}) do options[key] = value end
            return raw.io.http(options)
          end
          local io = raw.io
          local function body()
            %s
          end
          return { out = tostring(body()) }
        end }"""

    def raw(self, body: str, code: int = 0, *words: str) -> str:
        self.double.tokens["raw-token"] = ("raw", ["system:masters"])
        provider = {"name": "raw", "url": f"https://127.0.0.1:{self.double.port}", "ca": (self.directory / "ca.crt").read_text()}
        self.kube.inventory(provider)
        (self.kube.directory / "raw.lua").write_text(self.RAW % body)
        self.kube.play('output "out1" { value = require("raw")("s1") {}.out }')
        self.kube.apply().expect(code, *words)
        return self.kube.output() if code == 0 else ""

    def grow(self, number: int, size: int) -> int:
        """Events, and the version before them."""
        store = self.double.store
        since = store.version
        for i in range(number):
            store.create(store.kind("", "v1", "configmaps"), "default", {"metadata": {"name": f"{self.name}-{i}"}, "data": {"x": "y" * size}}, "test")
        return since

    def test_a_reader_that_is_slow(self) -> None:
        """What it has not read stops the server; nothing is lost."""
        since = self.grow(30, 200_000)
        out = self.raw(f"""
          local s = open("resourceVersion={since}&timeoutSeconds=6")
          io.sleep(1.5)
          local n, bytes = 0, 0
          for line in function() return s:line() end do
            n, bytes = n + 1, bytes + #line
            if n % 10 == 0 then io.sleep(0.1) end
          end
          return n .. " " .. tostring(bytes > 6000000) .. " " .. tostring(s:line()) .. " " .. s:result().status""")
        self.assertEqual(out, "30 true nil 200")

    def test_streams_that_are_left(self) -> None:
        since = self.grow(2, 10)
        out = self.raw(f"""
          local s = open("resourceVersion={since}&timeoutSeconds=30")
          local got = {{ s:result() == nil, #s:line() > 10, #s:line(5) > 10, s:line(0.2), s:line(0) }}
          s:close()
          got[#got + 1] = s:line() == nil
          got[#got + 1] = s:result().status or s:result().error
          for i = 1, 70 do open("resourceVersion={since}"):close() end -- and those that nobody closes
          for i = 1, 20 do open("resourceVersion={since}") end
          local refused = io.http {{ url = raw.config.url .. "/api/v1/namespaces", ca = raw.config.ca, stream = true }}
          local line = refused:line(10)
          got[#got + 1] = refused:result().status
          got[#got + 1] = line:find("Unauthorized") ~= nil
          return json.encode(got)""")
        self.assertEqual(json.loads(out), [True, True, True, False, False, True, 200, 401, True])

    def test_a_line_that_does_not_fit(self) -> None:
        since = self.grow(1, 1_500_000)
        self.raw(f'local s = open("resourceVersion={since}&timeoutSeconds=5", {{ max_body = 100000 }}) return s:line()', 1, "a line of the answer is longer than")

    def test_one_reader_at_a_time(self) -> None:
        out = self.raw(f"""
          local s = open("resourceVersion={self.double.store.version}&timeoutSeconds=2")
          local fine, words
          io.all {{ function() s:line(1) end, function() io.sleep(0.2) fine, words = pcall(s.line, s, 1) end }}
          return tostring(fine) .. " " .. tostring(words)""")
        self.assertIn("false", out)
        self.assertIn("another coroutine waits", out)

    # ---- who asks

    def as_user(self, user: dict, **cluster) -> None:
        path = self.kube.directory / "kubeconfig"
        path.write_text(json.dumps(self.double.config(user, **cluster)))
        self.kube.inventory({"path": str(path)})

    def test_tokens(self) -> None:
        self.double.tokens["s3cret-token"] = ("jane", ["system:masters"])
        self.as_user({"token": "s3cret-token"})
        self.does("kube:apply(cm(NAME))")
        self.assertNotIn("s3cret", self.kube.trace())
        self.as_user({"token": "expired-token"})
        self.does("kube:apply(cm(NAME))", code=1, words=("Unauthorized", "'admin'", "may have expired"), without=("expired-token",))

    def test_a_token_file_is_read_again(self) -> None:
        token = self.kube.directory / "token"
        token.write_text("old-token\n")
        self.double.tokens["old-token"] = ("jane", ["system:masters"])
        self.as_user({"tokenFile": "token"})
        process = self.kube.script('kube:apply(cm("a")) line("first") kube:sleep(2) kube:apply(cm("b"))').start("apply", "--yes")
        time.sleep(1)
        del self.double.tokens["old-token"]
        token.write_text("new-token\n")
        self.double.tokens["new-token"] = ("jane", ["system:masters"])
        process.finish().expect(0)

    def plugin(self, text: str, **more) -> dict:
        program = self.kube.directory / "plugin"
        program.write_text("#!/bin/sh\necho run >> " + str(self.kube.directory / "runs") + "\n" + text)
        program.chmod(0o755)
        return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin", "args": ["get-token"], "interactiveMode": "Never", **more}}

    def test_exec_plugins(self) -> None:
        self.double.tokens["plugin-token"] = ("jane", ["system:masters"])
        for version in "v1", "v1beta1":
            answer = {"kind": "ExecCredential", "apiVersion": f"client.authentication.k8s.io/{version}", "status": {"token": "plugin-token", "expirationTimestamp": "2199-01-01T00:00:00Z"}}
            (self.kube.directory / "runs").write_text("")
            self.as_user(self.plugin(f"[ \"$1 $WORD\" = 'get-token yes' ] || exit 3\ncase $KUBERNETES_EXEC_INFO in *{version}*) ;; *) exit 4;; esac\ncat <<'E'\n{json.dumps(answer)}\nE\n",
                                     apiVersion=f"client.authentication.k8s.io/{version}", env=[{"name": "WORD", "value": "yes"}]))
            self.does('kube:apply(cm(NAME)) kube:get("v1", "ConfigMap", "default", NAME)')
            self.assertEqual((self.kube.directory / "runs").read_text(), "run\n", "once for all calls")
            self.kube.run("destroy", "--yes").expect(0)

    def test_exec_plugins_give_certificates(self) -> None:
        answer = {"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1", "status": {
            "clientCertificateData": (self.directory / "admin.crt").read_text(), "clientKeyData": (self.directory / "admin.key").read_text()}}
        self.as_user(self.plugin(f"cat <<'E'\n{json.dumps(answer)}\nE\n"))
        self.does("kube:apply(cm(NAME))")

    def test_exec_plugins_that_fail(self) -> None:
        for text, more, words in (
            ("echo no session >&2; exit 7\n", {}, ("ended with status 7", "no session", "users[0].user.exec")),
            ("echo hello\n", {}, ("did not print an ExecCredential",)),
            ("echo '{\"kind\": \"ExecCredential\", \"apiVersion\": \"client.authentication.k8s.io/v1\", \"status\": {}}'\n", {}, ("neither a token nor a certificate",)),
            ("echo '{\"kind\": \"ExecCredential\", \"apiVersion\": \"client.authentication.k8s.io/v1beta1\", \"status\": {}}'\n", {}, ("does not speak client.authentication.k8s.io/v1,", "not v1beta1")),
            ("", {"apiVersion": "client.authentication.k8s.io/v1alpha1"}, ("apiVersion: client.authentication.k8s.io/v1 or v1beta1 wanted, not v1alpha1",)),
            ("", {"command": "no-such-plugin", "installHint": "get it at example.org"}, ("no-such-plugin", "get it at example.org")),
        ):
            self.as_user(self.plugin(text, **more))
            self.does("kube:get('v1', 'ConfigMap', 'default', 'a')", code=1, words=words)

    def test_a_role_that_is_missing(self) -> None:
        self.double.tokens["jane-token"] = ("jane", [])
        self.double.rules["jane"] = [{"verbs": ["get"], "resources": ["configmaps"]}]
        self.as_user({"token": "jane-token"})
        self.does("kube:apply(cm(NAME))", code=1, words=('User "jane" cannot patch resource "configmaps"', "allow the verb 'patch' on 'configmaps' in the namespace 'default' to the user 'admin'"))

    def test_waiting_where_watching_is_not_allowed(self) -> None:
        self.double.tokens["jane-token"] = ("jane", [])
        self.as_user({"token": "jane-token"})
        for verbs in ["get"], ["get", "list"]:
            self.double.rules["jane"] = [{"verbs": [*verbs, "create"], "resources": ["configmaps"]}]
            name = self.name + verbs[-1]
            body = """kube:all {
              function() kube:wait { apiVersion = "v1", kind = "ConfigMap", namespace = "default", name = NAME, within = 20, check = function(object) return object end } end,
              function() kube:sleep(0.5) kube:create(cm(NAME)) end }"""
            self.kube.script(body.replace("NAME", f'"{name}"')).apply().expect(0)
            self.kube.run("destroy", "--yes").expect(0)

    def test_a_stranger_names_no_kubeconfig(self) -> None:
        self.kube.play('require("kube").object "x" { apiVersion = "v1", kind = "ConfigMap", metadata = { name = "a", namespace = "default" } }')
        self.kube.run("plan", "--untrusted").expect(0, "used at apply", "not read: untrusted", "1 to create")
        self.assertEqual(self.double.requests, [])

    def test_what_may_not_be_read_is_compared_with_what_is_recorded(self) -> None:
        """A pull request's plan goes on without the cluster, and says so."""
        body = 'require("kube").manifest "m" { wait = false, content = [[%s]] }'
        text = "---\n".join("apiVersion: v1\nkind: ConfigMap\nmetadata: { name: %s-%s }\ndata: { a: '%s' }\n" % (self.name, key, value) for key, value in (("a", 1), ("b", 2)))
        self.kube.play(body % text).apply().expect(0, "2 done")
        asked = len(self.double.requests)
        self.kube.run("plan", "--untrusted", "--detailed-exitcode").expect(0, "warning: not read, but compared with what is recorded: the provider 'kube'", "2 unchanged")
        self.kube.play(body % (text.replace("'1'", "'9'") + "---\n" + text.partition("---")[0].replace("-a }", "-c }")))
        result = self.kube.run("plan", "--untrusted", "--detailed-exitcode")
        result.expect(2, "1 to create, 1 to change", '"1" -> "9"', "not read: untrusted")
        self.assertEqual(result.text.count("warning: not read"), 1)
        self.kube.play("")
        self.kube.run("plan", "--untrusted").expect(0, "2 to destroy")
        self.assertEqual(len(self.double.requests), asked, "nobody was asked")
        self.kube.apply().expect(0, "2 done")

    def test_a_kubeconfig_in_the_state_is_not_used_for_a_stranger(self) -> None:
        """As of a cluster that slipway made: the layers below are planned as ever."""
        (self.kube.directory / "inventory.yaml").write_text(json.dumps({"name": "site", "playbook": "play", "provider": {"name": "static"}, "hosts": []}))
        text = json.dumps(self.double.config())
        (self.kube.directory / "made.lua").write_text("""return require("resource") "made" { on = "api", provider = "tls", doc = "A cluster.",
          schema = { kubeconfig = { "string", computed = true, sensitive = true, doc = "the way in" }, size = { "int", doc = "how large" } },
          list = function(_, items) local have = {} for _, item in ipairs(items) do have[item._name] = item.prior end return have end,
          create = function() return { kubeconfig = [[%s]] } end, update = function() return {} end, delete = function() end }""" % text)
        body = """require "tls"
          local kube, cluster = require "kube", require("made") "c" { size = %d }
          provider "kube" { name = "kube", kubeconfig = cluster.kubeconfig }
          kube.object "a" { apiVersion = "v1", kind = "ConfigMap", metadata = { name = "%s", namespace = "default" }, data = { x = "%d" } }
          kube.data.applications "all" {}"""
        self.kube.play(body % (1, self.name, 1)).apply().expect(0, "2 done")
        asked = len(self.double.requests)
        self.kube.play(body % (1, self.name, 2)).run("plan", "--untrusted", "--detailed-exitcode").expect(
            2, "warning: not read, but compared", "data.kube_applications.all  # not read: untrusted", '"1" -> "2"', "1 to change", without=("provider is known after",))
        self.assertEqual(len(self.double.requests), asked)
        self.kube.run("plan").expect(0, '"1" -> "2"', without=("not read",))

    def test_a_stranger_gets_no_secrets(self) -> None:
        """Not even where the kubeconfig is the operator's."""
        text = json.dumps(self.double.config({"token": "theirs"}))
        self.double.tokens["theirs"] = ("jane", ["system:masters"])
        (self.kube.directory / "operators").write_text(text)
        env = {"KUBECONFIG": str(self.kube.directory / "operators")}
        store = self.double.store
        for kind in "configmaps", "secrets":
            store.create(store.kind("", "v1", kind), "default", {"metadata": {"name": self.name}, "data": {"p": "aGVsbG8="}}, "somebody")
        (self.kube.directory / "inventory.yaml").write_text(json.dumps({"name": "site", "playbook": "play", "provider": {"name": "static"}, "hosts": []}))
        self.kube.play(f"""
          local kube = require "kube"
          provider "kube" {{ name = "kube" }}
          local metadata = {{ name = "{self.name}", namespace = "default", labels = {{ a = "b" }} }}
          kube.object "s" {{ apiVersion = "v1", kind = "Secret", metadata = metadata, stringData = {{ p = secret "correct horse" }} }}""")
        self.kube.run("plan", "--untrusted", env=env).expect(0, without=("correct horse",))
        bodies = b"".join(self.double.bodies)
        self.assertNotIn(b"correct", bodies)
        self.assertNotIn(b"Y29ycmVjdCBob3JzZQ", bodies)
        self.assertEqual(self.double.count("GET", f"default/secrets/{self.name}"), 1)
        self.kube.run("plan", env=env).expect(0)
        self.assertIn(b"Y29ycmVjdCBob3JzZQ", b"".join(self.double.bodies))

    def test_a_kubeconfig_in_the_playbook_is_a_secret(self) -> None:
        """Whoever wrote it there as a text: it is not shown, not saved, and not used for a stranger."""
        (self.kube.directory / "inventory.yaml").write_text(json.dumps({"name": "site", "playbook": "play", "provider": {"name": "static"}, "hosts": []}))
        self.double.tokens["plain-token"] = ("jane", ["system:masters"])
        text = json.dumps(self.double.config({"token": "plain-token"}))
        thing = 'require("kube").object "x" { apiVersion = "v1", kind = "ConfigMap", metadata = { name = "%s", namespace = "default" } }' % self.name
        hidden = ("plain-token", "correct horse", "battery staple", "stable door")
        tunnel = 'tunnel = { address = "192.0.2.1", password = "correct horse", bastion = { host = "192.0.2.2", passphrase = "battery staple" } }'
        for playbook, inventory in ((f'provider "kube" {{ name = "kube", kubeconfig = [[{text}]], {tunnel} }}\n', {"name": "static"}),
                                    ("", {"name": "kube", "kubeconfig": text, "tunnel": {"address": "192.0.2.1", "become_password": "stable door"}})):
            (self.kube.directory / "inventory.yaml").write_text(json.dumps({"name": "site", "playbook": "play", "provider": inventory, "hosts": []}))
            self.kube.play(playbook + thing)
            self.kube.run("plan", "--no-refresh", "--out", "p").expect(0, "1 to create", without=hidden)
            for word in (*hidden, "clusters"):
                self.assertNotIn(word, (self.kube.directory / "p").read_text())
            self.kube.run("show", "--json", "p").expect(0, without=hidden)
            self.kube.run("plan", "--json", "--no-refresh").expect(0, without=hidden)
            self.kube.run("plan", "--untrusted").expect(0, "has a secret in its configuration: it is used at apply", "1 to create", without=hidden)
        self.assertEqual(self.double.requests, [])
        # And it is good for what it is meant for.
        self.kube.play(f'provider "kube" {{ name = "kube", kubeconfig = [[{text}]] }}\n' + thing)
        (self.kube.directory / "inventory.yaml").write_text(json.dumps({"name": "site", "playbook": "play", "provider": {"name": "static"}, "hosts": []}))
        self.kube.run("plan", "--out", "p").expect(0)
        self.kube.run("apply", "p").expect(0, "1 done")
        self.kube.run("destroy", "--yes").expect(0)

    def test_a_stranger_uses_no_file_and_starts_nothing(self) -> None:
        """Nor does he where the kubeconfig is the operator's."""
        self.plugin("echo x\n")
        certificate = self.kube.directory / "somebodys.crt"
        certificate.write_text("-----BEGIN CERTIFICATE-----\n")
        (self.kube.directory / "inventory.yaml").write_text(json.dumps({"name": "site", "playbook": "play", "provider": {"name": "static"}, "hosts": []}))
        self.kube.play('require("kube").object "x" { apiVersion = "v1", kind = "ConfigMap", metadata = { name = "a", namespace = "default" } }')
        for user, words in (({"client-certificate": str(certificate), "client-key": str(certificate)}, "a file is used at apply"),
                            ({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(self.kube.directory / "plugin")}}, "is used at apply")):
            (self.kube.directory / "operators").write_text(json.dumps(self.double.config(user)))
            self.kube.run("plan", "--untrusted", env={"KUBECONFIG": str(self.kube.directory / "operators")}).expect(0, words, "not read: untrusted")
        self.assertEqual(self.double.requests, [])
        self.assertFalse((self.kube.directory / "runs").exists())

    # ---- kubeconfigs

    def test_kubeconfigs_from_the_environment(self) -> None:
        whole = self.double.config()
        first = {"apiVersion": "v1", "kind": "Config", "current-context": "double", "contexts": whole["contexts"]}
        second = {"apiVersion": "v1", "kind": "Config", "current-context": "other", "clusters": whole["clusters"], "users": whole["users"]}
        for name, tree in ("first", first), ("second", second):
            (self.kube.directory / name).write_text(json.dumps(tree))
        self.kube.inventory({})
        self.does("kube:apply(cm(NAME))", env={"KUBECONFIG": f"{self.kube.directory}/none:{self.kube.directory}/first:{self.kube.directory}/second"})
        (self.kube.directory / ".kube").mkdir()
        (self.kube.directory / ".kube" / "config").write_text(json.dumps(whole))
        self.kube.run("destroy", "--yes").expect(0)
        self.does("kube:apply(cm(NAME))")
        self.kube.run("destroy", "--yes").expect(0)
        (self.kube.directory / ".kube" / "config").unlink()
        self.does("kube:apply(cm(NAME))", code=1, words=("there is no kubeconfig '~/.kube/config'", "KUBECONFIG"))

    def test_files_beside_the_kubeconfig(self) -> None:
        for name in "ca.crt", "admin.crt", "admin.key":
            shutil.copy(self.directory / name, self.kube.directory / name)
        tree = self.double.config({"client-certificate": "admin.crt", "client-key": "./admin.key"})
        tree["clusters"][0]["cluster"] = {"server": tree["clusters"][0]["cluster"]["server"], "certificate-authority": "ca.crt"}
        (self.kube.directory / "kubeconfig").write_text(json.dumps(tree))
        self.kube.inventory({"path": str(self.kube.directory / "kubeconfig")})
        self.does("kube:apply(cm(NAME))")

    def test_another_name_for_the_server(self) -> None:
        self.as_user(None, **{"tls-server-name": "kubernetes.default.svc"})
        self.does("kube:apply(cm(NAME))")
        self.as_user(None, **{"tls-server-name": "elsewhere.example"})
        self.does("kube:apply(cm(NAME))", code=1, words=("not trusted", "certificate-authority-data"))

    def test_what_is_wrong_with_a_kubeconfig(self) -> None:
        def tree(**changes):
            whole = self.double.config()
            for path, value in changes.items():
                at, *steps = whole, *path.split("__")
                for step in steps[:-1]:
                    at = at[int(step) if step.isdigit() else step.replace("_", "-")]
                at[steps[-1].replace("_", "-")] = value
            return json.dumps(whole)
        cases = [
            ("{", ("it is not valid YAML",)), ("[1]", ("it is no kubeconfig", )), ("kind: Pod", ("kind: 'Config' wanted",)),
            (tree(current_context="none"), ("current-context: there is no context of that name", "there is: double")),
            (tree(current_context=""), ("no current-context", 'context = "double"')),
            (tree(contexts__0__context__cluster="none"), ("contexts[0].context.cluster: there is no cluster of that name",)),
            (tree(contexts__0__context__user="none"), ("contexts[0].context.user: there is no user of that name",)),
            (tree(clusters__0__cluster__server=""), ("clusters[0].cluster: it has no server",)),
            (tree(clusters__0__cluster__server="ftp://x"), ("clusters[0].cluster.server: https://HOST[:PORT] wanted",)),
            (tree(clusters__0__cluster__insecure_skip_tls_verify=True), ("insecure-skip-tls-verify", "certificate-authority-data")),
            (tree(clusters__0__cluster__certificate_authority_data="!!"), ("certificate-authority-data: it is no PEM in base64",)),
            (tree(users__0__user__client_key_data="aGVsbG8="), ("client-key-data: it is no PEM in base64",)),
            (tree(users__0__user={"client-certificate-data": self.double.config()["users"][0]["user"]["client-certificate-data"]}), ("go together",)),
            (tree(users__0__user={"auth-provider": {"name": "gcp"}}), ("auth-provider", "1.26")),
            (tree(users="x"), ("users: a list wanted",)),
        ]
        path = self.kube.directory / "kubeconfig"
        self.kube.inventory({"path": str(path)})
        for text, words in cases:
            path.write_text(text)
            self.does("kube:apply(cm(NAME))", code=1, words=(str(path), *words) if "context" not in words[0] else words, without=("BEGIN",))
        self.kube.inventory({"path": json.dumps(tree())})
        self.kube.run("plan").expect(1, "path is no file name", "inventory.yaml:1", without=("BEGIN",))
        self.kube.inventory({"path": str(path), "context": "none"})
        path.write_text(tree())
        self.kube.run("plan").expect(1, "contexts: there is no context 'none'", "there is: double")
        self.kube.inventory({"pth": "x"})
        self.does("kube:apply(cm(NAME))", code=1, words=("there is no setting of the provider 'kube' 'pth'", "did you mean 'path'?"))

    def test_what_stands_at_the_wrong_place_is_not_told(self) -> None:
        """It may be a key: whatever value of a kubeconfig is replaced, and by whatever, no error quotes it."""
        word = "SENTINEL-zJ6hxV"
        whole = self.double.config()
        whole["users"][0]["user"]["tokenFile"] = "/none"
        exec_user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "/none", "args": ["a"], "env": [{"name": "A", "value": "b"}]}}

        def places(tree, path=()):
            yield path
            for key, value in (tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()):
                yield from places(value, (*path, key))

        def with_(tree, path, value):
            if not path:
                return value
            copy = dict(tree) if isinstance(tree, dict) else list(tree)
            copy[path[0]] = with_(tree[path[0]], path[1:], value)
            return copy

        texts = [word + ": [", f"a: !{word} x", f"{word}: 1\n{word}: 2\n"]
        for tree in whole, {**whole, "users": [{"name": whole["users"][0]["name"], "user": exec_user}]}:
            # The names of contexts are told, to choose from; the program that failed has a name, too.
            texts += [json.dumps(with_(tree, path, value)) for path in places(tree) if path[-1:] not in (("command",), ("name",)) for value in (word, {word: word}, [word])]
        for key in "proxy-url", "tls-server-name":
            texts.append(json.dumps(with_(whole, ("clusters", 0, "cluster"), {**whole["clusters"][0]["cluster"], key: word + "+/="})))
        for pem in "client-certificate", "client-key":
            user = {**whole["users"][0]["user"], pem: f"-----BEGIN X-----\n{word}\n" * 300}
            texts.append(json.dumps({**whole, "users": [{"name": whole["users"][0]["name"], "user": {key: value for key, value in user.items() if key != pem + "-data"}}]}))
        self.assertGreater(len(texts), 60)
        path = self.kube.directory / "kubeconfig"
        self.kube.inventory({"path": str(path)}).play('require("kube").object "x" { apiVersion = "v1", kind = "ConfigMap", metadata = { name = "a", namespace = "default" } }')
        failed = 0
        for text in texts:
            path.write_text(text)
            result = self.kube.run("plan", "--trace", "trace")
            self.assertNotIn(word, result.text, text)
            self.assertNotIn(word, self.kube.trace(), text)
            failed += result.code != 0
        self.assertGreater(failed, len(texts) // 2)

    # ---- few requests

    def test_discovery_is_two_calls(self) -> None:
        self.does('kube:kinds() kube:get("v1", "ConfigMap", "default", "a") kube:list("apps/v1", "Deployment") kube:get("batch/v1", "Job", "default", "a")')
        self.assertEqual((self.double.count("GET", "^/apis?$"), self.double.count("GET", "^/apis?/[^/]*(/v1)?$")), (2, 0))
        self.double.requests.clear()
        self.does('kube:kinds() kube:rediscover() kube:kinds() kube:rediscover() return #kube:kinds()', times=1)
        self.assertIn("304", self.kube.trace())

    def test_many_objects_in_few_requests(self) -> None:
        self.does("""
          local calls = {}
          for i = 1, 120 do calls[i] = function() kube:apply(cm(("%s-%03d"):format(NAME, i), { n = tostring(i) }, { labels = { many = NAME } })) end end
          kube:all(calls)
          local items = kube:list("v1", "ConfigMap", { namespace = "default", labels = "many=" .. NAME, limit = 50 })
          if #items ~= 120 or items[120].data.n ~= "120" or items[1].kind ~= "ConfigMap" then error("not all are there") end""")
        self.assertEqual(self.double.count("PATCH"), 120)
        self.assertEqual(self.double.count("GET", "/configmaps$"), 3)
        self.assertEqual(self.double.count("GET", "^/version$"), 1)

    def test_no_secret_is_traced(self) -> None:
        self.does('kube:apply { apiVersion = "v1", kind = "Secret", metadata = { name = NAME, namespace = "default" }, stringData = { p = secret "correct horse" } }')
        for word in "correct horse", "BEGIN", "Y29ycmVjdCBob3JzZQ":
            self.assertNotIn(word, self.kube.trace())


if __name__ == "__main__":
    unittest.main()
