"""The API double's wire: paths, verbs, discovery, watches, who may do what. kube_double.py serves it."""

from __future__ import annotations

import base64
import copy
import hashlib
import http.server
import json
import re
import socket
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

import kube_fields as fields
from kube_schema import Kind
from kube_store import Event, Refusal, conflict

if TYPE_CHECKING:
    from kube_double import KubeDouble

MAX_BODY = 3 << 20
BOOKMARK_EVERY = 1.0
PATCHES = {"application/apply-patch+yaml": "apply", "application/merge-patch+json": "merge", "application/json-patch+json": "json"}
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
QUERY = {"get": {"pretty", "resourceVersion"}, "list": {"limit", "continue", "labelSelector", "fieldSelector", "resourceVersion", "resourceVersionMatch"},
         "watch": {"watch", "resourceVersion", "allowWatchBookmarks", "timeoutSeconds", "labelSelector", "fieldSelector"},
         "create": {"fieldManager", "dryRun", "fieldValidation"}, "update": {"fieldManager", "dryRun", "fieldValidation"},
         "patch": {"fieldManager", "dryRun", "fieldValidation", "force"}, "delete": {"dryRun", "propagationPolicy"}}


@dataclass
class Place:
    """What a path means."""

    kind: Kind
    namespace: str | None
    name: str | None
    subresource: str


def selector(text: str):
    """A label selector as a function."""
    tests = []
    for part in re.findall(r"[^,(]+\([^)]*\)|[^,]+", text):
        part = part.strip()
        if match := re.fullmatch(r"(\S+)\s+(in|notin)\s+\((.*)\)", part):
            names = {value.strip() for value in match[3].split(",")}
            tests.append(lambda labels, k=match[1], v=names, want=match[2] == "in": (labels.get(k) in v) == want)
        elif match := re.fullmatch(r"([^!=\s]+)\s*(==|=|!=)\s*(\S*)", part):
            tests.append(lambda labels, k=match[1], v=match[3], want=match[2] != "!=": (labels.get(k) == v) == want)
        elif match := re.fullmatch(r"(!?)([\w./-]+)", part):
            tests.append(lambda labels, k=match[2], want=not match[1]: (k in labels) == want)
        else:
            raise Refusal(400, "BadRequest", f"unable to parse requirement: {part}")
    return lambda thing: all(test(thing["metadata"].get("labels") or {}) for test in tests)


