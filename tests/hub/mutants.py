"""Requests that somebody careless or mean would send: valid ones with one to three things wrong."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

INJECTED = "X-Injected"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW", "get", "P" * 300)
WORDS = (
    "..", "../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e", "%00", "a%00.wav", "%ff%fe", "%", "%zz",
    "'", '"', "' OR 1=1 --", "<script>", "${7*7}", "{{7*7}}", "~root", "-1", "0", "1e999", "NaN", "null", "true",
    "[]", "a" * 3000, "%0d%0aX-Injected:%20yes", "é", "%F0%9F%92%A9", "%ED%A0%80", "|id", ";ls", "*", "?", "#",
    "//", "\\..\\..", "CON", "9" * 400, "2026-13-45", "speaker_1.flac", "file:///etc/passwd", "http://127.0.0.1:1/",
    "s3://bucket/key",
)  # fmt: skip
NAMES = ("limit", "cursor", "format", "name", "revision", "wait_s", "after", "state", "sha256", "token", "next", "xsrf")
HEADERS = (
    ("Range", "bytes=0-"), ("Range", "bytes=-0"), ("Range", "bytes=9999999999999999999-"), ("Range", "bytes=5-1"),
    ("Range", "bytes=0-1,2-3,4-5"), ("Range", "lines=1-2"), ("Range", "bytes=" + "0-1," * 3000),
    ("If-Range", "\x80"), ("Last-Event-ID", "-1"), ("Last-Event-ID", "9" * 100), ("Last-Event-ID", "NaN"),
    ("Idempotency-Key", "k" * 5000), ("Idempotency-Key", "\x01\x02"), ("Idempotency-Key", ""),
    ("Content-Type", "application/xml"), ("Content-Type", ""), ("Content-Type", "application/json; charset=utf-7"),
    ("Content-Type", "multipart/form-data"), ("Content-Type", "multipart/form-data; boundary=" + "b" * 300),
    ("Content-Type", "text/html"), ("Content-Encoding", "gzip"), ("Accept", "text/html"), ("Accept", "\xff"),
    ("Expect", "100-continue"), ("Upload-Offset", "-5"), ("Upload-Offset", "x"),
    ("Upload-Length", "99999999999999999999"), ("Upload-Length", "-1"), ("Upload-Metadata", "filename !!!"),
    ("Upload-Metadata", "filename Li4vLi4vZXRjL3Bhc3N3ZA=="), ("Upload-Metadata", "," * 99),
    ("Upload-Checksum", "md5 x"), ("Upload-Checksum", "sha256 " + "A" * 999), ("Tus-Resumable", "0.0.1"),
    ("Repr-Digest", "sha-256=:AAAA:"), ("Repr-Digest", "sha-256"), ("Repr-Digest", ":" * 500),
    ("Cookie", "a=b; " * 900), ("Cookie", 'speaksep-session="\\"; x'), ("Authorization", "Basic YTpi"),
    ("Authorization", "Bearer"), ("Authorization", "Bearer \xff\xfe"),
    ("Authorization", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ."), ("Authorization", "token " + "x" * 9000),
    ("Host", "evil.example"), ("Host", ""), ("X-Forwarded-For", "1.2.3.4, \xff"),
    ("X-Forwarded-Proto", "javascript"), ("X-Forwarded-Host", "evil.example"), ("X-Request-Id", "a\tb"),
    ("X-Request-Id", "r" * 500), ("Origin", "https://evil.example"), ("Origin", "null"), ("Upgrade", "websocket"),
    ("Connection", "Upgrade"), ("Connection", "keep-alive, x"), ("Transfer-Encoding", "chunked"),
    ("Transfer-Encoding", "gzip, chunked"), ("Content-Length", "0"), ("Content-Length", "-1"),
    ("Content-Length", "3"), ("Content-Length", "99999999"), ("Content-Length", "1, 2"), ("Content-Length", "٣"),
    ("X" * 4000, "x"), ("A b", "c"),
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 2**70, 1e308, float("nan"), float("inf"), "", " ", "\x00", "\ud800", "a" * 5000, [], {},
    [[]], {"a": {}}, "../../etc/passwd", "file:///etc/passwd", "http://127.0.0.1:1/", [None] * 500, {"$ref": "#"},
    "__class__", "separate",
)  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """A request.

    Attributes
    ----------
    method, path, query
        The path as it is sent, the query as pairs that are not quoted yet.
    headers
        Those beside ``Host``, ``Connection`` and ``Content-Length``.
    body
        Bytes, something JSON can hold, or None.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: Any = None
    last: bytes = field(default=b"")

    @property
    def raw(self) -> bytes:
        """The bytes to send."""
        body, kind = self.body or b"", "application/octet-stream"
        if not isinstance(body, bytes):
            body, kind = json.dumps(body).encode(), "application/json"
        target = quote(self.path, safe="/%:?#[]@!$&'()*+,;=\\\"<>{}|^`~") + "?" * bool(self.query)
        target += "&".join(f"{name}={quote(value, safe='%')}" for name, value in self.query)
        own = {name.lower() for name, _ in self.headers}
        length = str(len(body))
        usual = (("Host", "127.0.0.1"), ("Connection", "close"), ("Content-Type", kind), ("Content-Length", length))
        lines = [*((name, value) for name, value in usual if name.lower() not in own), *self.headers]
        head = "".join(f"{name}: {value}\r\n" for name, value in lines)
        return f"{self.method} {target} HTTP/1.1\r\n{head}\r\n".encode("utf-8", "surrogateescape") + body + self.last


