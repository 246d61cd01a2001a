"""The service as a process: how it starts, what it says when it cannot, how fast it leaves."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from speaksep_hub.service.place import Place
from speaksep_hub.service.run import listening
from speaksep_kernel.cli import main
from tests.hub.service_process import ServiceProcess

LEAVE_S = float(os.environ.get("SPEAKSEP_LEAVE_S", "5"))
"""Within which a service leaves; on a machine with nothing else to do it is 2 s."""


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Start one that cannot, in this process; the last line that it says."""
    for name in [name for name in os.environ if name.startswith(("JUPYTER", "SPEAKSEP_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SPEAKSEP_HUB__HUB__FOLDER", str(tmp_path))

    def start(*words: str, **more: str) -> str:
        for name, value in more.items():
            monkeypatch.setenv(name, value)
        assert main(["service", *words]) == 2
        return capsys.readouterr().err.splitlines()[-1]

    return start


@pytest.fixture
def first_start(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "speaksep_hub.service", "--port", "0"]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "SPEAKSEP_"))}
    environment = inherited | {"SPEAKSEP_HUB__HUB__FOLDER": str(tmp_path), "OMP_NUM_THREADS": "1"}
    log = (tmp_path / "log").open("w")
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
    yield process
    process.kill()
    process.communicate()
    log.close()


def test_the_first_start_gives_a_token_that_works(first_start: subprocess.Popen[str], tmp_path: Path) -> None:
    assert first_start.stdout is not None
    token = re.search(r"(speaksep_\S+)$", first_start.stdout.readline().strip())
    address = re.search(r"(http://127\.0\.0\.1:\d+/)$", first_start.stdout.readline().strip())
    assert token is not None
    assert address is not None
    answer = httpx.get(f"{address[1]}api/v1/me", headers={"Authorization": f"Bearer {token[1]}"})
    assert "jobs:submit" in answer.json()["scopes"]
    assert token[1] not in (tmp_path / "tokens.toml").read_text()
    begun = time.monotonic()
    first_start.send_signal(signal.SIGINT)
    assert first_start.wait(10) == 0
    assert time.monotonic() - begun < LEAVE_S
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_a_port_that_is_taken_is_named(start: Callable[..., str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"speaksep: cannot listen at 127.0.0.1:{port}" in start("--port", str(port))


def test_small_answers_do_not_wait_for_more() -> None:
    """asyncio turns Nagle's algorithm, which holds them back for 40 ms, off only where the protocol is named."""
    with listening(Place()) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_an_address_that_is_none_is_named(start: Callable[..., str]) -> None:
    assert "cannot listen at 256.0.0.1:0" in start("--host", "256.0.0.1", "--port", "0")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        pytest.param({"SPEAKSEP_HUB__SERVICE__JOBS": "mysql://somewhere"}, "no job table", id="no job table"),
        pytest.param({"SPEAKSEP_HUB__SERVICE__TOKEN_LIFE_S": "9999"}, "token_life_s", id="a setting out of range"),
        pytest.param({"SPEAKSEP_HUB__SERVICE__NO_SUCH": "1"}, "no_such", id="a setting that is none"),
        pytest.param({"JUPYTERHUB_API_TOKEN": "t"}, "JUPYTERHUB_API_URL", id="half a hub"),
        pytest.param({"SPEAKSEP_HUB_CONFIG": "/no/such/file.toml"}, "/no/such/file.toml", id="no file"),
    ],
)
def test_what_is_wrong_is_one_line(start: Callable[..., str], more: dict[str, str], words: str) -> None:
    assert words in start("--port", "0", **more)


