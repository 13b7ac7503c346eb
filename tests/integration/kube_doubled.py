"""What tests of the client of clusters share: an API double for each class, and what a script run by slipway does to it."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from kube_suite import Kube, unittest
from kube_double import KubeDouble


class Doubled:
    version = (1, 36)

    @classmethod
    def setUpClass(cls) -> None:
        cls.directory = Path(tempfile.mkdtemp(prefix="slipway-double-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.double = KubeDouble(cls.directory, cls.version)
        cls.addClassCleanup(cls.double.close)
        cls.provider = {"path": str(cls.double.kubeconfig)}
        super().setUpClass()


class ClientCase(Doubled, unittest.TestCase):
    def setUp(self) -> None:
        self.kube = Kube(self.provider)
        self.addCleanup(self.kube.close)
        self.double.faults.clear()
        self.double.requests.clear()
        self.name = f"t{time.monotonic_ns()}"

    def does(self, body: str, *, code: int = 0, words: tuple[str, ...] = (), without: tuple[str, ...] = (), env: dict | None = None, times: int = 1):
        result = self.kube.script(body.replace("NAME", f'"{self.name}"'), times).apply("--trace", "trace", env=env).expect(code, *words, without=without)
        return self.kube.output() if code == 0 else result

    def data(self, name: str | None = None) -> dict | None:
        found = self.double.store.objects.get(("", "configmaps"), {}).get(("default", name or self.name))
        return found and found["data"]


__all__ = ["ClientCase", "Doubled", "Kube", "unittest"]
