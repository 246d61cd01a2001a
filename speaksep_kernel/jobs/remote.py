"""An attempt whose results go to a store elsewhere, where nothing can be renamed: the table alone says which counts."""

from __future__ import annotations

import logging
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.jobs.attempt import Attempt
from speaksep_kernel.store import store

log = logging.getLogger(__name__)


class RemoteAttempt(Attempt):
    """A folder of this machine that is copied to ``attempt-N`` below the job's address before the table hears of it.

    Until the table says that this attempt succeeded, nobody is told where that is; attempts that did not are removed.

    Parameters
    ----------
    address
        Of the job: a URL in a store.
    job, attempt
        Whose it is.

    Raises
    ------
    InputError
        Reason ``bad-key``: no address in a store.
    """

    def __init__(self, address: str, job: str, attempt: int) -> None:
        self._store, self._key = store.at(address)
        self._mine = f"{self._key}/attempt-{attempt}"
        self.address = self._store.address(self._mine)
        self.directory = Path(tempfile.mkdtemp(prefix=f"speaksep-{attempt}-"))  # what messages about the disk name
        self.place = self.directory / "attempt"
        self.place.mkdir()
        self._published = False

    def seal(self) -> None:
        """Copy it there."""
        self._store.put_tree(self.place, self._mine)

    def publish(self) -> None:
        """It is there already; from now on it counts."""
        self._published = True

    def keep_report(self, name: str, state: str) -> str | None:
        """Copy a partial notebook beside the attempts; its address, if there is one."""
        key = f"{self._key}/{state}.ipynb"
        try:
            self._store.write(key, (self.place / name).read_bytes())
        except (OSError, StoreError):
            return None
        return self._store.address(key)

    def close(self) -> None:
        """Remove what was not published; after a success also what earlier attempts left."""
        shutil.rmtree(self.directory, ignore_errors=True)
        with suppress(StoreError):  # the store is away: retention removes it with the job
            others = self._store.children(self._key) if self._published else [self._mine]
            for key in others:
                if key != self._mine or not self._published:
                    self._store.remove(key)


def fetched(address: str) -> str:
    """A path of this machine for a file at an address in a store; any other address, and a folder's, as it is.

    Raises
    ------
    StoreError
        It cannot be fetched.
    """
    try:
        where, key = store.at(address)
    except InputError:
        return address
    folder = key.startswith("results/") and not where.exists(key)
    return address if folder else str(where.local(key))
