"""Bytes from the network into a file: hashed and counted on the way, refused as soon as they are not a recording."""

from __future__ import annotations

import asyncio
from typing import Self

from speaksep_kernel.errors import InputError
from speaksep_kernel.recording.magic import HEAD_BYTES, check_head
from speaksep_kernel.store.incoming import Incoming

PIECE_BYTES = 4 << 20
"""What is hashed and written at a time, by a thread of its own: the process goes on answering others."""


class Receiver:
    """Takes a body as it comes; an asynchronous context manager, at whose end nothing is being written any more.

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
        self._writing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._writing is not None:
            await asyncio.wait([self._writing])

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
        await self.flush()

    async def flush(self) -> None:
        """Write what has come, whether it is all or not."""
        await self._write()
        await self._written()

    def _check(self) -> None:
        check_head(bytes(self._waiting[:HEAD_BYTES]), self._name)
        self._unchecked = False

    async def _write(self) -> None:
        """One piece is written while the next one comes."""
        await self._written()
        piece, self._waiting = self._waiting, bytearray()
        self._writing = asyncio.create_task(asyncio.to_thread(self._file.write, piece))

    async def _written(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            await writing
