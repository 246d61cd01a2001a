"""The folder of a platform: databases, homes, logs, and secrets that are made once."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speaksep_kernel.errors import InputError, StoreError

SECRET_BYTES = 32
_OTHERS = 0o077


@dataclass(frozen=True)
class Folder:
    """Where one platform keeps what it knows.

    Parameters
    ----------
    path
        Absolute; see `Folder.open`.
    """

    path: Path

    @classmethod
    def open(cls, path: Path) -> Folder:
        """Make it, with what is in it, if it is not there.

        Raises
        ------
        StoreError
            Reason ``unsafe-folder``: others may enter it, or it is not this user's; ``folder-failed``.
        """
        folder = cls(path.expanduser().absolute())
        try:
            for each in (folder.path, folder.homes, folder.logs, folder.run, folder.store, folder._secrets):
                each.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = folder.path.stat()
        except OSError as error:
            raise StoreError(
                f"the folder of the hub cannot be used: {error}", reason="folder-failed", hint="name another: --folder"
            ) from error
        if found.st_uid != os.geteuid() or found.st_mode & _OTHERS:
            raise StoreError(
                f"others may enter the folder of the hub: {folder.path} (user {found.st_uid}, mode "
                f"{stat.S_IMODE(found.st_mode):04o}), and there are secrets in it",
                reason="unsafe-folder",
                hint=f"chmod 700 {folder.path}, or name another: --folder",
            )
        return folder

    @property
    def homes(self) -> Path:
        """Homes of people, by their names."""
        return self.path / "homes"

    @property
    def logs(self) -> Path:
        """What every part writes."""
        return self.path / "logs"

    @property
    def run(self) -> Path:
        """Files that mean something only while it runs: configuration of the proxy, sockets."""
        return self.path / "run"

    @property
    def store(self) -> Path:
        """Recordings and results."""
        return self.path / "store"

    @property
    def jobs(self) -> Path:
        """The job table and the catalogue."""
        return self.path / "jobs.sqlite3"

    @property
    def database_url(self) -> str:
        """The hub's own database."""
        return f"sqlite:///{self.path / 'hub.sqlite'}"

    @property
    def _secrets(self) -> Path:
        return self.path / "secrets"

    def secret_file(self, name: str) -> Path:
        """File of a secret: 64 hexadecimal digits, made by chance when first asked for, read by nobody else."""
        place = self._secrets / name
        # Written whole and then linked: two who come at once agree on one, and nobody reads half of it.
        draft = self._secrets / f".{name}.{secrets.token_hex(4)}"
        if not place.exists():
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_hex(SECRET_BYTES))
            try:
                os.link(draft, place)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        if place.stat().st_mode & _OTHERS:
            raise StoreError(
                f"others may read the secret {place}", reason="unsafe-secret", hint="delete it: a new one is made"
            )
        return place

    def secret(self, name: str) -> str:
        """The secret itself.

        Raises
        ------
        StoreError
            Reason ``unsafe-secret``: its file may be read by others.
        """
        return self.secret_file(name).read_text().strip()

    def claim(self, **about: Any) -> int:
        """Take the folder for this process for as long as it lives, and note what runs there.

        Returns
        -------
        The open file that holds the lock; the caller keeps it.

        Raises
        ------
        InputError
            Reason ``already-up``: a platform runs in it.
        """
        place = self.run / "up.json"
        lock = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            running = self.running() or {}
            raise InputError(
                f"a platform runs in {self.path} already, as process {running.get('pid', '?')}",
                reason="already-up",
                hint=f"it is at {running.get('url', 'its address')}; another one needs another folder: --folder",
            ) from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, json.dumps({"pid": os.getpid(), **about}).encode(), 0)
        return lock

    def running(self) -> dict[str, Any] | None:
        """What `claim` noted last, while that platform may still run."""
        try:
            found = json.loads((self.run / "up.json").read_text() or "null")
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None
