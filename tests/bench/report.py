"""Tables and targets."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from contenders import ANSIBLE, APPLY, ASYNCSSH, ASYNCSSH_INSIDE, FLOOR, MITOGEN, PLAN
from measure import Sample, median

# The targets, for 14 hosts and a run that changes nothing.
FLOOR_RATIO = 0.7
ANSIBLE_FACTOR = 60.0
MITOGEN_FACTOR = 25.0
VERSION_SECONDS = 0.010
PEAK_MB = 40.0


def row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join([row(*head), row(*["---"] * len(head)), *(row(*cells) for cells in rows)])


@dataclass(frozen=True)
class Target:
    text: str
    wanted: str
    found: str
    met: bool


def targets(measured: dict[str, list[Sample]], inside: Sequence[float], version: float | None, hosts: int) -> list[Target]:
    """Only what was measured can be judged. Of plan and apply, the slower or larger counts."""
    runs = [measured[name] for name in (PLAN, APPLY) if name in measured]
    if not runs:
        return []
    ours = max(median(samples) for samples in runs)
    found = []
    if FLOOR in measured:
        ratio = ours / median(measured[FLOOR])
        found.append(Target("wall time against xargs ssh", f"<= {FLOOR_RATIO} x", f"{ratio:.2f} x", ratio <= FLOOR_RATIO))
    if inside:
        ratio = ours / statistics.median(inside)
        found.append(Target(f"wall time against {ASYNCSSH_INSIDE}", "< 1 x", f"{ratio:.2f} x", ratio < 1))
    for name, factor in ((ANSIBLE, ANSIBLE_FACTOR), (MITOGEN, MITOGEN_FACTOR)):
        if name in measured:
            ratio = median(measured[name]) / ours
            found.append(Target(f"faster than {name}", f">= {factor:.0f} x", f"{ratio:.1f} x", ratio >= factor))
    per_host = max(sample.execs for samples in runs for sample in samples) / hosts
    found.append(Target("exec channels per host", "1", f"{per_host:g}", per_host == 1))
    peak = max(sample.peak_mb for samples in runs for sample in samples)
    found.append(Target("peak memory", f"< {PEAK_MB:.0f} MB", f"{peak:.1f} MB", peak < PEAK_MB))
    if version is not None:
        found.append(Target("slipway version starts in", f"< {VERSION_SECONDS * 1000:.0f} ms", f"{version * 1000:.1f} ms", version < VERSION_SECONDS))
    return found


def comparison(measured: dict[str, list[Sample]], inside: Sequence[float], first: dict[str, Sample], hosts: int) -> str:
    floor = median(measured[FLOOR])
    rows = []
    for name, samples in measured.items():
        walls = [sample.wall for sample in samples]
        rows.append([name, f"{first[name].wall:.2f} s" if name in first else "-", f"{median(samples):.3f} s", f"{min(walls):.3f}", f"{max(walls):.3f}",
                     f"{median(samples) / floor:.2f} x", f"{median(samples, 'cpu'):.2f} s", f"{max(sample.peak_mb for sample in samples):.1f} MB",
                     f"{median(samples, 'execs') / hosts:g}"])
        if name == ASYNCSSH:
            value = statistics.median(inside)
            rows.append([ASYNCSSH_INSIDE, "-", f"{value:.3f} s", f"{min(inside):.3f}", f"{max(inside):.3f}", f"{value / floor:.2f} x", "-", "-", "-"])
    return table(["run", "first run", "no change, median", "min", "max", "against xargs", "CPU", "peak memory", "execs per host"], rows)


def growth_table(growth: dict[int, dict[str, list[Sample]]]) -> str:
    names = list(next(iter(growth.values())))
    rows = [[str(hosts), *(f"{median(of[name]):.3f} s, {max(sample.peak_mb for sample in of[name]):.0f} MB" for name in names)] for hosts, of in growth.items()]
    return table(["hosts", *names], rows)


def as_json(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
