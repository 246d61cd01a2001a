"""Bytes from the network into a file: hashed and counted on the way, refused as soon as they are not a recording."""

from __future__ import annotations

from anyio import to_thread

from speaksep_kernel.errors import InputError
from speaksep_kernel.recording.magic import HEAD_BYTES, check_head
from speaksep_kernel.store.incoming import Incoming

PIECE_BYTES = 4 << 20
"""What is written at a time, by a thread of its own: the process goes on answering others."""


class Receiver:
    """Takes a body as it comes.

    Parameters
    ----------
    file
        Gets it.
    name
        What to call it in messages.
    begins
        Whether the first byte is that of a recording: then the head is looked at.
    """

    def __init__(self, file: Incoming, name: str, *, begins: bool = True) -> None:
        self._file, self._name, self._unchecked = file, name, begins
        self._waiting = bytearray()

    async def feed(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises
        ------
        InputError
            Reason ``not-audio``: the first bytes are of nothing that is read.
        CapacityError
            Reason ``too-many-bytes``.
        StoreError
            The disk is full.
        """
        self._waiting += chunk
        if self._unchecked and len(self._waiting) >= HEAD_BYTES:
            self._check()
        if len(self._waiting) >= PIECE_BYTES:
            await self._write()

    async def end(self) -> None:
        """That was all.

        Raises
        ------
        InputError
            Reasons ``empty-file`` and ``not-audio``.
        """
        if self._unchecked:
            if not self._waiting:
                raise InputError(
                    f"{self._name}: the file is empty", reason="empty-file", hint="send its bytes as the body"
                )
            self._check()
        await self._write()

    async def flush(self) -> None:
        """Write what has come, whether it is all or not."""
        await self._write()

    def _check(self) -> None:
        check_head(bytes(self._waiting[:HEAD_BYTES]), self._name)
        self._unchecked = False

    async def _write(self) -> None:
        if self._waiting:
            piece, self._waiting = self._waiting, bytearray()
            await to_thread.run_sync(self._file.write, piece)
