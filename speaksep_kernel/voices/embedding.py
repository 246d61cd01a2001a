"""Voice embeddings of the local streams, made from the moments in which nobody else speaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.progress import ProgressHook, silent
from speaksep_kernel.voices.encoders import CamPlusPlus, Encoder
from speaksep_kernel.voices.pieces import HOP, LONG, Grid, plenty
from speaksep_kernel.voices.runs import ONE_VOICE, Run, Voice, long_runs, with_voices
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
Source = tuple[int, int] | int
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
    grid = Grid() if plenty(streams) else None
    embedded: dict[Source, Float32] = {}
    voices: dict[int, list[Voice]] = {}
    hook("embed", 0, len(todo))
    for first in range(0, len(todo), BATCH):
        batch = todo[first : first + BATCH].tolist()
        speech = [(i, *part) for i in batch for part in _speech(cache, streams, i, active[i], solo[i], tracks, grid)]
        clips = {span: clip for *_, span, clip in speech if span not in embedded}
        embedded |= dict(zip(clips, encoder.embed(list(clips.values()), RATE_HZ), strict=True))
        for i, run, weight_s, span, _ in speech:
            voices.setdefault(i, []).append(Voice(run, embedded[span], weight_s))
        hook("embed", first + len(batch), len(todo))
    # With plenty of speech every piece is a stream of its own: the clustering says which of them belong together.
    return with_voices(streams, voices, one_voice=ONE_VOICE if grid is None else np.inf)


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
    grid: Grid | None,
) -> list[tuple[Run, float, Source, Float32]]:
    """The audio that stands for stream ``i``: run by run where it can be told, and its weight in solo seconds.

    Audio from the same source is the same: frames of the recording, or else the stream itself.
    """
    solo_s = float(solo.sum() * FRAME_S)
    everywhere = (0, streams.window_frames)
    if solo_s < MIN_SOLO_S and tracks is not None:
        track = tracks(int(streams.window[i]), i)
        if track is not None:
            return [(everywhere, float(active.sum() * FRAME_S) * TRACK_WEIGHT, i, _kept(track, active))]
    at = int(streams.window_start[streams.window[i]])
    start = at * FRAME
    samples = cache.read16k(start, min(start + streams.window_frames * FRAME, cache.samples16k))
    if solo_s < MIN_SOLO_S:
        return [(everywhere, float(active.sum() * FRAME_S) * MIXED_WEIGHT, i, _kept(samples, active))]
    runs = long_runs(solo)
    # In a recording of one window no other one can put right what was cut by mistake.
    if not runs or len(streams.window_start) == 1:
        return [(everywhere, solo_s, i, _kept(samples, solo))]
    if grid is None:
        return [((a, b), (b - a) * FRAME_S, (at + a, at + b), samples[a * FRAME : b * FRAME]) for a, b in runs]
    return [
        (run, weight_s, span, cache.read16k(span[0] * FRAME, min(span[1] * FRAME, cache.samples16k)))
        for a, b in runs
        for run, weight_s, span in _pieces(grid, a, b, at)
    ]


def _pieces(grid: Grid, first: int, last: int, at: int) -> Iterator[tuple[Run, float, Run]]:
    """Of a run in the window that starts ``at``: each piece there, its weight, and where in the recording it is."""
    if last - first < LONG:
        (span,) = grid.cut(at + first, at + last)
        yield (first, last), (last - first) * FRAME_S, span
        return
    for span in grid.cut(at + first, at + last):
        yield (span[0] - at, span[1] - at), HOP * FRAME_S, span


def _kept(samples: Float32, frames: NDArray[np.bool_]) -> Float32:
    return samples[np.repeat(frames, FRAME)[: len(samples)]]
