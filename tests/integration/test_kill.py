"""kill -9 at writes and syncs of the state, spread over the run: the next run always converges, with nothing lost and nothing twice.

KILL_POINTS says at how many (24); 0 is at every one of them, which takes a quarter of an hour.
"""

import os
import shutil
import signal
import subprocess

from harness import HERE, SANITIZERS, Case, tree, unittest

VERSION = """
    local v = {v}
    local one = host(inv.nodes[1]) {{}}
    local two = host(inv.nodes[2]) {{}}
    local a, b = inv.nodes[1].root, inv.nodes[2].root
    one:directory(a .. "/d") {{ mode = v == 1 and "0755" or "0750" }}
    local conf = one:file(a .. "/d/conf") {{ content = "version " .. v .. "\\n" }}
    one:file(a .. "/v" .. v) {{ content = "only in " .. v }}
    one:symlink(a .. "/link") {{ target = a .. "/v" .. v }}
    one:line_in_file "line" {{ path = a .. "/bystander", match = "^version=", line = "version=" .. v }}
    one:exec "service" {{ command = "cat " .. a .. "/d/conf > " .. a .. "/running", creates = a .. "/running", restart_on = {{ conf }} }}
    one:exec("once " .. v) {{ command = "echo " .. v .. " >> " .. a .. "/log" }}
    two:file(b .. "/after") {{ content = "after " .. v, depends_on = {{ conf }} }}
    two:file(b .. "/big") {{ content = ("%d\\n"):format(v):rep(100000) }}
    output "version" {{ value = v }}
"""
POINTS = int(os.environ.get("KILL_POINTS", "24"))


class Kill(Case):
    nodes = 2

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shim = cls.directory / "kill_at.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", cls.shim, HERE / "kill_at.c", "-ldl"], check=True)

    def keep(self, site, name: str) -> None:
        """Sets node directories and state aside, or, when they are, puts them back."""
        store = self.directory / f"{site.directory.name}-{name}"
        pairs = [(site.state, store / "state"), *((root, store / str(i)) for i, root in enumerate(site.roots()))]
        for live, kept in pairs if store.exists() else ():
            shutil.rmtree(live, ignore_errors=True)
            if kept.exists():
                subprocess.run(["cp", "-a", kept, live], check=True)
        if not store.exists():
            store.mkdir()
            for live, kept in pairs:
                if live.exists():
                    subprocess.run(["cp", "-a", live, kept], check=True)

    def killed_at(self, site, n: int, *arguments: str) -> bool:
        """Runs slipway until its n-th write; False when it came to its end before."""
        env = {"LD_PRELOAD": str(self.shim), "KILL_AT": str(n), "KILL_BELOW": str(site.state), "KILL_COUNT": str(site.directory / "count"),
               "ASAN_OPTIONS": SANITIZERS["ASAN_OPTIONS"] + ":verify_asan_link_order=0"}
        result = site.run(*arguments, env=env)
        if result.code == -signal.SIGKILL:
            return True
        result.expect(0)
        return False

    def sweep(self, site, arguments: tuple[str, ...], check) -> None:
        self.keep(site, "base")
        self.assertFalse(self.killed_at(site, 0, *arguments))
        total = int((site.directory / "count").read_text())
        self.assertGreater(total, 20, "the shim saw too few writes to have tested anything")
        points = range(1, total + 1) if not POINTS else sorted({1 + k * (total - 1) // (POINTS - 1) for k in range(POINTS)})
        for n in points:
            self.keep(site, "base")
            # The order of two hosts' answers varies, and with it how many writes there are.
            if self.killed_at(site, n, *arguments):
                with self.subTest(killed_at=n, of=total, arguments=arguments):
                    check(site, n)

    def expected(self, version: int, log: str) -> list[dict]:
        """What a run that nobody disturbs makes of fresh nodes; `log` is what the once-only commands left."""
        calm = self.site(VERSION.format(v=version), each=False)
        (calm.root(1) / "bystander").write_text("# mine\n")
        calm.apply().expect(0)
        (calm.root(1) / "log").write_text(log)
        trees = [tree(root) for root in calm.roots()]
        trees[0]["link"] = ("link", f"v{version}")
        return trees

    def actual(self, site) -> list[dict]:
        trees = [tree(root) for root in site.roots()]
        trees[0]["link"] = ("link", trees[0]["link"][1].rsplit("/", 1)[1])
        return trees

    def settled(self, site, n: int, want: list[dict], log: tuple[str, ...]) -> None:
        site.apply().expect(0)
        site.run("plan", "--detailed-exitcode").expect(0, "No changes")
        site.run("drift").expect(0)
        found = self.actual(site)
        # A command without a guard runs at least once: twice only when it was cut off between its effect and its record.
        self.assertIn(found[0]["log"][2].decode(), log)
        found[0]["log"] = want[0]["log"]
        self.assertEqual(found, want)
        self.assertEqual(sorted(address for (address,) in site.sql("select address from resource where status = 'ok'")), self.addresses_of(site, 2))
        self.assertEqual(site.sql("select count(*) from resource"), [(9,)])
        self.assertEqual(site.sql("select count(*) from intent where outcome is null"), [(0,)])
        self.assertEqual(site.sql("select count(*) from meta where key like 'due %'"), [(0,)])
        self.assertEqual(site.sql("select count(*) from run where outcome is null"), [(0,)])
        self.assertEqual(site.run("output", "version").expect(0).out, "2\n")
        if n % 4 == 0:
            site.run("destroy", "--yes").expect(0)
            self.assertEqual([sorted(tree(root)) for root in site.roots()], [["bystander", "log", "running"], []])

    def addresses_of(self, site, version: int) -> list[str]:
        a, b = site.root(1), site.root(2)
        return sorted([f"n1/directory:{a}/d", f"n1/file:{a}/d/conf", f"n1/file:{a}/v{version}", f"n1/symlink:{a}/link", "n1/line_in_file:line",
                       "n1/exec:service", f"n1/exec:once {version}", f"n2/file:{b}/after", f"n2/file:{b}/big"])

    def test_first_run(self):
        want = self.expected(2, "2\n")
        site = self.site(VERSION.format(v=2), each=False)
        (site.root(1) / "bystander").write_text("# mine\n")
        self.sweep(site, ("apply", "--yes"), lambda site, n: self.settled(site, n, want, ("2\n", "2\n2\n")))

    def test_update(self):
        want = self.expected(2, "1\n2\n")
        site = self.site(VERSION.format(v=1), each=False)
        (site.root(1) / "bystander").write_text("# mine\n")
        site.apply().expect(0)
        site.play(VERSION.format(v=2), each=False)
        self.sweep(site, ("apply", "--yes"), lambda site, n: self.settled(site, n, want, ("1\n2\n", "1\n2\n2\n")))

    def test_destroy(self):
        site = self.site(VERSION.format(v=1), each=False)
        (site.root(1) / "bystander").write_text("# mine\n")
        site.apply().expect(0)

        def gone(site, n):
            site.run("destroy", "--yes").expect(0)
            self.assertEqual([sorted(tree(root)) for root in site.roots()], [["bystander", "log", "running"], []])
            self.assertEqual(site.addresses(), [])
            self.assertEqual(site.sql("select count(*) from intent where outcome is null"), [(0,)])

        self.sweep(site, ("destroy", "--yes"), gone)


if __name__ == "__main__":
    unittest.main()
