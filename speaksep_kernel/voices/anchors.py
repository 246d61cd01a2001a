"""People who are known to speak: their voices from the voice book hold clusters together and apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.errors import InputError
from speaksep_kernel.voices.book import Books, enrolled_voices
from speaksep_kernel.voices.clustering import by_appearance, cluster_and_count, speaker_bounds, speech_seconds
from speaksep_kernel.voices.streams import FRAME_S, Streams

ANCHOR_S = 2.0
"""An anchor counts as this much speech: whoever is known to speak is found though they say little."""
ANCHOR_WEIGHT_S = 10.0
"""Seconds of solo speech that an enrolled voice is worth beside the streams'."""
HEARD_S = 0.8
ALIKE = 0.3
"""A known voice is there if streams of this much speech, this much like it in the mean, went to it (cosine)."""

Float32 = NDArray[np.float32]


def known_voices(names: Sequence[str], book: Books = None) -> Float32 | None:
    """The voices of people in the voice book.

    Returns
    -------
    (names, 192) unit vectors; ``None`` without names.

    Raises
    ------
    InputError
        Reason ``unknown-voice``, or as `enrolled_voices`.
    """
    if not names:
        return None
    enrolled = {voice.name: voice.centroid for voice in enrolled_voices(book)}
    if missing := [name for name in names if name not in enrolled]:
        raise InputError(
            f"no voice {missing[0]!r} in the voice book",
            reason="unknown-voice",
            hint=f"there are: {', '.join(enrolled)}; or enrol it with speaksep voices enroll",
        )
    return np.stack([enrolled[name] for name in dict.fromkeys(names)])


def cluster_known(
    streams: Streams,
    anchors: Float32 | None,
    *,
    speakers: int | None = None,
    min_speakers: int = 0,
    max_speakers: int = 8,
) -> tuple[Streams, int]:
    """Name the speaker of every stream, some of the speakers being known beforehand.

    Anchors join the clustering as streams of one more window, in which all of them speak at once: so they are
    different people, and streams that sound like one of them gather there. A known person of whom nothing is heard
    is nobody's excuse: the clustering is done again without them.

    Parameters
    ----------
    streams
        Embedded streams.
    anchors
        (people, dim) unit vectors of voices that are expected, if any; there may be others.
    speakers, min_speakers, max_speakers
        As for `cluster`; known people are counted.

    Returns
    -------
    streams
        Labelled, as by `cluster`.
    phantoms
        As from `cluster_and_count`.

    Raises
    ------
    InputError
        Reason ``bad-speakers``.
    """
    _, most = speaker_bounds(speakers, min_speakers, max_speakers)
    if anchors is None:
        anchors = np.empty((0, streams.embedding.shape[1]), np.float32)
    if len(anchors) > most:
        raise InputError(
            f"{len(anchors)} people are known to speak, but {most} at most are looked for",
            reason="bad-speakers",
            hint="raise the number of speakers, or name fewer of them",
        )
    while len(anchors) and len(streams):
        together, phantoms = cluster_and_count(
            _with_anchors(streams, anchors), speakers=speakers, min_speakers=min_speakers, max_speakers=max_speakers
        )
        label, anchored = together.label[: len(streams)], together.label[len(streams) :]
        heard = np.array([_heard(streams, label == k, anchor) for k, anchor in zip(anchored, anchors, strict=True)])
        if heard.all():
            confidence = together.confidence[: len(streams)]
            return replace(streams, label=by_appearance(streams, label), confidence=confidence), phantoms
        anchors = anchors[heard]
    return cluster_and_count(streams, speakers=speakers, min_speakers=min_speakers, max_speakers=max_speakers)


def _with_anchors(streams: Streams, anchors: Float32) -> Streams:
    count = len(anchors)
    activity = np.zeros((count, streams.window_frames), np.uint8)
    activity[:, : round(ANCHOR_S / FRAME_S)] = 255
    after = int(streams.window_start[-1]) + streams.window_frames
    return replace(
        streams,
        window_start=np.append(streams.window_start, after),
        window=np.append(streams.window, np.full(count, len(streams.window_start), np.int32)),
        activity=np.concatenate([streams.activity, activity]),
        embedding=np.concatenate([streams.embedding, anchors.astype(np.float32)]),
        weight_s=np.append(streams.weight_s, np.full(count, ANCHOR_WEIGHT_S, np.float32)),
        label=np.append(streams.label, np.full(count, -1, np.int32)),
        confidence=np.append(streams.confidence, np.zeros(count, np.float32)),
    )


def _heard(streams: Streams, mine: NDArray[np.bool_], anchor: Float32) -> bool:
    if speech_seconds(streams)[mine].sum() < HEARD_S:
        return False
    total = np.nansum(streams.embedding[mine] * streams.weight_s[mine, None], axis=0)
    return bool(total @ anchor >= ALIKE * np.linalg.norm(total)) and bool(total.any())
