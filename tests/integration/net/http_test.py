"""HTTP against strict little servers."""

import gzip
import json
import subprocess
import unittest

from http_servers import Case, Plain, Proxy, Raw, environment
from support import BIN, free_port, is_free, refusing_port, wait_for

TOKEN = "hvs.test-token-that-must-not-show"
SECRET = "correct horse \u2603"
INVALID, UNREACHABLE, TLS, TIMEOUT, TOO_LARGE, CANCELLED = range(1, 7)  # enum sw_http_failure


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
        answers = self.get(*[{"url": f"http://127.0.0.1:{server.port}/meet12"}] * 12)
        self.assertEqual([answer["status"] for answer in answers], [200] * 12)

    def test_limits(self):
        server = self.server(Plain)
        for path in ("huge", "endless"):
            (answer,) = self.get({"url": f"http://127.0.0.1:{server.port}/{path}", "max_body": 1_000_000})
            self.assertEqual(answer["code"], "limit", answer["message"])
        (answer,) = self.get({"url": f"http://127.0.0.1:{server.port}/huge"})
        self.assertEqual((answer["code"], len(answer["body"])), (None, 3_000_000))

    def test_failures(self):
        server, closed = self.server(Plain), refusing_port(self)
        for request, code, words in (
            ({"url": f"http://user:{SECRET.split()[0]}@127.0.0.1:{closed}/path?token={TOKEN}"}, "unreachable", f"GET http://127.0.0.1:{closed}/path: "),
            ({"url": f"http://127.0.0.1:{server.port}/never", "timeout_ms": 300}, "timeout", "no answer in time"),
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
        (answer,) = self.get({"method": "POST", "body": "x", "url": f"http://127.0.0.1:{refusing_port(self)}/"})
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
        server, url = self.raw(["hang up at once"], ["reset"])  # what starts or stops is not what cannot be trusted
        for _ in range(2):
            (answer,) = self.get({"method": "POST", "body": "x", "url": url.replace("http:", "https:")})
            self.assertEqual((answer["failure"], answer["sent"]), (UNREACHABLE, False), answer)

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
        """A byte now and then does not put off the deadline."""
        server, url = self.raw([[b"HTTP/1.1 200 OK\r\nContent-Length: 6000\r\n\r\n", *[b"x", 0.1] * 6000]], [[b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n", 0.1] * 6000]])
        for _ in range(2):
            (answer,) = self.get({"url": url, "timeout_ms": 600})
            self.assertEqual((answer["failure"], answer["sent"]), (TIMEOUT, True))

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
        slow = {"url": f"http://127.0.0.1:{server.port}/never", "cancel_after_ms": 1000}
        answers = self.get(*[slow] * 16, *[slow | {"cancel_after_ms": 100}] * 4)  # these four still wait for their turn
        self.assertEqual({(answer["code"], answer["failure"]) for answer in answers}, {("cancelled", CANCELLED)})
        self.assertEqual(sorted(answer["sent"] for answer in answers), [False] * 4 + [True] * 16)

    def test_http_2(self):
        port = free_port()
        (self.directory / "index.html").write_text("hello")
        daemon = subprocess.Popen(["nghttpd", "-a", "127.0.0.1", "-d", self.directory, str(port), self.key, self.certificate], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.terminate)
        wait_for(lambda: not is_free(port), what="nghttpd")
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
        self.get({"url": f"http://127.0.0.1:{server.port}/never", "timeout_ms": 200}, {"url": "http://127.0.0.1:1/"}, log=log)
        lines = sorted(log.read_text().splitlines()[1:])
        self.assertEqual(len(lines), 2)
        self.assertRegex(lines[0], r"GET http://127\.0\.0\.1:1/: Failed to connect .*, nothing sent$")
        self.assertRegex(lines[1], r"/never: no answer in time in \d+ ms, 0 bytes out, 0 bytes in, new connection, sent$")

    def test_free_with_requests_under_way(self):
        server = self.server(Plain)
        answers = self.get({"url": f"http://127.0.0.1:{server.port}/never"}, {"url": f"http://127.0.0.1:{server.port}/"}, {"free_after_ms": 500})
        self.assertEqual({answer["url"].rsplit("/", 1)[1]: answer["code"] for answer in answers}, {"": None, "never": "cancelled"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
