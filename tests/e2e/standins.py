"""What registries and release pages serve, made here: one small image that plays every part (standin/), manifests of the real add-ons' shape that
use it, and the web server that is their mirror."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import os
import pathlib
import subprocess
import tarfile
import threading

IMAGE = "standin.example.org/standin:1"
SOURCE = pathlib.Path(__file__).parent / "standin"
GO = pathlib.Path("/usr/lib/go-1.19/bin/go")


# ---- the image ----

def program() -> pathlib.Path:
    """Compiled once for each state of the sources; static."""
    sources = sorted(SOURCE.glob("*.go"))
    digest = hashlib.sha256(b"".join(each.read_bytes() for each in sources)).hexdigest()[:16]
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "slipway-test"
    target = cache / f"standin-{digest}"
    if not target.exists():
        cache.mkdir(parents=True, exist_ok=True)
        made = target.with_suffix(f".{os.getpid()}")
        subprocess.run([GO, "build", "-trimpath", "-ldflags", "-s -w", "-o", made, "."], cwd=SOURCE, check=True, env={
            **os.environ, "CGO_ENABLED": "0", "GO111MODULE": "off", "GOFLAGS": "", "GOROOT": str(GO.parents[1]), "GOCACHE": str(cache / "go")})
        made.rename(target)
    return target


def image(into: pathlib.Path) -> None:
    """An OCI image layout in a tar: the program, and nothing else."""
    blobs: dict[str, bytes] = {}

    def blob(data: bytes, kind: str) -> dict:
        digest = hashlib.sha256(data).hexdigest()
        blobs[digest] = data
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(data)}

    def add(tar: tarfile.TarFile, name: str, data: bytes, mode: int) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(data), mode
        tar.addfile(entry, io.BytesIO(data))

    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        add(tar, "standin", program().read_bytes(), 0o755)
    kind = "application/vnd.oci.image"
    diff = hashlib.sha256(layer.getvalue()).hexdigest()
    config = {"architecture": "amd64", "os": "linux", "config": {"Entrypoint": ["/standin"]}, "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff}"]}}
    manifest = {"schemaVersion": 2, "mediaType": f"{kind}.manifest.v1+json", "config": blob(json.dumps(config).encode(), f"{kind}.config.v1+json"),
                "layers": [blob(layer.getvalue(), f"{kind}.layer.v1.tar")]}
    index = {"schemaVersion": 2, "manifests": [{**blob(json.dumps(manifest).encode(), f"{kind}.manifest.v1+json"),
                                                "annotations": {"io.containerd.image.name": IMAGE, "org.opencontainers.image.ref.name": "1"}}]}
    with tarfile.open(into, "w") as tar:
        add(tar, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}', 0o644)
        add(tar, "index.json", json.dumps(index).encode(), 0o644)
        for digest, data in blobs.items():
            add(tar, f"blobs/sha256/{digest}", data, 0o644)


def bundle(of: pathlib.Path, into: pathlib.Path) -> None:
    """The lab's bundle with one image more, as one for a platform without the internet has its add-ons' images."""
    (into / "images").mkdir(parents=True)
    (into / "bin").symlink_to(of / "bin")
    for each in (of / "images").iterdir():
        (into / "images" / each.name).symlink_to(each)
    image(into / "images/standin.tar")
    data = (into / "images/standin.tar").read_bytes()
    listed = json.loads((of / "bundle.json").read_text())
    listed["files"].append({"path": "images/standin.tar", "sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "role": "all", "image": IMAGE})
    (into / "bundle.json").write_text(json.dumps(listed))


# ---- the mirror ----

class Mirror:
    """Serves HOST/PATH below its URL, and counts what is asked."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        mirror = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                place = self.path.removeprefix("/")
                mirror.asked.append(place)
                body = mirror.files.get(place)
                self.send_response(200 if body is not None else 404)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


# ---- YAML, as releases are written ----

