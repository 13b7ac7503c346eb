#!/usr/bin/env python3
"""What AWS does and moto does not, as a proxy in front of moto: keep-alive, verified signatures, pending states, eventual consistency,
client tokens, dependency violations, pages; and faults by rule. Counts every call.

    with Moto() as moto, AwsProxy(moto.endpoint) as proxy:
        proxy.world.pending["nat_gateway"] = Pending(describes=3)
        proxy.rules.throttle("CreateVpc", nth=2)
        env = proxy.env(moto)
        ... run slipway ...
        proxy.counts()            # {"ec2:CreateVpc": 2, ...}

As a program: aws_proxy.py MOTO_URL [PORT] [LATENCY_SECONDS].
"""

from __future__ import annotations

import asyncio
import collections
import email.utils
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable

import aws_sign
from aws_rules import DROP, Rules
from aws_wire import Answer, Call, understand
from aws_world import Pending, World

REASONS = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 500: "Internal Server Error", 503: "Service Unavailable"}
MAX_BODY = 8 << 20


class AwsProxy:
    """Runs in a thread of its own; attributes may be set from any thread, at any time."""

    def __init__(self, upstream: str, port: int = 0, latency: float = 0.0, key_id: str = "AKIAIOSFODNN7EXAMPLE",
                 secret: str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", token: str | None = "FwoGZXIvYXdzEXAMPLETOKEN==") -> None:
        parts = urllib.parse.urlsplit(upstream)
        self.upstream = (parts.hostname or "127.0.0.1", parts.port or 80)
        self.port, self.latency = port, latency
        self.key_id, self.secret, self.token = key_id, secret, token
        self.expired = False  # the token's time is over
        self.clock = 0.0  # how far AWS's clock is ahead of ours, seconds
        self.rules = Rules()
        self.world = World(self.ask)
        self.calls: list[Call] = []
        self.connections = 0
        self.busy = 0  # calls that are being answered
        self.moto_seconds = 0.0  # for how long moto was at work
        self.problems: list[str] = []  # what moto could not do: not AWS's behaviour, so tests look here
        self.observers: list[Callable[[Call, Answer], None]] = []  # called after each answered call that changes something, before the answer goes out

    # -- for tests ----------------------------------------------------------------------------------------------------------

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def counts(self, since: int = 0) -> dict[str, int]:
        """Calls by service and action, from the since-th call on."""
        return dict(collections.Counter(call.name for call in self.calls[since:]))

    def mutations(self, since: int = 0) -> list[Call]:
        return [call for call in self.calls[since:] if call.mutates]

    def settle(self, timeout: float = 30.0) -> None:
        """Waits until nothing that was sent is still on its way: a dead client's calls take effect all the same."""
        deadline = time.monotonic() + timeout
        while self.busy:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.busy} calls are still being answered")
            time.sleep(0.01)

    def env(self, moto) -> dict[str, str]:
        return {**moto.env(), "AWS_ENDPOINT_URL": self.endpoint, "AWS_ACCESS_KEY_ID": self.key_id, "AWS_SECRET_ACCESS_KEY": self.secret}

    def reset(self) -> None:
        """Forgets calls, rules and what the world was made to do; not moto's content."""
        self.rules.clear()
        self.world = World(self.ask)
        self.calls, self.problems = [], []
        self.observers = []
        self.latency, self.clock, self.expired = 0.0, 0.0, False

    def __enter__(self) -> AwsProxy:
        started: asyncio.Event | threading.Event = threading.Event()
        self._failed: BaseException | None = None

        def run() -> None:
            try:
                asyncio.run(self._serve(started))
            except BaseException as why:  # noqa: BLE001 - told to whoever started us
                self._failed = why
                started.set()

        self._thread = threading.Thread(target=run, daemon=True, name="aws-proxy")
        self._thread.start()
        started.wait()
        if self._failed:
            raise self._failed
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    # -- the server ---------------------------------------------------------------------------------------------------------

    async def _serve(self, started: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._open: set[asyncio.StreamWriter] = set()
        self._moto = asyncio.Lock()  # moto's own structures are not made for several threads
        server = await asyncio.start_server(self._connection, "127.0.0.1", self.port, limit=MAX_BODY, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        async with server:
            await self._stop.wait()
        for writer in list(self._open):
            writer.transport.abort()
        while self._open:
            await asyncio.sleep(0.01)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        try:
            while (call := await self._read(reader, writer)) is not None:
                self.busy += 1
                try:
                    answer = await self._answer(call)
                finally:
                    self.busy -= 1
                call.status = answer.status
                if answer is DROP:
                    writer.transport.abort()
                    return
                await self._write(writer, call, answer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    @staticmethod
    async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Call | None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as ended:
            if ended.partial:
                raise
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        headers = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if colon:
                headers[name.strip().lower()] = value.strip()
        if headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = b""
        if "chunked" in headers.get("transfer-encoding", ""):
            while size := int((await reader.readline()).split(b";")[0], 16):
                body += (await reader.readexactly(size + 2))[:-2]
            await reader.readline()
        elif length := int(headers.get("content-length", 0)):
            body = await reader.readexactly(length)
        return understand(Call(method, target, headers, body, at=time.monotonic()))

    async def _write(self, writer: asyncio.StreamWriter, call: Call, answer: Answer) -> None:
        headers = {"Content-Type": "text/xml;charset=UTF-8", **answer.headers, "Date": email.utils.formatdate(time.time() + self.clock, usegmt=True)}
        slow = float(headers.pop("X-Test-Slow", 0))
        if call.method != "HEAD":
            headers["Content-Length"] = str(len(answer.body))
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, 'Status')}\r\n{lines}\r\n".encode("latin-1"))
        if slow:
            for byte in answer.body:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(slow / max(len(answer.body), 1))
        elif call.method != "HEAD":
            writer.write(answer.body)
        await writer.drain()

    async def _answer(self, call: Call) -> Answer:
        self.calls.append(call)
        if self.latency:
            await asyncio.sleep(self.latency)
        refused = aws_sign.check(call, self.key_id, self.secret, self.token, self.expired, time.time() + self.clock)
        answer = refused or self.rules.throttled(call) or self.rules.strike(call, after=False)
        if answer is None:
            world = self.world
            answer = await world.before(call) or await world.after(call, await self._forward(call))
            call.answer = answer
            answer = self.rules.strike(call, after=True) or answer
        for observer in self.observers if call.mutates else ():
            await self._loop.run_in_executor(None, observer, call, answer)
        return answer

    # -- towards moto -------------------------------------------------------------------------------------------------------

    async def ask(self, call: Call, service: str, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
        """A question of the proxy's own in the call's region, past every rule. Not counted."""
        signed = {"elbv2": "elasticloadbalancing"}.get(service, service)
        credential = f"AWS4-HMAC-SHA256 Credential={self.key_id}/20260101/{call.region}/{signed}/aws4_request, SignedHeaders=host, Signature=0"
        return await self._forward(understand(Call(method, path, {"host": "localhost", "authorization": credential, **(headers or {})}, body)))

    async def _forward(self, call: Call) -> Answer:
        async with self._moto:
            start = time.monotonic()
            reader, writer = await asyncio.open_connection(*self.upstream, limit=MAX_BODY)
            try:
                headers = {name: value for name, value in call.headers.items()
                           if name not in ("connection", "content-length", "transfer-encoding", "expect", "accept-encoding")}
                lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
                writer.write(f"{call.method} {call.target} HTTP/1.1\r\n{lines}Content-Length: {len(call.body)}\r\nConnection: close\r\n\r\n"
                             .encode("latin-1") + call.body)
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                body = await reader.read() if call.method != "HEAD" else b""
            finally:
                writer.close()
                self.moto_seconds += time.monotonic() - start
        first, *lines = head.split("\r\n")
        keep = {}
        for line in lines:
            name, _, value = line.partition(":")
            if name.lower() in ("content-type", "location", "etag", "x-amzn-requestid", "x-amz-request-id", "x-amz-bucket-region"):
                keep[name] = value.strip()
            if name.lower() == "transfer-encoding":
                raise RuntimeError("moto sent a chunked answer")
        answer = Answer(int(first.split(" ")[1]), body, keep)
        if answer.status == 500 or (answer.status in (404, 405, 501) and b"<!doctype" in body[:20].lower()):
            self.problems.append(f"{call.name} {call.params or call.target}: {answer.status} {body[:300]!r}")
        return answer


def main() -> None:
    upstream, port, latency = (sys.argv[1:] + [None, None])[:3] if len(sys.argv) > 1 else sys.exit(__doc__)
    with AwsProxy(upstream, int(port or 0), float(latency or 0)) as proxy:
        print(proxy.endpoint, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print(proxy.counts())


__all__ = ["AwsProxy", "DROP", "Pending"]

if __name__ == "__main__":
    main()
