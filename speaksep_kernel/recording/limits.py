"""What a recording may be: bounds checked from the header, before anything is decoded."""

from __future__ import annotations

from dataclasses import dataclass

from speaksep_kernel.errors import CapacityError, InputError


@dataclass(frozen=True)
class Limits:
    """Bounds on a recording. Every excess is a `CapacityError`, found before decoding.

    Attributes
    ----------
    max_bytes
        Largest file, in bytes (default 8 GiB: twelve hours of CD-quality WAV).
    max_seconds
        Longest recording, in seconds.
    max_channels
        Most channels.
    min_rate_hz, max_rate_hz
        Sample rates accepted.
    """

    max_bytes: int = 8 * 1024**3
    max_seconds: float = 12 * 3600.0
    max_channels: int = 32
    min_rate_hz: int = 4000
    max_rate_hz: int = 384_000

    def check_bytes(self, size_bytes: int, name: str) -> None:
        """Refuse a file that is too large."""
        if size_bytes > self.max_bytes:
            raise CapacityError(
                f"{name}: {size_bytes} bytes is more than the limit of {self.max_bytes}",
                reason="too-many-bytes",
                hint="compress the recording to FLAC or Opus, cut it, or raise Limits.max_bytes",
            )

    def check_audio(self, *, frames: int, rate_hz: int, channels: int, name: str) -> None:
        """Refuse lengths, rates and channel counts out of bounds.

        Parameters
        ----------
        frames
            Samples per channel.
        """
        if channels < 1:
            raise InputError(
                f"{name}: has {channels} channels", reason="no-audio", hint="give a recording with at least one channel"
            )
        if channels > self.max_channels:
            raise CapacityError(
                f"{name}: {channels} channels is more than the limit of {self.max_channels}",
                reason="too-many-channels",
                hint="keep the channels that hold speech, or raise Limits.max_channels (arrays are (frames, channels))",
            )
        if not self.min_rate_hz <= rate_hz <= self.max_rate_hz:
            raise CapacityError(
                f"{name}: sample rate {rate_hz} Hz is outside {self.min_rate_hz} to {self.max_rate_hz} Hz",
                reason="rate-out-of-range",
                hint="resample the recording, for example to 16000 Hz",
            )
        if frames < 2:
            raise InputError(
                f"{name}: holds {frames} sample{'' if frames == 1 else 's'}",
                reason="empty-audio",
                hint="give a recording with sound in it",
            )
        if frames > self.max_seconds * rate_hz:
            raise CapacityError(
                f"{name}: {frames / rate_hz / 3600:.1f} hours is more than the limit of {self.max_seconds / 3600:.1f}",
                reason="too-long",
                hint="cut the recording into parts, or raise Limits.max_seconds",
            )
