"""kill -9 at the calls that change something, before and after their effect: the next run converges, with no orphan and nothing twice.

AWS_KILL_POINTS says at how many calls of each run (4); 0 is at every one of them, which takes an hour and more.
"""

import os
import signal
import threading

from aws_site import DROP, AwsCase, unittest

POINTS = int(os.environ.get("AWS_KILL_POINTS", "4"))
COUNTED = ("association", "key_pair", "route", "security_group_rule", "target", "role", "instance_profile")  # their names hold ids
POOLS = """pools:
  - { name: control-plane, role: control-plane, count: 1, type: t3.large }
  - { name: data, count: 1, type: t3.large, volume: { size: 100 } }
"""


class Kill(AwsCase):
    def small_stock(self):
        """One machine of each kind, and everything around them."""
        self.zone()
        site = self.site().stock()
        file = site.directory / "inventory.yaml"
        text = file.read_text()
        file.write_text(text[:text.index("pools:")] + POOLS)
        return site

    def held(self) -> dict:
        """What the account holds, without the ids that differ from run to run."""
        return {kind: len(things) if kind in COUNTED else sorted(things.values()) for kind, things in self.moto.inventory().items()}

    def killed(self, site, n: int, after: bool, *arguments: str) -> bool:
        """Runs slipway until its n-th changing call; False when it came to its end before."""
        started, process = threading.Event(), None

        def kill(_):
            started.wait()
            process.child.send_signal(signal.SIGKILL)
            process.child.wait()
            return DROP

        rule = self.proxy.rules.add("*", kill, nth=n, after=after, when=lambda call: call.mutates)
        process = site.start(*arguments)
        started.set()
        result = process.finish(300)
        self.proxy.settle()
        self.proxy.rules.rules.remove(rule)
        if result.code == -signal.SIGKILL:
            return True
        result.expect(0)
        return False

    def sweep(self, prepare, arguments: tuple[str, ...], check) -> None:
        """prepare() gives a site on which the arguments have work to do; check(site) runs after each kill."""
        self.moto.reset()
        self.proxy.reset()
        site = prepare()
        since = len(self.proxy.calls)
        site.run(*arguments).expect(0)
        total = len(self.proxy.mutations(since))
        self.assertGreater(total, 5, "there is too little to kill in")
        points = range(1, total + 1) if not POINTS else sorted({1 + k * (total - 1) // (POINTS - 1) for k in range(POINTS)})
        for n in points:
            # In a sample, the two take turns.
            for after in (False, True) if not POINTS else (n % 2 == 0,):
                with self.subTest(killed_at=n, of=total, after_the_effect=after):
                    self.moto.reset()
                    self.proxy.reset()
                    site = prepare()
                    if self.killed(site, n, after, *arguments):
                        check(site)
                        self.assertEqual(self.proxy.problems, [])

    def settled(self, site, want: dict, again: tuple[str, ...] = ("apply", "--yes")) -> None:
        site.run(*again).expect(0)
        self.assertEqual(self.held(), want)
        site.converged()
        self.assertEqual(site.sql("select count(*) from intent where outcome is null"), [(0,)])
        self.assertEqual(site.sql("select count(*) from run where outcome is null"), [(0,)])
        if self.destroys:
            site.destroy().expect(0)
            self.assertEqual(set(self.moto.inventory()), {"zone"})
        self.destroys = not self.destroys

    destroys = True

    def test_first_run(self):
        site = self.small_stock()
        site.apply().expect(0)
        want = self.held()
        self.sweep(self.small_stock, ("apply", "--yes"), lambda site: self.settled(site, want))

    def test_change(self):
        """A disk grows, a machine changes its size, one is replaced, one is added and one taken away."""
        def changed():
            site = self.small_stock()
            site.edit("data, count: 1", "old, count: 1")
            site.apply().expect(0)
            return site.edit("old, count: 1", "data, count: 2").edit("size: 100", "size: 200").edit("count: 1, type: t3.large }", "count: 1, type: t3.xlarge }")
        site = changed()
        site.apply().expect(0)
        want = self.held()
        self.sweep(changed, ("apply", "--yes", "--replace", "aws_instance.bastion"), lambda site: self.settled(site, want))

    def test_destroy(self):
        def made():
            site = self.small_stock()
            site.apply().expect(0)
            return site

        def gone(site):
            site.destroy().expect(0)
            self.assertEqual(set(self.moto.inventory()), {"zone"})
            self.assertEqual(site.sql("select count(*) from resource"), [(0,)])
            self.assertEqual(site.sql("select count(*) from intent where outcome is null"), [(0,)])

        self.sweep(made, ("destroy", "--yes"), gone)


if __name__ == "__main__":
    unittest.main()
