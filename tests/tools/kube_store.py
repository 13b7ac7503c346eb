"""The API double's cluster: objects, versions, watches, and the few controllers that clients notice (namespaces, definitions, workloads)."""

from __future__ import annotations

import copy
import threading
import time
import uuid
from dataclasses import dataclass

import kube_fields as fields
from kube_schema import Kind, built_in, fill, of_definition, refuse


class Refusal(Exception):
    """An answer other than success: metav1.Status."""

    def __init__(self, code: int, reason: str, message: str, details: dict | None = None, headers: dict | None = None) -> None:
        super().__init__(message)
        self.code, self.headers = code, headers or {}
        self.status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "details": details or {}, "code": code}
        if not reason:
            del self.status["reason"]


@dataclass
class Event:
    version: int
    kind: tuple[str, str]
    type: str
    object: dict
    before: dict | None


def now_text() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def not_found(kind: Kind, name: str) -> Refusal:
    return Refusal(404, "NotFound", f'{kind.qualified} "{name}" not found', {"name": name, "group": kind.group, "kind": kind.plural})


def conflict(kind: Kind, name: str, text: str) -> Refusal:
    return Refusal(409, "Conflict", f'Operation cannot be fulfilled on {kind.qualified} "{name}": {text}', {"name": name, "group": kind.group, "kind": kind.plural})


def set_condition(thing: dict, type_: str, status: bool, reason: str, message: str = "") -> bool:
    conditions = thing.setdefault("status", {}).setdefault("conditions", [])
    wanted = {"type": type_, "status": "True" if status else "False", "reason": reason, "message": message}
    for each in conditions:
        if each["type"] == type_:
            if all(each.get(key) == value for key, value in wanted.items()):
                return False
            each.update(wanted, lastTransitionTime=now_text())
            return True
    conditions.append({**wanted, "lastTransitionTime": now_text()})
    return True