def _yaml(value: object, indent: str) -> str:
    if isinstance(value, dict) and value:
        lines = []
        for key, member in value.items():
            nested = isinstance(member, (dict, list)) and member
            # A list hangs at its key's own column, as generated manifests have it.
            inner = indent if isinstance(member, list) else indent + "  "
            lines.append(f"{indent}{json.dumps(key) if not key.replace('-', '').isalnum() else key}:" + ("\n" + _yaml(member, inner) if nested else " " + json.dumps(member)))
        return "\n".join(lines)
    if isinstance(value, list) and value:
        lines = []
        for member in value:
            text = _yaml(member, indent + "  ")
            lines.append(f"{indent}- {text[len(indent) + 2:]}")
        return "\n".join(lines)
    return indent + json.dumps(value)


def documents(objects: list[dict]) -> bytes:
    return "\n---\n".join(_yaml(each, "") for each in objects).encode() + b"\n"


# ---- objects ----

ANY = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
STRING = {"type": "string"}


def named(api: str, kind: str, name: str, namespace: str | None = None, **members: object) -> dict:
    metadata = {"labels": {"app.kubernetes.io/name": name.replace(":", "-")}, "name": name}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **members}


def record(*required: str, **properties: object) -> dict:
    return {"type": "object", "properties": properties, **({"required": list(required)} if required else {})}


def listed(items: dict) -> dict:
    return {"type": "array", "items": items}


def definition(group: str, kind: str, plural: str, version: str, spec: dict, scope: str = "Namespaced", status: dict | None = ANY, subresource: bool = True) -> dict:
    schema = record(apiVersion=STRING, kind=STRING, metadata={"type": "object"}, spec=spec, **({"status": status} if status else {}))
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"{plural}.{group}"}, "spec": {
        "group": group, "names": {"kind": kind, "listKind": kind + "List", "plural": plural, "singular": kind.lower()}, "scope": scope,
        "versions": [{"name": version, "schema": {"openAPIV3Schema": schema}, "served": True, "storage": True, **({"subresources": {"status": {}}} if subresource else {})}]},
        # As generators leave it.
        "status": {"acceptedNames": {"kind": "", "plural": ""}, "conditions": [], "storedVersions": []}}


def rule(groups: str, resources: str, verbs: str, names: str = "") -> dict:
    found: dict = {"apiGroups": [each if each != "core" else "" for each in groups.split()], "resources": resources.split(), "verbs": verbs.split()}
    return {**found, "resourceNames": names.split()} if names else found


def rights(name: str, account: str, namespace: str | None, rules: list[dict], where: str | None = None) -> list[dict]:
    """A Role in the namespace `where`, or a ClusterRole, and its binding. namespace: of the account."""
    kind, api = ("Role" if where else "ClusterRole"), "rbac.authorization.k8s.io"
    return [named(f"{api}/v1", kind, name, where, rules=rules),
            named(f"{api}/v1", kind + "Binding", name, where, roleRef={"apiGroup": api, "kind": kind, "name": name},
                  subjects=[{"kind": "ServiceAccount", "name": account, "namespace": namespace}])]


def workload(name: str, namespace: str | None, args: list[str], kind: str = "Deployment", account: str | None = None, mounts: dict[str, str] | None = None, **pod: object) -> dict:
    """mounts: Secret -> path."""
    labels = {"app.kubernetes.io/name": name}
    container = {
        "args": ["--listen=:8080", *args], "image": IMAGE, "name": name,
        "ports": [{"containerPort": 8080, "name": "http"}, {"containerPort": 9443, "name": "webhook", "protocol": "TCP"}],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "5m", "memory": "16Mi"}, "limits": {"cpu": "1000m"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True, "runAsNonRoot": True, "runAsUser": 65534},
    }
    spec: dict = {"containers": [container], "nodeSelector": {"kubernetes.io/os": "linux"}, "serviceAccountName": account or name, "terminationGracePeriodSeconds": 0, **pod}
    if mounts:
        container["volumeMounts"] = [{"mountPath": path, "name": secret, "readOnly": True} for secret, path in mounts.items()]
        spec["volumes"] = [{"name": secret, "secret": {"secretName": secret}} for secret in mounts]
    if pod.get("hostNetwork"):
        # Another port: those of the node are not ours.
        container["args"][0], container["ports"] = "--listen=:17472", [{"containerPort": 17472, "name": "http"}]
    more = {"serviceName": name} if kind == "StatefulSet" else {}
    replicas = {} if kind == "DaemonSet" else {"replicas": 1}
    return named("apps/v1", kind, name, namespace, spec={**more, **replicas, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}})


