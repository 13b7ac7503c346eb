"""Server-side apply for the API double: which fields there are, who owns them, how two objects merge. The rules are those of structured-merge-diff:
a leaf, a replaced-whole list or map, and an element of a keyed list or a set are what can be owned."""

from __future__ import annotations

import copy
import json

Path = tuple  # of "f:name", 'k:{"name":"web"}', 'v:"x"'


class TypedError(Exception):
    """The object does not fit its schema."""


class Conflict(Exception):
    def __init__(self, conflicts: list[tuple[str, Path]]) -> None:
        self.conflicts = conflicts  # manager, field


def compact(value) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def list_type(node: dict) -> str:
    return node.get("x-kubernetes-list-type") or "atomic"


def is_atomic(node: dict) -> bool:
    return node.get("x-kubernetes-map-type") == "atomic" or (node.get("type") == "array" and list_type(node) == "atomic")


def child_of(node: dict, name: str, at: str) -> dict:
    if name in node.get("properties", {}):
        return node["properties"][name]
    if node.get("additionalProperties") not in (None, False):
        below = node["additionalProperties"]
        return below if isinstance(below, dict) else {}
    if node.get("x-kubernetes-preserve-unknown-fields") or not node.get("properties"):
        return {"x-kubernetes-preserve-unknown-fields": True}
    raise TypedError(f"{at}.{name}: field not declared in schema")


def key_of(node: dict, item, at: str) -> str:
    if list_type(node) == "set":
        return "v:" + compact(item)
    key = {}
    if not isinstance(item, dict):
        raise TypedError(f"{at}: expected map, got {compact(item)}")
    for name in node.get("x-kubernetes-list-map-keys", []):
        if name in item:
            key[name] = item[name]
        elif "default" in node["items"].get("properties", {}).get(name, {}):
            key[name] = node["items"]["properties"][name]["default"]
        else:
            raise TypedError(f'{at}: associative list with keys has an element that omits key field "{name}" (and doesn\'t have default value)')
    return "k:" + compact(key)


KINDS = {"string": (str,), "integer": (int,), "boolean": (bool,), "number": (int, float)}


def check_type(node: dict, value, at: str) -> None:
    wanted = node.get("type")
    if node.get("x-kubernetes-int-or-string") or value is None:
        return
    if wanted in KINDS and (not isinstance(value, KINDS[wanted]) or (wanted != "boolean" and isinstance(value, bool))):
        words = {"integer": "numeric (int or float)", "number": "numeric (int or float)"}.get(wanted, wanted)
        raise TypedError(f"{at}: expected {words}, got {compact(value)}")
    if wanted == "object" and not isinstance(value, dict):
        raise TypedError(f"{at}: expected map, got {compact(value)}")
    if wanted == "array" and not isinstance(value, list):
        raise TypedError(f"{at}: expected list, got {compact(value)}")


def fields(node: dict, value, path: Path = (), at: str = "") -> set[Path]:
    """All that can be owned in a value."""
    check_type(node, value, at)
    if is_atomic(node) or not isinstance(value, (dict, list)) or not value:
        if isinstance(value, (dict, list)) and is_atomic(node):
            validate(node, value, at)
        return {path} if path else set()
    found: set[Path] = set()
    if isinstance(value, dict):
        for name, child in value.items():
            found |= fields(child_of(node, name, at), child, (*path, "f:" + name), f"{at}.{name}")
        return found
    if node.get("type") != "array":  # of unknown type
        return {path}
    seen = set()
    for item in value:
        key = key_of(node, item, at)
        if key in seen:
            raise TypedError(f"{at}: duplicate entries for key [{key[2:]}]")
        seen.add(key)
        found.add((*path, key))
        found |= fields(node["items"], item, (*path, key), f"{at}[{key[2:]}]")
    return found


def validate(node: dict, value, at: str) -> None:
    """Types and names below what is owned as a whole."""
    check_type(node, value, at)
    if isinstance(value, dict):
        for name, child in value.items():
            validate(child_of(node, name, at), child, f"{at}.{name}")
    elif isinstance(value, list):
        for item in value:
            validate(node.get("items", {}), item, at)


