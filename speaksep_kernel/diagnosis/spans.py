"""Spans of time out of masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Span = tuple[float, float]


def mask_runs(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(runs, 2) first and past-the-last index of every run of True.

    Examples
    --------
    >>> mask_runs(np.array([True, False, True, True])).tolist()
    [[0, 1], [2, 4]]
    """
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return edges.reshape(-1, 2)


def mask_spans(mask: NDArray[np.bool_], step_s: float, join_s: float = 0.0) -> tuple[Span, ...]:
    """(start_s, end_s) of every run of True, runs at most ``join_s`` apart made one.

    Parameters
    ----------
    mask
        (steps,) bool.
    step_s
        Seconds per step.
    join_s
        Longest gap to close.
    """
    spans: list[Span] = []
    for first, last in mask_runs(mask).tolist():
        start_s, end_s = round(first * step_s, 3), round(last * step_s, 3)
        if spans and start_s - spans[-1][1] <= join_s:
            spans[-1] = (spans[-1][0], end_s)
        else:
            spans.append((start_s, end_s))
    return tuple(spans)
