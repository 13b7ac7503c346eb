"""Strict little servers on loopback for the tests of HTTP: one that answers, one that does to each connection what its script says, a proxy."""

import http.server
import os
import select
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path


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
        if self.path == "/never":
            self.server.closing.wait(600)
        if self.path.startswith("/meet"):  # those who ask for it are answered when as many are here as its name says
            try:
                self.server.meetings.setdefault(self.path, threading.Barrier(int(self.path[5:]))).wait(60)
            except threading.BrokenBarrierError:
                return self.reply(503, b"the others did not come")
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
        self.http.seen, self.http.closing, self.http.meetings = [], threading.Event(), {}
        self.seen = self.http.seen
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.http.closing.set()
        self.http.shutdown()
        self.http.server_close()


class Raw:
    """Does to each connection what its script says: {"answer": bytes} after a whole request, "hang up" after one, "reset" after its first byte, or {"first": ...} before any."""

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
                if step == "reset":  # in the middle of a TLS handshake, say
                    connection.recv(1)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
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
                    time.sleep(600)
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
