"""What a provider's client reaches the outside by, in the real program: signed requests, the log, Ctrl-C, a stranger's provider."""

import hashlib
import hmac
import http.server
import re
import threading
import time
import urllib.parse

from harness import Case, unittest, wait_for

KEY, SECRET, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "AQoDYXdzEPT//////////wEXAMPLE=="

PROVIDER = """
local resource, provider = require "resource", require "provider"
provider.define("things", { client = function(config, io)
  local client = { io = io }
  function client.call(_, method, path, body, more)
    local request = {
      url = config.url .. path, method = method, body = body, note = "things " .. path, timeout = 20,
      headers = { ["Content-Type"] = "application/x-www-form-urlencoded", ["X-Harmless"] = io.env("THINGS_SECRET", true) },
      sign = { service = "things", region = "eu-west-1", key = io.env("THINGS_KEY", true), secret = io.env("THINGS_SECRET", true), token = io.env("THINGS_TOKEN", true) },
    }
    for key, value in pairs(more or {}) do request[key] = value end
    return io.http(request)
  end
  return client
end })
return resource "thing" {
  doc = "A thing.", on = "api", provider = "things",
  schema = { size = { "int", required = true, doc = "how large" }, password = { "string", sensitive = true, doc = "to get in" }, id = { "string", computed = true, doc = "its number" } },
  list = function(client, items)
    local reads = {}
    for i, item in ipairs(items) do reads[i] = function() return client:call("GET", "/things/" .. item._name .. "?b=2&a-b=&a=%2F") end end
    local found = {}
    for i, answer in ipairs(client.io.all(reads)) do
      if answer.status == 200 then
        local t = xml.decode(answer.body)
        found[items[i]._name] = { size = tonumber(t.size), password = t.password, id = t.id }
      elseif answer.status ~= 404 then
        fail(answer.error or answer.body)
      end
    end
    return found
  end,
  create = function(client, r, line)
    line("asking for " .. r._name)
    local answer = client:call("POST", "/things/" .. r._name, "size=" .. r.size .. "&password=" .. r.password)
    if answer.status ~= 200 then fail(("%s, sent: %s"):format(answer.error or answer.body, answer.sent)) end
    return { id = xml.decode(answer.body).id }
  end,
  delete = function(client, r) client:call("DELETE", "/things/" .. r._name) end,
}
"""


def encode(text):
    return urllib.parse.quote(text, safe="-_.~")


def sign(handler, body, secret):
    """Signature Version 4 of a request as it came, written from AWS's description of it."""
    path, _, query = handler.path.partition("?")
    pairs = sorted((encode(urllib.parse.unquote(name)), encode(urllib.parse.unquote(value))) for name, _, value in (part.partition("=") for part in query.split("&") if part))
    match = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})", handler.headers["Authorization"])
    key, day, region, service, names, signature = match.groups()
    headers = "".join(f"{name}:{' '.join(handler.headers[name].split())}\n" for name in names.split(";"))
    canonical = "\n".join((handler.command, path, "&".join(f"{name}={value}" for name, value in pairs), headers, names, hashlib.sha256(body).hexdigest()))
    scope = f"{day}/{region}/{service}/aws4_request"
    to_sign = "\n".join(("AWS4-HMAC-SHA256", handler.headers["X-Amz-Date"], scope, hashlib.sha256(canonical.encode()).hexdigest()))
    part = ("AWS4" + secret).encode()
    for text in (day, region, service, "aws4_request"):
        part = hmac.new(part, text.encode(), hashlib.sha256).digest()
    return key, names.split(";"), signature, hmac.new(part, to_sign.encode(), hashlib.sha256).hexdigest()


