"""Short recordings in which nobody is ever alone: the network hears them whole, and its tracks are the speakers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.progress import ProgressHook
from speaksep_kernel.separation.run import Reader16k
from speaksep_kernel.separation.tables import TrackStore, WindowTable
from speaksep_kernel.voices.embedding import embed
from speaksep_kernel.voices.encoders import Encoder
from speaksep_kernel.voices.streams import FRAME_S, Streams

CROWDED = 0.25
"""Share of overlapped speech from which single voices are too rare to start from."""
MIN_PRESENCE_S = 0.6
MIN_PRESENCE = 0.32
MIN_LEVEL_DB = -40.0
"""A track counts as a speaker if it speaks this long, this much of the longest, and is no fainter than this beside
the loudest; a network's leftovers are shorter and fainter."""


def crowded(voiced: NDArray[np.uint8]) -> bool:
    """Whether so many of the frames with speech have two (sources, frames) tracks active that it is a crowd."""
    count = (voiced >= 128).sum(axis=0)
    return bool((count >= 2).sum() >= CROWDED * max(1, (count >= 1).sum()))


def separate_crowd(
    cache: Reader16k,
    table: WindowTable,
    store: TrackStore,
    hook: ProgressHook,
    encoder: Encoder,
    speakers: int | None,
    max_speakers: int,
) -> tuple[Streams, WindowTable]:
    """Make the tracks of a table's one window the speakers of the recording.

    Returns
    -------
    streams
        One window as long as the recording, one stream per speaker, embedded from its track.
    table
        Complete.
    """
    voiced = table.voiced[0]
    chosen = choose_tracks(table.level[0], voiced, speakers=speakers, max_speakers=max_speakers)
    first = [int(np.argmax(voiced[source] >= 128)) for source in chosen.tolist()]
    chosen = chosen[np.argsort(first, kind="stable")]
    count = len(chosen)
    label = np.arange(count, dtype=np.int32)
    speaker = np.full((1, store.sources), -1, np.int32)
    speaker[0, chosen] = label
    found = np.maximum(count, speakers or 0)
    activity = np.zeros((table.frames, found), np.uint8)
    activity[:, :count] = voiced[chosen].T
    streams = Streams(
        window_start=np.zeros(1, np.int64),
        window_frames=table.frames,
        window=np.zeros(count, np.int32),
        activity=voiced[chosen],
        embedding=np.empty((count, 0), np.float32),
        weight_s=np.zeros(count, np.float32),
        label=label,
        confidence=decided(voiced[chosen]),
    )
    audio = store.read(0, 0, store.samples) * table.scale[0]
    streams = embed(cache, streams, hook, tracks=lambda _, stream: audio[chosen[stream]], encoder=encoder)
    return streams, replace(table, speaker=speaker, margin=np.ones(1, np.float32), activity=activity)


def choose_tracks(
    level: NDArray[np.float32], voiced: NDArray[np.uint8], *, speakers: int | None, max_speakers: int
) -> NDArray[np.int64]:
    """Which (sources, frames) tracks are speakers, the most present first; at least one, at most ``max_speakers``."""
    presence = (voiced >= 128).sum(axis=1) * FRAME_S
    power = np.square(level).sum(axis=1)
    order = np.argsort(-power, kind="stable")
    if speakers is not None:
        return np.asarray(order[:speakers])
    real = (presence >= max(MIN_PRESENCE_S, MIN_PRESENCE * float(presence.max()))) & (
        power >= power.max() * 10 ** (MIN_LEVEL_DB / 10)
    )
    real[order[0]] = True
    return np.asarray(order[real[order]][:max_speakers])


def decided(voiced: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(tracks,) how decided the network is about when each of them speaks."""
    certainty = np.abs(voiced.astype(np.float32) / 255 - 0.5) * 2
    return np.asarray(certainty.mean(axis=1), dtype=np.float32)
