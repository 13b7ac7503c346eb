"""HTTP against strict little servers, and Vault against one that answers as Vault does."""

import gzip
import http.server
import json
import os
import select
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


INVALID, UNREACHABLE, TLS, TIMEOUT, TOO_LARGE, CANCELLED = range(1, 7)  # enum sw_http_failure


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_for_port(port):
    until = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


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


class Raw:
    """Does to each connection what its script says: {"answer": bytes} after a whole request, "hang up" after one, or {"first": ...} before any."""

    def __init__(self, *connections):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.requests = []
        self.connections = list(connections)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        try:
            while True:
                connection, _ = self.socket.accept()
                threading.Thread(target=self.one, args=(connection, self.connections.pop(0) if self.connections else ["hang up"]), daemon=True).start()
        except OSError:
            pass

    def one(self, connection, script):
        with connection, connection.makefile("rb") as lines:
            for step in script:
                if step == "hang up at once":
                    return
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    line = lines.readline()
                    if not line:
                        return
                    head += line
                length = [int(line.split(b":")[1]) for line in head.lower().splitlines() if line.startswith(b"content-length:")]
                self.requests.append((head, lines.read(length[0] if length else 0)))
                if step == "hang up":
                    return
                if step == "hang":
                    time.sleep(30)
                for part in step if isinstance(step, list) else [step]:
                    if isinstance(part, float):
                        time.sleep(part)
                    else:
                        try:
                            connection.sendall(part)
                        except OSError:
                            return

    def close(self):
        self.socket.close()


