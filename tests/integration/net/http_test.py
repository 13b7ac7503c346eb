"""HTTP against strict little servers, and Vault against one that answers as Vault does."""

import http.server
import json
import os
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path
from urllib.parse import unquote

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


class Plain(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, status, body, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def handle_any(self):
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        self.server.seen.append((self.command, self.path, dict(self.headers), body, self.client_address))
        if self.path == "/redirect":
            return self.reply(302, b"over there", Location="/other")
        if self.path == "/slow":
            time.sleep(3)
        if self.path.startswith("/nap"):
            time.sleep(0.4)
        if self.path == "/huge":
            return self.reply(200, b"x" * 3_000_000)
        if self.path == "/endless":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                for _ in range(1000):
                    self.wfile.write(b"10000\r\n" + b"y" * 65536 + b"\r\n")
            except OSError:
                pass
            self.close_connection = True
            return
        if self.path == "/cut":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"short")
            self.close_connection = True
            return
        self.reply(404 if self.path == "/missing" else 200, b"" if self.command == "HEAD" else self.command.encode() + b" " + body, X_Test="yes")

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = handle_any

    def log_message(self, *_):
        pass


class Listener(http.server.ThreadingHTTPServer):
    request_queue_size = 64  # with the usual five, the sixth of many connections at once waits a second

    def handle_error(self, *_):
        pass  # clients that hang up in the middle are part of the tests


class Server:
    def __init__(self, handler, certificate=None):
        self.http = Listener(("127.0.0.1", 0), handler)
        self.http.daemon_threads = True
        self.http.seen = []
        self.seen = self.http.seen
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()


def environment(**more):
    env = {name: value for name, value in os.environ.items() if not name.startswith(("VAULT_", "BAO_")) and name.lower() not in ("http_proxy", "https_proxy", "all_proxy")}
    return env | {"HOME": "/nonexistent"} | more


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="slipway-http-")
        cls.directory = Path(cls.temporary.name)
        cls.certificate, cls.key = cls.directory / "cert.pem", cls.directory / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", cls.key, "-out", cls.certificate], check=True, capture_output=True)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def server(self, handler, tls=False):
        server = Server(handler, (self.certificate, self.key) if tls else None)
        self.addCleanup(server.close)
        return server


class Http(Case):
    def get(self, *requests):
        spec = self.directory / "requests.json"
        spec.write_text(json.dumps(requests))
        done = subprocess.run([BIN / "net_http_get", spec], capture_output=True, text=True, timeout=60, env=environment())
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_methods(self):
        server = self.server(Plain)
        url = f"http://127.0.0.1:{server.port}/x?q=1"
        for method, body in (("GET", None), ("POST", "a=1"), ("PUT", ""), ("PATCH", "{}"), ("DELETE", None), ("HEAD", None), ("DELETE", "why")):
            (answer,) = self.get({"method": method, "url": url, "body": body, "headers": ["X-Mine: 1", "Content-Type: text/x"] if body else []})
            self.assertEqual((answer["code"], answer["status"]), (None, 200))
            self.assertEqual(answer["body"], "" if method == "HEAD" else f"{method} {body or ''}")
            self.assertIn("X-Test: yes", answer["headers"])
            seen = server.seen[-1]
            self.assertEqual((seen[0], seen[1], seen[3].decode()), (method, "/x?q=1", body or ""))
            self.assertNotIn("Expect", seen[2])
            self.assertEqual(seen[2].get("Content-Type"), "text/x" if body else None)

    def test_status_is_no_error(self):
        server = self.server(Plain)
        (answer,) = self.get({"url": f"http://127.0.0.1:{server.port}/missing"})
        self.assertEqual((answer["code"], answer["status"]), (None, 404))

    def test_redirects_are_not_followed(self):
        server = self.server(Plain)
        (answer,) = self.get({"url": f"http://127.0.0.1:{server.port}/redirect"})
        self.assertEqual((answer["status"], answer["body"], len(server.seen)), (302, "over there", 1))

    def test_connections_are_reused(self):
        server = self.server(Plain)
        url = f"http://127.0.0.1:{server.port}/"
        answers = self.get({"url": url + "1", "then": {"url": url + "2", "then": {"url": url + "3"}}})
        self.assertEqual([answer["status"] for answer in answers], [200] * 3)
        self.assertEqual(len({seen[4] for seen in server.seen}), 1)

    def test_in_parallel(self):
        server = self.server(Plain)
        answers = self.get(*({"url": f"http://127.0.0.1:{server.port}/nap{i}"} for i in range(12)))
        self.assertEqual(len(answers), 12)
        self.assertLess(max(answer["at_ms"] for answer in answers), 1200)

    def test_limits(self):
        server = self.server(Plain)
        for path in ("huge", "endless"):
            (answer,) = self.get({"url": f"http://127.0.0.1:{server.port}/{path}", "max_body": 1_000_000})
            self.assertEqual(answer["code"], "limit", answer["message"])
        (answer,) = self.get({"url": f"http://127.0.0.1:{server.port}/huge"})
        self.assertEqual((answer["code"], len(answer["body"])), (None, 3_000_000))

    def test_failures(self):
        server = self.server(Plain)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            closed = listener.getsockname()[1]
        for request, code, words in (
            ({"url": f"http://user:{SECRET.split()[0]}@127.0.0.1:{closed}/path?token={TOKEN}"}, "unreachable", f"GET http://127.0.0.1:{closed}/path: "),
            ({"url": f"http://127.0.0.1:{server.port}/slow", "timeout_ms": 300}, "timeout", "no answer in time"),
            ({"url": f"http://127.0.0.1:{server.port}/cut"}, "unreachable", ""),
            ({"url": "http://no-such-host.invalid/"}, "unreachable", "resolve"),
            ({"url": "file:///etc/passwd"}, "invalid", ""),
            ({"url": "ftp://127.0.0.1/"}, "invalid", ""),
            ({"url": "nonsense://"}, "invalid", ""),
        ):
            (answer,) = self.get(request)
            self.assertEqual(answer["code"], code, answer)
            self.assertIn(words, answer["message"])
            self.assertNotIn(TOKEN, answer["message"])
            self.assertNotIn("horse", answer["message"])
            self.assertEqual(answer["body"] if code == "invalid" else "", "")

    def test_tls(self):
        server = self.server(Plain, tls=True)
        url = f"https://127.0.0.1:{server.port}/"
        (answer,) = self.get({"url": url})
        self.assertEqual(answer["code"], "unreachable")
        self.assertIn("not trusted", answer["message"])
        (answer,) = self.get({"url": url, "ca_file": str(self.certificate)})
        self.assertEqual((answer["code"], answer["status"]), (None, 200))
        (answer,) = self.get({"url": f"https://localhost:{server.port}/", "ca_file": str(self.certificate)})
        self.assertEqual(answer["code"], "unreachable")  # the certificate names the address, not the name
        (answer,) = self.get({"url": url, "ca_file": "/nonexistent"})
        self.assertEqual(answer["code"], "io")
        self.assertEqual(len(server.seen), 1)

    def test_free_with_requests_under_way(self):
        server = self.server(Plain)
        answers = self.get({"url": f"http://127.0.0.1:{server.port}/slow"}, {"url": f"http://127.0.0.1:{server.port}/"}, {"free_after_ms": 500})
        self.assertEqual({answer["url"].rsplit("/", 1)[1]: answer["code"] for answer in answers}, {"": None, "slow": "cancelled"})


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
