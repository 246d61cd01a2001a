"""The catalogue's values: a recording that somebody has, an upload that is under way, how much that is."""

from __future__ import annotations

from dataclasses import dataclass

from speaksep_kernel.recording.inspection import Sound

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

    @property
    def sound(self) -> Sound:
        """What its header says."""
        return Sound(seconds=self.seconds, rate_hz=self.rate_hz, channels=self.channels, format=self.format)


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
