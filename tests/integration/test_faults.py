"""Faults on this side: two runs at once, Ctrl-C, a state that is damaged, from the future or on a full disk."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from pathlib import Path

from harness import Case, tree, unittest, wait_for
from root import small_disk

SLOW = """
    h:file(root .. "/first") { content = "1" }
    h:exec "slow" { command = "touch " .. root .. "/began; until [ -e " .. root .. ".go ]; do sleep 0.02; done; touch " .. root .. "/slow", creates = root .. "/slow" }
    h:file(root .. "/last") { content = "3" }
"""


class Runs(Case):
    nodes = 2

    def begin(self, body: str = SLOW):
        site = self.site(body)
        run = site.start("apply", "--yes")
        for root in site.roots():
            wait_for((root / "began").exists, what="the slow step")
        return site, run

    def go_on(self, site) -> None:
        """Lets the slow steps come to their end."""
        for root in site.roots():
            root.with_name(root.name + ".go").touch()

    def interrupted(self, site, run, which: int = signal.SIGINT) -> None:
        """Comes back when each host's script knows of it: the session that told it so has ended."""
        before = self.closed_sessions(site)
        run.interrupt(which)
        wait_for(lambda: all(now > then for now, then in zip(self.closed_sessions(site), before)), what="word of the interrupt")

    def closed_sessions(self, site) -> list[int]:
        return [Path(node.log).read_text(errors="replace").count("Close session: ") for node in site.nodes]

    def test_two_at_once(self):
        site, run = self.begin()
        site.apply().expect(3, "root@", f"process {run.child.pid}", "apply", "state unlock")
        for arguments in (["destroy", "--yes"], ["state", "rm", "--yes", "n1/exec:slow"], ["state", "mv", "n1/exec:slow", "n1/exec:x"]):
            site.run(*arguments).expect(3, str(run.child.pid))
        # Looking is allowed meanwhile.
        site.run("plan").expect(0)
        site.run("state", "list").expect(0)
        self.assertIsNone(run.child.poll(), "nobody waited for its end")
        self.go_on(site)
        run.finish().expect(0, "6 done")
        site.converged()

    def test_lock_of_a_killed_run(self):
        site, run = self.begin()
        run.child.kill()
        run.child.wait()
        self.go_on(site)  # the far side ends by itself: it is not ours to kill
        for root in site.roots():
            wait_for((root / "slow").exists, what="the end of the slow step")
        site.apply().expect(0)
        site.converged()
        self.assertIn("crashed", site.run("state", "history").out)

    def test_lock_of_another_machine(self):
        """It may live: it is waited out or broken by hand, not taken over."""
        site = self.site('h:file(root .. "/a") { content = "a" }', nodes=[1])
        site.apply().expect(0)
        with sqlite3.connect(site.state / "state.db") as db:
            now = int(time.time() * 1000)
            db.execute("insert into lock values (1, 99, 'alice', 'elsewhere', 'another-machine', 4242, 0, 'apply', ?, ?)", (now, now + 50_000))
        site.apply().expect(3, "alice@elsewhere", "4242", "unlock")
        site.run("state", "unlock").expect(3)
        site.run("state", "unlock", "--yes").expect(0)
        site.apply().expect(0)

    def test_interrupt_once(self):
        site, run = self.begin()
        self.interrupted(site, run)
        self.go_on(site)
        result = run.finish().expect(1, "2 skipped")
        for root in site.roots():
            self.assertEqual(sorted(tree(root)), ["began", "first", "slow"], "the step at work was not finished, or another was started")
        self.assertEqual(len(site.run("state", "list").out.splitlines()), 4)
        self.assertIn("cancelled", site.run("state", "history").out)
        self.assertNotIn("Sanitizer", result.text)
        site.apply().expect(0, "2 done")
        site.converged()

    def test_interrupt_twice(self):
        site, run = self.begin()
        self.interrupted(site, run)
        run.interrupt()
        run.finish().expect(1, "exec:slow")
        self.assertFalse(any((root / "slow").exists() for root in site.roots()), "it was waited for")
        self.go_on(site)
        site.apply().expect(0)
        site.converged()
        self.assertEqual(len(site.run("state", "list").out.splitlines()), 6)

    def test_terminate(self):
        site, run = self.begin()
        self.interrupted(site, run, signal.SIGTERM)
        self.go_on(site)
        run.finish().expect(1)
        site.apply().expect(0)
        site.converged()

    def test_interrupt_while_connecting(self):
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(60)
        self.addCleanup(listener.close)
        site = self.site('h:file(root .. "/a") { content = "a" }', nodes=[1])
        site.overrides["n1"] = {"port": listener.getsockname()[1], "connect_timeout": 600}
        run = site.inventory().start("plan")
        with listener.accept()[0]:
            run.interrupt()
            run.finish().expect(1, "interrupted")

    def test_interrupted_upload(self):
        """Many files to carry: none half there, and the rest comes later."""
        site = self.site('for i = 1, 40 do h:file(root .. "/f" .. i) { content = (tostring(i) .. "\\n"):rep(60000) } end', nodes=[1])
        run = site.start("apply", "--yes")
        wait_for(lambda: len(list(site.root().iterdir())) > 5, what="the first files")
        run.interrupt()
        run.finish()
        for name, entry in tree(site.root()).items():
            if name.startswith("f"):
                self.assertEqual(len(entry[2]), 60000 * (len(name)), name)
        site.apply().expect(0)
        self.assertEqual(len(tree(site.root())), 40)
        site.converged()


