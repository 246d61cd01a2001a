"""Every part of a platform says whether it lives and whether it is ready; the doctor asks them all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from speaksep_hub.doctor import running
from speaksep_hub.doctor.running import parts, proxy, readiness
from speaksep_hub.local.folder import Folder
from speaksep_hub.metrics.pulse import ALIVE_S, READY_S, Pulse
from speaksep_hub.settings import PortSettings, Settings
from speaksep_kernel.errors import SpeakSepError
from speaksep_kernel.jobs.dispatcher import Glance
from tests.hub.running import RunningHub

PARTS = {"hub", "proxy", "provider", "service", "dashboards", "voila", "panel", "worker"}


@pytest.fixture
def settings(platform: RunningHub) -> Settings:
    """As somebody who looks at the platform from outside has them: its ports are in its folder."""
    return Settings.model_validate({"hub": {"url": platform.url.rstrip("/"), "folder": str(platform.folder)}})


@pytest.fixture
def addresses(settings: Settings) -> dict[str, str]:
    noted = Folder(settings.hub.kept()).running()
    assert noted is not None
    ports = PortSettings.model_validate(noted["ports"])
    return readiness(settings.model_copy(update={"ports": ports}), worker=True)


def test_every_part_is_ready_and_alive(addresses: dict[str, str], settings: Settings) -> None:
    assert set(addresses) == PARTS
    assert set(parts(settings).removesuffix(" are ready").split(", ")) == PARTS
    alive = {name: url.removesuffix("/ready") + "/health" for name, url in addresses.items() if url.endswith("/ready")}
    assert {name: httpx.get(url, trust_env=False).status_code for name, url in alive.items()} == dict.fromkeys(
        alive, 200
    )
    assert set(alive) == {"service", "dashboards", "voila", "panel", "worker"}
    assert proxy(settings).endswith("without TLS of its own")  # type: ignore[union-attr]


@pytest.fixture
def stopped_worker(platform: RunningHub) -> Iterator[None]:
    """It hangs: nothing answers, nothing has died."""
    worker = platform.part("worker")
    worker.suspend()
    yield
    worker.resume()


@pytest.mark.usefixtures("stopped_worker")
def test_what_does_not_answer_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "PATIENCE_S", 1.0)
    with pytest.raises(SpeakSepError, match="worker does not answer") as found:
        parts(settings)
    assert "logs are in" in found.value.hint


def test_nothing_runs_here(tmp_path: Path) -> None:
    ports = {"hub": 1, "proxy": 1}
    elsewhere = Settings.model_validate({"hub": {"folder": str(tmp_path / "hub")}, "ports": ports})
    assert parts(elsewhere) == "not running here"
    assert str(proxy(elsewhere)).endswith("not running here")
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_looks_no_more() -> None:
    now, seen = [0.0], []
    pulse = Pulse(seen.append, clock=lambda: now[0])
    assert (pulse.wrong(ready=False), pulse.wrong(ready=True)) == ("", "has not looked at the job table yet")
    glance = Glance({}, 0, (), ())
    pulse.see(glance)
    assert (pulse.wrong(ready=True), seen) == ("", [glance])
    now[0] = READY_S + 1
    assert (pulse.wrong(ready=False), pulse.wrong(ready=True)) == ("", "has not looked at the job table for 31 s")
    now[0] = ALIVE_S + 1
    assert "301 s" in pulse.wrong(ready=False)
    pulse.see(Glance({}, 0, (), (), trouble="no worker starts"))
    assert (pulse.wrong(ready=False), pulse.wrong(ready=True)) == ("", "no worker starts")
