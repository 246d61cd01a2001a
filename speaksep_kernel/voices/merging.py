"""Which groups of pieces are one voice, decided two by two by small trees that look at the company they are in.

A mean cosine of 0.2 may be one voice in a dry room and two in a booming one. So what counts beside it is how alike the
pieces of each group are, how alike all others are in this recording, how much each says, whether the two are heard at
once, and whether windows that hear both take them for one person. `speaksep_kernel.training.counting` grows the trees.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

TREES = Path(__file__).with_name("merging.npz")
START = 0.36
"""Mean cosine above which pieces are of one group to begin with: rather too many groups than too few."""
SURE = 0.2
"""Probability of being one voice from which two groups are merged."""
UNLIKELY = 0.02
"""Groups whose pieces are less alike on average are never asked about."""
WHOLE_S = 2.0
"""A piece of this length or more counts fully in its group's mean."""
TELLING_S = 2.0
"""Groups with as much speech say how alike strangers are here."""
ALIKE, ALIKE_PAIRS = 0.42, 6
"""How alike pieces of one voice are before any were seen, worth as much as three pieces' six likenesses."""
STRANGE = 0.08
"""How alike strangers are where there are too few groups to tell."""

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Pieces:
    """What is known of the pieces of a recording.

    Attributes
    ----------
    vectors
        (pieces, dim) unit embeddings.
    said_s
        (pieces,) seconds of speech each stands for.
    clear_s
        (pieces,) those in which all windows agree that one person speaks (`speaksep_kernel.voices.agreement`).
    length_s
        (pieces,) seconds it was embedded from.
    active_s
        (pieces,) seconds that streams with it are active, in all windows.
    apart
        (2, pairs) pieces that cannot be one person.
    together
        (2, pairs) pieces that are heard at once.
    together_s
        (pairs,) for how long at once.
    one_track
        (pairs,) whether a window that hears both takes them for one person.
    stream, of_stream
        (streams,) which streams say anything clear, and the piece of each.
    """

    vectors: NDArray[np.float32]
    said_s: Float64
    clear_s: Float64
    length_s: Float64
    active_s: Float64
    apart: NDArray[np.int64]
    together: NDArray[np.int64]
    together_s: Float64
    one_track: NDArray[np.bool_]
    stream: NDArray[np.int64]
    of_stream: NDArray[np.int64]


class Groups:
    """Groups of pieces that become fewer.

    Parameters
    ----------
    pieces
        Of a recording.
    group
        (pieces,) int32 from 0: the groups to begin with.
    """

    def __init__(self, pieces: Pieces, group: NDArray[np.int32]) -> None:
        count = int(group.max()) + 1
        member = np.eye(count)[group]
        likeness = pieces.vectors.astype(np.float64) @ pieces.vectors.T
        np.fill_diagonal(likeness, 0)
        self.group = group
        self.pieces = member.sum(0)
        self.said_s = member.T @ pieces.said_s
        self.active_s = member.T @ pieces.active_s
        self.likeness = member.T @ likeness @ member
        self.total = (member * np.minimum(pieces.length_s, WHOLE_S)[:, None]).T @ pieces.vectors
        self.apart = _between(group, pieces.apart, np.ones(pieces.apart.shape[1]), count)
        self.together_s = _between(group, pieces.together, pieces.together_s, count)
        self.one_track = _between(group, pieces.together, pieces.one_track, count)
        self.two_tracks = _between(group, pieces.together, ~pieces.one_track, count)

    def merge(self, kept: int, gone: int) -> None:
        """Two groups become one; those after the second get the number before."""
        self.group = np.where(self.group == gone, kept, self.group)
        self.group = (self.group - (self.group > gone)).astype(np.int32)
        for name in ("pieces", "said_s", "active_s", "total"):
            each = getattr(self, name)
            each[kept] += each[gone]
            setattr(self, name, np.delete(each, gone, 0))
        for name in ("likeness", "apart", "together_s", "one_track", "two_tracks"):
            between = getattr(self, name)
            between[kept] += between[gone]
            between[:, kept] += between[:, gone]
            setattr(self, name, np.delete(np.delete(between, gone, 0), gone, 1))

    def pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64], Float64]:
        """Pairs of groups that may be one voice, and (pairs, 13) what tells whether they are."""
        first, second = np.triu_indices(len(self.pieces), 1)
        mean = self.likeness / np.outer(self.pieces, self.pieces)
        inside = (np.diag(self.likeness) + ALIKE * ALIKE_PAIRS) / (self.pieces * (self.pieces - 1) + ALIKE_PAIRS)
        centre = self.total / np.linalg.norm(self.total, axis=1, keepdims=True)
        alike = mean[first, second]
        telling = (self.said_s[first] >= TELLING_S) & (self.said_s[second] >= TELLING_S)
        strangers = float(np.median(alike[telling])) if telling.sum() >= 3 else STRANGE
        others = mean.copy()
        np.fill_diagonal(others, -1)
        ranked = np.sort(others, 1)[:, ::-1]
        next_best = min(1, len(ranked) - 1)
        third = [np.where(ranked[k, 0] == alike, ranked[k, next_best], ranked[k, 0]) for k in (first, second)]
        lesser, greater = np.sort([self.said_s[first], self.said_s[second]], 0)
        one, two = self.one_track[first, second], self.two_tracks[first, second]
        evidence = np.stack(
            [
                alike,
                alike / np.sqrt(inside[first] * inside[second]),
                (centre[first] * centre[second]).sum(1),
                alike - strangers,
                alike - np.maximum(*third),
                np.log(np.minimum(self.pieces[first], self.pieces[second])),
                np.log(lesser + 0.1),
                np.log(greater + 0.1),
                np.minimum(inside[first], inside[second]),
                self.together_s[first, second] / np.minimum(self.active_s[first], self.active_s[second]),
                np.log1p(one),
                np.log1p(two),
                (two + 0.5) / (one + two + 1),
            ],
            1,
        )
        open_ = (alike > UNLIKELY) & (self.apart[first, second] == 0)
        return first[open_], second[open_], evidence[open_]


