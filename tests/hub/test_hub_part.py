"""``speaksep hub part``: a service of a hub that runs elsewhere."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from speaksep_hub.cli.part import told
from speaksep_hub.local.ports import free_ports
from speaksep_kernel.cli import main
from speaksep_kernel.errors import InputError
from tests.hub.redis_server import RedisServer
from tests.hub.running import until

START_S = 120.0
PODS = Path(__file__).parents[2] / "hub" / "deploy" / "kubernetes"
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
    _, environment = told("speaksep", None, settings(tmp_path), None, port=8020)
    assert environment["JUPYTERHUB_SERVICE_URL"] == "http://127.0.0.1:8020"


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


@dataclass
class Container:
    """One of the pods' containers, as a process of this machine.

    Parameters
    ----------
    spec
        What the file says of it.
    port
        In the place of its own, which others may have here.
    process
        It, running.
    log
        What it says.
    """

    spec: dict[str, Any]
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(cls, spec: dict[str, Any], folder: Path, environment: dict[str, str]) -> Container:
        """Run its command, with its variables."""
        (port,) = free_ports(1)
        (given,) = spec["ports"]
        ports = {f"SPEAKSEP_HUB__PORTS__{each}": str(port) for each in ("SERVICE", "DASHBOARDS", "VOILA", "PANEL")}
        own = {each["name"]: str(folder) for each in spec["env"] if each["name"] in ("HOME", "TMPDIR")}
        assert spec["command"][0] == "speaksep"
        words = [word.replace(f":{given['containerPort']}", f":{port}") for word in spec["command"][1:]]
        log = folder / f"{spec['name']}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "speaksep_kernel.cli", *words],
                env=environment | own | (ports if "hub" in words else {}),
                stdout=file,
                stderr=file,
                cwd=folder,
            )
        return cls(spec, port, process, log)

    def says(self, probe: str) -> int:
        """Status of the answer to a probe; 0: none yet."""
        assert self.process.poll() is None, self.log.read_text()
        try:
            address = f"http://127.0.0.1:{self.port}{self.spec[probe]['httpGet']['path']}"
            return httpx.get(address, trust_env=False, timeout=self.spec[probe].get("timeoutSeconds", 5)).status_code
        except httpx.TransportError:
            return 0


def test_the_containers_of_the_pods_run_and_end_here_as_there(tmp_path: Path) -> None:
    pods = [yaml.safe_load_all((PODS / name).read_text()) for name in ("services.yaml", "workers.yaml")]
    deployments = [each["spec"]["template"]["spec"] for pod in pods for each in pod if each["kind"] == "Deployment"]
    redis = RedisServer(tmp_path)
    redis.start()
    told = settings(
        tmp_path,
        SPEAKSEP_HUB_CONFIG=str(PODS / "hub.toml"),
        SPEAKSEP_HUB__STORE__URL=(tmp_path / "store").as_uri(),
        SPEAKSEP_HUB__PROTECTION__STORAGE=redis.url,
        SPEAKSEP_HUB__SIGN_IN__CLIENT_SECRET="0123456789abcdef" * 4,
        SPEAKSEP_JOBS=str(tmp_path / "jobs.sqlite3"),
        SPEAKSEP_METRICS_KEY="fedcba9876543210" * 4,
        OMP_NUM_THREADS="1",
    )
    started = [Container.start(spec, tmp_path, told) for pod in deployments for spec in pod["containers"]]
    try:
        assert len(started) == 5
        for container in started:
            until(lambda each=container: each.says("startupProbe") == 200, START_S)
        probes = ("livenessProbe", "readinessProbe")
        asked = {
            (each.spec["name"], probe): each.says(probe) for each in started for probe in probes if probe in each.spec
        }
        assert set(asked.values()) == {200}, asked
        for container in started:
            container.process.send_signal(signal.SIGTERM)
        for container in started:
            container.process.wait(min(pod["terminationGracePeriodSeconds"] for pod in deployments))
    finally:
        for container in started:
            container.process.kill()
            container.process.wait()
        redis.stop()
