"""Which local track is which speaker."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Float32 = NDArray[np.float32]


def likeness(level: Float32, activity: Float32) -> Float32:
    """How well each track's loudness follows each speaker's activity.

    Cosine between the square root of the RMS (so that a loud word does not decide alone) and the activity with its
    overlapped frames discounted: only where somebody speaks alone does loudness tell who it is.

    Parameters
    ----------
    level
        (tracks, frames) RMS.
    activity
        (speakers, frames) in [0, 1].

    Returns
    -------
    (tracks, speakers) float32 in [-1, 1]
    """
    loud = np.sqrt(level)
    together = activity.sum(axis=0, keepdims=True)
    others = together - activity
    # +1 where the speaker is alone, -1 where only others speak, about 0 where they overlap.
    evidence = activity / np.maximum(1.0, together**2) - np.minimum(others, 1.0) * (1.0 - activity)
    scale = np.linalg.norm(loud, axis=1)[:, None] * np.linalg.norm(evidence, axis=1)[None, :]
    return np.asarray(loud @ evidence.T / np.maximum(scale, 1e-9), dtype=np.float32)


def assign(score: Float32) -> tuple[NDArray[np.int32], float]:
    """The best one-to-one assignment of tracks to speakers and its lead over the next best.

    Parameters
    ----------
    score
        (tracks, speakers), larger is better.

    Returns
    -------
    speaker
        (tracks,) int32, -1 for a track left over.
    margin
        Smallest loss in score if any one of the pairs were forbidden; 0 = a guess.
    """
    tracks, speakers = score.shape
    chosen = np.full(tracks, -1, dtype=np.int32)
    if not speakers:
        return chosen, 0.0
    rows, columns = linear_sum_assignment(-score)
    chosen[rows] = columns
    if tracks == 1 and speakers == 1:
        return chosen, 1.0
    best = float(score[rows, columns].sum())
    margin = np.inf
    for row, column in zip(rows, columns, strict=True):
        forbidden = score.astype(np.float64)
        forbidden[row, column] = -1e3
        again = linear_sum_assignment(-forbidden)
        margin = min(margin, best - float(forbidden[again].sum()))
    return chosen, max(0.0, min(margin, 2.0))
