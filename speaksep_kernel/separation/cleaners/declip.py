"""Declipping: the tops that a recorder cut off, restored from the sound around them."""

from __future__ import annotations

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.separation.cleaning import Float32

Float64 = NDArray[np.float64]

STEPS = 32768
"""Levels of the histogram per full scale: those of 16 bits."""
HIGHEST = 4
"""Full scales the histogram reaches to, and most a top may rise to, in units of the level it was cut at."""
EXTREME = 3
"""Levels at the top that count as the extreme value: one and its dither."""
NEIGHBOURS = 64
LEAST = 8
PILE = 8.0
"""Samples at the extreme value, and times the number that the levels below make likely, that prove clipping."""
FRAME_S = 0.064
ORDER = 32
ROUNDS = 3
REGULARITY = 1e-6


class Declip:
    """Finds the level at which each side of a channel was cut off, and rebuilds the samples that lie at it.

    The missing samples are those that fit an autoregressive model of their surroundings best, and never lower than the
    level at which they were cut (A. J. E. M. Janssen, R. N. J. Veldhuis, L. B. Vries, "Adaptive interpolation of
    discrete-time signals that can be modeled as autoregressive processes", IEEE Trans. ASSP, 1986).
    """

    info = PluginInfo(name="declip", version="1", summary="Restores clipped peaks", licence="Apache-2.0")

    def __init__(self) -> None:
        self._counts = np.zeros((2, HIGHEST * STEPS + 1), np.int64)

    def listen(self, samples: Float32, rate_hz: int) -> None:
        """See `ChannelCleaner`."""
        for counts, side in zip(self._counts, (samples, -samples), strict=True):
            level = np.clip(side * STEPS, 0, HIGHEST * STEPS).astype(np.int64)
            counts += np.bincount(level, minlength=len(counts))

    def learned(self) -> dict[str, float]:
        """See `ChannelCleaner`: where each side was cut, in units of full scale; nothing where it was not."""
        levels = {name: _cut_at(counts) for name, counts in zip(("high", "low"), self._counts, strict=True)}
        return {name: level for name, level in levels.items() if level is not None}

    def clean(self, samples: Float32, rate_hz: int) -> Float32:
        """See `Cleaner`."""
        cut = self.learned()
        high, low = cut.get("high", np.inf), cut.get("low", np.inf)
        return restored(samples, rate_hz, samples >= high, samples <= -low)


def _cut_at(counts: NDArray[np.int64]) -> float | None:
    """The lowest level of those at which the samples pile up."""
    top = int(np.flatnonzero(counts).max(initial=0))
    if top <= NEIGHBOURS + EXTREME:
        return None
    first = top + 1 - EXTREME
    at, below = int(counts[first : top + 1].sum()), float(counts[first - NEIGHBOURS : first].mean()) * EXTREME
    return first / STEPS if at >= max(LEAST, PILE * below) else None


def restored(samples: Float32, rate_hz: int, high: NDArray[np.bool_], low: NDArray[np.bool_]) -> Float32:
    """(samples,) with what was cut off at the ``high`` and ``low`` places put back."""
    if not (high.any() or low.any()):
        return samples.copy()
    size = round(FRAME_S * rate_hz)
    hop = size // 2
    weight = np.bartlett(size + 2)[1:-1]
    padded = np.pad(samples.astype(np.float64), size)
    up, down = np.pad(high, size), np.pad(low, size)
    sums, weights = np.zeros_like(padded), np.zeros_like(padded)
    for start in range(0, len(padded) - size, hop):
        frame = slice(start, start + size)
        missing = up[frame] | down[frame]
        if missing.any():
            sums[frame] += weight * _rebuilt(padded[frame], up[frame], down[frame])
            weights[frame] += weight
    rebuilt = np.divide(sums, weights, out=padded.copy(), where=weights > 0)
    missing = up | down
    return np.where(missing, rebuilt, padded)[size : size + len(samples)].astype(np.float32)


def _rebuilt(frame: Float64, up: NDArray[np.bool_], down: NDArray[np.bool_]) -> Float64:
    """One frame with its missing samples rebuilt."""
    at = np.flatnonzero(up | down)
    order = min(ORDER, (len(frame) - len(at)) // 3)
    if order < 1:
        return frame
    cut = frame[at]
    ceiling = np.abs(cut) * HIGHEST
    known = frame.copy()
    known[at] = 0
    guess = frame.copy()
    for _ in range(ROUNDS):
        model = _prediction_error_filter(guess, order)
        kernel = np.correlate(model, model, "full")
        reach = np.zeros(len(frame))
        reach[: order + 1] = kernel[order:]
        within = reach[np.abs(at[:, None] - at[None, :])]
        within[np.diag_indices(len(at))] *= 1 + REGULARITY
        found = scipy.linalg.solve(within, -np.convolve(known, kernel, "same")[at], assume_a="pos")
        guess[at] = np.where(up[at], np.clip(found, cut, ceiling), np.clip(found, -ceiling, cut))
    return guess


def _prediction_error_filter(frame: Float64, order: int) -> Float64:
    """(order + 1,) whitening filter of a frame, by the autocorrelation method."""
    spectrum = np.fft.rfft(frame * np.hanning(len(frame)), 2 * len(frame))
    correlation = np.fft.irfft(np.square(np.abs(spectrum)))[: order + 1]
    correlation[0] = correlation[0] * (1 + REGULARITY) + 1e-12
    return np.concatenate([[1.0], -scipy.linalg.solve_toeplitz(correlation[:order], correlation[1:])])