class Damage(Case):
    def setUp(self):
        self.one = self.site('h:file(root .. "/a") { content = "a\\n" }')
        self.one.apply().expect(0)
        self.db = self.one.state / "state.db"

    def refused(self, *words: str, code: int = 1) -> None:
        """Every command says why, and neither the state nor the node is touched."""
        before = self.db.read_bytes() if self.db.is_file() else None
        (self.one.root() / "a").write_text("drifted\n")
        for arguments in (["apply", "--yes"], ["plan"], ["state", "list"], ["destroy", "--yes"], ["drift"]):
            self.one.run(*arguments).expect(code, *words)
        self.assertEqual((self.one.root() / "a").read_text(), "drifted\n")
        if before is not None:
            self.assertEqual(self.db.read_bytes(), before)

    def settle(self) -> None:
        """Everything in the database file and nothing beside it."""
        with sqlite3.connect(self.db) as db:
            db.execute("pragma wal_checkpoint(truncate)")
        for name in ("state.db-wal", "state.db-shm"):
            (self.one.state / name).unlink(missing_ok=True)

    def test_truncated(self):
        self.settle()
        whole = self.db.read_bytes()
        for size in (0, 50, 100, 4096, len(whole) // 2, len(whole) - 1):
            self.db.write_bytes(whole[:size])
            self.refused("state.db")
        self.db.write_bytes(whole)
        self.one.run("state", "list").expect(0)

    def test_noise(self):
        self.settle()
        whole = self.db.read_bytes()
        for damaged in (b"\0" * len(whole), b"SQLite format 3\0" + os.urandom(20000), whole[:4096] + os.urandom(len(whole) - 4096),
                        b'{"version": 4, "terraform_version": "1.5"}'):
            self.db.write_bytes(damaged)
            self.refused("state.db")

    def test_of_another_program(self):
        self.settle()
        self.db.unlink()
        with sqlite3.connect(self.db) as db:
            db.execute("create table bookmarks (url)")
        self.refused("state.db")

    def test_from_the_future(self):
        with sqlite3.connect(self.db) as db:
            db.execute("pragma user_version = 7")
        self.settle()
        self.refused("state.db", "newer")

    def test_unreadable(self):
        self.settle()
        kept = self.db.read_bytes()
        self.db.unlink()
        self.db.mkdir()
        self.refused("state.db")
        self.db.rmdir()
        self.db.symlink_to("state.db")  # a loop
        self.one.run("plan").expect(1, "state.db")
        self.db.unlink()
        self.db.write_bytes(kept)
        self.one.run("plan").expect(0)

    def test_state_directory_is_a_file(self):
        shutil.rmtree(self.one.state)
        self.one.state.write_text("not a directory")
        self.one.apply().expect(1, ".slipway")
        self.assertEqual(self.one.state.read_text(), "not a directory")

    def test_key(self):
        self.settle()
        key = self.one.state / "state.key"
        right = key.read_bytes()
        key.unlink()
        self.refused("state.key")
        self.assertFalse(key.exists(), "a new key was made for an old state")
        for wrong in (b"0" * 64 + b"\n", b"", b"short\n", os.urandom(64)):
            key.write_bytes(wrong)
            key.chmod(0o600)
            self.refused("key")
        key.write_bytes(right)
        key.chmod(0o644)
        self.one.run("plan").expect(3, "open to others", "chmod 600")
        key.chmod(0o600)
        self.one.run("plan").expect(0, "drifted")
        key.unlink()
        self.one.run("plan", env={"SLIPWAY_STATE_KEY": right.decode().strip()}).expect(0)

    def test_swapped_rows(self):
        """A sealed secret moved to another row does not open."""
        site = self.site('h:file(root .. "/s1") { content = secret "s3cret-1" }\nh:file(root .. "/s2") { content = secret "s3cret-2" }')
        site.apply().expect(0)
        with sqlite3.connect(site.state / "state.db") as db:
            rows = db.execute("select address, attributes from resource order by address").fetchall()
            db.execute("update resource set attributes = ? where address = ?", (rows[1][1], rows[0][0]))
        site.run("plan").expect(1, "state.db", "/s1", without=("s3cret",))

    def test_disk_full(self):
        site = self.site('for i = 1, 60 do h:file(root .. "/f" .. i) { content = ("x"):rep(5000) .. i } end')
        small = self.directory / "small"
        small.mkdir()
        small_disk(self, small, "1m")
        options = ("--state-dir", str(small / "state"))
        filler = small / "filler"
        for room in (0, 8, 60, 200, 300, 420):  # KiB left
            filler.write_bytes(b"")
            space = os.statvfs(small)
            filler.write_bytes(b"f" * max(0, space.f_bavail * space.f_frsize - room * 1024))
            result = site.apply(*options)
            if result.code == 0:
                continue
            result.expect(1)
            self.assertRegex(result.err, "No space left on device|is full")
            filler.write_bytes(b"")
            site.run("state", "list", *options).expect(0)
        subprocess.run(["mount", "-o", "remount,size=16m", str(small)], check=True)
        site.apply(*options).expect(0)
        site.run("plan", "--detailed-exitcode", *options).expect(0)
        self.assertEqual(len(site.run("state", "list", *options).out.splitlines()), 60)


if __name__ == "__main__":
    unittest.main()
