#!/usr/bin/env python3
"""Layer 2 on a real Kubernetes: add-ons of stand-in images whose webhooks are late, the hand-over to GitOps, and what goes wrong on the way.

layer2.py SLIPWAY BUNDLE    as root. Works in a directory, on a bridge and on addresses of its own, and removes them. SLIPWAY_MANIFESTS names a directory
                            with releases of Argo CD, MetalLB 0.13 and the NFS provisioner, which then go through the same server.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from typing import Callable

import standins
from lab import BUNDLE, SLIPWAY, Failed, Lab, expect, inventory, run_steps

REPO = "https://git.example.org/team/gitops.git"
FIRST, SECOND = "a" * 40, "b" * 40
VERSIONS = {"cert-manager": "1.19.1", "metallb": "0.15.2", "argo-cd": "3.5.1", "ingress-nginx": "1.13.3"}
MAKERS = {"cert-manager": standins.cert_manager, "metallb": standins.metallb, "argo-cd": standins.argo_cd, "ingress-nginx": standins.ingress_nginx}
POOL = "192.0.2.10-192.0.2.20"


# The container of a component that runs, as its id in containerd.
RUNNING = """ctr -n k8s.io containers ls -q 'labels."io.kubernetes.container.name"=={component}' | while read -r id; do
  ctr -n k8s.io tasks ls | awk -v id="$id" '$1 == id && $3 == "RUNNING" {{ print id }}'
