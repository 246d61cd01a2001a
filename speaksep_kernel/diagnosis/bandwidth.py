"""Where the content begins and ends, against what the sample rate could hold."""

from __future__ import annotations

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from speaksep_kernel.diagnosis.advice import Advice
from speaksep_kernel.diagnosis.frames import MeanSpectrum
from speaksep_kernel.diagnosis.protocol import Context, Diagnoser, Float32
from speaksep_kernel.diagnosis.report import Facts, Finding
from speaksep_kernel.diagnosis.thresholds import (
    BANDWIDTH_BASS_HZ,
    BANDWIDTH_DROP_DB,
    BANDWIDTH_RATIO_LOW,
    BANDWIDTH_SPEECH_HZ,
)
from speaksep_kernel.plugins import PluginInfo

Float64 = NDArray[np.float64]

WINDOW_S = 0.04
LOWEST_HZ = 300.0
"""Speech has gaps below: no edge is looked for there."""
BASS_WINDOW_S = 0.1
BASS_HZ = (200.0, 1500.0)
"""Voices are loudest somewhere in here."""
BASS_DROP_DB = 12.0
"""So far below their loudest band the content ends, going down."""
GAP_HZ = 100.0
"""Narrower gaps lie between the harmonics of a high voice."""
SMOOTH_HZ = 60.0
RANGE_DB = 100.0
REACH, GUARD = 0.12, 0.03
"""An edge at f shows as a drop between the means over (1 - reach … 1 - guard) f and (1 + guard … 1 + reach) f."""
FALLING_DB = 7.0
"""Half of what a filter of 48 dB per octave drops over that distance: the flank goes on this far."""
SHARP = 1.08
"""Ratio of the frequencies at 90 and 10 % of the drop below which the edge is a brick wall."""


class Bandwidth(Diagnoser):
    """Lower and upper edge of the content of the mixture in Hz; half the sample rate if it reaches that far."""

    info = PluginInfo(
        name="bandwidth", version="2", summary="Edges of the content against the sample rate", licence="Apache-2.0"
    )

    def start(self, facts: Facts) -> None:
        """See `Diagnoser`."""
        self._weights = np.asarray(facts.weights, np.float32)
        self._spectrum = MeanSpectrum(facts.rate_hz, WINDOW_S)
        self._bass = MeanSpectrum(facts.rate_hz, BASS_WINDOW_S)

    def feed(self, block: Float32, start_s: float) -> None:
        """See `Diagnoser`."""
        mixture = block @ self._weights
        self._spectrum.feed(mixture)
        self._bass.feed(mixture)

    def finish(self, context: Context) -> list[Finding]:
        """See `Diagnoser`."""
        if not self._spectrum.windows or not self._bass.windows:
            why = "There is no sound to measure."
            return [Finding(code, None, "Hz", "info", why) for code in ("bandwidth", "bandwidth-low")]
        low_hz = round(lower_edge_hz(self._bass.frequencies_hz, self._bass.density))
        edge_hz = round(upper_edge_hz(self._spectrum.frequencies_hz, self._spectrum.density))
        narrow = edge_hz < BANDWIDTH_SPEECH_HZ
        return [
            _upper(edge_hz, context.facts.rate_hz / 2, telephone=narrow and low_hz > BANDWIDTH_BASS_HZ),
            _lower(low_hz, narrow=narrow),
        ]


def _upper(edge_hz: int, nyquist_hz: float, *, telephone: bool) -> Finding:
    of = f"{edge_hz / 1000:.1f} kHz, of the {nyquist_hz / 1000:.4g} kHz that the sample rate could hold"
    if edge_hz < BANDWIDTH_SPEECH_HZ and edge_hz < BANDWIDTH_RATIO_LOW * nyquist_hz:
        who = "a telephone" if telephone else "a telephone or a narrow codec"
        why = f"The sound ends at {of}: {who} took the consonants away."
        return Finding("bandwidth", edge_hz, "Hz", "warning", why, advice=Advice.CHECK_SOURCE)
    if edge_hz < BANDWIDTH_RATIO_LOW * nyquist_hz:
        why = f"The sound ends at {of}: it was resampled from a lower rate, or coded."
        return Finding("bandwidth", edge_hz, "Hz", "notice", why)
    return Finding("bandwidth", edge_hz, "Hz", "info", f"The sound reaches {of}.")


def _lower(low_hz: int, *, narrow: bool) -> Finding:
    if low_hz <= BANDWIDTH_BASS_HZ:
        return Finding("bandwidth-low", low_hz, "Hz", "info", "The sound begins here: no voice lacks its pitch.")
    what = "a telephone" if narrow else "a high-pass filter or a small microphone"
    why = f"The sound begins at {low_hz} Hz: {what} took the pitch of the voices away."
    return Finding("bandwidth-low", low_hz, "Hz", "notice", why)


