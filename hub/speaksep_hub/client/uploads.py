"""Sending a recording: not at all if it is there, at once if it is small, resumably (tus 1.0) if it is not."""

from __future__ import annotations

import hashlib
import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import cast

from speaksep_hub.client.connection import PASSING, Connection
from speaksep_hub.client.errors import ServiceError, UploadInterrupted
from speaksep_hub.client.values import Recording

SMALL_BYTES = 4 << 20
"""Up to here a recording is sent in one request."""

PIECE_BYTES = 16 << 20
"""What is sent again at most when the connection breaks."""

TUS = {"Tus-Resumable": "1.0.0"}
_OUT_OF_STEP = frozenset({409, 460})
"""More had arrived than we heard of; a piece was damaged on its way."""

Progress = Callable[[int, int], None]


def send(
    connection: Connection, source: Path, *, name: str | None, progress: Progress | None, resume: str | None
) -> Recording:
    """Send a file; see :meth:`~speaksep_hub.client.recordings.Recordings.upload`."""
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    known = find(connection, digest.hexdigest())
    if known is not None:
        return known
    name, length = name or source.name, source.stat().st_size
    if resume is None and length <= SMALL_BYTES:
        headers = {
            "Content-Type": "application/octet-stream",
            "Repr-Digest": f"sha-256=:{b64encode(digest.digest()).decode()}:",
        }
        content = source.read_bytes()
        answer = connection.call("POST", "/recordings", query={"name": name}, content=content, headers=headers)
        return cast(Recording, answer.json())
    address = resume or _begin(connection, name, length, digest.hexdigest())
    _Pieces(connection, source, length, address, progress or _nobody).send()
    known = find(connection, digest.hexdigest())
    if known is None:
        raise ServiceError(
            f"{source} changed while it was sent", reason="changed", hint="send it again when nobody writes to it"
        )
    return known


def find(connection: Connection, sha256: str) -> Recording | None:
    """Your recording of these bytes, if you have it."""
    page = connection.call("GET", "/recordings", query={"sha256": sha256}).json()
    return cast(Recording, page["items"][0]) if page["items"] else None


def _begin(connection: Connection, name: str, length: int, sha256: str) -> str:
    words = {"filename": name, "sha256": sha256}
    metadata = ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in words.items())
    headers = TUS | {"Upload-Length": str(length), "Upload-Metadata": metadata}
    answer = connection.call("POST", "/uploads", headers=headers)
    address: str = answer.headers["location"]
    return address.rstrip("/").rpartition("/")[2]


class _Pieces:
    def __init__(self, connection: Connection, source: Path, length: int, address: str, progress: Progress) -> None:
        self._connection, self._source, self._length, self._progress = connection, source, length, progress
        self._where = {"id": address}

    def send(self) -> None:
        """Send what has not arrived, as often as it takes."""
        pauses = self._connection.pauses()
        offset = self._arrived()
        with self._source.open("rb") as file:
            while offset < self._length:
                file.seek(offset)
                piece = file.read(PIECE_BYTES)
                if not piece:
                    return  # the file has become shorter: its hash will tell
                try:
                    offset = self._sent(offset, piece)
                    pauses = self._connection.pauses()
                except ServiceError as error:
                    if error.status and error.status not in PASSING | _OUT_OF_STEP:
                        raise
                    pause_s = next(pauses)
                    if pause_s is None:
                        raise self._interrupted(error) from error
                    time.sleep(pause_s)
                    offset = self._arrived()
                self._progress(offset, self._length)

    def _sent(self, offset: int, piece: bytes) -> int:
        headers = TUS | {
            "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
            "Upload-Checksum": f"sha256 {b64encode(hashlib.sha256(piece).digest()).decode()}",
        }
        # Once only: how much of it arrived must be asked before it is sent again.
        answer = self._connection.call(
            "PATCH", "/uploads/{id}", self._where, content=piece, headers=headers, again=False
        )
        return int(answer.headers["upload-offset"])

    def _arrived(self) -> int:
        try:
            answer = self._connection.call("HEAD", "/uploads/{id}", self._where, headers=TUS)
        except ServiceError as error:
            if error.status:
                raise
            raise self._interrupted(error) from error
        return int(answer.headers["upload-offset"])

    def _interrupted(self, error: ServiceError) -> UploadInterrupted:
        return UploadInterrupted(
            f"{self._source} was not sent to its end: {error.error}",
            reason="upload-interrupted",
            hint="what arrived is kept for a while: upload again with resume=error.address",
            address=self._where["id"],
        )


def _nobody(arrived: int, length: int) -> None:
    """Nobody wants to know."""
