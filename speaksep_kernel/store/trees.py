"""A whole folder of a store on this machine, for as long as it is read."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from speaksep_kernel.store.store import at


@contextmanager
def fetched(address: str | os.PathLike[str]) -> Iterator[Path]:
    """A folder that may be read: where it lies, or a copy that is gone afterwards.

    Parameters
    ----------
    address
        A directory, or the address of a folder in a remote store.

    Raises
    ------
    StoreError
        It is not there, or the store does not answer.
    """
    words = os.fspath(address)
    if "://" not in words:
        yield Path(words)
        return
    store, key = at(words)
    with tempfile.TemporaryDirectory(prefix="speaksep-") as folder:
        for name in store.files(key):
            target = Path(folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(store.local(f"{key}/{name}"), target)
        yield Path(folder)
