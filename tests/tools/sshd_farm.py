#!/usr/bin/env python3
"""Real OpenSSH servers on 127.0.0.1, each a node with a directory of its own.

    sshd_farm.py up --count 14 --dir /tmp/farm
    ssh -F /tmp/farm/ssh_config n3 hostname
    sshd_farm.py down --dir /tmp/farm

As a library:

    with SshdFarm(directory, count=3) as farm:
        farm.node(1).port, farm.node(1).host_key, farm.node(1).root
        farm.stop(2); farm.start(2)          # a host that is down, and comes back on the same port
        farm.exec_count()                    # exec channels opened so far

Layout of DIR (i counts from 1):

    farm.json  known_hosts  ssh_config         what clients need
    id_ed25519  id_ed25519.pub                 the client's key pair; logs in as the user who runs this
    nodes/i/                                   the node's own directory ($NODE_ROOT in its sessions)
    i/sshd_config  i/host_key  i/log  i/home   the server's own files; home is $HOME, so that no bashrc counts
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import getpass
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ports import ADDRESS, free_port
from processes import Process, descendants, processes

START_TRIES = 5
START_TIMEOUT = 30.0
STOP_TIMEOUT = 10.0
EXEC_LINE = re.compile(r"Starting session: (command|forced-command)\b")


class FarmError(Exception):
    """The farm could not be started or ended; the message says why."""


@dataclass
class Node:
    index: int
    name: str
    port: int
    host_key: str  # "ssh-ed25519 AAAA..."
    pid: int
    root: str  # the node's own directory
    home: str
    log: str
    config: str


def _tool(name: str) -> str:
    path = shutil.which(name, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin:/usr/local/sbin")
    if path is None:
        raise FarmError(f"{name} not found: install OpenSSH (Debian: openssh-server, openssh-client)")
    return path


def _keygen(path: Path, comment: str) -> str:
    """Makes an ed25519 key pair and returns the public part without its comment."""
    result = subprocess.run(
        [_tool("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
    )
    if result.returncode != 0:
        raise FarmError(f"ssh-keygen {path}: {result.stderr.strip() or result.stdout.strip()}")
    return " ".join(path.with_name(path.name + ".pub").read_text().split()[:2])


def _tail(path: Path, lines: int = 5) -> str:
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return "(no log)"


class SshdFarm:
    """N sshd on loopback. up() and down(), or a context manager.

    options        sshd options for every node, as {"MaxSessions": "1"}; they win over the farm's own
    node_options   more for single nodes, by index, as {3: {"LoginGraceTime": "1"}}
    base_port      node i listens at base_port + i - 1; without it, free ports are found
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        count: int = 1,
        *,
        base_port: int | None = None,
        log_level: str = "VERBOSE",
        options: Mapping[str, str] | None = None,
        node_options: Mapping[int, Mapping[str, str]] | None = None,
    ) -> None:
        if count < 1:
            raise FarmError(f"a farm needs at least one node, not {count}")
        self.directory = Path(directory).absolute()
        if re.search(r"[\s\"'%#\\]", str(self.directory)):
            raise FarmError(f"{self.directory}: sshd_config cannot quote this path; use one without spaces, quotes, %, # or \\")
        self.count = count
        self.base_port = base_port
        self.log_level = log_level
        self.options = dict(options or {})
        self.node_options = {index: dict(of) for index, of in (node_options or {}).items()}
        for index in self.node_options:
            if not 1 <= index <= count:
                raise FarmError(f"options for node {index}, but the nodes are 1 to {count}")
        self.user = getpass.getuser()
        self.nodes: list[Node] = []
        self._children: dict[int, subprocess.Popen[bytes]] = {}

    # -- what clients need ---------------------------------------------------------------------------------------------

    @property
    def key(self) -> Path:
        return self.directory / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.directory / "known_hosts"

    @property
    def ssh_config(self) -> Path:
        return self.directory / "ssh_config"

    def node(self, index: int) -> Node:
        return self.nodes[index - 1]

    def exec_count(self, nodes: Sequence[Node] | None = None) -> int:
        """Exec channels that the servers have accepted so far, of these nodes or of all."""
        total = 0
        for node in self.nodes if nodes is None else nodes:
            with open(node.log, errors="replace") as log:
                total += sum(1 for line in log if EXEC_LINE.search(line))
        return total

    # -- up and down ---------------------------------------------------------------------------------------------------

    def __enter__(self) -> SshdFarm:
        return self.up()

    def __exit__(self, *_: object) -> None:
        self.down()

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> SshdFarm:
        """The farm that up() recorded in this directory."""
        path = Path(directory).absolute() / "farm.json"
        try:
            record = json.loads(path.read_text())
        except FileNotFoundError:
            raise FarmError(f"{path} does not exist: no farm was started there") from None
        farm = cls(directory, record["count"])
        farm.user = record["user"]
        farm.nodes = [Node(**node) for node in record["nodes"]]
        return farm

    def up(self) -> SshdFarm:
        """Starts every server and returns when all listen. On an error nothing is left running."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with self._locked():
            if (self.directory / "farm.json").exists():
                if SshdFarm.load(self.directory).alive():
                    raise FarmError(f"a farm runs in {self.directory} already: `sshd_farm.py down --dir {self.directory}` first")
                (self.directory / "farm.json").unlink()
            self._prepare()
            try:
                self._launch(self.nodes, fixed_port=self.base_port is not None)
                self._write_client_files()
            except BaseException:
                self._end(self.nodes)
                raise
        return self

    def down(self) -> None:
        """Ends the recorded servers and their sessions, and nothing else. The files stay."""
        with self._locked():
            self._end(self.nodes)
            (self.directory / "farm.json").unlink(missing_ok=True)

    def stop(self, index: int) -> None:
        """Ends one server and its sessions: connections break, new ones are refused."""
        self._end([self.node(index)])

    def start(self, index: int) -> None:
        """Starts a stopped server again, on the same port."""
        if self.alive(index):
            raise FarmError(f"node {index} is running already")
        self._launch([self.node(index)], fixed_port=True)
        self._write_client_files()

    def alive(self, index: int | None = None) -> bool:
        """Whether this server runs, or any of them."""
        nodes = self.nodes if index is None else [self.node(index)]
        return bool(self._ours(processes(), nodes))

    # -- inside --------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with open(self.directory / "lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise FarmError(f"another process is starting or ending the farm in {self.directory}") from None
            yield

    def _prepare(self) -> None:
        if not self.key.exists():
            _keygen(self.key, "slipway sshd farm")
        first = self.base_port if self.base_port is not None else 0
        self.nodes = []
        for index in range(1, self.count + 1):
            own, root = self.directory / str(index), self.directory / "nodes" / str(index)
            home = own / "home"
            for directory in (root, home):
                directory.mkdir(parents=True, exist_ok=True)
            key = own / "host_key"
            host_key = " ".join(key.with_name("host_key.pub").read_text().split()[:2]) if key.exists() else _keygen(key, f"n{index}")
            self.nodes.append(Node(
                index=index, name=f"n{index}", port=first and first + index - 1, host_key=host_key, pid=0,
                root=str(root), home=str(home), log=str(own / "log"), config=str(own / "sshd_config"),
            ))

    def _write_sshd_config(self, node: Node) -> None:
        mine = {
            "Port": str(node.port),
            "ListenAddress": ADDRESS,
            "HostKey": str(Path(node.config).with_name("host_key")),
            "PidFile": "none",
            "AuthorizedKeysFile": str(self.key) + ".pub",
            "StrictModes": "no",
            "PermitRootLogin": "prohibit-password",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
            "UsePAM": "no",
            "UseDNS": "no",
            "PrintMotd": "no",
            "PrintLastLog": "no",
            "MaxStartups": "1000:30:2000",
            "LogLevel": self.log_level,
            "Subsystem": "sftp internal-sftp",
            "SetEnv": f"HOME={node.home} NODE_ROOT={node.root}",
        }
        # sshd takes the first value of an option, and its names ignore case.
        given = self.options | self.node_options.get(node.index, {})
        taken = {name.lower() for name in given}
        lines = [f"{name} {value}" for name, value in given.items()]
        lines += [f"{name} {value}" for name, value in mine.items() if name.lower() not in taken]
        Path(node.config).write_text("\n".join(lines) + "\n")

    def _launch(self, nodes: Sequence[Node], *, fixed_port: bool) -> None:
        sshd = _tool("sshd")
        if os.geteuid() == 0 and sys.platform == "linux":
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # Debian's sshd wants its privilege separation directory
        waiting = list(nodes)
        used = {node.port for node in self.nodes if node.port}
        for _ in range(START_TRIES):
            offsets: dict[int, int] = {}
            for node in waiting:
                if not fixed_port:
                    node.port = free_port(used)
                    used.add(node.port)
                self._write_sshd_config(node)
                log = Path(node.log)
                offsets[node.index] = log.stat().st_size if log.exists() else 0
                with open(log.with_name("stderr"), "w") as stderr:
                    child = subprocess.Popen(
                        [sshd, "-D", "-f", node.config, "-E", node.log],
                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True,
                    )
                node.pid = child.pid
                self._children[node.index] = child
            waiting = self._await_listening(waiting, offsets)
            if not waiting:
                return
            if fixed_port:
                break
        raise FarmError("the port is taken: " + ", ".join(f"{node.name} {node.port}" for node in waiting))

    def _await_listening(self, nodes: Sequence[Node], offsets: Mapping[int, int]) -> list[Node]:
        """Waits until each server listens; returns those whose port was taken by someone else."""
        pending, taken = list(nodes), []
        deadline = time.monotonic() + START_TIMEOUT
        while pending:
            still = []
            for node in pending:
                log = Path(node.log)
                text = ""
                if log.exists():
                    with open(log, "rb") as stream:
                        stream.seek(offsets[node.index])
                        text = stream.read().decode(errors="replace")
                child = self._children[node.index]
                if child.poll() is not None:
                    if "Address already in use" in text:
                        taken.append(node)
                        self._forget(node)
                        continue
                    said = _tail(log.with_name("stderr")) or _tail(log)
                    raise FarmError(f"sshd of {node.name} ended with {child.returncode}: {said}")
                if f"Server listening on {ADDRESS} port {node.port}." not in text:
                    still.append(node)
            pending = still
            if pending:
                if time.monotonic() > deadline:
                    names = ", ".join(node.name for node in pending)
                    raise FarmError(f"not listening after {START_TIMEOUT:.0f} s: {names}\n{_tail(Path(pending[0].log))}")
                time.sleep(0.01)
        return taken

    def _forget(self, node: Node) -> None:
        child = self._children.pop(node.index, None)
        if child is not None:
            child.wait(timeout=STOP_TIMEOUT)
        node.pid = 0

    def _write_client_files(self) -> None:
        self.known_hosts.write_text("".join(f"[{ADDRESS}]:{node.port} {node.host_key}\n" for node in self.nodes))
        config = [
            "Host n*",
            f"  HostName {ADDRESS}",
            f"  User {self.user}",
            f"  IdentityFile {self.key}",
            "  IdentitiesOnly yes",
            "  IdentityAgent none",
            f"  UserKnownHostsFile {self.known_hosts}",
            "  GlobalKnownHostsFile /dev/null",
            "  StrictHostKeyChecking yes",
            "  UpdateHostKeys no",
            "  BatchMode yes",
            "  LogLevel ERROR",
        ]
        for node in self.nodes:
            config += [f"Host {node.name}", f"  Port {node.port}"]
        self.ssh_config.write_text("\n".join(config) + "\n")
        record = {
            "count": self.count,
            "user": self.user,
            "address": ADDRESS,
            "key": str(self.key),
            "known_hosts": str(self.known_hosts),
            "ssh_config": str(self.ssh_config),
            "nodes": [asdict(node) for node in self.nodes],
        }
        path = self.directory / "farm.json"
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(record, indent=2) + "\n")
        partial.replace(path)

    @staticmethod
    def _ours(table: Mapping[int, Process], nodes: Sequence[Node]) -> set[int]:
        """The pids, of those recorded, that are still the servers we started: sshd keeps its config's path in its title."""
        return {node.pid for node in nodes if (found := table.get(node.pid)) and "sshd" in found.args and f"-f {node.config} " in found.args}

    def _end(self, nodes: Sequence[Node]) -> None:
        table = processes()
        servers = self._ours(table, nodes)
        # Sessions first lose their server, so that none is added; then they are ended as well.
        ours = {pid: table[pid].args for pid in servers | descendants(table, servers)}
        for pid in [*sorted(servers), *sorted(set(ours) - servers)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT
        killed = False
        while True:
            for child in self._children.values():
                child.poll()
            table = processes()
            left = [pid for pid in ours if pid in table]
            if not left:
                break
            if time.monotonic() > deadline:
                if killed:
                    raise FarmError(f"still running after SIGKILL: {left}")
                for pid in left:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                killed, deadline = True, time.monotonic() + STOP_TIMEOUT
            time.sleep(0.02)
        for node in nodes:
            self._forget(node)


def _parse_options(given: Sequence[str]) -> tuple[dict[str, str], dict[int, dict[str, str]]]:
    """KEY=VALUE is for all nodes, INDEX:KEY=VALUE for one."""
    everywhere: dict[str, str] = {}
    single: dict[int, dict[str, str]] = {}
    for text in given:
        match = re.fullmatch(r"(?:(\d+):)?([A-Za-z0-9]+)=(.*)", text)
        if match is None:
            raise FarmError(f"--sshd-option {text}: expected KEY=VALUE or NODE:KEY=VALUE")
        index, name, value = match.groups()
        target = everywhere if index is None else single.setdefault(int(index), {})
        target[name] = value
    return everywhere, single


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Real OpenSSH servers on 127.0.0.1 for tests and benchmarks.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start a farm; returns when every server listens")
    up.add_argument("--count", type=int, required=True, help="how many servers")
    up.add_argument("--dir", required=True, help="where the farm keeps its files")
    up.add_argument("--base-port", type=int, help="first port (default: free ports are found)")
    up.add_argument("--log-level", default="VERBOSE", help="VERBOSE counts exec channels; DEBUG1 shows channel requests too")
    up.add_argument("--sshd-option", action="append", default=[], metavar="[NODE:]KEY=VALUE",
                    help="an sshd_config option, for all nodes or for one; may be repeated")
    for name, text in (("down", "end the farm's servers and their sessions"), ("execs", "print how many exec channels were opened")):
        commands.add_parser(name, help=text).add_argument("--dir", required=True)
    options = parser.parse_args(arguments)
    try:
        if options.command == "up":
            everywhere, single = _parse_options(options.sshd_option)
            farm = SshdFarm(options.dir, options.count, base_port=options.base_port, log_level=options.log_level,
                            options=everywhere, node_options=single).up()
            print(f"{farm.count} sshd listen; ssh -F {farm.ssh_config} n1")
        elif options.command == "down":
            SshdFarm.load(options.dir).down()
        else:
            print(SshdFarm.load(options.dir).exec_count())
    except FarmError as error:
        print(f"sshd_farm: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