done | head -n 1"""
KILL_API_SERVER = f"id=$({RUNNING.format(component='kube-apiserver')}) && ctr -n k8s.io tasks kill -s SIGKILL $id"
# In etcd's own container, which sees /var/lib/etcd.
SNAPSHOT_STATUS = ("cp /var/lib/slipway/snapshots/{name} /var/lib/etcd/check.db && id=$(" + RUNNING.format(component="etcd").replace("{", "{{").replace("}", "}}") + """)
ctr -n k8s.io tasks exec --exec-id check $id etcdctl snapshot status /var/lib/etcd/check.db --write-out json; code=$?; rm -f /var/lib/etcd/check.db; exit $code""")
# docs/production.md, with the etcdctl of etcd's image. /var/lib/etcd is a mount here, so its content is moved.
RESTORE = """set -e
image=$(ctr -n k8s.io images ls -q | grep '/etcd:' | head -n 1)
flag() {{ sed -n "s/^ *- --$1=//p" /etc/kubernetes/manifests/etcd.yaml; }}
name=$(flag name) peer=$(flag initial-advertise-peer-urls)
mv /etc/kubernetes/manifests /etc/kubernetes/manifests.stopped
for n in $(seq 60); do ctr -n k8s.io tasks ls | grep RUNNING >/tmp/tasks; [ -n "$(""" + RUNNING.format(component="etcd").replace("{", "{{").replace("}", "}}") + """)" ] || break; sleep 0.5; done
mkdir /var/lib/etcd.before /var/lib/etcd.new
mv /var/lib/etcd/member /var/lib/etcd.before/
ctr -n k8s.io run --rm --mount type=bind,src=/var/lib,dst=/host,options=rbind:rw $image restore etcdctl snapshot restore /host/slipway/snapshots/{name} \\
  --data-dir /host/etcd.new/data --name "$name" --initial-cluster "$name=$peer" --initial-advertise-peer-urls "$peer"
mv /var/lib/etcd.new/data/member /var/lib/etcd/
rm -rf /var/lib/etcd.new
mv /etc/kubernetes/manifests.stopped /etc/kubernetes/manifests"""


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
                             "sets": [{"name": "services", "services": [{"name": "db", "phase": 1}, "web"], "path": "services/{name}",
                                       # Said here: a server of this age cannot take back a member of a custom object that has members of its own.
                                       "automated": True}]}
        self.more: dict = {}
        self.write()

    def write(self) -> None:
        extra = {"downloads": {"mirror": self.mirror.url}, "addons": self.addons, "gitops": self.gitops, **self.more}
        self.inventory.write_text(inventory(self.root, "layer2", "10.91.0", "slipway-layer2", self.root / "bundle", ["n2"])
                                  + "".join(f"{key}: {json.dumps(value)}\n" for key, value in extra.items() if value))

    def upgrade_metallb(self, version: str, config: str) -> None:
        self.mirror.files[standins.place("metallb", version)] = standins.metallb(late=3 + int(version[-1]) / 10, config=config)
        self.addons["metallb"]["version"] = version
        self.write()

    def until(self, what: str, condition: Callable[[], object], seconds: float = 90) -> None:
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise Failed(f"not within {seconds} s: {what}")
            time.sleep(0.5)
        print(f"    ok: {what}", flush=True)

    def advised(self, command: str) -> str:
        """Runs a command that slipway told to type."""
        print(f"  $ {command}", flush=True)
        done = subprocess.run(shlex.split(command.replace("slipway", SLIPWAY, 1)), env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        expect(done.returncode == 0, "it can be typed as it is" + ("" if done.returncode == 0 else f": {done.stdout[-4000:]}"))
        return done.stdout

    def kubectl(self, command: str, code: int | None = 0) -> str:
        """Another's hand: kubectl with the administrator's kubeconfig."""
        if not command.startswith("get "):
            print(f"  $ kubectl {command}", flush=True)
        done = subprocess.run([BUNDLE / "bin/kubectl", "--kubeconfig", self.root / "state/kubeconfig", "--request-timeout=30s", *shlex.split(command)], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if code is not None and done.returncode != code:
            raise Failed(f"kubectl {command}: {done.stdout[-3000:]}")
        return done.stdout

    def object(self, what: str) -> dict:
        return json.loads(self.kubectl(f"get {what} -o json"))

    def clean(self) -> None:
        self.mirror.close()
        super().clean()


    def uids(self) -> dict[str, str]:
        """Everything that an add-on may have made, but for pods and what Kubernetes makes by itself: "Kind namespace/name" -> uid."""
        kinds = ("namespaces,configmaps,secrets,serviceaccounts,services,deployments,daemonsets,statefulsets,jobs,roles,rolebindings,clusterroles,clusterrolebindings,"
                 "customresourcedefinitions,validatingwebhookconfigurations,networkpolicies,ingresses,ingressclasses")
        row = "{.kind} {.metadata.namespace}/{.metadata.name} {.metadata.uid}{\"\\n\"}"
        out = self.kubectl(f"get {kinds} -A -o jsonpath='{{range .items[*]}}{row}{{end}}'")
        found = (line.rsplit(" ", 1) for line in out.splitlines())
        return {name: uid for name, uid in found if not re.search(r"-token-|^Secret kube-system|system:", name)}

    def revision(self) -> tuple[str, str, str]:
        status = self.object("application root -n argocd")["status"]
        return status["sync"]["revision"], status["sync"]["status"], status["health"]["status"]

    def snapshots(self) -> list[str]:
        out = self.run("ssh", "n1", "--", "ls -1 /var/lib/slipway/snapshots 2>/dev/null", code=None)
        return [line for line in out.splitlines() if re.fullmatch(r"etcd-\S+\.db", line)]


def bootstrap(lab: Platform) -> None:
    out = lab.run("bootstrap", "--yes")
    expect("tok3n" not in out and "correct horse" not in out and "BEGIN" not in out, "no secret was printed")
    for name in (*VERSIONS, "gitops"):
        expect(re.search(rf"^{name} +\d+ +yes$", out, re.MULTILINE) is not None, f"{name} is ready at the end")
    expect(re.search(r"^root +Synced +Healthy\n  shop +Synced +Healthy$", out, re.MULTILINE) is not None and "\nHealthy.\n" in out, "the tree of Applications is shown")
    expect(all(re.search(rf"^{name} +Synced +Healthy$", out, re.MULTILINE) for name in ("db", "web")), "and those of the ApplicationSet")
    expect(lab.revision() == (FIRST, "Synced", "Healthy"), "the root Application is Synced and Healthy at the revision asked for")
    issuer = lab.object("clusterissuer letsencrypt-staging")
    expect(issuer["status"]["conditions"][0]["status"] == "True", "the ClusterIssuer went through the late webhook and is Ready")
    expect(lab.object("service ingress-nginx-controller -n ingress-nginx")["status"]["loadBalancer"]["ingress"][0]["ip"] == POOL.split("-")[0],
           "a Service has an address of MetalLB's pool")
    expect(len(json.dumps(lab.object("crd applicationsets.argoproj.io"))) > 346_000, "the definition of 346 KB is there")


def changes_nothing(lab: Platform) -> None:
    expect(sorted(lab.mirror.asked) == sorted(standins.place(*each) for each in VERSIONS.items()), "each manifest was fetched once")
    lock = (lab.root / "slipway.lock").read_text()
    expect(all(re.search(f"{re.escape(place)}: .?{hashlib.sha256(body).hexdigest()}\\b", lock) for place, body in lab.mirror.files.items()), "their SHA-256s are in slipway.lock")
    lab.run("plan", "--detailed-exitcode")
    expect("No changes" in lab.run("apply", "--yes"), "a second apply says so")
    lab.run("status")
    expect(len(lab.mirror.asked) == len(VERSIONS), "nothing was fetched anew")
    hook = lab.object("validatingwebhookconfiguration cert-manager-webhook")
    expect(bool(hook["webhooks"][0]["clientConfig"]["caBundle"]), "the CA bundle that another put in is left alone")


def wrong_sha256(lab: Platform) -> None:
    before = lab.uids()
    lab.addons["metallb"]["version"] = "0.15.99"
    lab.addons["metallb"]["sha256"] = "0" * 64
    lab.mirror.files[standins.place("metallb", "0.15.99")] = standins.metallb(config="evil")
    lab.write()
    expect("its SHA-256 is" in lab.run("apply", "--yes", code=3), "a manifest that is not the one named is refused")
    del lab.addons["metallb"]["sha256"], lab.addons["metallb"]["version"]
    lab.write()
    expect(lab.uids() == before, "and nothing was changed")


def drift(lab: Platform) -> None:
    lab.kubectl("-n argocd scale deployment argocd-server --replicas=2")
    lab.kubectl("-n metallb-system patch ipaddresspool default --type=merge -p '" + json.dumps({"spec": {"addresses": ["198.51.100.0/24"]}}) + "'")
    lab.kubectl("-n argocd delete configmap argocd-rbac-cm")
    lab.kubectl("-n argocd annotate deployment argocd-redis by=hand")
    out = lab.run("drift", code=2)
    for words in ("argocd/argocd-server", "replicas", "metallb-system/default", "198.51.100.0/24", "argocd/argocd-rbac-cm"):
        expect(words in out, f"the drift tells of {words}")
    expect("argocd-redis" not in out, "a field that is nobody's business is not told of")
    expect(set(lab.plan()) == {"kube_object.argo-cd:Deployment:argocd/argocd-server", "kube_object.argo-cd:ConfigMap:argocd/argocd-rbac-cm",
                               "kube_object.metallb:IPAddressPool.metallb.io:metallb-system/default"}, "exactly what was touched would change")
    lab.run("apply", "--yes")
    lab.run("plan", "--detailed-exitcode")
    expect(lab.object("deployment argocd-server -n argocd")["spec"]["replicas"] == 1, "the replicas are as they were")
    expect(lab.object("ipaddresspool default -n metallb-system")["spec"]["addresses"] == [POOL], "and the addresses")


def another_revision(lab: Platform) -> None:
    """Argo CD looks a while later: until then everything is Synced and Healthy, but at the revision of before. Meanwhile, a second slipway."""
    lab.gitops["revision"] = SECOND
    lab.write()
    with lab.running("apply", "--yes", until="Application.argoproj.io:argocd/root") as process:
        refused = lab.run("apply", "--yes", code=3)
        expect("locked" in refused or "lock" in refused, "a second slipway is refused by the lock: " + refused.strip().splitlines()[0])
    expect(process.returncode == 0, "the first goes on")
    expect(lab.revision() == (SECOND, "Synced", "Healthy"), "it ended when the revision asked for was Synced and Healthy")


def not_well(lab: Platform) -> None:
    """An Application that is Degraded: shown, with an exit code, and no end of an apply that waits for it."""
    lab.kubectl("-n argocd annotate application shop standin/health=Degraded")
    lab.until("root is Degraded", lambda: lab.revision()[2] == "Degraded")
    out = lab.run("status", code=1)
    expect("application shop: Synced, Degraded: the test says so" in out, "status says why")
    expect(re.search(r"^root +Synced +Degraded\n  shop +Synced +Degraded$", out, re.MULTILINE) is not None, "and shows the tree")
    lab.gitops.update(revision=FIRST, timeout=10)
    lab.write()
    out = lab.run("apply", "--yes", code=1)
    expect("Synced, Degraded" in out and "was not ready within 10 s" in out, "an apply that waits for it says what Argo CD says")
    lab.kubectl("-n argocd annotate application shop standin/health-")
    lab.until("root is Healthy", lambda: lab.revision() == (FIRST, "Synced", "Healthy"))
    lab.gitops["timeout"] = 60
    lab.write()
    lab.run("apply", "--yes")
    lab.run("plan", "--detailed-exitcode")
    lab.run("status")


def server_restarts(lab: Platform) -> None:
    """An upgrade of MetalLB (other pods, another ConfigMap), while the API server dies."""
    lab.upgrade_metallb("0.15.3", "metallb-config-3")
    with lab.running("apply", "--yes", until=":ConfigMap:metallb-system/metallb-config-3") as process:
        lab.inside("n1", KILL_API_SERVER)
    expect('"summary"' in process.rest and ":Deployment:metallb-system/controller" in process.rest, "there was something left to do")
    lab.until("the API server has started anew", lambda: lab.kubectl("get --raw /readyz", code=None) == "ok")
    expect(process.returncode == 0, "the apply comes through" + ("" if process.returncode == 0 else ": " + process.rest[-3000:]))
    found = lab.uids()
    expect("ConfigMap metallb-system/metallb-config-3" in found and "ConfigMap metallb-system/metallb-excludel2" not in found, "what the new release no longer has is gone")
    lab.run("plan", "--detailed-exitcode")


def killed(lab: Platform) -> None:
    before = lab.uids()
    lab.upgrade_metallb("0.15.4", "metallb-config-4")
    with lab.running("apply", "--yes", until=":Deployment:metallb-system/controller") as process:
        process.send_signal(signal.SIGKILL)
    expect(process.returncode == -signal.SIGKILL, "it was killed")
    lab.run("apply", "--yes")
    after = lab.uids()
    gone = {name for name in before if name not in after}
    expect(gone == {"ConfigMap metallb-system/metallb-config-3"}, f"only what the new release no longer has was pruned: {gone}")
    expect({name for name in after if name not in before} == {"ConfigMap metallb-system/metallb-config-4"}, "and only what it has anew was made")
    expect(all(after[name] == uid for name, uid in before.items() if name in after), "everything else is the same object")
    lab.run("plan", "--detailed-exitcode")


def removal(lab: Platform) -> None:
    before = lab.uids()
    del lab.addons["metallb"]
    lab.write()
    expect("needs approval" in lab.run("plan"), "the plan says that somebody's word is needed")
    out = lab.run("apply", "--yes", code=3)
    expect("--approve cluster_data" in out and "ipaddresspools.metallb.io" in out, "definitions are not deleted without")
    expect(lab.uids() == before, "nothing was removed")
    lab.run("apply", "--yes", "--approve", "cluster_data")
    after = lab.uids()
    expect(not any("metallb" in name for name in after), "with it, MetalLB is gone, definitions, namespace and all")
    expect(all(name in after for name in before if "metallb" not in name), "and nothing else")
    lab.run("plan", "--detailed-exitcode")


def few_rights(lab: Platform) -> None:
    """A kubeconfig of somebody who may only look."""
    lab.kubectl("-n default create serviceaccount limited")
    lab.kubectl("create clusterrolebinding limited --clusterrole=view --serviceaccount=default:limited")
    lab.until("it has a token", lambda: lab.object("serviceaccount limited -n default").get("secrets"))
    token = lab.object("secret -n default " + lab.object("serviceaccount limited -n default")["secrets"][0]["name"])["data"]["token"]
    own = re.sub(r"(?s)(\n- name: \S+\n  user:).*", rf"\1\n    token: {base64.b64decode(token).decode()}\n", (lab.root / "state/kubeconfig").read_text())
    home = lab.root / "limited"
    home.mkdir()
    (home / "kubeconfig").write_text(own)
    (home / "play.lua").write_text(f'local kube = require "kube"\nprovider "kube" {{ name = "kube", path = "{home}/kubeconfig" }}\n'
                                   'kube.object "a" { apiVersion = "v1", kind = "ConfigMap", metadata = { name = "a", namespace = "default" } }\n')
    other = Lab(home)
    other.inventory.write_text('{"name": "limited", "playbook": "play", "hosts": []}')
    out = other.run("apply", "--yes", code=1)
    expect("patch configmaps default/a" in out and "allow the verb 'patch' on 'configmaps' in the namespace 'default'" in out, "the error says which verb on which resource is missing")
    expect(base64.b64decode(token).decode() not in out, "and does not show the token")


def production(lab: Platform) -> None:
    lab.more["environment"] = "production"
    lab.addons["cert-manager"]["email"] = "security@example.org"
    lab.write()
    expect(lab.snapshots() == [], "there was no snapshot before")
    out = lab.run("apply", code=3)
    expect("not confirmed" in out, "without a terminal and without --yes nothing is done")
    out = lab.run("apply", code=3, typed="yes")
    expect("type the inventory's name, 'layer2'" in out and "nothing was changed" in out, "'yes' is not enough")
    issuer = "clusterissuer letsencrypt-staging"
    expect(lab.object(issuer)["spec"]["acme"]["email"] == "ops@example.org" and lab.snapshots() == [], "and nothing was changed")
    out = lab.run("apply", typed="layer2")
    expect(lab.object(issuer)["spec"]["acme"]["email"] == "security@example.org", "the name is")
    expect("\nHealthy.\n" in out, "the health is looked at after")
    taken = lab.snapshots()
    expect(len(taken) == 1 and "n1/etcd_snapshot:before created" in out, "a snapshot was taken")
    verified = lab.on("n1", SNAPSHOT_STATUS.format(name=taken[0]))
    expect(re.search(r'"totalKey":\d+', verified) is not None, "etcdctl finds it whole: " + verified.strip().splitlines()[-1])
    expect(lab.on("n1", f"stat -c %a%u /var/lib/slipway/snapshots/{taken[0]}").strip().endswith("6000"), "for root only")
    expect("No changes" in lab.run("apply", "--yes") and lab.snapshots() == taken, "without a change there is none")


def denied_and_failed(lab: Platform) -> None:
    lab.addons["cert-manager"]["email"] = "nobody"
    lab.write()
    out = lab.run("apply", "--yes", code=1)
    expect('admission webhook "webhook.cert-manager.io" denied the request' in out and "no address" in out, "what the webhook refuses is told of when the plan is made")
    lab.addons["cert-manager"]["email"] = "ops@example.org"
    lab.kubectl("-n argocd annotate application shop standin/health=Degraded")
    lab.until("root is Degraded", lambda: lab.revision()[2] == "Degraded")
    lab.gitops.update(revision=SECOND, timeout=10)
    lab.write()
    out = lab.run("apply", "--yes", code=1)
    back = re.search(r"^To go back to what was declared before: (slipway rollback .*)$", out, re.MULTILINE)
    look = re.search(r"state of before is in the newest of: (slipway ssh .*) \(docs/production.md\)", out)
    expect(back is not None and look is not None, "an apply that failed says how to go back, by commands")
    expect(lab.snapshots()[-1] in lab.advised(look[1]), "that which looks for the snapshot finds it")
    lab.kubectl("-n argocd annotate application shop standin/health-")
    lab.advised(back[1] + " --yes")
    lab.until("root is Healthy", lambda: lab.revision()[2] == "Healthy")
    expect(lab.revision()[0] == FIRST, "that which goes back brings the former revision")
    again = re.search(r"To go on: (slipway apply .*)", out)
    lab.gitops["timeout"] = 60
    lab.write()
    expect(again is not None, "it says how to go on, too")
    lab.advised(again[1] + " --yes")
    expect(lab.revision() == (SECOND, "Synced", "Healthy"), "which it does")


def frozen(lab: Platform) -> None:
    day = datetime.date.today()
    lab.more["freeze"] = [{"from": str(day - datetime.timedelta(days=1)), "to": str(day + datetime.timedelta(days=1)), "reason": "the books are being closed"}]
    lab.addons["cert-manager"]["email"] = "frozen@example.org"
    lab.write()
    before = lab.snapshots()
    expect("the books are being closed" in lab.run("apply", "--yes", code=3) and lab.snapshots() == before, "a freeze refuses, before anything is done")
    lab.run("apply", "--yes", "--override-freeze", "ticket 4711")
    expect("ticket 4711" in lab.run("state", "history"), "a reason lets through, and is kept")
    expect(lab.object("clusterissuer letsencrypt-staging")["spec"]["acme"]["email"] == "frozen@example.org", "it was done")
    del lab.more["freeze"]
    lab.write()


def going_back(lab: Platform) -> None:
    """The restore of docs/production.md, with the snapshot that was taken before the last apply."""
    newest = lab.snapshots()[-1]
    lab.kubectl("-n default create configmap later")
    lab.on("n1", RESTORE.format(name=newest))
    lab.until("the API server answers", lambda: lab.kubectl("get --raw /readyz", code=None) == "ok")
    expect(lab.object("clusterissuer letsencrypt-staging")["spec"]["acme"]["email"] == "ops@example.org", "the cluster is what it was")
    expect("NotFound" in lab.kubectl("get -n default configmap later", code=None), "what came later is not there")
    lab.run("apply", "--yes")
    expect(lab.object("clusterissuer letsencrypt-staging")["spec"]["acme"]["email"] == "frozen@example.org", "and slipway goes on from there")
    lab.run("plan", "--detailed-exitcode")


def real_manifests(lab: Platform) -> None:
    """Releases as they are: all their objects planned, applied, found unchanged, and pruned. Their images cannot be pulled here."""
    source = pathlib.Path(os.environ["SLIPWAY_MANIFESTS"])
    lab.addons, lab.gitops = {}, {}
    lab.write()
    lab.run("apply", "--yes", "--approve", "cluster_data")
    expect(not any(re.search("argo|cert-manager|ingress-nginx", name) for name in lab.uids()), "every add-on is pruned")
    home = lab.root / "real"
    home.mkdir()
    for name, pattern in (("argo-cd", "argo-cd-v*.yaml"), ("metallb", "metallb-v0.13*.yaml"), ("nfs", "nfs-*.yaml")):
        shutil.copy(next(source.glob(pattern)), home / f"{name}.yaml")
    (home / "play.lua").write_text(f"""local kube = require "kube"
provider "kube" {{ name = "kube", path = "{lab.root}/state/kubeconfig" }}
if slipway.inventory.vars.there then
  kube.addon.argo_cd {{ source = "argo-cd.yaml", wait = false }}
  kube.addon.metallb {{ source = "metallb.yaml", wait = false }}
  kube.manifest "nfs" {{ source = "nfs.yaml", wait = false }}
end
""")
    other = Lab(home)

    def write(there: bool) -> None:
        other.inventory.write_text(json.dumps({"name": "real", "playbook": "play", "hosts": [], "vars": {"there": there}}))

    write(True)
    before, planned = lab.uids(), other.plan()
    expect(len(planned) > 80 and set(map(tuple, planned.values())) == {("create",)}, f"{len(planned)} objects are to be made")
    other.run("apply", "--yes")
    other.run("plan", "--detailed-exitcode")
    lab.until("kube-controller-manager has filled in what it fills in", lambda: lab.object("statefulset argocd-application-controller -n argocd").get("status", {}).get("observedGeneration"))
    other.run("plan", "--detailed-exitcode")
    write(False)
    expect("--approve cluster_data" in other.run("apply", "--yes", code=3), "definitions are not deleted without somebody's word")
    other.run("apply", "--yes", "--approve", "cluster_data")
    expect(lab.uids() == before, "all is gone, and nothing else")
    expect(other.run("state", "list").strip() == "", "the state is empty")


def destroy(lab: Platform) -> None:
    lab.run("destroy", "--yes")
    expect(lab.nodes() == {}, "no node is left")
    expect("slipway-layer2" not in os.listdir("/sys/class/net"), "no bridge is left")
    expect(lab.run("state", "list").strip() == "", "the state is empty")


if __name__ == "__main__":
    steps = [bootstrap, changes_nothing, wrong_sha256, drift, another_revision, not_well, server_restarts, killed, removal, few_rights, production, denied_and_failed, frozen,
             going_back, *([real_manifests] if os.environ.get("SLIPWAY_MANIFESTS") else []), destroy]
    sys.exit(run_steps("e2e layer2", "layer2", steps, Platform))
