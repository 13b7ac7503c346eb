#!/usr/bin/env python3
"""How fast slipway is, beside what people use now. See README.md.

Starts real sshd on loopback, lets every contender do the same 30 idempotent tasks on each, in turn and in rotated order, and prints
Markdown tables. The figures also go to results.json.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "tools"))

from sshd_farm import FarmError, Node, SshdFarm  # noqa: E402

HOSTS = 14
GROWTH = (1, 14, 50, 200)
CHANGES = 25  # of the 30 tasks, on a fresh node
VERSION_RUNS = 50
COMMAND_TIMEOUT = 900.0
QUIET_LOAD = 0.5  # per CPU, before we start
INSTALL_TIMEOUT = 900.0

# The targets, for 14 hosts and a run that changes nothing.
FLOOR_RATIO = 0.7
ANSIBLE_FACTOR = 60.0
MITOGEN_FACTOR = 25.0
VERSION_SECONDS = 0.010
PEAK_MB = 40.0

FLOOR, FLOOR_CURVE, ASYNCSSH, ASYNCSSH_INSIDE = "xargs ssh", "xargs ssh, curve25519", "asyncssh, whole process", "asyncssh, without its start"
ANSIBLE, MITOGEN, PLAN, APPLY = "ansible", "ansible + Mitogen", "slipway plan", "slipway apply --yes"

SEEDS = {
    "etc/fstab": "UUID=0a1b / ext4 errors=remount-ro 0 1\nUUID=2c3d none swap sw 0 0\n/swapfile none swap sw 0 0\n",
    "etc/hosts": "127.0.0.1 localhost\n::1 localhost ip6-localhost\n",
    "etc/environment": 'LANG="C.UTF-8"\n',
    "etc/default/kubelet": "# arguments of the kubelet\nKUBELET_EXTRA_ARGS=\n",
    "usr/local/bin/kubeadm": "#!/bin/sh\n",
    "usr/local/bin/kubelet": "#!/bin/sh\n",
    "usr/local/bin/kubectl": "#!/bin/sh\n",
}


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


# -- the nodes ---------------------------------------------------------------------------------------------------------


def seed(nodes: Sequence[Node]) -> None:
    """Fresh nodes: what an operating system brings."""
    for node in nodes:
        root = Path(node.root)
        shutil.rmtree(root)
        for path, text in SEEDS.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
            target.chmod(0o644)


def script_output(node: Node) -> list[str]:
    """What check.sh says of a node: a line for each of the 30 that does not hold."""
    result = subprocess.run(
        ["sh", str(HERE / "check.sh")], env={"PATH": os.defpath, "NODE_ROOT": node.root}, capture_output=True, text=True, timeout=60,
    )
    return result.stdout.splitlines()


def expect_prepared(nodes: Sequence[Node], by: str) -> None:
    for node in nodes:
        if wrong := script_output(node):
            raise BenchError(f"after {by}, on {node.name}: {', '.join(wrong)}")


def prepare(nodes: Sequence[Node]) -> None:
    """Fresh nodes with the 30 tasks done, for measurements without the first run of a tool."""
    seed(nodes)
    for node in nodes:
        do_the_tasks(node)


def do_the_tasks(node: Node) -> None:
    root = Path(node.root)

    def put(path: str, mode: int, text: str) -> None:
        (root / path).write_text(text)
        (root / path).chmod(mode)

    for path, mode in (("etc/modules-load.d", 0o755), ("etc/sysctl.d", 0o755), ("etc/containerd", 0o755),
                       ("etc/kubernetes", 0o750), ("var/lib/etcd", 0o700), ("opt/cni/bin", 0o755)):
        (root / path).mkdir(parents=True)
        (root / path).chmod(mode)
    for path, mode, source in (("etc/modules-load.d/k8s.conf", 0o644, "modules-k8s.conf"),
                               ("etc/sysctl.d/99-k8s.conf", 0o644, "sysctl-k8s.conf"),
                               ("etc/kubernetes/audit-policy.yaml", 0o600, "audit-policy.yaml"),
                               ("etc/kubernetes/admission.yaml", 0o640, "admission.yaml")):
        put(path, mode, (HERE / "ansible/files" / source).read_text())
    for path, mode, source in (("etc/containerd/config.toml", 0o644, "containerd.toml.j2"),
                               ("etc/kubernetes/kubeadm.yaml", 0o600, "kubeadm.yaml.j2"),
                               ("etc/kubernetes/crictl.yaml", 0o644, "crictl.yaml.j2")):
        text = (HERE / "ansible/templates" / source).read_text()
        put(path, mode, text.replace("{{ node_root }}", node.root).replace("{{ inventory_hostname }}", node.name))
    for name in ("fstab", "hosts"):
        shutil.copy2(root / "etc" / name, root / "etc" / f"{name}.orig")
    put("etc/fstab", 0o644, re.sub(r"^([^#\n].*\sswap\s.*)$", r"# \1", SEEDS["etc/fstab"], flags=re.MULTILINE))
    put("etc/hosts", 0o644, SEEDS["etc/hosts"] + "127.0.0.1 api.cluster.local\n")
    put("etc/environment", 0o644, SEEDS["etc/environment"] + "CONTAINER_RUNTIME=containerd\n")
    put("etc/default/kubelet", 0o644, SEEDS["etc/default/kubelet"].replace("ARGS=", "ARGS=--node-ip=127.0.0.1"))
    put("opt/cni/unpacked", 0o644, "unpacked\n")
    put("etc/kubernetes/token", 0o644, "token\n")
    put("var/lib/etcd/ready", 0o644, "ready\n")
    for name in ("kubeadm", "kubelet", "kubectl"):
        (root / "usr/local/bin" / name).chmod(0o755)


# -- the peers' Python ---------------------------------------------------------------------------------------------------


def peers_python() -> Path:
    """The interpreter of a virtual environment, outside the repository, that has the pinned peers."""
    requirements = HERE / "requirements.txt"
    base = find_python()
    key = hashlib.sha256(requirements.read_bytes() + base.encode()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "slipway-bench"
    venv = cache / f"venv-{key}"
    python = venv / "bin/python"
    if not (venv / "complete").exists():
        say(f"installing the peers into {venv}")
        shutil.rmtree(venv, ignore_errors=True)
        cache.mkdir(parents=True, exist_ok=True)
        for command in ([base, "-m", "venv", str(venv)], [str(python), "-m", "pip", "install", "--quiet", "-r", str(requirements)]):
            result = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT)
            if result.returncode != 0:
                raise BenchError(f"{shlex.join(command)}:\n{tail(result.stderr or result.stdout)}")
        (venv / "complete").touch()
    return python


def find_python() -> str:
    """A Python that ansible-core 2.14 supports."""
    if (3, 9) <= sys.version_info[:2] <= (3, 11):
        return sys.executable
    for name in ("python3.11", "python3.10", "python3.9"):
        if path := shutil.which(name):
            return path
    raise BenchError("ansible-core 2.14 needs Python 3.9, 3.10 or 3.11, and none is installed")


# -- measuring -------------------------------------------------------------------------------------------------------------


class Bench:
    def __init__(self, farm: SshdFarm, work: Path, slipway: Path) -> None:
        self.farm = farm
        self.work = work
        self.slipway = slipway
        self.script = HERE / "check.sh"
        self.asyncssh_inside: list[float] = []

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

    # -- contenders --------------------------------------------------------------------------------------------------------

    def xargs(self, name: str, options: str = "") -> Contender:
        ssh = f"exec ssh -F {shlex.quote(str(self.farm.ssh_config))} {options} \"$1\" sh < {shlex.quote(str(self.script))}"

        def command(hosts: int) -> list[str]:
            names = self.work / f"hosts-{hosts}"
            names.write_text("".join(f"{node.name}\n" for node in self.nodes(hosts)))
            return ["xargs", "-a", str(names), f"-P{hosts}", "-I{}", "sh", "-c", ssh, "ssh", "{}"]

        return Contender(name, command, expect_silence)

    def asyncssh(self, python: Path) -> Contender:
        def command(hosts: int) -> list[str]:
            return [str(python), str(HERE / "asyncssh_run.py"), str(self.farm.directory / "farm.json"), str(hosts), str(self.script)]

        def check(printed: str, hosts: int) -> None:
            result = json.loads(printed)
            if result["failed"]:
                raise BenchError(f"asyncssh: not prepared: {result['failed']}")
            self.asyncssh_inside.append(result["connect"] + result["run"])

        return Contender(ASYNCSSH, command, check)

    def ansible(self, name: str, python: Path, *, mitogen: bool) -> Contender:
        sockets = self.work / ("mitogen" if mitogen else "ansible")
        sockets.mkdir(exist_ok=True)

        def command(hosts: int) -> list[str]:
            inventory = self.work / f"ansible-{hosts}.ini"
            inventory.write_text("".join(
                f"{node.name} ansible_port={node.port} ansible_user={self.farm.user} node_root={node.root} ansible_remote_tmp={node.home}/ansible\n"
                for node in self.nodes(hosts)
            ))
            return [str(python.with_name("ansible-playbook")), "-i", str(inventory), str(HERE / "ansible/site.yml")]

        def env(hosts: int) -> dict[str, str]:
            config = f"-F {self.farm.ssh_config}"
            settings = {
                "ANSIBLE_CONFIG": str(HERE / "ansible/ansible.cfg"),
                "ANSIBLE_HOME": str(self.work / "ansible-home"),
                "ANSIBLE_FORKS": str(hosts),
                "ANSIBLE_SSH_ARGS": config if mitogen else f"{config} -o ControlMaster=auto -o ControlPersist=60s",
                "ANSIBLE_SSH_CONTROL_PATH_DIR": str(sockets),
                "ANSIBLE_NOCOLOR": "1",
            }
            if mitogen:
                strategies = next(python.parents[1].glob("lib/python3*/site-packages/ansible_mitogen/plugins/strategy"))
                settings |= {"ANSIBLE_STRATEGY": "mitogen_linear", "ANSIBLE_STRATEGY_PLUGINS": str(strategies)}
            return settings

        def after() -> None:
            # The next run pays for its connections again. These masters are ours: their sockets lie in our directory.
            for socket in sockets.iterdir():
                subprocess.run(["ssh", "-O", "exit", "-o", f"ControlPath={socket}", "-F", str(self.farm.ssh_config), "n1"],
                               capture_output=True, timeout=30)

        return Contender(name, command, lambda printed, hosts: expect_recap(printed, hosts, changed=0), env, after)

    def slipway_contenders(self) -> list[Contender]:
        def command(*arguments: str) -> Callable[[int], list[str]]:
            return lambda hosts: [str(self.slipway), *arguments, "-i", str(self.inventory(hosts))]

        return [Contender(PLAN, command("plan", "--detailed-exitcode"), lambda *_: None), Contender(APPLY, command("apply", "--yes"), lambda *_: None)]

    def inventory(self, hosts: int) -> Path:
        """The directory of slipway's inventory of the first hosts; written when first asked for."""
        directory = self.work / f"inventory-{hosts}"
        if not directory.exists():
            directory.mkdir()
            shutil.copy(HERE / "bench.lua", directory)
            for beside in ("files", "templates"):
                shutil.copytree(HERE / "ansible" / beside, directory / beside)
            lines = [
                "name: bench",
                "playbook: bench",
                "provider: { name: static }",
                f"ssh: {{ user: {self.farm.user}, key: {self.farm.key} }}",
                "hosts:",
            ]
            lines += [f'  - {{ name: {node.name}, address: 127.0.0.1, port: {node.port}, host_key: "{node.host_key}", root: {node.root} }}'
                      for node in self.nodes(hosts)]
            (directory / "inventory.yaml").write_text("\n".join(lines) + "\n")
        return directory

    # -- first runs --------------------------------------------------------------------------------------------------------

    def first_run_ansible(self, contender: Contender, hosts: int) -> Sample:
        nodes = self.nodes(hosts)
        seed(nodes)
        try:
            [sample], printed = self.launch(contender.command(hosts), env=contender.env(hosts), nodes=nodes)
        finally:
            contender.after()
        expect_recap(printed, hosts, changed=CHANGES)
        expect_prepared(nodes, contender.name)
        return sample

    def first_run_slipway(self, hosts: int) -> Sample:
        nodes = self.nodes(hosts)
        seed(nodes)
        [sample], _ = self.launch([str(self.slipway), "apply", "--yes", "-i", str(self.inventory(hosts))], nodes=nodes)
        expect_prepared(nodes, "slipway apply")
        return sample

    def version_start(self) -> float:
        samples, _ = self.launch([str(self.slipway), "version"], repeat=VERSION_RUNS)
        return median(samples)