@dataclass(frozen=True)
class Trees:
    """Boosted decision trees as plain arrays.

    Attributes
    ----------
    feature
        (trees, nodes) int16; -1 in leaves.
    threshold
        (trees, nodes) float64: up to it one goes to the left.
    left, right
        (trees, nodes) int16.
    value
        (trees, nodes) float64: what a leaf adds to the log-odds.
    constant
        Log-odds before any tree.
    """

    feature: NDArray[np.int16]
    threshold: Float64
    left: NDArray[np.int16]
    right: NDArray[np.int16]
    value: Float64
    constant: float

    def probability(self, evidence: NDArray[np.floating]) -> Float64:
        """(pairs, features) -> (pairs,)."""
        evidence = evidence.astype(np.float32)  # as they were grown
        rows = np.arange(len(evidence))
        odds = np.full(len(evidence), self.constant)
        for feature, threshold, left, right, value in zip(
            self.feature, self.threshold, self.left, self.right, self.value, strict=True
        ):
            node = np.zeros(len(evidence), np.int64)
            while (inner := feature[node] >= 0).any():
                goes_left = evidence[rows, np.maximum(feature[node], 0)] <= threshold[node]
                node = np.where(inner, np.where(goes_left, left[node], right[node]), node)
            odds += value[node]
        return np.asarray(1 / (1 + np.exp(-odds)))


@cache
def load_trees(path: Path = TREES) -> Trees:
    """The trees that travel with the package, or others."""
    with np.load(path) as kept:
        arrays = {name: kept[name] for name in ("feature", "threshold", "left", "right", "value")}
        return Trees(**arrays, constant=float(kept["constant"]))


def merged(pieces: Pieces, group: NDArray[np.int32], trees: Trees | None = None) -> NDArray[np.int32]:
    """Merge the likeliest two groups until none are likely to be one voice.

    Parameters
    ----------
    pieces
        Of a recording.
    group
        (pieces,) int32 from 0: the groups to begin with.
    trees
        Those of the package by default.

    Returns
    -------
    (pieces,) int32 from 0.
    """
    trees = trees or load_trees()
    groups = Groups(pieces, group)
    while True:
        first, second, evidence = groups.pairs()
        if not len(first):
            return groups.group
        probability = trees.probability(evidence)
        best = int(probability.argmax())
        if probability[best] < SURE:
            return groups.group
        groups.merge(int(first[best]), int(second[best]))


def _between(
    group: NDArray[np.int32], pairs: NDArray[np.int64], worth: Float64 | NDArray[np.bool_], count: int
) -> Float64:
    """(count, count) symmetric sums of what pairs of pieces are worth, by the groups they are in."""
    total = np.zeros((count, count))
    np.add.at(total, (group[pairs[0]], group[pairs[1]]), worth)
    return total + total.T
