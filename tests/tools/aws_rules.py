"""Faults by rule: what goes wrong with which call. A rule counts the calls it matches and acts on the nth, for so many times."""

from __future__ import annotations

import fnmatch
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from aws_wire import Answer, Call, error, throttle

DROP = Answer(0, b"")  # the connection is closed without a word


@dataclass
class Rule:
    action: str  # "CreateVpc", "ec2:Create*", "*"
    act: Callable[[Call], Answer | None]  # before the effect: an answer instead of AWS's, or None to go on
    after: bool = False  # act once the effect is there: the answer replaces AWS's
    nth: int = 1
    times: int = 1  # 0: from the nth on, always
    when: Callable[[Call], bool] | None = None
    seen: int = 0

    def strikes(self, call: Call) -> bool:
        pattern = self.action if ":" in self.action else f"*:{self.action}"
        if not fnmatch.fnmatchcase(call.name, pattern) or (self.when and not self.when(call)):
            return False
        self.seen += 1
        return self.seen >= self.nth and (self.times == 0 or self.seen < self.nth + self.times)


@dataclass
class Bucket:
    """A token bucket, as AWS throttles a kind of action."""

    capacity: float
    per_second: float
    tokens: float = field(init=False)
    at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.tokens = self.capacity

    def take(self) -> bool:
        now = time.monotonic()
        self.tokens = min(self.capacity, self.tokens + (now - self.at) * self.per_second)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Rules:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.rules: list[Rule] = []
        self.buckets: dict[str, Bucket] = {}

    def clear(self) -> None:
        with self._lock:
            self.rules = []
            self.buckets = {}

    def add(self, action: str, act: Callable[[Call], Answer | None], **options) -> Rule:
        rule = Rule(action, act, **options)
        with self._lock:
            self.rules.append(rule)
        return rule

    def limit(self, action: str, burst: float, per_second: float) -> None:
        """So many calls of a kind at once, then so many a second. The first pattern that matches counts."""
        self.buckets[action] = Bucket(burst, per_second)

    def throttled(self, call: Call) -> Answer | None:
        for pattern, bucket in self.buckets.items():
            if fnmatch.fnmatchcase(call.name, pattern):
                return None if bucket.take() else throttle(call)
        return None

    def strike(self, call: Call, after: bool) -> Answer | None:
        with self._lock:
            striking = [rule for rule in self.rules if rule.after == after and rule.strikes(call)]
        for rule in striking:
            if (answer := rule.act(call)) is not None:
                return answer
        return None

    # -- the faults AWS has -----------------------------------------------------------------------------------------------

    def fail(self, action: str, code: str, message: str, status: int = 400, **options) -> Rule:
        return self.add(action, lambda call: error(call, code, message, status), **options)

    def throttle(self, action: str, **options) -> Rule:
        return self.add(action, throttle, **options)

    def broken(self, action: str, status: int = 500, **options) -> Rule:
        """AWS's own trouble: 500 InternalError, 503 ServiceUnavailable."""
        code = {503: "ServiceUnavailable"}.get(status, "InternalFailure" if status == 500 else "InternalError")
        return self.add(action, lambda call: error(call, code, "An internal error has occurred", status), **options)

    def drop(self, action: str, after: bool = True, **options) -> Rule:
        """The connection ends without an answer, before or after the effect."""
        return self.add(action, lambda _: DROP, after=after, **options)

    def unauthorized(self, action: str) -> Rule:
        def refuse(call: Call) -> Answer:
            if call.service == "ec2":
                return error(call, "UnauthorizedOperation", "You are not authorized to perform this operation. User: "
                             f"arn:aws:iam::123456789012:user/deploy is not authorized to perform: ec2:{call.action}", 403)
            return error(call, "AccessDeniedException" if call.service in ("acm", "ssm") else "AccessDenied",
                         f"User: arn:aws:iam::123456789012:user/deploy is not authorized to perform: {call.name}", 403)
        return self.add(action, refuse, times=0)

    def malformed(self, action: str, **options) -> Rule:
        """A 200 whose document ends in the middle."""
        return self.add(action, lambda call: Answer(200, b'<?xml version="1.0"?><Response><set><item>'), **options)

    def huge(self, action: str, size: int, **options) -> Rule:
        def fill(call: Call) -> Answer:
            item = b"<item><name>" + b"x" * 1000 + b"</name></item>"
            return Answer(200, b"<Response><set>" + item * (size // len(item) + 1) + b"</set></Response>")
        return self.add(action, fill, **options)

    def slow(self, action: str, seconds: float, **options) -> Rule:
        """The answer is there, but takes its time, byte by byte."""
        return self.add(action, lambda call: Answer(200, b"<Response><set/></Response>", {"X-Test-Slow": str(seconds)}), **options)
