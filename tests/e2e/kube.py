#!/usr/bin/env python3
"""The suite of tests/integration/kube on a real API server, directly and through the SSH session of a node.

kube.py KUBECONFIG TUNNEL    TUNNEL is a connection as JSON, with to_address. SLIPWAY names the program.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from kube_suite import Suite, unittest  # noqa: E402

KUBECONFIG, TUNNEL = Path(sys.argv[1]), json.loads(sys.argv[2])


class Real(Suite, unittest.TestCase):
    provider = {"path": str(KUBECONFIG)}
    prefix = f"suite-{int(time.time()) % 1000000}"

    def test_requests_share_a_connection(self) -> None:
        self.assertIn("HTTP/2", self.traced)
        self.assertEqual(self.traced.count("new connection"), 1)


class Tunnelled(Real):
    """The server is known by a name that only the cluster knows."""

    prefix = Real.prefix + "-t"

    @classmethod
    def setUpClass(cls) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".kubeconfig") as file:
            file.write(KUBECONFIG.read_text().replace(f"https://{TUNNEL['to_address']}:", "https://kubernetes.default.svc:"))
            file.flush()
            cls.provider = {"path": file.name, "tunnel": TUNNEL}
            super().setUpClass()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
