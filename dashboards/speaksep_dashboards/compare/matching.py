"""Whose track of one separation belongs to whose of the other, and where the two say different things."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from speaksep_kernel.voices.overlaps import stretches
from speaksep_kernel.voices.turns import Turn

Float64 = NDArray[np.float64]
Pair = tuple[int | None, int | None]


def matched(a: Sequence[Turn], b: Sequence[Turn]) -> tuple[Pair, ...]:
    """Numbers of the speakers that are the same person, by who speaks when; None where one side has nobody.

    Examples
    --------
    >>> matched([Turn(0, 5, 1), Turn(5, 9, 2)], [Turn(0, 4, 2), Turn(5, 9, 1), Turn(20, 21, 3)])
    ((1, 2), (2, 1), (None, 3))
    """
    theirs = sorted({turn.speaker for turn in a}), sorted({turn.speaker for turn in b})
    together_s = np.zeros((len(theirs[0]), len(theirs[1])))
    for start_s, end_s, at_once in stretches(_both(a, b)):
        for one in {turn.speaker for turn in at_once if turn.speaker > 0}:
            for other in {-turn.speaker for turn in at_once if turn.speaker < 0}:
                together_s[theirs[0].index(one), theirs[1].index(other)] += end_s - start_s
    rows, columns = linear_sum_assignment(together_s, maximize=True)
    chosen = {theirs[0][i]: theirs[1][j] for i, j in zip(rows, columns, strict=True) if together_s[i, j] > 0}
    first: list[Pair] = [(speaker, chosen.get(speaker)) for speaker in theirs[0]]
    return (*first, *((None, speaker) for speaker in theirs[1] if speaker not in chosen.values()))


@dataclass(frozen=True)
class Difference:
    """A stretch in which the two disagree about who speaks: numbers of A's speakers; B's alone are negative."""

    start_s: float
    end_s: float
    a: tuple[int, ...]
    b: tuple[int, ...]

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


def differences(a: Sequence[Turn], b: Sequence[Turn], pairs: Sequence[Pair]) -> tuple[float, tuple[Difference, ...]]:
    """Seconds in which anybody speaks by either, and where they differ, by start."""
    names = {other: one for one, other in pairs if one is not None and other is not None}
    spoken_s, found = 0.0, list[Difference]()
    for start_s, end_s, at_once in stretches(_both(a, b)):
        spoken_s += end_s - start_s
        first = tuple(sorted({turn.speaker for turn in at_once if turn.speaker > 0}))
        second = tuple(sorted({names.get(-turn.speaker, turn.speaker) for turn in at_once if turn.speaker < 0}))
        if first == second:
            continue
        if found and found[-1].end_s == start_s and (found[-1].a, found[-1].b) == (first, second):
            start_s = found.pop().start_s
        found.append(Difference(start_s, end_s, first, second))
    return spoken_s, tuple(found)


@dataclass(frozen=True)
class Excerpt:
    """A short stretch in which one person is heard in both.

    Attributes
    ----------
    id
        The same for everybody, as long as the takes are the same.
    a, b
        Number of the speaker in each.
    start_s, end_s
        Where it lies.
    """

    id: str
    a: int
    b: int
    start_s: float
    end_s: float


LENGTH_S, MOST, PER_SPEAKER = 6.0, 8, 3
_HERTZ = 10
_LEAST_S = 1.0
"""An excerpt has so much of its speaker."""


def excerpts(a: Sequence[Turn], b: Sequence[Turn], pairs: Sequence[Pair], seconds: float) -> tuple[Excerpt, ...]:
    """Up to `MOST` excerpts, where speakers talk over each other: there separators differ.

    Parameters
    ----------
    a, b
        Turns of both.
    pairs
        As `matched`.
    seconds
        Length of the recording.
    """
    masks: dict[int, Float64] = defaultdict(lambda: np.zeros(int(np.ceil(seconds * _HERTZ)) + 1))
    for turn in a:
        masks[turn.speaker][round(turn.start_s * _HERTZ) : round(turn.end_s * _HERTZ)] = 1
    voices = sum(masks.values(), np.zeros(int(np.ceil(seconds * _HERTZ)) + 1))
    length = round(min(LENGTH_S, seconds) * _HERTZ)
    found: list[list[Excerpt]] = []
    for one, other in pairs:
        if one is None or other is None:
            continue
        speaks = _windows(masks[one], length)
        worth = _windows(masks[one] * (voices > 1), length) + 0.2 * speaks
        mine: list[Excerpt] = []
        while len(mine) < PER_SPEAKER and len(worth) and worth.max() > 0:
            at = int(worth.argmax())
            if speaks[at] >= min(_LEAST_S * _HERTZ, masks[one].sum()):
                start_s = at / _HERTZ
                mine.append(Excerpt(f"{one}-{other}@{start_s:g}", one, other, start_s, start_s + length / _HERTZ))
            worth[max(0, at - length + 1) : at + length] = 0
        found.append(mine)
    # One of each speaker before a second of any.
    turns = [each[k] for k in range(PER_SPEAKER) for each in found if k < len(each)]
    return tuple(replace(each, end_s=min(each.end_s, seconds)) for each in turns[:MOST])


def _windows(mask: Float64, length: int) -> Float64:
    """Sum of the mask in every window of a length, by its start."""
    total = np.concatenate([[0.0], np.cumsum(mask)])
    return np.asarray(total[length:] - total[: -length or None]) if length < len(mask) else np.array([mask.sum()])


def _both(a: Sequence[Turn], b: Sequence[Turn]) -> list[Turn]:
    """Turns of both; speakers of the second have negative numbers."""
    return [*a, *(replace(turn, speaker=-turn.speaker) for turn in b)]
