"""The line of kernels that wait for a GPU: one locked file each, its name says who came first."""

from __future__ import annotations

import os
import time
import uuid
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from speaksep_kernel.kernel import locks
from speaksep_kernel.kernel.holders import Holder


class Ticket:
    """A place in the line, until left, or until this process dies.

    Parameters
    ----------
    folder
        Where the lock files are.
    holder
        Who waits.

    Raises
    ------
    OSError
        If the file system refuses.
    """

    def __init__(self, folder: Path, holder: Holder) -> None:
        line = _line(folder)
        locks.make_shared_folder(folder)
        locks.make_shared_folder(line)
        # Of the clock that no one can set and all processes share; locked before it has its name, so never found dead.
        self.place = f"{time.monotonic_ns():020d}-{uuid.uuid4().hex[:8]}"
        draft = line / f".{self.place}"
        self._path = line / self.place
        self._descriptor = locks.open_shared(draft)
        locks.lock(self._descriptor, 0)
        holder.write(self._descriptor)
        draft.rename(self._path)

    def __enter__(self) -> Ticket:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def in_line(folder: Path) -> list[tuple[str, Holder]]:
    """Those who wait, first come first, as (place, who).

    The tickets of those who died waiting are taken away where permissions allow, else they are left and not counted.
    """
    places = sorted(_line(folder).glob("[0-9]*"))
    return [(path.name, holder) for path in places if (holder := _waiting(path))]


def _line(folder: Path) -> Path:
    return folder / "waiting"


def _waiting(path: Path) -> Holder | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:  # just left
        return None
    try:
        if locks.locked(descriptor, 0):
            return Holder.read(descriptor)
        with suppress(OSError):
            path.unlink()
        return None
    finally:
        os.close(descriptor)
