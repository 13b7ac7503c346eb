"""From an inventory to a file on a node and back: plan, apply, saved plans, events, exit codes, and what a run costs."""

import json
import os
import shutil

from harness import Case, tree, unittest

ONE_FILE = 'h:file(root .. "/motd") { content = "hello\\n", mode = "0640" }'


class Tracer(Case):
    nodes = 2

    def test_plan_apply_plan(self):
        site = self.site(ONE_FILE, nodes=[1])
        site.run("plan").expect(0, "1 to create", "│ hello")
        self.assertEqual(tree(site.root()), {}, "plan changed something")
        self.assertFalse(site.state.exists(), "plan left something behind")
        site.run("plan", "--detailed-exitcode").expect(2)
        site.apply().expect(0, "1 done")
        self.assertEqual(tree(site.root()), {"motd": ("file", 0o640, b"hello\n")})
        site.run("plan", "--detailed-exitcode").expect(0, "No changes", "1 unchanged")
        site.apply().expect(0, "No changes")
        address = f"n1/file:{site.root()}/motd"
        self.assertEqual(site.addresses(), [address])
        self.assertEqual(site.recorded(address)["attributes"]["content"], "hello\n")
        self.assertEqual(site.sql("select count(*) from intent where closed_ms = 0"), [(0,)])
        self.assertEqual(site.sql("select count(*) from lock"), [(0,)])
        self.assertEqual((site.state / "state.db").stat().st_mode & 0o777, 0o600)
        self.assertEqual(site.state.stat().st_mode & 0o777, 0o700)
        site.run("destroy", "--yes").expect(0)
        self.assertEqual(tree(site.root()), {})
        self.assertEqual(site.addresses(), [])

    def test_one_exec_a_host_where_nothing_changes(self):
        body = "\n".join(f'h:file(root .. "/f{i}") {{ content = "{i}" }}' for i in range(8))
        site = self.site(body + '\nh:directory(root .. "/d") { mode = "0750" }\nh:exec "x" { command = "true", creates = root .. "/f1" }')
        site.apply().expect(0)
        for arguments in (["plan"], ["apply", "--yes"], ["drift"], ["plan", "--detailed-exitcode", "--json"]):
            before = site.execs()
            site.run(*arguments).expect(0)
            self.assertEqual([after - b for after, b in zip(site.execs(), before)], [1, 1], arguments)

    def test_a_change_costs_three_execs(self):
        site = self.site("\n".join(f'h:file(root .. "/f{i}") {{ content = "{i}" }}' for i in range(30)))
        before = site.execs()
        site.apply().expect(0, "60 done")
        self.assertEqual([after - b for after, b in zip(site.execs(), before)], [3, 3])  # plan, read once more, act

    def test_reading_the_state_asks_no_host(self):
        site = self.site(ONE_FILE)
        site.apply().expect(0)
        before = site.execs()
        for arguments in (["state", "list"], ["state", "history"], ["output"], ["validate"], ["plan", "--no-refresh"]):
            site.run(*arguments).expect(0)
        self.assertEqual(site.execs(), before)

    def test_nothing_is_asked_without_a_terminal(self):
        site = self.site(ONE_FILE, nodes=[1])
        site.run("apply").expect(3, "--yes")
        self.assertEqual(tree(site.root()), {})
        site.run("destroy").expect(0, "No")  # nothing to destroy, nothing to ask

    def test_wrong_usage(self):
        site = self.site(ONE_FILE, nodes=[1])
        site.run("aply").expect(1, "aply", "slipway apply")
        site.run("plan", "--detailed-exit").expect(2)  # shortened
        site.run("plan", "--frobnicate").expect(1, "--frobnicate")
        site.run("plan", "-i", "nowhere").expect(1, "nowhere")
        site.run("apply", "no-such-plan").expect(1, "no-such-plan")
        site.run("plan", "--target", "n1/file:/nothing").expect(1, "n1/file:/nothing")
        site.run("apply", "--parallelism", "many").expect(1, "many")

    # -- saved plans ---------------------------------------------------------------------------------------------------

    def test_saved_plan_is_applied_verbatim(self):
        site = self.site(ONE_FILE, nodes=[1])
        site.run("plan", "--out", "p").expect(0, "slipway apply p")
        self.assertEqual((site.directory / "p").stat().st_mode & 0o777, 0o600)
        site.play('h:file(root .. "/other") { content = "not reviewed" }')
        site.run("show", "p").expect(0, "1 to create", "hello")
        site.run("apply", "p").expect(0, "1 done")
        self.assertEqual(list(tree(site.root())), ["motd"])
        site.run("apply", "p").expect(3, "stale", "new plan")

    def test_stale_where_the_state_moved(self):
        site = self.site(ONE_FILE, nodes=[1])
        site.run("plan", "--out", "p").expect(0)
        site.play('h:file(root .. "/other") { content = "x" }')
        site.apply().expect(0)
        site.run("apply", "p").expect(3, "stale")
        self.assertEqual(list(tree(site.root())), ["other"])

    def test_stale_where_the_world_moved(self):
        site = self.site(ONE_FILE, nodes=[1])
        site.run("plan", "--out", "p").expect(0)
        (site.root() / "motd").write_text("by somebody else\n")
        site.run("apply", "p").expect(3, "changed since the plan was made", "motd")
        self.assertEqual((site.root() / "motd").read_text(), "by somebody else\n")
        site.run("plan", "--out", "p").expect(0, "1 to change", "- by somebody else", "+ hello")
        site.run("apply", "p").expect(0)
        site.converged()

    def test_tampered_plan_is_refused(self):
        site = self.site(ONE_FILE, nodes=[1])
        site.run("plan", "--out", "p").expect(0)
        whole = (site.directory / "p").read_bytes()
        self.assertIn(b"hello", whole)
        for name, forged in (("content", whole.replace(b"hello", b"pwned")), ("cut", whole[: len(whole) // 2]), ("longer", whole + b" "),
                             ("host", whole.replace(b"127.0.0.1", b"127.0.0.2"))):
            (site.directory / name).write_bytes(forged)
            site.run("apply", name).expect(3, "changed after it was made", name)
            site.run("show", name).expect(3)
        for name, garbage in (("empty", b""), ("zeros", bytes(4096)), ("json", b'{"format_version": "1.2"}')):
            (site.directory / name).write_bytes(garbage)
            site.run("apply", name).expect(1, name)
        self.assertEqual(tree(site.root()), {})
        site.run("apply", "p").expect(0)

    def test_foreign_plan_is_refused(self):
        mine, other = self.site(ONE_FILE, nodes=[1]), self.site(ONE_FILE, nodes=[1])
        for site in (mine, other):
            site.run("plan", "--out", "p").expect(0)
        shutil.copy(other.directory / "p", mine.directory / "foreign")
        mine.run("apply", "foreign").expect(3, "belongs to another state")
        # Even with the other's key, the lineage is another's.
        shutil.copy(other.state / "state.key", mine.directory / "other.key")
        key = (other.state / "state.key").read_text().strip()
        mine.run("apply", "foreign", env={"SLIPWAY_STATE_KEY": key}).expect(1, "key")
        self.assertEqual(tree(mine.root()), {})

    def test_plan_out_where_nothing_can_be_written(self):
        site = self.site(ONE_FILE, nodes=[1])
        site.run("plan", "--out", "no/such/directory/p").expect(1, "no/such/directory")
        os.mkdir(site.directory / "d")
        site.run("plan", "--out", "d").expect(1, "'d'")

    def test_empty_saved_plan(self):
        site = self.site(ONE_FILE, nodes=[1])
        site.apply().expect(0)
        site.run("plan", "--out", "p", "--detailed-exitcode").expect(0)
        site.run("apply", "p").expect(0, "No changes")
        site.run("apply", "p").expect(0)

    # -- events ----------------------------------------------------------------------------------------------------------

    def test_events(self):
        site = self.site(ONE_FILE + '\nh:exec "talk" { command = "echo one; echo two >&2" }')
        result = site.apply("--json").expect(0)
        kinds = [event["type"] for event in result.events()]
        self.assertLess(kinds.index("host_connected"), kinds.index("host_read"))
        self.assertLess(kinds.index("plan"), kinds.index("start"))
        self.assertEqual(kinds[-1], "summary")
        for kind, count in (("host_connected", 2), ("planned_change", 4), ("start", 4), ("done", 4), ("plan", 1), ("summary", 1)):
            self.assertEqual(kinds.count(kind), count, f"{kind} in {kinds}")
        self.assertEqual({event["message"] for event in result.events("output")}, {"one", "two"})
        self.assertEqual(result.events("summary")[0]["done"], 4)
        self.assertEqual(result.events("done")[-1]["done"], 4)
        self.assertTrue(all("timestamp" in event for event in result.events()))

    def test_error_event(self):
        site = self.site('h:exec "bad" { command = "echo because >&2; exit 7" }', nodes=[1])
        result = site.apply("--json").expect(1)
        error = result.events("failed")[0]["error"]
        self.assertEqual(error["code"], "remote")
        self.assertIn("exit status 7", error["message"])
        self.assertIn("because", error["detail"])
        self.assertTrue(error["file"].endswith("play.lua"))
        self.assertEqual(error["line"], 5)
        self.assertIn("because", result.err)
        refused = site.run("apply", "--json").expect(3)
        self.assertEqual(refused.events("error")[0]["code"], "refused")

    def test_terraforms_plan_json(self):
        site = self.site(ONE_FILE, nodes=[1])
        site.run("plan", "--out", "p").expect(0)
        plan = json.loads(site.run("show", "--json", "p").expect(0).out)
        self.assertEqual(plan["format_version"], "1.2")
        self.assertEqual([change["change"]["actions"] for change in plan["resource_changes"]], [["create"]])
        site.run("show", "--markdown", "p").expect(0, "```diff")

    def test_closed_output(self):
        """`slipway plan | head -1` neither hangs nor crashes."""
        site = self.site("\n".join(f'h:file(root .. "/f{i}") {{ content = "{i}" }}' for i in range(200)))
        run = site.start("plan", wrap=("sh", "-c", '"$@" | head -1', "sh"))
        result = run.finish()
        self.assertLess(len(result.out.splitlines()), 3)
        self.assertNotIn("Sanitizer", result.err)


if __name__ == "__main__":
    unittest.main()
