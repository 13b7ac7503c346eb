"""Vault against a server that answers as Vault does."""

import http.server
import json
import subprocess
import unittest
from urllib.parse import unquote

from http_servers import Case, environment
from support import BIN

TOKEN = "hvs.test-token-that-must-not-show"
SECRET = "correct horse \u2603"


class Vault(http.server.BaseHTTPRequestHandler):
    """Key-value engine 2 at secret/, 1 at old/. Strict as the real one: token, shapes of errors, redirects of a standby."""

    protocol_version = "HTTP/1.1"
    secrets = {"secret/data/grafana": {"password": SECRET, "user": "admin", "port": 3000, "nested": {"a": [1]}}, "secret/data/a b%": {"x": "y"}}

    def answer(self, status, body, **headers):
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        self.server.seen.append((self.path, dict(self.headers)))
        if not self.path.startswith("/v1/"):
            return self.answer(404, b"404 page not found\n")
        path = unquote(self.path[4:])
        if path == "secret/data/sealed":
            return self.answer(503, {"errors": ["Vault is sealed"]})
        if path == "secret/data/standby":
            return self.answer(307, b"", Location="https://active.invalid/v1/" + path)
        if self.headers.get("X-Vault-Token") != TOKEN or self.headers.get("X-Vault-Request") != "true":
            return self.answer(403, {"errors": ["permission denied"]})
        if path.startswith("secret/data/ns") and self.headers.get("X-Vault-Namespace") != "team/a":
            return self.answer(403, {"errors": ["1 error occurred:\n\t* permission denied\n\n"]})
        if path == "secret/data/deleted":
            return self.answer(404, self.wrap({"data": None, "metadata": {"deletion_time": "2026-01-01T00:00:00Z", "destroyed": False, "version": 2}}))
        if path == "secret/data/garbage":
            return self.answer(200, b"<html>")
        if path == "old/grafana":
            return self.answer(200, self.wrap({"password": "v1"}))
        if path.startswith("secret/") and not path.startswith(("secret/data/", "secret/metadata/")):
            return self.answer(404, {"errors": [], "warnings": ["Invalid path for a versioned K/V secrets engine."]})
        found = {"x": "namespaced"} if path == "secret/data/ns" else self.secrets.get(path)
        if found is None:
            return self.answer(404, {"errors": []})
        self.answer(200, self.wrap({"data": found, "metadata": {"created_time": "2026-01-01T00:00:00Z", "deletion_time": "", "destroyed": False, "version": 3}}))

    @staticmethod
    def wrap(data):
        return {"request_id": "1", "lease_id": "", "renewable": False, "lease_duration": 0, "data": data, "wrap_info": None, "warnings": None, "auth": None}

    def log_message(self, *_):
        pass


class VaultRead(Case):
    def read(self, ref, **env):
        env = {"VAULT_ADDR": f"http://127.0.0.1:{self.vault.port}/", "VAULT_TOKEN": TOKEN} | env
        done = subprocess.run([BIN / "net_vault_read", ref], capture_output=True, text=True, timeout=60, env=environment(**{k: v for k, v in env.items() if v is not None}))
        self.assertNotIn(TOKEN, done.stdout + done.stderr)
        return done.stdout.strip()

    def setUp(self):
        self.vault = self.server(Vault)

    def test_field(self):
        self.assertEqual(self.read("secret/data/grafana#password"), f'secret "{SECRET}"')
        self.assertEqual(self.read("secret/data/grafana#port"), "secret 3000")
        path, headers = self.vault.seen[0]
        self.assertEqual(path, "/v1/secret/data/grafana")
        self.assertEqual(headers["X-Vault-Token"], TOKEN)

    def test_all_fields(self):
        answer = self.read("secret/data/grafana")
        self.assertTrue(answer.startswith("secret {"))
        self.assertEqual(json.loads(answer[7:])["nested"], {"a": [1]})

    def test_odd_path(self):
        self.assertEqual(self.read("secret/data/a b%#x"), 'secret "y"')

    def test_names_of_openbao(self):
        self.assertEqual(self.read("secret/data/grafana#user", VAULT_ADDR=None, VAULT_TOKEN=None, BAO_ADDR=f"http://127.0.0.1:{self.vault.port}", BAO_TOKEN=TOKEN), 'secret "admin"')

    def test_token_file(self):
        (self.directory / ".vault-token").write_text(TOKEN + "\n")
        self.assertEqual(self.read("secret/data/grafana#user", VAULT_TOKEN=None, HOME=str(self.directory)), 'secret "admin"')
        self.assertIn("auth: no Vault token", self.read("secret/data/grafana#user", VAULT_TOKEN=None))

    def test_namespace(self):
        self.assertEqual(self.read("secret/data/ns#x", VAULT_NAMESPACE="team/a"), 'secret "namespaced"')
        self.assertIn("auth:", self.read("secret/data/ns#x"))

    def test_refused(self):
        answer = self.read("secret/data/grafana#user", VAULT_TOKEN="hvs.other")
        self.assertTrue(answer.startswith("auth: Vault refused"), answer)
        self.assertIn("permission denied", answer)

    def test_missing(self):
        self.assertTrue(self.read("secret/data/nothing#x").startswith("not_found: Vault has no secret"))
        answer = self.read("secret/grafana#password")
        self.assertTrue(answer.startswith("not_found:"), answer)
        self.assertIn("/data/", answer)
        answer = self.read("secret/data/deleted#x")
        self.assertTrue(answer.startswith("not_found:"), answer)
        answer = self.read("secret/data/grafana#nothing")
        self.assertTrue(answer.startswith("not_found:"), answer)
        self.assertIn("nested, password, port, user", answer)
        self.assertNotIn("horse", answer)

    def test_other_answers(self):
        self.assertTrue(self.read("secret/data/sealed#x").startswith("remote: Vault is sealed"))
        self.assertIn("standby", self.read("secret/data/standby#x"))
        self.assertIn("not JSON", self.read("secret/data/garbage#x"))
        self.assertIn("version 2", self.read("old/grafana#password"))

    def test_bad_references(self):
        for ref in ("", "#x", "secret/data/x#", "/secret/data/x#y", "secret/../sys#y"):
            self.assertTrue(self.read(ref).startswith("invalid:"), ref)
        self.assertIn("no Vault address", self.read("secret/data/grafana#user", VAULT_ADDR=None))
        self.assertEqual(self.vault.seen, [])

    def test_tls(self):
        self.vault = self.server(Vault, tls=True)
        address = f"https://127.0.0.1:{self.vault.port}"
        self.assertTrue(self.read("secret/data/grafana#user", VAULT_ADDR=address).startswith("unreachable:"))
        self.assertEqual(self.vault.seen, [])  # the token did not leave
        self.assertEqual(self.read("secret/data/grafana#user", VAULT_ADDR=address, VAULT_CACERT=str(self.certificate)), 'secret "admin"')


if __name__ == "__main__":
    unittest.main(verbosity=2)
