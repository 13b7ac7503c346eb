"""Which fields are ours, on random objects: after an apply nothing differs; after somebody changes one field of ours exactly that one does; what he adds does
not. FIELDS_SEED repeats a run."""

from __future__ import annotations

import copy
import json
import os
import random

from kube_case import KubeCase, unittest

SEED = int(os.environ.get("FIELDS_SEED", random.randrange(1 << 30)))
KEYED, WHOLE, UNIQUE = "keyed", "whole", "set"
TEXT = {"type": "string"}


def properties(schema: dict) -> dict:
    return {"type": "object", "properties": schema}


ENV = {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"], "items": {**properties({"k": TEXT, "v": TEXT}), "required": ["k"]}}
SPEC = properties({
    "n": {"type": "integer"}, "s": TEXT, "flag": {"type": "boolean"},
    "m": {"type": "object", "additionalProperties": TEXT},
    "am": {"type": "object", "additionalProperties": TEXT, "x-kubernetes-map-type": "atomic"},
    "l": {"type": "array", "items": TEXT},
    "u": {"type": "array", "items": TEXT, "x-kubernetes-list-type": "set"},
    "items": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name", "proto"],
              "items": {**properties({"name": TEXT, "proto": {**TEXT, "default": "TCP"}, "v": {"type": "integer"}, "env": ENV}), "required": ["name"]}},
    "deep": properties({"deep": properties({"s": TEXT, "m": {"type": "object", "additionalProperties": TEXT}})}),
})
KEYS = {"items": ("name", "proto"), "env": ("k",)}
ATOMIC = {"am", "l"}


