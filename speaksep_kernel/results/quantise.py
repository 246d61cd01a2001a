"""Whole numbers for files, such that tracks and residual add up to the mixture exactly and none of them clips."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FLOATS = 128
"""Full scales of 24 bits that 32-bit whole numbers hold on the way to a file of floats."""


def quantise(
    tracks: NDArray[np.float32],
    mixture: NDArray[np.float32],
    bits: int,
    *,
    bounded: bool = True,
    tracks_bounded: bool = True,
) -> tuple[NDArray[np.int32], int]:
    """Round tracks to ``bits`` and work out the residual in the same whole numbers.

    What does not fit into a track goes to the residual, what does not fit into the residual goes back to the tracks,
    so that the sum stays exact even for a decoded mp3 that reaches beyond full scale.

    Parameters
    ----------
    tracks
        (speakers, samples) in units of full scale.
    mixture
        (samples,) likewise.
    bits
        Bits per sample, 16 or 24.
    bounded
        Whether the residual's file ends at full scale too.
    tracks_bounded
        Whether those of the tracks do.

    Returns
    -------
    values
        (speakers + 1, samples) int32, the residual last, each below full scale (the residual if ``bounded``).
    lost
        Samples whose mixture is more than all files together can hold; there the sum falls short.

    Examples
    --------
    >>> values, lost = quantise(np.float32([[0.5, 0.0]]), np.float32([0.75, -1.0]), 16)
    >>> values.tolist(), lost
    ([[16384, -1], [8192, -32767]], 0)
    """
    full = 1 << (bits - 1)
    limit = full - 1
    # Full scale is a power of two, so 32-bit floats are exact; sums of twenty bounded tracks fit into 32 bits, too.
    whole = np.int32 if tracks_bounded else np.int64
    total = np.rint(mixture * np.float32(full)).astype(whole)
    held = limit if tracks_bounded else limit * _FLOATS
    values = np.clip(np.rint(tracks * np.float32(full)), np.float32(-held), np.float32(held)).astype(whole)
    residual = total - values.sum(axis=0, dtype=whole)
    if not bounded:
        return np.concatenate([values, residual[None]]).astype(np.int32, copy=False), 0
    excess = residual - np.clip(residual, -limit, limit)
    over = np.flatnonzero(excess)
    for track in values:
        if not len(over):
            break
        moved = np.clip(track[over] + excess[over], -held, held) - track[over]
        track[over] += moved
        excess[over] -= moved
        over = over[excess[over] != 0]
    residual = np.clip(total - values.sum(axis=0, dtype=whole), -limit, limit)
    return np.concatenate([values, residual[None]]).astype(np.int32, copy=False), len(over)
