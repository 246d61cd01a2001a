"""What tus 1.0 says in headers: which version, where a piece begins, what it is called, what it must come to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import ClassVar

from speaksep_hub.service.errors import Refusal
from speaksep_hub.service.intake.digests import decoded
from speaksep_kernel.catalogue.values import Upload
from speaksep_kernel.store.incoming import Incoming

VERSION = "1.0.0"
RESUMABLE = {"Tus-Resumable": VERSION}
EXTENSIONS = "creation,checksum,termination,expiration"
ALGORITHMS = ("sha256", "sha1")
PIECE_TYPE = "application/offset+octet-stream"


class BadHeader(Refusal):
    """A header that is missing, or says nothing."""

    headers: ClassVar[Mapping[str, str]] = RESUMABLE


class OtherVersion(Refusal):
    """A client of another tus."""

    status = 412
    headers: ClassVar[Mapping[str, str]] = {**RESUMABLE, "Tus-Version": VERSION}


class OutOfStep(Refusal):
    """A piece that does not begin where the upload stands."""

    status = 409
    headers: ClassVar[Mapping[str, str]] = RESUMABLE


class NoPiece(Refusal):
    """A body that is not marked as a piece."""

    status = 415
    headers: ClassVar[Mapping[str, str]] = RESUMABLE


class Damaged(Refusal):
    """A piece that is not what its checksum says; the number is of the protocol."""

    status = 460
    headers: ClassVar[Mapping[str, str]] = RESUMABLE


@dataclass(frozen=True)
class Checksum:
    """What a piece must come to."""

    algorithm: str
    digest: bytes

    def check(self, file: Incoming) -> None:
        """Refuse a piece that is something else.

        Raises
        ------
        Damaged
            Reason ``checksum-mismatch``.
        """
        if self.algorithm == "sha256":
            came = file.sha256  # counted as it came
        else:
            with file.path.open("rb") as written:
                came = hashlib.file_digest(written, self.algorithm).hexdigest()
        if came != self.digest.hex():
            raise Damaged(
                f"the piece does not have the {self.algorithm} that was announced",
                reason="checksum-mismatch",
                hint="it was damaged on its way: send it again",
            )


def check_version(said: str | None) -> None:
    """Refuse a client of another version.

    Raises
    ------
    OtherVersion
        Reason ``tus-version``.
    """
    if said != VERSION:
        raise OtherVersion(
            f"Tus-Resumable is {said!r}", reason="tus-version", hint=f"send Tus-Resumable: {VERSION} with every request"
        )


def number(name: str, said: str | None) -> int:
    """A number of bytes from a header.

    Raises
    ------
    BadHeader
        Reason ``bad-header``.
    """
    if said is None or not (said.isascii() and said.isdigit() and len(said) < 19):
        raise BadHeader(f"{name} is {said!r}", reason="bad-header", hint=f"send {name} with a number of bytes")
    return int(said)


def metadata(said: str) -> dict[str, str]:
    """What ``Upload-Metadata`` tells.

    Raises
    ------
    BadHeader
        Reason ``bad-header``.

    Examples
    --------
    >>> metadata("filename dGFsay53YXY=,private")
    {'filename': 'talk.wav', 'private': ''}
    """
    told = {}
    for pair in filter(None, (each.strip() for each in said.split(","))):
        name, _, value = pair.partition(" ")
        try:
            told[name] = decoded(value.strip()).decode()
        except UnicodeDecodeError:
            raise BadHeader(
                f"Upload-Metadata: {name[:40]!r} is not text", reason="bad-header", hint="send base64 of UTF-8"
            ) from None
    return told


def checksum(said: str | None) -> Checksum | None:
    """What ``Upload-Checksum`` announces, if there is one.

    Raises
    ------
    BadHeader
        Reason ``bad-checksum``.
    """
    if said is None:
        return None
    algorithm, _, value = said.partition(" ")
    digest = decoded(value.strip())
    if algorithm not in ALGORITHMS or len(digest) != hashlib.new(algorithm, usedforsecurity=False).digest_size:
        raise BadHeader(
            f"Upload-Checksum {said[:100]!r}",
            reason="bad-checksum",
            hint=f"one of: {', '.join(ALGORITHMS)}, and base64",
        )
    return Checksum(algorithm, digest)


def standing(upload: Upload) -> dict[str, str]:
    """Headers that say how far an upload is."""
    known = {"SpeakSep-Recording": upload.recording} if upload.recording else {}
    return {
        **RESUMABLE,
        **known,
        "Upload-Offset": str(upload.received),
        "Upload-Length": str(upload.length),
        "Upload-Expires": formatdate(upload.expires_at, usegmt=True),
        "Cache-Control": "no-store",
    }