class Proxy:
    """A forward proxy: CONNECT for https, the whole URL in the request line for http. Wants a password when it has one."""

    def __init__(self, password=None):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.password, self.seen = password, []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        try:
            while True:
                threading.Thread(target=self.one, args=(self.socket.accept()[0],), daemon=True).start()
        except OSError:
            pass

    def one(self, client):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = client.recv(1)
            if not byte:
                return
            head += byte
        method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
        self.seen.append((method, target, head))
        if self.password and b"Proxy-Authorization: Basic " + self.password not in head:
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            client.close()
            return
        if method == "CONNECT":
            host, port = target.rsplit(":", 1)
        elif target.startswith("http://"):
            host, port = target.split("/")[2].split(":")
        else:
            client.sendall(b"HTTP/1.1 400 No Proxy Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            client.close()
            return
        server = socket.create_connection((host, int(port)))
        if method == "CONNECT":
            client.sendall(b"HTTP/1.1 200 Connection established\r\nX-From-Proxy: yes\r\n\r\n")
        else:
            line, rest = head.split(b"\r\n", 1)
            server.sendall(f"{method} /{target.split('/', 3)[3]} HTTP/1.1\r\n".encode() + rest)
        while True:
            ready, _, _ = select.select([client, server], [], [], 30)
            for one in ready:
                try:
                    data = one.recv(65536)
                except OSError:
                    data = b""
                if not data:
                    client.close()
                    server.close()
                    return
                (server if one is client else client).sendall(data)

    def close(self):
        self.socket.close()


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
    def get(self, *requests, log=None, **env):
        spec = self.directory / "requests.json"
        spec.write_text(json.dumps(requests))
        done = subprocess.run([BIN / "net_http_get", spec, *([log] if log else [])], capture_output=True, text=True, timeout=60, env=environment(**env))
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def raw(self, *connections):
        server = Raw(*connections)
        self.addCleanup(server.close)
        return server, f"http://127.0.0.1:{server.port}/"

    def proxy(self, password=None):
        proxy = Proxy(password)
        self.addCleanup(proxy.close)
        return proxy

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

    def test_what_was_sent(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            closed = listener.getsockname()[1]
        (answer,) = self.get({"method": "POST", "body": "x", "url": f"http://127.0.0.1:{closed}/"})
        self.assertEqual((answer["failure"], answer["sent"]), (UNREACHABLE, False))
        server, url = self.raw(["hang up at once"], ["hang up"], ["hang"])
        for expected in (UNREACHABLE, UNREACHABLE, TIMEOUT):
            (answer,) = self.get({"method": "POST", "body": "x", "url": url, "timeout_ms": 500})
            self.assertEqual((answer["failure"], answer["sent"]), (expected, True))  # at once or later: it cannot be told what was read
        self.assertEqual([body for _, body in server.requests], [b"x", b"x"])
        tls = self.server(Plain, tls=True)
        (answer,) = self.get({"method": "POST", "body": "x", "url": f"https://127.0.0.1:{tls.port}/"})
        self.assertEqual((answer["failure"], answer["sent"], tls.seen), (TLS, False, []))
        (answer,) = self.get({"method": "POST", "body": "x", "url": f"https://127.0.0.1:{self.server(Plain).port}/"})
        self.assertEqual((answer["failure"], answer["sent"]), (TLS, False))

    def test_nothing_is_sent_twice(self):
        """A reused connection ends without an answer: a GET goes again, on a new one; the server may have acted on the others."""
        fine = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        for method, again in (("GET", True), ("HEAD", True), ("POST", False), ("PUT", False), ("DELETE", False), ("PATCH", False)):
            server, url = self.raw([fine, "hang up"], [fine if method != "HEAD" else fine[:-2]])
            first, second = self.get({"url": url + "1", "then": {"method": method, "url": url + "2"}})
            self.assertEqual(first["status"], 200)
            self.assertEqual((second["failure"], second["sent"], len(server.requests)), (0, True, 3) if again else (UNREACHABLE, True, 2), method)

    def test_malformed_answers(self):
        for answer, failure in (
            (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", UNREACHABLE),
            (b"<html>\n", UNREACHABLE),
            (b"HTTP/1.1\r\n\r\n", UNREACHABLE),
            (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", UNREACHABLE),
            (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", UNREACHABLE),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", TOO_LARGE),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", UNREACHABLE),
            (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 90_000 + b"\r\n" * 2, None),
            (b"HTTP/1.1 200 OK\r\n" + b"".join(b"X%d: %s\r\n" % (i, b"y" * 1000) for i in range(300)) + b"\r\n", TOO_LARGE),
        ):
            _, url = self.raw([answer])
            (got,) = self.get({"url": url, "timeout_ms": 5000})
            if failure is None:
                self.assertIn(got["failure"], (0, UNREACHABLE, TOO_LARGE), answer[:60])
            else:
                self.assertEqual((got["failure"], got["sent"]), (failure, True), (answer[:60], got["message"]))

    def test_slow_answers(self):
        server, url = self.raw([[b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n", *[b"x", 0.1] * 50]], [[b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n", 0.1] * 50]])
        for _ in range(2):
            (answer,) = self.get({"url": url, "timeout_ms": 600})
            self.assertEqual((answer["failure"], answer["sent"]), (TIMEOUT, True))
            self.assertLess(answer["at_ms"], 2500)

    def test_chunks_and_earlier_answers(self):
        _, url = self.raw([b"HTTP/1.1 100 Continue\r\nX-Early: yes\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A:  b \r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Trailer: t\r\n\r\n"])
        (answer,) = self.get({"url": url, "method": "POST", "body": "x"})
        self.assertEqual((answer["status"], answer["body"]), (200, "abcde"))
        self.assertNotIn("X-Early", answer["headers"])
        self.assertIn("X-A:", answer["headers"])

    def test_compression_is_not_undone(self):
        bomb = gzip.compress(b"\0" * 50_000_000, mtime=0)
        server, url = self.raw([b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb) + bomb])
        (answer,) = self.get({"url": url})
        self.assertEqual(answer["failure"], 0)
        self.assertLess(len(answer["body"]), 2 * len(bomb))
        self.assertNotIn(b"accept-encoding", server.requests[0][0].lower())

    def test_requests_that_are_not_sent(self):
        server, url = self.raw()
        for request in (
            {"url": url + "a b"}, {"url": url + "\u2603"}, {"url": url + "\r\nX: y"}, {"url": url + "x" * 70_000}, {"url": url, "method": "GET /x HTTP/1.1\r\n"},
            {"url": url, "headers": ["X: a\r\nY: b"]}, {"url": url, "headers": ["X"]}, {"url": url, "headers": ["X Y: z"]}, {"url": url, "headers": [": z"]},
            {"url": url, "secret_headers": ["X: hunter2\n"]}, {"url": url, "headers": ["X: " + "y" * 70_000]},
        ):
            (answer,) = self.get(request)
            self.assertEqual((answer["failure"], answer["sent"], answer["code"]), (INVALID, False, "invalid"))
            self.assertNotIn("hunter2", answer["message"])
        self.assertEqual(server.requests, [])

    def test_paths_travel_as_they_are(self):
        server, url = self.raw([b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])
        self.get({"url": url + "a/../b//c/./%2e%2F?x=%20&y#fragment", "headers": ["X-Empty:", "X-Full: v"]})
        head = server.requests[0][0]
        self.assertTrue(head.startswith(b"GET /a/../b//c/./%2e%2F?x=%20&y HTTP/1.1\r\n"), head)
        self.assertIn(b"\r\nX-Empty:\r\n", head)

    def test_many_wait_their_turn(self):
        """At most 16 to one server; another server's do not wait for them."""
        server, other = self.server(Plain), self.server(Plain)
        requests = [{"url": f"http://127.0.0.1:{server.port}/nap{i}", "timeout_ms": 2000} for i in range(112)] + [{"url": f"http://127.0.0.1:{other.port}/x"}]
        answers = self.get(*requests)
        self.assertEqual([answer["status"] for answer in answers], [200] * 113)  # waiting is not counted as a server's slowness
        self.assertEqual(len({seen[4] for seen in server.seen}), 16)
        self.assertEqual(answers[0]["url"], requests[-1]["url"])
        self.assertGreater(max(answer["at_ms"] for answer in answers), 2600)

    def test_cancel(self):
        server = self.server(Plain)
        slow = {"url": f"http://127.0.0.1:{server.port}/slow", "cancel_after_ms": 1000}
        answers = self.get(*[slow] * 16, *[slow | {"cancel_after_ms": 100}] * 4)  # these four still wait for their turn
        self.assertEqual({(answer["code"], answer["failure"]) for answer in answers}, {("cancelled", CANCELLED)})
        self.assertEqual(sorted(answer["sent"] for answer in answers), [False] * 4 + [True] * 16)
        self.assertLess(max(answer["at_ms"] for answer in answers), 2800)

    def test_http_2(self):
        port = free_port()
        (self.directory / "index.html").write_text("hello")
        daemon = subprocess.Popen(["nghttpd", "-a", "127.0.0.1", "-d", self.directory, str(port), self.key, self.certificate], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.terminate)
        wait_for_port(port)
        log = self.directory / "h2.log"
        one = {"url": f"https://127.0.0.1:{port}/index.html", "ca_file": str(self.certificate)}
        answers = self.get(one | {"then": one | {"then": one}}, log=log)
        self.assertEqual([(answer["status"], answer["body"], answer["headers"].split()[0]) for answer in answers], [(200, "hello", "HTTP/2")] * 3)
        self.assertEqual((log.read_text().count("HTTP/2"), log.read_text().count("new connection")), (3, 1))

    def test_proxies(self):
        plain, tls, proxy = self.server(Plain), self.server(Plain, tls=True), self.proxy()
        address = f"http://127.0.0.1:{proxy.port}"
        (answer,) = self.get({"url": f"http://127.0.0.1:{plain.port}/x"}, http_proxy=address)
        self.assertEqual((answer["status"], proxy.seen[-1][:2]), (200, ("GET", f"http://127.0.0.1:{plain.port}/x")))
        (answer,) = self.get({"url": f"https://127.0.0.1:{tls.port}/x", "headers": ["Authorization: hunter2"], "ca_file": str(self.certificate)}, https_proxy=address)
        self.assertEqual((answer["status"], proxy.seen[-1][:2]), (200, ("CONNECT", f"127.0.0.1:{tls.port}")))
        self.assertNotIn(b"hunter2", proxy.seen[-1][2])
        self.assertNotIn("X-From-Proxy", answer["headers"])
        (answer,) = self.get({"url": f"https://127.0.0.1:{tls.port}/x"}, https_proxy=address)
        self.assertEqual((answer["failure"], answer["sent"]), (TLS, False))  # it is the server's certificate that counts
        count = len(proxy.seen)
        (answer,) = self.get({"url": f"http://127.0.0.1:{plain.port}/x"}, http_proxy=address, no_proxy="127.0.0.1")
        self.assertEqual((answer["status"], len(proxy.seen)), (200, count))
        # The machine's own metadata service is never asked through one.
        (answer,) = self.get({"url": "http://[fe80::1]:1/latest/api/token"}, http_proxy=address)
        self.assertNotEqual(answer["failure"], 0)
        self.assertEqual(len(proxy.seen), count)

    def test_proxy_password(self):
        tls, proxy = self.server(Plain, tls=True), self.proxy(b"dXNlcjpodW50ZXIy")
        log, one = self.directory / "proxy.log", {"url": f"https://127.0.0.1:{tls.port}/x", "ca_file": str(self.certificate)}
        (answer,) = self.get(one, https_proxy=f"http://user:hunter2@127.0.0.1:{proxy.port}", log=log)
        self.assertEqual(answer["status"], 200)
        (answer,) = self.get(one, https_proxy=f"http://user:wrong7@127.0.0.1:{proxy.port}", log=log)
        self.assertEqual((answer["failure"], answer["sent"]), (UNREACHABLE, False))
        self.assertIn("407", answer["message"])
        for text in (log.read_text(), answer["message"]):
            self.assertNotRegex(text, "hunter2|wrong7|dXNlcjp")

    def test_log(self):
        server, log = self.server(Plain), self.directory / "http.log"
        self.get({
            "method": "POST", "url": f"http://joe:hunter2@127.0.0.1:{server.port}/x?Action=List&X-Amz-Signature=hunter2&token=hunter2&n=1&flag#hunter2", "body": "password=hunter2",
            "headers": ["Authorization: hunter2", "X-Amz-Security-Token: hunter2", "Cookie: hunter2", "X-Vault-Token: hunter2", "X-aws-ec2-metadata-token: hunter2",
                        "Proxy-Authorization: hunter2", "X-Api-Key: hunter2", "X-Amz-Target: Some.Thing"],
            "secret_headers": ["X-Harmless: hunter2"], "note": "DescribeVpcs"}, log=log)
        text = log.read_text()
        self.assertNotIn("hunter2", text)
        self.assertNotIn("joe", text)
        self.assertRegex(text, rf"POST http://127\.0\.0\.1:{server.port}/x\?Action=List&X-Amz-Signature=\(redacted\)&token=\(redacted\)&n=1&flag \(DescribeVpcs\) ")
        self.assertIn("X-Amz-Target: Some.Thing", text)
        self.assertRegex(text, r": 200 in \d+ ms, 16 bytes out, 21 bytes in, new connection\n$")
        self.get({"url": f"http://127.0.0.1:{server.port}/slow", "timeout_ms": 200}, {"url": "http://127.0.0.1:1/"}, log=log)
        lines = sorted(log.read_text().splitlines()[1:])
        self.assertEqual(len(lines), 2)
        self.assertRegex(lines[0], r"GET http://127\.0\.0\.1:1/: Failed to connect .*, nothing sent$")
        self.assertRegex(lines[1], r"/slow: no answer in time in \d+ ms, 0 bytes out, 0 bytes in, new connection, sent$")

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
