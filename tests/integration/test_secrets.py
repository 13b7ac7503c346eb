"""Secrets: not on a screen, in a log, in a plan, in the state, in an argument list on either side, or in a file that others can read."""

import os
import re
import threading
import time
from pathlib import Path

from harness import Case, tree, unittest

SECRETS = ("s3cret-content", "s3cret-line", "s3cret-command", "s3cret-environment", "s3cret-stdin", "s3cret-inventory", "s3cret-output")
PLAY = """
    h:file(root .. "/content") {{ content = secret "s3cret-content{v}", mode = "0600" }}
    h:file(root .. "/template") {{ template = "t.tmpl", vars = {{ password = inv.secrets.password }}, mode = "0600" }}
    h:line_in_file "line" {{ path = root .. "/lines", line = secret "key=s3cret-line{v}", create = true }}
    h:line_in_file "match" {{ path = root .. "/lines", match = "^other=", line = secret "other=s3cret-line{v}", create = true }}
    h:block_in_file "block" {{ path = root .. "/lines", block = secret "block s3cret-content{v}" }}
    h:exec "command" {{ command = secret("echo s3cret-command{v} > " .. root .. "/command") }}
    h:exec "environment" {{ command = "printf %s \\"$PASSWORD\\" > " .. root .. "/environment", environment = {{ PASSWORD = secret "s3cret-environment{v}" }} }}
    h:exec "stdin" {{ command = "cat > " .. root .. "/stdin", stdin = secret "s3cret-stdin{v}" }}
    if node.name == "n1" then output "hidden" {{ value = secret "s3cret-output{v}" }} end
"""
# Programs the fragments may start; each is replaced by one that writes down its arguments first.
PROGRAMS = ("awk", "base64", "cat", "chmod", "chown", "cmp", "cp", "cut", "env", "grep", "head", "install", "ln", "mkdir", "mktemp", "mv", "printf", "rm", "sed",
            "sha256sum", "sh", "stat", "tail", "tee", "test", "touch", "tr")


