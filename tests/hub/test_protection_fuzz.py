"""A thousand wrong requests to a running service: each gets an answer, none does harm."""

from __future__ import annotations

import json
import os
import random
import re
import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException, HTTPResponse
from pathlib import Path

import psutil
import pytest

from speaksep_hub.audit.verify import verify
from speaksep_kernel.jobs.queue import JobTable
from tests.hub.mutants import INJECTED, Wanted, mutated
from tests.hub.service_process import ServiceProcess

REQUESTS = int(os.environ.get("SPEAKSEP_REQUESTS", "1000"))
SEED = int(os.environ.get("SPEAKSEP_SEED", "7"))
RATED = ("READ", "WRITE", "UPLOAD", "JOB", "STREAM", "TOKEN", "GUESS")
SETTINGS = {f"SPEAKSEP_HUB__PROTECTION__{name}": "1000000/minute" for name in RATED} | {
    "SPEAKSEP_HUB__PROTECTION__BODY_IDLE_S": "0.5",
    "SPEAKSEP_HUB__PROTECTION__HEADER_S": "0.5",
    "SPEAKSEP_HUB__PROTECTION__JOBS_PER_USER": "100000",
    "SPEAKSEP_HUB__PROTECTION__STREAMS_PER_USER": "1000",
}
GROWTH_BYTES = 300_000_000
READS = (
    *("me", "recordings", "recordings/{r}", "recordings/{r}/audio", "recordings/{r}/diagnosis", "jobs", "jobs/{j}"),
    *("jobs/{j}/events", "events", "jobs/{j}/report", "batches", "batches/b1", "batches/b1/results.csv", "results/{j}"),
    *("results/{j}/tracks/speaker_1", "results/{j}/files/turns.rttm", "results/{j}/edits", "voices", "notebooks"),
    *("notebooks/separate", "tokens", "keys"),
)
PAGES = ("/", "/health", "/ready", "/docs", "/openapi.json", "/sign-in")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    service = ServiceProcess(tmp_path_factory.mktemp("fuzz"), **SETTINGS).start()
    yield service
    service.stop()


@pytest.fixture(scope="module")
def valid(service: ServiceProcess, talk: Path) -> list[Wanted]:
    """Requests that would be carried out, or find nothing."""
    with service.client() as client:
        recording = client.post("recordings", params={"name": "talk.wav"}, content=talk.read_bytes()).json()["id"]
        job = client.post(f"recordings/{recording}/separations", json={}).json()["id"]
    token = (("Authorization", f"Bearer {service.tokens['ann']}"),)
    tus = (*token, ("Tus-Resumable", "1.0.0"), ("Upload-Length", "1000"), ("Upload-Metadata", "filename dGFsay53YXY="))
    binary = ("Content-Type", "application/offset+octet-stream")
    piece = (*token, ("Tus-Resumable", "1.0.0"), ("Upload-Offset", "0"), binary)
    reads = [Wanted("GET", f"/api/v1/{path}".format(r=recording, j=job), headers=token) for path in READS]
    pages = [Wanted("GET", path, headers=token) for path in PAGES]
    bodies = {
        f"recordings/{recording}/plan": {"speakers": 2, "quality": "fast"},
        f"recordings/{recording}/diagnosis": {},
        f"recordings/{recording}/separations": {"speakers": 2, "clean": True, "format": "flac"},
        "jobs": {"notebook": "separate", "parameters": {"source": recording, "speakers": 2}},
        f"jobs/{job}/cancel": {},
        f"jobs/{job}/retry": {},
        "batches": {"notebook": "separate", "rows": [{"parameters": {"source": recording}}], "name": "some"},
        f"results/{job}/edits": {"op": "rename", "speaker": "speaker_1", "name": "Ann"},
        f"results/{job}/edits/undo": {},
        f"results/{job}/identify": {"threshold": 0.5},
        "voices": {"name": "Ann", "consent": True, "recording": recording, "note": "hers"},
        "token": {},
        "tokens": {"note": "mine", "scopes": ["jobs:read"], "expires_in": 60},
    }
    writes = [Wanted("POST", f"/api/v1/{path}", headers=token, body=body) for path, body in bodies.items()]
    uploads = [
        Wanted("POST", "/api/v1/recordings", query=(("name", "a.wav"),), headers=token, body=talk.read_bytes()[:5000]),
        Wanted("POST", "/api/v1/uploads", headers=tus, body=b""),
        Wanted("PATCH", "/api/v1/uploads/u1", headers=piece, body=b"x" * 100),
        Wanted("HEAD", "/api/v1/uploads/u1", headers=piece),
        Wanted("DELETE", "/api/v1/voices/Ann", headers=token),
        Wanted("PATCH", "/api/v1/voices/Ann", headers=token, body={"name": "Bea"}),
        Wanted("DELETE", "/api/v1/tokens/a1", headers=token),
    ]
    return [*reads, *pages, *writes, *uploads]