def service(name: str, namespace: str | None, of: str, ports: list[dict]) -> dict:
    return named("v1", "Service", name, namespace, spec={"ports": ports, "selector": {"app.kubernetes.io/name": of}})


def webhooks(name: str, namespace: str, of: str, hooks: list[tuple[str, str, str, str]]) -> dict:
    """(name, group, version, resource)"""
    return named("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", name, webhooks=[{
        "admissionReviewVersions": ["v1"], "clientConfig": {"service": {"name": of, "namespace": namespace, "path": "/validate"}},
        "failurePolicy": "Fail", "matchPolicy": "Equivalent", "name": hook, "sideEffects": "None", "timeoutSeconds": 10,
        "rules": [{"apiGroups": [group], "apiVersions": [version], "operations": ["CREATE", "UPDATE"], "resources": [resource]}],
    } for hook, group, version, resource in hooks])


# ---- the add-ons ----

WATCH = "get list watch"


def cert_manager(late: float = 4) -> bytes:
    ns, group = "cert-manager", "cert-manager.io"
    reference = record("name", name=STRING, key=STRING)
    solver = record(http01=record(ingress=record(ingressClassName=STRING)), dns01=ANY, selector=ANY)
    issuer = record(acme=record("server", "privateKeySecretRef", server=STRING, email=STRING, privateKeySecretRef=reference, solvers=listed(solver)),
                    ca=record("secretName", secretName=STRING), selfSigned=record(crlDistributionPoints=listed(STRING)))
    return documents([
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ns}},
        *(definition(group, kind, kind.lower() + "s", "v1", issuer, scope) for kind, scope in (("Issuer", "Namespaced"), ("ClusterIssuer", "Cluster"))),
        *(definition(group, kind, kind.lower() + "s", "v1", ANY) for kind in ("Certificate", "CertificateRequest")),
        *(definition("acme." + group, kind, kind.lower() + "s", "v1", ANY) for kind in ("Challenge", "Order")),
        *(named("v1", "ServiceAccount", name, ns, automountServiceAccountToken=True) for name in ("cert-manager-cainjector", "cert-manager", "cert-manager-webhook")),
        *rights("cert-manager-cainjector", "cert-manager-cainjector", ns, [
            rule("core", "secrets", WATCH), rule("admissionregistration.k8s.io", "validatingwebhookconfigurations mutatingwebhookconfigurations", WATCH + " update patch")]),
        *rights("cert-manager-controller-clusterissuers", "cert-manager", ns, [
            rule(group, "clusterissuers clusterissuers/status", "update patch"), rule(group, "clusterissuers", WATCH), rule("core", "secrets", WATCH + " create update delete")]),
        *rights("cert-manager-webhook:dynamic-serving", "cert-manager-webhook", ns, [
            rule("core", "secrets", WATCH + " update patch", "cert-manager-webhook-ca"), rule("core", "secrets", "create")], ns),
        service("cert-manager", ns, "cert-manager", [{"name": "http", "port": 9402, "protocol": "TCP", "targetPort": 8080}]),
        service("cert-manager-webhook", ns, "cert-manager-webhook", [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": "webhook"}]),
        workload("cert-manager-cainjector", ns, [f"--late={late}", f"--secret={ns}/cert-manager-webhook-ca", "--inject=cert-manager-webhook"]),
        workload("cert-manager", ns, [f"--late={late}", "--issuers"]),
        workload("cert-manager-webhook", ns, [f"--late={late}", f"--webhook={ns}/cert-manager-webhook", f"--secret={ns}/cert-manager-webhook-ca"]),
        webhooks("cert-manager-webhook", ns, "cert-manager-webhook", [("webhook.cert-manager.io", group, "*", "*/*")]),
    ])