def test_a_token_file_that_others_may_read_is_refused_at_the_start(start: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "tokens.toml").write_text("")
    (tmp_path / "tokens.toml").chmod(0o640)
    said = start("--port", "0")
    assert "its mode is 640" in said
    assert "chmod 600" in said


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[[tokens]]\nname = 'ann'\nrole = 'researcher'\n", id="no hash"),
        pytest.param(f"[[tokens]]\nname = 'ann'\nsha256 = '{'0' * 64}'\n", id="neither role nor scopes"),
        pytest.param(f"[[tokens]]\nname = 'ann'\nrole = 'boss'\nsha256 = '{'0' * 64}'\n", id="no such role"),
        pytest.param(f"[[tokens]]\nname = 'ann'\nscopes = ['fly']\nsha256 = '{'0' * 64}'\n", id="no such scope"),
        pytest.param(f"[[tokens]]\nname = '../ann'\nrole = 'viewer'\nsha256 = '{'0' * 64}'\n", id="a path for a name"),
        pytest.param("tokens = 7\n", id="no tables"),
        pytest.param("[[tokens\n", id="no toml"),
    ],
)
def test_a_token_file_that_is_wrong_is_refused_at_the_start(
    start: Callable[..., str], tmp_path: Path, text: str
) -> None:
    (tmp_path / "tokens.toml").write_text(text)
    (tmp_path / "tokens.toml").chmod(0o600)
    assert "tokens.toml' cannot be used" in start("--port", "0")


def test_it_leaves_at_once_while_streams_and_sockets_are_open(start_service: Callable[..., ServiceProcess]) -> None:
    service = start_service()
    ended: list[float] = []

    def listen(opened: threading.Event) -> None:
        with service.client("ann") as ann, ann.stream("GET", "events", timeout=30) as stream:
            for _ in stream.iter_raw():
                opened.set()
        ended.append(time.monotonic())

    listening = [threading.Event() for _ in range(5)]
    listeners = [threading.Thread(target=listen, args=(opened,)) for opened in listening]
    for listener in listeners:
        listener.start()
    socket_url = service.api.replace("http", "ws") + "/events/ws"
    headers = {"Authorization": f"Bearer {service.tokens['bob']}"}
    with connect(socket_url, additional_headers=headers):
        assert all(opened.wait(30) for opened in listening)
        assert service.stop() < LEAVE_S
    for listener in listeners:
        listener.join(5)
    assert len(ended) == 5
    assert "Traceback" not in service.log()


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        pytest.param({}, 401, "no-token", id="nobody"),
        pytest.param({"Authorization": "Bearer wrong"}, 401, "bad-token", id="a wrong token"),
        pytest.param({"Cookie": "speaksep-session=x.y"}, 401, "no-token", id="a wrong cookie"),
    ],
)
def test_a_socket_is_refused_like_any_request(
    service_process: ServiceProcess, headers: dict[str, str], status: int, reason: str
) -> None:
    address = service_process.api.replace("http", "ws") + "/events/ws"
    with pytest.raises(InvalidStatus) as raised:
        connect(address, additional_headers=headers)
    answer: Any = raised.value.response
    assert answer.status_code == status
    assert json.loads(answer.body)["reason"] == reason
    assert answer.headers["x-request-id"]


def test_a_socket_of_another_page_is_refused(service_process: ServiceProcess) -> None:
    url = service_process.url.rstrip("/")
    with httpx.Client(base_url=url) as browser:
        browser.post("/sign-in", data={"token": service_process.tokens["ann"]}, headers={"Origin": url})
        cookie = f"speaksep-session={browser.cookies['speaksep-session']}"
    address = service_process.api.replace("http", "ws") + "/events/ws"
    with connect(address, additional_headers={"Cookie": cookie}, origin=url):
        pass
    with pytest.raises(InvalidStatus) as raised:
        connect(address, additional_headers={"Cookie": cookie}, origin="https://elsewhere.example")
    assert raised.value.response.status_code == 403


def test_a_stream_ends_when_its_token_is_revoked(service_process: ServiceProcess) -> None:
    with service_process.client("ann") as ann:
        made = ann.post("tokens", json={"scopes": ["jobs:read"], "expires_in": 600}).json()
        signed = {"Authorization": f"Bearer {made['token']}"}
        with service_process.client(None, headers=signed) as other, other.stream("GET", "events") as stream:
            lines = stream.iter_raw()
            next(lines)
            begun = time.monotonic()
            ann.delete(f"tokens/{made['id']}")
            for _ in lines:
                pass
    assert time.monotonic() - begun < 5
