"""A file on its way in: hashed while it is written, and nowhere to be found until it is kept."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from speaksep_kernel.store.faults import explained, too_many_bytes

PREFIX = "in-"


class Incoming:
    """A context manager; what nobody took from it is removed at its end.

    Parameters
    ----------
    folder
        Where it lies meanwhile.
    name
        What to call it in messages.
    max_bytes
        Most bytes it may have.

    Attributes
    ----------
    path
        The file.
    bytes
        How many have come.
    """

    def __init__(self, folder: Path, name: str, max_bytes: int) -> None:
        self._name, self._max_bytes = name, max_bytes
        self._digest = hashlib.sha256()
        self.bytes = 0
        with explained(str(folder)):
            descriptor, path = tempfile.mkstemp(prefix=PREFIX, dir=folder)
        self.path = Path(path)
        self._file = os.fdopen(descriptor, "wb", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove it, unless somebody took it."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    @property
    def sha256(self) -> str:
        """Hash of what has come, hexadecimal."""
        return self._digest.hexdigest()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append bytes; another thread than before may do it.

        Raises
        ------
        CapacityError
            Reason ``too-many-bytes``.
        StoreError
            Reason ``disk-full`` or ``store-failed``.
        """
        view = memoryview(data)
        self.bytes += len(view)
        if self.bytes > self._max_bytes:
            raise too_many_bytes(self._name, self._max_bytes)
        self._digest.update(view)
        with explained(str(self.path.parent)):
            while view:
                view = view[self._file.write(view) :]

    def seal(self) -> None:
        """Everything to the disk."""
        with explained(str(self.path.parent)):
            os.fsync(self._file.fileno())
