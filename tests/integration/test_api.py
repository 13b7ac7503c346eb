"""Resources in an API, on a small cloud that is as strict as a real one: data sources, creations that died, replacements, saved plans."""

import json
import shutil
import time

from harness import HERE, Case, unittest, wait_for

HEAD = 'local shelf = require "shelf"\n'


class Api(Case):
    nodes = 1

    def cloud(self, body: str):
        site = self.site(nodes=[])
        shutil.copy(HERE / "shelf" / "shelf.lua", site.directory / "shelf.lua")
        site.world = site.directory / "world"
        site.world.mkdir()
        site.inventory(provider={"name": "shelf", "dir": str(site.world), "api": str(HERE / "shelf" / "shelf.py")})
        return self.says(site, body)

    def says(self, site, body: str):
        return site.play(HEAD + body, each=False)

    def boxes(self, site) -> dict[str, dict]:
        found = [json.loads(path.read_text()) for path in sorted(site.world.glob("box-*"))]
        self.assertEqual(len({box["label"] for box in found}), len(found), f"a box was made twice: {found}")
        return {box["label"]: box for box in found}

    def log(self, site, *, clear: bool = True) -> list[str]:
        path = site.world / "log"
        lines = path.read_text().splitlines() if path.exists() else []
        if clear and path.exists():
            path.unlink()
        return lines

    def copy(self, source, site) -> None:
        """The world and the state of another site."""
        shutil.rmtree(site.world)
        shutil.copytree(source.world, site.world)
        shutil.copytree(source.state, site.state)

    def put(self, site, label: str, **more) -> None:
        (site.world / f"box-x{label}").write_text(json.dumps({"id": f"x{label}", "label": label, **more}))

    def settled(self, site) -> None:
        site.converged()
        self.assertEqual(site.sql("select count(*) from intent where outcome is null"), [(0,)])
        self.assertEqual(site.sql("select address from resource where status != 'ok'"), [])

    # ---- data sources

    def test_data_is_read_when_the_plan_is_made(self):
        site = self.cloud('local f = shelf.find "old" { label = "old" }\nshelf.box "a" { label = "a", base = f.id }\noutput "note" { value = f.note }')
        site.run("plan").expect(1, "data.shelf_box.old", 'label = "old"', "play.lua:4")
        self.put(site, "old", note="hello")
        site.run("plan").expect(0, "xold", "1 to create, 0 to change", "0 unchanged", without=("data.shelf_box.old", "known after apply)\n  base"))
        site.apply().expect(0, "1 done, 0 unchanged")
        self.assertEqual(self.boxes(site)["a"]["base"], "xold")
        self.assertEqual(site.addresses(), ["shelf_box.a"])
        self.assertEqual(site.run("output", "note").expect(0).out, "hello\n")
        self.settled(site)
        site.run("drift").expect(0)
        site.run("destroy", "--yes").expect(0, "1 done")
        self.assertEqual(list(self.boxes(site)), ["old"])

    def test_data_of_what_is_to_be_made_is_read_at_apply(self):
        site = self.cloud('local a = shelf.box "a" { label = "a" }\nlocal f = shelf.find "late" { label = "a", depends_on = { a } }\n'
                          'shelf.box "b" { label = "b", base = f.id }\nshelf.find "of" { label = f.label }')
        plan = site.run("plan", "--out", "p").expect(0, "<= data.shelf_box.late", "shelf_box.a changes", "2 to create")
        document = json.loads(site.run("show", "--json", "p").expect(0).out)
        changes = {change["address"]: change for change in document["resource_changes"]}
        self.assertEqual(changes["data.shelf_box.late"]["change"]["actions"], ["read"])
        self.assertEqual((changes["data.shelf_box.late"]["mode"], changes["data.shelf_box.late"]["type"]), ("data", "shelf_box"))
        site.run("apply", "p").expect(0, "2 done", str(plan.code))
        self.assertEqual(self.boxes(site)["b"]["base"], self.boxes(site)["a"]["id"])
        self.settled(site)
        document = json.loads(site.run("plan", "--json").expect(0).out.splitlines()[-1])
        self.assertNotEqual(document["type"], "error")
        self.assertEqual(sorted(node["address"] for node in json.loads(site.run("graph", "--format", "json").expect(0).out)["nodes"]),
                         ["data.shelf_box.late", "data.shelf_box.of", "shelf_box.a", "shelf_box.b"])

    def test_data_sources_in_a_chain_and_by_target(self):
        site = self.cloud('local one = shelf.find "one" { label = "one" }\nlocal two = shelf.find "two" { label = one.note }\n'
                          'shelf.box "a" { label = "a", base = two.id }\nshelf.find "elsewhere" { label = "not there" }')
        self.put(site, "one", note="two")
        self.put(site, "two")
        site.run("plan").expect(1, "not there")
        reads = site.world / "reads"
        reads.unlink()
        site.run("plan", "--target", "shelf_box.a", "--out", "p").expect(0, "xtwo")
        self.assertEqual(len(reads.read_text().splitlines()), 2, "one list for each round of data sources, none for a box that was never made")
        document = json.loads(site.run("show", "--json", "p").expect(0).out)
        prior = {r["address"]: r["values"] for r in document["prior_state"]["values"]["root_module"]["resources"] if r["mode"] == "data"}
        self.assertEqual(prior["data.shelf_box.two"]["id"], "xtwo")
        self.assertEqual([change["address"] for change in document["resource_changes"]], ["shelf_box.a"])
        site.run("apply", "p").expect(0, "1 done")

    def test_data_that_changed_makes_a_plan_stale(self):
        body = 'local f = shelf.find "old" {{ label = "old" }}\nshelf.box "a" {{ label = f.note }}\nshelf.box "b" {{ label = "b{}" }}'
        site = self.cloud(body.format(1))
        self.put(site, "old", note="one")
        site.run("plan", "--out", "p").expect(0)
        self.put(site, "old", note="two")
        site.run("apply", "p").expect(3, "stale", 'shelf_box.a: data.shelf_box.old.note was "one", is "two"', "nothing was done")
        self.assertEqual(list(self.boxes(site)), ["old"])
        site.apply().expect(0)
        self.says(site, body.format(2)).run("plan", "--out", "p").expect(0)
        self.put(site, "old", note="two", more="which nobody uses")
        site.run("apply", "p").expect(0, "1 done")

    INNER = ('local a = shelf.box "a" { label = "a" }\nlocal f = shelf.find "a" { label = "a", depends_on = { a } }\n'
             'provider "inside" { name = "shelf", api = inv.provider.api, dir = f.note }\n'
             'local x = shelf.box "x" { label = "x", provider = "inside" }\nshelf.box "y" { label = "y", base = x.id, provider = "inside" }')

    def test_a_provider_that_is_known_late(self):
        site = self.cloud(self.INNER)
        site.run("plan").expect(0, "+ shelf_box.y", "3 to create", "(checked at apply)")
        site.apply().expect(0, "3 done")
        inside = site.world / "inside-b1"
        self.assertEqual(len(list(inside.glob("box-*"))), 2)
        self.settled(site)
        self.says(site, self.INNER.replace('label = "y"', 'label = "z"')).run("plan").expect(0, "1 to change, 0 to replace", without=("known after apply",))
        site.apply().expect(0, "1 done")
        site.run("destroy", "--yes").expect(0, "3 done")
        self.assertEqual(list(inside.glob("box-*")) + list(site.world.glob("box-*")), [])
        self.assertEqual(site.addresses(), [])

    def test_a_provider_that_is_known_late_and_a_crash(self):
        for n in (1, 2, 3, 4):
            with self.subTest(killed_at=n):
                site = self.cloud(self.INNER)
                inside = site.world / "inside-b1"
                site.apply("--target", "shelf_box.a").expect(0)
                (inside / "kill").write_text(str(n))
                self.assertEqual(site.apply().code, -9)
                site.apply().expect(0)
                self.assertEqual(len(list(inside.glob("box-*"))), 2)
                self.settled(site)
                (inside / "kill").write_text(str(n))
                self.assertEqual(site.run("destroy", "--yes").code, -9)
                site.run("destroy", "--yes").expect(0)
                self.assertEqual(list(inside.glob("box-*")) + list(site.world.glob("box-*")), [])

    def test_a_provider_that_is_not_declared_any_more(self):
        site = self.cloud(self.INNER)
        site.apply().expect(0)
        self.says(site, 'shelf.box "a" { label = "a" }').run("plan").expect(1, "provider 'inside'", "declare it until its resources are gone")

    # ---- saved plans

    def test_a_stale_plan_does_nothing_at_all(self):
        site = self.cloud('shelf.box "a" { label = "a" }\nshelf.box "b" { label = "b" }')
        site.apply().expect(0)
        self.says(site, 'shelf.box "a" { label = "A" }\nshelf.box "b" { label = "B" }\nshelf.box "c" { label = "c" }').run("plan", "--out", "p").expect(0)
        found = self.boxes(site)["a"]
        (site.world / f"box-{found['id']}").write_text(json.dumps(found | {"label": "theirs"}))
        self.log(site)
        site.run("apply", "p").expect(3, "changed since the plan was made; nothing was done", 'shelf_box.a: label was "a", is "theirs"')
        self.assertEqual(self.log(site), [])
        site.apply().expect(0, "3 done")
        self.settled(site)

    # ---- crashes

    BASES = 'local r, s = shelf.box "r" { label = "r" }, shelf.box "s" { label = "s" }\n'
    STEPS = {
        "grow": ('shelf.box "a" { label = "a" }\n',
                 'local a = shelf.box "a" { label = "a2" }\nlocal b = shelf.box "b" { label = "b", base = a.id, bare = true }\nshelf.box "c" { label = "c", base = b.id, link = a.id }'),
        "replace": (BASES + 'local a = shelf.box "a" { label = "a", base = r.id }\nlocal b = shelf.box "b" { label = "b", base = a.id }',
                    BASES + 'local a = shelf.box "a" { label = "a", base = s.id }\nlocal b = shelf.box "b" { label = "b", base = a.id }'),
        "replace, created first": (
            BASES + 'local a = shelf.box "a" { label = "a", base = r.id }\nshelf.box "b" { label = "b", base = a.id }\nshelf.box "c" { label = "c", link = a.id }',
            BASES + 'local a = shelf.box "a" { label = "a2", base = s.id, lifecycle = { create_before_destroy = true } }\n'
            'shelf.box "b" { label = "b", base = a.id }\nshelf.box "c" { label = "c", link = a.id }'),
        "shrink": ('local a = shelf.box "a" { label = "a" }\nlocal b = shelf.box "b" { label = "b", base = a.id }\nshelf.box "c" { label = "c", base = b.id }',
                   'shelf.box "x" { label = "x" }'),
    }

    def shape(self, site) -> list[tuple]:
        """Everything there is, by labels instead of ids."""
        labels = {box["id"]: label for label, box in self.boxes(site).items()}
        return sorted((label, labels.get(box.get("base"), box.get("base")), labels.get(box.get("link"), box.get("link"))) for label, box in self.boxes(site).items())

    def test_killed_at_every_call(self):
        """Before and after the effect of each call that changes something: the next run finishes it, with nothing lost and nothing twice."""
        for name, (before, after) in self.STEPS.items():
            begun, calm = self.cloud(before), self.cloud(before)
            begun.apply().expect(0)
            self.log(begun)
            self.copy(begun, calm)
            self.says(calm, after).apply().expect(0)
            boundaries, wanted = 2 * len(self.log(calm)), self.shape(calm)
            self.settled(calm)
            self.assertGreaterEqual(boundaries, 8)
            for n in range(1, boundaries + 1):
                with self.subTest(step=name, killed_at=n, of=boundaries):
                    site = self.cloud(after)
                    self.copy(begun, site)
                    (site.world / "kill").write_text(str(n))
                    self.assertEqual(site.apply().code, -9)
                    if n % 3 == 0:
                        site.run("destroy", "--yes").expect(0)
                        self.assertEqual(self.shape(site), [])
                        site.run("destroy", "--yes").expect(0)
                        continue
                    site.apply().expect(0)
                    self.assertEqual(self.shape(site), wanted)
                    self.settled(site)

    def test_interrupted(self):
        """Ctrl-C lets calls that run end, and starts no others; a second one ends them, and the next run looks what became of them."""
        body = 'local a = shelf.box "a" { label = "a", slow = 2 }\nshelf.box "b" { label = "b", base = a.id }'
        for times in (1, 2):
            with self.subTest(times=times):
                site = self.cloud(body)
                run = site.start("apply", "--yes")
                wait_for(lambda: site.sql("select count(*) from intent") == [(1,)] if (site.state / "state.db").exists() else False)
                wait_for(lambda: times == 1 or (site.world / "log").exists(), what="the effect of the creation")
                for _ in range(times):
                    run.interrupt()
                    time.sleep(0.3)
                run.finish().expect(1, "1 done" if times == 1 else "Stopped while at work")
                self.assertEqual(list(self.boxes(site)), ["a"])
                self.assertEqual(site.sql("select count(*) from intent where outcome is null"), [(times - 1,)])
                site.apply().expect(0)
                self.assertEqual(self.boxes(site)["b"]["base"], self.boxes(site)["a"]["id"])
                self.settled(site)

    def test_import_says_what_a_dead_run_made(self):
        site = self.cloud('shelf.box "a" { label = "a" }')
        (site.world / "kill").write_text("1")
        self.assertEqual(site.apply().code, -9)
        self.put(site, "a")
        site.run("import", "shelf_box.a", "xa").expect(0)
        self.settled(site)
        self.assertEqual(site.recorded("shelf_box.a")["attributes"]["id"], "xa")

    def test_an_answer_that_is_lost(self):
        """What was made all the same is found by its token, in the same run."""
        site = self.cloud('shelf.box "a" { label = "a" }')
        (site.world / "lose").write_text("create a")
        site.apply().expect(0, "1 done")
        self.assertEqual(self.log(site), ["create a"])
        self.settled(site)
        (site.world / "lose").write_text("delete a")
        site.run("destroy", "--yes").expect(1, "lost")
        site.run("destroy", "--yes").expect(0)
        self.assertEqual(site.addresses(), [])

    def test_a_creation_that_stops_half_way_is_finished(self):
        site = self.cloud('local a = shelf.box "a" { label = "a", bare = true }\nshelf.box "b" { label = "b", base = a.id }')
        (site.world / "lose").write_text("update a")
        site.apply().expect(0, "2 done")
        self.assertEqual(self.log(site), ["create a", "update a", "update a", "create b"])
        self.settled(site)


if __name__ == "__main__":
    unittest.main()
