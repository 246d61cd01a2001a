"""Mains hum: steady tones at 50 or 60 Hz and their multiples."""

from __future__ import annotations

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

from speaksep_kernel.diagnosis.advice import Advice
from speaksep_kernel.diagnosis.protocol import Context, Diagnoser, Float32
from speaksep_kernel.diagnosis.report import Facts, Finding
from speaksep_kernel.diagnosis.thresholds import HUM_NOTICE_DBFS, HUM_PROMINENCE_DB, HUM_WARNING_DBFS
from speaksep_kernel.plugins import PluginInfo

WINDOW_S = 0.5
"""Resolves tones 8 Hz apart, and is short enough to fall into pauses."""
STEP_HZ = 1 / WINDOW_S
HIGHEST_HZ = 480.0
MAINS_HZ = (50, 60)
HARMONICS = 6
PERCENTILE = 20.0
"""Speech comes and goes, hum stays: the quieter windows tell them apart."""
LOWEST_DB, LEVELS = -150, 160
NEAR_HZ, FAR_HZ = 8.0, 20.0
HANN_BINS = 1.5
"""Noise bandwidth of a Hann window: a tone's power is its peak density times this many bins."""


class Hum(Diagnoser):
    """RMS level of all mains harmonics that stand out of their neighbourhood, in dBFS."""

    info = PluginInfo(name="hum", version="1", summary="Mains hum at 50 or 60 Hz", licence="Apache-2.0")

    def start(self, facts: Facts) -> None:
        """See `Diagnoser`."""
        self._weights = np.asarray(facts.weights, np.float32)
        self._size = round(WINDOW_S * facts.rate_hz)
        self._taper = scipy.signal.get_window("hann", self._size).astype(np.float32)
        self._scale = 2 * HANN_BINS / (self._size * float(np.square(self._taper, dtype=np.float64).sum()))
        self._bins = int(HIGHEST_HZ / STEP_HZ) + 1
        self._counts = np.zeros((self._bins, LEVELS), np.int64)
        self._rest: Float32 = np.zeros(0, np.float32)

    def feed(self, block: Float32, start_s: float) -> None:
        """See `Diagnoser`."""
        joined = np.concatenate([self._rest, block @ self._weights])
        whole = len(joined) // self._size * self._size
        self._rest = joined[whole:].copy()
        windows = joined[:whole].reshape(-1, self._size)
        windows = windows[windows.any(axis=1)]
        spectra = scipy.fft.rfft(windows * self._taper, axis=1)[:, : self._bins]
        level_db = 10 * np.log10(np.square(np.abs(spectra)) * self._scale + 10 ** (LOWEST_DB / 10))
        level = np.clip(np.round(level_db) - LOWEST_DB, 0, LEVELS - 1).astype(np.int64)
        np.add.at(self._counts, (np.arange(self._bins), level), 1)

    def finish(self, context: Context) -> list[Finding]:
        """See `Diagnoser`."""
        windows = int(self._counts[0].sum())
        if not windows:
            return [Finding("hum", None, "dBFS", "info", "There is not enough sound to look for hum.")]
        reached = np.cumsum(self._counts, axis=1) >= PERCENTILE / 100 * windows
        level_dbfs = np.argmax(reached, axis=1).astype(np.float64) + LOWEST_DB
        mains_hz, hum_dbfs, count = max((_tones(level_dbfs, hz) for hz in MAINS_HZ), key=lambda found: found[2])
        if not count:
            return [Finding("hum", None, "dBFS", "info", "No steady tones at multiples of 50 or 60 Hz.")]
        value, subject = round(hum_dbfs, 1), f"{mains_hz} Hz"
        tones = f"{count} steady tone{'s' * (count > 1)} at multiples of {mains_hz} Hz"
        if value > HUM_WARNING_DBFS:
            why = f"Mains hum: {tones}, loud enough to disturb."
            return [Finding("hum", value, "dBFS", "warning", why, (), Advice.CLEAN_HUM, subject)]
        if value > HUM_NOTICE_DBFS:
            why = f"Mains hum: {tones}."
            return [Finding("hum", value, "dBFS", "notice", why, (), Advice.CLEAN_HUM, subject)]
        return [Finding("hum", value, "dBFS", "info", f"{tones.capitalize()}, too soft to hear.", subject=subject)]


def _tones(level_dbfs: NDArray[np.float64], mains_hz: int) -> tuple[int, float, int]:
    """Mains frequency, level of its harmonics together, and how many stand out."""
    frequency_hz = np.arange(len(level_dbfs)) * STEP_HZ
    power, count = 0.0, 0
    for harmonic in range(1, HARMONICS + 1):
        distance_hz = np.abs(frequency_hz - harmonic * mains_hz)
        around = level_dbfs[(distance_hz >= NEAR_HZ) & (distance_hz <= FAR_HZ)]
        peak = float(level_dbfs[distance_hz <= STEP_HZ].max())
        if peak - float(around.max()) >= HUM_PROMINENCE_DB:
            power, count = power + 10 ** (peak / 10), count + 1
    return mains_hz, 10 * float(np.log10(max(power, 1e-20))), count
