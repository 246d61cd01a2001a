"""The running service that the tests share, one that works, and others of their own."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import soundfile as sf

from speaksep_kernel.testing import conversation
from tests.hub.deployment import Deployment, deployed, provider, write_dashboards
from tests.hub.earlier import Earlier
from tests.hub.running import RunningHub, running_hub
from tests.hub.service_process import ServiceProcess, end
from tests.kernel.database_servers import PostgreSql


@pytest.fixture(scope="session")
def service_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """The service alone; nobody works on its jobs."""
    service = ServiceProcess(tmp_path_factory.mktemp("service")).start()
    yield service
    service.stop()


@pytest.fixture
def start_service(tmp_path: Path) -> Iterator[Callable[..., ServiceProcess]]:
    """``start_service(SPEAKSEP_HUB__X__Y="…")`` starts one of its own, with these settings; ``beside=`` a replica."""
    started: list[ServiceProcess] = []

    def start(beside: ServiceProcess | None = None, **more: str) -> ServiceProcess:
        started.append(ServiceProcess(tmp_path / f"service{len(started)}", beside, **more))
        return started[-1].start()

    yield start
    for service in started:
        end(service.process, signal.SIGKILL)


@pytest.fixture(scope="session")
def working_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """Another, with one worker on its table."""
    service = ServiceProcess(tmp_path_factory.mktemp("working")).start()
    words = ["jobs", "work", "--executor", "local", "--workers", "1"]
    worker = service.run("-c", "import sys; from speaksep_kernel.cli import main; sys.exit(main())", *words)
    yield service
    end(worker, signal.SIGTERM)
    service.stop()
    end_all_of(service)


@pytest.fixture(scope="session")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people talk for eight seconds, now and then at once."""
    made = conversation(8.0, speakers=2, overlap=0.2, seed=3)
    path = tmp_path_factory.mktemp("talk") / "talk.wav"
    sf.write(path, made.audio, made.rate_hz)
    return path


@pytest.fixture(scope="session")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Earlier:
    """The version before this one, installed."""
    return Earlier.install(tmp_path_factory.mktemp("earlier"))


@pytest.fixture(scope="session")
def hub_database() -> Iterator[str]:
    """A PostgreSQL with nothing in it."""
    server = PostgreSql()
    server.start()
    yield server.empty()
    server.remove()


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory, hub_database: str) -> Iterator[Deployment]:
    """A hub as in production: PostgreSQL, a provider, several sizes of servers, groups looked at every second."""
    folder = tmp_path_factory.mktemp("deployment")
    sizes = [
        {"name": "small", "title": "Small", "memory_bytes": "1 GiB", "cores": 1},
        {"name": "gpu", "device": "gpu"},
        {"name": "large", "memory_bytes": "8 GiB", "groups": ["speaksep-admins"]},
    ]
    with (
        provider(folder) as url,
        deployed(
            folder,
            url,
            hub={"database": hub_database, "named_servers": 1},
            sign_in={"refresh_s": 1},
            spawner={"profiles": sizes},
            dashboards={"folder": str(write_dashboards(folder / "published"))},
        ) as running,
    ):
        yield running


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """What ``speaksep hub up`` brings up, for tests that leave it as it is; it bears more wrong tokens than others."""
    folder = tmp_path_factory.mktemp("platform")
    settings = {
        "DASHBOARDS__FOLDER": str(write_dashboards(folder / "published")),
        "PROTECTION__GUESS": "100000/minute",
        "PROTECTION__TOKEN": "100000/minute",
    }
    variables = {f"SPEAKSEP_HUB__{name}": value for name, value in settings.items()}
    with running_hub(folder / "hub", "--workers=1", **variables) as hub:
        yield hub


def end_all_of(service: ServiceProcess) -> None:
    """End what its workers left on purpose: the server that hands out kernels."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("HOME") == str(service.folder):
                process.kill()
