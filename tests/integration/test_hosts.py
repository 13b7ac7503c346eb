"""Hosts that fail: unreachable, hanging, another machine in their place, dropped in the middle, full, noisy."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading

from harness import Case, fingerprint, tree, unittest, wait_for
from processes import descendants, processes
from root import small_disk, sudoers, user

FILE = 'h:file(root .. "/a") { content = "a\\n" }'


class Mute:
    """A listener that accepts and says `greeting`, or nothing. Counts the bytes clients send it."""

    def __init__(self, greeting: bytes = b"") -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.greeting, self.received, self.sockets = greeting, b"", []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                self.sockets.append(near)
                near.sendall(self.greeting)
                threading.Thread(target=self._read, args=(near,), daemon=True).start()

    def _read(self, near: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := near.recv(65536):
                self.received += data

    def close(self) -> None:
        self.listener.close()
        for near in self.sockets:
            near.close()


class Unreachable(Case):
    nodes = 5

    def test_refuses(self):
        site = self.site(FILE, nodes=[2])
        site.apply().expect(0)
        self.farm.stop(2)
        try:
            site.run("plan").expect(1, "n2", "127.0.0.1", str(self.farm.node(2).port), "refused", "--exclude n2")
            site.run("drift").expect(1, "n2")
            site.apply().expect(1, "n2")
            self.assertEqual(len(site.addresses()), 1)
        finally:
            self.farm.start(2)
        site.converged()

    def test_hangs_before_its_banner(self):
        mute = Mute()
        self.addCleanup(mute.close)
        site = self.site(FILE, nodes=[1])
        site.overrides["n1"] = {"port": mute.port, "connect_timeout": 1}
        site.inventory().run("plan").expect(1, "n1", "127.0.0.1", "no SSH handshake", "in time")

    def test_is_not_ssh(self):
        mute = Mute(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        self.addCleanup(mute.close)
        site = self.site(FILE, nodes=[1])
        site.overrides["n1"] = {"port": mute.port, "connect_timeout": 2}
        site.inventory().run("plan").expect(1, "n1", "no SSH handshake")

    def test_another_machine(self):
        """Both fingerprints are shown and nothing is run."""
        site = self.site(FILE, nodes=[1, 2])
        site.overrides["n1"] = {"host_key": self.farm.node(2).host_key}
        before = site.execs()
        site.inventory().apply().expect(1, "n1", fingerprint(self.farm.node(1).host_key), fingerprint(self.farm.node(2).host_key))
        self.assertEqual(site.execs()[0], before[0])
        self.assertEqual([tree(root) for root in site.roots()], [{}, {}])
        with open(self.farm.node(1).log, errors="replace") as log:
            self.assertNotIn("Accepted publickey", log.read()[-300:])

    def test_unknown_machine(self):
        site = self.site(FILE, nodes=[1])
        site.overrides["n1"] = {"host_key": None}
        empty = site.directory / "known_hosts"
        empty.touch()
        site.extra["ssh"] = {"user": self.farm.user, "key": str(self.farm.key), "known_hosts": str(empty)}
        site.inventory().apply().expect(1, "n1", fingerprint(self.farm.node(1).host_key), "known_hosts")
        self.assertEqual(empty.read_text(), "")
        shutil.copy(self.farm.known_hosts, empty)
        site.apply().expect(0)

    def test_wrong_key(self):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.directory / "stranger")], check=True)
        site = self.site(FILE, nodes=[1])
        site.overrides["n1"] = {"key": str(self.directory / "stranger")}
        site.inventory().run("plan").expect(1, "n1", self.farm.user, "stranger")
        site.overrides["n1"] = {"key": str(self.directory / "no-such-key")}
        site.inventory().run("plan").expect(1, "n1", "no-such-key")

    def test_one_of_five_is_dead(self):
        site = self.site(FILE)
        self.farm.stop(4)
        try:
            site.apply().expect(1, "n4", "refused", "--exclude n4")
            site.apply("--exclude", "n4").expect(0, "4 done")
            self.assertEqual([len(tree(root)) for root in site.roots()], [1, 1, 1, 0, 1])
            self.farm.stop(2)
            site.run("plan").expect(1, "n2:", "n4:", "2 of 5")
        finally:
            for index in (2, 4):
                if not self.farm.alive(index):
                    self.farm.start(index)
        site.apply().expect(0, "1 done")
        site.converged()

    def test_dies_between_plan_and_apply(self):
        site = self.site(FILE, nodes=[1, 2, 3])
        site.run("plan", "--out", "p").expect(0)
        self.farm.stop(2)
        try:
            site.run("apply", "p").expect(1, "n2", "refused", "2 done", "1 failed")
        finally:
            self.farm.start(2)
        self.assertEqual([len(tree(root)) for root in site.roots()], [1, 0, 1])
        self.assertEqual(len(site.addresses()), 2)
        site.apply().expect(0, "1 done")


class Middle(Case):
    """What goes wrong while a script runs."""

    nodes = 2

    SLOW = """
        h:file(root .. "/first") {{ content = "1" }}
        h:exec "slow" {{ command = "echo begun; touch " .. root .. "/began; {}; touch " .. root .. "/slow", creates = root .. "/slow" }}
        h:file(root .. "/last") {{ content = "3" }}
    """

    def settle(self, site) -> None:
        """A run after the fault converges, and the state is whole."""
        site.play(self.SLOW.format("true"))
        site.apply().expect(0)
        site.converged()
        self.assertEqual(len(site.run("state", "list").expect(0).out.splitlines()), 3 * len(site.nodes))
        for root in site.roots():
            self.assertEqual(sorted(tree(root)), ["began", "first", "last", "slow"])
        self.assertEqual(site.sql("select count(*) from intent where outcome is null"), [(0,)])
        site.run("destroy", "--yes").expect(0)
        for root in site.roots():
            self.assertEqual(sorted(tree(root)), ["began", "slow"])

    def test_connection_dropped(self):
        site = self.site(self.SLOW.format("sleep 600"), nodes=[1])
        run = site.start("apply", "--yes")
        wait_for((site.root() / "began").exists, what="the slow step")
        sessions = descendants(processes(), {self.farm.node(1).pid})
        self.assertTrue(sessions)
        for pid in sessions:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        run.finish().expect(1, "exec:slow", "1 done, 1 failed, 1 skipped")
        self.assertEqual(site.run("state", "list").out.count("first"), 1)
        self.settle(site)

    def test_shell_killed(self):
        site = self.site(self.SLOW.format("sleep 0.5; kill -9 $$"), nodes=[1])
        site.apply().expect(1, "exec:slow", "1 done, 1 failed, 1 skipped")
        self.settle(site)

    def test_sshd_killed_by_a_step(self):
        """What the node had not told yet when it went away is looked at again."""
        site = self.site(self.SLOW.format("kill -9 $PPID"), nodes=[1])
        site.apply().expect(1, "n1", "1 failed")
        self.settle(site)

    def test_step_exits_and_signals(self):
        site = self.site(self.SLOW.format("echo the reason >&2; exit 3"), nodes=[1, 2])
        site.apply().expect(1, "exec:slow", "the reason", "exit status 3", "n1", "n2", "play.lua:7", "2 done, 2 failed, 2 skipped")
        site.play(self.SLOW.format("kill -TERM $$")).apply().expect(1, "exec:slow")
        self.settle(site)

    def test_step_with_a_time_limit(self):
        site = self.site('h:exec "slow" { command = "sleep 600", timeout = 1 }\nh:file(root .. "/a") { content = "a" }', nodes=[1])
        site.apply().expect(1, "exec:slow", "time limit", "timeout")
        site.play('h:exec "slow" { command = "true", timeout = 1 }').apply().expect(0)

    def test_background_process_keeps_the_pipe(self):
        site = self.site('h:exec "daemon" { command = "sleep 600 & echo $! > " .. root .. "/pid" }\nh:file(root .. "/a") { content = "a" }', nodes=[1])
        site.apply().expect(0, "2 done")
        os.kill(int((site.root() / "pid").read_text()), signal.SIGKILL)  # it runs still: it was not waited for

    def test_stdin_is_empty(self):
        """A step that reads does not eat the script."""
        site = self.site('h:exec "cat" { command = "cat; read x || true" }\nh:file(root .. "/a") { content = "a" }', nodes=[1])
        site.apply().expect(0, "2 done")

    def test_hostile_output(self):
        """Escape sequences, NULs and megabytes of output neither reach the terminal nor stop the run."""
        site = self.site(r"""
            h:exec "escapes" { command = "printf '\\033]0;owned\\007\\033[2Jx\\000y\\n'" }
            h:exec "flood" { command = "head -c 8000000 /dev/zero | tr '\\0' z; echo; seq 1 20000" }
            h:file(root .. "/a") { content = "a" }
        """, nodes=[1])
        result = site.apply().expect(0, "3 done", without=("\x1b", "\0"))
        self.assertLess(len(result.text), 16_000_000)
        json_run = site.run("plan", "--json").expect(0)
        json_run.events()

    def test_disk_full(self):
        site = self.site(nodes=[1])
        small = site.root() / "small"
        small.mkdir()
        small_disk(self, small, "64k")
        site.play("""
            h:file(root .. "/small/a") { content = "fits" }
            h:file(root .. "/small/b") { content = ("x"):rep(200000) }
            h:file(root .. "/small/c") { content = "c" }
        """)
        for _ in range(2):
            site.apply().expect(1, "small/b", "No space left", "1 failed, 1 skipped")
            self.assertEqual(list(tree(small)), ["a"], "something half-written was left")
        subprocess.run(["mount", "-o", "remount,size=4m", str(small)], check=True)
        site.apply().expect(0)
        site.converged()
        self.assertEqual(sorted(tree(small)), ["a", "b", "c"])

    def test_read_only_and_in_the_way(self):
        site = self.site(nodes=[1])
        (site.root() / "not-a-directory").write_text("x")
        (site.root() / "a-directory").mkdir()
        (site.root() / "a-directory" / "inside").touch()
        site.play('h:file(root .. "/not-a-directory/a") { content = "a" }').apply().expect(1, "not-a-directory/a")
        site.play('h:file(root .. "/a-directory") { content = "a" }').apply().expect(1, "a-directory")
        self.assertTrue((site.root() / "a-directory" / "inside").exists())
        site.play('h:file(root .. "/missing/deep/a") { content = "a" }').apply().expect(1, "missing/deep")


class Noisy(Case):
    """A banner before the login, and a shell whose rc file talks and aliases."""

    def test_noise_is_not_taken_for_answers(self):
        node = self.farm.node(1)
        banner = self.directory / "banner"
        banner.write_text("*** authorised use only ***\n" * 50)
        self.farm.stop(1)
        self.farm.options = {"Banner": str(banner), "SetEnv": f"HOME={node.home} NODE_ROOT={node.root}"}
        for name in (".bashrc", ".bash_profile", ".profile"):
            (type(self).directory / "farm/1/home" / name).write_text("echo loud; echo louder >&2; alias cat='echo aliased'; alias stat=false\n")
        self.farm.start(1)
        site = self.site(FILE + '\nh:exec "talk" { command = "echo said" }')
        result = site.apply("--json").expect(0)
        self.assertEqual([event["message"] for event in result.events("output")], ["said"])
        self.assertEqual((site.root() / "a").read_text(), "a\n")
        site.converged()


class Sudo(Case):
    """become: a user of its own, made for this and removed after it."""

    USER = "slipway-int-test"

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        made = user(cls.USER, "r1ght-password", "-M", "-d", "/nonexistent")
        made.__enter__()
        cls.addClassCleanup(made.__exit__, None, None, None)
        sudoers(cls.USER, "ALL")
        cls.addClassCleanup(sudoers, cls.USER, None)
        os.chmod(cls.farm.directory, 0o755)

    def test_passwords(self):
        site = self.site(FILE + '\nh:exec "who" { command = "id -un" }')
        os.chown(site.root(), 0, 0)
        os.chmod(site.root(), 0o700)
        site.extra["ssh"] = {"user": self.USER, "key": str(self.farm.key), "agent": False, "become": "sudo"}
        site.inventory().run("plan").expect(1, "n1", "sudo", "password")
        site.extra["ssh"]["become_password"] = "wr0ng-password"
        site.inventory().run("plan").expect(1, "n1", "sudo", "password", "become_password", without=("wr0ng-password",))
        site.extra["ssh"]["become_password"] = "r1ght-password"
        result = site.inventory().apply("--json").expect(0, without=("r1ght-password",))
        self.assertEqual([event["message"] for event in result.events("output")], ["root"])
        site.converged()
        self.assertNotIn(b"r1ght-password", (site.state / "state.db").read_bytes())


if __name__ == "__main__":
    unittest.main()