def metallb(late: float = 4, config: str = "metallb-excludel2") -> bytes:
    ns, group, secret = "metallb-system", "metallb.io", "metallb-webhook-cert"
    pool = record("addresses", addresses=listed(STRING), autoAssign={"type": "boolean", "default": True}, avoidBuggyIPs={"type": "boolean", "default": False})
    layer2 = record(ipAddressPools=listed(STRING), interfaces=listed(STRING), nodeSelectors=listed(ANY))
    system = {"metadata": {"name": ns, "labels": {f"pod-security.kubernetes.io/{mode}": "privileged" for mode in ("audit", "enforce", "warn")}}}
    return documents([
        {"apiVersion": "v1", "kind": "Namespace", **system},
        definition(group, "IPAddressPool", "ipaddresspools", "v1beta1", pool), definition(group, "L2Advertisement", "l2advertisements", "v1beta1", layer2),
        *(definition(group, kind, kind.lower() + "s", version, ANY) for kind, version in (("BGPPeer", "v1beta2"), ("BGPAdvertisement", "v1beta1"), ("BFDProfile", "v1beta1"))),
        *(named("v1", "ServiceAccount", name, ns) for name in ("controller", "speaker")),
        *rights("controller", "controller", ns, [rule("core", "secrets", WATCH + " create delete patch update"), rule(group, "ipaddresspools", WATCH)], ns),
        *rights("metallb-system:controller", "controller", ns, [
            rule("core", "services namespaces", WATCH), rule("core", "services/status", "update patch"),
            rule("admissionregistration.k8s.io", "validatingwebhookconfigurations", WATCH + " update patch", "metallb-webhook-configuration")]),
        named("v1", "ConfigMap", config, ns, data={"excludel2.yaml": 'announcedInterfacesToExclude: ["^lo$", "^veth.*"]\n'}),
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": secret, "namespace": ns}},
        service("metallb-webhook-service", ns, "controller", [{"port": 443, "targetPort": 9443}]),
        workload("controller", ns, [f"--late={late}", f"--webhook={ns}/metallb-webhook-service", f"--secret={ns}/{secret}", "--inject=metallb-webhook-configuration",
                                    f"--addresses={ns}", f"--memberlist={ns}"], mounts={secret: "/tmp/k8s-webhook-server/serving-certs"}),
        workload("speaker", ns, [], "DaemonSet", hostNetwork=True, mounts={"memberlist": "/etc/ml_secret_key"},
                 tolerations=[{"effect": "NoSchedule", "key": f"node-role.kubernetes.io/{role}", "operator": "Exists"} for role in ("master", "control-plane")]),
        webhooks("metallb-webhook-configuration", ns, "metallb-webhook-service", [
            (f"{kind}validationwebhook.metallb.io", group, version, kind + "s")
            for kind, version in (("ipaddresspool", "v1beta1"), ("l2advertisement", "v1beta1"), ("bgppeer", "v1beta2"))]),
    ])


def _described(schema: dict, words: str) -> dict:
    """The same schema with a text at every field, as generated definitions have it."""
    found = {**schema, "description": words}
    if "properties" in schema:
        found["properties"] = {name: _described(member, f"{name} of {words}") for name, member in schema["properties"].items()}
    if "items" in schema:
        found["items"] = _described(schema["items"], words)
    return found


