"""What a voice would sound like by telephone: whoever is enrolled from clean speech is then known there too."""

from __future__ import annotations

import numpy as np
import scipy.signal
import soxr
from numpy.typing import NDArray

from speaksep_kernel.voices.streams import RATE_HZ

LINE_RATE_HZ = 8000
BAND_HZ = (300, 3400)
PEAK = 0.7
MU = 255
STEPS = 127

Float32 = NDArray[np.float32]


def by_telephone(samples: Float32) -> Float32:
    """Speech at 16 kHz as after a telephone line: 300-3400 Hz, 8 kHz, 8 bits by the µ-law.

    Source: ITU-T G.711 and G.712.

    Parameters
    ----------
    samples
        (n,) float32 at 16 kHz.

    Returns
    -------
    (n,) float32 at 16 kHz.
    """
    band = scipy.signal.butter(4, BAND_HZ, "band", fs=LINE_RATE_HZ, output="sos")
    narrow = scipy.signal.sosfilt(band, soxr.resample(samples, RATE_HZ, LINE_RATE_HZ))
    narrow = PEAK * narrow / max(float(np.abs(narrow).max(initial=0)), 1e-9)
    code = np.round(STEPS * np.sign(narrow) * np.log1p(MU * np.abs(narrow)) / np.log1p(MU)) / STEPS
    wide = soxr.resample(np.sign(code) * np.expm1(np.abs(code) * np.log1p(MU)) / MU, LINE_RATE_HZ, RATE_HZ)
    return np.asarray(wide[: len(samples)], np.float32)
