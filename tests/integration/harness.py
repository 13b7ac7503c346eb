"""What the integration tests share: real sshd, temporary inventories, and the real slipway as a child.

    class Tracer(Case):
        nodes = 2
        def test_it(self):
            site = self.site('for _, n in ipairs(slipway.inventory.nodes) do host(n) {}:file(n.root .. "/a") { content = "x" } end')
            site.run("apply", "--yes").expect(0, "1 created")

SLIPWAY names the program (a sanitized build). Everything is written below one temporary directory per class.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
sys.path.insert(0, str(REPO / "tests" / "tools"))
from processes import wait_for  # noqa: E402
from sshd_farm import Node, SshdFarm  # noqa: E402

SLIPWAY = Path(os.environ.get("SLIPWAY", REPO / "build-asan/slipway"))
# Leaks are the unit tests' business; everything else that a sanitizer finds ends the program with 99.
SANITIZERS = {"ASAN_OPTIONS": "detect_leaks=0:exitcode=99:abort_on_error=0", "UBSAN_OPTIONS": "halt_on_error=1:exitcode=99:print_stacktrace=1"}
PRELUDE = 'local host = require "host"\nlocal inv = slipway.inventory\n'
EACH = "for _, node in ipairs(inv.nodes) do\nlocal h, root = host(node) {}, node.root\n"


class Result:
    """How a run of slipway ended."""

    def __init__(self, arguments: list[str], code: int, out: str, err: str, seconds: float) -> None:
        self.arguments, self.code, self.out, self.err, self.seconds = arguments, code, out, err, seconds

    @property
    def text(self) -> str:
        return self.out + self.err

    def __str__(self) -> str:
        return f"slipway {' '.join(self.arguments)}: exit {self.code} after {self.seconds:.1f} s\n--- stdout\n{self.out}\n--- stderr\n{self.err}"

    def expect(self, code: int, *words: str, without: tuple[str, ...] = ()) -> Result:
        """The exit code, and words that must (not) be in what was printed. Returns itself."""
        if "Sanitizer" in self.text or "runtime error:" in self.text or self.code == 99:
            raise AssertionError(f"a sanitizer complains\n{self}")
        if self.code != code:
            raise AssertionError(f"expected exit {code}\n{self}")
        for word in words:
            if word not in self.text:
                raise AssertionError(f"expected to read {word!r}\n{self}")
        for word in without:
            if word in self.text:
                raise AssertionError(f"expected not to read {word!r}\n{self}")
        return self

    def events(self, kind: str | None = None) -> list[dict]:
        """The events of a run with --json."""
        found = [json.loads(line) for line in self.out.splitlines()]
        return [event for event in found if kind is None or event["type"] == kind]


class Process:
    """slipway at work. finish() waits for its end; lines of both streams are collected meanwhile."""

    def __init__(self, command: list[str], arguments: list[str], env: dict[str, str], cwd: Path, **options) -> None:
        self.arguments = arguments
        self.started = time.monotonic()
        self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, cwd=cwd,
                                      start_new_session=True, **options)
        self.streams = {"out": bytearray(), "err": bytearray()}
        self.threads = [threading.Thread(target=self._collect, args=(pipe, self.streams[name]), daemon=True)
                        for name, pipe in (("out", self.child.stdout), ("err", self.child.stderr))]
        for thread in self.threads:
            thread.start()

    @staticmethod
    def _collect(pipe, into: bytearray) -> None:
        with pipe:
            while data := os.read(pipe.fileno(), 65536):
                into += data

    @property
    def said(self) -> str:
        return (self.streams["out"] + self.streams["err"]).decode(errors="replace")

    def interrupt(self, which: int = signal.SIGINT) -> None:
        self.child.send_signal(which)

    def finish(self, timeout: float = 120) -> Result:
        try:
            self.child.wait(timeout)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise AssertionError(f"slipway {' '.join(self.arguments)} did not end in {timeout} s:\n{self.said}") from None
        finally:
            for thread in self.threads:
                thread.join(5)
        out, err = (bytes(self.streams[name]).decode(errors="replace") for name in ("out", "err"))
        return Result(self.arguments, self.child.returncode, out, err, time.monotonic() - self.started)


class Site:
    """An inventory's directory: inventory.yaml, a playbook, and the state."""

    def __init__(self, case: type[Case], directory: Path, nodes: list[Node]) -> None:
        self.case, self.directory, self.nodes = case, directory, nodes
        self.overrides: dict[str, dict] = {}
        self.extra: dict = {}
        directory.mkdir()

    def roots(self) -> list[Path]:
        return [self.root(node.index) for node in self.nodes]

    def root(self, index: int = 1) -> Path:
        """The directory on that node that belongs to this site."""
        return Path(self.case.farm.node(index).root) / self.directory.name

    @property
    def state(self) -> Path:
        return self.directory / ".slipway"

    def inventory(self, nodes: list[int] | None = None, **more) -> Site:
        """Writes inventory.yaml (JSON is YAML). `more` replaces top-level members."""
        chosen = [node for node in self.nodes if nodes is None or node.index in nodes]
        hosts = []
        for node in chosen:
            entry = {"name": node.name, "port": node.port, "host_key": node.host_key, "root": str(self.root(node.index))}
            entry.update(self.overrides.get(node.name, {}))
            hosts.append({name: value for name, value in entry.items() if value is not None})
        farm = self.case.farm
        document = {
            "name": "site", "provider": {"name": "static"}, "playbook": "play",
            "ssh": {"user": farm.user, "key": str(farm.key), "agent": False, "transport": "ssh", "connect_timeout": 5},
            "hosts": [{"address": "127.0.0.1", **host} for host in hosts],
        }
        document.update(self.extra)
        document.update(more)
        (self.directory / "inventory.yaml").write_text(json.dumps(document, indent=1))
        return self

    def play(self, body: str, *, each: bool = True) -> Site:
        """Writes the playbook. With `each` the body runs for each node with node, h and root as locals."""
        text = PRELUDE + (EACH + body + "\nend\n" if each else body + "\n")
        (self.directory / "play.lua").write_text(text)
        return self

    def start(self, *arguments: str, env: dict[str, str] | None = None, binary: Path | None = None, wrap: tuple[str, ...] = (), **options) -> Process:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("SLIPWAY", "AWS_", "KUBECONFIG")) and name != "SSH_AUTH_SOCK"}
        environment |= {"AWS_EC2_METADATA_DISABLED": "true", "NO_COLOR": "1", "TERM": "dumb", "HOME": str(self.case.home), **SANITIZERS, **(env or {})}
        return Process([*wrap, str(binary or SLIPWAY), *arguments], list(arguments), environment, self.directory, **options)

    def run(self, *arguments: str, timeout: float = 120, **options) -> Result:
        return self.start(*arguments, **options).finish(timeout)

    def apply(self, *arguments: str, **options) -> Result:
        return self.run("apply", "--yes", *arguments, **options)

    def converged(self) -> None:
        """Nothing is left to do."""
        self.run("plan", "--detailed-exitcode").expect(0)

    def addresses(self) -> list[str]:
        return self.run("state", "list").expect(0).out.split()

    def recorded(self, address: str) -> dict:
        return json.loads(self.run("state", "show", "--json", address).expect(0).out)

    def execs(self) -> list[int]:
        return [self.case.farm.exec_count([node]) for node in self.nodes]

    def sql(self, query: str) -> list[tuple]:
        with sqlite3.connect(f"file:{self.state / 'state.db'}?mode=ro", uri=True) as db:
            return db.execute(query).fetchall()