def find(node: dict, value, path: Path):
    """The value at a path, or None."""
    for step in path:
        if step.startswith("f:"):
            if not isinstance(value, dict) or step[2:] not in value:
                return None
            node, value = child_of(node, step[2:], ""), value[step[2:]]
        else:
            found = [item for item in value or [] if key_of(node, item, "") == step]
            if not found:
                return None
            node, value = node["items"], found[0]
    return value


def merge(node: dict, live, applied):
    if is_atomic(node) or not isinstance(applied, (dict, list)) or type(live) is not type(applied):
        return copy.deepcopy(applied)
    if isinstance(applied, dict):
        result = dict(live)
        for name, child in applied.items():
            result[name] = merge(child_of(node, name, ""), live[name], child) if name in live else copy.deepcopy(child)
        return result
    if node.get("type") != "array":
        return copy.deepcopy(applied)
    result, index = list(live), {key_of(node, item, ""): i for i, item in enumerate(live)}
    for item in applied:
        key = key_of(node, item, "")
        if key in index:
            result[index[key]] = merge(node["items"], result[index[key]], item)
        else:
            result.append(copy.deepcopy(item))
    return result


def remove(node: dict, value, path: Path) -> None:
    """Takes out what is at a path, and maps and lists that are empty then."""
    step, rest = path[0], path[1:]
    if step.startswith("f:"):
        name = step[2:]
        if not isinstance(value, dict) or name not in value:
            return
        if rest:
            remove(child_of(node, name, ""), value[name], rest)
            if value[name] not in ({}, []):
                return
        del value[name]
        return
    for item in list(value or []):
        if key_of(node, item, "") == step:
            if rest:
                remove(node["items"], item, rest)
            else:
                value.remove(item)


HIDDEN = [("f:apiVersion",), ("f:kind",)] + [("f:metadata", "f:" + name) for name in (
    "name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields", "selfLink", "generateName")]


def owned(node: dict, value: dict, with_status: bool) -> set[Path]:
    """Without what nobody owns."""
    found = fields(node, value)
    return {path for path in found if path not in (("f:metadata",),) and not any(path[:len(hidden)] == hidden for hidden in HIDDEN)
            and (path[0] != "f:status") != with_status}


# ---- managedFields


def prefixes(paths: set[Path]) -> set[Path]:
    """All that leads to them, and they themselves."""
    return {path[:length] for path in paths for length in range(1, len(path) + 1)}


def to_v1(paths: set[Path]) -> dict:
    tree: dict = {}
    above = prefixes({path[:-1] for path in paths})
    for path in sorted(paths):
        at = tree
        for step in path:
            at = at.setdefault(step, {})
        if path in above:
            at["."] = {}
    return tree


def from_v1(tree: dict, path: Path = ()) -> set[Path]:
    found = set()
    for step, below in tree.items():
        if step == ".":
            found.add(path)
        elif below:
            found |= from_v1(below, (*path, step))
        else:
            found.add((*path, step))
    return found


class Managers:
    """Who owns what in an object."""

    def __init__(self, thing: dict | None) -> None:
        self.entries: dict[tuple, tuple[set[Path], dict]] = {}  # (manager, operation, subresource) -> paths, entry
        for entry in ((thing or {}).get("metadata") or {}).get("managedFields") or []:
            self.entries[entry["manager"], entry["operation"], entry.get("subresource", "")] = from_v1(entry["fieldsV1"]), entry

    def paths(self, key: tuple) -> set[Path]:
        return self.entries[key][0] if key in self.entries else set()

    def set(self, key: tuple, paths: set[Path], api_version: str, now: str) -> None:
        if not paths:
            self.entries.pop(key, None)
            return
        if key in self.entries and self.entries[key][0] == paths:
            return
        entry = {"manager": key[0], "operation": key[1], "apiVersion": api_version, "time": now, "fieldsType": "FieldsV1", "fieldsV1": to_v1(paths)}
        if key[2]:
            entry["subresource"] = key[2]
        self.entries[key] = paths, entry

    def take(self, paths: set[Path], but: tuple) -> None:
        """These belong to nobody else any more."""
        for key, (own, entry) in list(self.entries.items()):
            if key != but and own & paths:
                self.set(key, own - paths, entry["apiVersion"], entry["time"])

    def write(self, thing: dict) -> None:
        thing["metadata"]["managedFields"] = [entry for _, entry in self.entries.values()]


