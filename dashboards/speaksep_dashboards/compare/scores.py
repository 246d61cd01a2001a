"""How far two separations are apart, and how close each is to the truth where that is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from speaksep_dashboards.compare.matching import Pair
from speaksep_kernel.diagnosis.dnsmos import Dnsmos
from speaksep_kernel.diagnosis.protocol import Context
from speaksep_kernel.diagnosis.run import recording_facts
from speaksep_kernel.recording import Mixdown, Recording
from speaksep_kernel.results.values import Separation

Float64 = NDArray[np.float64]

MOST_DB = 100.0
"""Two equal tracks are not infinitely alike."""
BLOCK_S = 10.0


def scores(a: Separation, b: Separation, pairs: Sequence[Pair], truth: Sequence[Recording] = ()) -> dict[str, Any]:
    """Compare the tracks, reading every file once, ten seconds at a time.

    Parameters
    ----------
    a, b
        Separations of one recording, with their sound.
    pairs
        Whose track belongs to whose, see `speaksep_dashboards.compare.matching.matched`.
    truth
        Each speaker alone, in any order; shorter ones end in silence.

    Returns
    -------
    ``between_db``: SI-SDR of the two tracks of each pair (it is the same both ways), None where one is missing or
    silent. ``mos``: ``{"a": …, "b": …}``, by label, DNSMOS P.835 overall of each track, None where it cannot be rated.
    ``truth``: None, or for ``a`` and ``b`` by label ``{"reference", "si_sdr_db", "improvement_db"}`` of the best
    assignment, with None for tracks that get no reference.
    """
    first, second = _Side(a), _Side(b)
    references = [_mono(each, a) for each in truth]
    rates = [_Rating(each, separation) for side, separation in ((first, a), (second, b)) for each in side.tracks]
    gram = _Gram(len(rates) + 1 + len(references))
    for number, (ours, theirs) in enumerate(zip(first.blocks(), second.blocks(), strict=True)):
        tracks, mixture = [*ours[:-1], *theirs[:-1]], np.asarray(np.sum(ours, axis=0, dtype=np.float32))
        given = [_fitted(next(each), len(mixture)) for each in references]
        gram.add(np.stack([*tracks, mixture, *given]))
        for rating, track in zip(rates, tracks, strict=True):
            rating.feed(track, number * BLOCK_S)
    labels_a, labels_b = [t.label for t in a.tracks], [t.label for t in b.tracks]
    places = {t.speaker: i for i, t in enumerate(a.tracks)}, {t.speaker: i for i, t in enumerate(b.tracks)}
    between = [
        None if one is None or other is None else gram.si_sdr_db(places[0][one], len(labels_a) + places[1][other])
        for one, other in pairs
    ]
    mos = [rating.overall() for rating in rates]
    found: dict[str, Any] = {
        "between_db": between,
        "mos": {
            "a": dict(zip(labels_a, mos, strict=False)),
            "b": dict(zip(labels_b, mos[len(labels_a) :], strict=True)),
        },
        "truth": None,
    }
    if references:
        row = len(rates)  # of the mixture, before the references
        rows = [row + 1 + k for k in range(len(references))]
        found["truth"] = {
            "a": _against(gram, labels_a, 0, row, rows),
            "b": _against(gram, labels_b, len(labels_a), row, rows),
        }
    return found


class _Gram:
    """Inner products of several signals, a block at a time: all that a scale-invariant measure needs."""

    def __init__(self, signals: int) -> None:
        self._products: Float64 = np.zeros((signals, signals))
        self._sums: Float64 = np.zeros(signals)
        self._frames = 0

    def add(self, block: NDArray[np.float32]) -> None:
        """(signals, frames) of the same stretch."""
        exact = block.astype(np.float64)
        self._products += exact @ exact.T
        self._sums += exact.sum(axis=1)
        self._frames += block.shape[1]

    def si_sdr_db(self, estimate: int, reference: int) -> float | None:
        """Scale-invariant signal-to-distortion ratio (Le Roux et al., 2019), means removed; None if one is silent."""
        means = self._sums / max(self._frames, 1)
        inner = self._products - self._frames * np.outer(means, means)
        both = inner[estimate, estimate] * inner[reference, reference]
        if both <= 1e-12 * max(self._frames, 1):
            return None
        alike = min(inner[estimate, reference] ** 2 / both, 1.0)
        ratio_db = 10 * np.log10(max(alike, 1e-10) / max(1.0 - alike, 1e-10))
        return round(float(np.clip(ratio_db, -MOST_DB, MOST_DB)), 2)


class _Side:
    """The tracks of a separation and its residual, block by block."""

    def __init__(self, separation: Separation) -> None:
        self.tracks = [Recording.open(track.file) for track in separation.tracks]
        self._all = [*self.tracks, Recording.open(separation.residual)]

    def blocks(self) -> Iterator[list[NDArray[np.float32]]]:
        """(frames,) of each, the residual last."""
        for parts in zip(*(each.blocks(BLOCK_S) for each in self._all), strict=True):
            yield [part[:, 0] for part in parts]


class _Rating:
    """DNSMOS of a track while it is read."""

    def __init__(self, track: Recording, separation: Separation) -> None:
        self._measure = Dnsmos()
        self._facts = recording_facts(track, Mixdown("mono", (1.0,), "one channel"))
        self._turns = separation.turns
        self._measure.start(self._facts)

    def feed(self, track: NDArray[np.float32], start_s: float) -> None:
        self._measure.feed(track[:, None], start_s)

    def overall(self) -> float | None:
        context = Context(self._facts, self._turns, speakers=1, speaker_confidence=1.0)
        rated = [each.value for each in self._measure.finish(context) if each.code == "dnsmos"]
        return float(rated[0]) if rated and isinstance(rated[0], int | float) else None


def _mono(reference: Recording, separation: Separation) -> Iterator[NDArray[np.float32]]:
    """Blocks of a reference at the rate of the tracks, then silence for ever."""
    rate_hz = separation.manifest.input.rate_hz
    for block in reference.blocks(BLOCK_S, rate_hz=rate_hz):
        yield block.mean(axis=1, dtype=np.float32)
    while True:
        yield np.zeros(round(BLOCK_S * rate_hz), np.float32)


def _fitted(block: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    return np.pad(block[:frames], (0, max(0, frames - len(block))))


def _against(gram: _Gram, labels: Sequence[str], first: int, mixture: int, references: list[int]) -> dict[str, Any]:
    """Scores of one side by label, each reference given to the track that it fits best together with all others."""
    values = np.array([[_or(gram.si_sdr_db(first + i, each)) for each in references] for i in range(len(labels))])
    before = [_or(gram.si_sdr_db(mixture, each)) for each in references]
    found: dict[str, Any] = dict.fromkeys(labels)
    rows, columns = linear_sum_assignment(values.reshape(len(labels), len(references)), maximize=True)
    for row, column in zip(rows, columns, strict=True):
        gain_db = values[row, column] - before[column]
        found[labels[row]] = {
            "reference": int(column),
            "si_sdr_db": round(float(values[row, column]), 2),
            "improvement_db": round(float(gain_db), 2),
        }
    return found


def _or(value_db: float | None) -> float:
    return -MOST_DB if value_db is None else value_db
