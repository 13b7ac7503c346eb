"""Who is the host, and who are we: host keys, keys, agent, passwords, sudo, bastions."""

import hashlib
import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import time
import unittest
from pathlib import Path

from support import BIN, FarmCase, Run, SshdFarm, descendants, processes, refusing_port, sudoers, user, wait_for

USER = "swnettest"
PASSWORD = "s3cret-word"


def keygen(*arguments: str) -> str:
    return subprocess.run(["ssh-keygen", *arguments], check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout


class HostKeys(FarmCase):
    count = 2

    def fingerprint(self, index: int = 1) -> str:
        return keygen("-l", "-f", str(Path(self.farm.node(index).config).with_name("host_key.pub"))).split()[1]

    def known(self, text: str) -> dict:
        path = self.path("known")
        path.write_text(text)
        return self.connection(host_key=None, known_hosts=str(path))

    def test_pinned(self):
        self.assertRan(self.one(self.connection()), "ok\n")

    def test_pinned_fingerprint(self):
        self.assertRan(self.one(self.connection(host_key=self.fingerprint())), "ok\n")

    def test_pinned_wrong(self):
        result = self.one(self.connection(host_key=self.farm.node(2).host_key))
        self.assertFailed(result, "host_key", self.fingerprint(1), self.fingerprint(2))

    def test_pinned_fingerprint_wrong(self):
        result = self.one(self.connection(host_key=self.fingerprint(2)))
        self.assertFailed(result, "host_key", self.fingerprint(1), self.fingerprint(2))

    def test_known_hosts(self):
        self.assertRan(self.one(self.connection(host_key=None, known_hosts=str(self.farm.known_hosts))), "ok\n")

    def test_known_hosts_hashed(self):
        path = self.path("hashed")
        shutil.copy(self.farm.known_hosts, path)
        keygen("-H", "-f", str(path))
        self.assertNotIn("127.0.0.1", path.read_text())
        self.assertRan(self.one(self.connection(host_key=None, known_hosts=str(path))), "ok\n")

    def test_unknown_then_added(self):
        result = self.one(self.known(""))
        self.assertFailed(result, "host_key", self.fingerprint(), "not known")
        line = re.search(r"add this line to \S+: (.*)", result["hint"]).group(1)
        self.assertRan(self.one(self.known(line + "\n")), "ok\n")

    def test_changed(self):
        node = self.farm.node(1)
        result = self.one(self.known(f"[127.0.0.1]:{node.port} {self.farm.node(2).host_key}\n"))
        self.assertFailed(result, "host_key", "changed", self.fingerprint(1), self.fingerprint(2))

    def test_other_type_is_not_trusted(self):
        path = self.path("rsa")
        keygen("-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", str(path))
        key = " ".join(Path(str(path) + ".pub").read_text().split()[:2])
        self.assertFailed(self.one(self.known(f"[127.0.0.1]:{self.farm.node(1).port} {key}\n")), "host_key", "changed", self.fingerprint(1))

    def test_revoked(self):
        node = self.farm.node(1)
        line = f"[127.0.0.1]:{node.port} {node.host_key}\n"
        self.assertFailed(self.one(self.known(line + f"@revoked * {node.host_key}\n")), "host_key", "@revoked", self.fingerprint())

    def test_other_port_is_another_host(self):
        self.assertFailed(self.one(self.known(f"127.0.0.1 {self.farm.node(1).host_key}\n")), "host_key", "not known")

    def test_missing_and_special_files(self):
        self.assertFailed(self.one(self.connection(host_key=None, known_hosts="/nonexistent")), "host_key", "not known")
        self.assertFailed(self.one(self.connection(host_key=None, known_hosts="/dev/null")), "host_key", "not known")


class ManyHostKeys(FarmCase):
    """A server with three host keys, of which we know one that is not its favourite."""

    @classmethod
    def farm_options(cls):
        cls.rsa, cls.ecdsa = Path(cls.directory) / "h_rsa", Path(cls.directory) / "h_ecdsa"
        keygen("-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", str(cls.rsa))
        keygen("-q", "-t", "ecdsa", "-N", "", "-f", str(cls.ecdsa))
        own = Path(cls.directory) / "farm/1/host_key"
        return {"HostKey": f"{own}\nHostKey {cls.rsa}\nHostKey {cls.ecdsa}"}

    def test_pinned_types(self):
        for path in (self.rsa, self.ecdsa):
            key = " ".join(Path(str(path) + ".pub").read_text().split()[:2])
            self.assertRan(self.one(self.connection(host_key=key)), "ok\n")

    def test_known_types(self):
        for path in (self.rsa, self.ecdsa):
            known = self.path("known")
            known.write_text(f"[127.0.0.1]:{self.farm.node(1).port} {Path(str(path) + '.pub').read_text()}")
            self.assertRan(self.one(self.connection(host_key=None, known_hosts=str(known))), "ok\n")


class Keys(FarmCase):
    @classmethod
    def farm_options(cls):
        cls.authorized = Path(cls.directory) / "authorized"
        cls.ca = Path(cls.directory) / "ca"
        keygen("-q", "-t", "ed25519", "-N", "", "-f", str(cls.ca))
        for name, kind, word in (("rsa", "rsa", ""), ("ecdsa", "ecdsa", ""), ("locked", "ed25519", PASSWORD), ("certified", "ed25519", ""), ("stranger", "ed25519", "")):
            keygen("-q", "-t", kind, "-N", word, "-f", str(Path(cls.directory) / name))
        keygen("-q", "-t", "rsa", "-m", "PEM", "-N", PASSWORD, "-f", str(Path(cls.directory) / "pem"))
        keygen("-q", "-s", str(cls.ca), "-I", "test", "-n", pwd.getpwuid(os.getuid()).pw_name, str(Path(cls.directory) / "certified.pub"))
        return {"AuthorizedKeysFile": str(cls.authorized), "TrustedUserCAKeys": str(cls.ca) + ".pub"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        names = [cls.farm.key, *(Path(cls.directory) / name for name in ("rsa", "ecdsa", "locked", "pem"))]
        cls.authorized.write_text("".join(Path(str(name) + ".pub").read_text() for name in names))

    def key(self, name: str, **more) -> dict:
        return self.connection(key=str(self.path(name)), **more)

    def test_types(self):
        for name in ("rsa", "ecdsa"):
            self.assertRan(self.one(self.key(name)), "ok\n")

    def test_passphrase(self):
        for name in ("locked", "pem"):
            self.assertRan(self.one(self.key(name, passphrase=PASSWORD)), "ok\n")

    def test_passphrase_wrong(self):
        self.assertFailed(self.one(self.key("locked", passphrase="wr0ng-word")), "auth", "passphrase", "locked", "wrong")

    def test_passphrase_missing(self):
        result = self.one(self.key("locked"))
        self.assertFailed(result, "auth", "needs a passphrase")
        self.assertIn("ssh-add", result["hint"])

    def test_certificate(self):
        self.assertRan(self.one(self.key("certified")), "ok\n")

    def test_refused(self):
        result = self.one(self.key("stranger"))
        self.assertFailed(result, "auth", "refused the login as", "stranger", "publickey")
        self.assertEqual(result["attempts"], 1)

    def test_refused_is_not_retried(self):
        self.assertEqual(self.one(self.key("stranger", connect_deadline=5))["attempts"], 1)

    def test_missing_and_broken_files(self):
        self.assertFailed(self.one(self.key("nowhere")), "auth", "nowhere")
        self.path("junk").write_text("not a key\n")
        self.assertFailed(self.one(self.key("junk")), "invalid", "junk")

    def test_second_key(self):
        self.assertRan(self.one(self.connection(key=None, keys=[str(self.path("stranger")), str(self.path("nowhere")), str(self.farm.key)])), "ok\n")

    def test_nothing_to_offer(self):
        self.assertFailed(self.one(self.connection(key=None), env={"HOME": "/nonexistent"}), "auth", "nothing to log in")

    def test_usual_names(self):
        home = self.path("home")
        (home / ".ssh").mkdir(parents=True)
        shutil.copy(self.farm.key, home / ".ssh/id_ed25519")
        self.assertRan(self.one(self.connection(key=None), env={"HOME": str(home)}), "ok\n")

    def test_agent(self):
        out = subprocess.run(["ssh-agent", "-s", "-a", str(self.path("agent"))], check=True, capture_output=True, text=True).stdout
        pid = int(re.search(r"SSH_AGENT_PID=(\d+)", out).group(1))
        try:
            env = {"SSH_AUTH_SOCK": str(self.path("agent")), "HOME": "/nonexistent"}
            self.assertFailed(self.one(self.connection(key=None, agent=True), env=env), "auth", "nothing to log in")  # it is empty
            subprocess.run(["ssh-add", "-q", str(self.path("stranger")), str(self.farm.key)], check=True, env=os.environ | env)
            self.assertRan(self.one(self.connection(key=None, agent=True), env=env), "ok\n")
            self.assertRan(self.one(self.key("locked", agent=True), env=env), "ok\n")  # the file cannot be opened: the agent is next
            self.assertFailed(self.one(self.connection(key=None, agent=False), env=env), "auth")
        finally:
            os.kill(pid, 15)

    def test_agent_that_hangs(self):
        path = self.path("deaf")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen()
            env = {"SSH_AUTH_SOCK": str(path), "HOME": "/nonexistent"}
            self.assertFailed(self.one(self.connection(key=None, agent=True, connect_timeout=600), env=env), "auth")
            self.assertFailed(self.one(self.connection(key=None, agent=True, connect_timeout=600), env=env, cancel_after_ms=300), "cancelled")

    def test_one_bcrypt_for_many_hosts(self):
        spec = {"hosts": {f"h{i}": self.key("locked", passphrase=PASSWORD) for i in range(8)}, "jobs": [{"command": "echo ok"}]}
        child = Run(spec)
        for result in child.wait():
            self.assertRan(result, "ok\n")


class Passwords(FarmCase):
    """A user of our own, with a password; sudo rules that come and go."""

    count = 2

    @classmethod
    def setUpClass(cls):
        made = user(USER, PASSWORD, "-m")
        made.__enter__()
        cls.addClassCleanup(made.__exit__, None, None, None)
        cls.addClassCleanup(sudoers, USER, None)
        super().setUpClass()

    @classmethod
    def farm_options(cls):
        return {"PasswordAuthentication": "yes", "UsePAM": "yes"}

    def user(self, index: int = 1, **more) -> dict:
        return self.connection(index, user=USER, **more)

    def test_password(self):
        self.assertRan(self.one(self.user(key=None, password=PASSWORD), {"command": "whoami"}, env={"HOME": "/nonexistent"}), USER + "\n")

    def test_password_after_a_refused_key(self):
        keygen("-q", "-t", "ed25519", "-N", "", "-f", str(self.path("other")))
        self.assertRan(self.one(self.user(key=str(self.path("other")), password=PASSWORD)), "ok\n")

    def test_password_wrong(self):
        self.assertFailed(self.one(self.user(key=None, password="wr0ng-word"), env={"HOME": "/nonexistent"}), "auth", "refused the login", "password")

    def test_password_as_a_question(self):
        farm = SshdFarm(self.path("kbd"), 1, options={"UsePAM": "yes", "KbdInteractiveAuthentication": "yes", "PasswordAuthentication": "no"})
        with farm:
            base = {"key": None, "port": farm.node(1).port, "host_key": farm.node(1).host_key}
            env = {"HOME": "/nonexistent"}
            self.assertFailed(self.one(self.user(**base, password="wr0ng-word"), env=env), "auth", "keyboard-interactive")
            self.assertRan(self.one(self.user(**base, password=PASSWORD), env=env), "ok\n")

    def test_sudo_without_password(self):
        sudoers(USER, "NOPASSWD: ALL")
        result = self.one(self.user(become="sudo"), {"command": "sh", "input": "whoami; echo to-err >&2; cat /etc/shadow | wc -c >/dev/null; exit 5"})
        self.assertRan(result, "root\n", status=5)
        self.assertEqual(result["err"], "to-err\n")

    def test_sudo_refuses_without_password(self):
        for rule in ("ALL", None):
            sudoers(USER, rule)
            result = self.one(self.user(become="sudo"), {"command": "sh", "input": "whoami; id"})
            self.assertFailed(result, "auth", "sudo", "without a password")
            self.assertIn("sudo:", result["detail"])
            self.assertEqual(result["out"], "")

    def test_sudo_with_password(self):
        sudoers(USER, "ALL")
        # The argument lists of all between sshd and the command.
        job = {"command": "sh", "input": "whoami; cat; p=$$; while [ $(cat /proc/$p/comm) != sshd ]; do tr '\\0' ' ' </proc/$p/cmdline >&2; p=$(cut -d' ' -f4 /proc/$p/stat); done"}
        result = self.one(self.user(become="sudo", become_password=PASSWORD), job)
        self.assertRan(result, "root\n")
        self.assertNotIn(PASSWORD, result["err"])  # not in any argument list
        self.assertIn("sudo -k -S", result["err"])

    def test_sudo_password_that_is_not_needed(self):
        sudoers(USER, "NOPASSWD: ALL")
        result = self.one(self.user(become="sudo", become_password=PASSWORD), {"command": "sh", "input": "whoami; cat"})
        self.assertRan(result, "root\n")
        self.assertEqual(result["err"], "")

    def test_sudo_password_wrong(self):
        sudoers(USER, "ALL")
        result = self.one(self.user(become="sudo", become_password="wr0ng-word"), {"command": "sh", "input": "whoami"})
        self.assertFailed(result, "auth", "refused the password")
        self.assertEqual(result["out"], "")

    def test_sudo_streams_files(self):
        sudoers(USER, "ALL")
        data = os.urandom(3_000_000)
        self.path("data").write_bytes(data)
        target = self.path("arrived")
        result = self.one(self.user(become="sudo", become_password=PASSWORD), {"command": f"cat > {target}; stat -c %U {target}", "input_file": str(self.path("data"))})
        self.assertRan(result, "root\n")
        self.assertEqual(target.read_bytes(), data)

    def test_root_needs_no_sudo(self):
        self.assertRan(self.one(self.connection(become="sudo"), {"command": "ps -o args= -p $PPID; whoami"}))

    def test_sudo_missing(self):
        farm = SshdFarm(self.path("nosudo"), 1, options={"SetEnv": "PATH=/nonexistent"})
        with farm:
            base = {"port": farm.node(1).port, "host_key": farm.node(1).host_key, "key": str(farm.key), "become": "sudo"}
            result = self.one(self.user(**base))
            self.assertFailed(result, "remote", "has no sudo")


class Bastions(FarmCase):
    count = 4

    def over(self, index: int = 2, bastion: dict | None = None, **more) -> dict:
        return self.connection(index, bastion=bastion or self.connection(1), **more)

    def logins(self, index: int) -> int:
        return Path(self.farm.node(index).log).read_text().count("Accepted publickey")

    def test_works(self):
        self.assertRan(self.one(self.over(), {"command": "sh", "input": "echo ok; echo err >&2; exit 3"}), "ok\n", status=3)

    def test_shared(self):
        before = self.logins(1)
        spec = {"hosts": {f"h{i}": self.over(2 + i % 3) for i in range(12)}, "jobs": [{"command": "echo $SSH_CONNECTION"}, {"command": "echo again"}]}
        child = Run(spec)
        results = child.wait()
        self.assertEqual(len(results), 24)
        for result in results:
            self.assertRan(result)
        self.assertEqual(self.logins(1) - before, 1)

    def test_over_two(self):
        self.assertRan(self.one(self.over(3, bastion=self.over(2))), "ok\n")

    def test_large_both_ways(self):
        data = os.urandom(10_000_000)
        self.path("data").write_bytes(data)
        child = Run({"hosts": {f"n{i}": self.over(i) for i in (2, 3, 4)}, "jobs": [{"command": "cat", "input_file": str(self.path("data"))}] * 5})
        for result in child.wait():
            self.assertRan(result)
            self.assertEqual(result["out_sha256"], hashlib.sha256(data).hexdigest())

    def test_host_key_of_the_bastion(self):
        result = self.one(self.over(bastion=self.connection(1, host_key=self.farm.node(3).host_key)))
        self.assertFailed(result, "host_key", "pinned")
        self.assertIn("bastion", result["frames"])

    def test_host_key_of_the_host(self):
        result = self.one(self.over(host_key=self.farm.node(3).host_key))
        self.assertFailed(result, "host_key", "pinned")

    def test_login_at_the_bastion_refused(self):
        keygen("-q", "-t", "ed25519", "-N", "", "-f", str(self.path("other")))
        result = self.one(self.over(bastion=self.connection(1, key=str(self.path("other")))))
        self.assertFailed(result, "auth", "refused")
        self.assertIn("bastion", result["frames"])

    def test_target_closed(self):
        port = refusing_port(self)
        result = self.one(self.over(port=port))
        self.assertFailed(result, "unreachable", "the bastion", "cannot connect", str(port))

    def test_bastion_closed(self):
        port = refusing_port(self)
        result = self.one(self.over(bastion=self.connection(1, port=port)))
        self.assertFailed(result, "unreachable", "refused")

    def test_bastion_lost(self):
        pid_file, go = self.path("shell-pid"), self.path("go")
        for path in (pid_file, go):
            path.unlink(missing_ok=True)
        before = self.sessions(1)
        child = Run({"hosts": {"n2": self.over()}, "jobs": [{"command": f"echo $$ > {pid_file}; sleep 600"}, {"command": "echo back", "after_file": str(go)}]})
        wait_for(pid_file.exists)
        for pid in self.sessions(1) - before:
            os.kill(pid, 9)
        time.sleep(0.3)
        go.touch()
        first, second = child.wait()
        self.assertFailed(first, "unreachable", "lost after")
        self.assertRan(second, "back\n")  # a new job connects anew, bastion and all

    def sessions(self, index: int) -> set[int]:
        """The sshd processes of one node's connections."""
        return descendants(processes(), {self.farm.node(index).pid})

    def test_cancel_while_the_bastion_is_mute(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            mute = self.connection(1, port=listener.getsockname()[1], connect_timeout=600)
            self.assertFailed(self.one(self.over(bastion=mute, connect_timeout=600), cancel_after_ms=300), "cancelled")

    def test_ssh_program(self):
        for connection in (self.connection(2), self.over(2), self.over(3, bastion=self.over(2)), self.connection(2, host_key=None, known_hosts=str(self.farm.known_hosts))):
            spec = self.path("ssh.json")
            spec.write_text(json.dumps({"hosts": {"n2": connection}, "jobs": []}))
            done = subprocess.run([BIN / "net_remote_run", "--ssh", spec, "echo", "from", "$0", "$NODE_ROOT"], capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f"nodes/{3 if connection['port'] == self.farm.node(3).port else 2}", done.stdout)
        spec.write_text(json.dumps({"hosts": {"n2": self.over(2, host_key=self.farm.node(3).host_key)}, "jobs": []}))
        done = subprocess.run([BIN / "net_remote_run", "--ssh", spec, "true"], capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("verification failed", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
