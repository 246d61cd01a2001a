"""Mains hum: a narrow notch on every line that stands out at a multiple of 50 or 60 Hz."""

from __future__ import annotations

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from speaksep_kernel.errors import InputError
from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.separation.cleaning import Float32

MAINS_HZ = (50, 60)
HIGHEST_HZ = 2000.0
WINDOW_S = 4.0
LEAST_S = 1.0
"""Less tells no line from a vowel."""
QUIET_PERCENTILE = 25.0
"""Voices come and go, hum stays: it is looked for in the quieter windows."""
PROMINENCE_DB = 10.0
TOLERANCE_HZ, TOLERANCE_RATIO = 0.3, 0.002
"""How far a line may be from its nominal place: the mains' own drift, and the recorder's clock."""
NEAR_HZ, FAR_HZ = 2.0, 10.0
WIDTH_HZ = 0.5
PADDING_S = 1.0


class Hum:
    """Notches half a hertz wide, run forwards and backwards (no delay), only where there is a line to take out.

    Parameters
    ----------
    mains_hz
        50 or 60; 0 takes whichever stands out.
    """

    info = PluginInfo(
        name="hum",
        version="1",
        summary="Notches out mains hum and its harmonics",
        licence="Apache-2.0",
        options={"mains_hz": {"type": "integer", "enum": [0, *MAINS_HZ], "default": 0}},
    )

    def __init__(self, *, mains_hz: int = 0) -> None:
        if mains_hz not in (0, *MAINS_HZ):
            raise InputError(f"mains_hz is {mains_hz}", reason="bad-option", hint="give 50, 60, or 0 to find out")
        self._mains_hz = (mains_hz,) if mains_hz else MAINS_HZ

    def clean(self, samples: Float32, rate_hz: int) -> Float32:
        """See `Cleaner`."""
        lines_hz = max((hum_lines(samples, rate_hz, mains) for mains in self._mains_hz), key=len)
        return notched(samples, rate_hz, lines_hz)


def notched(samples: Float32, rate_hz: int, lines_hz: list[float]) -> Float32:
    """(samples,) without the lines."""
    if not lines_hz:
        return samples.copy()
    notches = [scipy.signal.iirnotch(line, line / WIDTH_HZ, rate_hz) for line in lines_hz]
    sections = np.concatenate([scipy.signal.tf2sos(*notch) for notch in notches])
    padding = min(len(samples) - 1, round(PADDING_S * rate_hz))
    return np.asarray(scipy.signal.sosfiltfilt(sections, samples, padlen=padding), dtype=np.float32)


def hum_lines(samples: Float32, rate_hz: int, mains_hz: int) -> list[float]:
    """Frequencies (Hz) of the steady lines near multiples of ``mains_hz``; none in less than a second of sound."""
    size = min(len(samples), round(WINDOW_S * rate_hz))
    if size < LEAST_S * rate_hz:
        return []
    frequency_hz, _, power = scipy.signal.spectrogram(samples, rate_hz, "hann", size, size - size // 4)
    bins = int(np.searchsorted(frequency_hz, min(HIGHEST_HZ, rate_hz / 2) + FAR_HZ))
    quiet = np.percentile(power[:bins], QUIET_PERCENTILE, axis=1)
    level_db = 10 * np.log10(np.maximum(quiet, 1e-20))
    step_hz = float(frequency_hz[1])
    multiples = range(1, int(min(HIGHEST_HZ, 0.49 * rate_hz) / mains_hz) + 1)
    found = (_line(level_db, step_hz, mains_hz * multiple) for multiple in multiples)
    return [line for line in found if line is not None]


def _line(level_db: NDArray[np.float64], step_hz: float, nominal_hz: float) -> float | None:
    """Where exactly a line stands out of everything around, near its nominal place."""
    offset_hz = np.arange(len(level_db)) * step_hz - nominal_hz
    near = np.flatnonzero(np.abs(offset_hz) <= max(step_hz, TOLERANCE_HZ + TOLERANCE_RATIO * nominal_hz))
    around = level_db[(np.abs(offset_hz) >= NEAR_HZ) & (np.abs(offset_hz) <= FAR_HZ)]
    peak = int(near[np.argmax(level_db[near])])
    if not len(around) or not 0 < peak < len(level_db) - 1 or level_db[peak] < np.median(around) + PROMINENCE_DB:
        return None
    left, middle, right = level_db[peak - 1 : peak + 2]
    bend = left - 2 * middle + right  # the top of the parabola through three bins
    shift = 0.5 * (left - right) / bend if bend < 0 else 0.0
    return float((peak + np.clip(shift, -0.5, 0.5)) * step_hz)
