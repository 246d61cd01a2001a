"""Reports of faults: what leaves a running service for a receiver of this machine, and what does not."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from speaksep_hub.reporting.allowed import allowed
from speaksep_hub.reporting.sentry import report_faults
from speaksep_hub.reporting.settings import ReportingSettings
from speaksep_kernel.errors import InputError
from tests.hub.receivers import Hook, eventually, sentry
from tests.hub.service_process import ServiceProcess

FAULTY = """
import logging, sys
from speaksep_hub.service.app import create_app
from speaksep_hub.service.place import Place
from speaksep_hub.service.run import serve
from speaksep_hub.settings import load
from speaksep_kernel.errors import StoreError

def create(settings, place):
    app = create_app(settings, place)

    @app.get("/fault")
    def fault(name: str) -> None:
        path = f"/home/ann.weber/{name}"
        raise RuntimeError(f"cannot read {path} of ann.weber@example.org")

    @app.get("/away")
    def away(name: str) -> None:
        try:
            raise StoreError(f"{name} is away", reason="store-away", hint="")
        except StoreError:
            logging.getLogger("another").exception(f"nothing of {name}")

    return app

serve(load(), Place(port=int(sys.argv[1])), create=create)
"""
SECRETS = ("weber", "/home", "example.org", "interview", "Bearer", "127.0.0.1", socket.gethostname())


@pytest.fixture(scope="module")
def receiver() -> Iterator[Hook]:
    with sentry() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, receiver: Hook) -> Iterator[ServiceProcess]:
    """A service with two pages that fail."""
    dsn = f"http://public@127.0.0.1:{receiver.port}/7"
    service = ServiceProcess(tmp_path_factory.mktemp("faulty"), SPEAKSEP_HUB__REPORTING__DSN=dsn)
    service.process = service.run("-c", FAULTY, str(service.port))
    eventually(lambda: ready(service), within_s=60)
    yield service
    service.stop()


def ready(service: ServiceProcess) -> bool:
    try:
        return httpx.get(f"{service.url}ready").status_code == 200
    except httpx.TransportError:
        return False


def events(receiver: Hook) -> list[dict[str, Any]]:
    """The events among what came."""
    return [json.loads(text.splitlines()[2]) for _, text in receiver.came]


def test_a_fault_is_reported_with_nothing_of_a_person(service: ServiceProcess, receiver: Hook) -> None:
    before = len(receiver.came)
    signed = {"Authorization": f"Bearer {service.tokens['ann']}", "Cookie": "session=weber"}
    for _ in range(3):
        answer = httpx.get(f"{service.url}fault?name=interview.wav", headers=signed)
        assert answer.status_code == 500
    eventually(lambda: len(receiver.came) > before)
    time.sleep(0.3)
    assert len(receiver.came) == before + 1, "the same fault is reported once a minute"
    path, text = receiver.came[before]
    event = events(receiver)[before]
    (error,) = event["exception"]["values"][-1:]
    assert path == "/api/7/envelope/"
    assert (error["type"], error["stacktrace"]["frames"][-1]["function"]) == ("RuntimeError", "fault")
    assert event["logentry"] == {"message": "request %s failed"}
    assert event["tags"]["part"] == "service"
    assert f"request {event['tags']['request_id']} failed" in service.log()
    assert [word for word in (*SECRETS, service.tokens["ann"]) if word in text] == []


def test_what_others_log_is_reported_without_their_words(service: ServiceProcess, receiver: Hook) -> None:
    before = len(receiver.came)
    assert httpx.get(f"{service.url}away?name=interview-weber.wav").status_code == 200
    eventually(lambda: len(receiver.came) > before)
    event = events(receiver)[before]
    assert (event["logger"], event["tags"]) == ("another", {"part": "service", "reason": "store-away"})
    assert "logentry" not in event
    assert [word for word in SECRETS if word in receiver.came[before][1]] == []


def test_a_request_id_that_a_client_chose_stays() -> None:
    own = {"logger": "speaksep.service", "logentry": {"message": "request %s failed", "params": ["ann.weber"]}}
    assert allowed(own, "service")["tags"] == {"part": "service"}


def test_nothing_is_loaded_without_an_address() -> None:
    handlers = list(logging.getLogger().handlers)
    report_faults(ReportingSettings(), "service")
    assert logging.getLogger().handlers == handlers


def test_an_address_that_is_none_is_refused_and_not_shown() -> None:
    with pytest.raises(InputError) as error:
        report_faults(ReportingSettings(dsn="https://sentry.example.org/secret"), "service")
    assert error.value.reason == "bad-settings"
    assert "secret" not in str(error.value)


def test_a_receiver_that_is_away_stops_nothing(tmp_path: Path) -> None:
    service = ServiceProcess(tmp_path, SPEAKSEP_HUB__REPORTING__DSN="http://public@127.0.0.1:9/1")
    service.process = service.run("-c", FAULTY, str(service.port))
    eventually(lambda: ready(service), within_s=60)
    assert httpx.get(f"{service.url}fault?name=x").status_code == 500
    assert service.stop() < 5
