"""Long runs of speech in pieces of a second and a half, the unit in which people are counted where there is plenty.

Segmentation puts people who take turns without a pause on one stream, so a run of several seconds may be two people.
Pieces lie on one grid of the whole recording: however many windows hear a stretch, it is embedded once.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from speaksep_kernel.voices.streams import FRAME_S, Streams

PIECE = 75
HOP = 38
"""Frames of a piece, and from one to the next."""
LONG = PIECE + HOP - 1
"""Runs of this many frames hold a whole piece wherever they start."""
SAME = 5
"""Runs that start and end within this many frames of one another are the same, seen by another window."""
PLENTY_S = 32.0
"""With less speech than this nobody has enough pieces for their mean to tell people apart better than whole streams."""
MOST_S = 240.0
"""With more, stray pieces add up to people: measured on recordings of up to three minutes, wrong on one of ten."""

Span = tuple[int, int]
"""[first, last) frame."""


def plenty(streams: Streams) -> bool:
    """Whether there is speech for `PLENTY_S` in all, and for no more than `MOST_S`."""
    if not len(streams):
        return False
    total = int(streams.window_start[-1]) + streams.window_frames
    heard = np.zeros(total, np.bool_)
    for start, row in zip(streams.window_start[streams.window], streams.activity, strict=True):
        heard[start : start + streams.window_frames] |= row > 127
    return bool(PLENTY_S < heard.sum() * FRAME_S <= MOST_S)


class Grid:
    """The stretches of a recording that are embedded, each of them once."""

    def __init__(self) -> None:
        self._runs: dict[int, list[Span]] = {}

    def cut(self, start: int, stop: int) -> Iterator[Span]:
        """The pieces of a run, or the run (the first that was like it) if it is short; frames of the recording.

        Examples
        --------
        >>> list(Grid().cut(10, 200))
        [(38, 113), (76, 151), (114, 189)]
        """
        if stop - start < LONG:
            yield self._known(start, stop)
            return
        for first in range(-(-start // HOP) * HOP, stop - PIECE + 1, HOP):
            yield first, first + PIECE

    def _known(self, start: int, stop: int) -> Span:
        block = start // LONG
        for near in (block - 1, block, block + 1):
            for one in self._runs.get(near, []):
                if abs(one[0] - start) <= SAME and abs(one[1] - stop) <= SAME:
                    return one
        self._runs.setdefault(block, []).append((start, stop))
        return start, stop
