"""One vector for all that is heard of a voice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.voices.book.values import centroid
from speaksep_kernel.voices.encoders import CamPlusPlus
from speaksep_kernel.voices.streams import RATE_HZ

MOST_S = 40.0
"""Speech listened to at most; more does not make the vector better."""
CLIP_S = 10.0

Float32 = NDArray[np.float32]


def voiceprint(speech: Float32) -> Float32:
    """(192,) float32, unit length; NaN if the speech says nothing.

    Parameters
    ----------
    speech
        (samples,) of one person at 16 kHz; the first `MOST_S` count.
    """
    speech = speech[: round(MOST_S * RATE_HZ)]
    clips = np.array_split(speech, max(1, round(len(speech) / (CLIP_S * RATE_HZ))))
    vectors = CamPlusPlus().embed(clips, RATE_HZ)
    told = ~np.isnan(vectors).any(1)
    if not told.any():
        return np.full(CamPlusPlus.dim, np.nan, np.float32)
    return centroid(vectors[told], np.ones(int(told.sum()), np.float32))
