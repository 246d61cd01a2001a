"""Hard clipping: samples that pile up at the extreme value."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.diagnosis.advice import Advice
from speaksep_kernel.diagnosis.protocol import Context, Diagnoser, Float32
from speaksep_kernel.diagnosis.report import Facts, Finding, Severity, Span
from speaksep_kernel.diagnosis.spans import mask_spans
from speaksep_kernel.diagnosis.thresholds import (
    CLIPPED_MIN_SAMPLES,
    CLIPPED_PILE,
    CLIPPED_SHARE_NOTICE,
    CLIPPED_SHARE_WARNING,
)
from speaksep_kernel.plugins import PluginInfo

LEVELS = 4096
"""Levels of the histogram from zero to full scale."""
TOLERANCE = 1.5 / 32768
"""Samples this close to the extreme are at it: one step of 16 bits, dithered."""
NEIGHBOURS = 3
PIECE_S = 0.5
JOIN_S = 1.0


class Clipping(Diagnoser):
    """Share of samples at the largest or smallest value, if far more lie there than just below.

    Each channel is looked at alone, and each side of it unless both end at the same level, so that an offset or a
    clipped single channel is no obstacle. The level need not be full scale: a recording clipped first and turned down
    later is found too.
    """

    info = PluginInfo(name="clipping", version="2", summary="Hard clipping and where", licence="Apache-2.0")

    def start(self, facts: Facts) -> None:
        """See `Diagnoser`."""
        sides = 2 * facts.channels
        self._piece = max(1, round(PIECE_S * facts.rate_hz))
        self._histogram = np.zeros((sides, LEVELS), np.int64)
        self._extreme: list[NDArray[np.float32]] = []
        self._at_extreme: list[NDArray[np.int64]] = []
        self._rest: Float32 = np.zeros((0, facts.channels), np.float32)
        self._samples = 0

    def feed(self, block: Float32, start_s: float) -> None:
        """See `Diagnoser`."""
        joined = np.concatenate([self._rest, block])
        whole = len(joined) // self._piece * self._piece
        for first in range(0, whole, self._piece):
            self._measure(joined[first : first + self._piece])
        self._rest = joined[whole:].copy()

    def _measure(self, piece: Float32) -> None:
        self._samples += piece.size
        sides = np.concatenate([piece.T, -piece.T])
        extreme = sides.max(axis=1, initial=0)
        self._extreme.append(extreme)
        self._at_extreme.append((sides >= extreme[:, None] - TOLERANCE).sum(axis=1))
        # Only the upper half of the histogram is ever looked at, and few samples lie there.
        for side, counts, top in zip(sides, self._histogram, extreme, strict=True):
            loud = side[side > top / 2]
            levels = np.minimum((loud * LEVELS).astype(np.int64), LEVELS - 1)
            counts += np.bincount(levels, minlength=LEVELS)

    def finish(self, context: Context) -> list[Finding]:
        """See `Diagnoser`."""
        if len(self._rest):
            self._measure(self._rest)
        if not self._samples:
            return []
        extreme, at_extreme = np.array(self._extreme), np.array(self._at_extreme)
        clipped = np.zeros(extreme.shape, np.int64)
        for sides in self._limits(extreme):
            top = float(extreme[:, sides].max())
            here = extreme[:, sides] >= top - TOLERANCE
            counts = np.where(here, at_extreme[:, sides], 0)
            if top > 0 and _piles_up(int(counts.sum()), top, self._histogram[sides].sum(axis=0)):
                clipped[:, sides] = counts
        share = float(clipped.sum() / self._samples)
        spans: tuple[Span, ...] = mask_spans(clipped.sum(axis=1) > 0, PIECE_S, JOIN_S)
        if share < CLIPPED_SHARE_NOTICE:
            return [Finding("clipping", share, "ratio", "info", "No flat tops at the largest sample values.")]
        why = f"{100 * share:.2g} % of the samples are cut off at the largest value the recorder could hold."
        severity: Severity = "warning" if share >= CLIPPED_SHARE_WARNING else "notice"
        return [Finding("clipping", share, "ratio", severity, why, spans, Advice.CLEAN_DECLIP)]

    def _limits(self, extreme: NDArray[np.float32]) -> list[list[int]]:
        """Sides with a limit in common: both of a channel, unless an offset keeps one away from it."""
        channels, tops = len(self._histogram) // 2, extreme.max(axis=0)
        limits: list[list[int]] = []
        for up, down in zip(range(channels), range(channels, 2 * channels), strict=True):
            together = abs(float(tops[up] - tops[down])) <= 2 * TOLERANCE
            limits += [[up, down]] if together else [[up], [down]]
        return limits


def _piles_up(count: int, top: float, histogram: NDArray[np.int64]) -> bool:
    """Whether far more samples lie at the extreme than the occupied levels of the tenth below it make likely.

    The levels right below it count by themselves, since pure tones crowd towards their peaks.
    """
    highest = min(int((top - TOLERANCE) * LEVELS), LEVELS - 1)
    below = histogram[int(0.9 * highest) : highest]
    occupied = below[below > 0]
    expected = max(float(occupied.mean()), float(below[-NEIGHBOURS:].max())) if len(occupied) else 0.0
    return count >= CLIPPED_MIN_SAMPLES and count >= CLIPPED_PILE * expected
