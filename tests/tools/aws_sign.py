"""Checks a request's SigV4 signature as AWS does: rebuilt from the request and the known secret, within five minutes."""

from __future__ import annotations

import calendar
import hashlib
import hmac
import re
import time
import urllib.parse

from aws_wire import Answer, Call, error

WINDOW = 300.0


def _encode(text: str) -> str:
    return urllib.parse.quote(text, safe="-_.~")


def _canonical_path(call: Call) -> str:
    path = call.path or "/"
    if call.service == "s3":
        return path
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            parts and parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    clean = "/" + "/".join(parts) + ("/" if path.endswith("/") and parts else "")
    return urllib.parse.quote(clean, safe="/-_.~")


def _canonical_query(call: Call) -> str:
    query = call.target.partition("?")[2]
    pairs = []
    for part in query.split("&") if query else []:
        name, _, value = part.partition("=")
        pairs.append((_encode(urllib.parse.unquote(name)), _encode(urllib.parse.unquote(value))))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def check(call: Call, key_id: str, secret: str, token: str | None, expired: bool, now: float) -> Answer | None:
    """None when AWS would let the call in, else its refusal. `now`: the server's clock."""
    if call.action in ("AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"):
        return None
    header = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})",
                          call.headers.get("authorization", ""))
    if not header:
        return error(call, "MissingAuthenticationToken", "Request is missing Authentication Token", 403)
    key, day, region, service, signed, signature = header.groups()
    if key != key_id:
        if call.service == "ec2":
            return error(call, "AuthFailure", "AWS was not able to validate the provided access credentials", 401)
        code = "UnrecognizedClientException" if call.service in ("acm", "ssm") else "InvalidClientTokenId"
        return error(call, code, "The security token included in the request is invalid.", 403)
    stamp = call.headers.get("x-amz-date", "")
    if not re.fullmatch(r"\d{8}T\d{6}Z", stamp) or stamp[:8] != day:
        return error(call, "IncompleteSignature", "Date must be in ISO-8601 'basic format'", 403)
    names = signed.split(";")
    needed = {"host", "x-amz-date"} | ({"x-amz-security-token"} if "x-amz-security-token" in call.headers else set())
    if names != sorted(names) or not needed <= set(names) or not set(names) <= set(call.headers):
        return error(call, "SignatureDoesNotMatch", "The signed headers are not those that must be signed", 403)
    payload = hashlib.sha256(call.body).hexdigest()
    stated = call.headers.get("x-amz-content-sha256")
    if service == "s3" and stated is None:
        return error(call, "MissingSecurityHeader", "Missing required header for this request: x-amz-content-sha256", 400)
    if stated not in (None, "UNSIGNED-PAYLOAD", payload):
        return error(call, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.", 400)
    headers = "".join(f"{name}:{' '.join(call.headers[name].split())}\n" for name in names)
    canonical = "\n".join([call.method, _canonical_path(call), _canonical_query(call), headers, signed, stated or payload])
    scope = f"{day}/{region}/{service}/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    derived = ("AWS4" + secret).encode()
    for part in (day, region, service, "aws4_request"):
        derived = _hmac(derived, part)
    if not hmac.compare_digest(_hmac(derived, to_sign).hex(), signature):
        return error(call, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. "
                     "Check your AWS Secret Access Key and signing method.", 403)
    skew = calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ")) - now
    if abs(skew) > WINDOW:
        if call.service == "ec2":
            return error(call, "RequestExpired", "Request has expired.", 400)
        if call.service == "s3":
            return error(call, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.", 403)
        return error(call, "SignatureDoesNotMatch", f"Signature expired: {stamp} is now earlier than the server's time minus 5 min.", 403)
    given = call.headers.get("x-amz-security-token")
    if expired:
        return error(call, "RequestExpired", "Request has expired.", 400) if call.service == "ec2" else \
            error(call, "ExpiredToken", "The security token included in the request is expired", 403)
    if token is not None and given != token:
        code = ("AuthFailure", 401) if call.service == "ec2" else ("InvalidClientTokenId", 403)
        return error(call, code[0], "The security token included in the request is invalid", code[1])
    return None
