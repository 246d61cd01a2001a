"""One streaming decode into temporary files, from which every later stage reads here and there."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.errors import StoreError
from speaksep_kernel.progress import ProgressHook, silent
from speaksep_kernel.recording.mixture import Mixdown, choose_mixdown
from speaksep_kernel.recording.recording import Recording
from speaksep_kernel.recording.resample import StreamResampler

Float32 = NDArray[np.float32]

ANALYSIS_RATE_HZ = 16000
"""Rate at which voices are analysed and overlaps separated."""
FRAME_S = 0.02
BLOCK_S = 20.0


class AnalysisCache:
    """A recording's mixture on disk, at its own rate and at 16 kHz, for reading any part at any time.

    A context manager. The samples lie in unnamed temporary files (float32) that vanish when it closes, even after a
    crash. They are read with plain file reads rather than memory maps, so resident memory stays flat however long the
    recording. Reads may come from several threads at once.

    Parameters
    ----------
    recording
        What to read.
    mixdown
        How to mix it; `choose_mixdown` decides when ``None``.
    hook
        Progress: stage "read", in seconds.
    directory
        Where the temporary files go; the system's place by default.

    Attributes
    ----------
    recording, mixdown
        As given or chosen.
    rate_hz
        The recording's own rate.
    samples, samples16k
        Length of the mixture at its own rate and at 16 kHz.
    rms_db
        (frames,) float32 level of the mixture in dBFS per 20-ms frame, at least -120; the last frame may be partial.
    peak
        Largest magnitude of any sample of the mixture.

    Raises
    ------
    InputError
        The recording is damaged, ends early or holds NaN.
    StoreError
        The disk is full.

    Examples
    --------
    >>> recording = Recording.open((np.zeros(44100, np.float32), 44100))
    >>> with AnalysisCache(recording) as cache:
    ...     cache.samples16k, len(cache.read16k(0, 800)), len(cache.read(44000, 99999)), len(cache.rms_db)
    (16000, 800, 100, 50)
    """

    def __init__(
        self,
        recording: Recording,
        mixdown: Mixdown | None = None,
        hook: ProgressHook = silent,
        *,
        directory: str | Path | None = None,
    ) -> None:
        self.recording = recording
        self.mixdown = mixdown or choose_mixdown(recording, hook)
        self.rate_hz = recording.rate_hz
        self.samples = recording.frames
        self.samples16k = recording.frames_at(ANALYSIS_RATE_HZ)
        self.rms_db: Float32 = np.zeros(0, np.float32)
        self.peak = 0.0
        self._directory = str(directory or tempfile.gettempdir())
        self._apart = self.mixdown.kind == "apart"
        self._width = recording.channels if self._apart else 1
        self._native: IO[bytes] | None = None
        self._slow: IO[bytes] | None = None
        try:
            self._fill(hook)
        except OSError as error:
            self.close()
            raise _no_space(self._directory, error) from error
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> AnalysisCache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Delete the temporary files."""
        for file in (self._native, self._slow):
            if file is not None:
                file.close()

    def read(self, start: int = 0, stop: int | None = None) -> Float32:
        """(samples,) float32 mixture at the recording's rate; bounds as in a slice, cut to the recording."""
        return self.mixdown.mix(self._stored(start, stop)) if self._apart else self._stored(start, stop)[:, 0]

    def read_channel(self, channel: int, start: int = 0, stop: int | None = None) -> Float32:
        """(samples,) float32 of one channel, unweighted, at its own rate; only if ``mixdown.kind`` is "apart"."""
        self._check_apart()
        return np.ascontiguousarray(self._stored(start, stop)[:, channel])

    def read16k(self, start: int = 0, stop: int | None = None) -> Float32:
        """(samples,) float32 mixture at 16 kHz; bounds as in a slice, cut to the recording."""
        stored = self._stored16k(start, stop)
        return self.mixdown.mix(stored) if self._apart else stored[:, 0]

    def read16k_channel(self, channel: int, start: int = 0, stop: int | None = None) -> Float32:
        """(samples,) float32 of one channel at 16 kHz; only if ``mixdown.kind`` is "apart"."""
        self._check_apart()
        return np.ascontiguousarray(self._stored16k(start, stop)[:, channel])

    def _check_apart(self) -> None:
        if not self._apart:
            raise ValueError(f"channels are kept only when they are apart, the mixdown is {self.mixdown.kind!r}")

    def _stored(self, start: int, stop: int | None) -> Float32:
        return self._pread(self._native, start, stop, self.samples)

    def _stored16k(self, start: int, stop: int | None) -> Float32:
        return self._pread(self._slow or self._native, start, stop, self.samples16k)

    def _pread(self, file: IO[bytes] | None, start: int, stop: int | None, length: int) -> Float32:
        if file is None or file.closed:
            raise ValueError("the analysis cache is closed")
        begin, end, _ = slice(start, stop).indices(length)
        step = 4 * self._width
        size, at = max(end - begin, 0) * step, begin * step
        buffer = bytearray(size)
        view = memoryview(buffer)
        while view:
            count = os.preadv(file.fileno(), [view], at)
            if count == 0:
                raise StoreError("the temporary files were cut", reason="store-damaged", hint="run it again")
            view, at = view[count:], at + count
        return np.frombuffer(buffer, dtype=np.float32).reshape(-1, self._width)

    def _temporary(self) -> IO[bytes]:
        return tempfile.TemporaryFile(prefix="speaksep-", dir=self._directory, buffering=0)

    def _fill(self, hook: ProgressHook) -> None:
        recording = self.recording
        slow = recording.rate_hz != ANALYSIS_RATE_HZ
        needed = 4 * self._width * (self.samples + slow * self.samples16k)
        if shutil.disk_usage(self._directory).free < needed:
            raise StoreError(
                f"{self._directory}: {needed / 1e6:.0f} MB of temporary space needed",
                reason="no-space",
                hint="free some space or set TMPDIR",
            )
        self._native = self._temporary()
        self._slow = self._temporary() if slow else None
        resampler = StreamResampler(recording.rate_hz, ANALYSIS_RATE_HZ, self._width, recording.frames)
        meter = _LevelMeter(recording.rate_hz)
        done = 0
        hook("read", 0.0, recording.seconds)
        for block in recording.blocks(BLOCK_S):
            mixture = self.mixdown.mix(block)
            kept = block if self._apart else mixture[:, None]
            _write(self._native, kept)
            done += len(block)
            if self._slow:
                _write(self._slow, resampler.push(kept, last=done == recording.frames))
            meter.push(mixture)
            self.peak = max(self.peak, float(np.abs(mixture).max()))
            hook("read", done / recording.rate_hz, recording.seconds)
        self.rms_db = meter.levels_db()