def lower_edge_hz(frequencies_hz: Float64, density: Float64) -> float:
    """Frequency below which a mean spectrum of speech falls off; 0 if it never does.

    Parameters
    ----------
    frequencies_hz
        (bins,), evenly spaced from 0.
    density
        (bins,) power.
    """
    level = 10 * np.log10(np.maximum(density, 1e-20))
    level = scipy.ndimage.grey_closing(level, max(1, round(GAP_HZ / float(frequencies_hz[1]))))
    voiced = (frequencies_hz >= BASS_HZ[0]) & (frequencies_hz <= BASS_HZ[1])
    loudest = int(np.argmax(np.where(voiced, level, -np.inf)))
    height = level[loudest] - BASS_DROP_DB
    under = np.flatnonzero(level[:loudest] < height)
    if not len(under):
        return 0.0
    last = int(under[-1])
    return float(np.interp(height, level[last : last + 2], frequencies_hz[last : last + 2]))


def upper_edge_hz(frequencies_hz: Float64, density: Float64) -> float:
    """Frequency at which a mean spectrum falls off for good; the last one if it never does.

    Parameters
    ----------
    frequencies_hz
        (bins,), evenly spaced from 0.
    density
        (bins,) power.
    """
    step_hz, nyquist_hz = float(frequencies_hz[1]), float(frequencies_hz[-1])
    smooth = scipy.ndimage.uniform_filter1d(density, max(1, round(SMOOTH_HZ / step_hz)))
    level = 10 * np.log10(np.maximum(smooth, max(smooth.max(), 1e-20) * 10 ** (-RANGE_DB / 10)))
    centre = frequencies_hz[(frequencies_hz > LOWEST_HZ) & (frequencies_hz < 0.97 * nyquist_hz)]
    reach, guard = np.maximum(REACH * centre, 200.0), np.maximum(GUARD * centre, 50.0)
    below = _means(level, (centre - reach) / step_hz, (centre - guard) / step_hz)
    above = _means(level, (centre + guard) / step_hz, (centre + reach) / step_hz)
    loudest_above = np.maximum.accumulate(level[::-1])[::-1][_bins(level, (centre + reach) / step_hz)]
    drop = below - above
    edge = (drop >= BANDWIDTH_DROP_DB) & (loudest_above < below - BANDWIDTH_DROP_DB)
    if not edge.any():
        return nyquist_hz
    steepest = int(np.flatnonzero(edge)[np.argmax(drop[edge])])
    high, low = float(below[steepest]), float(above[steepest])
    near = _bins(level, (centre[steepest] + np.array([-1, 1]) * reach[steepest]) / step_hz)
    first, middle, last = (_crossing(level, near, high + part * (low - high)) for part in (0.1, 0.5, 0.9))
    if last < SHARP * first:
        return middle * step_hz
    return _corner(level, drop, centre, steepest, step_hz)


def _corner(level: Float64, drop: Float64, centre: Float64, steepest: int, step_hz: float) -> float:
    """Corner of a gentle filter: where its flank, a straight line over log frequency, meets the plateau."""
    gentle = np.flatnonzero(drop < FALLING_DB)
    start_hz = centre[gentle[gentle < steepest].max(initial=0)]
    stop_hz = centre[gentle[gentle > steepest].min(initial=len(centre) - 1)]
    plateau = float(_means(level, np.array([start_hz / 1.3 / step_hz]), np.array([start_hz / step_hz]))[0])
    bottom = float(level[_bins(level, np.array([stop_hz * 1.1 / step_hz]))[0]])
    near = _bins(level, np.array([start_hz, stop_hz * 1.1]) / step_hz)
    depth = min(30.0, max(0.7 * (plateau - bottom), 12.0))
    at_10, at_depth = _crossing(level, near, plateau - 10), _crossing(level, near, plateau - depth)
    slope = (depth - 10) / max(np.log(at_depth / at_10), 1e-6)
    return float(at_10 * step_hz * np.exp(-10 / slope))


def _bins(level: Float64, index: Float64) -> NDArray[np.int64]:
    return np.clip(np.round(index).astype(np.int64), 0, len(level) - 1)


def _means(level: Float64, start: Float64, stop: Float64) -> Float64:
    """Mean of the level between pairs of (fractional) bins."""
    total = np.concatenate([[0.0], np.cumsum(level)])
    first = _bins(level, start)
    last = np.maximum(_bins(level, stop), first + 1)
    return np.asarray((total[last] - total[first]) / (last - first))


def _crossing(level: Float64, near: NDArray[np.int64], height: float) -> float:
    """First bin within ``near`` whose level is below a height; the last one if none is."""
    under = np.flatnonzero(level[near[0] + 1 : near[1] + 1] < height)
    return float(near[0] + under[0]) if len(under) else float(near[1])