class Store:
    def __init__(self, modern: bool) -> None:
        self.modern = modern  # from 1.25 on: fieldValidation
        self.changed = threading.Condition(threading.RLock())
        self.version, self.compacted = 100, 0
        self.history: list[Event] = []
        self.kinds: dict[tuple[str, str], list[Kind]] = {}  # a kind's versions share their objects
        for kind in built_in():
            self.kinds.setdefault(kind.key, []).append(kind)
        self.objects: dict[tuple[str, str], dict[tuple[str, str], dict]] = {("", "namespaces"): {}}
        self.establish_after = 0.2  # seconds until a definition is served
        self.rollout_after: float | None = 0.3  # seconds until workloads are there; None: never
        self.webhooks_up: set[tuple[str, str]] = set()  # (namespace, service)
        self.next_address = 10
        for name in ("default", "kube-system", "kube-public", "kube-node-lease"):
            self.create(self.kinds["", "namespaces"][0], "", {"metadata": {"name": name}}, "kube-apiserver")

    # ---- kinds

    def kind(self, group: str, version: str, plural: str) -> Kind | None:
        return next((kind for kind in self.kinds.get((group, plural), []) if kind.version == version), None)

    def all_kinds(self) -> list[Kind]:
        return [kind for kinds in self.kinds.values() for kind in kinds]

    def definitions_changed(self) -> None:
        with self.changed:
            own = {kind.key for kind in built_in()}
            self.kinds = {key: kinds for key, kinds in self.kinds.items() if key in own}
            for definition in self.objects.get(("apiextensions.k8s.io", "customresourcedefinitions"), {}).values():
                if any(each["type"] == "Established" and each["status"] == "True" for each in definition.get("status", {}).get("conditions", [])):
                    for kind in of_definition(definition):
                        self.kinds.setdefault(kind.key, []).append(kind)

    # ---- reading

    def get(self, kind: Kind, namespace: str, name: str) -> dict:
        found = self.objects.get(kind.key, {}).get((namespace, name))
        if not found:
            raise not_found(kind, name)
        return {**copy.deepcopy(found), "apiVersion": kind.api_version, "kind": kind.kind}

    def all(self, kind: Kind, namespace: str | None) -> list[dict]:
        own = self.objects.get(kind.key, {})
        return [copy.deepcopy(own[key]) for key in sorted(own) if namespace is None or key[0] == namespace]

    # ---- writing: with the lock held

    def put(self, kind: Kind, thing: dict, event: str, before: dict | None) -> dict:
        self.version += 1
        thing["metadata"]["resourceVersion"] = str(self.version)
        place = thing["metadata"].get("namespace", ""), thing["metadata"]["name"]
        own = self.objects.setdefault(kind.key, {})
        if event == "DELETED":
            own.pop(place, None)
        else:
            own[place] = thing
        if kind.kind == "CustomResourceDefinition":
            self.definitions_changed()
        self.history.append(Event(self.version, kind.key, event, copy.deepcopy(thing), copy.deepcopy(before)))
        self.changed.notify_all()
        return thing

    def check_namespace(self, kind: Kind, namespace: str, thing: dict) -> None:
        if not kind.namespaced:
            return
        space = self.objects["", "namespaces"].get(("", namespace))
        if not space:
            raise Refusal(404, "NotFound", f'namespaces "{namespace}" not found', {"name": namespace, "kind": "namespaces"})
        if space["metadata"].get("deletionTimestamp"):
            name = thing["metadata"].get("name", "")
            raise Refusal(403, "Forbidden", f'{kind.qualified} "{name}" is forbidden: unable to create new content in namespace {namespace} because it is being terminated',
                          {"name": name, "kind": kind.plural, "causes": [{"reason": "NamespaceTerminating", "message": f"namespace {namespace} is being terminated", "field": "metadata.namespace"}]})

    def admit(self, kind: Kind, namespace: str, operation: str) -> None:
        """Webhooks: only whether they answer."""
        space = self.objects["", "namespaces"].get(("", namespace), {}).get("metadata", {}).get("labels", {})
        for plural in ("validatingwebhookconfigurations", "mutatingwebhookconfigurations"):
            for configuration in self.objects.get(("admissionregistration.k8s.io", plural), {}).values():
                for hook in configuration.get("webhooks") or []:
                    if not any({kind.group, "*"} & set(rule.get("apiGroups") or []) and {kind.plural, "*"} & set(rule.get("resources") or [])
                               and {operation, "*"} & set(rule.get("operations") or []) for rule in hook.get("rules") or []):
                        continue
                    wanted = (hook.get("namespaceSelector") or {}).get("matchLabels") or {}
                    if kind.namespaced and any(space.get(name) != value for name, value in wanted.items()):
                        continue
                    service = hook["clientConfig"].get("service") or {}
                    where = service.get("namespace", ""), service.get("name", "")
                    if where in self.webhooks_up or hook.get("failurePolicy", "Fail") == "Ignore":
                        continue
                    url = f"https://{where[1]}.{where[0]}.svc:{service.get('port', 443)}{service.get('path', '/')}?timeout={hook.get('timeoutSeconds', 10)}s"
                    raise Refusal(500, "InternalError", f'Internal error occurred: failed calling webhook "{hook["name"]}": Post "{url}": service "{where[1]}" not found',
                                  {"causes": [{"message": f'failed calling webhook "{hook["name"]}"'}]})

    def finish(self, kind: Kind, new: dict, before: dict | None) -> None:
        """Defaults, then what is refused."""
        if kind.kind == "Secret" and new.get("stringData"):
            import base64
            new.setdefault("data", {}).update({key: base64.b64encode(value.encode()).decode() for key, value in new.pop("stringData").items()})
        fill(kind, new)
        if kind.kind == "Service" and new["spec"].get("type") != "ExternalName" and not new["spec"].get("clusterIP"):
            self.next_address += 1
            new["spec"]["clusterIP"] = before["spec"]["clusterIP"] if before else f"10.96.0.{self.next_address % 250}"
            new["spec"]["clusterIPs"] = [new["spec"]["clusterIP"]]
        wrong = refuse(kind, new, before)
        if wrong:
            name = new["metadata"].get("name", "")
            causes = [{"reason": reason, "message": message, "field": field} for field, reason, message in wrong]
            text = "; ".join(f"{field}: {message}" for field, _, message in wrong)
            raise Refusal(422, "Invalid", f'{kind.kind}.{kind.group} "{name}" is invalid: {text}' if kind.group else f'{kind.kind} "{name}" is invalid: {text}',
                          {"name": name, "group": kind.group, "kind": kind.kind, "causes": causes})

    def born(self, kind: Kind, namespace: str, new: dict) -> None:
        metadata = new["metadata"]
        if metadata.get("generateName") and not metadata.get("name"):
            metadata["name"] = metadata["generateName"] + uuid.uuid4().hex[:5]
        metadata.update(uid=str(uuid.uuid4()), creationTimestamp=now_text())
        if kind.namespaced:
            metadata["namespace"] = namespace
        if kind.status and kind.key != ("", "namespaces"):
            new.pop("status", None)
        if "spec" in kind.schema["properties"]:
            metadata["generation"] = 1
        if kind.kind == "CustomResourceDefinition":
            metadata.setdefault("finalizers", []).append("customresourcecleanup.apiextensions.k8s.io")

    def create(self, kind: Kind, namespace: str, thing: dict, manager: str, dry_run: bool = False) -> dict:
        with self.changed:
            new = copy.deepcopy(thing)
            new.update(apiVersion=kind.api_version, kind=kind.kind)
            name = new["metadata"].get("name")
            if kind.namespaced or self.history:
                self.check_namespace(kind, namespace, new)
            if (namespace if kind.namespaced else "", name) in self.objects.get(kind.key, {}):
                raise Refusal(409, "AlreadyExists", f'{kind.qualified} "{name}" already exists', {"name": name, "group": kind.group, "kind": kind.plural})
            self.born(kind, namespace, new)
            self.finish(kind, new, None)
            self.admit(kind, namespace, "CREATE")
            fields.update(kind.schema, None, new, manager, "", kind.api_version, now_text())
            if not dry_run:
                self.put(kind, new, "ADDED", None)
                self.after_write(kind, new)
            return copy.deepcopy(new)

    def apply(self, kind: Kind, namespace: str, name: str, thing: dict, manager: str, force: bool, dry_run: bool = False) -> tuple[dict, bool]:
        with self.changed:
            live = self.objects.get(kind.key, {}).get((namespace if kind.namespaced else "", name))
            if not live:
                self.check_namespace(kind, namespace, thing)
            try:
                new = fields.apply(kind.schema, live, thing, manager, force, kind.api_version, now_text())
            except fields.TypedError as e:
                raise Refusal(500, "", f"failed to create typed patch object: {e}") from None
            except fields.Conflict as e:
                causes = [{"reason": "FieldManagerConflict", "message": f'conflict with "{owner}"' + (f" using {kind.api_version}" if self.modern else ""), "field": fields.shown(path)}
                          for owner, path in e.conflicts]
                text = "; ".join(f"{cause['message']}: {cause['field']}" for cause in causes)
                raise Refusal(409, "Conflict", f"Apply failed with {len(causes)} conflict{'s' if len(causes) > 1 else ''}: {text}", {"causes": causes}) from None
            new.update(apiVersion=kind.api_version, kind=kind.kind)
            if not live:
                managed = new["metadata"]["managedFields"]
                self.born(kind, namespace, new)
                new["metadata"]["managedFields"] = managed
            self.finish(kind, new, live)
            self.admit(kind, namespace, "UPDATE" if live else "CREATE")
            return self.replace(kind, live, new, dry_run), live is None

    def update(self, kind: Kind, live: dict, new: dict, manager: str, subresource: str = "", dry_run: bool = False) -> dict:
        """`new` is whole; the lock is held."""
        name, wanted = live["metadata"]["name"], new["metadata"].get("resourceVersion")
        if wanted not in (None, "", live["metadata"]["resourceVersion"]):
            raise conflict(kind, name, "the object has been modified; please apply your changes to the latest version and try again")
        for key in ("uid", "creationTimestamp", "deletionTimestamp", "namespace", "name"):
            if key in live["metadata"]:
                new["metadata"][key] = copy.deepcopy(live["metadata"][key])
        new["metadata"].setdefault("managedFields", copy.deepcopy(live["metadata"].get("managedFields", [])))
        if subresource == "status":
            new = {**copy.deepcopy(live), "status": new.get("status", {})}
        elif kind.status:
            new.pop("status", None)
            if "status" in live:
                new["status"] = copy.deepcopy(live["status"])
        if not subresource:
            self.finish(kind, new, live)
            self.admit(kind, live["metadata"].get("namespace", ""), "UPDATE")
        fields.update(kind.schema, live, new, manager, subresource, kind.api_version, now_text())
        return self.replace(kind, live, new, dry_run)

    def replace(self, kind: Kind, live: dict | None, new: dict, dry_run: bool) -> dict:
        if live:
            new["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"]
            new["metadata"]["generation"] = live["metadata"].get("generation", 1)
            if "generation" not in live["metadata"]:
                del new["metadata"]["generation"]
            if new == live:
                return copy.deepcopy(new)
            if "generation" in new["metadata"] and new.get("spec") != live.get("spec"):
                new["metadata"]["generation"] += 1
        if not dry_run:
            if live and live["metadata"].get("deletionTimestamp") and not new["metadata"].get("finalizers") and not (kind.kind == "Namespace"):
                self.put(kind, new, "DELETED", live)
            else:
                self.put(kind, new, "MODIFIED" if live else "ADDED", live)
            self.after_write(kind, new)
        return copy.deepcopy(new)

    def delete(self, kind: Kind, namespace: str, name: str, options: dict, dry_run: bool) -> tuple[dict, bool]:
        """The object as it was or is, and whether it is still there."""
        with self.changed:
            live = self.objects.get(kind.key, {}).get((namespace if kind.namespaced else "", name))
            if not live:
                raise not_found(kind, name)
            wanted = (options.get("preconditions") or {}).get("uid")
            if wanted and wanted != live["metadata"]["uid"]:
                raise conflict(kind, name, f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {live['metadata']['uid']}")
            new = copy.deepcopy(live)
            if options.get("propagationPolicy") == "Foreground" and kind.kind != "Namespace" and "foregroundDeletion" not in new["metadata"].get("finalizers", []):
                new["metadata"].setdefault("finalizers", []).append("foregroundDeletion")  # taken off by tick()
            stays = bool(new["metadata"].get("finalizers")) or kind.kind == "Namespace"
            if dry_run:
                return new, stays
            new["metadata"]["deletionTimestamp"] = new["metadata"].get("deletionTimestamp") or now_text()
            if kind.kind == "Namespace":
                new["status"]["phase"] = "Terminating"
            if not stays:
                self.put(kind, new, "DELETED", live)
            elif new != live:
                self.put(kind, new, "MODIFIED", live)
            self.after_write(kind, new)
            return copy.deepcopy(new), stays

    # ---- controllers

    def after_write(self, kind: Kind, thing: dict) -> None:
        if kind.kind == "CustomResourceDefinition":
            if not thing["metadata"].get("deletionTimestamp") and not thing.get("status", {}).get("conditions"):
                self.later(self.establish_after, self.establish, thing["metadata"]["name"])

    def later(self, seconds: float, fn, *arguments) -> None:
        timer = threading.Timer(seconds, fn, arguments)
        timer.daemon = True
        timer.start()

    def establish(self, name: str) -> None:
        with self.changed:
            kind = self.kinds["apiextensions.k8s.io", "customresourcedefinitions"][0]
            live = self.objects.get(kind.key, {}).get(("", name))
            if not live or live["metadata"].get("deletionTimestamp"):
                return
            new = copy.deepcopy(live)
            new["status"] = {"acceptedNames": new["spec"]["names"], "storedVersions": [v["name"] for v in new["spec"]["versions"] if v["storage"]]}
            set_condition(new, "NamesAccepted", True, "NoConflicts", "no conflicts found")
            set_condition(new, "Established", True, "InitialNamesAccepted", "the initial names have been accepted")
            self.put(kind, new, "MODIFIED", live)

    def tick(self) -> None:
        """One round of all controllers."""
        with self.changed:
            definitions = self.kinds["apiextensions.k8s.io", "customresourcedefinitions"][0]
            for live in self.all(definitions, None):
                if live["metadata"].get("deletionTimestamp"):
                    self.clean_definition(definitions, live)
            spaces = self.kinds["", "namespaces"][0]
            for live in self.all(spaces, None):
                if live["metadata"].get("deletionTimestamp"):
                    self.clean_namespace(spaces, live)
            self.collect()
            for plural in ("deployments", "statefulsets", "daemonsets"):
                kind = self.kinds["apps", plural][0]
                for live in self.all(kind, None):
                    self.roll_out(kind, live)

    def collect(self) -> None:
        """What is deleted in the foreground goes when nothing hangs on it: here nothing ever does."""
        for kind in {each.key: each for each in self.all_kinds()}.values():
            for live in self.all(kind, None):
                finalizers = live["metadata"].get("finalizers", [])
                if live["metadata"].get("deletionTimestamp") and "foregroundDeletion" in finalizers:
                    new = copy.deepcopy(live)
                    new["metadata"]["finalizers"] = [name for name in finalizers if name != "foregroundDeletion"]
                    self.put(kind, new, "MODIFIED" if new["metadata"]["finalizers"] else "DELETED", live)

    def clean_definition(self, kind: Kind, live: dict) -> None:
        left = False
        for own in of_definition(live):
            for thing in self.all(own, None):
                self.delete(own, thing["metadata"].get("namespace", ""), thing["metadata"]["name"], {}, False)
            left = left or bool(self.objects.get(own.key))
        finalizers = live["metadata"].get("finalizers", [])
        if not left and "customresourcecleanup.apiextensions.k8s.io" in finalizers:
            new = copy.deepcopy(live)
            new["metadata"]["finalizers"] = [name for name in finalizers if not name.startswith("customresourcecleanup")]
            self.put(kind, new, "MODIFIED" if new["metadata"]["finalizers"] else "DELETED", live)

    def clean_namespace(self, kind: Kind, live: dict) -> None:
        name, held, kept = live["metadata"]["name"], {}, {}
        for each in {kind_.key: kind_ for kind_ in self.all_kinds() if kind_.namespaced}.values():
            for thing in self.all(each, name):
                if not thing["metadata"].get("deletionTimestamp"):
                    self.delete(each, name, thing["metadata"]["name"], {}, False)
            for thing in self.all(each, name):
                kept[each.qualified] = kept.get(each.qualified, 0) + 1
                for finalizer in thing["metadata"].get("finalizers", []):
                    held[finalizer] = held.get(finalizer, 0) + 1
        new = copy.deepcopy(live)
        if not kept:
            self.put(kind, new, "DELETED", live)
            return
        resources = ", ".join(f"{plural} has {count} resource instances" for plural, count in sorted(kept.items()))
        finalizers = ", ".join(f"{name} in {count} resource instances" for name, count in sorted(held.items()))
        changed = set_condition(new, "NamespaceContentRemaining", True, "SomeResourcesRemain", f"Some resources are remaining: {resources}")
        changed = set_condition(new, "NamespaceFinalizersRemaining", bool(held), "SomeFinalizersRemain", f"Some content in the namespace has finalizers remaining: {finalizers}") or changed
        if changed:
            self.put(kind, new, "MODIFIED", live)

    def roll_out(self, kind: Kind, live: dict) -> None:
        """Workloads come about after a while, unless their image is called broken."""
        generation, status = live["metadata"].get("generation", 1), live.get("status", {})
        if self.rollout_after is None or status.get("observedGeneration") == generation:
            return
        due = self.__dict__.setdefault("due", {}).setdefault((live["metadata"]["uid"], generation), time.monotonic() + self.rollout_after)
        if time.monotonic() < due:
            return
        new, wanted = copy.deepcopy(live), live["spec"].get("replicas", 1)
        broken = any("broken" in container["image"] for container in live["spec"]["template"]["spec"]["containers"])
        there = 0 if broken else wanted
        new["status"] = {"observedGeneration": generation, "replicas": wanted, "updatedReplicas": wanted, "readyReplicas": there, "availableReplicas": there}
        if kind.kind == "DaemonSet":
            new["status"] = {"observedGeneration": generation, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 0 if broken else 3}
        if kind.kind == "StatefulSet":
            new["status"].update(currentRevision="1", updateRevision="1")
        set_condition(new, "Available", not broken, "MinimumReplicasUnavailable" if broken else "MinimumReplicasAvailable")
        self.put(kind, new, "MODIFIED", live)
