"""Bad and hostile input: always exit 1, an error that says where, in bounded CPU time and memory, and nothing touched."""

import os
import stat
import sys

from harness import Case, tree, unittest

MEASURE = "import os, resource, sys\npid = os.spawnvp(os.P_NOWAIT, sys.argv[2], sys.argv[2:])\n_, status, usage = os.wait4(pid, 0)\n" \
          "print(usage.ru_maxrss, usage.ru_utime + usage.ru_stime, file=open(sys.argv[1], 'w'))\nsys.exit(os.waitstatus_to_exitcode(status) % 256)"
FINE = 'h:file(root .. "/a") { content = "a" }'


class Input(Case):
    nodes = 1

    def bad(self, site, *words: str, cpu: float = 60, mib: int = 600, arguments=("plan",), without: tuple[str, ...] = ()):
        """Runs and expects an error with these words, within the limits."""
        before = site.execs()
        result = site.run(*arguments, wrap=(sys.executable, "-c", MEASURE, str(site.directory / "used")), timeout=600).expect(1, *words, without=without)
        self.assertIn("error:", result.err)
        kib, seconds = map(float, (site.directory / "used").read_text().split())
        self.assertLess(seconds, cpu, result)
        self.assertLess(kib / 1024, mib, result)
        self.assertLess(len(result.text), 20_000, "an error of more than a screenful")
        self.assertEqual(site.execs(), before, "a host was asked")
        self.assertEqual(tree(site.root()), {})
        return result

    def inventory(self, text: str | bytes):
        site = self.site(FINE)
        (site.directory / "inventory.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
        return site

    # -- inventories ---------------------------------------------------------------------------------------------------

    def test_yaml_syntax(self):
        for text, words in (
            ("name: x\nhosts: [\n", ("inventory.yaml:",)),
            ("name: x\n\tplaybook: y\n", ("inventory.yaml:2",)),
            ("name: 'x\n", ("inventory.yaml:",)),
            ("- a\n- b\n", ("inventory.yaml",)),
            ("", ("inventory.yaml",)),
            ("just text", ("inventory.yaml",)),
            ("name: x\nname: y\n", ("inventory.yaml:2", "name", "line 1")),
            ("name: x\nplaybook: play\nhosts:\n  - {name: n1, address: 127.0.0.1, name: n2}\n", ("inventory.yaml:4", "name")),
            ("name: x\n---\nname: y\n", ("inventory.yaml",)),
            ("name: !!python/object/apply:os.system [id]\n", ("inventory.yaml:1", "python")),
        ):
            with self.subTest(text=text):
                self.bad(self.inventory(text), *words)

    def test_yaml_bombs(self):
        laughs = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"{c}: &{c} [{','.join('*' + p for _ in range(9))}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=False)) + "name: x\n"
        self.bad(self.inventory("vars:\n" + "".join("  " + line + "\n" for line in laughs.splitlines())), "inventory.yaml")
        self.bad(self.inventory("name: x\nvars: &a {again: *a}\n"), "inventory.yaml")
        self.bad(self.inventory("name: x\nvars: " + "[" * 100_000), "inventory.yaml")
        self.bad(self.inventory("name: x\nvars: " + "{a: " * 50_000), "inventory.yaml")
        self.bad(self.inventory("name: x\n" + "".join(f"k{i}: 1\n" for i in range(200_000))), "inventory.yaml")
        self.bad(self.inventory("name: &" + "a" * 1_000_000 + " x\n"))

    def test_bytes(self):
        for data in (b"name: x\0y\n", b"name: \xff\xfe\n", b"\xff\xfen\0a\0m\0e\0:\0 \0x\0\n\0", os.urandom(5000), b"\0" * 100_000):
            with self.subTest(data=data[:20]):
                self.bad(self.inventory(data), "inventory")

    def test_too_large(self):
        site = self.site(FINE)
        with open(site.directory / "inventory.yaml", "wb") as file:
            file.write(b"name: x\nvars:\n  text: |\n")
            for _ in range(100):
                file.write(b"    " + b"x" * 1_048_570 + b"\n")
        self.bad(site, "inventory.yaml", "larger than", mib=400)
        with open(site.directory / "inventory.yaml", "wb") as file:
            file.truncate(1 << 40)
        self.bad(site, "inventory.yaml", mib=400)
        os.unlink(site.directory / "inventory.yaml")
        os.symlink("/dev/zero", site.directory / "inventory.yaml")
        self.bad(site, "inventory.yaml", mib=400)
        os.unlink(site.directory / "inventory.yaml")
        os.mkfifo(site.directory / "inventory.yaml")
        self.bad(site, "inventory.yaml")

    def test_unknown_keys(self):
        head = "name: x\nplaybook: play\n"
        for text, words in (
            ("hots: []\n", ("inventory.yaml:3", "hots", "did you mean", "hosts")),
            ("hosts:\n  - {name: n1, addres: 127.0.0.1}\n", ("inventory.yaml:4",)),
            ("ssh: {usr: root}\n", ("inventory.yaml:3", "usr", "user")),
            ("hosts: 5\n", ("inventory.yaml:3", "hosts", "list")),
            ("hosts:\n  - {name: n1, address: 127.0.0.1, port: many}\n", ("inventory.yaml:4", "port", "many")),
            ("hosts:\n  - {name: n1, address: 127.0.0.1, port: 99999}\n", ("port", "99999")),
            ("hosts:\n  - {name: n1, address: 127.0.0.1}\n  - {name: n1, address: 127.0.0.2}\n", ("n1",)),
            ("hosts:\n  - {name: '../../x', address: 127.0.0.1}\n", ("../../x",)),
            ("hosts:\n  - {name: n1, address: '-oProxyCommand=touch /tmp/x', root: /nowhere}\n", ("n1",)),
            ("playbok: y\n", ("playbok", "playbook")),
            ("provider: {name: statik}\nhosts:\n  - {name: n1, address: 127.0.0.1}\n", ("provider", "static")),
            ("secrets: {p: !env NO_SUCH_VARIABLE_HERE}\n", ("NO_SUCH_VARIABLE_HERE", "inventory.yaml:3")),
            ("secrets: {p: !file no/such/file}\n", ("no/such/file",)),
        ):
            with self.subTest(text=text):
                self.bad(self.inventory(head + text), *words)
        self.bad(self.inventory("name: Not A Name!\nplaybook: play\n"), "Not A Name!")
        self.bad(self.inventory("name: x\nplaybook: ../../../etc/passwd\n"), "playbook")
        self.bad(self.inventory("name: x\nplaybook: nowhere\n"), "nowhere")

    # -- playbooks -----------------------------------------------------------------------------------------------------

    def test_positions(self):
        for body, words in (
            ("\n\nh:fiel(root .. '/a') {}", ("play.lua:7", "fiel", "file")),
            ("h:file(root .. '/a') { contnt = 'a' }", ("play.lua:5", "contnt", "content")),
            ("h:file(root .. '/a') { content = 5 + {} }", ("play.lua:5", "arithmetic")),
            ("h:file(root .. '/a') { mode = 644 }", ("play.lua:5", "mode")),
            ("h:file 'relative' { content = 'a' }", ("play.lua:5", "relative")),
            ("local x = = 1", ("play.lua:5",)),
            ("require 'hots'", ("play.lua:5", "hots")),
            ("require '../../../etc/passwd'", ("play.lua:5",)),
            ("error 'on purpose'", ("play.lua:5", "on purpose")),
            ("error { code = 5 }", ("play.lua:5",)),
            ("slipway.fail 'because'", ("play.lua:5", "because")),
            ("local function f() error 'deep' end local function g() f() end\ng()", ("play.lua:", "deep")),
            ("h:file(root .. '/a') { template = 'nothing.tmpl' }", ("play.lua:5", "nothing.tmpl")),
            ("h:file(root .. '/a') { source = '/etc/shadow/x' }", ("play.lua:5", "/etc/shadow/x")),
            ("h:file(root .. '/a') { content = 'a' }\nh:file(root .. '/a') { content = 'b' }", ("play.lua:6", "play.lua:5")),
            ("if h:file(root .. '/a') { content = 'a' }.stat < 'x' then end", ("play.lua:5", "compared")),
            ("h:exec 'x' { command = 'true', depends_on = { 'n1/nothing' } }", ("play.lua:5",)),
            ("h:exec 'x' { command = 'true', precondition = { false, 'not on a Monday' } }", ("play.lua:5", "not on a Monday")),
            ("inv.name = 'other'", ("play.lua:5",)),
            ("print(undefined.field)", ("play.lua:5", "undefined")),
        ):
            with self.subTest(body=body):
                self.bad(self.site(body), *words)

    def test_template_positions(self):
        site = self.site("h:file(root .. '/a') { template = 't.tmpl', vars = {} }")
        for text, words in (("one\ntwo {{ nothing.at.all }}\n", ("t.tmpl:2",)), ("one\n\n{% for %}\n", ("t.tmpl:",)), ("{{ open\n", ("t.tmpl:1",)),
                            ("a\n{% while true do %}x{% end %}\n", ())):
            (site.directory / "t.tmpl").write_text(text)
            self.bad(site, *words)

    def test_nothing_to_reach_out_with(self):
        for body in ("os.execute 'id'", "io.open '/etc/passwd'", "io.popen 'id'", "debug.getregistry()", "load('\\27Lua')()", "dofile '/etc/passwd'", "loadfile '/etc/passwd'",
                     "package.loadlib('libc.so.6', 'system')", "coroutine.wrap(print)", "string.dump(print)", "getmetatable('').__index.x.y = 1",
                     "require 'io'", "collectgarbage 'count'"):
            with self.subTest(body=body):
                self.bad(self.site(body), "play.lua:5")

    def test_files_of_others(self):
        """A stranger's playbook reads what lies in the inventory's directory, and nothing else."""
        for body in ("slipway.file '/proc/self/environ'", "slipway.file '/etc/passwd'", "slipway.file '../../../../../../../../etc/passwd'", "slipway.file '~/x'",
                     "slipway.file 'link'", "h:file(root .. '/a') { source = '/etc/passwd' }", "h:file(root .. '/a') { template = 'link' }",
                     "slipway.file '.slipway/state.key'"):
            with self.subTest(body=body):
                site = self.site(body)
                site.state.mkdir()
                (site.state / "state.key").write_text("0" * 64)
                (site.state / "state.key").chmod(0o600)
                (site.directory / "link").symlink_to("/etc/passwd")
                result = site.run("plan", "--untrusted", "--no-refresh")
                self.assertIn(result.code, (1, 3), result)
                self.assertIn("play.lua:5", result.err)
                self.assertNotIn("root:", result.text)
                self.assertNotIn("000000", result.text)
        for tag in ("!env HOME", "!file /etc/hostname", "!file .slipway/state.key"):
            site = self.site('h:file(root .. "/a") { content = inv.secrets.x }')
            site.state.mkdir()
            (site.state / "state.key").write_text("0" * 64)
            text = (site.directory / "inventory.yaml").read_text()
            (site.directory / "inventory.yaml").write_text(text.rstrip().removesuffix("}") + f', "secrets": {{"x": {tag} }} }}')
            site.run("plan", "--untrusted").expect(3, "inventory.yaml", tag.split()[0])

    def test_secrets_and_strangers(self):
        """A stranger's playbook says which machine is asked: it is not told a secret to log in with, nor asked with one."""
        site = self.site('for _, node in ipairs(inv.nodes) do host(node) { password = secret "correct horse" }:directory(node.root) {} end', each=False)
        site.run("plan", "--untrusted").expect(0, "holds a secret: it is used at apply", "1 to create", "not read: untrusted", without=("correct horse",))
        site = self.site('h:download(root .. "/d") { url = "https://x.example/y", target = secret "/correct horse", sha256 = ("0"):rep(64) }')
        site.run("plan", "--untrusted").expect(0, "checked at apply", without=("correct horse",))
        site.run("plan").expect(0, without=("checked at apply", "correct horse"))

    def test_endless(self):
        for body in ("while true do end", "local function f() return f() end f()",
                     "local t = setmetatable({}, { __index = function(t, k) return t[k .. 'x'] end }) local _ = t.a",
                     "local s = ('a'):rep(40000) s:find(('.-'):rep(20) .. 'b')", "for i = 1, math.huge do end"):
            with self.subTest(body=body):
                self.bad(self.site(body), "play.lua", cpu=100)

    def test_memory_bombs(self):
        for body in ("local s = 'x' while true do s = s .. s end", "local t = {} while true do t[#t + 1] = {} end", "local s = ('x'):rep(1 << 40)",
                     "local s = ('%s'):rep(100):format(('x'):rep(1 << 24))", "local t = {} for i = 1, 1e9 do t[i] = i end", "table.concat(setmetatable({}, { __len = function() return 1 << 40 end }))",
                     "local function f(n) return f(n + 1) + 1 end f(0)", "string.pack(('I16'):rep(1 << 20))", "local s = ('x'):rep(1 << 26):gsub('x', ('y'):rep(1000))",
                     "while true do h:exec(tostring({})) { command = 'true' } end"):
            with self.subTest(body=body):
                self.bad(self.site(body), cpu=100, mib=1500)

    def test_cycles(self):
        site = self.site("""
            local a = h:exec "a" { command = "true", depends_on = { "n1/exec:c" } }
            local b = h:exec "b" { command = "true", depends_on = { a } }
            h:exec "c" { command = "true", depends_on = { b } }
        """)
        self.bad(site, "n1/exec:a", "n1/exec:b", "n1/exec:c", "circle")

    def test_library_and_options(self):
        site = self.site(FINE)
        # A node of our own: a bug here would replace the machine's.
        os.mknod(site.directory / "full", 0o666 | stat.S_IFCHR, os.makedev(1, 7))
        for arguments, words in ((["plan", "--lua-dir", "/nowhere"], ("/nowhere",)), (["plan", "--playbook-dir", "/nowhere"], ("/nowhere",)),
                                 (["plan", "-i", "/dev/null"], ("/dev/null",)), (["plan", "-i", "/"], ("inventory",)), (["docs", "nothing"], ("nothing",)),
                                 (["plan", "--state-dir", "/proc/nothing", "--out", "p"], ("/proc/nothing",)),
                                 (["ssh", "nobody"], ("nobody",)), (["plan", "--target", ""], ("target",)), (["import", "n1/exec:zz", "x"], ("n1/exec:zz",))):
            with self.subTest(arguments=arguments):
                self.bad(site, *words, arguments=arguments)
        site.run("plan", "--out", "full").expect(1, "'full'", "No space left")
        self.assertTrue((site.directory / "full").is_char_device())
        site.run("graph", "--no-refresh", "--out", "/dev/stdout").expect(0, "graph")

    def test_output_that_cannot_be_written(self):
        site = self.site(FINE)
        result = site.run("plan", wrap=("sh", "-c", '"$@" > /dev/full', "sh"))
        self.assertNotIn("Sanitizer", result.text)
        result = site.run("version", wrap=("sh", "-c", '"$@" > /dev/full', "sh"))
        self.assertNotIn("Sanitizer", result.text)

    def test_large_but_fair(self):
        """Hundreds of resources are no attack."""
        site = self.site('for i = 1, 600 do h:file(root .. "/f" .. i) { content = "x" .. i, mode = "0644" } end')
        site.apply().expect(0, "600 done")
        site.converged()


if __name__ == "__main__":
    unittest.main()
