"""Real databases for whoever tests the job table: SQLite, and a PostgreSQL that is started once. Real batches, too."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from speaksep_kernel import plugins
from speaksep_kernel.jobs.queue import JobTable
from tests.kernel.batches import Scene, end_fork_servers
from tests.kernel.database_servers import PostgreSql
from tests.kernel.toy_plugins import InstallToy, put_toy


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgreSql]:
    """The server."""
    server = PostgreSql()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_place(request: pytest.FixtureRequest) -> str:
    """Where a table can be made, on one database after the other."""
    where: str = request.getfixturevalue(f"empty_{request.param}")
    return where


@pytest.fixture
def empty_sqlite(tmp_path: Path) -> str:
    """A file that does not exist."""
    return str(tmp_path / "table" / "jobs.sqlite3")


@pytest.fixture
def empty_postgresql(postgres: PostgreSql) -> str:
    """A database with nothing in it."""
    return postgres.empty()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest) -> str:
    """Where a table is, with no job yet, on one database after the other."""
    where: str = request.getfixturevalue(f"fresh_{request.param}")
    return where


@pytest.fixture(scope="session")
def made_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table that is copied: quicker than to make each anew."""
    place = tmp_path_factory.mktemp("made") / "jobs.sqlite3"
    JobTable.open(place).close()
    return place


@pytest.fixture
def fresh_sqlite(made_sqlite: Path, tmp_path: Path) -> str:
    """A file with the tables."""
    return str(shutil.copy(made_sqlite, tmp_path))


@pytest.fixture
def fresh_postgresql(postgres: PostgreSql) -> str:
    """A database with the tables."""
    return postgres.fresh()


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One folder of sockets for all scenes: a server that hands out kernels is started once."""
    folder = tmp_path_factory.mktemp("run")
    yield folder
    end_fork_servers(folder)


@pytest.fixture
def scene(tmp_path: Path, runtime: Path) -> Iterator[Scene]:
    """A place for batches; whatever still runs there is ended."""
    scene = Scene(tmp_path, runtime)
    yield scene
    scene.close()


@pytest.fixture
def install_toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InstallToy]:
    """Install a plugin called "toy"; contained ones get 2 GB."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", str(site), prepend=os.pathsep)
    monkeypatch.setenv("SPEAKSEP_PLUGIN_TRIALS", str(tmp_path / "trials.json"))
    monkeypatch.setenv("SPEAKSEP_CONTAIN_MEMORY_BYTES", "2e9")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    module = f"toys_{tmp_path.name}"  # a name of its own, as imports are remembered
    yield lambda code, kind="separator": put_toy(site, module, code, kind)
    monkeypatch.undo()
    plugins.refresh()
