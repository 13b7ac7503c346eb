"""With whose rights a cluster is spoken to: kubeconfigs, tokens, exec plugins, and what a stranger may not use. On the API double."""

import json
import shutil
import time

from kube_doubled import ClientCase, unittest


class Credentials(ClientCase):
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


if __name__ == "__main__":
    unittest.main()
