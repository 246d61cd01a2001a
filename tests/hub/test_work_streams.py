"""Progress as it happens: server-sent events and WebSockets, from a number on, through a killed service."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosedOK, InvalidStatus
from websockets.sync.client import connect

from speaksep_kernel.jobs.job import Job, JobRequest
from speaksep_kernel.jobs.queue import JobTable
from tests.hub.service_process import ServiceProcess

STREAMS, MOST = 50, 52


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service of our own: it is killed, and takes many streams."""
    many = {"STREAM": "1000/minute", "READ": "10000/minute", "STREAMS_PER_USER": str(MOST)}
    limits = {f"SPEAKSEP_HUB__PROTECTION__{name}": value for name, value in many.items()}
    service = ServiceProcess(tmp_path_factory.mktemp("streams"), **limits).start()
    yield service
    service.stop()


@pytest.fixture
def table(service: ServiceProcess) -> Iterator[JobTable]:
    """The service's job table: these tests are its worker."""
    with JobTable.open(service.jobs) as table:
        yield table


def begun(table: JobTable, owner: str, batch: str) -> Job:
    """A job that somebody works on."""
    table.submit(JobRequest(notebook="separate", owner=owner, batch=batch))
    job = table.claim("a test", lease_s=600, batch=batch)
    assert job is not None
    return job


def lines(response: httpx.Response) -> Iterator[dict[str, Any]]:
    """Events of a stream with their kinds; ``{"event": "end"}`` for the last."""
    found: dict[str, Any] = {}
    for line in response.iter_lines():
        name, _, value = line.partition(": ")
        if line == "" and found.get("event"):
            yield found
            found = {}
        elif name == "data":
            found |= json.loads(value)
        elif name in ("id", "event"):
            found[name] = value


def socket_address(service: ServiceProcess, path: str) -> str:
    return f"ws{service.api.removeprefix('http')}/{path}"