def application_set(at_least: int = 346_000) -> tuple[dict, dict]:
    """The largest definition there is: an Application's template in each generator, and in those that combine others, again. And that of an Application's spec."""
    source = record("repoURL", repoURL=STRING, path=STRING, targetRevision=STRING, chart=STRING, directory=record(recurse={"type": "boolean"}), helm=record(
        releaseName=STRING, valueFiles=listed(STRING), values=STRING, parameters=listed(record(name=STRING, value=STRING))))
    automated = record(prune={"type": "boolean"}, selfHeal={"type": "boolean"}, allowEmpty={"type": "boolean"})
    backoff = record(duration=STRING, factor={"type": "integer", "format": "int64"}, maxDuration=STRING)
    policy = record(automated=automated, syncOptions=listed(STRING), retry=record(limit={"type": "integer", "format": "int64"}, backoff=backoff))
    application = record("source", "destination", "project", project=STRING, source=source, destination=record(server=STRING, name=STRING, namespace=STRING), syncPolicy=policy)
    strings = {"type": "object", "additionalProperties": STRING}
    template = record("metadata", "spec", metadata=record(name=STRING, namespace=STRING, labels=strings, annotations=strings, finalizers=listed(STRING)), spec=application)
    simple = {
        "list": record("elements", elements=listed({"x-kubernetes-preserve-unknown-fields": True}), template=template),
        "git": record("repoURL", "revision", repoURL=STRING, revision=STRING, directories=listed(record("path", path=STRING, exclude={"type": "boolean"})), template=template),
        **{name: record(values=strings, template=template) for name in ("clusters", "scmProvider", "pullRequest", "clusterDecisionResource", "plugin")},
    }
    nested = {name: record(generators=listed(record(**simple)), template=template) for name in ("matrix", "merge")}
    spec = record("generators", "template", goTemplate={"type": "boolean"}, goTemplateOptions=listed(STRING), generators=listed(record(**simple, **nested)), template=template,
                  syncPolicy=record(preserveResourcesOnDeletion={"type": "boolean"}), strategy=ANY)
    words = "an ApplicationSet"
    found = definition("argoproj.io", "ApplicationSet", "applicationsets", "v1alpha1", _described(spec, words))
    missing = at_least - len(json.dumps(found))
    if missing > 0:
        found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["description"] = "It makes Applications. " * (missing // 23 + 1)
    return found, application


def argo_cd(late: float = 2) -> bytes:
    group = "argoproj.io"
    big, application = application_set()
    server = "argocd-server"
    names = ("argocd-application-controller", "argocd-applicationset-controller", "argocd-redis", "argocd-repo-server", server)
    ns = None  # it names no namespace, but in bindings
    return documents([
        # Its status is no subresource.
        definition(group, "Application", "applications", "v1alpha1", application, subresource=False), big, definition(group, "AppProject", "appprojects", "v1alpha1", ANY),
        *(named("v1", "ServiceAccount", name) for name in names),
        *rights(names[0], names[0], "argocd", [rule("*", "*", "*")]),
        *rights(names[1], names[1], "argocd", [rule(group, "applications applicationsets applicationsets/status", WATCH + " create update patch delete")]),
        *rights(server, server, "argocd", [rule("core", "secrets configmaps", WATCH + " create update patch delete")]),
        *(named("v1", "ConfigMap", name) for name in ("argocd-cm", "argocd-cmd-params-cm", "argocd-gpg-keys-cm", "argocd-rbac-cm", "argocd-tls-certs-cm")),
        named("v1", "ConfigMap", "argocd-ssh-known-hosts-cm", data={"ssh_known_hosts": "# none of the real ones is known here\n"}),
        named("v1", "Secret", "argocd-secret", type="Opaque"),
        service("argocd-redis", ns, "argocd-redis", [{"name": "tcp-redis", "port": 6379, "targetPort": 8080}]),
        service("argocd-repo-server", ns, "argocd-repo-server", [{"name": "server", "port": 8081, "protocol": "TCP", "targetPort": 8080}, {"name": "metrics", "port": 8084, "protocol": "TCP", "targetPort": 8080}]),
        service(server, ns, server, [{"name": name, "port": port, "protocol": "TCP", "targetPort": 8080} for name, port in (("http", 80), ("https", 443))]),
        workload(names[1], ns, [f"--late={late}", "--sets=argocd"]), workload("argocd-redis", ns, []), workload("argocd-repo-server", ns, []),
        workload(server, ns, [f"--late={late}", "--fill=argocd/argocd-secret"]),
        workload(names[0], ns, [f"--late={late}", "--applications=argocd"], "StatefulSet"),
        *(named("networking.k8s.io/v1", "NetworkPolicy", f"{name}-network-policy", spec={
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": name}}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"namespaceSelector": {}}], "ports": [{"port": 8080}]}]}) for name in names),
    ])


def metrics_server(late: float = 2) -> bytes:
    name, ns = "metrics-server", "kube-system"
    return documents([
        named("v1", "ServiceAccount", name, ns),
        *rights("system:metrics-server", name, ns, [rule("core", "nodes/metrics", "get"), rule("core", "pods nodes", WATCH)]),
        service(name, ns, name, [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": "webhook"}]),
        workload(name, ns, [f"--late={late}", "--metrics"]),
        named("apiregistration.k8s.io/v1", "APIService", "v1beta1.metrics.k8s.io", spec={
            "group": "metrics.k8s.io", "groupPriorityMinimum": 100, "insecureSkipTLSVerify": True, "service": {"name": name, "namespace": ns}, "version": "v1beta1", "versionPriority": 100}),
    ])


def ingress_nginx(late: float = 3) -> bytes:
    """As its releases are: one Job makes the webhook's certificate, a second gives its CA to the webhook's configuration."""
    name, ns, secret = "ingress-nginx", "ingress-nginx", "ingress-nginx-admission"
    controller = name + "-controller"
    hook = f"--webhook={ns}/{controller}-admission"

    def job(what: str, *args: str) -> dict:
        made = workload(f"{secret}-{what}", ns, [], "Job", secret)
        template = made["spec"]["template"]
        container = template["spec"]["containers"][0]
        container["args"] = [f"--job={what}", f"--secret={ns}/{secret}", *args]
        del container["ports"], container["readinessProbe"]
        template["spec"]["restartPolicy"] = "OnFailure"
        made.update(apiVersion="batch/v1", spec={"template": template})
        return made

    served = workload(controller, ns, [f"--late={late}", hook, "--cert=/usr/local/certificates"], account=name, mounts={secret: "/usr/local/certificates"})
    return documents([
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ns}},
        *(named("v1", "ServiceAccount", account, ns) for account in (name, secret)),
        *rights(name, name, ns, [rule("core", "configmaps endpoints nodes pods secrets namespaces services", WATCH), rule("networking.k8s.io", "ingresses ingressclasses", WATCH)]),
        *rights(secret, secret, ns, [rule("admissionregistration.k8s.io", "validatingwebhookconfigurations", "get update patch")]),
        *rights(secret, secret, ns, [rule("core", "secrets", "get create")], ns),
        named("v1", "ConfigMap", controller, ns),
        service(controller + "-admission", ns, controller, [{"name": "https-webhook", "port": 443, "targetPort": "webhook"}]),
        {**service(controller, ns, controller, []), "spec": {
            "type": "LoadBalancer", "externalTrafficPolicy": "Local", "selector": {"app.kubernetes.io/name": controller},
            "ports": [{"appProtocol": each, "name": each, "port": port, "protocol": "TCP", "targetPort": "http"} for each, port in (("http", 80), ("https", 443))]}},
        served, job("create", hook), job("patch", f"--inject={secret}"),
        named("networking.k8s.io/v1", "IngressClass", "nginx", spec={"controller": "k8s.io/ingress-nginx"}),
        webhooks(secret, ns, controller + "-admission", [("validate.nginx.ingress.kubernetes.io", "networking.k8s.io", "v1", "ingresses")]),
    ])


PLACES = {
    "cert-manager": "github.com/cert-manager/cert-manager/releases/download/v{version}/cert-manager.yaml",
    "metallb": "raw.githubusercontent.com/metallb/metallb/v{version}/config/manifests/metallb-native.yaml",
    "argo-cd": "raw.githubusercontent.com/argoproj/argo-cd/v{version}/manifests/install.yaml",
    "ingress-nginx": "raw.githubusercontent.com/kubernetes/ingress-nginx/controller-v{version}/deploy/static/provider/cloud/deploy.yaml",
    "metrics-server": "github.com/kubernetes-sigs/metrics-server/releases/download/v{version}/components.yaml",
}


def place(addon: str, version: str) -> str:
    return PLACES[addon].format(version=version)
