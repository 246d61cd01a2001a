"""Voice embeddings of the local streams, made from the moments in which nobody else speaks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.progress import ProgressHook, silent
from speaksep_kernel.voices.encoders import CamPlusPlus, Encoder
from speaksep_kernel.voices.runs import Run, Voice, long_runs, with_voices
from speaksep_kernel.voices.segmentation import FRAME, MixtureReader
from speaksep_kernel.voices.streams import FRAME_S, RATE_HZ, Streams

ACTIVE = 0.5
MIN_SOLO_S = 0.6
"""Less speech than this without anybody else says little about a voice."""
TRACK_WEIGHT = 0.5
"""What a second of a separated track is worth beside a second of solo speech."""
MIXED_WEIGHT = 0.1
"""What a second in which others speak too is worth."""
BATCH = 16

Float32 = NDArray[np.float32]
TrackSource = Callable[[int, int], Float32 | None]
"""(window index, stream index) -> (window_frames * 320,) samples of that stream alone at 16 kHz, or None."""


def embed(
    cache: MixtureReader,
    streams: Streams,
    hook: ProgressHook = silent,
    *,
    tracks: TrackSource | None = None,
    encoder: Encoder | None = None,
) -> Streams:
    """Fill in ``embedding`` and ``weight_s``; streams that have an embedding keep it.

    A stream in which several people take turns becomes several streams of the same window (see `runs`).

    Parameters
    ----------
    cache
        The recording's mono mixture at 16 kHz.
    streams
        Local streams from `segment`.
    hook
        Told "embed" in streams.
    tracks
        Separated audio for streams that are hardly ever alone; without it (or where it gives ``None``) those are
        embedded from the mixture, with little weight. Called again with it, only such streams are embedded anew.
    encoder
        Any plugin of ``speaksep.encoders``; CAM++ if ``None``.
    """
    encoder = encoder or CamPlusPlus()
    active = streams.activity > ACTIVE * 255
    solo = active & (speaking_in_window(streams, active) == 1)
    solo_s = solo.sum(1) * FRAME_S
    pending = ~known(streams)
    if tracks is not None:
        pending |= solo_s < MIN_SOLO_S
    todo = np.flatnonzero(pending)
    voices: dict[int, list[Voice]] = {}
    hook("embed", 0, len(todo))
    for first in range(0, len(todo), BATCH):
        batch = todo[first : first + BATCH].tolist()
        speech = [(i, *part) for i in batch for part in _speech(cache, streams, i, active[i], solo[i], tracks)]
        vectors = encoder.embed([clip for _, _, clip, _ in speech], RATE_HZ)
        for (i, run, _, weight_s), vector in zip(speech, vectors, strict=True):
            voices.setdefault(i, []).append(Voice(run, vector, weight_s))
        hook("embed", first + len(batch), len(todo))
    return with_voices(streams, voices)


def known(streams: Streams) -> NDArray[np.bool_]:
    """(streams,) which streams have an embedding."""
    if streams.embedding.shape[1] == 0:
        return np.zeros(len(streams), bool)
    return np.asarray(~np.isnan(streams.embedding).any(1))


def speaking_in_window(streams: Streams, active: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(streams, window_frames) how many streams of the same window speak in each frame."""
    count = np.zeros((len(streams.window_start), streams.window_frames), np.int64)
    np.add.at(count, streams.window, active)
    return count[streams.window]


def _speech(
    cache: MixtureReader,
    streams: Streams,
    i: int,
    active: NDArray[np.bool_],
    solo: NDArray[np.bool_],
    tracks: TrackSource | None,
) -> list[tuple[Run, Float32, float]]:
    """The audio that stands for stream ``i``: run by run where it can be told, and its weight in solo seconds."""
    solo_s = float(solo.sum() * FRAME_S)
    everywhere = (0, streams.window_frames)
    if solo_s < MIN_SOLO_S and tracks is not None:
        track = tracks(int(streams.window[i]), i)
        if track is not None:
            return [(everywhere, _kept(track, active), float(active.sum() * FRAME_S) * TRACK_WEIGHT)]
    start = int(streams.window_start[streams.window[i]]) * FRAME
    samples = cache.read16k(start, min(start + streams.window_frames * FRAME, cache.samples16k))
    if solo_s < MIN_SOLO_S:
        return [(everywhere, _kept(samples, active), float(active.sum() * FRAME_S) * MIXED_WEIGHT)]
    runs = long_runs(solo)
    # In a recording of one window no other one can put right what was cut by mistake.
    if not runs or len(streams.window_start) == 1:
        return [(everywhere, _kept(samples, solo), solo_s)]
    return [((a, b), samples[a * FRAME : b * FRAME], (b - a) * FRAME_S) for a, b in runs]


def _kept(samples: Float32, frames: NDArray[np.bool_]) -> Float32:
    return samples[np.repeat(frames, FRAME)[: len(samples)]]
