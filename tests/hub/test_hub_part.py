"""``speaksep hub part``: a service of a hub that runs elsewhere."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from speaksep_hub.cli.part import told
from speaksep_hub.local.ports import free_ports
from speaksep_kernel.cli import main
from speaksep_kernel.errors import InputError

START_S = 60.0
OTHERS = ("JUPYTER", "JPY_", "SPEAKSEP_")


def settings(folder: Path, **more: str) -> dict[str, str]:
    """Variables of a hub on another host, and nothing else of the platform."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(OTHERS)}
    return inherited | {
        "SPEAKSEP_HUB__HUB__FOLDER": str(folder / "hub"),
        "SPEAKSEP_HUB__HUB__HUB_HOST": "hub.internal",
        **more,
    }


def test_it_is_told_what_the_hub_would_tell_it(tmp_path: Path) -> None:
    public = {"SPEAKSEP_HUB__HUB__URL": "https://speech.example.org", "SPEAKSEP_HUB__HUB__SERVICE_HOST": "speaksep"}
    command, environment = told("speaksep", None, settings(tmp_path, **public), None)
    assert command == [sys.executable, "-m", "speaksep_hub.service"]
    assert environment["JUPYTERHUB_API_URL"] == "http://hub.internal:8081/hub/api"
    # Others reach it by a name that it cannot listen at itself.
    assert environment["JUPYTERHUB_SERVICE_URL"] == "http://0.0.0.0:8010"
    assert environment["JUPYTERHUB_PUBLIC_URL"] == "https://speech.example.org/services/speaksep/"
    assert len(environment["JUPYTERHUB_API_TOKEN"]) == 64


def test_it_listens_here_alone_unless_told_otherwise(tmp_path: Path) -> None:
    _, environment = told("panel", None, settings(tmp_path), None)
    assert environment["JUPYTERHUB_SERVICE_URL"] == "http://127.0.0.1:8013"
    _, environment = told("panel", "10.1.2.3", settings(tmp_path), None)
    assert environment["JUPYTERHUB_SERVICE_URL"] == "http://10.1.2.3:8013"


@pytest.mark.parametrize("name", ["hub", "idle-culler", "speakseq"])
def test_what_is_no_service_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=repr(name)) as error:
        told(name, None, settings(tmp_path), None)
    assert error.value.reason == "unknown-part"
    assert "speaksep, dashboards, voila, panel" in error.value.hint


def test_settings_that_are_wrong_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "hub.toml"
    file.write_text("[hub]\nproxy = 'nginx'\n")
    assert main(["hub", "part", "speaksep", "--config", str(file)]) == 2
    assert "hub.proxy" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "path"), [("speaksep", "health"), ("dashboards", "health")])
def test_it_runs_and_ends(name: str, path: str, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    ports = {f"SPEAKSEP_HUB__PORTS__{part}": str(port) for part in ("SERVICE", "DASHBOARDS")}
    command = [sys.executable, "-m", "speaksep_kernel.cli", "hub", "part", name]
    log = tmp_path / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(command, env=settings(tmp_path, **ports), stdout=file, stderr=file, cwd=tmp_path)
    try:
        until = time.monotonic() + START_S
        answer = None
        while answer is None:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            try:
                answer = httpx.get(f"http://127.0.0.1:{port}/services/{name}/{path}")
            except httpx.TransportError:
                time.sleep(0.2)
        assert answer.status_code == 200
        assert json.loads(answer.text)["ok"] is True
        process.send_signal(signal.SIGTERM)
        process.wait(15)
    finally:
        process.kill()
        process.wait()