class Maker:
    """Random specs, and random changes to them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def word(self) -> str:
        return self.random.choice(["a", "b", "c.d/e", "x_y", "long-" * 5 + "z", "0", "true", "é ü", "quote\"s", "line\nbreak"])

    def names(self, most: int = 4) -> list[str]:
        return self.random.sample(["a", "b", "c-d", "e.f", "g/h", "0"], self.random.randint(0, most))

    def texts(self) -> dict:
        return {name: self.word() for name in self.names()}

    def spec(self) -> dict:
        r = self.random
        whole = {
            "n": r.randint(-5, 5), "s": self.word(), "flag": r.random() < 0.5, "m": self.texts(), "am": self.texts(),
            "l": [self.word() for _ in range(r.randint(0, 4))], "u": self.names(),
            "items": [{"name": name, "proto": proto, "v": r.randint(0, 9), "env": [{"k": k, "v": self.word()} for k in self.names(3)]}
                      for name in self.names(3) for proto in r.sample(["SCTP", "TCP", "UDP"], r.randint(1, 2))],
            "deep": {"deep": {"s": self.word(), "m": self.texts()}},
        }
        for item in whole["items"]:
            if item["proto"] == "TCP" and r.random() < 0.5:
                del item["proto"]
            if not item["env"]:
                del item["env"]
        return {key: value for key, value in whole.items() if value not in ({}, []) and r.random() < 0.8} or {"n": 1}

    def metadata(self) -> dict:
        names = {f"example.org/{name.replace('/', '-')}": self.word() for name in self.names(3)}
        labels = {f"l{i}": "x" for i in range(self.random.randint(0, 3))}
        return {**({"annotations": names} if names else {}), **({"labels": labels} if labels else {})}


def key_of(item: dict, keys: tuple) -> tuple:
    return tuple(item.get(key, "TCP") for key in keys)


def places(value, pointer: tuple = (), name: str = ""):
    """What can be owned by itself, as paths into the wanted object."""
    if isinstance(value, dict) and name not in ATOMIC and value:
        for key, child in value.items():
            if key not in ("k", "name", "proto"):
                yield from places(child, (*pointer, key), key)
    elif isinstance(value, list) and name in KEYS:
        for item in value:
            yield from places(item, (*pointer, key_of(item, KEYS[name])), "")
    elif value not in ({}, []):  # what others put there is theirs
        yield pointer


def pointer_in(live, place: tuple) -> str | None:
    """A place as a JSON pointer into the live object."""
    steps, at, name = [], live, ""
    for step in place:
        if isinstance(step, tuple):
            index = next((i for i, item in enumerate(at) if key_of(item, KEYS[name]) == step), None)
            if index is None:
                return None
            steps.append(str(index))
            at = at[index]
        else:
            if not isinstance(at, dict) or step not in at:
                return None
            name = step
            steps.append(step.replace("~", "~0").replace("/", "~1"))
            at = at[step]
    return "/" + "/".join(steps)


def at_place(value, place: tuple):
    name = ""
    for step in place:
        if isinstance(step, tuple):
            value = next((item for item in value or [] if key_of(item, KEYS[name]) == step), None)
        else:
            name, value = step, (value or {}).get(step)
    return value


def differences(before, after, pointer: tuple = (), name: str = "") -> list[tuple]:
    if before == after:
        return []
    if isinstance(before, dict) and isinstance(after, dict) and name not in ATOMIC:
        return [found for key in {**before, **after} for found in differences(before.get(key), after.get(key), (*pointer, key), key)]
    if name in KEYS and isinstance(before, list) and isinstance(after, list):
        one, two = ({key_of(item, KEYS[name]): item for item in items} for items in (before, after))
        return [found for key in {**one, **two} for found in differences(one.get(key), two.get(key), (*pointer, key), "")]
    return [pointer]


class Fields(KubeCase):
    N = 25

    def thing(self, index: int, metadata: dict, spec: dict) -> dict:
        return {"apiVersion": f"{self.ns}.example.org/v1", "kind": "Thing", "metadata": {"name": f"x{index}", **metadata}, "spec": spec}

    def says_things(self, site, things: list[dict]) -> None:
        group = f"{self.ns}.example.org"
        definition = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"things.{group}"}, "spec": {
            "group": group, "scope": "Namespaced", "names": {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": properties({"spec": SPEC})}}]}}
        for name, tree in [("definition", definition)] + [(thing["metadata"]["name"], thing) for thing in things]:
            (site.directory / f"{name}.json").write_text(json.dumps(tree))
        self.says(site, "".join(f'kube.manifest "{name}" {{ source = "{name}.json", namespace = "{self.ns}", depends_on = {{ {on} }} }}\n' for name, on in
                                [("definition", "")] + [(thing["metadata"]["name"], "") for thing in things]))
        text = (site.directory / "play.lua").read_text().replace('kube.manifest "definition"', 'local d = kube.manifest "definition"').replace(
            "{  }", "{}").replace('depends_on = {}', "", 1).replace("depends_on = {}", "depends_on = d")
        (site.directory / "play.lua").write_text(text)

    def planned(self, site) -> dict[str, dict]:
        self.text = site.run("plan", "--out", "p").expect(0).text
        document = json.loads(site.run("show", "--json", "p").expect(0).out)
        return {change["address"]: change["change"] for change in document["resource_changes"] if change["change"]["actions"] != ["no-op"]}

    def test_random_objects(self):
        make = Maker(SEED)
        self.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.ns}})
        things = [self.thing(i, make.metadata(), make.spec()) for i in range(self.N)]
        site = self.site()
        with self.subTest(seed=SEED):
            self.says_things(site, things)
            site.apply().expect(0, f"{self.N + 1} done")
            self.assertEqual(self.planned(site), {}, self.text)
            self.by_hand(site, make, things)
            self.added(site, make, things)
            # Of a list that loses all its elements a server of 1.20 makes null, and refuses that.
            for _ in range(2 if self.double else 0):
                things = [self.thing(i, make.metadata(), make.spec()) for i in range(self.N)]
                self.says_things(site, things)
                site.apply().expect(0)
                self.assertEqual(self.planned(site), {}, self.text)
            for thing in things:
                live = self.get("Thing", thing["metadata"]["name"], thing["apiVersion"])
                for place in places(thing["spec"]):
                    is_, wanted = at_place(live["spec"], place), at_place(thing["spec"], place)
                    # A set holds what others put there, too.
                    self.assertTrue(set(is_) >= set(wanted) if place[-1] == "u" else is_ == wanted, (thing, place, is_))

    def by_hand(self, site, make: Maker, things: list[dict]) -> None:
        """One field of each is changed or taken away."""
        edited = {}
        for thing in things:
            wanted = {"spec": thing["spec"], "metadata": {key: thing["metadata"][key] for key in ("labels", "annotations") if key in thing["metadata"]}}
            place = make.random.choice(sorted(places(wanted), key=repr))
            live = self.get("Thing", thing["metadata"]["name"], thing["apiVersion"])
            pointer = pointer_in(live, place)
            self.assertIsNotNone(pointer, (thing, place))
            was = at_place(live, place)
            other = {str: "other", bool: None, int: 77, list: ["other", "2"], dict: {"o": "t"}}[type(was)]
            other = (not was) if isinstance(was, bool) else other
            # Lists and maps that hold nothing any more go with the last of what they held: only values are changed then.
            change = {"op": "replace", "path": pointer, "value": other} if make.random.random() < 0.6 else {"op": "remove", "path": pointer}
            self.edit("Thing", thing["metadata"]["name"], [change], thing["apiVersion"])
            edited[thing["metadata"]["name"]] = (place, change)
        changes = self.planned(site)
        for thing in things:
            name = thing["metadata"]["name"]
            place, change = edited[name]
            found = [each for address, each in changes.items() if address.startswith(f"kube_object.{name}_")]
            self.assertEqual(len(found), 1, (thing, edited[name]))
            self.assertEqual(found[0]["actions"], ["update"])
            differs = differences(found[0]["before"]["manifest"], found[0]["after"]["manifest"])
            self.assertEqual([each[:len(place)] == place or place[:len(each)] == each for each in differs], [True], (thing, change, differs, place))
        site.apply().expect(0)
        self.assertEqual(self.planned(site), {}, "what was changed by hand is put back")

    def added(self, site, make: Maker, things: list[dict]) -> None:
        """What is nobody's business here."""
        for thing in things:
            name, patch = thing["metadata"]["name"], {"metadata": {"annotations": {"theirs.example.org/x": "1"}, "finalizers": None}, "spec": {}}
            if make.random.random() < 0.7 and "m" in thing["spec"]:
                patch["spec"]["m"] = {"theirs": "1"}
            if "deep" not in thing["spec"]:
                patch["spec"]["deep"] = {"deep": {"s": "theirs"}}
            if "s" not in thing["spec"]:
                patch["spec"]["s"] = "theirs"
            self.edit("Thing", name, patch, thing["apiVersion"])
        self.assertEqual(self.planned(site), {}, "what others add is no change")
        # And goes again, so that what is said later meets no other owner.
        for thing in things:
            live = self.get("Thing", thing["metadata"]["name"], thing["apiVersion"])
            patch = {"spec": {}}
            for key in ("deep", "s"):
                if key not in thing["spec"]:
                    patch["spec"][key] = None
            if "theirs" in (live["spec"].get("m") or {}):
                patch["spec"]["m"] = {"theirs": None}
            self.edit("Thing", thing["metadata"]["name"], patch, thing["apiVersion"])


if __name__ == "__main__":
    unittest.main()
