"""Whose voice is it: open-set identification against the voices of a book; nobody is named for want of better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from speaksep_kernel.voices.book import Voice

THRESHOLD = 6.5
"""Least score that gives a name: the least half step at which at most one pair of strangers in 4000 passes. With 20
voices in the book and 4 s of clean speech, one stranger in 130 gets a name and one known voice in 100 gets none
(docs/identification.md)."""
NEAREST = 70
"""Strangers that a voice is measured against: those most like it, so a telephone is compared with telephones."""

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class Match:
    """What the book says about one speaker.

    Attributes
    ----------
    name
        Who it is; ``None`` for somebody who is not in the book, or whose speech does not tell.
    score
        How much more alike the two are than strangers, in standard deviations; ``None`` without a name.
    runner_up, runner_up_score
        The likeliest other voice of the book, named or not to somebody else.
    """

    name: str | None = None
    score: float | None = None
    runner_up: str | None = None
    runner_up_score: float | None = None


def identify_voices(vectors: Float32, voices: Sequence[Voice], *, threshold: float = THRESHOLD) -> tuple[Match, ...]:
    """Name speakers of one recording; no name is given to two of them.

    Parameters
    ----------
    vectors
        (speakers, 192) unit vectors; a row of NaN for a speaker of whom too little is known.
    voices
        Of the book.
    threshold
        Least score that gives a name.

    Returns
    -------
    One match per speaker.
    """
    known = np.flatnonzero(~np.isnan(vectors).any(1))
    matches = [Match()] * len(vectors)
    if not (len(known) and voices):
        return tuple(matches)
    # A telephone changes a voice more than some people differ; who is like either of the two is this person.
    score = np.maximum(
        scores(vectors[known], np.stack([voice.centroid for voice in voices])),
        scores(vectors[known], np.stack([voice.telephone for voice in voices])),
    )
    # What lies below the threshold is worth nothing, so a good match never gives way to two bad ones.
    rows, columns = linear_sum_assignment(np.maximum(score - threshold, 0), maximize=True)
    chosen = {
        int(row): int(column) for row, column in zip(rows, columns, strict=True) if score[row, column] >= threshold
    }
    for row, speaker in enumerate(known):
        mine = chosen.get(row)
        others = [column for column in np.argsort(-score[row], kind="stable").tolist() if column != mine]
        matches[speaker] = Match(
            name=None if mine is None else voices[mine].name,
            score=None if mine is None else round(float(score[row, mine]), 2),
            runner_up=voices[others[0]].name if others else None,
            runner_up_score=round(float(score[row, others[0]]), 2) if others else None,
        )
    return tuple(matches)


def scores(vectors: Float32, centroids: Float32) -> Float32:
    """Cosines in standard deviations above those of strangers (adaptive symmetric score normalisation).

    Some voices, and all bad recordings, are more alike to everybody than others: each side's cosines to the
    most similar of a cohort of strangers say by how much. Source: Matějka et al., "Analysis of score normalization in
    multilingual speaker recognition", 2017.

    Parameters
    ----------
    vectors
        (n, 192) unit vectors.
    centroids
        (voices, 192) unit vectors.

    Returns
    -------
    (n, voices) float32.
    """
    cosine = vectors @ centroids.T
    mean, spread = _strangers(vectors)
    left = (cosine - mean[:, None]) / spread[:, None]
    mean, spread = _strangers(centroids)
    right = (cosine - mean) / spread
    return np.asarray((left + right) / 2, np.float32)


def _strangers(vectors: Float32) -> tuple[Float32, Float32]:
    """(n,) mean and standard deviation of cosines to the nearest of the cohort."""
    nearest = np.sort(vectors @ _cohort().T, axis=1)[:, -NEAREST:]
    return nearest.mean(1), nearest.std(1)


@cache
def _cohort() -> Float32:
    """(200, 192) unit vectors of voices that nobody has, half of them as heard by telephone.

    They were drawn at random from normal distributions like those of 120 speakers' embeddings (LibriSpeech and
    speechocean762), clean and by telephone: nobody is shipped. ``tests/bench/bench_identification.py`` makes them.
    """
    with files("speaksep_kernel.voices").joinpath("campplus_cohort.npy").open("rb") as file:
        vectors = np.load(file).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)
