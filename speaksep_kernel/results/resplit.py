"""One speaker into several by their voices: the stored embeddings clustered again, without audio or network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from speaksep_kernel.errors import InputError
from speaksep_kernel.results.edited import SPEAKING, Edited
from speaksep_kernel.voices.streams import Streams

CLEAREST = 1500
"""Streams that are clustered; the rest goes where it is nearest. Ward's method takes memory with the square of them."""
ROUNDS = 20

Float32 = NDArray[np.float32]


def voice_parts(state: Edited, speaker: int, parts: int, streams: Streams | None) -> Edited:
    """Split a speaker into ``parts``; the first to speak keeps the number.

    Ward's clustering of the streams embedded from the most speech gives the voices, k-means on the sphere refines
    them. The speaker's lanes then follow, frame by frame, the part whose streams are most active; where a second part
    speaks at the same time it has a lane of its own.

    Raises
    ------
    InputError
        Reasons ``no-streams`` and ``one-voice``.
    """
    if streams is None or not streams.embedding.shape[1]:
        raise InputError(
            "this result keeps no voices to split by",
            reason="no-streams",
            hint="separate the recording again, or split at a time",
        )
    members = np.flatnonzero(state.labels(streams) == state.speakers.index(speaker))
    part = _clustered(streams.embedding[members], streams.weight_s[members], parts)
    if part is None:
        raise InputError(
            f"speaker {speaker} was heard too little to tell {parts} voices apart",
            reason="one-voice",
            hint="ask for fewer parts, or split at a time",
        )
    heard = _heard(streams, members, part, parts, len(state.activity))
    mine = state.route == speaker
    spoken = state.spoken(speaker) >= SPEAKING
    heard[~spoken] = 0
    order = np.argsort(np.argmax(_winner(heard)[:, None] == np.arange(parts), axis=0), kind="stable")
    heard = heard[:, order]
    numbers = np.array([speaker, *range(state.last + 1, state.last + parts)], np.int16)
    winner = _winner(heard)
    if len(np.unique(winner[spoken])) < parts:
        raise InputError(
            f"speaker {speaker} is no {parts} voices",
            reason="one-voice",
            hint="ask for fewer parts, or split at a time",
        )
    route = np.where(mine, numbers[winner][:, None], state.route)
    activity = state.activity
    for k, number in enumerate(numbers.tolist()):
        also = np.where((winner != k) & (heard[:, k] >= SPEAKING), heard[:, k], 0).astype(np.uint8)
        if also.any():
            activity = np.column_stack([activity, also])
            route = np.column_stack([route, np.full(len(route), number, np.int16)])
    told = np.pad(state.told, ((0, 0), (0, activity.shape[1] - state.told.shape[1])))
    return replace(
        state,
        activity=activity,
        route=route,
        told=told,
        speakers=tuple(sorted({*state.speakers, *numbers.tolist()})),
        last=int(numbers[-1]) if parts > 1 else state.last,
    )


def nearest_filled(values: NDArray[np.int64], known: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(frames,) values with those not ``known`` replaced by the nearest in time that are; as they are if none is."""
    at = np.flatnonzero(known)
    if not len(at):
        return values
    frames = np.arange(len(values))
    after = np.searchsorted(at, frames).clip(0, len(at) - 1)
    before = (after - 1).clip(0)
    nearer = np.where(np.abs(at[before] - frames) <= np.abs(at[after] - frames), at[before], at[after])
    return np.asarray(values[nearer])


def _clustered(vectors: Float32, weights: Float32, parts: int) -> NDArray[np.int64] | None:
    """(streams,) part of each, -1 where there is no embedding; ``None`` if there are too few."""
    known = ~np.isnan(vectors).any(axis=1) & (weights > 0)
    if known.sum() < parts:
        return None
    points, weight = vectors[known].astype(np.float64), weights[known].astype(np.float64)
    clearest = np.sort(np.argsort(-weight, kind="stable")[:CLEAREST])
    label = fcluster(linkage(points[clearest], "ward"), parts, "maxclust") - 1
    centre = _centres(points[clearest], weight[clearest], label, parts)
    for _ in range(ROUNDS):
        label = np.argmax(points @ centre.T, axis=1)
        centre = _centres(points, weight, label, parts)
    part = np.full(len(vectors), -1, np.int64)
    part[known] = label
    return part


def _centres(
    points: NDArray[np.float64], weight: NDArray[np.float64], label: NDArray[np.int64], parts: int
) -> NDArray[np.float64]:
    total = np.zeros((parts, points.shape[1]))
    np.add.at(total, label, points * weight[:, None])
    return np.asarray(total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12))


def _heard(
    streams: Streams, members: NDArray[np.int64], part: NDArray[np.int64], parts: int, frames: int
) -> NDArray[np.float32]:
    """(frames, parts) activity of each part, averaged over the windows that cover a frame, times 255."""
    total = np.zeros((frames, parts), np.float32)
    covering = np.zeros((frames, 1), np.float32)
    for start in streams.window_start.tolist():
        covering[start : start + streams.window_frames] += 1
    for k, which in zip(members.tolist(), part.tolist(), strict=True):
        start = int(streams.window_start[streams.window[k]])
        stop = min(start + streams.window_frames, frames)
        if which >= 0:
            total[start:stop, which] += streams.activity[k, : stop - start]
    return np.asarray(total / np.maximum(covering, 1), dtype=np.float32)


def _winner(heard: NDArray[np.float32]) -> NDArray[np.int64]:
    """(frames,) the most active part; where none is, that of the nearest frame that has one."""
    return nearest_filled(np.argmax(heard, axis=1), heard.max(axis=1) > 0)