def signed(service: ServiceProcess, name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {service.tokens[name]}"}


def test_a_job_is_told_from_its_beginning_to_its_end(service: ServiceProcess, table: JobTable) -> None:
    job = begun(table, "ann", "told")
    table.report(job.id, 1, 0.5, "separate", "half of it")
    with service.client() as ann, ann.stream("GET", f"jobs/{job.id}/events") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        stream = lines(response)
        first = [next(stream) for _ in range(3)]
        table.report(job.id, 1, 0.75, "render", "nearly")
        table.succeed(job.id, 1, {"directory": "/nowhere"})
        rest = list(stream)
    assert [each["state"] for each in first] == ["queued", "running", "running"]
    assert [(each["event"], each.get("fraction")) for each in rest] == [("job", 0.75), ("job", 1.0), ("end", None)]
    assert [int(each["id"]) for each in [*first, *rest[:-1]]] == [each["seq"] for each in [*first, *rest[:-1]]]
    assert set(first[0]) == {"id", "event", "seq", "job_id", "attempt", "at", "state", "fraction", "stage", "message"}


@pytest.mark.parametrize("how", ["header", "query"])
def test_it_goes_on_after_the_event_that_was_last(service: ServiceProcess, table: JobTable, how: str) -> None:
    job = begun(table, "ann", f"goes on {how}")
    table.succeed(job.id, 1, {"directory": "/nowhere"})
    seqs = [event.seq for event in table.events(job_id=job.id)]
    given: dict[str, Any] = {
        "header": {"headers": {"Last-Event-ID": str(seqs[0])}},
        "query": {"params": {"after": seqs[0]}},
    }[how]
    with service.client() as ann, ann.stream("GET", f"jobs/{job.id}/events", **given) as response:
        assert [each.get("seq") for each in lines(response)] == [*seqs[1:], None]


def test_a_finished_job_ends_at_once_though_there_is_nothing_new(service: ServiceProcess, table: JobTable) -> None:
    job = begun(table, "ann", "over")
    table.fail(job.id, 1, {"error": "no", "reason": "no", "hint": ""}, again=False)
    with (
        service.client() as ann,
        ann.stream("GET", f"jobs/{job.id}/events", params={"after": table.newest_event()}) as response,
    ):
        assert [each["event"] for each in lines(response)] == ["end"]


def test_all_of_mine_and_nobody_elses(service: ServiceProcess, table: JobTable) -> None:
    with service.client("bob") as bob, bob.stream("GET", "events") as response:
        stream = lines(response)
        begun(table, "ann", "hers")
        his = begun(table, "bob", "his")
        assert [next(stream)["job_id"] for _ in range(2)] == [his.id, his.id]


def test_fifty_streams_at_once_hear_all_of_it(service: ServiceProcess, table: JobTable) -> None:
    job = begun(table, "bat", "crowd")
    heard: list[list[float]] = [[] for _ in range(STREAMS)]
    with ExitStack() as stack:
        client = stack.enter_context(service.client("bat", limits=httpx.Limits(max_connections=STREAMS + 1)))
        opened = [stack.enter_context(client.stream("GET", f"jobs/{job.id}/events")) for _ in range(STREAMS)]
        readers = [
            threading.Thread(target=lambda found=found, one=one: found.extend(e.get("fraction", 2) for e in lines(one)))
            for found, one in zip(heard, opened, strict=True)
        ]
        for reader in readers:
            reader.start()
        for step in range(1, 10):
            table.report(job.id, 1, step / 10)
        table.succeed(job.id, 1, {"directory": "/nowhere"})
        for reader in readers:
            reader.join()
    assert all(found == [0.0, 0.0, *(step / 10 for step in range(1, 10)), 1.0, 2] for found in heard)


def test_a_killed_service_loses_no_event(service: ServiceProcess, table: JobTable) -> None:
    job = begun(table, "ann", "killed")
    found: list[dict[str, Any]] = []
    with service.client() as ann:
        with pytest.raises(httpx.TransportError):
            _read_until_killed(service, ann, job.id, found)
        table.report(job.id, 1, 0.5)
        service.start()
        table.succeed(job.id, 1, {"directory": "/nowhere"})
        last = {"Last-Event-ID": found[-1]["id"]}
        with ann.stream("GET", f"jobs/{job.id}/events", headers=last) as response:
            found += lines(response)
    wanted = [event.seq for event in table.events(job_id=job.id)]
    assert [each.get("seq") for each in found] == [*wanted, None]


def _read_until_killed(service: ServiceProcess, client: httpx.Client, job: str, found: list[dict[str, Any]]) -> None:
    with client.stream("GET", f"jobs/{job}/events") as response:
        stream = lines(response)
        found += [next(stream), next(stream)]
        service.kill()
        found += stream


def test_a_service_that_ends_lets_its_streams_go(service: ServiceProcess) -> None:
    with service.client() as ann, ann.stream("GET", "events") as response:
        reading = threading.Thread(target=response.read)
        reading.start()
        time.sleep(0.2)
        service.stop()  # within ten seconds, or it fails
        reading.join(10)
        assert not reading.is_alive()
    service.start()


def test_a_websocket_tells_the_same_and_closes_at_the_end(service: ServiceProcess, table: JobTable) -> None:
    job = begun(table, "ann", "socket")
    address = socket_address(service, f"jobs/{job.id}/events/ws")
    with connect(address, additional_headers=signed(service, "ann")) as socket:
        first = [json.loads(socket.recv(20)) for _ in range(2)]
        socket.send("whatever people send is passed over")
        table.succeed(job.id, 1, {"directory": "/nowhere"})
        last = json.loads(socket.recv(20))
        with pytest.raises(ConnectionClosedOK):
            socket.recv(20)
    assert [each["state"] for each in [*first, last]] == ["queued", "running", "succeeded"]
    with connect(f"{address}?after={last['seq'] - 1}", additional_headers=signed(service, "ann")) as socket:
        assert json.loads(socket.recv(20)) == last


@pytest.mark.parametrize(
    ("name", "status"), [(None, 401), ("vera", 403), ("bob", 404)], ids=["nobody", "viewer", "bob"]
)
def test_a_websocket_is_for_whoever_may(
    service: ServiceProcess, table: JobTable, name: str | None, status: int
) -> None:
    job = begun(table, "ann", f"socket of {name}")
    headers = signed(service, name) if name else {}
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(socket_address(service, f"jobs/{job.id}/events/ws"), additional_headers=headers),
    ):
        pass
    assert refused.value.response.status_code == status


def test_too_many_streams_are_refused_before_they_begin(service: ServiceProcess) -> None:
    with service.client(limits=httpx.Limits(max_connections=100)) as ann, ExitStack() as stack:
        for _ in range(MOST):
            stack.enter_context(ann.stream("GET", "events"))
        refused = ann.get("events")
        assert (refused.status_code, refused.json()["reason"]) == (429, "too-many-streams")
        address, headers = socket_address(service, "events/ws"), signed(service, "ann")
        with pytest.raises(InvalidStatus) as socket, connect(address, additional_headers=headers):
            pass
        assert socket.value.response.status_code == 429
        stack.close()
        assert _again(ann) == 200


def _again(client: httpx.Client) -> int:
    """Status of a stream, as soon as the service has noticed that the others are gone."""
    end_s, status = time.monotonic() + 20, 429
    while status == 429 and time.monotonic() < end_s:
        with client.stream("GET", "events") as response:
            status = response.status_code
    return status


def test_a_stream_ends_when_its_token_is_revoked(service: ServiceProcess) -> None:
    tokens = service.folder / "tokens.toml"
    blocks = tokens.read_text().split("[[tokens]]")
    with service.client("ada") as ada:
        assert ada.get("events").status_code == 403  # an administrator has no jobs
    with service.client("bob") as bob, bob.stream("GET", "events", timeout=60) as response:
        tokens.write_text("[[tokens]]".join(block for block in blocks if '"bob"' not in block))
        began_s = time.monotonic()
        response.read()
        took_s = time.monotonic() - began_s
    tokens.write_text("[[tokens]]".join(blocks))
    assert took_s < 60  # ten seconds on an idle machine