def shown(path: Path) -> str:
    """`.spec.containers[name="web"].image`"""
    text = ""
    for step in path:
        if step.startswith("f:"):
            text += "." + step[2:]
        elif step.startswith("k:"):
            text += "[" + ",".join(f"{name}={compact(value)}" for name, value in json.loads(step[2:]).items()) + "]"
        else:
            text += f"[={step[2:]}]"
    return text


def apply(node: dict, live: dict | None, applied: dict, manager: str, force: bool, api_version: str, now: str) -> dict:
    """The object after an apply, without defaults. Raises TypedError and Conflict."""
    key = (manager, "Apply", "")
    wanted = owned(node, applied, False)
    managers = Managers(live)
    start = copy.deepcopy(live) if live else {}
    conflicts = [(other[0], path) for other, (paths, _) in managers.entries.items() if other != key
                 for path in sorted(paths & wanted) if find(node, start, path) != find(node, applied, path) and not is_element(path, wanted)]
    if conflicts and not force:
        raise Conflict(conflicts)
    managers.take({path for _, path in conflicts}, key)
    result = merge(node, start, applied)
    gone = managers.paths(key) - wanted
    managers.set(key, wanted, api_version, now)
    kept = set().union(*(paths for paths, _ in managers.entries.values())) if managers.entries else set()
    needed = prefixes(kept)
    for path in sorted(gone, key=len):  # an element goes with its keys
        if path not in needed:
            remove(node, result, path)
    managers.write(result)
    return result


def is_element(path: Path, wanted: set[Path]) -> bool:
    """An element of a keyed list is the same whatever is in it."""
    return path[-1].startswith("k:") and any(len(other) > len(path) and other[:len(path)] == path for other in wanted)


def update(node: dict, live: dict | None, new: dict, manager: str, subresource: str, api_version: str, now: str) -> None:
    """Notes in `new` who owns what after it replaced `live`. Who says in `new` who owned what is believed."""
    key = (manager, "Update", subresource)
    managers = Managers(new if new["metadata"].get("managedFields") else live)
    before, after = (owned(node, thing or {}, status) for status in [bool(subresource)] for thing in (live, new))
    changed = {path for path in after if path not in before or (find(node, live, path) != find(node, new, path) and not is_element(path, after))}
    managers.take(changed | (before - after), key)
    managers.set(key, (managers.paths(key) - (before - after)) | changed, api_version, now)
    managers.write(new)


def merge_patch(live, patch):
    """RFC 7386."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(live) if isinstance(live, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patch(result.get(name), value)
    return result


def json_patch(live: dict, operations: list) -> dict:
    """RFC 6902: add, replace, remove, test."""
    result = copy.deepcopy(live)
    for operation in operations:
        steps = [step.replace("~1", "/").replace("~0", "~") for step in operation["path"].split("/")[1:]]
        at = result
        for step in steps[:-1]:
            at = at[int(step)] if isinstance(at, list) else at[step]
        last = steps[-1]
        if isinstance(at, list):
            last = len(at) if last == "-" else int(last)
        op = operation["op"]
        if op == "test":
            if at[last] != operation["value"]:
                raise KeyError(operation["path"])
        elif op == "remove" or op == "replace":
            at[last]  # it must be there
            if op == "remove":
                del at[last]
            else:
                at[last] = operation["value"]
        elif op == "add":
            if isinstance(at, list):
                at.insert(last, operation["value"])
            else:
                at[last] = operation["value"]
        else:
            raise KeyError(op)
    return result
