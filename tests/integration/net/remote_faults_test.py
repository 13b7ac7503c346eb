"""What goes wrong: hosts that refuse, boot late, hang, drop; commands that never end; cancels at every point."""

import os
import signal
import socket
import threading
import time
import unittest

from support import FarmCase, Proxy, Run, SshdFarm, alive, refusing_port, wait_for

# What a run would wait for if it did not heed its own deadline or a cancel: longer than any run may take.
FOREVER = 600


class Faults(FarmCase):
    count = 3

    def fresh(self, name: str):
        path = self.path(name)
        path.unlink(missing_ok=True)
        return path

    def start_long(self, connection: dict | None = None, command: str = f"sleep {FOREVER}", **more) -> tuple[Run, int, int]:
        """A run whose command has started. With the pids of its shell and of the sshd that serves it."""
        note = self.fresh("note")
        job = {"command": f"echo $$ $PPID > {note}.part; mv {note}.part {note}; echo begun; {command}", **more.pop("job", {})}
        child = Run({"hosts": {"n1": connection or self.connection()}, "jobs": [job, *more.pop("jobs", [])], **more})
        wait_for(note.exists, what="the start of the command")
        shell, sshd = map(int, note.read_text().split())
        self.addCleanup(lambda: alive(shell) and os.kill(shell, signal.SIGKILL))
        return child, shell, sshd

    # -- connecting

    def test_refused(self):
        port = refusing_port(self)
        result = self.one(self.connection(port=port))
        self.assertFailed(result, "unreachable", "refused", str(port))
        self.assertEqual(result["attempts"], 1)

    def test_unknown_name(self):
        self.assertFailed(self.one(self.connection(address="no-such-host.invalid")), "unreachable", "cannot resolve")

    def test_host_name(self):
        self.assertRan(self.one(self.connection(address="localhost")), "ok\n")

    def test_mute_server(self):
        proxy = Proxy(0, mute=True)
        self.addCleanup(proxy.close)
        result = self.one(self.connection(port=proxy.port, connect_timeout=1))
        self.assertFailed(result, "timeout", "handshake")
        self.assertEqual(result["attempts"], 1)
        self.assertGreaterEqual(result["at_ms"], 1000)

    def test_not_ssh(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:

            def serve():
                client, _ = listener.accept()
                client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 2000)
                client.close()

            threading.Thread(target=serve, daemon=True).start()
            self.assertFailed(self.one(self.connection(port=listener.getsockname()[1])), "unreachable", "handshake")

    def test_boots_late(self):
        self.farm.stop(2)
        try:
            child = Run({"hosts": {"n2": self.connection(2, connect_deadline=20)}, "jobs": [{"command": "echo up"}]})
            time.sleep(1.5)
            self.farm.start(2)
            (result,) = child.wait()
        finally:
            if not self.farm.alive(2):
                self.farm.start(2)
        self.assertRan(result, "up\n")
        self.assertGreater(result["attempts"], 2)
        self.assertEqual(result["connects"], 1)

    def test_never_boots(self):
        result = self.one(self.connection(port=refusing_port(self), connect_deadline=1.5))
        self.assertFailed(result, "unreachable", "refused")
        self.assertIn(f"({result['attempts']} attempts in ", result["frames"])
        # Pauses of about 0.2, 0.32, 0.51 and 0.82 s, the last cut short by the deadline, at which the last attempt is made.
        self.assertIn(result["attempts"], range(3, 8))
        self.assertGreaterEqual(result["at_ms"], 1500)

    def test_all_queued_jobs_fail_once(self):
        child = Run({"hosts": {"n1": self.connection(port=refusing_port(self), connect_deadline=0.6)}, "jobs": [{"command": "true"}] * 3})
        results = child.wait()
        for result in results:
            self.assertFailed(result, "unreachable")
        self.assertEqual(len({result["attempts"] for result in results}), 1)

    def test_banner(self):
        banner = self.path("banner")
        banner.write_text("Authorised use only. \x1b[31m\n" * 50)
        with SshdFarm(self.path("bannered"), 1, options={"Banner": str(banner)}) as farm:
            base = {"port": farm.node(1).port, "host_key": farm.node(1).host_key, "key": str(farm.key)}
            self.assertRan(self.one(self.connection(**base)), "ok\n")

    # -- dropping

    def test_drop(self):
        again = self.fresh("again")
        child, _, sshd = self.start_long(jobs=[{"command": "echo back", "after_file": str(again)}])
        time.sleep(0.3)
        os.kill(sshd, signal.SIGKILL)
        again.touch()
        first, second = child.wait()
        self.assertFailed(first, "unreachable", "connection to 'n1' lost after ")
        self.assertEqual(first["out"], "begun\n")
        self.assertEqual(first["status"], -1)
        self.assertRan(second, "back\n")
        self.assertEqual(second["connects"], 2)

    def test_drop_while_feeding(self):
        big = self.path("zeros")
        with open(big, "wb") as file:
            file.truncate(500_000_000)
        child, _, sshd = self.start_long(command=f"cat > /dev/null; sleep {FOREVER}", job={"input_file": str(big)})
        os.kill(sshd, signal.SIGKILL)
        self.assertFailed(child.wait()[0], "unreachable", "lost after")

    def test_dropped_while_idle(self):
        """The connection dies between two jobs: the second is sent over a new one."""
        again = self.fresh("again")
        note = self.fresh("sshd-pid")
        child = Run({"hosts": {"n1": self.connection()}, "jobs": [{"command": f"echo $PPID > {note}"}, {"command": "echo back", "after_file": str(again)}]})
        wait_for(lambda: note.exists() and note.read_text())
        time.sleep(0.2)
        os.kill(int(note.read_text()), signal.SIGKILL)
        time.sleep(0.1)
        again.touch()
        first, second = child.wait()
        self.assertRan(first)
        self.assertRan(second, "back\n")
        self.assertEqual(second["connects"], 2)

    # -- hanging

    def test_hang(self):
        child, _, sshd = self.start_long(self.connection(idle_timeout=1.5))
        os.kill(sshd, signal.SIGSTOP)
        try:
            (result,) = child.wait()
        finally:
            os.kill(sshd, signal.SIGCONT)
        self.assertFailed(result, "timeout", "not a byte from 'n1' for 1.5s")

    def test_hang_while_feeding(self):
        big = self.path("zeros")
        with open(big, "wb") as file:
            file.truncate(500_000_000)
        child, _, sshd = self.start_long(self.connection(idle_timeout=2), command="cat > /dev/null", job={"input_file": str(big)})
        os.kill(sshd, signal.SIGSTOP)
        try:
            (result,) = child.wait()
        finally:
            os.kill(sshd, signal.SIGCONT)
        self.assertIn(result["code"], ("timeout", "unreachable"), result)

    def test_output_resets_the_idle_timeout(self):
        result = self.one(self.connection(idle_timeout=2), {"command": "for i in 1 2 3 4 5; do sleep 0.5; echo $i; done"})
        self.assertRan(result, "1\n2\n3\n4\n5\n")

    def test_command_timeout(self):
        child, shell, _ = self.start_long(job={"timeout_ms": 1000})
        (result,) = child.wait()
        self.assertFailed(result, "timeout", "still ran after 1.0s")
        wait_for(lambda: not alive(shell), what="the end of the remote shell")

    def test_next_job_after_a_timeout(self):
        child = Run({"hosts": {"n1": self.connection()}, "jobs": [{"command": f"sleep {FOREVER}", "timeout_ms": 500}, {"command": "echo next"}]})
        first, second = child.wait()
        self.assertFailed(first, "timeout")
        self.assertRan(second, "next\n")

    # -- cancelling

    def check_cancel(self, spec: dict):
        """A cancel ends what would else last for ever, and nothing of it holds up the end of the program."""
        for result in Run({"cancel_after_ms": 500, **spec}).wait():
            self.assertFailed(result, "cancelled")

    def test_cancel_running_and_queued(self):
        self.check_cancel({"hosts": {"n1": self.connection()}, "jobs": [{"command": f"sleep {FOREVER}"}] * 3})

    def test_cancel_ends_the_command(self):
        child, shell, _ = self.start_long(cancel_after_ms=1000)
        self.assertFailed(child.wait()[0], "cancelled")
        wait_for(lambda: not alive(shell), what="the end of the remote shell")

    def test_cancel_while_connecting(self):
        proxy = Proxy(0, mute=True)
        self.addCleanup(proxy.close)
        self.check_cancel({"hosts": {"n1": self.connection(port=proxy.port, connect_timeout=FOREVER)}, "jobs": [{"command": "true"}]})

    def test_cancel_while_waiting_for_boot(self):
        self.check_cancel({"hosts": {"n1": self.connection(port=refusing_port(self), connect_deadline=FOREVER)}, "jobs": [{"command": "true"}]})

    def test_cancel_a_flood(self):
        self.check_cancel({"hosts": {"n1": self.connection()}, "jobs": [{"command": "yes"}]})

    def test_cancel_while_feeding(self):
        big = self.path("zeros")
        with open(big, "wb") as file:
            file.truncate(500_000_000)
        self.check_cancel({"hosts": {"n1": self.connection()}, "jobs": [{"command": f"sleep {FOREVER}", "input_file": str(big)}]})

    def test_cancel_a_hang(self):
        for feeding in (False, True):
            big = self.path("zeros")
            with open(big, "wb") as file:
                file.truncate(500_000_000)
            job = {"input_file": str(big)} if feeding else {}
            child, _, sshd = self.start_long(command=f"cat > /dev/null; sleep {FOREVER}", job=job, cancel_after_ms=1500)
            os.kill(sshd, signal.SIGSTOP)
            try:
                self.assertFailed(child.wait()[0], "cancelled")
            finally:
                os.kill(sshd, signal.SIGCONT)

    def test_free_while_running(self):
        for command in (f"sleep {FOREVER}", "yes"):
            child = Run({"hosts": {f"n{i}": self.connection(1 + i % 3) for i in range(6)}, "jobs": [{"command": command}] * 2, "free_after_ms": 600})
            results = child.wait()
            self.assertEqual(len(results), 12)
            for result in results:
                self.assertFailed(result, "cancelled")

    def test_free_a_hang(self):
        child, _, sshd = self.start_long(free_after_ms=1000)
        os.kill(sshd, signal.SIGSTOP)
        try:
            self.assertFailed(child.wait()[0], "cancelled")
        finally:
            os.kill(sshd, signal.SIGCONT)


if __name__ == "__main__":
    unittest.main(verbosity=2)
