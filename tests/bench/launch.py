"""Runs a command some times and writes what each run cost, as JSON. Started with -I -S to stay small.

    launch.py REPEAT RESULT STDOUT STDERR COMMAND...

A process of its own because Linux counts the memory of whoever starts a command into that command's ru_maxrss: the start of
this one is the floor of that figure (about 9 MB), not the whole benchmark's.
"""

import json
import os
import sys
import time

_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND


def main() -> None:
    repeat, result, stdout, stderr, *command = sys.argv[1:]
    to_kib = 1024 if sys.platform == "darwin" else 1
    files = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
             (os.POSIX_SPAWN_OPEN, 1, stdout, _APPEND, 0o600),
             (os.POSIX_SPAWN_OPEN, 2, stderr, _APPEND, 0o600)]
    samples = []
    for _ in range(int(repeat)):
        start = time.perf_counter()
        pid = os.posix_spawnp(command[0], command, os.environ, file_actions=files)
        _, status, usage = os.wait4(pid, 0)
        samples.append({
            "wall": time.perf_counter() - start,
            "cpu": usage.ru_utime + usage.ru_stime,
            "peak_kib": usage.ru_maxrss // to_kib,
            "code": os.waitstatus_to_exitcode(status),
        })
    with open(result, "w") as stream:
        json.dump(samples, stream)


main()
