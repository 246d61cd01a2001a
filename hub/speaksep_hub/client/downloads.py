"""Getting a file: bit by bit, on from where it broke off, in place when it is whole."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import httpx

from speaksep_hub.client.connection import PASSING, Connection
from speaksep_hub.client.errors import ServiceError, unreachable

BEING_MADE = "being-made"
"""Reason of the answer while a file is made, e.g. in another format; the service has waited for it already."""

_AGAIN_S = 1.0


def fetch(
    connection: Connection, target: Path, path: str, parts: Mapping[str, str], query: Mapping[str, Any] | None = None
) -> Path:
    """Write what is at a path into a file, which is there whole or not at all.

    Raises
    ------
    ServiceError
        The service refused it, or stayed away.
    OSError
        The file cannot be written.
    """
    scratch = target.with_name(f".{target.name}.part")
    try:
        with scratch.open("wb") as file:
            _Fetch(connection, file, path, parts, query).all()
        scratch.replace(target)
    finally:
        scratch.unlink(missing_ok=True)
    return target


class _Fetch:
    def __init__(
        self,
        connection: Connection,
        file: BinaryIO,
        path: str,
        parts: Mapping[str, str],
        query: Mapping[str, Any] | None,
    ) -> None:
        self._connection, self._file = connection, file
        self._path, self._parts, self._query = path, parts, query
        self._etag = ""

    def all(self) -> None:
        """Get it to its end, however often the connection breaks, as long as something comes."""
        pauses = self._connection.pauses()
        while True:
            had = self._file.tell()
            try:
                self._go_on()
                return
            except httpx.TransportError as error:
                fault = unreachable(self._connection.url, error)
            except ServiceError as error:
                if error.status not in PASSING:
                    raise
                fault = error
            if self._file.tell() > had or fault.reason == BEING_MADE:
                pauses = self._connection.pauses()
            pause_s = next(pauses)
            if pause_s is None:
                raise fault
            time.sleep(_AGAIN_S if fault.reason == BEING_MADE else pause_s)

    def _go_on(self) -> None:
        # The rest is enough only if the file is still the same; else all of it comes, with 200.
        ranged = {"Range": f"bytes={self._file.tell()}-", "If-Range": self._etag} if self._etag else {}
        headers = {"Accept": "*/*", "Accept-Encoding": "identity", **ranged}
        with self._connection.stream(self._path, self._parts, query=self._query, headers=headers) as response:
            if response.status_code != httpx.codes.PARTIAL_CONTENT:
                self._file.seek(0)
                self._file.truncate()
            self._etag = response.headers.get("etag", "")
            for piece in response.iter_bytes():
                self._file.write(piece)
