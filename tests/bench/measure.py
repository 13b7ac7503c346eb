"""Runs a command as a process of its own and tells what it cost; and contenders in turn."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tools"))

from sshd_farm import Node, SshdFarm  # noqa: E402

COMMAND_TIMEOUT = 900.0


class BenchError(Exception):
    """The benchmark cannot go on; the message says why."""


@dataclass(frozen=True)
class Sample:
    wall: float
    cpu: float  # of the command and the children it waited for
    peak_mb: float
    execs: int = 0


@dataclass
class Contender:
    """One way to do the 30 tasks on the first n hosts."""

    name: str
    command: Callable[[int], Sequence[str]]
    check: Callable[[str, int], None]  # raises BenchError if the output is not that of a run without changes
    env: Callable[[int], dict[str, str]] = lambda _: {}
    after: Callable[[], None] = lambda: None  # not measured
    samples: list[Sample] = field(default_factory=list)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def tail(text: str, lines: int = 15) -> str:
    return "\n".join(text.splitlines()[-lines:])


def median(samples: Sequence[Sample], of: str = "wall") -> float:
    return float(statistics.median(getattr(sample, of) for sample in samples))


class Bench:
    def __init__(self, farm: SshdFarm, work: Path, slipway: Path) -> None:
        self.farm = farm
        self.work = work
        self.slipway = slipway

    def nodes(self, hosts: int) -> list[Node]:
        return self.farm.nodes[:hosts]

    def launch(self, command: Sequence[str], *, env: dict[str, str] | None = None, repeat: int = 1,
               nodes: Sequence[Node] = (), codes: Sequence[int] = (0,)) -> tuple[list[Sample], str]:
        """Runs a command and returns what it cost and what it printed."""
        result, out, err = (self.work / name for name in ("launch.json", "launch.out", "launch.err"))
        for path in (result, out, err):
            path.unlink(missing_ok=True)
        before = self.farm.exec_count(nodes)
        launcher = subprocess.Popen(
            [sys.executable, "-I", "-S", str(HERE / "launch.py"), str(repeat), str(result), str(out), str(err), *command],
            env=os.environ | {"NO_COLOR": "1"} | (env or {}), start_new_session=True,
        )
        try:
            launcher.wait(timeout=COMMAND_TIMEOUT)
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(launcher.pid, signal.SIGKILL)
            launcher.wait(timeout=10)
            if isinstance(error, subprocess.TimeoutExpired):
                raise BenchError(f"{shlex.join(command)}: still running after {COMMAND_TIMEOUT:.0f} s") from None
            raise
        printed = out.read_text(errors="replace") if out.exists() else ""
        said = err.read_text(errors="replace") if err.exists() else ""
        if launcher.returncode != 0:
            raise BenchError(f"{shlex.join(command)}: could not be started: {tail(said) or 'no such command?'}")
        execs = self.farm.exec_count(nodes) - before
        samples = json.loads(result.read_text())
        for sample in samples:
            if sample["code"] not in codes:
                raise BenchError(f"{shlex.join(command)}: exit {sample['code']}\n{tail(printed)}\n{tail(said)}")
        return [Sample(s["wall"], s["cpu"], s["peak_kib"] / 1024, execs) for s in samples], printed

    def measure(self, contender: Contender, hosts: int) -> Sample:
        try:
            [sample], printed = self.launch(contender.command(hosts), env=contender.env(hosts), nodes=self.nodes(hosts))
            contender.check(printed, hosts)
        finally:
            contender.after()
        contender.samples.append(sample)
        return sample

    def rounds(self, contenders: Sequence[Contender], hosts: int, count: int) -> None:
        """Each round measures every contender once; the order rotates, so that none always has the warm place."""
        for number in range(count):
            turn = number % len(contenders)
            for contender in [*contenders[turn:], *contenders[:turn]]:
                sample = self.measure(contender, hosts)
                say(f"  {hosts} hosts, round {number + 1}: {contender.name} {sample.wall:.3f} s")
