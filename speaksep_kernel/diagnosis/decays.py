"""How sound dies away: statistics of the envelopes of speech that reverberation changes and little else does."""

from __future__ import annotations

import numpy as np
import scipy.fft
import scipy.signal
import soxr
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

RATE_HZ = 8000
"""Every recording is looked at as if on the telephone, so that the rate does not matter."""
WINDOW, HOP = 192, 64
"""24 and 8 ms."""
HOP_S = HOP / RATE_HZ
CHUNK = 1250
"""Hops that are judged together: 10 s, with their own loudest and softest moments."""
SHORTEST = 250
"""A last piece shorter than 2 s says nothing by itself."""
BAND_EDGES_HZ = (354.0, 500.0, 707.0, 1000.0, 1414.0, 2000.0, 2828.0, 3400.0)
LENGTHS = (4, 8, 14, 24, 40)
"""Hops over which a straight line is laid: 32 to 320 ms."""
FLOOR_PERCENTILE = 5.0
FLOOR_DB = 8.0
"""Envelopes are looked at this far above the quietest moments of their band."""
RANGE_DB = 60.0
"""Nothing further below the loudest moment counts: there, 16 bits end."""
STRAIGHT_DB = 1.5
"""Standard deviation from its line below which a decay is called free."""
SLOPES_DB_S = np.concatenate([-np.geomspace(2000, 10, 60), np.linspace(-8, 8, 9), np.geomspace(10, 2000, 60)])
QUANTILES = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95)
MODULATION_EDGES_HZ = (1.5, 3.0, 5.0, 8.0, 12.0, 18.0, 26.0, 40.0)
FEATURES = len(LENGTHS) * (2 * len(QUANTILES) + 1) + 2 * (len(MODULATION_EDGES_HZ) - 2) + len(QUANTILES) + 1


