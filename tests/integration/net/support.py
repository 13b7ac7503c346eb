"""What the tests of src/net/ share: a farm of sshd, and remote_run as a child."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from ports import free_port, is_free, refusing_port  # noqa: E402
from processes import alive, descendants, processes, wait_for  # noqa: E402
from root import sudoers, user  # noqa: E402
from sshd_farm import SshdFarm  # noqa: E402

BIN = Path(os.environ.get("SLIPWAY_TEST_BIN", Path(__file__).resolve().parents[3] / "build-asan/tests/integration"))

# Memory and CPU time mean little under a sanitizer.
SANITIZED = any(word in (BIN / "net_remote_run").read_bytes() for word in (b"__asan_init", b"__tsan_init"))


class Run:
    """remote_run on a spec. wait() gives the jobs' results; `end` is its last line, `log` what it wrote with SLIPWAY_TEST_LOG."""

    def __init__(self, spec: dict, env: dict[str, str | None] | None = None, directory: str | None = None) -> None:
        self.file = tempfile.NamedTemporaryFile("w", suffix=".json", dir=directory, delete=False)
        json.dump(spec, self.file)
        self.file.close()
        environment = dict(os.environ)
        environment.pop("SSH_AUTH_SOCK", None)
        for name, value in (env or {}).items():
            if value is None:
                environment.pop(name, None)
            else:
                environment[name] = value
        self.process = subprocess.Popen([BIN / "net_remote_run", self.file.name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)

    def wait(self, timeout: float = 60) -> list[dict]:
        try:
            out, err = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            raise AssertionError(f"remote_run did not end in {timeout} s:\n{out}\n{err}") from None
        finally:
            os.unlink(self.file.name)
        if self.process.returncode != 0:
            raise AssertionError(f"remote_run ended with {self.process.returncode}:\n{out}\n{err}")
        lines = [json.loads(line) for line in out.split("\n") if line]  # splitlines() would also split at U+2028 in the output
        self.end, self.log = lines.pop(), err
        return lines


def run(spec: dict, timeout: float = 60, **options) -> list[dict]:
    return Run(spec, **options).wait(timeout)


class Proxy:
    """A TCP proxy on loopback with faults: `rate` bytes a second each way; `mute` accepts and says nothing."""

    def __init__(self, port: int, rate: int = 0, mute: bool = False) -> None:
        self.target, self.rate, self.mute = port, rate, mute
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            self.sockets.append(near)
            if self.mute:
                continue
            far = socket.create_connection(("127.0.0.1", self.target))
            self.sockets.append(far)
            for source, to in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, to), daemon=True).start()

    def _pump(self, source: socket.socket, to: socket.socket) -> None:
        try:
            while data := source.recv(1024 if self.rate else 65536):
                if self.rate:
                    time.sleep(len(data) / self.rate)
                to.sendall(data)
        except OSError:
            pass
        for end in (source, to):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self) -> None:
        self.listener.close()
        for each in self.sockets:
            each.close()


class FarmCase(unittest.TestCase):
    """A test class with a farm of its own."""

    count = 1
    options: dict[str, str] = {}

    @classmethod
    def setUpClass(cls) -> None:
        cls.directory = tempfile.mkdtemp(prefix="slipway-net-")
        os.chmod(cls.directory, 0o755)
        cls.farm = SshdFarm(Path(cls.directory) / "farm", cls.count, options=cls.farm_options())
        cls.farm.up()

    @classmethod
    def farm_options(cls) -> dict[str, str]:
        return cls.options

    @classmethod
    def tearDownClass(cls) -> None:
        cls.farm.down()
        shutil.rmtree(cls.directory)

    def path(self, name: str) -> Path:
        return Path(self.directory) / name

    def connection(self, index: int = 1, **more) -> dict:
        """Key login with a pinned host key; None removes a member."""
        node = self.farm.node(index)
        connection = {"address": "127.0.0.1", "port": node.port, "user": self.farm.user, "key": str(self.farm.key), "host_key": node.host_key, "agent": False}
        connection.update(more)
        return {name: value for name, value in connection.items() if value is not None}

    def one(self, connection: dict, job: dict | None = None, timeout: float = 60, env=None, **more) -> dict:
        """The result of one job on one host."""
        results = run({"hosts": {"n1": connection}, "jobs": [job or {"command": "echo ok"}], **more}, timeout, env=env)
        self.assertEqual(len(results), 1)
        return results[0]

    def assertRan(self, result: dict, out: str | None = None, status: int = 0) -> None:
        self.assertIsNone(result["code"], result)
        self.assertEqual(result["status"], status, result)
        if out is not None:
            self.assertEqual(result["out"], out)

    def assertFailed(self, result: dict, code: str, *words: str) -> None:
        self.assertEqual(result["code"], code, result)
        for word in words:
            self.assertIn(word, result["message"])
        for secret in ("s3cret-word", "wr0ng-word"):
            self.assertNotIn(secret, json.dumps(result))


__all__ = ["BIN", "FarmCase", "Proxy", "Run", "SANITIZED", "SshdFarm", "alive", "descendants", "free_port", "is_free", "processes", "refusing_port", "run", "sudoers", "user",
           "wait_for"]
