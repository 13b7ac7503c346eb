"""The client of clusters, on an API server that is as strict as the real one and fails when it is told to."""

import json
import shutil
import tempfile
import time
from pathlib import Path

from kube_suite import Kube, Suite, unittest
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


class Modern(Doubled, Suite, unittest.TestCase):
    """The suite on what 1.36 does."""


class Old(Doubled, Suite, unittest.TestCase):
    """The suite on what the real server of the e2e tests does."""

    version = (1, 20)


if __name__ == "__main__":
    unittest.main()
