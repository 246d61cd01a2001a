"""A recording: known by its content, read by block, never whole in memory."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.errors import InputError
from speaksep_kernel.recording.limits import Limits
from speaksep_kernel.recording.probe import Decoder, probe
from speaksep_kernel.recording.refusals import truncated
from speaksep_kernel.recording.resample import resample_blocks, resampled_frames
from speaksep_kernel.recording.samples import ArrayDecoder
from speaksep_kernel.recording.source import LocalFile, file_chunks, open_path, spool_bytes, url_chunks

Float32 = NDArray[np.float32]
Source: TypeAlias = "str | os.PathLike[str] | bytes | IO[bytes] | tuple[Any, float]"

PEAK_LIMIT = 64.0
"""Float samples beyond this (36 dB over full scale) are integers stored as floats, or damage."""


@dataclass(frozen=True)
class Recording:
    """One recording in any format, at its own rate and with its own channels.

    Make it with `Recording.open`.

    Attributes
    ----------
    name
        What to call it: the file's name, or "array", "bytes".
    rate_hz, channels, frames
        Sample rate, number of channels, exact number of samples per channel that decoding yields.
    format, subtype
        libsndfile's words, or ffmpeg's container and codec in capitals.
    bit_depth
        Bits of an integer sample; ``None`` for float and lossy formats.
    path
        The local file; ``None`` for an array.
    origin
        Absolute path or URL to open it from again; ``None`` for bytes, files, arrays, and URLs with a password or a
        query in them.

    Examples
    --------
    >>> import numpy as np
    >>> recording = Recording.open((np.zeros((48000, 2), np.float32), 16000))
    >>> recording.seconds, recording.channels
    (3.0, 2)
    >>> [len(block) for block in recording.blocks(1.25)]
    [20000, 20000, 8000]
    """

    name: str
    rate_hz: int
    channels: int
    frames: int
    format: str
    subtype: str
    bit_depth: int | None
    path: Path | None
    origin: str | None = field(compare=False)
    _decoder: Decoder = field(repr=False, compare=False)
    _file: LocalFile | None = field(repr=False, compare=False)

    @classmethod
    def open(cls, source: Source, *, limits: Limits | None = None, name: str | None = None) -> Recording:
        """Open a source and read its header.

        Parameters
        ----------
        source
            Path, fsspec URL (``s3://…``), bytes, binary file object, or ``(array, rate_hz)`` with an array of shape
            (frames,) or (frames, channels).
        limits
            Bounds on bytes, seconds, channels and rate.
        name
            What to call it in messages and results.

        Raises
        ------
        InputError
            It cannot be read, is not audio, is empty or cut off.
        CapacityError
            It is beyond a limit.
        """
        limits = limits or Limits()
        if isinstance(source, tuple) and len(source) == 2:
            decoder: Decoder = ArrayDecoder(source[0], source[1], name or "array")
            limits.check_audio(
                frames=decoder.frames, rate_hz=decoder.rate_hz, channels=decoder.channels, name=name or "array"
            )
            return cls._of(decoder, None, name or "array", None)
        file, name = _local_file(source, name, limits)
        return cls._of(probe(file.path, name, limits), file, name, _origin(source))

    @classmethod
    def _of(cls, decoder: Decoder, file: LocalFile | None, name: str, origin: str | None) -> Recording:
        return cls(
            name=name,
            rate_hz=decoder.rate_hz,
            channels=decoder.channels,
            frames=decoder.frames,
            format=decoder.format,
            subtype=decoder.subtype,
            bit_depth=decoder.bit_depth,
            path=file.path if file else None,
            origin=origin,
            _decoder=decoder,
            _file=file,
        )

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.frames / self.rate_hz

    @cached_property
    def sha256(self) -> str:
        """Hash of the file's bytes (of rate, shape and samples for an array), computed at first use."""
        if self._file is None:
            assert isinstance(self._decoder, ArrayDecoder)
            return self._decoder.sha256()
        self._file.check_unchanged(self.name)
        return self._file.sha256(self.name)

    def blocks(
        self, seconds: float = 10.0, *, rate_hz: int | None = None, start_s: float = 0.0, stop_s: float | None = None
    ) -> Iterator[Float32]:
        """Read by block, in constant memory.

        Parameters
        ----------
        seconds
            Length of a block; the last one is shorter.
        rate_hz
            Resample (soxr, high quality) to this rate. The blocks then hold ``round(frames · rate_hz / native)``
            samples in total.
        start_s, stop_s
            Part to read; the whole recording by default.

        Yields
        ------
        (frames, channels) float32, full scale at 1.

        Raises
        ------
        InputError
            The file is damaged or ends early, or holds NaN, infinite or absurdly large samples.
        """
        start = min(max(round(start_s * self.rate_hz), 0), self.frames)
        stop = self.frames if stop_s is None else min(max(round(stop_s * self.rate_hz), start), self.frames)
        native = self._native_blocks(start, stop, max(1, round(seconds * self.rate_hz)))
        if rate_hz is None or rate_hz == self.rate_hz:
            return native
        block_frames = max(1, round(seconds * rate_hz))
        return resample_blocks(native, self.rate_hz, rate_hz, self.channels, stop - start, block_frames)

    def read(self, start_s: float = 0.0, stop_s: float | None = None, *, rate_hz: int | None = None) -> Float32:
        """(frames, channels) float32 of a part: for short excerpts; `AnalysisCache` is for reading here and there."""
        parts = list(self.blocks(10.0, rate_hz=rate_hz, start_s=start_s, stop_s=stop_s))
        return np.concatenate(parts) if parts else np.zeros((0, self.channels), np.float32)

    def frames_at(self, rate_hz: int) -> int:
        """Samples per channel after resampling to ``rate_hz``."""
        return resampled_frames(self.frames, self.rate_hz, rate_hz)

    def _native_blocks(self, start: int, stop: int, block_frames: int) -> Iterator[Float32]:
        if self._file is not None:
            self._file.check_unchanged(self.name)
        if start == stop:
            return
        at = start
        for block in self._decoder.decode(start, block_frames):
            block = block[: stop - at]
            self._check_samples(block, at)
            yield block
            at += len(block)
            if at == stop:
                return
        raise truncated(self.name, at / self.rate_hz, self.seconds)

    def _check_samples(self, block: Float32, at: int) -> None:
        peak = max(float(block.max()), -float(block.min()))  # NaN and infinity survive max and min
        if peak <= PEAK_LIMIT:
            return
        bad = int(np.argmax(~(np.abs(block) <= PEAK_LIMIT).all(axis=1)))
        value = float(block[bad][~(np.abs(block[bad]) <= PEAK_LIMIT)][0])
        finite = bool(np.isfinite(value))
        raise InputError(
            f"{self.name}: sample {value:g} at {(at + bad) / self.rate_hz:.3f} s",
            reason="sample-out-of-range" if finite else "not-finite",
            hint="scale the samples to -1 to 1" if finite else "export the recording again without NaN or infinity",
        )


def _origin(source: Any) -> str | None:
    if isinstance(source, str) and "://" in source:
        # Results are handed on with their manifest; passwords and signed addresses must not be.
        return None if re.search(r"://[^/]*@|[?]", source) else source
    return os.path.abspath(source) if isinstance(source, str | os.PathLike) else None


def _local_file(source: Any, name: str | None, limits: Limits) -> tuple[LocalFile, str]:
    """Any source but an array as a file on this machine, with its name."""
    if isinstance(source, bytes | bytearray | memoryview):
        name = name or "bytes"
        return spool_bytes(iter([bytes(source)]), name, limits), name
    if isinstance(source, str) and "://" in source:
        name = name or source.rstrip("/").rsplit("/", 1)[-1]
        return spool_bytes(url_chunks(source, name), name, limits), name
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        return open_path(path, name or str(path), limits), name or path.name
    if hasattr(source, "read"):
        name = name or Path(str(getattr(source, "name", "file"))).name
        return spool_bytes(file_chunks(source, name), name, limits), name
    raise InputError(
        f"cannot read a recording from {type(source).__name__}",
        reason="bad-source",
        hint="give a path, a URL, bytes, a binary file object or (array, rate_hz)",
    )