class _LevelMeter:
    """RMS per 20-ms frame on a grid of exact times, whatever the sample rate and the blocks."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._rest: Float32 = np.zeros(0, np.float32)
        self._at = 0
        self._power: list[NDArray[np.float64]] = []

    def push(self, mixture: Float32) -> None:
        joined = np.concatenate([self._rest, mixture])
        first = self._frame_of(self._at)
        last = self._frame_of(self._at + len(joined))
        self._measure(joined, first, last)

    def levels_db(self) -> Float32:
        if len(self._rest):
            self._power.append(np.array([np.square(self._rest, dtype=np.float64).mean()]))
            self._rest = self._rest[:0]
        power = np.concatenate(self._power) if self._power else np.zeros(0)
        return np.asarray(10 * np.log10(np.maximum(power, 1e-12)), dtype=np.float32)

    def _frame_of(self, sample: int) -> int:
        """Number of frames that end at or before a sample; frame k covers samples k·rate/50 to (k+1)·rate/50."""
        return sample * 50 // self._rate_hz

    def _measure(self, joined: Float32, first: int, last: int) -> None:
        edges = -(-np.arange(first, last + 1) * self._rate_hz // 50) - self._at
        if last > first:
            sums = np.add.reduceat(np.square(joined[: edges[-1]], dtype=np.float64), edges[:-1])
            self._power.append(sums / np.diff(edges))
        self._rest = joined[edges[-1] :]
        self._at += int(edges[-1])


def _write(file: IO[bytes], samples: Float32) -> None:
    """All of it: an unbuffered file may take less than it is given."""
    view = np.ascontiguousarray(samples, dtype=np.float32).data.cast("B")
    while view:
        view = view[file.write(view) :]


def _no_space(directory: str, error: OSError) -> StoreError:
    return StoreError(
        f"{directory}: temporary files cannot be written ({error.strerror or error})",
        reason="no-space",
        hint="free some space or set TMPDIR to a disk with more",
    )
