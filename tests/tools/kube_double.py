#!/usr/bin/env python3
"""A Kubernetes API server for tests, on loopback, as strict as the real one in what slipway uses of it: TLS with client certificates and tokens, discovery
both ways, server-side apply with owners, schemas, namespaces, definitions that take a while, webhooks that do not answer, watches, roles. What a test wants
to go wrong goes wrong: 429, 503, lost answers, watches that are cut or too old, restarts. tests/integration/kube/suite.lua runs against this and the real one.

    with KubeDouble(directory) as double:
        double.kubeconfig          # a file; the user is in system:masters
        double.fail(429, times=2, retry_after=1, path="/configmaps")
        double.restart(seconds=2)

    kube_double.py --dir D [--version 1.20]      serves until its standard input ends; prints the path of the kubeconfig
"""

from __future__ import annotations

import argparse
import base64
import http.server
import json
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from kube_handler import Handler
from kube_store import Store


@dataclass
class Fault:
    status: int  # 0: the answer is lost after the work was done; -1: the connection ends before it
    times: int
    retry_after: int | None
    path: str
    method: str


class Listener(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, *arguments) -> None:
        self.connections: set[socket.socket] = set()
        self.problems: list[BaseException] = []
        super().__init__(*arguments)

    def finish_request(self, request, client_address) -> None:
        self.connections.add(request)
        try:
            super().finish_request(request, client_address)
        finally:
            self.connections.discard(request)

    def handle_error(self, request, client_address) -> None:
        problem = sys.exc_info()[1]
        if not isinstance(problem, (OSError, ssl.SSLError)):
            self.problems.append(problem)


class KubeDouble:
    def __init__(self, directory: Path, version: tuple[int, int] = (1, 36), aggregated: bool | None = None) -> None:
        self.directory, self.version = Path(directory), version
        self.directory.mkdir(parents=True, exist_ok=True)
        self.aggregated = version >= (1, 30) if aggregated is None else aggregated
        self.store = Store(modern=version >= (1, 25))
        self.lock = threading.Lock()
        self.requests: list[tuple[str, str, dict, dict]] = []
        self.bodies: list[bytes] = []
        self.faults: list[Fault] = []
        self.tokens: dict[str, tuple[str, list[str]]] = {}
        self.rules: dict[str, list[dict]] = {}
        self.refuse_certificates = False
        self.watch_epoch, self.stopping, self.problems = 0, False, []
        self.server: Listener | None = None
        self._certify()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.directory / "server.crt", self.directory / "server.key")
        self.context.load_verify_locations(self.directory / "ca.crt")
        self.context.verify_mode = ssl.CERT_OPTIONAL
        self._serve(0)
        self.port = self.server.server_address[1]
        self.kubeconfig = self.directory / "kubeconfig"
        self.kubeconfig.write_text(json.dumps(self.config()))
        threading.Thread(target=self._control, daemon=True).start()

    # ---- what a test may do

    def config(self, user: dict | None = None, server: str | None = None, **cluster) -> dict:
        """A kubeconfig, as a tree; `user` instead of the administrator's certificate."""
        def pem(name: str) -> str:
            return base64.b64encode((self.directory / name).read_bytes()).decode()
        return {"apiVersion": "v1", "kind": "Config", "current-context": "double", "contexts": [{"name": "double", "context": {"cluster": "double", "user": "admin"}}],
                "clusters": [{"name": "double", "cluster": {"server": server or f"https://127.0.0.1:{self.port}", "certificate-authority-data": pem("ca.crt"), **cluster}}],
                "users": [{"name": "admin", "user": user or {"client-certificate-data": pem("admin.crt"), "client-key-data": pem("admin.key")}}]}

    def fail(self, status: int, times: int = 1, retry_after: int | None = None, path: str = "", method: str = "") -> None:
        """The next answers to such requests; 0 loses the answer of what was done, -1 ends the connection before anything is."""
        with self.lock:
            self.faults.append(Fault(status, times, retry_after, path, method))

    def cut_watches(self) -> None:
        self.watch_epoch += 1

    def forget_history(self) -> None:
        """Watches and lists from before are told 410."""
        with self.store.changed:
            self.store.version += 1
            self.store.compacted = self.store.version
            self.store.history.clear()
            self.store.changed.notify_all()

    def stop(self) -> None:
        server, self.server = self.server, None
        if not server:
            return
        server.shutdown()
        server.server_close()
        for connection in list(server.connections):
            try:
                # Not SSLSocket's own, which takes the TLS away under the thread that is at work with it.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
            except OSError:
                pass
        self.problems += server.problems

    def start(self) -> None:
        self._serve(self.port)

    def restart(self, seconds: float) -> None:
        """Down for a while, in the background; what is stored stays."""
        self.stop()
        self.store.later(seconds, self.start)

    def count(self, method: str, path: str = "") -> int:
        with self.lock:
            return sum(1 for each in self.requests if each[0] == method and re.search(path, each[1]))

    def close(self) -> None:
        self.stopping = True
        self.stop()
        if self.problems:
            raise self.problems[0]

    def __enter__(self) -> KubeDouble:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    # ---- inside

    def _fault(self, method: str, path: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.times > 0 and fault.path in path and fault.method in ("", method):
                    fault.times -= 1
                    return fault
        return None

    def _serve(self, port: int) -> None:
        handler = type("Bound", (Handler,), {"double": self})
        server = Listener(("127.0.0.1", port), handler)
        server.socket = self.context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        self.server = server
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def _control(self) -> None:
        while not self.stopping:
            try:
                self.store.tick()
            except Exception as e:  # noqa: BLE001 - told at close()
                self.problems.append(e)
                return
            time.sleep(0.05)

    def _certify(self) -> None:
        def openssl(*arguments: str) -> None:
            subprocess.run(["openssl", *arguments], cwd=self.directory, check=True, capture_output=True)
        new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        openssl("req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=double-ca")
        for name, subject, extra in ("server", "/CN=kube-apiserver", "subjectAltName=IP:127.0.0.1,DNS:kubernetes,DNS:kubernetes.default.svc"), ("admin", "/O=system:masters/CN=kubernetes-admin", "basicConstraints=CA:FALSE"):
            (self.directory / f"{name}.cnf").write_text(extra + "\n")
            openssl("req", *new, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", subject)
            openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-days", "2", "-extfile", f"{name}.cnf", "-out", f"{name}.crt")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--version", default="1.36")
    options = parser.parse_args()
    major, minor = (int(part) for part in options.version.split("."))
    with KubeDouble(options.dir, (major, minor)) as double:
        print(double.kubeconfig, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
