"""Copies of what lies elsewhere, on this machine's disk: fetched once, the longest unused removed first."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from speaksep_kernel.store.faults import explained

FRESH_S = 6 * 3600.0
"""What was used in this time is not removed: somebody may be reading it."""


class Copies:
    """A folder of copies; any number of processes may share it.

    Parameters
    ----------
    folder
        Made if it does not exist, closed to others.
    limit_bytes
        How much they may take together; what is in use counts, but stays.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.folder, self._limit_bytes = folder, limit_bytes

    def get(self, tag: str, name: str, fetch: Callable[[Path], None]) -> Path:
        """The copy of something.

        Parameters
        ----------
        tag
            What it is: another state of it has another tag.
        name
            What the file is called.
        fetch
            Makes it at a path. What it raises leaves nothing.
        """
        place = self.folder / hashlib.sha256(tag.encode()).hexdigest()[:40]
        with suppress(OSError):
            os.utime(place)
            if (place / name).is_file():
                return place / name
        with explained(str(self.folder)):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            made = Path(tempfile.mkdtemp(prefix="new-", dir=self.folder))
        try:
            fetch(made / name)
            with explained(str(self.folder)):
                (made / name).chmod(0o400)
                with suppress(OSError):
                    made.rename(place)  # fails where another process was first: its copy is as good
        finally:
            shutil.rmtree(made, ignore_errors=True)
        self._make_room(place)
        return place / name

    def _make_room(self, newest: Path) -> None:
        found: list[tuple[float, int, Path]] = []
        for place in self.folder.iterdir():
            with suppress(OSError):
                size_bytes = sum(path.stat().st_size for path in place.iterdir())
                found.append((place.stat().st_mtime, size_bytes, place))
        too_many = sum(size_bytes for _, size_bytes, _ in found) - self._limit_bytes
        for used_at, size_bytes, place in sorted(found):
            if too_many <= 0 or used_at > time.time() - FRESH_S:
                return
            if place != newest:
                shutil.rmtree(place, ignore_errors=True)
                too_many -= size_bytes