def field_selector(text: str):
    tests = []
    for part in text.split(","):
        match = re.fullmatch(r"([\w.]+)(==|=|!=)(.*)", part)
        if not match or match[1] not in ("metadata.name", "metadata.namespace", "type", "involvedObject.kind", "involvedObject.name", "status.phase"):
            raise Refusal(400, "BadRequest", f'field label not supported: "{part}"')
        tests.append((match[1].split("."), match[3], match[2] != "!="))

    def holds(thing) -> bool:
        for path, value, want in tests:
            at = thing
            for step in path:
                at = (at or {}).get(step)
            if (at == value) != want:
                return False
        return True
    return holds


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 300
    double: KubeDouble

    def log_message(self, *_):
        pass

    # ---- answers

    def answer(self, code: int, body, headers: dict | None = None, content: str = "application/json") -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", content)
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def hang_up(self) -> None:
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def handle_any(self) -> None:
        split = urlsplit(self.path)
        self.query = {name: values[0] for name, values in parse_qs(split.query, keep_blank_values=True).items()}
        length = int(self.headers.get("Content-Length", 0))
        if length > MAX_BODY:
            return self.refused(Refusal(413, "RequestEntityTooLarge", f"Request entity too large: limit is {MAX_BODY}"))
        self.body = self.rfile.read(length)
        path = unquote(split.path)
        fault = self.double._fault(self.command, split.path)
        with self.double.lock:
            self.double.requests.append((self.command, split.path, self.query, dict(self.headers)))
            self.double.bodies.append(self.body)
        if fault and fault.status == -1:
            return self.hang_up()
        if fault and fault.status > 0:
            reason = {429: "TooManyRequests", 503: "ServiceUnavailable", 504: "Timeout", 500: "InternalError"}.get(fault.status, "")
            return self.refused(Refusal(fault.status, reason, "the double was told to", {"retryAfterSeconds": fault.retry_after} if fault.retry_after else {},
                                        {"Retry-After": str(fault.retry_after)} if fault.retry_after else {}))
        try:
            self.who()
            if fault:
                self.answer = lambda *_, **__: self.hang_up()
            self.route(path)
        except Refusal as refusal:
            self.refused(refusal)
        except (BrokenPipeError, ConnectionError, ssl.SSLError):
            self.close_connection = True
        finally:
            self.__dict__.pop("answer", None)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def refused(self, refusal: Refusal) -> None:
        self.answer(refusal.code, refusal.status, refusal.headers)

    # ---- who asks

    def who(self) -> None:
        subject = dict(pair[0] for pair in (self.connection.getpeercert() or {}).get("subject", ()))
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token:
            if token not in self.double.tokens:
                raise Refusal(401, "Unauthorized", "Unauthorized")
            self.user, self.groups = self.double.tokens[token]
        elif subject and not self.double.refuse_certificates:
            self.user, self.groups = subject.get("commonName", ""), [subject.get("organizationName", "")]
        else:
            raise Refusal(401, "Unauthorized", "Unauthorized")
        if self.headers.get("Impersonate-User"):
            self.allow("impersonate", "", "users", None, self.headers["Impersonate-User"])
            self.user, self.groups = self.headers["Impersonate-User"], []

    def allow(self, verb: str, group: str, resource: str, namespace: str | None, name: str | None) -> None:
        if "system:masters" in self.groups:
            return
        for rule in self.double.rules.get(self.user, []):
            if {verb, "*"} & set(rule["verbs"]) and {resource, "*"} & set(rule["resources"]) and rule.get("namespace") in (None, namespace):
                return
        where = f' in the namespace "{namespace}"' if namespace else " at the cluster scope"
        full = (f"{resource}.{group}" if group else resource) + (f' "{name}"' if name else "")
        raise Refusal(403, "Forbidden", f'{full} is forbidden: User "{self.user}" cannot {verb} resource "{resource}" in API group "{group}"{where}',
                      {"name": name or "", "group": group, "kind": resource})

    # ---- where to

    def route(self, path: str) -> None:
        store = self.double.store
        if path == "/version":
            major, minor = self.double.version
            return self.answer(200, {"major": str(major), "minor": str(minor), "gitVersion": f"v{major}.{minor}.0", "platform": "linux/amd64"})
        if path in ("/livez", "/readyz", "/healthz"):
            return self.answer(200, b"ok", content="text/plain")
        if path in ("/api", "/apis"):
            return self.discover(path)
        with store.changed:
            groups = {(kind.group, kind.version) for kind in store.all_kinds()}
        parts = path.strip("/").split("/")
        core = parts[0] == "api"
        if parts[0] not in ("api", "apis") or len(parts) < (2 if core else 3):
            return self.answer(404, b"404 page not found\n", content="text/plain; charset=utf-8")
        group, version, rest = ("", parts[1], parts[2:]) if core else (parts[1], parts[2], parts[3:])
        if (group, version) not in groups:
            return self.answer(404, b"404 page not found\n", content="text/plain; charset=utf-8")
        if not rest:
            return self.list_resources(group, version)
        place = self.place(group, version, rest)
        if place is None:
            raise Refusal(404, "NotFound", "the server could not find the requested resource", {})
        self.act(place)

    def place(self, group: str, version: str, rest: list[str]) -> Place | None:
        namespace = None
        if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
            namespace, rest = rest[1], rest[2:]
        kind = self.double.store.kind(group, version, rest[0])
        if not kind or (namespace is not None and not kind.namespaced) or len(rest) > 3:
            return None
        subresource = rest[2] if len(rest) == 3 else ""
        if subresource and not (subresource == "status" and kind.status):
            return None
        return Place(kind, namespace, rest[1] if len(rest) > 1 else None, subresource)

    def act(self, place: Place) -> None:
        verb = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}[self.command]
        if verb == "get" and not place.name:
            verb = "watch" if self.query.get("watch") in ("1", "true") else "list"
        homeless = place.kind.namespaced and place.namespace is None and verb not in ("list", "watch")
        if homeless or (verb in ("get", "update", "patch", "delete")) != bool(place.name):
            raise Refusal(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
        unknown = set(self.query) - QUERY[verb]
        if unknown:
            raise AssertionError(f"{self.command} {self.path}: the client sent {unknown}, of which the double knows nothing")
        if self.query.get("dryRun") not in (None, "All"):
            raise Refusal(422, "Invalid", "dryRun: Unsupported value")
        self.allow(verb, place.kind.group, place.kind.plural, place.namespace, place.name)
        getattr(self, verb)(place)

    # ---- discovery

    def list_resources(self, group: str, version: str) -> None:
        resources = []
        for kind in self.double.store.all_kinds():
            if (kind.group, kind.version) == (group, version):
                entry = {"name": kind.plural, "singularName": kind.kind.lower(), "namespaced": kind.namespaced, "kind": kind.kind, "verbs": kind.verbs}
                resources += [entry] + ([{**entry, "name": kind.plural + "/status", "verbs": ["get", "patch", "update"]}] if kind.status else [])
        name = f"{group}/{version}" if group else version
        self.answer(200, {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": resources})

    def discover(self, path: str) -> None:
        store = self.double.store
        with store.changed:
            kinds = [kind for kind in store.all_kinds() if bool(kind.group) == (path == "/apis")]
        groups: dict[str, dict[str, list[Kind]]] = {}
        for kind in kinds:
            groups.setdefault(kind.group, {}).setdefault(kind.version, []).append(kind)
        if self.double.aggregated and DISCOVERY in (self.headers.get("Accept") or ""):
            items = [{"metadata": {"name": group} if group else {}, "versions": [{"version": version, "freshness": "Current", "resources": [
                {"resource": kind.plural, "responseKind": {"group": kind.group, "version": version, "kind": kind.kind}, "scope": "Namespaced" if kind.namespaced else "Cluster",
                 "singularResource": kind.kind.lower(), "verbs": kind.verbs} for kind in own]} for version, own in versions.items()]} for group, versions in sorted(groups.items())]
            body = {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}
            tag = '"' + hashlib.sha512(json.dumps(body).encode()).hexdigest().upper() + '"'
            if self.headers.get("If-None-Match") == tag:
                self.send_response(304)
                self.send_header("ETag", tag)
                self.end_headers()
                return
            return self.answer(200, body, {"ETag": tag, "Vary": "Accept"}, DISCOVERY)
        if path == "/api":
            return self.answer(200, {"kind": "APIVersions", "versions": ["v1"]})
        listed = [{"name": group, "versions": [{"groupVersion": f"{group}/{version}", "version": version} for version in versions],
                   "preferredVersion": {"groupVersion": f"{group}/{next(iter(versions))}", "version": next(iter(versions))}} for group, versions in sorted(groups.items())]
        self.answer(200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed})

    # ---- verbs

    def wants_metadata(self) -> bool:
        return "as=PartialObjectMetadata" in (self.headers.get("Accept") or "")

    def shaped(self, thing: dict) -> dict:
        return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": thing["metadata"]} if self.wants_metadata() else thing

    def get(self, place: Place) -> None:
        with self.double.store.changed:
            thing = self.double.store.get(place.kind, place.namespace or "", place.name)
        self.answer(200, self.shaped(thing))

    def chosen(self):
        labels = selector(self.query["labelSelector"]) if self.query.get("labelSelector") else lambda _: True
        by_field = field_selector(self.query["fieldSelector"]) if self.query.get("fieldSelector") else lambda _: True
        return lambda thing: labels(thing) and by_field(thing)

    def list(self, place: Place) -> None:
        store, limit, start = self.double.store, int(self.query.get("limit") or 0), 0
        with store.changed:
            items, version = store.all(place.kind, place.namespace), store.version
        if self.query.get("continue"):
            try:
                version, start = json.loads(base64.b64decode(self.query["continue"]))
            except ValueError:
                raise Refusal(400, "BadRequest", "continue key is not valid") from None
            if version < self.double.store.compacted:
                raise Refusal(410, "Expired", "The provided continue parameter is too old to display a consistent list result.")
        chosen = [thing for thing in items if self.chosen()(thing)]
        rest = chosen[start:]
        metadata = {"resourceVersion": str(version)}
        if limit and len(rest) > limit:
            metadata["continue"] = base64.b64encode(json.dumps([version, start + limit]).encode()).decode()
            metadata["remainingItemCount"] = len(rest) - limit
            rest = rest[:limit]
        for thing in rest:
            thing.pop("apiVersion", None)
            thing.pop("kind", None)
        if self.wants_metadata():
            return self.answer(200, {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "items": [self.shaped(thing) for thing in rest]})
        self.answer(200, {"kind": place.kind.kind + "List", "apiVersion": place.kind.api_version, "metadata": metadata, "items": rest})

    def decoded(self) -> dict:
        try:
            body = json.loads(self.body)
        except ValueError:
            raise Refusal(400, "BadRequest", "the object provided is unrecognized: it is no JSON") from None
        return body

    def checked(self, place: Place, body: dict) -> None:
        """Kind, name and namespace of a body agree with the path."""
        if (body.get("apiVersion"), body.get("kind")) != (place.kind.api_version, place.kind.kind):
            raise Refusal(400, "BadRequest", f"the object's apiVersion and kind ({body.get('apiVersion')}, {body.get('kind')}) are not those of the URL")
        metadata = body.get("metadata") or {}
        if place.name and metadata.get("name", place.name) != place.name:
            raise Refusal(400, "BadRequest", f"the name of the object ({metadata.get('name')}) does not match the name on the URL ({place.name})")
        if place.kind.namespaced and metadata.get("namespace", place.namespace) != place.namespace:
            raise Refusal(400, "BadRequest", f"the namespace of the provided object does not match the namespace sent on the request")
        if metadata.get("managedFields"):
            raise Refusal(400, "BadRequest", "metadata.managedFields must be nil")

    def strict(self, place: Place, body: dict, patched: bool = False) -> None:
        """fieldValidation: what the schema does not know is refused, or dropped as servers before 1.25 do."""
        try:
            fields.fields(place.kind.schema, body)
        except fields.TypedError as e:
            text = str(e)
            if "not declared" not in text:
                raise Refusal(400, "BadRequest", f"{place.kind.kind} in version \"{place.kind.version}\" cannot be handled: {text}") from None
            if self.double.store.modern and self.query.get("fieldValidation") == "Strict":
                raise Refusal(400, "BadRequest", f'strict decoding error: unknown field "{text.split(":")[0].lstrip(".")}"') from None
            name = text.split(":")[0].lstrip(".").split(".")[0]
            if name in body and name not in place.kind.schema["properties"]:
                del body[name]

    def create(self, place: Place) -> None:
        body = self.decoded()
        self.checked(place, body)
        self.strict(place, body)
        made = self.double.store.create(place.kind, place.namespace or "", body, self.query.get("fieldManager", "unknown"), "dryRun" in self.query)
        self.answer(201, made)

    def update(self, place: Place) -> None:
        body, store = self.decoded(), self.double.store
        self.checked(place, body)
        self.strict(place, body)
        with store.changed:
            live = store.get(place.kind, place.namespace or "", place.name)
            made = store.update(place.kind, live, body, self.query.get("fieldManager", "unknown"), place.subresource, "dryRun" in self.query)
        self.answer(200, made)

    def patch(self, place: Place) -> None:
        content, store = self.headers.get("Content-Type", ""), self.double.store
        if content not in PATCHES:
            raise Refusal(415, "UnsupportedMediaType", f"the body of the request was in an unknown format - accepted media types include: {', '.join(PATCHES)}")
        if content == "application/apply-patch+yaml":
            return self.apply(place)
        if "force" in self.query:
            raise Refusal(422, "Invalid", "PatchOptions.meta.k8s.io \"\" is invalid: force: Forbidden: may not be specified for non-apply patch")
        patch = self.decoded()
        with store.changed:
            live = store.get(place.kind, place.namespace or "", place.name)
            try:
                new = fields.json_patch(live, patch) if PATCHES[content] == "json" else fields.merge_patch(live, patch)
            except (KeyError, IndexError, TypeError, ValueError) as e:
                raise Refusal(422, "Invalid", f"the server rejected our request due to an error in our request: {e}") from None
            self.checked(place, {**new, "metadata": {key: value for key, value in new["metadata"].items() if key != "managedFields"}})
            self.strict(place, new)
            made = store.update(place.kind, live, copy.deepcopy(new), self.query.get("fieldManager", "unknown"), place.subresource, "dryRun" in self.query)
        self.answer(200, made)

    def apply(self, place: Place) -> None:
        body = self.decoded()
        if not self.query.get("fieldManager"):
            raise Refusal(422, "Invalid", "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch")
        self.checked(place, body)
        if (body.get("metadata") or {}).get("resourceVersion"):
            live = self.double.store.get(place.kind, place.namespace or "", place.name)
            if live["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"]:
                raise conflict(place.kind, place.name, "the object has been modified")
        body.setdefault("metadata", {})["name"] = place.name
        made, is_new = self.double.store.apply(place.kind, place.namespace or "", place.name, body, self.query["fieldManager"], self.query.get("force") == "true", "dryRun" in self.query)
        self.answer(201 if is_new else 200, self.shaped(made))

    def delete(self, place: Place) -> None:
        options = self.decoded() if self.body else {}
        if options.get("propagationPolicy") not in (None, "Foreground", "Background", "Orphan"):
            raise Refusal(422, "Invalid", "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value")
        dry = "dryRun" in self.query or bool(options.get("dryRun"))
        gone, left = self.double.store.delete(place.kind, place.namespace or "", place.name, options, dry)
        details = {"name": place.name, "group": place.kind.group, "kind": place.kind.plural, "uid": gone["metadata"]["uid"]}
        self.answer(200, gone if left else {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})

    # ---- watches

    def watch(self, place: Place) -> None:
        store, chosen = self.double.store, self.chosen()
        end = time.monotonic() + float(self.query.get("timeoutSeconds") or 1800)
        since = int(self.query.get("resourceVersion") or 0)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        epoch, bookmarks, next_bookmark = self.double.watch_epoch, self.query.get("allowWatchBookmarks") in ("1", "true"), time.monotonic() + BOOKMARK_EVERY
        while time.monotonic() < end and self.double.watch_epoch == epoch and not self.double.stopping:
            with store.changed:
                if since and since < store.compacted:
                    too_old = Refusal(410, "Expired", f"too old resource version: {since} ({store.compacted})")
                    self.send_event("ERROR", too_old.status)
                    break
                news = [event for event in store.history if event.version > since and event.kind == place.kind.key]
                since = max(since, store.version)
                if not news:
                    store.changed.wait(0.1)
            for event in news:
                self.tell(place, event, chosen)
            if bookmarks and time.monotonic() > next_bookmark:
                next_bookmark += BOOKMARK_EVERY
                self.send_event("BOOKMARK", {"kind": place.kind.kind, "apiVersion": place.kind.api_version, "metadata": {"resourceVersion": str(since), "creationTimestamp": None}})
        if self.double.watch_epoch != epoch:
            return self.hang_up()
        self.wfile.write(b"0\r\n\r\n")

    def tell(self, place: Place, event: Event, chosen) -> None:
        if place.namespace is not None and event.object["metadata"].get("namespace") != place.namespace:
            return
        is_in, was_in = event.type != "DELETED" and chosen(event.object), event.before is not None and chosen(event.before)
        if not is_in and not was_in and not (event.type == "DELETED" and chosen(event.object)):
            return
        type_ = "DELETED" if not is_in else "MODIFIED" if was_in else "ADDED"
        self.send_event(type_, self.shaped({**event.object, "apiVersion": place.kind.api_version, "kind": place.kind.kind}))

    def send_event(self, type_: str, thing: dict) -> None:
        line = json.dumps({"type": type_, "object": thing}).encode() + b"\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        self.wfile.flush()
