#!/usr/bin/env python3
"""How fast slipway is, beside what people use now. See README.md.

Starts real sshd on loopback, lets every contender do the same 30 idempotent tasks on each, in turn and in rotated order, and prints
Markdown tables. The figures also go to results.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import contenders
from contenders import ANSIBLE, APPLY, CHANGES, FLOOR, FLOOR_CURVE, MITOGEN
from measure import HERE, Bench, BenchError, Sample, say
from nodes import expect_prepared, prepare, script_output, seed
from report import as_json, comparison, growth_table, table, targets
from sshd_farm import FarmError, SshdFarm

REPO = HERE.parents[1]
HOSTS = 14
GROWTH = (1, 14, 50, 200)
QUIET_LOAD = 0.5  # per CPU, before we start


def run(options: argparse.Namespace, farm: SshdFarm, work: Path) -> bool:
    """Measures, prints, writes; returns whether all targets were judged and met."""
    bench = Bench(farm, work, options.slipway)
    notes: list[str] = []
    load, cpus = os.getloadavg()[0], os.cpu_count() or 1
    if load > QUIET_LOAD * cpus:
        notes.append(f"The machine was busy before the benchmark began (load {load:.1f} on {cpus} CPUs): its figures say little.")
    taking_part = [contenders.xargs(bench, FLOOR), contenders.xargs(bench, FLOOR_CURVE, "-o KexAlgorithms=curve25519-sha256")]
    first: dict[str, Sample] = {}
    inside: list[float] = []

    prepare(bench.nodes(HOSTS))
    expect_prepared(bench.nodes(HOSTS), "preparing")
    seed(bench.nodes(1))
    if (wrong := len(script_output(farm.node(1)))) != CHANGES:
        raise BenchError(f"check.sh finds {wrong} things to do on a fresh node, not {CHANGES}")
    prepare(bench.nodes(1))

    try:
        python = contenders.peers_python()
    except (BenchError, subprocess.TimeoutExpired) as error:
        notes.append(f"Without asyncssh and ansible: {error}")
    else:
        taking_part.append(contenders.asyncssh(bench, python, inside))
        if not options.quick:
            for contender in (contenders.ansible(bench, ANSIBLE, python, mitogen=False), contenders.ansible(bench, MITOGEN, python, mitogen=True)):
                say(f"  first run of {contender.name}")
                first[contender.name] = contenders.first_run_ansible(bench, contender, HOSTS)
                taking_part.append(contender)

    built = options.slipway.exists()
    version = None
    if built:
        first[APPLY] = contenders.first_run_slipway(bench, HOSTS)
        taking_part += contenders.slipway_contenders(bench)
        version = contenders.version_start(bench)
    else:
        notes.append(f"Without slipway: {options.slipway} is not built.")

    bench.rounds(taking_part, HOSTS, options.rounds)
    measured = {contender.name: contender.samples for contender in taking_part}

    growth: dict[int, dict[str, list[Sample]]] = {}
    for hosts in [] if options.quick else GROWTH:
        prepare(bench.nodes(hosts))
        small = [contenders.xargs(bench, FLOOR)]
        if built:
            bench.launch([str(bench.slipway), "apply", "--yes", "-i", str(contenders.inventory(bench, hosts))])
            small += contenders.slipway_contenders(bench)
        bench.rounds(small, hosts, min(options.rounds, 3))
        growth[hosts] = {contender.name: contender.samples for contender in small}

    judged = targets(measured, inside, version, HOSTS)
    parts = [f"## {HOSTS} hosts, 30 tasks each, {options.rounds} rounds in turn ({cpus} CPUs, {platform.system()} {platform.machine()})",
             comparison(measured, inside, first, HOSTS)]
    if judged:
        parts += ["## Targets", table(["target", "wanted", "found", ""], [[t.text, t.wanted, t.found, "met" if t.met else "**not met**"] for t in judged])]
    if growth:
        parts += ["## Growth: median time and peak memory of a run without changes", growth_table(growth)]
    parts += notes
    report = "\n\n".join(parts) + "\n"
    print(report, end="")
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "results.md").write_text(report)
    (options.out / "results.json").write_text(json.dumps({
        "hosts": HOSTS, "rounds": options.rounds, "quick": options.quick, "cpus": cpus, "load_before": load, "system": platform.platform(),
        "samples": measured, "asyncssh_inside": inside, "first_run": first, "version_seconds": version,
        "growth": growth, "targets": judged, "notes": notes,
    }, default=as_json, indent=2) + "\n")
    return built and bool(judged) and all(target.met for target in judged)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures slipway beside xargs ssh, asyncssh, ansible and Mitogen on loopback.")
    parser.add_argument("--rounds", type=int, help="rounds in turn (default 5; 3 with --quick)")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, without ansible and without growth")
    parser.add_argument("--check", action="store_true", help="exit 1 unless every target that was measured is met")
    parser.add_argument("--slipway", type=Path, default=REPO / "build/slipway", help="the binary (default: build/slipway)")
    parser.add_argument("--out", type=Path, default=REPO / "build/bench", help="where results.md and results.json go (default: build/bench)")
    options = parser.parse_args()
    options.rounds = options.rounds or (3 if options.quick else 5)
    options.slipway = options.slipway.absolute()
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the farm is ended
    # Short, since the paths of ControlMaster's sockets may have 100 characters or so.
    with tempfile.TemporaryDirectory(prefix="sw-bench-", dir="/tmp") as work:
        try:
            with SshdFarm(Path(work) / "farm", HOSTS if options.quick else max(GROWTH)) as farm:
                good = run(options, farm, Path(work))
        except (BenchError, FarmError) as error:
            print(f"bench: {error}", file=sys.stderr)
            return 1
    return 1 if options.check and not good else 0


if __name__ == "__main__":
    sys.exit(main())