def outcome(service: ServiceProcess, request: Wanted) -> str:
    """What became of a request, in a word: a status, or what is wrong with the answer."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
        try:
            connection.sendall(request.raw)
            answer = HTTPResponse(connection, method=request.method)
            answer.begin()
            stream = "event-stream" in answer.getheader("Content-Type", "")
            body = b"" if stream or request.method == "HEAD" else answer.read(1_000_000)
        except (ConnectionError, HTTPException) as error:
            return f"closed {type(error).__name__}"
        return fault(answer, body) or str(answer.status)


def fault(answer: HTTPResponse, body: bytes) -> str:
    """What is wrong with an answer; nothing is ""."""
    kind = answer.getheader("Content-Type", "")
    told = json.loads(body) if body and kind == "application/json" else {}
    wrong = {
        "INJECTED": answer.getheader(INJECTED) is not None,
        "SERVER-ERROR": answer.status >= 500 and told.get("reason") not in {"unexpected-upgrade"},
        "SHAPE": kind == "application/json" and answer.status >= 400 and bool(body) and not set(told) >= SHAPE,
        "HEADERS": kind != PLAIN and answer.getheader("X-Content-Type-Options") != "nosniff",
        "TOLD": re.search(rb"Traceback|/site-packages/|File \"", body) is not None,
    }
    return " ".join(name for name, is_so in wrong.items() if is_so)


SHAPE = {"ok", "error", "reason", "hint"}
PLAIN = "text/plain; charset=utf-8"
"""What the server itself says to what is no HTTP."""


def test_valid_requests_are_understood(service: ServiceProcess, valid: list[Wanted]) -> None:
    outcomes = {f"{request.method} {request.path}": outcome(service, request) for request in valid}
    assert [
        name for name, status in outcomes.items() if status in {"401", "403", "405"} or not status.isdecimal()
    ] == []


def test_wrong_requests_do_no_harm(service: ServiceProcess, valid: list[Wanted]) -> None:
    dice = random.Random(SEED)
    requests = [mutated(dice.choice(valid), dice) for _ in range(REQUESTS)]
    process = psutil.Process(service.process.pid)  # type: ignore[union-attr]
    before_bytes = process.memory_info().rss
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda request: outcome(service, request), requests))
    bad = [(said, request.raw[:600]) for said, request in zip(outcomes, requests, strict=True) if said[0].isupper()]
    assert bad == [], f"{len(bad)} of {REQUESTS} with seed {SEED}"
    assert Counter(said[:1] for said in outcomes)["4"] > REQUESTS / 3
    assert "Traceback" not in service.log()
    assert process.memory_info().rss - before_bytes < GROWTH_BYTES
    with service.client() as client:
        assert client.get("me").json()["name"] == "ann"
    with JobTable.open(service.jobs) as table:
        assert {job.owner for job in table.jobs()} == {"ann"}
    assert verify(service.folder / "audit").problems == ()
    assert not list(service.folder.parent.rglob("passwd"))
