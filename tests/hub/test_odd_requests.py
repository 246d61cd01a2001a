"""Whatever is sent: names of requests, broken headers, addresses that are not there."""

from __future__ import annotations

import json
import re
import secrets
import socket
import time

import httpx
import pytest

from tests.hub.service_process import ServiceProcess


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(b"a b", id="a space"),
        pytest.param(b"x" * 65, id="too long"),
        pytest.param(b"evil\tname", id="a tab"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b"<script>", id="markup"),
    ],
)
def test_odd_names_of_requests_are_replaced(service_process: ServiceProcess, name: bytes) -> None:
    answer = httpx.get(f"{service_process.url}health", headers=[(b"X-Request-Id", name)])
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])


def test_a_good_name_of_a_request_is_kept_and_logged(service_process: ServiceProcess) -> None:
    name = f"test-{secrets.token_hex(8)}"
    with service_process.client("ann", headers={"X-Request-Id": name}) as ann:
        assert ann.get("me").headers["x-request-id"] == name
    line = rf'"request_id": "{name}", "user": "ann", .* "method": "GET", "path": "/api/v1/me", "status": 200'
    end_s = time.monotonic() + 5
    while not re.search(line, service_process.log()) and time.monotonic() < end_s:
        time.sleep(0.05)  # it is written after the answer
    assert re.search(line, service_process.log())


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(b"X-Request-Id: a\r\n\tb: c\r\n", id="a folded header"),
        pytest.param(b"X-Request-Id: a\nSet-Cookie: b=c\r\n", id="a bare line feed"),
        pytest.param(b"Authorization: Bearer a\r b\r\n", id="a carriage return"),
        pytest.param(b"X-Request-Id\x00: a\r\n", id="a zero in a name"),
        pytest.param(b"X-Request-Id : a\r\n", id="a space before the colon"),
    ],
)
def test_nobody_puts_headers_into_an_answer(service_process: ServiceProcess, lines: bytes) -> None:
    with socket.create_connection(("127.0.0.1", service_process.port), timeout=10) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + lines + b"\r\n")
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    assert answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 400"))
    assert b"set-cookie" not in answer.lower()
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "api/v1/nothing", 404),
        ("GET", "api/v1/%2e%2e/%2e%2e/etc/passwd", 404),
        ("GET", "docs/..%2f..%2fapp.py", 404),
        ("DELETE", "api/v1/me", 405),
        ("PUT", "health", 405),
    ],
)
def test_what_is_not_there_is_told_like_every_error(
    service_process: ServiceProcess, method: str, path: str, status: int
) -> None:
    answer = httpx.request(method, f"{service_process.url}{path}")
    assert answer.status_code == status
    assert json.loads(answer.text).keys() == {"ok", "error", "reason", "hint"}


def test_the_documentation_needs_no_other_host(service_process: ServiceProcess) -> None:
    page = httpx.get(f"{service_process.url}docs").text
    assert "://" not in page
    for name in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert httpx.get(f"{service_process.url}{name}").status_code == 200
    document = httpx.get(f"{service_process.url}openapi.json").json()
    operations = [each for path in document["paths"].values() for each in path.values()]
    assert [each["operationId"] for each in operations if not each.get("description")] == []
    assert len({each["operationId"] for each in operations}) == len(operations)


def test_health_and_readiness_need_no_token(service_process: ServiceProcess) -> None:
    assert httpx.get(f"{service_process.url}health").json() == {"ok": True}
    found = httpx.get(f"{service_process.url}ready").json()
    assert found["ok"], found
