"""Going back: what was declared in a former run is planned and applied anew, whatever the inventory says today."""

import sqlite3

from harness import Case, unittest

ONE = 'h:file(root .. "/conf") { content = "one\\n" }\nh:directory(root .. "/d") {}'
TWO = 'h:file(root .. "/conf") { content = "two\\n", mode = "0600" }\nh:file(root .. "/new") { content = "x" }'
NOTE = """
local resource, sh = require "resource", require "sh"
return resource "note" {
  doc = "A note.",
  schema = { text = { "string", required = true, doc = "what it says" } },
  probe = function(r) return sh("cat -- {path}", { path = r.name }) end,
  read = function(out) return out.ok and { text = out.text } or nil end,
  apply = function(r) return sh("printf %s {text} >{path}", { text = r.text, path = r.name }) end,
  remove = function(r) return sh("rm -f -- {path}", { path = r.name }) end,
}
"""
GOES_FORWARD = "the next apply goes forward again"


class Rollback(Case):
    nodes = 1

    def kept(self, site):
        return [run for (run,) in site.sql("SELECT run FROM kept ORDER BY run")]

    def test_what_was_changed_added_and_removed_comes_back(self):
        site = self.site(ONE)
        site.apply().expect(0)
        site.play(TWO).apply().expect(0)
        self.assertFalse((site.root() / "d").exists())
        site.run("rollback", "1", "--yes").expect(0, "- two", "+ one", "1 to create", "1 to change", "1 to destroy", GOES_FORWARD)
        self.assertEqual((site.root() / "conf").read_text(), "one\n")
        self.assertTrue((site.root() / "d").is_dir())
        self.assertFalse((site.root() / "new").exists())
        site.run("rollback", "1", "--yes").expect(0, "No changes")
        site.run("state", "history").expect(0, "(rollback to run 1)")
        # The inventory was left alone: a plan goes forward, and back again from there is one more rollback.
        site.run("plan", "--detailed-exitcode").expect(2, "+ two")
        site.run("rollback", "2", "--yes").expect(0, "+ two")
        site.converged()

    def test_it_asks_and_changes_nothing_without_an_answer(self):
        site = self.site(ONE)
        site.apply().expect(0)
        site.play(TWO).apply().expect(0)
        site.run("rollback", "1").expect(3, "- two", without=(GOES_FORWARD,))
        self.assertEqual((site.root() / "conf").read_text(), "two\n")

    def test_renames_are_made_backwards(self):
        site = self.site('h:symlink(root .. "/a") { target = "x" }')
        site.apply().expect(0)
        old, new = f"n1/symlink:{site.root()}/a", f"n1/symlink:{site.root()}/b"
        site.play(f'moved {{ from = "{old}", to = "{new}" }}\nh:symlink(root .. "/b") {{ target = "x" }}')
        site.apply().expect(0)
        self.assertEqual(site.addresses(), [new])
        site.run("rollback", "1", "--yes").expect(0)
        self.assertEqual(site.addresses(), [old])

    def test_secrets_come_back_and_rest_sealed(self):
        site = self.site('h:file(root .. "/conf") { content = inv.secrets.word, mode = "0600" }')
        site.inventory(secrets={"word": "hunter2-first"}).apply().expect(0)
        site.inventory(secrets={"word": "hunter2-second"}).apply().expect(0)
        self.assertNotIn(b"hunter2", b"".join(path.read_bytes() for path in site.state.iterdir() if path.is_file()))
        site.run("rollback", "1", "--yes").expect(0, without=("hunter2",))
        self.assertEqual((site.root() / "conf").read_text(), "hunter2-first")

    def test_what_is_not_kept(self):
        site = self.site(ONE)
        site.run("rollback", "1").expect(1, "what was declared in run 1 is not kept")
        site.apply().expect(0)
        site.play(TWO).apply("--target", f"n1/file:{site.root()}/conf").expect(0)
        self.assertEqual(self.kept(site), [1])
        site.run("rollback", "2").expect(1, "run 2 is not kept", "kept is what was declared in 1")
        site.run("rollback", "one").expect(1, "'one' is not the number of a run")
        site.run("rollback").expect(1)
        site.run("destroy", "--yes").expect(0)
        self.assertEqual(self.kept(site), [1])
        site.run("rollback", "1", "--yes").expect(0, "2 to create")
        self.assertEqual((site.root() / "conf").read_text(), "one\n")

    def test_the_newest_ten_are_kept(self):
        site = self.site()
        for i in range(12):
            site.play(f'h:file(root .. "/conf") {{ content = "{i}" }}').apply().expect(0)
        self.assertEqual(self.kept(site), list(range(3, 13)))
        site.run("rollback", "3", "--yes").expect(0)
        self.assertEqual((site.root() / "conf").read_text(), "2")

    def test_a_changed_record_is_refused(self):
        site = self.site(ONE)
        site.apply().expect(0)
        site.play(TWO).apply().expect(0)
        with sqlite3.connect(site.state / "state.db") as db:
            db.execute("UPDATE kept SET plan = replace(plan, 'one', 'evil')")
        site.run("rollback", "1", "--yes").expect(3, "changed after it was made")
        self.assertEqual((site.root() / "conf").read_text(), "two\n")

    def test_types_beside_the_playbook_must_be_the_same(self):
        site = self.site()
        (site.directory / "note.lua").write_text(NOTE + "-- first")
        site.play('require "note"\nh:note(root .. "/n") { text = "one" }').apply().expect(0)
        site.play('require "note"\nh:note(root .. "/n") { text = "two" }').apply().expect(0)
        site.run("rollback", "1", "--yes").expect(0)
        self.assertEqual((site.root() / "n").read_text(), "one")
        (site.directory / "note.lua").write_text(NOTE + "-- second")
        site.run("rollback", "2", "--yes").expect(3, "note.lua")

    def test_a_carried_file_must_be_the_same(self):
        site = self.site('h:file(root .. "/data") { source = "data" }')
        (site.directory / "data").write_text("first")
        site.apply().expect(0)
        (site.directory / "data").write_text("second")
        site.apply().expect(0)
        site.run("rollback", "1", "--yes").expect(1, "data", "changed")
        self.assertEqual((site.root() / "data").read_text(), "second")
        (site.directory / "data").write_text("first")
        site.run("rollback", "1", "--yes").expect(0)
        self.assertEqual((site.root() / "data").read_text(), "first")

    def test_production_says_how(self):
        site = self.site(ONE)
        site.inventory(environment="production")
        site.apply().expect(0)
        site.play(TWO + '\nh:exec "no" { command = { "false" } }')
        told = site.apply().expect(1, "To go back to what was declared before: slipway rollback 1")
        command = next(line for line in told.err.splitlines() if "slipway rollback" in line).partition("slipway ")[2].split()
        site.run(*command, "--yes").expect(0)
        self.assertEqual((site.root() / "conf").read_text(), "one\n")


if __name__ == "__main__":
    unittest.main()
