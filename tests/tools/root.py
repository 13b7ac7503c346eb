"""What only root may do. A test that cannot do it fails: what was not tried is not called done."""

from __future__ import annotations

import contextlib
import os
import subprocess
import unittest
from collections.abc import Iterator
from pathlib import Path


def need_root(what: str) -> None:
    if os.geteuid() != 0:
        raise AssertionError(f"{what}: only root can; run the tests as root")


@contextlib.contextmanager
def user(name: str, password: str, *options: str) -> Iterator[None]:
    """A user of this machine, made for a test."""
    need_root(f"making the user {name}")
    subprocess.run(["userdel", "-r", name], capture_output=True)  # of a run that was killed
    subprocess.run(["useradd", "-s", "/bin/sh", *options, name], check=True, capture_output=True)
    try:
        subprocess.run(["chpasswd"], input=f"{name}:{password}\n", text=True, check=True)
        yield
    finally:
        subprocess.run(["userdel", "-r", name], capture_output=True)


def sudoers(name: str, rule: str | None) -> None:
    """What sudo lets this user do; None takes the rule away."""
    path = Path("/etc/sudoers.d") / name
    path.unlink(missing_ok=True)
    if rule is not None:
        path.touch(0o440)
        path.write_text(f"{name} ALL=(ALL) {rule}\n")


def small_disk(case: unittest.TestCase, at: Path, size: str) -> None:
    """A file system of its own at this directory, until the test ends."""
    need_root(f"mounting {at}")
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(at)], capture_output=True, text=True)
    if made.returncode:
        raise AssertionError(f"a full disk cannot be tried where nothing can be mounted (a container without CAP_SYS_ADMIN?): {made.stderr.strip()}")
    case.addCleanup(subprocess.run, ["umount", str(at)], check=True)