class Case(unittest.TestCase):
    """A test class with a farm of its own. Tests make sites on it."""

    nodes = 1
    options: dict[str, str] = {}
    node_options: dict[int, dict[str, str]] = {}

    @classmethod
    def setUpClass(cls) -> None:
        cls.directory = Path(tempfile.mkdtemp(prefix="slipway-int-"))
        os.chmod(cls.directory, 0o755)
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.home = cls.directory / "controller"
        cls.home.mkdir()
        cls.farm = SshdFarm(cls.directory / "farm", cls.nodes, options=cls.options, node_options=cls.node_options)
        cls.farm.up()
        cls.addClassCleanup(cls.farm.down)

    def site(self, body: str | None = None, *, each: bool = True, nodes: list[int] | None = None) -> Site:
        """A site on these nodes (or all of the farm), with directories of its own on them."""
        number = getattr(type(self), "_sites", 0) + 1
        type(self)._sites = number
        chosen = [node for node in self.farm.nodes if nodes is None or node.index in nodes]
        site = Site(type(self), self.directory / f"site{number}", chosen)
        for root in site.roots():
            root.mkdir(parents=True, exist_ok=True)
        site.inventory()
        if body is not None:
            site.play(body, each=each)
        return site


def tree(root: Path) -> dict[str, tuple]:
    """Every file below root: its kind, mode and bytes."""
    found = {}
    for path in sorted(root.rglob("*")):
        name, info = str(path.relative_to(root)), path.lstat()
        if path.is_symlink():
            found[name] = ("link", os.readlink(path))
        elif path.is_dir():
            found[name] = ("directory", info.st_mode & 0o7777)
        else:
            found[name] = ("file", info.st_mode & 0o7777, path.read_bytes())
    return found


def fingerprint(host_key: str) -> str:
    """SHA256:... of a public key, as OpenSSH writes it."""
    digest = hashlib.sha256(base64.b64decode(host_key.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


__all__ = ["Case", "HERE", "Process", "REPO", "Result", "SANITIZERS", "SLIPWAY", "Site", "fingerprint", "tree", "unittest", "wait_for"]
