"""Where what is looked at lies: the job table, the recordings and shares, the store."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from speaksep_kernel.catalogue.catalogue import Catalogue
from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.store.directory import DirectoryStore
from speaksep_kernel.store.store import Store

TABLE, STORE = "jobs.sqlite3", "store"
"""In the folder of a desk of one's own."""


@dataclass(frozen=True)
class Desk:
    """Everything that pages read from; whoever opened the parts closes them.

    Attributes
    ----------
    jobs
        Who asked for what, and where it stands.
    catalogue
        Who has which recordings.
    store
        The recordings and the results themselves.
    """

    jobs: JobTable
    catalogue: Catalogue
    store: Store

    def close(self) -> None:
        """Let go of the databases."""
        self.jobs.close()
        self.catalogue.close()


class FolderStore(DirectoryStore):
    """A store that takes in, by links, whatever folders and files of this machine it is asked for.

    For people who look at their own things, never for a service: `key_of` knows every path.
    """

    def key_of(self, address: str) -> str:
        """The key at an address; that of a link which is made for it, if it lies elsewhere."""
        try:
            return super().key_of(address)
        except InputError:
            path = Path(address)
            if not path.is_absolute():
                raise
        digest = hashlib.sha256(address.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        key = f"results/{digest}/{path.name}"
        link = Path(self.url, key)
        if not link.is_symlink():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
        return key


def desk_of(places: Sequence[Path], folder: Path) -> Desk:
    """A desk without a service.

    Parameters
    ----------
    places
        Folders of results and of batches. Without any, or if all are batches that the user's job table knows: that
        table, so that what is still running is seen to run.
    folder
        For what the desk needs itself.

    Raises
    ------
    InputError
        Reason ``no-result``: a place is neither; or a table cannot be opened.
    """
    from speaksep_dashboards.folders import known_batches, take_in

    store = FolderStore(folder / STORE)
    if known_batches(places):
        return Desk(JobTable.open(), Catalogue.open(), store)
    take_in(places, folder / TABLE)
    return opened(folder)


def opened(folder: Path) -> Desk:
    """The desk that `desk_of` made in a folder, for another process."""
    database = folder / TABLE
    if database.exists():
        return Desk(JobTable.open(database), Catalogue.open(database), FolderStore(folder / STORE))
    return Desk(JobTable.open(), Catalogue.open(), FolderStore(folder / STORE))