def _method(request: Wanted, dice: random.Random) -> Wanted:
    return replace(request, method=dice.choice(METHODS))


def _path(request: Wanted, dice: random.Random) -> Wanted:
    parts = request.path.split("/")
    parts[dice.randrange(1, len(parts))] = dice.choice(WORDS)
    return replace(request, path="/".join(parts))


def _longer_path(request: Wanted, dice: random.Random) -> Wanted:
    return replace(request, path=f"{request.path}/{dice.choice(WORDS)}")


def _query(request: Wanted, dice: random.Random) -> Wanted:
    more = tuple((dice.choice(NAMES), dice.choice(WORDS)) for _ in range(dice.randint(1, 3)))
    return replace(request, query=request.query + more)


def _header(request: Wanted, dice: random.Random) -> Wanted:
    return replace(request, headers=(*request.headers, dice.choice(HEADERS)))


def _without_header(request: Wanted, dice: random.Random) -> Wanted:
    at = dice.randint(0, len(request.headers))
    return replace(request, headers=request.headers[:at] + request.headers[at + 1 :])


def _body(request: Wanted, dice: random.Random) -> Wanted:
    return replace(
        request, body=dice.choice((dice.randbytes(200), b"{", b"[" * 5000, b'{"a":' * 900, b"\xff", *VALUES))
    )


def _value(request: Wanted, dice: random.Random) -> Wanted:
    known = request.body if isinstance(request.body, dict) else {}
    name = dice.choice([*known, "speakers", "parameters", "rows", "name", "source"])
    return replace(request, body={**known, name: dice.choice(VALUES)})


def _flipped(request: Wanted, dice: random.Random) -> Wanted:
    body = bytearray(request.body if isinstance(request.body, bytes) else json.dumps(request.body).encode()) + b"-"
    for _ in range(dice.randint(1, 8)):
        body[dice.randrange(len(body))] = dice.randrange(256)
    return replace(request, body=bytes(body))


def _more(request: Wanted, dice: random.Random) -> Wanted:
    """Another request behind the body, as smugglers send it."""
    return replace(request, last=b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\nX-Injected: yes\r\n\r\n")


_MUTATIONS: Sequence[Callable[[Wanted, random.Random], Wanted]] = (
    _method, _path, _path, _longer_path, _query, _query, _header, _header, _header, _without_header, _body, _value,
    _value, _flipped, _more,
)  # fmt: skip


def mutated(request: Wanted, dice: random.Random) -> Wanted:
    """The request with one to three things wrong."""
    for _ in range(dice.randint(1, 3)):
        request = dice.choice(_MUTATIONS)(request, dice)
    return request
