"""The cases of kube/suite.lua, each a test, run by the real slipway against a Kubernetes API server that a subclass names."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from pathlib import Path

from harness import HERE, SLIPWAY, Process, Result, SANITIZERS, unittest

SUITE = HERE / "kube" / "suite.lua"
CASES = re.findall(r"^function cases\.(\w+)\(", SUITE.read_text(), re.MULTILINE)
PLAY = 'local suite = require "suite"\nfor _, name in ipairs(%s) do suite.case(name) { prefix = %s } end\n'
SCRIPT = """local resource = require "resource"
local function cm(name, data, more)
  local object = { apiVersion = "v1", kind = "ConfigMap", metadata = { name = name, namespace = "default" }, data = data }
  for key, value in pairs(more or {}) do object.metadata[key] = value end
  return object
end
return resource "kube_script" {
  on = "api", provider = "kube", doc = "What a test does.", schema = { out = { "string", computed = true, doc = "what came out" } },
  list = function() return {} end,
  create = function(kube, r, line)
    local function body()
%s
    end
    local result = body()
    return { out = type(result) == "string" and result or json.encode(result == nil and "done" or result) }
  end,
}
"""


class Kube:
    """A directory with an inventory whose provider is a cluster."""

    def __init__(self, provider: dict, env: dict[str, str] | None = None) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="slipway-kube-"))
        self.env = env or {}
        self.inventory(provider)

    def inventory(self, provider: dict) -> Kube:
        document = {"name": "site", "provider": {"name": "kube", **provider}, "playbook": "play", "hosts": []}
        (self.directory / "inventory.yaml").write_text(json.dumps(document))
        return self

    def suite(self, *names: str, prefix: str = "suite") -> Kube:
        shutil.copy(SUITE, self.directory / "suite.lua")
        return self.play(PLAY % ("{" + ", ".join(json.dumps(name) for name in names) + "}", json.dumps(prefix)))

    def script(self, body: str, times: int = 1) -> Kube:
        """A resource (or several) whose creation runs this Lua with `kube` and `line`; what it returns is shown by output()."""
        (self.directory / "script.lua").write_text(SCRIPT % body)
        return self.play('local script = require "script"\nfor i = 1, %d do output("out" .. i) { value = script("s" .. i) {}.out } end' % times)

    def output(self, number: int = 1) -> str:
        return self.run("output", f"out{number}").expect(0).out.strip()

    def play(self, text: str) -> Kube:
        (self.directory / "play.lua").write_text(text)
        return self

    def start(self, *arguments: str, env: dict[str, str] | None = None) -> Process:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLIPWAY", "KUBE")) and name.lower() not in ("http_proxy", "https_proxy", "all_proxy")}
        environment = {**kept, "NO_COLOR": "1", "TERM": "dumb", "HOME": str(self.directory), **SANITIZERS, **self.env, **(env or {})}
        return Process([str(SLIPWAY), *arguments], list(arguments), environment, self.directory)

    def run(self, *arguments: str, env: dict[str, str] | None = None, timeout: float = 180) -> Result:
        return self.start(*arguments, env=env).finish(timeout)

    def apply(self, *arguments: str, **options) -> Result:
        return self.run("apply", "--yes", *arguments, **options)

    def trace(self) -> str:
        """The requests of a run with --trace trace."""
        return (self.directory / "trace").read_text()

    def close(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)


class Suite:
    """A mixin: all cases in one run, told one by one."""

    provider: dict = {}
    prefix = "suite"

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        kube = Kube(cls.provider)
        cls.addClassCleanup(kube.close)
        cls.result = kube.suite(*CASES, prefix=cls.prefix).apply("--trace", "trace", timeout=300)
        cls.traced = kube.trace()

    def check(self, name: str) -> None:
        if f"kube_case.{name} created" in self.result.text:
            return
        block = re.search(rf"(?ms)^error: (?:(?!^error: ).)*applying 'kube_case\.{name}'.*?(?=^error: |^Failed: |\Z)", self.result.text)
        raise AssertionError(block.group(0) if block else str(self.result))


def _add(name: str) -> None:
    setattr(Suite, f"test_{name}", lambda self: self.check(name))


for _name in CASES:
    _add(_name)

__all__ = ["CASES", "Kube", "Suite", "unittest"]
