"""Bytes in quantity: files, floods, both ways at once, slow links; and many hosts."""

import hashlib
import os
import signal
import unittest

from support import SANITIZED, FarmCase, Proxy, Run

# What the log says where output did not end with its command.
LEFT = "keeps its output open"


class Flow(FarmCase):
    count = 3

    def data(self, size: int) -> tuple[str, str]:
        path = self.path(f"data{size}")
        if not path.exists():
            path.write_bytes(os.urandom(size))
        return str(path), hashlib.sha256(path.read_bytes()).hexdigest()

    def test_basics(self):
        result = self.one(self.connection(), {"command": "sh", "input": "echo out; echo err >&2; cat; exit 42"})
        self.assertRan(result, "out\n", 42)
        self.assertEqual(result["err"], "err\n")
        self.assertEqual(result["channels"], 1)

    def test_signal(self):
        self.assertRan(self.one(self.connection(), {"command": "kill -9 $$"}), "", 137)

    def test_no_input_is_end_of_input(self):
        self.assertRan(self.one(self.connection(), {"command": "cat; echo end"}), "end\n")

    def test_jobs_in_order_on_one_connection(self):
        child = Run({"hosts": {"n1": self.connection()}, "jobs": [{"command": f"echo {i}"} for i in range(20)]})
        results = child.wait()
        self.assertEqual([result["out"] for result in results], [f"{i}\n" for i in range(20)])
        self.assertEqual(results[-1]["connects"], 1)

    def test_file(self):
        path, sha = self.data(50_000_000)
        target = self.path("arrived")
        result = self.one(self.connection(), {"command": f"cat > {target} && sha256sum < {target}", "input_file": path})
        self.assertRan(result, f"{sha}  -\n")
        self.assertEqual(result["bytes_out"], 50_000_000)
        print(f"50 MB in {result['elapsed_ms']} ms", end=" ")

    def test_both_ways(self):
        """A command that answers while it is fed: whoever waits for one side only, hangs."""
        path, sha = self.data(20_000_000)
        result = self.one(self.connection(), {"command": "tee /dev/stderr", "input_file": path})
        self.assertRan(result)
        self.assertEqual(result["out_sha256"], sha)
        self.assertEqual(result["err_len"], 20_000_000)

    def test_no_tail_is_lost(self):
        """Output, status, end and close come in one burst; libssh may take any of it in while it is asked for something else."""
        path, sha = self.data(700_000)
        child = Run({"hosts": {f"n{i}": self.connection(i) for i in (1, 2, 3)}, "jobs": [{"command": "tee /dev/null", "input_file": path}] * 60},
                    env={"SLIPWAY_TEST_LOG": "1"})
        for result in child.wait():
            self.assertRan(result)
            self.assertEqual(result["out_sha256"], sha)
        self.assertNotIn(LEFT, child.log)  # nobody slept on it

    def test_daemon_keeps_the_pipe(self):
        child = Run({"hosts": {"n1": self.connection()}, "jobs": [{"command": "sleep 600 & echo $!"}]}, env={"SLIPWAY_TEST_LOG": "1"})
        (result,) = child.wait()
        self.assertRan(result)
        os.kill(int(result["out"]), signal.SIGKILL)  # it runs still: it was not waited for
        self.assertIn(LEFT, child.log)

    def test_large_script(self):
        script = "".join(f"x{i}='{'y' * 200}'\n" for i in range(20000)) + "echo done $x19999"
        self.assertRan(self.one(self.connection(), {"command": "sh", "input": script}), "done " + "y" * 200 + "\n")

    def test_command_that_does_not_read(self):
        path, _ = self.data(20_000_000)
        result = self.one(self.connection(), {"command": "exec <&-; echo early; exit 3", "input_file": path})
        self.assertRan(result, "early\n", 3)

    def test_missing_input_file(self):
        child = Run({"hosts": {"n1": self.connection()}, "jobs": [{"command": "cat", "input_file": "/nonexistent"}, {"command": "echo ok"}]})
        first, second = child.wait()
        self.assertFailed(first, "io", "/nonexistent")
        self.assertRan(second, "ok\n")

    def test_flood_is_bounded(self):
        """100 MB while the loop stands still for two seconds: it waits on the wire, not in memory."""
        child = Run({"hosts": {"n1": self.connection()}, "jobs": [{"command": "head -c 100000000 /dev/zero; echo >&2 end"}], "stall_ms": 2000})
        (result,) = child.wait()
        self.assertRan(result)
        self.assertEqual(result["out_len"], 100_000_000)
        self.assertEqual(result["err"], "end\n")
        self.assertIn(child.end["stalled_bytes"], range(1, 4_000_000))
        if not SANITIZED:
            self.assertLess(child.end["max_rss_kb"], 24_000)
        print(f"100 MB in {result['elapsed_ms']} ms, {child.end['max_rss_kb']} KiB, {child.end['cpu_ms']} ms CPU", end=" ")

    def test_slow_link(self):
        proxy = Proxy(self.farm.node(1).port, rate=60_000)
        self.addCleanup(proxy.close)
        path, sha = self.data(150_000)
        result = self.one(self.connection(port=proxy.port, idle_timeout=5), {"command": "cat", "input_file": path})
        self.assertRan(result)
        self.assertEqual(result["out_sha256"], sha)
        self.assertGreater(result["elapsed_ms"], 2000)

    def test_long_silence_does_not_spin(self):
        child = Run({"hosts": {f"n{i}": self.connection(i) for i in (1, 2, 3)}, "jobs": [{"command": "sleep 2"}]})
        for result in child.wait():
            self.assertRan(result)
        self.assertLess(child.end["cpu_ms"], 1000 if SANITIZED else 60)

    def test_many(self):
        child = Run({"hosts": {f"n{i}": self.connection(1 + i % 3) for i in range(60)}, "jobs": [{"command": "sh", "input": "echo a; cat"}, {"command": "echo b"}]})
        results = child.wait()
        self.assertEqual(len(results), 120)
        for result in results:
            self.assertRan(result)


if __name__ == "__main__":
    unittest.main(verbosity=2)
