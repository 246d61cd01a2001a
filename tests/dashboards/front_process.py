"""The front alone, over results that are there: a process of its own, a token file, a free port."""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx

from speaksep_hub.audit.verify import entries
from speaksep_kernel.catalogue.catalogue import Catalogue

PEOPLE: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "ada": ("researcher", ()),
    "bob": ("researcher", ()),
    "vera": ("viewer", ()),
    "gus": ("viewer", ("staff",)),
    "root": ("admin", ()),
    "bat": ("batch", ()),
}
"""Who has a token: in which role, in which groups."""


class Front:
    """A front that runs.

    Attributes
    ----------
    folder
        Everything that it writes.
    url
        Its address, with a slash at its end.
    catalogue
        The one that it reads, for tests that share things.
    """

    def __init__(self, folder: Path, results: Path, **settings: str) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700)
        database = folder / "jobs.sqlite3"
        with closing(sqlite3.connect(results / "jobs.sqlite3")) as there, closing(sqlite3.connect(database)) as here:
            there.backup(here)
        tokens = [_entry(name, role, groups) for name, (role, groups) in PEOPLE.items()]
        (folder / "tokens.toml").write_text("".join(tokens))
        (folder / "tokens.toml").chmod(0o600)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "SPEAKSEP_"))}
        self.environment = inherited | {
            "OMP_NUM_THREADS": "1",
            "PYTHONWARNINGS": "default",
            "SPEAKSEP_JOBS": str(database),
            "SPEAKSEP_HUB__HUB__FOLDER": str(folder),
            "SPEAKSEP_HUB__STORE__URL": str(results / "store"),
            **{f"SPEAKSEP_HUB__{name}": value for name, value in settings.items()},
        }
        self.catalogue = Catalogue.open(database)
        self.url = ""
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> Front:
        """Start it, and wait until it takes connections."""
        with (self.folder / "log.txt").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "speaksep_hub.dashboards"],
                env=self.environment,
                cwd=self.folder,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url, self.log()
        return self

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it."""
        assert self.process is not None
        self.process.send_signal(how)
        try:
            self.process.wait(10)
        finally:
            self.process.kill()
            assert self.process.stdout is not None
            self.process.stdout.close()

    def client(self, name: str | None, **options: Any) -> httpx.Client:
        """Somebody's program, or that of nobody."""
        headers = {"Authorization": f"Bearer {token_of(name)}"} if name else {}
        headers |= options.pop("headers", {})
        return httpx.Client(base_url=self.url, headers=headers, timeout=60.0, trust_env=False, **options)

    def browser(self, name: str | None = None) -> httpx.Client:
        """Somebody's browser, which signed in and asks for pages."""
        made = self.client(None, headers={"Accept": "text/html"}, follow_redirects=True)
        if name is not None:
            origin = {"Origin": self.url.rstrip("/")}
            assert made.post("sign-in", data={"token": token_of(name)}, headers=origin).status_code == 200
        return made

    def share(self, owner: str, kind: str, what: dict[str, Any], **how: Any) -> str:
        """Id of a new share."""
        return self.catalogue.shares.create(owner, kind, what, **how).id

    def trail(self, event: str) -> list[dict[str, Any]]:
        """What was written down of one kind."""
        found = entries(self.folder / "audit")
        return [entry for entry in found if entry["__schema__"].endswith(f":{event}")]

    def log(self) -> str:
        """What it said."""
        return (self.folder / "log.txt").read_text(errors="replace")


@contextmanager
def running_front(folder: Path, results: Path, **settings: str) -> Iterator[Front]:
    """A front with these settings, while the block runs."""
    front = Front(folder, results, **settings)
    try:
        yield front.start()
    finally:
        front.stop()
        front.catalogue.close()


def token_of(name: str) -> str:
    """What somebody proves themselves with."""
    return hashlib.sha256(f"token of {name}".encode()).hexdigest()


def _entry(name: str, role: str, groups: tuple[str, ...]) -> str:
    digest = hashlib.sha256(token_of(name).encode()).hexdigest()
    return f'[[tokens]]\nname = "{name}"\nrole = "{role}"\nsha256 = "{digest}"\ngroups = {list(groups)}\n'
