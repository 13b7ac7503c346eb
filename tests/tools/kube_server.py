#!/usr/bin/env python3
"""A real API server without nodes: etcd, kube-apiserver and kube-controller-manager as three processes on loopback, from the lab's bundle.

kube_server.py BUNDLE DIRECTORY    runs until its standard input ends; DIRECTORY/kubeconfig is the way in.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import ssl
import subprocess
import sys
import tarfile
import time
import urllib.request
from pathlib import Path

from ports import free_port

TOKEN = "not-a-secret-admin"
GUEST = "not-a-secret-guest"  # of the user "guest", who may do what roles give


def unpack(bundle: Path, name: str, into: Path) -> Path:
    """The program of a component's image."""
    target = into / name
    if target.exists():
        return target
    with tarfile.open(bundle / "images" / f"{name}.tar") as image:
        manifest = json.load(image.extractfile("./manifest.json"))
        for layer in manifest[0]["Layers"]:
            with tarfile.open(fileobj=io.BytesIO(image.extractfile("./" + layer.removeprefix("./")).read())) as files:
                for member in files:
                    if member.isfile() and Path(member.name).name == name:
                        with files.extractfile(member) as source, open(target, "wb") as out:
                            shutil.copyfileobj(source, out)
                        target.chmod(0o755)
                        return target
    raise SystemExit(f"{bundle}: the image of {name} holds no such program")


class Server:
    def __init__(self, bundle: Path, directory: Path, *, controllers: bool = True, sync: bool = False) -> None:
        """`sync`: etcd's writes reach the disk, as they do where it matters."""
        self.bundle, self.directory, self.controllers, self.sync = bundle, directory, controllers, sync
        self.port, self.etcd_port = free_port(), free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.kubeconfig = directory / "kubeconfig"
        self.children: dict[str, subprocess.Popen] = {}

    def start(self, name: str, *command: str) -> None:
        with open(self.directory / f"{name}.log", "ab") as log:
            self.children[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory, start_new_session=True)

    def up(self) -> Server:
        d = self.directory
        d.mkdir(parents=True, exist_ok=True)
        bins = d / "bin"
        bins.mkdir(exist_ok=True)
        if not (d / "sa.key").exists():
            subprocess.run(["openssl", "genrsa", "-out", "sa.key", "2048"], cwd=d, check=True, stderr=subprocess.DEVNULL)
            (d / "tokens").write_text(f'{TOKEN},admin,admin,"system:masters"\n{GUEST},guest,guest\n')
        self.start("etcd", "etcd", "--data-dir", str(d / "etcd"), "--listen-client-urls", f"http://127.0.0.1:{self.etcd_port}",
                   "--advertise-client-urls", f"http://127.0.0.1:{self.etcd_port}", "--listen-peer-urls", f"http://127.0.0.1:{free_port()}", *([] if self.sync else ["--unsafe-no-fsync"]))
        self.serve()
        self.kubeconfig.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{"name": "it", "cluster": {"server": self.url, "certificate-authority": str(d / "certs" / "apiserver.crt")}}],
            "users": [{"name": "admin", "user": {"token": TOKEN}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "admin"}}]}))
        self.kubeconfig.chmod(0o600)
        if self.controllers:
            self.start("kube-controller-manager", str(unpack(self.bundle, "kube-controller-manager", bins)), "--kubeconfig", str(self.kubeconfig),
                       "--leader-elect=false", "--secure-port=0", "--port=0", "--controllers=*,-tokencleaner,-bootstrapsigner,-nodeipam,-cloud-node-lifecycle,-route,-service",
                       "--kube-api-qps=200", "--kube-api-burst=400", "--concurrent-gc-syncs=20")
        return self

    def serve(self) -> None:
        d = self.directory
        self.start("kube-apiserver", str(unpack(self.bundle, "kube-apiserver", d / "bin")), f"--etcd-servers=http://127.0.0.1:{self.etcd_port}",
                   "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", f"--secure-port={self.port}", f"--cert-dir={d / 'certs'}", f"--token-auth-file={d / 'tokens'}",
                   f"--service-account-key-file={d / 'sa.key'}", f"--service-account-signing-key-file={d / 'sa.key'}", f"--service-account-issuer={self.url}",
                   "--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount", "--service-cluster-ip-range=10.96.0.0/16")
        self.wait()

    def wait(self, within: float = 90) -> None:
        deadline = time.monotonic() + within
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        while time.monotonic() < deadline:
            for name, child in self.children.items():
                if child.poll() is not None:
                    raise SystemExit(f"{name} ended:\n{(self.directory / (name + '.log')).read_text()[-2000:]}")
            try:
                request = urllib.request.Request(self.url + "/readyz", headers={"Authorization": "Bearer " + TOKEN})
                with urllib.request.urlopen(request, context=context, timeout=5) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                pass
            time.sleep(0.2)
        raise SystemExit("the API server was not ready in time")

    def cpu(self) -> float:
        """Seconds that all of it has worked so far."""
        ticks = 0
        for child in self.children.values():
            ticks += sum(int(field) for field in Path(f"/proc/{child.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13])
        return ticks / os.sysconf("SC_CLK_TCK")

    def stop(self, name: str) -> None:
        child = self.children.pop(name)
        child.terminate()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def down(self) -> None:
        for name in reversed(list(self.children)):
            self.stop(name)


if __name__ == "__main__":
    server = Server(Path(sys.argv[1]), Path(sys.argv[2])).up()
    print(f"KUBECONFIG={server.kubeconfig}", flush=True)
    try:
        sys.stdin.buffer.read()
    finally:
        server.down()
