"""The client of clusters, on an API server that is as strict as the real one and fails when it is told to."""

import json
import time

from kube_suite import Suite
from kube_doubled import ClientCase, Doubled, unittest


class Modern(Doubled, Suite, unittest.TestCase):
    """The suite on what 1.36 does."""


class Old(Doubled, Suite, unittest.TestCase):
    """The suite on what the real server of the e2e tests does."""

    version = (1, 20)


class Faults(ClientCase):
    """What goes wrong, and how it is told."""

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
