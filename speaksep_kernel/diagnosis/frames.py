"""Power per 20-ms frame, and the mean spectrum, of a stream of blocks of any length."""

from __future__ import annotations

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


class FramePower:
    """Mean square of every frame, its mean removed, on a grid of exact times whatever the rate and the blocks.

    Frames end at k · frame_s. `levels` yields those complete so far and forgets them.

    Parameters
    ----------
    rate_hz
        Sample rate of the signal.
    frame_s
        Length of a frame.
    """

    def __init__(self, rate_hz: int, frame_s: float) -> None:
        self._step = rate_hz * frame_s
        self._frame = 0
        self._at = 0
        self._rest: Float32 = np.zeros(0, np.float32)

    def feed(self, signal: Float32) -> Float32:
        """Take (samples,) of signal; return (frames,) mean squares of the frames that this completes."""
        joined = np.concatenate([self._rest, signal])
        last = int(round((self._at + len(joined)) / self._step, 6))
        edges = np.round(np.arange(self._frame, last + 1) * self._step).astype(np.int64) - self._at
        edges = edges[edges <= len(joined)]
        self._frame += len(edges) - 1
        self._at += int(edges[-1])
        self._rest = joined[edges[-1] :].copy()  # a view would keep the block alive
        if len(edges) < 2:
            return np.zeros(0, np.float32)
        lengths = np.diff(edges)
        frames = joined[: edges[-1]].astype(np.float64)
        mean = np.add.reduceat(frames, edges[:-1]) / lengths
        square = np.add.reduceat(np.square(frames), edges[:-1]) / lengths
        return np.asarray(np.maximum(square - mean**2, 0.0), dtype=np.float32)


class SlidingFrames:
    """Overlapping frames on a grid of exact times whatever the rate and the blocks: frame k starts at k · hop_s.

    Parameters
    ----------
    rate_hz
        Sample rate of the signal.
    frame_s, hop_s
        Length of a frame, rounded up to one that transforms fast, and step between frames.

    Attributes
    ----------
    size
        Samples of a frame.
    """

    def __init__(self, rate_hz: int, frame_s: float, hop_s: float) -> None:
        self.size: int = scipy.fft.next_fast_len(round(frame_s * rate_hz), real=True)
        self._step = hop_s * rate_hz
        self._frame = 0
        self._at = 0  # first sample that is held
        self._rest: Float32 = np.zeros(0, np.float32)

    def feed(self, signal: Float32) -> Float32:
        """Take (samples,) of signal; return the (frames, size) that this completes."""
        joined = np.concatenate([self._rest, signal])
        most = int((self._at + len(joined)) / self._step) + 1
        starts = np.round(np.arange(self._frame, most) * self._step).astype(np.int64) - self._at
        starts = starts[starts + self.size <= len(joined)]
        frames: Float32 = joined[starts[:, None] + np.arange(self.size)]
        self._frame += len(starts)
        keep = min(max(round(self._frame * self._step) - self._at, 0), len(joined))
        self._rest = joined[keep:].copy()
        self._at += keep
        return frames


class MeanSpectrum:
    """Mean power spectrum over Hann windows of about the given length, digital silence left out.

    Parameters
    ----------
    rate_hz
        Sample rate of the signal.
    window_s
        Length of a window; rounded up to a length that transforms fast.

    Attributes
    ----------
    frequencies_hz
        (bins,).
    windows
        Windows seen so far.
    """

    def __init__(self, rate_hz: int, window_s: float) -> None:
        self._size = scipy.fft.next_fast_len(round(rate_hz * window_s), real=True)
        self._taper = scipy.signal.get_window("hann", self._size).astype(np.float32)
        self._scale = 2.0 / (rate_hz * float(np.square(self._taper, dtype=np.float64).sum()))
        self._sum: Float64 = np.zeros(self._size // 2 + 1)
        self._rest: Float32 = np.zeros(0, np.float32)
        self.frequencies_hz: Float64 = np.arange(self._size // 2 + 1) * (rate_hz / self._size)
        self.windows = 0

    def feed(self, signal: Float32) -> None:
        """Take (samples,) of signal."""
        joined = np.concatenate([self._rest, signal])
        whole = len(joined) // self._size * self._size
        self._rest = joined[whole:].copy()
        frames = joined[:whole].reshape(-1, self._size)
        frames = frames[frames.any(axis=1)]
        spectra = scipy.fft.rfft(frames * self._taper, axis=1)
        self._sum += np.square(np.abs(spectra)).sum(axis=0, dtype=np.float64)
        self.windows += len(frames)

    @property
    def density(self) -> Float64:
        """(bins,) power per hertz."""
        return self._sum * (self._scale / max(self.windows, 1))