def expect_silence(printed: str, _: int) -> None:
    if printed.strip():
        raise BenchError(f"check.sh found nodes that are not prepared:\n{tail(printed)}")


def expect_recap(printed: str, hosts: int, *, changed: int) -> None:
    recap = re.findall(r"^\S+\s*: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", printed, flags=re.MULTILINE)
    if len(recap) != hosts or any(line != (str(changed), "0", "0") for line in recap):
        raise BenchError(f"ansible: expected {changed} changes on each of {hosts} hosts and no failure:\n{tail(printed, 30)}")


# -- the report --------------------------------------------------------------------------------------------------------------


def median(samples: Sequence[Sample], of: str = "wall") -> float:
    return float(statistics.median(getattr(sample, of) for sample in samples))


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


# -- the run -----------------------------------------------------------------------------------------------------------------


def run(options: argparse.Namespace, farm: SshdFarm, work: Path) -> bool:
    """Measures, prints, writes; returns whether all targets were judged and met."""
    bench = Bench(farm, work, options.slipway)
    notes: list[str] = []
    load, cpus = os.getloadavg()[0], os.cpu_count() or 1
    if load > QUIET_LOAD * cpus:
        notes.append(f"The machine was busy before the benchmark began (load {load:.1f} on {cpus} CPUs): its figures say little.")
    contenders = [bench.xargs(FLOOR), bench.xargs(FLOOR_CURVE, "-o KexAlgorithms=curve25519-sha256")]
    first: dict[str, Sample] = {}

    prepare(bench.nodes(HOSTS))
    expect_prepared(bench.nodes(HOSTS), "preparing")
    seed(bench.nodes(1))
    if (wrong := len(script_output(farm.node(1)))) != CHANGES:
        raise BenchError(f"check.sh finds {wrong} things to do on a fresh node, not {CHANGES}")
    prepare(bench.nodes(1))

    try:
        python = peers_python()
    except (BenchError, subprocess.TimeoutExpired) as error:
        notes.append(f"Without asyncssh and ansible: {error}")
    else:
        contenders.append(bench.asyncssh(python))
        if not options.quick:
            for contender in (bench.ansible(ANSIBLE, python, mitogen=False), bench.ansible(MITOGEN, python, mitogen=True)):
                say(f"  first run of {contender.name}")
                first[contender.name] = bench.first_run_ansible(contender, HOSTS)
                contenders.append(contender)

    built = options.slipway.exists()
    version = None
    if built:
        first[APPLY] = bench.first_run_slipway(HOSTS)
        contenders += bench.slipway_contenders()
        version = bench.version_start()
    else:
        notes.append(f"Without slipway: {options.slipway} is not built.")

    bench.rounds(contenders, HOSTS, options.rounds)
    measured = {contender.name: contender.samples for contender in contenders}
    inside = list(bench.asyncssh_inside)

    growth: dict[int, dict[str, list[Sample]]] = {}
    for hosts in [] if options.quick else GROWTH:
        prepare(bench.nodes(hosts))
        small = [bench.xargs(FLOOR)]
        if built:
            bench.launch([str(bench.slipway), "apply", "--yes", "-i", str(bench.inventory(hosts))])
            small += bench.slipway_contenders()
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
