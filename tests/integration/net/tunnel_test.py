"""What an API server asks of HTTP: client certificates, other names, streams, and a way through a host's SSH session. Real sshd, real TLS."""

import http.server
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

from support import BIN, SshdFarm, wait_for

NAME = "kubernetes.default.svc"


class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.seen.append((self.path, self.client_address, self.connection.getpeercert().get("subject"), dict(self.headers)))
        if not self.path.startswith("/watch"):
            body = self.path.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(3):
            self.wfile.write(b"%x\r\n%s\r\n" % (7, b"event %d" % number))
            self.wfile.flush()
            time.sleep(0.3)
        if self.path == "/watch/others":
            wait_for(lambda: sum(not path.startswith("/watch") for path, *_ in self.server.seen) == 4, what="four requests beside the streams")
        if self.path == "/watch/cut":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_):
        pass


class Listener(http.server.ThreadingHTTPServer):
    request_queue_size = 64
    daemon_threads = True

    def handle_error(self, *_):
        pass


def openssl(*arguments, directory):
    subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)


def certify(directory: Path, name: str, subject: str, ca: str, extra: str = "") -> None:
    (directory / f"{name}.cnf").write_text(f"basicConstraints=CA:FALSE\n{extra}\n")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", subject, directory=directory)
    openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.crt", "-CAkey", f"{ca}.key", "-days", "2", "-extfile", f"{name}.cnf", "-out", f"{name}.crt", directory=directory)


def authority(directory: Path, name: str) -> None:
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.crt", "-days", "2", "-subj", f"/CN={name}", directory=directory)


