#!/usr/bin/env python3
"""Layer 2 on a real Kubernetes: add-ons of stand-in images whose webhooks are late, the hand-over to GitOps, and what goes wrong on the way.

layer2.py SLIPWAY BUNDLE    as root. Works in a directory, on a bridge and on addresses of its own, and removes them.
"""

from __future__ import annotations

import json
import pathlib
import sys

import standins
from lab import BUNDLE, KUBECTL, Lab, expect, inventory, run_steps

REPO = "https://git.example.org/team/gitops.git"
FIRST, SECOND = "a" * 40, "b" * 40
VERSIONS = {"cert-manager": "1.19.1", "metallb": "0.15.2", "argo-cd": "3.5.1", "ingress-nginx": "1.13.3"}
MAKERS = {"cert-manager": standins.cert_manager, "metallb": standins.metallb, "argo-cd": standins.argo_cd, "ingress-nginx": standins.ingress_nginx}
POOL = "192.0.2.10-192.0.2.20"


class Platform(Lab):
    """The lab, with add-ons in its inventory and a mirror that serves them."""

    def __init__(self, root: pathlib.Path) -> None:
        super().__init__(root)
        standins.bundle(BUNDLE, root / "bundle")
        self.mirror = standins.Mirror()
        for name, version in VERSIONS.items():
            self.mirror.files[standins.place(name, version)] = MAKERS[name]()
        self.addons: dict[str, dict] = {
            "argo-cd": {"domain": "argocd.example.org", "ingress": {"class": "nginx"}, "insecure": True, "admin_password": "correct horse", "timeout": 120},
            "cert-manager": {"issuers": ["letsencrypt-staging", "selfsigned"], "email": "ops@example.org", "timeout": 120},
            "metallb": {"addresses": [POOL], "timeout": 120},
            "ingress-nginx": {"timeout": 120},
        }
        self.gitops: dict = {"repo": REPO, "path": "apps", "revision": FIRST, "timeout": 60, "credentials": {"username": "deploy", "password": "tok3n"},
                             "sets": [{"name": "services", "services": [{"name": "db", "phase": 1}, "web"], "path": "services/{name}"}]}
        self.more: dict = {}
        self.write()

    def write(self) -> None:
        extra = {"downloads": {"mirror": self.mirror.url}, "addons": self.addons, "gitops": self.gitops, **self.more}
        self.inventory.write_text(inventory(self.root, "layer2", "10.91.0", "slipway-layer2", self.root / "bundle", ["n2"])
                                  + "".join(f"{key}: {json.dumps(value)}\n" for key, value in extra.items() if value))

    def kubectl(self, command: str) -> str:
        return self.on("n1", f"{KUBECTL} {command}")

    def object(self, what: str) -> dict:
        out = self.kubectl(f"get {what} -o json")
        return json.loads(out[out.index("{"):])

    def clean(self) -> None:
        self.mirror.close()
        super().clean()


def bootstrap(lab: Platform) -> None:
    out = lab.run("bootstrap", "--yes")
    print(out[-3000:])
    expect("tok3n" not in out and "correct horse" not in out, "no secret was printed")
    root = lab.object("application root -n argocd")
    expect(root["status"]["sync"] == {**root["status"]["sync"], "status": "Synced", "revision": FIRST} and root["status"]["health"]["status"] == "Healthy",
           "the root Application is Synced and Healthy at the revision asked for")


def changes_nothing(lab: Platform) -> None:
    asked = len(lab.mirror.asked)
    expect(asked == len(VERSIONS), "each manifest was fetched once")
    print(lab.run("plan", "--detailed-exitcode"))
    expect("No changes" in lab.run("apply", "--yes"), "a second apply says so")
    print(lab.run("status"))
    expect(len(lab.mirror.asked) == asked, "nothing was fetched anew")


def destroy(lab: Platform) -> None:
    lab.run("destroy", "--yes")
    expect(lab.nodes() == {}, "no node is left")
    expect(lab.run("state", "list").strip() == "", "the state is empty")


if __name__ == "__main__":
    sys.exit(run_steps("e2e layer2", "layer2", [bootstrap, changes_nothing, destroy], Platform))
