"""The benchmark's playbook of 30 tasks does what the benchmark says of it: 25 changes on fresh nodes, then none, in one exec a host."""

import os
import shutil
import subprocess
import sys

from harness import REPO, Case, unittest

BENCH = REPO / "tests/bench"
sys.path.insert(0, str(BENCH))
from nodes import SEEDS  # noqa: E402


class Bench(Case):
    nodes = 3

    def test_thirty_tasks(self):
        site = self.site()
        for root in site.roots():
            for name, text in SEEDS.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
                (root / name).chmod(0o644)
        shutil.copy(BENCH / "bench.lua", site.directory / "play.lua")
        for name in ("files", "templates"):
            shutil.copytree(BENCH / "ansible" / name, site.directory / name)
        before = site.execs()
        site.apply().expect(0, "75 done")
        # Reads twice; each of the four files to copy is carried in an exec of its own, and ends a script.
        self.assertLessEqual(max(after - b for after, b in zip(site.execs(), before)), 12)
        for node, root in zip(site.nodes, site.roots()):
            script = (BENCH / "check.sh").read_text().replace("R=$NODE_ROOT", f"R={root}").replace("name=n${R##*/}", f"name={node.name}")
            result = subprocess.run(["sh"], input=script, env={"PATH": os.defpath}, capture_output=True, text=True)
            self.assertEqual(result.stdout, "")
        before = site.execs()
        site.run("plan", "--detailed-exitcode").expect(0, "90 unchanged")
        site.apply().expect(0, "No changes")
        self.assertEqual([after - b for after, b in zip(site.execs(), before)], [2, 2, 2])


if __name__ == "__main__":
    unittest.main()
