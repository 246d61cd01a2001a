"""Connections that hardly move, bodies that are too large: on a real server, with small patience."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import suppress

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from speaksep_hub.protection import bodies
from speaksep_hub.protection.bodies import BodyGuard
from speaksep_hub.protection.headers import SecureHeaders, service_headers
from speaksep_hub.protection.serving import HEADER_BYTES, serve_options
from speaksep_hub.protection.settings import ProtectionSettings

SETTINGS = ProtectionSettings(
    header_s=0.5,
    body_idle_s=0.5,
    body_bytes_per_s=50_000,
    body_bytes=1000,
    connections=20,  # type: ignore[arg-type]
)
UPLOAD_BYTES = 3_000_000
SEEN: list[str] = []


async def take(request: Request) -> Response:
    digest, count = hashlib.sha256(), 0
    try:
        async for chunk in request.stream():
            digest.update(chunk)
            count += len(chunk)
    except ClientDisconnect:
        SEEN.append("gone")
        raise
    return JSONResponse({"bytes": count, "sha256": digest.hexdigest()})


async def ignore(request: Request) -> Response:
    return JSONResponse({"ok": True})


async def slow_answer(request: Request) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(4):
            await asyncio.sleep(0.3)
            yield b"x"

    return StreamingResponse(parts())


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    bodies.GRACE_S = 1.0
    routes = [
        Route("/api/v1/recordings", take, methods=["POST"]),
        Route("/api/v1/jobs", take, methods=["POST"]),
        Route("/api/v1/ignored", ignore, methods=["POST", "GET"]),
        Route("/api/v1/slow", slow_answer),
    ]
    layers = [
        Middleware(SecureHeaders, headers=service_headers(https=False)),
        Middleware(BodyGuard, settings=SETTINGS, upload_bytes=UPLOAD_BYTES),
    ]
    app = Starlette(routes=routes, middleware=layers)
    options = serve_options(SETTINGS)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", **options))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(timeout=20)
    assert not thread.is_alive()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def head(path: str, *more: str, method: str = "POST") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: here", *more, "", ""]).encode()


def rest(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def drip(connection: socket.socket, parts: Iterable[bytes]) -> None:
    """Send slowly until the other side has had enough."""
    with suppress(ConnectionError):
        for part in parts:
            connection.sendall(part)
            time.sleep(0.05)


def answer(said: bytes) -> tuple[int, dict[str, object]]:
    top, _, body = said.partition(b"\r\n\r\n")
    return int(top.split()[1]), json.loads(body)


@pytest.mark.parametrize(
    "begin",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET /api", id="half-a-line"),
        pytest.param(b"GET /api/v1/ignored HTTP/1.1\r\nHost: here\r\nX-A: b\r\n", id="half-the-headers"),
    ],
)
def test_headers_that_do_not_come_end_the_connection(port: int, begin: bytes) -> None:
    with connect(port) as connection:
        began_s = time.monotonic()
        connection.sendall(begin)
        assert rest(connection).startswith(b"HTTP/1.1 408 ")
        assert 0.4 < time.monotonic() - began_s < 20


def test_headers_that_come_byte_by_byte_are_not_waited_for(port: int) -> None:
    with connect(port) as connection:
        began_s = time.monotonic()
        drip(connection, (bytes([byte]) for byte in head("/api/v1/ignored", "X-Long: " + "a" * 1000, method="GET")))
        assert time.monotonic() - began_s < 20


def test_the_second_request_of_a_connection_is_not_waited_for_either(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(head("/api/v1/ignored", method="GET"))
        first = connection.recv(65536)
        assert first.startswith(b"HTTP/1.1 200 ")
        time.sleep(0.7)  # idle between two requests is no fault
        connection.sendall(b"GET /api/v1/ign")
        assert b"HTTP/1.1 408 " in rest(connection)


def test_headers_that_never_end_are_refused(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(head("/api/v1/ignored", method="GET")[:-2] + b"X-Long: " + b"a" * (HEADER_BYTES + 1))
        assert rest(connection).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("path", ["/api/v1/recordings", "/api/v1/jobs"])
@pytest.mark.parametrize("how", ["Content-Length: 900", "Transfer-Encoding: chunked"])
def test_a_body_that_stops_is_given_up(port: int, path: str, how: str) -> None:
    SEEN.clear()
    with connect(port) as connection:
        began_s = time.monotonic()
        connection.sendall(head(path, how) + b"5\r\nhello")
        status, told = answer(rest(connection))
        assert 0.4 < time.monotonic() - began_s < 20
    assert (status, told["reason"]) == (408, "too-slow")
    assert set(told) == {"ok", "error", "reason", "hint"}
    assert SEEN == ["gone"]


def test_a_body_that_drips_is_given_up(port: int) -> None:
    with connect(port) as connection:
        began_s = time.monotonic()
        connection.sendall(head("/api/v1/recordings", "Content-Length: 100000"))
        drip(connection, itertools.repeat(b"x" * 50))
        assert time.monotonic() - began_s < 40


@pytest.mark.parametrize(
    ("path", "limit"), [("/api/v1/recordings", UPLOAD_BYTES), ("/api/v1/jobs", 1000), ("/api/v1/ignored", 1000)]
)
def test_a_body_that_says_that_it_is_too_large_is_not_read(port: int, path: str, limit: int) -> None:
    with connect(port) as connection:
        connection.sendall(head(path, f"Content-Length: {limit + 1}"))
        said = rest(connection)
    status, told = answer(said)
    assert (status, told["reason"]) == (413, "too-large")
    assert str(limit) in str(told["hint"])
    assert b"nosniff" in said
    assert b"connection: close" in said.lower()


def test_a_body_that_does_not_say_how_large_it_is_is_read_to_the_limit(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(head("/api/v1/jobs", "Transfer-Encoding: chunked"))
        connection.sendall(b"258\r\n" + b"a" * 600 + b"\r\n" + b"258\r\n" + b"b" * 600 + b"\r\n")
        status, told = answer(rest(connection))
    assert (status, told["reason"]) == (413, "too-large")


@pytest.mark.parametrize("count", [0, 1, UPLOAD_BYTES], ids=["empty", "one", "as-large-as-may-be"])
def test_bodies_within_the_limits_arrive_whole(port: int, count: int) -> None:
    body = bytes(range(256)) * (count // 256 + 1)
    with connect(port) as connection:
        connection.sendall(head("/api/v1/recordings", f"Content-Length: {count}", "Connection: close") + body[:count])
        status, told = answer(rest(connection))
    assert (status, told) == (200, {"bytes": count, "sha256": hashlib.sha256(body[:count]).hexdigest()})


def test_answers_may_take_as_long_as_they_like(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(head("/api/v1/slow", "Connection: close", method="GET"))
        assert rest(connection).count(b"1\r\nx\r\n") == 4


def test_idle_connections_keep_nobody_else_out(port: int) -> None:
    idle = [connect(port) for _ in range(10)]
    with connect(port) as connection:
        connection.sendall(head("/api/v1/ignored", "Connection: close", method="GET"))
        assert rest(connection).startswith(b"HTTP/1.1 200 ")
    for each in idle:
        assert rest(each).startswith(b"HTTP/1.1 408 ")
        each.close()


def test_more_connections_than_allowed_are_told_so(port: int) -> None:
    held = [connect(port) for _ in range(SETTINGS.connections)]
    time.sleep(0.1)
    with connect(port) as connection:
        connection.sendall(head("/api/v1/ignored", "Connection: close", method="GET"))
        assert rest(connection).startswith(b"HTTP/1.1 503 ")
    for each in held:
        each.close()
