"""From labelled local streams to who speaks when in the whole recording."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.voices.streams import FRAME_S, Streams
from speaksep_kernel.voices.turns import Turn

ONSET = 0.4
OFFSET = 0.4
MIN_ON_S = 0.1
MIN_OFF_S = 0.1
COUNT_ONSET = 0.3
"""n people speak in a frame where n - 1 and this much are expected: what windows do not agree on is mostly speech."""
FAINT = 0.1
"""Nobody speaks whom fewer of the windows hear than this."""

Float32 = NDArray[np.float32]


def timeline(streams: Streams, total_frames: int) -> Float32:
    """How surely each speaker speaks: `ONSET` or more in the frames they have, less in all others.

    How many people speak in a frame is the number that the windows covering it expect on average, whoever they take
    them for; the frame belongs to as many of the speakers, those first whom most windows hear. Where windows disagree
    about who it is, nobody would get a majority otherwise.

    Parameters
    ----------
    streams
        Labelled streams.
    total_frames
        Frames of the recording.

    Returns
    -------
    (total_frames, speakers) float32 in [0, 1].
    """
    speakers = int(streams.label.max(initial=-1)) + 1
    total = np.zeros((total_frames, speakers), np.float32)
    expected = np.zeros((total_frames, 1), np.float32)
    covering = np.zeros((total_frames, 1), np.float32)
    for start in streams.window_start:
        covering[start : start + streams.window_frames] += 1
    for i, label in enumerate(streams.label):
        start = int(streams.window_start[streams.window[i]])
        stop = min(start + streams.window_frames, total_frames)
        speaking = streams.activity[i, : stop - start] / np.float32(255)
        expected[start:stop, 0] += speaking
        if label >= 0:
            total[start:stop, label] += speaking
    covering = np.maximum(covering, 1)
    heard = np.clip(total / covering, 0, 1)
    count = np.floor(expected / covering + 1 - COUNT_ONSET)
    rank = np.argsort(np.argsort(-heard, axis=1, kind="stable"), axis=1)
    chosen = (rank < count) & (heard > FAINT)
    surely = np.where(chosen, OFFSET + (1 - OFFSET) * heard, OFFSET * np.minimum(heard, 0.99))
    return np.asarray(surely, np.float32)


def without_silent(streams: Streams, total_frames: int, *, least: int = 0) -> Streams:
    """The streams, nobody's where their speaker never gets a turn; at least ``least`` speakers stay.

    Somebody whose every frame others are likelier to have would be a track without a sound.
    """
    count = int(streams.label.max(initial=-1)) + 1
    heard = sorted({turn.speaker - 1 for turn in turns(timeline(streams, total_frames))})
    if len(heard) in (0, count) or len(heard) < least:
        return streams
    rank = np.full(count + 1, -1, np.int32)
    rank[heard] = np.arange(len(heard))
    return replace(streams, label=rank[streams.label])


def turns(
    activity: Float32,
    *,
    onset: float = ONSET,
    offset: float = OFFSET,
    min_on_s: float = MIN_ON_S,
    min_off_s: float = MIN_OFF_S,
) -> tuple[Turn, ...]:
    """Turns out of frame activity, with hysteresis.

    Parameters
    ----------
    activity
        (frames, speakers) float32 in [0, 1], from `timeline`.
    onset, offset
        A turn starts above ``onset`` and lasts while activity is above ``offset``.
    min_on_s, min_off_s
        Shorter pauses of a speaker are filled, then shorter turns dropped.

    Returns
    -------
    Turns sorted by start; ``confidence`` is the mean activity, ``overlapped`` whether anybody else speaks during it.
    """
    spans = [_spans(activity[:, k], onset, offset, min_on_s, min_off_s) for k in range(activity.shape[1])]
    crowd = np.zeros(len(activity) + 1, np.int64)
    for start, stop in (span for speaker in spans for span in speaker):
        crowd[start] += 1
        crowd[stop] -= 1
    crowd = np.cumsum(crowd)
    found = [
        Turn(
            round(start * FRAME_S, 6),
            round(stop * FRAME_S, 6),
            k,
            round(float(activity[start:stop, k - 1].mean()), 3),
            bool(crowd[start:stop].max() > 1),
        )
        for k, speaker in enumerate(spans, 1)
        for start, stop in speaker
    ]
    return tuple(sorted(found))


def _spans(values: Float32, onset: float, offset: float, min_on_s: float, min_off_s: float) -> list[tuple[int, int]]:
    """[start, stop) frames of one speaker's turns."""
    edges = np.flatnonzero(np.diff(values >= offset, prepend=False, append=False))
    spans: list[tuple[int, int]] = []
    for start, stop in edges.reshape(-1, 2):
        if values[start:stop].max() < onset:
            continue
        if spans and (start - spans[-1][1]) * FRAME_S < min_off_s:
            start = spans.pop()[0]
        spans.append((int(start), int(stop)))
    return [(start, stop) for start, stop in spans if (stop - start) * FRAME_S >= min_on_s]