class Decays:
    """Gathers the statistics of a stream of samples; what it keeps does not grow.

    Parameters
    ----------
    rate_hz
        Sample rate of what is fed.
    """

    def __init__(self, rate_hz: int) -> None:
        self._resampler = soxr.ResampleStream(rate_hz, RATE_HZ, 1, dtype="float32")
        self._samples: Float32 = np.zeros(0, np.float32)
        self._levels: Float32 = np.zeros((0, len(BAND_EDGES_HZ) - 1), np.float32)
        self._taper = scipy.signal.get_window("hann", WINDOW).astype(np.float32)
        self._bands = np.searchsorted(np.arange(WINDOW // 2 + 1) * (RATE_HZ / WINDOW), BAND_EDGES_HZ)
        bins = len(SLOPES_DB_S) + 1
        self._slopes = np.zeros((len(LENGTHS), bins), np.int64)
        self._free = np.zeros((len(LENGTHS), bins), np.int64)
        self._heights = np.zeros(round(RANGE_DB) + 1, np.int64)
        self._modulation = np.zeros((2, len(MODULATION_EDGES_HZ) - 1))
        self._depth = np.zeros(2)

    def feed(self, signal: Float32, *, last: bool = False) -> None:
        """Take (samples,) of signal; with ``last`` the rest is used up."""
        resampled = np.asarray(self._resampler.resample_chunk(signal, last=last), np.float32)
        self._samples = np.concatenate([self._samples, resampled])
        hops = (len(self._samples) - WINDOW) // HOP + 1
        if hops > 0:
            windows = sliding_window_view(self._samples, WINDOW)[: hops * HOP : HOP]
            power = np.square(np.abs(scipy.fft.rfft(windows * self._taper, axis=1)))
            self._levels = np.concatenate(
                [self._levels, np.add.reduceat(power, self._bands, axis=1)[:, : self._levels.shape[1]]]
            )
            self._samples = self._samples[hops * HOP :].copy()
        while len(self._levels) >= CHUNK:
            self._chunk(self._levels[:CHUNK])
            self._levels = self._levels[CHUNK:].copy()
        if last and len(self._levels) >= SHORTEST:
            self._chunk(self._levels)

    def _chunk(self, power: Float32) -> None:
        level_db = 10 * np.log10(power.astype(np.float64) + 1e-12)
        top_db = level_db.max(axis=0)
        if top_db.max() < -60:  # digital silence
            return
        floor_db = np.maximum(np.percentile(level_db, FLOOR_PERCENTILE, axis=0), top_db - RANGE_DB)
        above = level_db - floor_db - FLOOR_DB > 0
        below_top = np.clip(top_db - level_db, 0, RANGE_DB).round().astype(np.int64)
        self._heights += np.bincount(below_top.ravel(), minlength=len(self._heights))
        self._depth += (float((top_db - floor_db).sum()), level_db.shape[1])
        self._modulate(power)
        for index, length in enumerate(LENGTHS):
            if len(level_db) < length:
                continue
            slope, error, usable = _lines(level_db, above, length)
            bins = np.searchsorted(SLOPES_DB_S, slope)
            self._slopes[index] += np.bincount(bins[usable], minlength=self._slopes.shape[1])
            free = usable & (error < STRAIGHT_DB) & (slope < 0)
            self._free[index] += np.bincount(bins[free], minlength=self._free.shape[1])

    def _modulate(self, power: Float32) -> None:
        """Power of the envelopes' fluctuations per band of modulation, for low and high bands."""
        amplitude = np.sqrt(power.astype(np.float64))
        amplitude /= amplitude.mean(axis=0) + 1e-12
        spectrum = np.square(np.abs(scipy.fft.rfft(amplitude - amplitude.mean(axis=0), axis=0))) / len(power) ** 2
        edges = np.searchsorted(np.arange(len(spectrum)) / (len(power) * HOP_S), MODULATION_EDGES_HZ)
        bands = np.add.reduceat(spectrum, edges, axis=0)[:-1]
        half = bands.shape[1] // 2
        weight = len(power) / CHUNK
        self._modulation += weight * np.stack([bands[:, :half].mean(axis=1), bands[:, half:].mean(axis=1)])

    @property
    def decays(self) -> int:
        """Number of free decays over the middle length: what all statistics hang on."""
        return int(self._free[2].sum())

    @property
    def features(self) -> Float64:
        """(FEATURES,) statistics, all independent of level."""
        parts: list[Float64] = []
        centres = np.concatenate([[SLOPES_DB_S[0]], (SLOPES_DB_S[1:] + SLOPES_DB_S[:-1]) / 2, [SLOPES_DB_S[-1]]])
        for slopes, free in zip(self._slopes, self._free, strict=True):
            parts.append(np.arcsinh(_quantiles(slopes, centres) / 50))
            parts.append(np.arcsinh(_quantiles(free, centres) / 50))
            parts.append(np.log([(free.sum() + 1) / (slopes.sum() + 10)]))
        modulation = np.log(self._modulation + 1e-9)
        parts.append((modulation[:, 1:] - modulation[:, :1]).ravel())
        parts.append(_quantiles(self._heights, np.arange(len(self._heights), dtype=np.float64)) / 20)
        parts.append(np.array([self._depth[0] / max(self._depth[1], 1) / 20]))
        return np.concatenate(parts)


def _lines(level_db: Float64, above: NDArray[np.bool_], length: int) -> tuple[Float64, Float64, NDArray[np.bool_]]:
    """Straight line through every ``length`` hops: slope in dB/s, deviation in dB, and if all is above the floor."""
    ramp = np.arange(length) - (length - 1) / 2
    spread = float(np.square(ramp).sum())
    total = np.cumsum(np.pad(np.stack([level_db, np.square(level_db)]), ((0, 0), (1, 0), (0, 0))), axis=1)
    mean, square = (total[:, length:] - total[:, :-length]) / length
    weighted = scipy.signal.oaconvolve(level_db, ramp[::-1, None] / spread, mode="valid", axes=0)
    variance = square - mean**2 - weighted**2 * spread / length
    held = np.cumsum(np.pad(above, ((1, 0), (0, 0))), axis=0)
    usable: NDArray[np.bool_] = held[length:] - held[:-length] == length
    return weighted / HOP_S, np.sqrt(np.maximum(variance, 0.0)), usable


def _quantiles(counts: NDArray[np.int64], centres: Float64) -> Float64:
    """Quantiles of a histogram; between bins by interpolation, of nothing zero."""
    total = int(counts.sum())
    if not total:
        return np.zeros(len(QUANTILES))
    share = (np.cumsum(counts) - counts / 2) / total
    return np.asarray(np.interp(QUANTILES, share, centres), np.float64)
