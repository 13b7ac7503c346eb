"""What somebody else does to a cluster: a client for tests, by a kubeconfig that slipway did not write. It knows of nothing but HTTP."""

from __future__ import annotations

import base64
import json
import ssl
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

PATCHES = {"merge": "application/merge-patch+json", "json": "application/json-patch+json", "apply": "application/apply-patch+yaml"}
PLURALS = {"Ingress": "ingresses", "NetworkPolicy": "networkpolicies", "StorageClass": "storageclasses", "Endpoints": "endpoints"}


class ApiError(Exception):
    def __init__(self, status: int, body: bytes) -> None:
        self.status, self.body = status, body
        super().__init__(f"{status}: {body.decode(errors='replace')[:500]}")


class Api:
    def __init__(self, kubeconfig: Path, manager: str = "hand") -> None:
        config = json.loads(Path(kubeconfig).read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.server, self.manager, self.headers = cluster["server"], manager, {}
        if "certificate-authority" in cluster:
            self.context = ssl.create_default_context(cafile=cluster["certificate-authority"])
        else:
            self.context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        if "token" in user:
            self.headers["Authorization"] = "Bearer " + user["token"]
        if "client-certificate-data" in user:
            with tempfile.NamedTemporaryFile() as pem:
                pem.write(base64.b64decode(user["client-certificate-data"]) + base64.b64decode(user["client-key-data"]))
                pem.flush()
                self.context.load_cert_chain(pem.name)

    def call(self, method: str, path: str, body=None, content: str = "application/json", **query):
        data = None if body is None else json.dumps(body).encode()
        url = self.server + path + ("?" + urlencode(query) if query else "")
        request = urllib.request.Request(url, data, {**self.headers, "Content-Type": content, "Accept": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, context=self.context, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as e:
            raise ApiError(e.code, e.read()) from None

    @staticmethod
    def path(api_version: str, kind: str, namespace: str | None = None, name: str | None = None) -> str:
        parts = ["/apis" if "/" in api_version else "/api", api_version]
        parts += ["namespaces", namespace] if namespace else []
        parts.append(PLURALS.get(kind, kind.lower() + "s"))
        return "/".join(parts + ([name] if name else []))

    def get(self, api_version: str, kind: str, namespace: str | None, name: str) -> dict | None:
        try:
            return self.call("GET", self.path(api_version, kind, namespace, name))
        except ApiError as e:
            if e.status == 404:
                return None
            raise

    def create(self, thing: dict, manager: str | None = None) -> dict:
        path = self.path(thing["apiVersion"], thing["kind"], thing["metadata"].get("namespace"))
        return self.call("POST", path, thing, fieldManager=manager or self.manager)

    def apply(self, thing: dict, manager: str | None = None, force: bool = False) -> dict:
        path = self.path(thing["apiVersion"], thing["kind"], thing["metadata"].get("namespace"), thing["metadata"]["name"])
        return self.call("PATCH", path, thing, PATCHES["apply"], fieldManager=manager or self.manager, force=str(force).lower())

    def patch(self, api_version: str, kind: str, namespace: str | None, name: str, patch, manager: str | None = None, subresource: str = "") -> dict:
        path = self.path(api_version, kind, namespace, name) + ("/" + subresource if subresource else "")
        return self.call("PATCH", path, patch, PATCHES["json" if isinstance(patch, list) else "merge"], fieldManager=manager or self.manager)

    def delete(self, api_version: str, kind: str, namespace: str | None, name: str) -> dict:
        return self.call("DELETE", self.path(api_version, kind, namespace, name))


def owners(thing: dict) -> dict[str, dict]:
    """manager -> its fields, of those that applied."""
    return {entry["manager"]: entry["fieldsV1"] for entry in thing["metadata"].get("managedFields", []) if entry["operation"] == "Apply"}