class Tunnel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = Path(tempfile.mkdtemp(prefix="slipway-tunnel-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        for name in ("ca", "other"):
            authority(cls.directory, name)
        certify(cls.directory, "server", "/CN=api", "ca", f"subjectAltName=DNS:{NAME}")
        certify(cls.directory, "client", "/O=system:masters/CN=admin", "ca")
        certify(cls.directory, "stranger", "/CN=admin", "other")
        cls.farm = SshdFarm(cls.directory / "farm", 2)
        cls.farm.up()
        cls.addClassCleanup(cls.farm.down)

    def setUp(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.directory / "server.crt", self.directory / "server.key")
        context.load_verify_locations(self.directory / "ca.crt")
        context.verify_mode = ssl.CERT_REQUIRED
        self.api = Listener(("127.0.0.1", 0), Api)
        self.api.seen = []
        self.api.socket = context.wrap_socket(self.api.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.api.server_address[1]
        threading.Thread(target=self.api.serve_forever, args=(0.02,), daemon=True).start()
        self.addCleanup(self.api.server_close)
        self.addCleanup(self.api.shutdown)

    def pem(self, name: str) -> str:
        return (self.directory / name).read_text()

    def request(self, path: str = "/a", **more) -> dict:
        return {"url": f"https://127.0.0.1:{self.port}{path}", "ca": self.pem("ca.crt"), "cert": self.pem("client.crt"), "key": self.pem("client.key"),
                "server_name": NAME, **more}

    def through(self, path: str = "/a", node: int = 1, to_port: int | None = None, connection: dict | None = None, **more) -> dict:
        host = self.farm.node(node)
        return self.request(path, **more) | {"url": f"https://{NAME}:{self.port}{path}", "server_name": None, "tunnel": {"to_port": to_port or self.port, "connection": {
            "address": "127.0.0.1", "port": host.port, "user": self.farm.user, "key": str(self.farm.key), "host_key": host.host_key, "agent": False, **(connection or {})}}}

    def send(self, *requests: dict) -> list[dict]:
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump([{name: value for name, value in request.items() if value is not None} for request in requests], file)
            file.flush()
            env = {name: value for name, value in os.environ.items() if name.lower() not in ("http_proxy", "https_proxy", "all_proxy", "ssh_auth_sock")}
            done = subprocess.run([BIN / "net_http_get", file.name], capture_output=True, text=True, timeout=60, env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_client_certificate(self):
        answer, = self.send(self.request())
        self.assertEqual((answer["status"], answer["body"], answer["code"]), (200, "/a", None))
        path, _, subject, headers = self.api.seen[0]
        self.assertIn((("commonName", "admin"),), subject)
        self.assertEqual(headers["Host"], f"{NAME}:{self.port}")

    def test_what_is_not_trusted(self):
        for case, words in ({"server_name": None}, "certificate"), ({"server_name": "other.name"}, "certificate"), ({"ca": self.pem("other.crt")}, "not trusted"), ({"key": self.pem("server.key")}, "key"):
            answer, = self.send(self.request(**case))
            self.assertEqual((answer["failure"], answer["sent"]), (3, False), answer)
            self.assertIn(words, answer["message"])
            self.assertNotIn("BEGIN", answer["message"])
        for case in {"cert": None, "key": None}, {"cert": self.pem("stranger.crt"), "key": self.pem("stranger.key")}:
            answer, = self.send(self.request(**case))
            self.assertIn(answer["failure"], (2, 3), answer)
        self.assertEqual(self.api.seen, [])

    def test_a_stream_comes_as_it_is_written(self):
        for make in self.request, self.through:
            *pieces, end = self.send(make("/watch", stream=True))
            self.assertEqual("".join(piece["data"] for piece in pieces), "event 0event 1event 2")
            self.assertEqual([piece["status"] for piece in pieces], [200] * len(pieces))
            self.assertGreater(end["at_ms"] - pieces[0]["at_ms"], 500)
            self.assertEqual((end["code"], end["status"], end["body"]), (None, 200, ""))

    def test_a_stream_that_breaks_off(self):
        *pieces, end = self.send(self.request("/watch/cut", stream=True))
        self.assertEqual((len(pieces), end["failure"], end["sent"]), (3, 2, True))

    def test_a_stream_does_not_hold_up_others(self):
        """The streams do not end before the others have been asked for."""
        answers = self.send(*[self.request("/watch/others", stream=True) for _ in range(30)], *[self.request(f"/{i}") for i in range(4)])
        self.assertEqual(sorted(answer["body"] for answer in answers if "body" in answer), [""] * 30 + ["/0", "/1", "/2", "/3"])
        self.assertEqual([answer["code"] for answer in answers if answer.get("code")], [])

    def test_streams_have_a_limit(self):
        answers = self.send(*[self.request("/watch", stream=True) for _ in range(66)])
        refused = [answer for answer in answers if answer.get("code")]
        self.assertEqual([answer["failure"] for answer in refused], [1, 1])
        self.assertIn("more than 64 streams", refused[0]["message"])

    def test_through_a_host(self):
        """The certificate is verified against the URL's name, which no name server knows."""
        answer, = self.send(self.through())
        self.assertEqual((answer["status"], answer["body"], answer["code"]), (200, "/a", None))

    def test_one_connection_for_requests_in_turn(self):
        chain = self.request("/3")
        for number in range(2, -1, -1):
            chain = self.request(f"/{number}", then=chain)
        answers = self.send(chain)
        self.assertEqual([answer["body"] for answer in answers], ["/0", "/1", "/2", "/3"])
        self.assertEqual(len({address for _, address, _, _ in self.api.seen}), 1)

    def test_one_session_for_connections_at_once(self):
        before = Path(self.farm.node(1).log).read_text().count("Accepted publickey")
        answers = self.send(*[self.through(f"/{number}") for number in range(10)])
        self.assertEqual(sorted(answer["body"] for answer in answers), [f"/{number}" for number in range(10)])
        self.assertEqual(Path(self.farm.node(1).log).read_text().count("Accepted publickey") - before, 1)

    def test_over_a_bastion(self):
        near = self.farm.node(2)
        bastion = {"address": "127.0.0.1", "port": near.port, "user": self.farm.user, "key": str(self.farm.key), "host_key": near.host_key, "agent": False}
        answer, = self.send(self.through(connection={"bastion": bastion}))
        self.assertEqual((answer["status"], answer["code"]), (200, None))

    def test_no_way(self):
        closed, = self.send(self.through(to_port=1))
        self.assertEqual((closed["failure"], closed["sent"]), (2, False))
        self.assertIn("cannot connect to 127.0.0.1 port 1", closed["message"])
        nobody, = self.send(self.through(connection={"port": 1}))
        self.assertEqual((nobody["failure"], nobody["sent"]), (2, False))
        self.assertIn("port 1: Connection refused", nobody["message"])
        wrong, = self.send(self.through(connection={"host_key": self.farm.node(2).host_key}))
        self.assertEqual((wrong["failure"], wrong["sent"]), (3, False))
        self.assertIn("host key", wrong["message"])
        key, = self.send(self.through(connection={"user": self.farm.user, "key": str(self.directory / "client.key")}))
        self.assertEqual((key["failure"], key["sent"]), (3, False), key)
        self.assertEqual(self.api.seen, [])

    def test_given_up(self):
        """While it waits for the SSH session, which a server that says nothing never lets begin."""
        with socket.create_server(("127.0.0.1", 0)) as mute:
            connection = {"port": mute.getsockname()[1], "connect_timeout": 600}
            answer, = self.send(self.through("/watch", stream=True, cancel_after_ms=300, connection=connection))
        self.assertEqual((answer["failure"], answer["sent"]), (6, False))

    def test_the_session_is_made_anew(self):
        node = self.farm.node(1)
        slow = self.through("/watch", stream=True, then=self.through("/after"))
        killer = threading.Timer(0.5, lambda: (self.farm.stop(1), self.farm.start(1)))
        killer.start()
        *pieces, end, after = self.send(slow)
        killer.join()
        self.assertEqual(end["failure"], 2, end)
        self.assertTrue(end["sent"])
        if after["code"]:  # it came while the node was down
            self.assertIn(str(node.port), after["message"])
            after, = self.send(self.through("/after"))
        self.assertEqual(after["body"], "/after")


if __name__ == "__main__":
    unittest.main()
