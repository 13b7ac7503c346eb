"""Ports on loopback that a test can count on, whatever else runs on the machine."""

from __future__ import annotations

import errno
import random
import socket
import unittest
from collections.abc import Collection

ADDRESS = "127.0.0.1"
# Below the ephemeral ranges of Linux and macOS, so that no client's own port can take a server's before it starts, or while it is stopped.
PORTS = range(20000, 32000)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def free_port(but: Collection[int] = ()) -> int:
    """One that a server can be told to listen at. At random, as others look for one too."""
    start = random.randrange(len(PORTS))
    for step in range(len(PORTS)):
        port = PORTS[(start + step) % len(PORTS)]
        if port not in but and is_free(port):
            return port
    raise OSError(f"no free port between {PORTS.start} and {PORTS.stop}")


def refusing_port(case: unittest.TestCase) -> int:
    """One that refuses connections until the test ends: it is held, and not listened at."""
    held = socket.socket()
    case.addCleanup(held.close)
    held.bind((ADDRESS, 0))
    return held.getsockname()[1]