class Secrets(Case):
    nodes = 2

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.argv = cls.directory / "argv"
        cls.argv.touch()
        cls.argv.chmod(0o666)
        wrappers = cls.directory / "bin"
        wrappers.mkdir()
        for name in PROGRAMS:
            real = next((f"{d}/{name}" for d in ("/usr/bin", "/bin") if os.path.exists(f"{d}/{name}")), None)
            if real:
                (wrappers / name).write_text(f'#!/bin/bash\nprintf "%s\\n" {name} "$@" >> {cls.argv}\nexec {real} "$@"\n')
                (wrappers / name).chmod(0o755)
        for index in (1, 2):
            node = cls.farm.node(index)
            cls.farm.stop(index)
            cls.farm.node_options[index] = {"SetEnv": f"HOME={node.home} NODE_ROOT={node.root} PATH={wrappers}:/usr/bin:/bin:/usr/sbin:/sbin"}
            cls.farm.start(index)

    def clean(self, what: str, where: str) -> None:
        for secret in SECRETS:
            if secret in what:
                at = what.index(secret)
                self.fail(f"'{secret}' in {where}: …{what[max(0, at - 300):at + 60]}…")

    def watch(self):
        """Looks at the arguments of every process while something runs; returns what was seen."""
        seen, stop = set(), threading.Event()

        def look():
            while not stop.is_set():
                for pid in filter(str.isdigit, os.listdir("/proc")):
                    try:
                        with open(f"/proc/{pid}/cmdline", "rb") as file:
                            seen.add(file.read().decode(errors="replace"))
                    except OSError:
                        pass

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        return seen, lambda: (stop.set(), thread.join())

    def site_with_secrets(self):
        site = self.site(PLAY.format(v="-1"))
        (site.directory / "t.tmpl").write_text("password = {{ password }}\n")
        site.extra["secrets"] = {"password": "s3cret-inventory"}
        return site.inventory()

    def check_files(self, site) -> None:
        for path in [*site.state.iterdir(), site.directory / "trace", site.directory / "p"]:
            if path.is_file():
                self.clean(path.read_bytes().decode(errors="replace"), path.name)

    def test_nowhere(self):
        site = self.site_with_secrets()
        seen, stop = self.watch()
        try:
            for version in ("-1", "-2"):
                site.play(PLAY.format(v=version))
                for arguments in (["plan"], ["plan", "--out", "p"], ["plan", "--json"], ["show", "p"], ["show", "--json", "p"], ["show", "--markdown", "p"],
                                  ["graph", "--format", "json"], ["validate"], ["apply", "--yes", "--trace", "trace"], ["plan", "--unchanged"], ["drift"],
                                  ["state", "list", "--json"], ["output"], ["state", "history"], ["state", "show", "n1/exec:command"],
                                  ["state", "show", "--json", "n1/exec:stdin"], ["state", "show", f"n1/file:{site.root()}/content"]):
                    result = site.run(*arguments).expect(0)
                    self.clean(result.text, " ".join(arguments))
                self.check_files(site)
                for root in site.roots():
                    texts = {name: entry[2].decode() for name, entry in tree(root).items()}
                    self.assertEqual(texts["content"], f"s3cret-content{version}")
                    self.assertEqual(texts["template"], "password = s3cret-inventory\n")
                    self.assertIn(f"key=s3cret-line{version}\n", texts["lines"])
                    self.assertIn(f"block s3cret-content{version}\n", texts["lines"])
                    self.assertEqual([texts[name].strip() for name in ("command", "environment", "stdin")],
                                     [f"s3cret-{name}{version}" for name in ("command", "environment", "stdin")])
                site.converged()
        finally:
            stop()
        self.clean("\n".join(seen), "the process list")
        text = self.argv.read_text(errors="replace")
        self.assertIn("stat\n", text, "the wrappers were not used")
        self.clean(text, "the arguments of a program on a node")

    def test_when_things_fail(self):
        site = self.site("""
            h:file(root .. "/content") { content = secret "s3cret-content" }
            h:exec "talks" { command = secret "echo s3cret-command; echo s3cret-command >&2; s3cret-command; exit 3" }
        """, nodes=[1])
        for arguments in (["apply", "--yes", "--trace", "trace"], ["apply", "--yes", "--json"]):
            self.clean(site.run(*arguments).expect(1, "exit status", "(sensitive): not found").text, " ".join(arguments))
        self.check_files(site)
        site.play('h:exec "syntax" { command = secret "if s3cret-command (" }')
        self.clean(site.apply().expect(1).text, "a syntax error")
        site.play('h:file(root .. "/missing/x") { content = secret "s3cret-content" }')
        self.clean(site.apply().expect(1).text, "a write that failed")

    def test_drift_of_a_secret(self):
        site = self.site('h:file(root .. "/content") { content = secret "s3cret-content\\n" }', nodes=[1])
        site.apply().expect(0)
        (site.root() / "content").write_text("s3cret-content and more\n")
        self.clean(site.run("drift").expect(2, "(sensitive)").text, "drift")
        self.clean(site.run("plan", "--out", "p").expect(0, "(sensitive)").text, "plan")
        self.check_files(site)
        site.apply().expect(0)
        site.converged()

    def test_misused_in_a_playbook(self):
        """An error that quotes a value does not quote a secret."""
        for body in ('local s = secret "s3cret-content"; error("no: " .. s)', 'slipway.fail("no: " .. secret "s3cret-content")',
                     'slipway.warn("no: " .. secret "s3cret-content"); h:file(root .. "/a") { content = "a" }', 'local x = secret "s3cret-content" + 1',
                     'h:file(secret "/tmp/s3cret-content") { content = "x" }', 'h:file(root .. "/a") { mode = secret "s3cret-content" }',
                     'print(secret "s3cret-content")', 'local t = {}; t[secret "s3cret-content"] = 1; h:exec "x" { command = "true", environment = t }'):
            site = self.site(body, nodes=[1])
            self.clean(site.run("plan").text, body)

    def test_permissions(self):
        site = self.site_with_secrets()
        for arguments in (["apply", "--yes", "--trace", "trace"], ["plan", "--out", "p"]):
            site.run(*arguments, wrap=("sh", "-c", 'umask 0; exec "$@"', "sh")).expect(0)
        for path in [site.state, *site.state.iterdir(), site.directory / "p", site.directory / "trace"]:
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)

    def test_no_core_dump(self):
        site = self.site_with_secrets()
        run = site.start("apply", "--yes")
        time.sleep(0.1)
        limits = Path(f"/proc/{run.child.pid}/limits").read_text() if run.child.poll() is None else ""
        run.finish().expect(0)
        self.assertTrue(not limits or re.search(r"Max core file size\s+0\s", limits), limits)


if __name__ == "__main__":
    unittest.main()
