"""Voices of the package, which end at 8 kHz, with the hiss that speech has above."""

from __future__ import annotations

import numpy as np
import scipy.signal
import soxr
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

HISS_FROM_HZ = 7000.0
ENVELOPE_S = 0.01
FLOOR = 1e-4


def widened(audio: Float32, rate_hz: int, new_rate_hz: int, seed: int = 0) -> Float32:
    """Speech at another rate, with content up to half of it.

    Parameters
    ----------
    audio
        (samples,) speech.
    rate_hz, new_rate_hz
        Its rate, and the one of the result.
    seed
        Of the hiss, which rises and falls with the sharp sounds of the speech, and of a floor 80 dB below full scale.
    """
    speech = soxr.resample(audio, rate_hz, new_rate_hz)
    rng = np.random.default_rng(seed)
    window = max(1, round(ENVELOPE_S * new_rate_hz))
    envelope = np.sqrt(np.convolve(np.square(np.diff(speech, prepend=0)), np.full(window, 1 / window), "same"))
    hiss = 0.5 * rng.standard_normal(len(speech)) * envelope
    if new_rate_hz / 2 > HISS_FROM_HZ:
        hiss = scipy.signal.sosfilt(scipy.signal.butter(6, HISS_FROM_HZ, "high", fs=new_rate_hz, output="sos"), hiss)
    return np.asarray(speech + hiss + FLOOR * rng.standard_normal(len(speech)), np.float32)
