"""Mains hum: steady tones at 50 or 60 Hz and their multiples, told by a phase that runs on from window to window."""

from __future__ import annotations

import numpy as np
import scipy.fft
import scipy.signal
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from speaksep_kernel.diagnosis.advice import Advice
from speaksep_kernel.diagnosis.protocol import Context, Diagnoser, Float32
from speaksep_kernel.diagnosis.report import Facts, Finding
from speaksep_kernel.diagnosis.thresholds import (
    HUM_COHERENCE,
    HUM_DRIFT_HZ,
    HUM_NOTICE_DBFS,
    HUM_SIGNIFICANCE,
    HUM_WARNING_DBFS,
)
from speaksep_kernel.plugins import PluginInfo

WINDOW_S, HOP_S = 0.5, 0.25
"""A window resolves tones 8 Hz apart, and two of them still fit into a pause."""
HIGHEST_HZ = 1000
TONES_HZ = {mains_hz: np.arange(mains_hz, HIGHEST_HZ + 1, mains_hz) for mains_hz in (50, 60)}
LOWEST_DB, STEP_DB, CLASSES = -130.0, 2.0, 66
"""Windows are sorted by the level of each tone: where it is alone they have one level, with speech others."""
LAG = 4
"""Hops between the windows that are compared: a vowel that happens to hit the frequency is over by then."""
WIDTH = 3
"""Classes taken together."""
FEWEST, MOST_BELOW = 0.02, 0.15
"""Least share of the windows in which hum is heard alone, and most that lie below: it never stops."""
HANN_BINS = 1.5
"""Noise bandwidth of a Hann window: a tone's power is its peak density times this many bins."""


class Hum(Diagnoser):
    """RMS level of all mains harmonics that stand out, in dBFS.

    A tone keeps its phase from one window to another; speech and noise do not. The product of two spectra, summed over
    pairs of windows, is therefore the power of the tone alone. Summed apart by level it holds only windows in which
    nothing else sounds at that frequency. How far the phase turns over one hop says how far the tone is from its
    nominal frequency.
    """

    info = PluginInfo(name="hum", version="2", summary="Mains hum at 50 or 60 Hz", licence="Apache-2.0")

    def start(self, facts: Facts) -> None:
        """See `Diagnoser`."""
        self._weights = np.asarray(facts.weights, np.float32)
        self._hop = round(HOP_S * facts.rate_hz)
        self._size = 2 * self._hop
        self._taper = scipy.signal.get_window("hann", self._size).astype(np.float32)
        self._scale = 2 * HANN_BINS / (self._size * float(np.square(self._taper, dtype=np.float64).sum()))
        tones_hz = np.concatenate(list(TONES_HZ.values()))
        self._bins = np.round(tones_hz * self._size / facts.rate_hz).astype(np.int64)
        self._turn = np.exp(-2j * np.pi * tones_hz * self._hop / facts.rate_hz)
        self._rest: Float32 = np.zeros(0, np.float32)
        self._last = np.zeros((LAG, len(tones_hz)), np.complex128)
        self._products = np.zeros((len(tones_hz), CLASSES), np.complex128)
        self._drifts = np.zeros((len(tones_hz), CLASSES), np.complex128)
        self._powers = np.zeros((len(tones_hz), CLASSES))
        self._counts = np.zeros((len(tones_hz), CLASSES), np.int64)
        self._windows = 0

    def feed(self, block: Float32, start_s: float) -> None:
        """See `Diagnoser`."""
        joined = np.concatenate([self._rest, block @ self._weights])
        count = len(joined) // self._hop - 1
        if count < 1:
            self._rest = joined
            return
        self._rest = joined[count * self._hop :].copy()
        windows = sliding_window_view(joined, self._size)[: count * self._hop : self._hop]
        spectra = scipy.fft.rfft(windows * self._taper, axis=1)[:, self._bins] * np.sqrt(self._scale)
        spectra = np.concatenate([self._last, spectra])
        self._last = spectra[-LAG:]
        power = np.square(np.abs(spectra))
        sounding = (power[LAG:] > 0).all(axis=1) & (power[:-LAG] > 0).all(axis=1)  # not digital silence
        now = spectra[LAG:][sounding]
        powers = np.maximum(power[LAG:], power[:-LAG])[sounding]
        self._windows += len(powers)
        level = np.floor((10 * np.log10(np.maximum(powers, 1e-13)) - LOWEST_DB) / STEP_DB)
        at = (np.arange(power.shape[1]), np.clip(level, 0, CLASSES - 1).astype(np.int64))
        np.add.at(self._products, at, now * spectra[:-LAG][sounding].conj() * self._turn**LAG)
        np.add.at(self._drifts, at, now * spectra[LAG - 1 : -1][sounding].conj() * self._turn)
        np.add.at(self._powers, at, ((power[LAG:] + power[:-LAG]) / 2)[sounding])
        np.add.at(self._counts, at, 1)

    def finish(self, context: Context) -> list[Finding]:
        """See `Diagnoser`."""
        if self._windows < HUM_SIGNIFICANCE**2:
            return [Finding("hum", None, "dBFS", "info", "There is not enough sound to look for hum.")]
        power = self._tone_powers()
        split = len(TONES_HZ[50])
        found = [(50, power[:split]), (60, power[split:])]
        mains_hz, powers = max(found, key=lambda one: (np.count_nonzero(one[1]), one[1].sum()))
        count = int(np.count_nonzero(powers))
        if not count:
            return [Finding("hum", None, "dBFS", "info", "No steady tones at multiples of 50 or 60 Hz.")]
        value, subject = round(10 * float(np.log10(powers.sum())), 1), f"{mains_hz} Hz"
        tones = f"{count} steady tone{'s' * (count > 1)} at multiples of {mains_hz} Hz"
        if value > HUM_WARNING_DBFS:
            why = f"Mains hum: {tones}, loud enough to disturb."
            return [Finding("hum", value, "dBFS", "warning", why, (), Advice.CLEAN_HUM, subject)]
        if value > HUM_NOTICE_DBFS:
            why = f"Mains hum: {tones}."
            return [Finding("hum", value, "dBFS", "notice", why, (), Advice.CLEAN_HUM, subject)]
        return [Finding("hum", value, "dBFS", "info", f"{tones.capitalize()}, too soft to hear.", subject=subject)]

    def _tone_powers(self) -> NDArray[np.float64]:
        """(tones,) power of each tone, 0 where there is none."""
        products, drifts, powers, counts = (
            sliding_window_view(sums, WIDTH, axis=1).sum(axis=2)
            for sums in (self._products, self._drifts, self._powers, self._counts)
        )
        below = np.pad(np.cumsum(self._counts, axis=1), ((0, 0), (WIDTH, 0)))[:, : products.shape[1]]
        coherence = np.abs(products) / np.maximum(powers, 1e-20)
        drift_hz = np.abs(np.angle(drifts)) / (2 * np.pi * HOP_S)
        steady = (
            (coherence >= HUM_COHERENCE)
            & (coherence * np.sqrt(counts) >= HUM_SIGNIFICANCE)
            & (counts >= FEWEST * self._windows)
            & (below <= MOST_BELOW * self._windows)
            & (drift_hz <= HUM_DRIFT_HZ)
        )
        weight = np.where(steady, counts * coherence, 0.0)
        best = weight.argmax(axis=1)
        tones = np.arange(len(best))
        power = np.abs(products[tones, best]) / np.maximum(counts[tones, best], 1)
        return np.where(steady[tones, best], power, 0.0)
