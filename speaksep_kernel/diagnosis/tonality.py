"""How much of the sound stays on constant frequencies: what music does and speech does not."""

from __future__ import annotations

import numpy as np
import scipy.fft
import scipy.ndimage
import scipy.signal
from numpy.typing import NDArray

from speaksep_kernel.diagnosis.frames import SlidingFrames

Float32 = NDArray[np.float32]

WINDOW_S, HOP_S = 0.064, 0.016
BLOCK = 100
BLOCK_S = BLOCK * HOP_S
"""Frequencies have to stay over this long to count in full."""
LOW_HZ, HIGH_HZ = 500.0, 4000.0
"""Below lie hum and the harmonics of vowels; above, a telephone has nothing."""
AROUND_HZ = 156.0
RISE_DB = 0.1
"""A bin is active if it lies this far above its neighbourhood."""
VALLEY_BINS = 21
PEAKS = 5


class Tonality:
    """Continuous frequency activation, a value per block of 1.6 s, in constant memory.

    In every block the share of frames in which a bin lies above its neighbours is taken; where a tone is held, that
    share has a sharp peak. The value is the sum of the five most prominent ones (Seyerlehner, Pohle, Schedl, Widmer:
    Automatic music detection in television productions, DAFx 2007).

    Parameters
    ----------
    rate_hz
        Sample rate of the signal.
    """

    def __init__(self, rate_hz: int) -> None:
        self._frames = SlidingFrames(rate_hz, WINDOW_S, HOP_S)
        self._taper = scipy.signal.get_window("hann", self._frames.size).astype(np.float32)
        step_hz = rate_hz / self._frames.size
        self._first, self._last = round(LOW_HZ / step_hz), round(min(HIGH_HZ, 0.48 * rate_hz) / step_hz)
        self._around = 2 * round(AROUND_HZ / step_hz) + 1
        self._active = np.zeros(self._last - self._first, np.int64)
        self._seen = 0

    def feed(self, signal: Float32) -> list[float]:
        """Take (samples,) of signal; the values, 0 to 5, of the blocks that this completes."""
        frames = self._frames.feed(signal)
        values: list[float] = []
        while len(frames):
            part, frames = np.split(frames, [min(BLOCK - self._seen, len(frames))])
            self._add(part)
            if self._seen == BLOCK:
                values.append(_sharpness(self._active / BLOCK))
                self._active[:], self._seen = 0, 0
        return values

    def _add(self, frames: Float32) -> None:
        power = np.square(np.abs(scipy.fft.rfft(frames * self._taper, axis=1)))
        level_db = 10 * np.log10(power[:, : self._last + self._around] + 1e-10)
        rise_db = level_db - scipy.ndimage.uniform_filter1d(level_db, self._around, axis=1)
        self._seen += len(frames)
        self._active += (rise_db[:, self._first : self._last] > RISE_DB).sum(axis=0)


def _sharpness(share: NDArray[np.float64]) -> float:
    peaks = scipy.signal.find_peaks(share)[0]
    prominence = scipy.signal.peak_prominences(share, peaks, wlen=VALLEY_BINS)[0]
    return float(np.sort(prominence)[-PEAKS:].sum())
