"""The service alone, as one would run it on one machine: a process of its own, a token file, a free port."""

from __future__ import annotations

import hashlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

START_S = 90.0
STOP_S = 10.0
PEOPLE: Mapping[str, str] = {
    "ann": "researcher",
    "bob": "researcher",
    "flo": "researcher",
    "vera": "viewer",
    "bat": "batch",
    "ada": "admin",
}
"""Who has a token, and in which role."""


class ServiceProcess:
    """A service, with a folder of its own.

    Attributes
    ----------
    folder
        Everything of it.
    url, api
        Its address, and where the API begins.
    jobs, store
        URLs of its job table and of its store.
    tokens
        By name of the person.
    environment
        Of it, and for others who work on the same jobs.
    """

    def __init__(self, folder: Path, beside: ServiceProcess | None = None, **more: str) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.api = f"{self.url}api/v1"
        self.jobs = more.pop("SPEAKSEP_JOBS", f"sqlite:///{folder / 'jobs.sqlite3'}")
        self.store = (folder / "store").as_uri()
        self.tokens: Mapping[str, str] = {name: secrets.token_hex(20) for name in PEOPLE}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "SPEAKSEP_"))}
        self.environment = inherited | {
            "HOME": str(folder),
            "OMP_NUM_THREADS": "1",
            "PYTHONWARNINGS": "default",
            "SPEAKSEP_CACHE": f"{folder}-cache",
            "SPEAKSEP_JOBS": self.jobs,
            "SPEAKSEP_HUB__HUB__FOLDER": str(folder),
            "SPEAKSEP_HUB__STORE__URL": self.store,
            "SPEAKSEP_HUB__SERVICE__TOKEN_FILE": str(folder / "tokens.toml"),
            **more,
        }
        if beside is None:
            self._write_tokens(folder / "tokens.toml")
        else:  # another replica: the same people, jobs and recordings
            self.jobs, self.store, self.tokens = beside.jobs, beside.store, beside.tokens
            self.environment = beside.environment | more
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> ServiceProcess:
        """Start it, and wait until it is ready."""
        words = ["-m", "speaksep_hub.service", "--host", "127.0.0.1", "--port", str(self.port)]
        self.process = self.run(*words)
        end_s = time.monotonic() + START_S
        while not self._ready():
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < end_s, self.log()
            time.sleep(0.05)
        return self

    def run(self, *words: str) -> subprocess.Popen[bytes]:
        """Another Python beside it, in a session of its own, whose words go to the same log."""
        with (self.folder / "log.txt").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *words],
                env=self.environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self) -> float:
        """End it as one does, by SIGTERM; seconds that took."""
        return end(self.process, signal.SIGTERM)

    def kill(self) -> None:
        """End it as nobody should."""
        end(self.process, signal.SIGKILL)

    def log(self) -> str:
        """What it said."""
        return (self.folder / "log.txt").read_text(errors="replace")

    def client(self, name: str | None = "ann", **options: Any) -> httpx.Client:
        """An HTTP client of somebody, or of nobody; addresses are below ``/api/v1/``."""
        signed = {"Authorization": f"Bearer {self.tokens[name]}"} if name else {}
        options["headers"] = signed | dict(options.pop("headers", {}))
        return httpx.Client(base_url=f"{self.api}/", **({"timeout": 60.0} | options))

    def _ready(self) -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}ready", timeout=5).status_code == 200
        return False

    def _write_tokens(self, path: Path) -> None:
        lines = []
        for name, role in PEOPLE.items():
            digest = hashlib.sha256(self.tokens[name].encode()).hexdigest()
            lines.append(f'[[tokens]]\nname = "{name}"\nrole = "{role}"\nsha256 = "{digest}"\n')
        path.write_text("\n".join(lines))
        path.chmod(0o600)


def end(process: subprocess.Popen[bytes] | None, how: signal.Signals) -> float:
    """End a process and wait for it; seconds that took."""
    start_s = time.monotonic()
    assert process is not None
    with suppress(ProcessLookupError):
        process.send_signal(how)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AssertionError(f"it did not end within {STOP_S} s of {how.name}") from None
    return time.monotonic() - start_s


def free_port() -> int:
    """A port that nobody has at the moment."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])
