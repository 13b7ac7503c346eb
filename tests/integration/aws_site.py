"""An AWS account for tests: moto behind the proxy, and a directory with the stock inventory in it.

    class Stack(AwsCase):
        def test_it(self):
            site = self.site()
            site.apply().expect(0, "created")
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from harness import REPO, SANITIZERS, SLIPWAY, Process, Result
from moto import Moto

sys.path.insert(0, str(REPO / "tests" / "tools"))
from aws_proxy import DROP, AwsProxy, Pending  # noqa: E402

STOCK = REPO / "inventories/aws/inventory.yaml"
LAYER_0 = 'require "aws_stack"(slipway.inventory)\n'  # the stock playbook's machines, with nothing done on them


class AwsSite:
    """A directory with an inventory, a playbook and the state."""

    def __init__(self, case: AwsCase, directory: Path) -> None:
        self.case, self.directory = case, directory
        directory.mkdir()

    def stock(self, **replacements: str) -> AwsSite:
        """The stock inventory for layer 0. Each argument replaces a text in it: what = with."""
        text = STOCK.read_text().replace("environment: production", "environment: test").replace("playbook: site", "playbook: play")
        text = text.replace("~/.ssh/ecoeco", str(self.case.key)).replace("slipway-inventory", "")
        for was, now in replacements.items():
            text = self._replaced(text, was, now)
        (self.directory / "inventory.yaml").write_text(text)
        return self.play(LAYER_0)

    @staticmethod
    def _replaced(text: str, was: str, now: str) -> str:
        if was not in text:
            raise AssertionError(f"the inventory has no {was!r}")
        return text.replace(was, now)

    def edit(self, was: str, now: str) -> AwsSite:
        """Changes the inventory."""
        file = self.directory / "inventory.yaml"
        file.write_text(self._replaced(file.read_text(), was, now))
        return self

    def small(self, body: str, provider: str = "") -> AwsSite:
        """An inventory without machines and a playbook of one's own; `aws` is there."""
        (self.directory / "inventory.yaml").write_text(
            f"name: small\nplaybook: play\nprovider: {{ name: aws, region: {self.case.region}{provider} }}\n")
        return self.play('local aws = require "aws"\n' + body)

    def play(self, text: str) -> AwsSite:
        (self.directory / "play.lua").write_text(text)
        return self

    @property
    def state(self) -> Path:
        return self.directory / ".slipway"

    def start(self, *arguments: str, env: dict[str, str] | None = None, **options) -> Process:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("SLIPWAY", "AWS_")) and name != "SSH_AUTH_SOCK"}
        environment |= {"NO_COLOR": "1", "TERM": "dumb", "HOME": str(self.case.home), **SANITIZERS, **self.case.proxy.env(self.case.moto), **(env or {})}
        return Process([str(SLIPWAY), *arguments], list(arguments), environment, self.directory, **options)

    def run(self, *arguments: str, timeout: float = 300, **options) -> Result:
        return self.start(*arguments, **options).finish(timeout)

    def apply(self, *arguments: str, **options) -> Result:
        return self.run("apply", "--yes", *arguments, **options)

    def destroy(self, **options) -> Result:
        return self.run("destroy", "--yes", **options)

    def plan(self) -> dict[str, list[str]]:
        """address -> actions, of everything that would change."""
        file = self.directory / "plan"
        self.run("plan", "--out", str(file)).expect(0)
        shown = json.loads(self.run("show", str(file), "--json").expect(0).out)
        return {each.get("address"): each["change"]["actions"] for each in shown["resource_changes"] if each["change"]["actions"] != ["no-op"]}

    def converged(self) -> None:
        """Nothing is left to do."""
        self.run("plan", "--detailed-exitcode").expect(0)

    def recorded(self, address: str) -> dict:
        return json.loads(self.run("state", "show", "--json", address).expect(0).out)

    def id_of(self, address: str) -> str:
        found = self.recorded(address)
        return found.get("id") or found["attributes"]["id"]

    def sql(self, query: str) -> list[tuple]:
        with sqlite3.connect(f"file:{self.state / 'state.db'}?mode=ro", uri=True) as db:
            return db.execute(query).fetchall()


class AwsCase(unittest.TestCase):
    """One account for a class; each test starts with it empty."""

    region = "ap-northeast-2"
    maxDiff = None

    @classmethod
    def setUpClass(cls) -> None:
        cls.directory = Path(tempfile.mkdtemp(prefix="slipway-aws-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.home = cls.directory / "home"
        cls.home.mkdir()
        cls.key = cls.home / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", cls.key], check=True)
        cls.moto = cls.enterClassContext(Moto())
        cls.proxy = cls.enterClassContext(AwsProxy(cls.moto.endpoint))

    def setUp(self) -> None:
        self.moto.reset()
        self.proxy.reset()

    def tearDown(self) -> None:
        # What moto cannot do is not what AWS does: a test that met it has shown nothing.
        self.assertEqual(self.proxy.problems, [])

    def site(self) -> AwsSite:
        number = getattr(type(self), "_sites", 0) + 1
        type(self)._sites = number
        return AwsSite(self, self.directory / f"site{number}")

    def zone(self, name: str = "example.org") -> dict[str, dict[str, str]]:
        """A hosted zone, as the account must have one for the ingress; gives the inventory that is left when all else is gone."""
        self.moto.client("route53").create_hosted_zone(Name=name, CallerReference="theirs")
        return self.moto.inventory()

    def calls(self, since: int) -> str:
        """For the text of a failed assertion."""
        return "\n".join(f"{count:5} {name}" for name, count in sorted(self.proxy.counts(since).items()))


def first(text: str, pattern: str) -> str:
    found = re.search(pattern, text)
    if not found:
        raise AssertionError(f"no {pattern!r} in:\n{text}")
    return found[0]


__all__ = ["DROP", "AwsCase", "AwsSite", "Pending", "first", "unittest"]
