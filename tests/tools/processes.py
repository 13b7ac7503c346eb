"""The processes of this machine, and waiting for what they do."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    args: str


def processes() -> dict[int, Process]:
    """Every process that has not ended, by pid. Zombies count as ended."""
    text = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,stat=,args="],
        check=True, capture_output=True, text=True, errors="replace", timeout=60,
    ).stdout
    table = {}
    for line in text.splitlines():
        pid, parent, state, *args = line.split(None, 3)
        if not state.startswith("Z"):
            table[int(pid)] = Process(int(pid), int(parent), args[0] if args else "")
    return table


def descendants(table: Mapping[int, Process], roots: Collection[int]) -> set[int]:
    """The children of `roots`, theirs, and so on; without the roots."""
    children: dict[int, list[int]] = {}
    for process in table.values():
        children.setdefault(process.parent, []).append(process.pid)
    found: set[int] = set()
    todo = list(roots)
    while todo:
        for child in children.get(todo.pop(), []):
            if child not in found and child not in roots:
                found.add(child)
                todo.append(child)
    return found


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(condition: Callable[[], object], timeout: float = 60, what: str = "the condition"):
    """The first value of `condition` that is true. The time is only for what would never come true."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.01)
    raise AssertionError(f"{what} did not come true in {timeout} s")
