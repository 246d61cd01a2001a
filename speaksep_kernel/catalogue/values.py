"""The catalogue's values: a recording that somebody has, an upload that is under way, how much that is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

GIB = 1 << 30


@dataclass(frozen=True, kw_only=True)
class StoredRecording:
    """A recording as its owner has it. Times are seconds since 1970 (UTC).

    Attributes
    ----------
    id
        Sixteen hexadecimal digits, never used again.
    number
        Order of arrival.
    owner, name
        Whose it is, and what it was called when it came; a plain file name.
    sha256, bytes
        Hash and size of the file: its place in the store.
    seconds, rate_hz, channels, format
        What its header says: `speaksep_kernel.recording.inspection.Sound`.
    created_at, expires_at
        When it came, and when it may be removed; ``None``: never by itself.
    """

    id: str
    number: int
    owner: str
    name: str
    sha256: str
    bytes: int
    seconds: float
    rate_hz: int
    channels: int
    format: str
    created_at: float
    expires_at: float | None

    def to_dict(self) -> dict[str, Any]:
        """What its owner is told, JSON-able, times as ISO 8601 in UTC."""
        told = asdict(self) | {"created_at": iso(self.created_at), "expires_at": iso(self.expires_at)}
        return {name: value for name, value in told.items() if name not in ("owner", "number")}


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A recording that comes in pieces.

    Attributes
    ----------
    id
        Thirty-two hexadecimal digits.
    owner, name
        Whose it is, and what it will be called.
    length, received
        Bytes that were announced, and that have come.
    sha256
        The hash that was announced, if any.
    recording
        Id of the recording that it became; ``None`` until then.
    created_at, expires_at
        When it was begun, and until when it may go on.
    """

    id: str
    owner: str
    name: str
    length: int
    received: int
    sha256: str | None
    recording: str | None
    created_at: float
    expires_at: float


@dataclass(frozen=True)
class Quota:
    """What an owner may keep.

    Attributes
    ----------
    bytes
        Of recordings, results and announced uploads together.
    recordings
        How many recordings and uploads.
    """

    bytes: int = 50 * GIB
    recordings: int = 10_000


@dataclass(frozen=True)
class Usage:
    """What an owner keeps: number and bytes of recordings, bytes that open uploads have announced."""

    recordings: int
    bytes: int
    announced_bytes: int


def iso(seconds: float | None) -> str | None:
    """A time as ISO 8601 in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
