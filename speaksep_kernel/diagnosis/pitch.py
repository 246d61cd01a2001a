"""Fundamental frequency of the voice, 25 times a second."""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from speaksep_kernel.diagnosis.frames import SlidingFrames

Float32 = NDArray[np.float32]

WINDOW_S, HOP_S = 0.064, 0.04
LOWEST_HZ, HIGHEST_HZ = 65.0, 400.0
VOICED = 0.6
"""Normalised autocorrelation from which a frame is voiced."""
NEARLY = 0.9
"""The shortest lag this good against the best one is the period: its multiples correlate as well."""


class PitchTrack:
    """Pitch of every frame of a stream, by autocorrelation.

    Of a window the autocorrelation is known; dividing by it undoes the fall towards longer lags (Boersma: Accurate
    short-term analysis of the fundamental frequency, 1993).

    Parameters
    ----------
    rate_hz
        Sample rate of the signal.
    """

    def __init__(self, rate_hz: int) -> None:
        self._frames = SlidingFrames(rate_hz, WINDOW_S, HOP_S)
        self._taper = np.hanning(self._frames.size)
        self._lags = slice(int(rate_hz / HIGHEST_HZ), int(rate_hz / LOWEST_HZ))
        self._window = _autocorrelation(self._taper[None])[:, self._lags.start : self._lags.stop]
        self._window = self._window / float(np.square(self._taper).sum())
        self._rate_hz = rate_hz

    def feed(self, signal: Float32) -> Float32:
        """Take (samples,) of signal; (frames,) pitch in Hz of the frames this completes, NaN where none is heard."""
        frames = self._frames.feed(signal) * self._taper
        if not len(frames):
            return np.zeros(0, np.float32)
        energy = np.square(frames).sum(axis=1, keepdims=True)
        correlation = _autocorrelation(frames)[:, self._lags] / (energy * self._window + 1e-12)
        best = correlation.max(axis=1)
        lag = self._lags.start + (correlation > NEARLY * best[:, None]).argmax(axis=1)
        return np.where(best > VOICED, self._rate_hz / lag, np.nan).astype(np.float32)


def _autocorrelation(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    size = frames.shape[-1]
    spectrum = scipy.fft.rfft(frames, 2 * size)
    return np.asarray(scipy.fft.irfft(np.square(np.abs(spectrum)), 2 * size)[:, :size])
