"""Local streams in which several people take turns.

Segmentation tells people of one window apart while they overlap, but may put similar voices that take turns on one
stream. So every uninterrupted run of a stream is embedded on its own, and a stream whose runs do not sound like one
person is cut in as many as there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.voices.agglomeration import agglomerate
from speaksep_kernel.voices.streams import FRAME_S, Streams

MIN_RUN_S = 0.8
"""Shorter runs say too little about a voice; they go with the nearest longer one."""
ONE_VOICE = 0.25
"""Cosine similarity above which runs of one stream are one voice (strangers: 0.0 ± 0.1)."""

Float32 = NDArray[np.float32]
Run = tuple[int, int]
"""[first, last) frame within the window."""
Part = tuple[NDArray[np.uint8], Float32, float]
"""Activity, embedding and weight of one person on a stream."""


@dataclass(frozen=True)
class Voice:
    """What one run of a stream sounds like.

    Attributes
    ----------
    run
        Where it was heard; the whole window if it stands for all of the stream.
    vector
        (dim,) unit embedding, or NaN.
    weight_s
        Seconds of solo speech it is worth.
    """

    run: Run
    vector: Float32
    weight_s: float


def long_runs(solo: NDArray[np.bool_]) -> list[Run]:
    """Uninterrupted runs of ``solo`` frames, of `MIN_RUN_S` at least."""
    edges = np.flatnonzero(np.diff(solo, prepend=False, append=False)).reshape(-1, 2)
    return [(int(a), int(b)) for a, b in edges if (b - a) * FRAME_S >= MIN_RUN_S]


def with_voices(streams: Streams, voices: Mapping[int, list[Voice]], *, one_voice: float = ONE_VOICE) -> Streams:
    """Give ``streams`` the embeddings in ``voices`` (by stream), cut in several where those are of several people.

    Streams that are not in ``voices`` stay as they are. Above a cosine of ``one_voice`` runs are of one person.
    """
    dim = max([streams.embedding.shape[1], *(len(v.vector) for found in voices.values() for v in found)])
    activity, embedding, weight_s = [], [], []
    count = np.ones(len(streams), np.int64)
    for i in range(len(streams)):
        if i not in voices:
            parts = [(streams.activity[i], streams.embedding[i], float(streams.weight_s[i]))]
        else:
            parts = _parts(streams.activity[i], [v for v in voices[i] if not np.isnan(v.vector).any()], dim, one_voice)
        count[i] = len(parts)
        for cut, vector, seconds in parts:
            activity.append(cut)
            embedding.append(vector)
            weight_s.append(seconds)
    total = len(activity)
    return replace(
        streams,
        window=np.repeat(streams.window, count),
        activity=np.reshape(np.asarray(activity, np.uint8), (total, streams.window_frames)),
        embedding=np.reshape(np.asarray(embedding, np.float32), (total, dim)),
        weight_s=np.asarray(weight_s, np.float32),
        label=np.repeat(streams.label, count),
        confidence=np.repeat(streams.confidence, count),
    )


def _parts(activity: NDArray[np.uint8], voices: list[Voice], dim: int, one_voice: float) -> list[Part]:
    """What each person on one stream says."""
    if not voices:
        return [(activity, np.full(dim, np.nan, np.float32), 0.0)]
    vectors = np.array([v.vector for v in voices], np.float32)
    weights = np.array([v.weight_s for v in voices], np.float32)
    nothing = np.zeros((len(voices), len(voices)), bool)
    person = agglomerate(vectors, weights, nothing, threshold=one_voice)
    frames = np.arange(len(activity))
    outside = np.array([np.maximum(v.run[0] - frames, frames - v.run[1] + 1).clip(0) for v in voices])
    # Where pieces lie one over another, the one whose middle is nearer.
    middle = np.array([abs(2 * frames + 1 - sum(v.run)) for v in voices]) / (4 * len(frames))
    away = outside + np.where(outside == 0, middle, 0)
    nearest = person[np.argmin(away, axis=0)]
    parts = []
    for k in range(int(person.max()) + 1):
        total = (vectors[person == k] * weights[person == k, None]).sum(0)
        cut = np.where(nearest == k, activity, 0).astype(np.uint8)
        parts.append((cut, np.asarray(total / np.linalg.norm(total), np.float32), float(weights[person == k].sum())))
    return parts
