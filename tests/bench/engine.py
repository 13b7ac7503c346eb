"""What the engine alone costs: slipway on 1,000 to 10,000 resources of a provider without a network.

    tests/bench/engine.py [COUNT ...]

Prints CPU and wall seconds and the peak of memory of: a plan that creates all, the apply, a plan that changes nothing, a destroy. The last column is how
much more CPU a resource costs than at the smallest count: 1.0 is linear. SLIPWAY names the program (build/slipway).
"""

import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SLIPWAY = os.environ.get("SLIPWAY", str(HERE.parents[1] / "build/slipway"))
PLAY = """
local many = require "engine_many"
local first, last = many.thing "first" {{ label = "first" }}, nil
for i = 2, {n} do
  local base = i % 10 == 0 and last or first
  local it = many.thing("n" .. i) {{ label = "thing " .. i, base = base.id, tags = {{ Name = "n" .. i, team = "platform", environment = "bench" }}, size = i }}
  if i % 10 == 0 then last = it end
end
"""


def run(directory: Path, *arguments: str) -> tuple[float, float, float]:
    """CPU seconds, wall seconds, MiB."""
    start = time.monotonic()
    child = os.posix_spawn(SLIPWAY, [SLIPWAY, *arguments], os.environ, file_actions=[
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0), (os.POSIX_SPAWN_OPEN, 2, str(directory / "err"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)])
    _, status, usage = os.wait4(child, 0)
    if os.waitstatus_to_exitcode(status):
        sys.exit(f"slipway {' '.join(arguments)} failed:\n{(directory / 'err').read_text()}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - start, usage.ru_maxrss / 1024


def main() -> None:
    counts = [int(word) for word in sys.argv[1:]] or [1000, 2000, 5000, 10000]
    base: dict[str, float] = {}
    print(f"{'resources':>9}  {'':<16} {'cpu s':>7} {'wall s':>7} {'MiB':>6}  per resource")
    for n in counts:
        directory = Path(tempfile.mkdtemp(prefix="slipway-bench-"))
        os.chdir(directory)
        shutil.copy(HERE / "engine_many.lua", directory)
        (directory / "inventory.yaml").write_text(json.dumps({"name": "bench", "provider": {"name": "engine"}, "playbook": "play"}))
        (directory / "play.lua").write_text(PLAY.format(n=n))
        for name, arguments in (("plan, all new", ["plan"]), ("apply", ["apply", "--yes", "-q"]), ("plan, no change", ["plan"]), ("destroy", ["destroy", "--yes", "-q"])):
            cpu, wall, memory = run(directory, *arguments)
            each = base.setdefault(name, cpu / n)
            print(f"{n:>9}  {name:<16} {cpu:>7.2f} {wall:>7.2f} {memory:>6.0f}  {cpu / n / each:>6.2f}", flush=True)
        os.chdir("/")
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
