"""How sure a turn is: the expected share of it in which that very person really speaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.voices.embedding import ACTIVE
from speaksep_kernel.voices.streams import FRAME_S, Streams
from speaksep_kernel.voices.turns import Turn

WEIGHTS = np.array([-0.94, 0.76, 1.21, 0.34, -0.83])
"""Constant; then what each of `evidence` is worth in log-odds: a logistic regression on simulated conversations
(tests/bench/bench_conversations.py --fit)."""
SURE = (0.02, 0.98)
"""Nothing is certain."""


def calibrated(found: Sequence[Turn], streams: Streams, activity: NDArray[np.float32]) -> tuple[Turn, ...]:
    """The same turns, their ``confidence`` calibrated.

    Of turns with a confidence of 0.8, four fifths of the time is really that person's: of all those turns together,
    in conversations like those that `WEIGHTS` was fitted on.

    Parameters
    ----------
    found
        Turns drawn from ``activity``.
    streams
        Labelled streams.
    activity
        (frames, speakers) float32 in [0, 1].
    """
    if not found:
        return ()
    odds = WEIGHTS[0] + evidence(found, streams, activity) @ WEIGHTS[1:]
    sure = np.clip(1 / (1 + np.exp(-odds)), *SURE)
    return tuple(replace(turn, confidence=round(float(p), 3)) for turn, p in zip(found, sure, strict=True))


def evidence(found: Sequence[Turn], streams: Streams, activity: NDArray[np.float32]) -> NDArray[np.float64]:
    """What speaks for each turn.

    Returns
    -------
    (turns, 4) float64: log-odds of its mean activity; how clear its streams' voices are, in [0, 1]; logarithm of its
    seconds; share of it in which somebody else speaks too.
    """
    clear = _clearness(streams, activity.shape)
    crowd = (activity > ACTIVE).sum(1)
    rows = []
    for turn in found:
        first, last = round(turn.start_s / FRAME_S), round(turn.end_s / FRAME_S)
        heard = np.clip(activity[first:last, turn.speaker - 1].mean(), 0.02, 0.98)
        rows.append(
            (
                np.log(heard / (1 - heard)),
                clear[first:last, turn.speaker - 1].mean(),
                np.log(turn.seconds),
                (crowd[first:last] > 1).mean(),
            )
        )
    return np.asarray(rows, np.float64)


def _clearness(streams: Streams, shape: tuple[int, int]) -> NDArray[np.float32]:
    """(frames, speakers) mean confidence of the streams that say this person speaks now; 0 where none does."""
    total, count = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for i in np.flatnonzero((streams.label >= 0) & (streams.label < shape[1])):
        start = int(streams.window_start[streams.window[i]])
        on = streams.activity[i, : max(0, shape[0] - start)] > ACTIVE * 255
        frames = slice(start, start + len(on))
        total[frames, streams.label[i]] += on * streams.confidence[i]
        count[frames, streams.label[i]] += on
    return np.asarray(total / np.maximum(count, 1), np.float32)
