"""What changes, and what a plan says of it: drift, removals, renames, selections, references, triggers, outputs."""

import shutil

from harness import Case, tree, unittest

TWO = 'h:file(root .. "/a") { content = "a\\n" }\nh:file(root .. "/b") { content = "b\\n" }'


class Changes(Case):
    nodes = 3

    def test_drift_is_shown_and_repaired(self):
        text = "".join(f"line {i}\n" for i in range(40))
        site = self.site(f'h:file(root .. "/conf") {{ content = [[{text}]], mode = "0644" }}\nh:directory(root .. "/d") {{ mode = "0750" }}', nodes=[1])
        site.apply().expect(0)
        site.run("drift").expect(0)
        (site.root() / "conf").write_text(text.replace("line 20\n", "line twenty\n"))
        (site.root() / "d").chmod(0o777)
        site.run("drift").expect(2, "- line 20", "+ line twenty", '"0750"', '"0777"', without=("line 2\n", "line 39"))
        site.run("plan", "--detailed-exitcode").expect(2, "- line twenty", "+ line 20", "2 to change")
        site.apply().expect(0, "2 done")
        self.assertEqual((site.root() / "conf").read_text(), text)
        self.assertEqual((site.root() / "d").stat().st_mode & 0o777, 0o750)
        site.run("drift").expect(0)

    def test_what_somebody_removed_comes_back(self):
        site = self.site(TWO, nodes=[1])
        site.apply().expect(0)
        (site.root() / "a").unlink()
        site.run("drift").expect(2, "/a", without=("/b",))
        site.run("plan").expect(0, "1 to create", "0 to change", "1 unchanged")
        site.apply().expect(0, "1 done")
        site.converged()

    def test_refresh_only_takes_over(self):
        site = self.site(TWO, nodes=[1])
        site.apply().expect(0)
        (site.root() / "a").write_text("by hand\n")
        (site.root() / "b").unlink()
        site.run("plan", "--refresh-only").expect(0, "by hand")
        site.apply("--refresh-only").expect(0)
        self.assertEqual((site.root() / "a").read_text(), "by hand\n")
        self.assertFalse((site.root() / "b").exists())
        self.assertEqual(site.addresses(), [f"n1/file:{site.root()}/a"])
        site.run("drift").expect(0)
        site.run("plan").expect(0, "1 to create", "1 to change")

    def test_a_resource_leaves_the_playbook(self):
        site = self.site(TWO + '\nh:directory(root .. "/d") {}\nh:file(root .. "/d/inside") { content = "x" }')
        (site.root() / "bystander").write_text("mine")
        site.apply().expect(0, "12 done")
        site.play(TWO)
        site.run("plan").expect(0, "6 to destroy", "6 unchanged", "- directory:", "not in the playbook")
        site.apply().expect(0)
        self.assertEqual(list(tree(site.root())), ["a", "b", "bystander"])
        self.assertEqual(len(site.addresses()), 6)

    def test_what_was_there_before_stays(self):
        site = self.site(nodes=[1])
        (site.root() / "old").mkdir()
        (site.root() / "conf").write_text("by the distribution\n")
        site.play('h:directory(root .. "/old") {}\nh:file(root .. "/conf") { content = "ours\\n" }')
        site.apply().expect(0)
        site.play("local _ = h").apply().expect(0)
        self.assertEqual(list(tree(site.root())), ["conf", "old"])
        self.assertEqual(site.addresses(), [])

    def test_a_host_leaves_the_inventory(self):
        site = self.site(TWO)
        site.apply().expect(0, "6 done")
        site.inventory([1, 3])
        site.run("plan").expect(0, "2 to destroy", "4 unchanged")
        site.apply().expect(0)
        self.assertEqual([len(tree(root)) for root in site.roots()], [2, 0, 2])
        self.assertFalse([a for a in site.addresses() if a.startswith("n2/")])
        site.converged()

    def test_a_host_that_died_leaves_the_inventory(self):
        site = self.site(TWO, nodes=[1, 2])
        site.apply().expect(0)
        site.inventory([1])
        self.farm.stop(2)
        try:
            site.apply().expect(1, "n2", "refused", "state rm")
            site.run("state", "rm", "--yes", f"n2/file:{site.root(2)}/a", f"n2/file:{site.root(2)}/b").expect(0)
            site.converged()
        finally:
            self.farm.start(2)

    def test_moved(self):
        site = self.site('h:exec "old name" { command = "echo ran >> " .. root .. "/log" }\nh:file(root .. "/a") { content = "a" }', nodes=[1])
        site.apply().expect(0)
        new = 'moved { from = "n1/exec:old name", to = "n1/exec:new name" }\n'
        site.play('h:exec "new name" { command = "echo ran >> " .. root .. "/log" }\nh:file(root .. "/a") { content = "a" }\n' + new)
        site.run("plan", "--detailed-exitcode", "--out", "p").expect(2, "n1/exec:old name -> n1/exec:new name", "2 unchanged")
        site.run("apply", "p").expect(0)
        self.assertEqual(site.run("state", "list").out.count("exec:"), 1)
        site.converged()
        self.assertEqual((site.root() / "log").read_text(), "ran\n")
        self.assertIn("n1/exec:new name", site.run("state", "list").out)
        site.play('h:exec "third" { command = "echo ran >> " .. root .. "/log" }\nh:file(root .. "/a") { content = "a" }')
        site.run("state", "mv", "n1/exec:new name", "n1/exec:third").expect(0)
        site.converged()

    def test_removed_block_leaves_it_in_place(self):
        site = self.site(TWO, nodes=[1])
        site.apply().expect(0)
        site.play(f'h:file(root .. "/a") {{ content = "a\\n" }}\nremoved {{ "n1/file:{site.root()}/b" }}')
        site.run("plan").expect(0, "0 to destroy")
        site.apply().expect(0)
        self.assertEqual(list(tree(site.root())), ["a", "b"])
        self.assertEqual(len(site.addresses()), 1)

    def test_target_and_exclude(self):
        site = self.site(TWO)
        site.apply("--target", f"n1/file:{site.root(1)}/a").expect(0, "1 done")
        self.assertEqual([len(tree(root)) for root in site.roots()], [1, 0, 0])
        site.apply("--target", "n2").expect(0, "2 done")
        site.apply("--target", "n3/file:*/b").expect(0)
        self.assertEqual(list(tree(site.root(3))), ["b"])
        site.apply("--exclude", "n3").expect(0, "1 done")
        self.assertEqual([len(tree(root)) for root in site.roots()], [2, 2, 1])
        site.run("plan", "--detailed-exitcode", "--exclude", "n3").expect(0)
        site.run("destroy", "--yes", "--target", "n1").expect(0)
        self.assertEqual([len(tree(root)) for root in site.roots()], [0, 2, 1])
        site.apply().expect(0)
        site.converged()

    def test_only_selected_hosts_are_asked(self):
        site = self.site(TWO)
        before = site.execs()
        site.run("plan", "--target", "n2").expect(0)
        self.assertEqual([after - b for after, b in zip(site.execs(), before)], [0, 1, 0])

    def test_replace(self):
        site = self.site(TWO, nodes=[1])
        site.apply().expect(0)
        (site.root() / "twin").hardlink_to(site.root() / "a")
        address = f"n1/file:{site.root()}/a"
        site.run("plan", "--replace", address).expect(0, "1 to replace", "asked for")
        site.apply("--replace", address).expect(0, "1 done")
        self.assertEqual((site.root() / "twin").stat().st_nlink, 1)
        site.run("plan", "--replace", "n1/file:/nowhere").expect(1, "n1/file:/nowhere")
        site.converged()

    def test_destroy_in_reverse(self):
        site = self.site('h:directory(root .. "/d") {}\nh:directory(root .. "/d/e") {}\nh:file(root .. "/d/e/f") { content = "x" }')
        site.apply().expect(0)
        site.run("plan", "--destroy").expect(0, "9 to destroy")
        site.run("destroy").expect(3)
        result = site.run("destroy", "--yes", "--json").expect(0)
        order = [event["address"].split("/site")[1].split("/", 1)[1] for event in result.events("done") if event["host"] == "n1"]
        self.assertEqual(order, ["d/e/f", "d/e", "d"])
        self.assertEqual([tree(root) for root in site.roots()], [{}, {}, {}])
        site.run("destroy", "--yes").expect(0)

    def test_prevent_destroy(self):
        site = self.site('h:file(root .. "/a") { content = "a", lifecycle = { prevent_destroy = true } }', nodes=[1])
        site.apply().expect(0)
        site.run("destroy", "--yes").expect(3, "prevent_destroy")
        site.play("local _ = h").run("plan").expect(3, "prevent_destroy")
        self.assertEqual(list(tree(site.root())), ["a"])

    def test_ignore_changes(self):
        play = 'h:file(root .. "/a") {{ content = "a", mode = "{}", lifecycle = {{ ignore_changes = {{ "mode" }} }} }}'
        site = self.site(play.format("0644"), nodes=[1])
        site.apply().expect(0)
        site.play(play.format("0600")).converged()

    def test_order_across_hosts(self):
        """n3 waits for n2 waits for n1, by depends_on and by a reference; time stamps on one machine prove it."""
        site = self.site("""
            local log = slipway.inventory.nodes[1].root .. "/log"
            local one = host(inv.nodes[1]) {}:exec "one" { command = "sleep 0.3; echo one >> " .. log }
            local two = host(inv.nodes[2]) {}:exec "two" { command = "sleep 0.3; echo two >> " .. log, depends_on = { one } }
            host(inv.nodes[3]) {}:exec "three" { command = { "sh", "-c", "echo three >> " .. log }, environment = { AFTER = two.command } }
        """, each=False)
        site.apply().expect(0, "3 done")
        self.assertEqual((site.root(1) / "log").read_text(), "one\ntwo\nthree\n")
        site.converged()

    def test_restart_on(self):
        play = """
            local conf = h:file(root .. "/conf") {{ content = "{}" }}
            h:exec "restart" {{ command = "echo restarted >> " .. root .. "/log", creates = root .. "/log", restart_on = {{ conf }} }}
        """
        site = self.site(play.format("one"))
        site.apply().expect(0)
        self.assertEqual((site.root(1) / "log").read_text(), "restarted\n")
        site.converged()
        site.play(play.format("two")).run("plan").expect(0, "6 to change", "acts again")
        site.apply().expect(0)
        self.assertEqual([(root / "log").read_text() for root in site.roots()], ["restarted\nrestarted\n"] * 3)
        site.converged()

    def test_a_trigger_survives_a_failure(self):
        """The config changed, the next step failed: the restart still happens in the next run, though the config is as wanted by then."""
        play = """
            local conf = h:file(root .. "/conf") {{ content = "{}" }}
            h:exec "between" {{ command = "test ! -e " .. root .. "/obstacle", unless = "test -e " .. root .. "/passed-{}" }}
            h:exec "restart" {{ command = "echo restarted >> " .. root .. "/log", creates = root .. "/log", restart_on = {{ conf }} }}
        """
        site = self.site(play.format("one", 1), nodes=[1])
        (site.root() / "passed-1").touch()
        site.apply().expect(0)
        (site.root() / "obstacle").touch()
        site.play(play.format("two", 2)).apply().expect(1, "between", "skipped")
        self.assertEqual((site.root() / "conf").read_text(), "two")
        (site.root() / "obstacle").unlink()
        (site.root() / "passed-2").touch()
        site.apply().expect(0)
        self.assertEqual((site.root() / "log").read_text(), "restarted\nrestarted\n")
        site.converged()

    def test_a_trigger_applied_alone_leaves_the_restart_due(self):
        play = """
            local conf = h:file(root .. "/conf") {{ content = "{}" }}
            h:exec "restart" {{ command = "echo restarted >> " .. root .. "/log", creates = root .. "/log", restart_on = {{ conf }} }}
        """
        site = self.site(play.format("one"), nodes=[1])
        site.apply().expect(0)
        conf = f"n1/file:{site.root()}/conf"
        site.play(play.format("two")).run("plan", "--target", conf, "--out", "p").expect(0, "1 to change")
        site.run("apply", "p").expect(0, "1 done")
        site.run("plan").expect(0, "due since a run that did not get to it", "1 to change")
        site.apply().expect(0, "1 done")
        self.assertEqual((site.root() / "log").read_text(), "restarted\nrestarted\n")
        site.converged()

    def test_a_stale_plan_does_nothing_on_any_host(self):
        site = self.site(TWO)
        site.run("plan", "--out", "p").expect(0, "6 to create")
        (site.root(2) / "a").write_text("theirs\n")
        result = site.run("apply", "p").expect(3, "the plan is stale", f"n2/file:{site.root(2)}/a: it was not there, and is now", "nothing was done")
        self.assertNotIn("To go on", result.text)
        self.assertEqual([sorted(tree(root)) for root in site.roots()], [[], ["a"], []])
        site.run("plan", "--out", "p").expect(0, "5 to create, 1 to change")
        before = site.execs()
        site.run("apply", "p").expect(0, "6 done")
        self.assertEqual([after - b for after, b in zip(site.execs(), before)], [2, 2, 2])
        (site.root(3) / "b").write_text("theirs\n")
        site.play(TWO.replace("b\\n", "B\\n")).run("plan", "--out", "p").expect(0, "3 to change")
        (site.root(3) / "b").unlink()
        site.run("apply", "p").expect(3, f"n3/file:{site.root(3)}/b: it was there, and is gone")
        self.assertEqual((site.root(1) / "b").read_text(), "b\n")

    def test_outputs(self):
        site = self.site('local f = h:file(root .. "/a") { content = "a" }\nif node.name == "n1" then output "digest" { value = f.sha256, doc = "of a" } '
                         'output "hidden" { value = secret "s3cret-output" } output "list" { value = { 1, "two" } } end')
        site.apply().expect(0, without=("s3cret-output",))
        self.assertIn("ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb", site.run("output", "digest").expect(0).out)
        site.run("output").expect(0, "digest", "(sensitive)", without=("s3cret-output",))
        self.assertEqual(site.run("output", "hidden").expect(0).out, "s3cret-output\n")
        site.play('h:file(root .. "/a") { content = "a" }\nif node.name == "n1" then output "hidden" { value = "another" } end').apply().expect(0, "No changes")
        self.assertEqual(site.run("output", "hidden").expect(0).out, "another\n")
        site.run("output", "nothing").expect(1, "nothing", "slipway output")

    def test_the_state_is_gone(self):
        """A lost state is adopted again, and nothing is done twice."""
        site = self.site(TWO, nodes=[1])
        site.apply().expect(0)
        shutil.rmtree(site.state)
        site.run("plan", "--detailed-exitcode").expect(0)
        site.apply().expect(0)
        self.assertEqual(len(site.addresses()), 2)

    def test_history_and_repairs(self):
        site = self.site(TWO, nodes=[1])
        site.apply().expect(0)
        address = f"n1/file:{site.root()}/a"
        site.run("state", "rm", "--yes", address).expect(0)
        self.assertEqual(len(site.addresses()), 1)
        site.run("state", "rm", "--yes", address).expect(1, address)
        site.run("state", "show", address).expect(1, address)
        site.apply().expect(0)
        self.assertEqual(len(site.addresses()), 2)
        runs = [line.split() for line in site.run("state", "history").expect(0).out.splitlines()]
        self.assertGreaterEqual(len(runs), 3)
        site.run("state", "history", runs[-1][0]).expect(0, address)
        site.run("state", "history", "999").expect(1, "999")


if __name__ == "__main__":
    unittest.main()
