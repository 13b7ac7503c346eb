"""Those who do the 30 tasks: the floor that xargs and ssh are, asyncssh, Ansible, Ansible with Mitogen, slipway."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from measure import HERE, Bench, BenchError, Contender, Sample, median, say, tail
from nodes import expect_prepared, seed

SCRIPT = HERE / "check.sh"
CHANGES = 25  # of the 30 tasks, on a fresh node
VERSION_RUNS = 50
INSTALL_TIMEOUT = 900.0
FLOOR, FLOOR_CURVE, ASYNCSSH, ASYNCSSH_INSIDE = "xargs ssh", "xargs ssh, curve25519", "asyncssh, whole process", "asyncssh, without its start"
ANSIBLE, MITOGEN, PLAN, APPLY = "ansible", "ansible + Mitogen", "slipway plan", "slipway apply --yes"


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


def xargs(bench: Bench, name: str, options: str = "") -> Contender:
    ssh = f"exec ssh -F {shlex.quote(str(bench.farm.ssh_config))} {options} \"$1\" sh < {shlex.quote(str(SCRIPT))}"

    def command(hosts: int) -> list[str]:
        names = bench.work / f"hosts-{hosts}"
        names.write_text("".join(f"{node.name}\n" for node in bench.nodes(hosts)))
        return ["xargs", "-a", str(names), f"-P{hosts}", "-I{}", "sh", "-c", ssh, "ssh", "{}"]

    return Contender(name, command, expect_silence)


def asyncssh(bench: Bench, python: Path, inside: list[float]) -> Contender:
    """`inside` grows by what each run took without the start of Python."""
    def command(hosts: int) -> list[str]:
        return [str(python), str(HERE / "asyncssh_run.py"), str(bench.farm.directory / "farm.json"), str(hosts), str(SCRIPT)]

    def check(printed: str, hosts: int) -> None:
        result = json.loads(printed)
        if result["failed"]:
            raise BenchError(f"asyncssh: not prepared: {result['failed']}")
        inside.append(result["connect"] + result["run"])

    return Contender(ASYNCSSH, command, check)


def ansible(bench: Bench, name: str, python: Path, *, mitogen: bool) -> Contender:
    sockets = bench.work / ("mitogen" if mitogen else "ansible")
    sockets.mkdir(exist_ok=True)

    def command(hosts: int) -> list[str]:
        inventory = bench.work / f"ansible-{hosts}.ini"
        inventory.write_text("".join(
            f"{node.name} ansible_port={node.port} ansible_user={bench.farm.user} node_root={node.root} ansible_remote_tmp={node.home}/ansible\n"
            for node in bench.nodes(hosts)
        ))
        return [str(python.with_name("ansible-playbook")), "-i", str(inventory), str(HERE / "ansible/site.yml")]

    def env(hosts: int) -> dict[str, str]:
        config = f"-F {bench.farm.ssh_config}"
        settings = {
            "ANSIBLE_CONFIG": str(HERE / "ansible/ansible.cfg"),
            "ANSIBLE_HOME": str(bench.work / "ansible-home"),
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
            subprocess.run(["ssh", "-O", "exit", "-o", f"ControlPath={socket}", "-F", str(bench.farm.ssh_config), "n1"],
                           capture_output=True, timeout=30)

    return Contender(name, command, lambda printed, hosts: expect_recap(printed, hosts, changed=0), env, after)


def slipway_contenders(bench: Bench) -> list[Contender]:
    def command(*arguments: str) -> Callable[[int], list[str]]:
        return lambda hosts: [str(bench.slipway), *arguments, "-i", str(inventory(bench, hosts))]

    return [Contender(PLAN, command("plan", "--detailed-exitcode"), lambda *_: None), Contender(APPLY, command("apply", "--yes"), lambda *_: None)]


def inventory(bench: Bench, hosts: int) -> Path:
    """The directory of slipway's inventory of the first hosts; written when first asked for."""
    directory = bench.work / f"inventory-{hosts}"
    if not directory.exists():
        directory.mkdir()
        shutil.copy(HERE / "bench.lua", directory)
        for beside in ("files", "templates"):
            shutil.copytree(HERE / "ansible" / beside, directory / beside)
        lines = [
            "name: bench",
            "playbook: bench",
            "provider: { name: static }",
            f"ssh: {{ user: {bench.farm.user}, key: {bench.farm.key} }}",
            "hosts:",
        ]
        lines += [f'  - {{ name: {node.name}, address: 127.0.0.1, port: {node.port}, host_key: "{node.host_key}", root: {node.root} }}'
                  for node in bench.nodes(hosts)]
        (directory / "inventory.yaml").write_text("\n".join(lines) + "\n")
    return directory


def first_run_ansible(bench: Bench, contender: Contender, hosts: int) -> Sample:
    nodes = bench.nodes(hosts)
    seed(nodes)
    try:
        [sample], printed = bench.launch(contender.command(hosts), env=contender.env(hosts), nodes=nodes)
    finally:
        contender.after()
    expect_recap(printed, hosts, changed=CHANGES)
    expect_prepared(nodes, contender.name)
    return sample


def first_run_slipway(bench: Bench, hosts: int) -> Sample:
    nodes = bench.nodes(hosts)
    seed(nodes)
    [sample], _ = bench.launch([str(bench.slipway), "apply", "--yes", "-i", str(inventory(bench, hosts))], nodes=nodes)
    expect_prepared(nodes, "slipway apply")
    return sample


def version_start(bench: Bench) -> float:
    samples, _ = bench.launch([str(bench.slipway), "version"], repeat=VERSION_RUNS)
    return median(samples)


def expect_silence(printed: str, _: int) -> None:
    if printed.strip():
        raise BenchError(f"check.sh found nodes that are not prepared:\n{tail(printed)}")


def expect_recap(printed: str, hosts: int, *, changed: int) -> None:
    recap = re.findall(r"^\S+\s*: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", printed, flags=re.MULTILINE)
    if len(recap) != hosts or any(line != (str(changed), "0", "0") for line in recap):
        raise BenchError(f"ansible: expected {changed} changes on each of {hosts} hosts and no failure:\n{tail(printed, 30)}")