class Things(http.server.BaseHTTPRequestHandler):
    """A service that checks every signature, and that nothing it must know is left unsigned."""

    protocol_version = "HTTP/1.1"

    def refusal(self, body):
        if "Authorization" not in self.headers:
            return "no signature"
        key, names, given, right = sign(self, body, SECRET)
        if key != KEY or self.headers.get("X-Amz-Security-Token") != TOKEN:
            return "unknown credentials"
        if given != right:
            return "wrong signature"
        if not {"host", "x-amz-date", "x-amz-security-token", "content-type", "x-harmless"} <= set(names):
            return "something is not signed"
        if abs(time.mktime(time.strptime(self.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ")) - time.mktime(time.gmtime())) > 300:
            return "not now"
        return None

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, self.path, self.client_address))
        why = self.refusal(body)
        name = self.path.partition("?")[0].removeprefix("/things/")
        if name.startswith("stuck") and self.command == self.server.stuck:
            self.server.waiting.append(name)
            self.connection.settimeout(30)
            if self.connection.recv(1) == b"":
                self.server.hung_up.append(name)
            self.close_connection = True
            return
        if why:
            status, text = 403, why
        elif self.command == "POST":
            given = dict(urllib.parse.parse_qsl(body.decode(), strict_parsing=True))
            self.server.things[name] = {"id": f"t-{len(self.server.things)}", **given}
            status, text = 200, f"<Made><id>{self.server.things[name]['id']}</id></Made>"
        elif name not in self.server.things:
            status, text = 404, "no such thing"
        elif self.command == "DELETE":
            del self.server.things[name]
            status, text = 200, ""
        else:
            status, text = 200, "<Thing>" + "".join(f"<{key}>{value}</{key}>" for key, value in self.server.things[name].items()) + "</Thing>"
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_DELETE = answer

    def log_message(self, *_):
        pass


class Io(Case):
    env = {"THINGS_KEY": KEY, "THINGS_SECRET": SECRET, "THINGS_TOKEN": TOKEN, "http_proxy": "", "HTTP_PROXY": ""}

    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Things)
        self.server.daemon_threads = True
        self.server.things, self.server.seen, self.server.stuck, self.server.waiting, self.server.hung_up = {}, [], "", [], []
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def things(self, *names):
        url = f"http://127.0.0.1:{self.server.server_port}"
        play = [f'local thing = require "thing"\nprovider "things" {{ name = "things", url = "{url}" }}', *(f'thing "{name}" {{ size = 2, password = secret "hunter2" }}' for name in names)]
        site = self.site("\n".join(play), each=False)
        (site.directory / "thing.lua").write_text(PROVIDER)
        return site

    def test_signed_and_secret(self):
        site = self.things("a", "b", "c")
        log, plan = site.directory / "trace.log", site.directory / "x.plan"
        site.run("plan", "--trace", str(log), "--out", str(plan), env=self.env).expect(0, "3 to create")
        result = site.run("apply", "--yes", "--trace", str(log), env=self.env).expect(0, "3 done")
        self.assertEqual(self.server.things["b"], {"id": self.server.things["b"]["id"], "size": "2", "password": "hunter2"})
        site.run("plan", "--detailed-exitcode", env=self.env).expect(0)
        text = log.read_text()
        self.assertRegex(text, r"http +GET http://127\.0\.0\.1:\d+/things/a\?b=2&a-b=&a=%2F \(things /things/a\?")
        self.assertRegex(text, r"http +POST http://127\.0\.0\.1:\d+/things/a \(things /things/a\) .*Content-Type: application.*X-Amz-Date: \d{8}T\d{6}Z.*X-Harmless: \(redacted\).*X-Amz-Security-Token: \(redacted\).*Authorization: \(redacted\).*: 200 in \d+ ms, 23 bytes out")
        for hidden in (SECRET, TOKEN, "hunter2"):
            for where in (text, result.text, plan.read_bytes().decode(errors="replace")):
                self.assertNotIn(hidden, where)
            for file in site.state.iterdir():
                self.assertNotIn(hidden.encode(), file.read_bytes(), file)
        site.run("destroy", "--yes", env=self.env).expect(0, "3 done")
        self.assertEqual(self.server.things, {})

    def test_connections_are_shared(self):
        site = self.things(*(f"t{i}" for i in range(60)))
        site.run("plan", env=self.env).expect(0, "60 to create")
        self.assertEqual(len(self.server.seen), 60)
        self.assertLessEqual(len({address for _, _, address in self.server.seen}), 16)

    def test_wrong_credentials(self):
        site = self.things("a")
        site.run("plan", env=self.env | {"THINGS_SECRET": "wrong"}).expect(1, "wrong signature", without=("THINGS_SECRET",))
        site.run("plan", env=self.env | {"THINGS_TOKEN": "x"}).expect(1, "unknown credentials")
        site.run("plan", env=self.env | {"THINGS_KEY": "AK/ID"}).expect(1, "invalid")
        site.run("plan", env={**self.env, "THINGS_SECRET": ""}).expect(1, "invalid")

    def test_interrupted_read(self):
        self.server.stuck = "GET"
        site = self.things("stuck1", "stuck2")
        run = site.start("plan", env=self.env)
        wait_for(lambda: len(self.server.waiting) == 2, what="both requests")
        run.interrupt()
        run.finish().expect(1, "interrupted")  # while the server still says nothing
        wait_for(lambda: len(self.server.hung_up) == 2, what="both connections' end")

    def test_interrupted_change(self):
        """Once: what is under way ends first. Twice: now, and the next run knows of it."""
        self.server.stuck = "POST"
        site = self.things("stuck", "fine")
        run = site.start("apply", "--yes", env=self.env)
        wait_for(lambda: len(self.server.waiting) == 1, what="the request")
        run.interrupt()
        wait_for(lambda: "finishing what runs" in run.said, what="word of the interrupt")
        self.assertIsNone(run.child.poll())
        run.interrupt()
        run.finish().expect(1)
        wait_for(lambda: len(self.server.hung_up) == 1, what="the connection's end")
        self.server.stuck = ""
        site.run("apply", "--yes", env=self.env).expect(0)
        self.assertEqual(sorted(self.server.things), ["fine", "stuck"])
        site.run("plan", "--detailed-exitcode", env=self.env).expect(0)

    def test_strangers(self):
        site = self.things("a")
        result = site.run("plan", "--untrusted", env=self.env)
        self.assertIn("at apply", result.text)
        self.assertEqual(self.server.seen, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
