"""From windows to a recording: which windows to separate, and which person each local track is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.progress import ProgressHook
from speaksep_kernel.separation.crowd import crowded, separate_crowd
from speaksep_kernel.separation.gates import open_gates, overlap_frames
from speaksep_kernel.separation.matching import assign, likeness
from speaksep_kernel.separation.overlap import likely_overlap
from speaksep_kernel.separation.protocol import Float32, Separator
from speaksep_kernel.separation.run import Reader16k, separate_windows
from speaksep_kernel.separation.tables import FRAME_SAMPLES, TrackStore, WindowTable, empty_table
from speaksep_kernel.separation.windows import EDGE_S, Windows, choose_windows, covered_frames, window_length
from speaksep_kernel.voices.anchors import cluster_known
from speaksep_kernel.voices.embedding import embed
from speaksep_kernel.voices.encoders import CamPlusPlus, Encoder
from speaksep_kernel.voices.segmentation import frame_count
from speaksep_kernel.voices.streams import FRAME_S, RATE_HZ, Streams
from speaksep_kernel.voices.timeline import timeline, without_silent

STORE = "tracks.f16"
UNSURE = 0.15
"""Below this lead over the second-best assignment the voices themselves are asked."""


@dataclass(frozen=True)
class Stitched:
    """What separation found out about a recording.

    Attributes
    ----------
    streams
        The local streams with labels.
    table
        The window table, complete.
    store
        The local tracks it points to.
    phantoms
        Voices heard too briefly to be counted.
    """

    streams: Streams
    table: WindowTable
    store: TrackStore
    phantoms: int = 0


def stitch(
    cache: Reader16k,
    streams: Streams,
    load: Callable[[], Separator],
    *,
    directory: Path,
    hook: ProgressHook,
    speakers: int | None = None,
    min_speakers: int = 0,
    max_speakers: int = 8,
    known: Float32 | None = None,
    sources: int = 3,
    window_s: float = 8.0,
    hop_s: float = 6.0,
    encoder: Encoder | None = None,
) -> Stitched:
    """Separate what overlaps and say whose every local track is.

    Parameters
    ----------
    cache
        The recording's mixture.
    streams
        Its local streams, from `speaksep_kernel.voices.segment`.
    load
        Makes the separator; called only if there is anything to separate.
    directory
        Where local tracks are kept.
    speakers
        Number of speakers if known; otherwise it is found between ``min_speakers`` and ``max_speakers``.
    known
        (people, dim) voices of people who are expected to speak.
    sources
        Tracks the separator gives per window.
    window_s, hop_s
        Length of a network window, and step from one to the next where a whole stretch has to be separated.
    encoder
        Speaker encoder; CAM++ if ``None``.
    """
    total = frame_count(cache.samples16k)
    place = partial(choose_windows, window_s=window_s, margin_s=max(EDGE_S[1], (window_s - hop_s) / 2))
    frames = window_length(total, window_s=window_s)
    store = TrackStore(directory / STORE, sources=sources, samples=frames * FRAME_SAMPLES)
    table = empty_table(frames, sources)
    if not len(streams):
        return Stitched(streams, replace(table, activity=np.zeros((total, 0), np.uint8)), store)
    encoder = encoder or CamPlusPlus()
    run = _Runner(cache, load, store, hook)

    short = frames == total and speakers != 1
    # A short recording is heard whole, whatever the segmentation says: it misses half of all heavy overlap.
    needed = np.ones(total, np.bool_) if short else likely_overlap(streams, total)
    table = run(place(needed), table)
    if short and crowded(table.voiced[0]):
        return Stitched(*separate_crowd(cache, table, store, hook, encoder, speakers, max_speakers), store)

    streams = embed(cache, streams, hook, tracks=StreamTracks(cache, streams, table, store), encoder=encoder)
    streams, phantoms = cluster_known(
        streams, known, speakers=speakers, min_speakers=min_speakers, max_speakers=max_speakers
    )
    streams = without_silent(streams, total, least=speakers or min_speakers)
    activity = timeline(streams, total)
    heard = np.round(activity * 255).astype(np.uint8)
    if len(table) or heard.shape[1] >= 2:
        missing = overlap_frames(open_gates(heard)) & ~covered_frames(Windows(table.start, frames), total)
        table = run(place(missing), table)
    table = assign_windows(replace(table, activity=heard), store, streams, encoder)
    least = speakers or min_speakers
    if table.speakers < least:
        table = replace(table, activity=np.pad(heard, ((0, 0), (0, least - heard.shape[1]))))
    return Stitched(streams, table, store, phantoms)


class _Runner:
    """Runs the separator on windows; loads it when the first one comes."""

    def __init__(self, cache: Reader16k, load: Callable[[], Separator], store: TrackStore, hook: ProgressHook) -> None:
        self._cache, self._load, self._store, self._hook = cache, load, store, hook
        self._separator: Separator | None = None

    def __call__(self, windows: Windows, table: WindowTable) -> WindowTable:
        if not len(windows):
            return table
        if self._separator is None:
            self._separator = self._load()
        return separate_windows(self._separator, self._cache, windows, table, self._store, hook=self._hook)


class StreamTracks:
    """Separated audio of a local stream, for embedding streams that are never alone (`voices.embed`)."""

    def __init__(self, cache: Reader16k, streams: Streams, table: WindowTable, store: TrackStore) -> None:
        self._cache, self._streams, self._table, self._store = cache, streams, table, store

    def __call__(self, window: int, stream: int) -> Float32 | None:
        """See `speaksep_kernel.voices.embedding.TrackSource`."""
        streams, table = self._streams, self._table
        start = int(streams.window_start[window])
        stop = start + streams.window_frames
        near = np.flatnonzero((table.start < stop) & (table.start + table.frames > start))
        members = np.flatnonzero(streams.window == window)
        if not len(near):
            return None
        audio = self._cache.read16k(start * FRAME_SAMPLES, min(stop * FRAME_SAMPLES, self._cache.samples16k))
        audio = np.pad(audio, (0, streams.window_frames * FRAME_SAMPLES - len(audio)))
        for k in near.tolist():
            at = int(table.start[k])
            a, b = max(at, start), min(at + table.frames, stop)
            activity = streams.activity[members, a - start : b - start].astype(np.float32) / np.float32(255)
            chosen, _ = assign(likeness(table.level[k][:, a - at : b - at], activity))
            source = np.flatnonzero(chosen == np.flatnonzero(members == stream)[0])
            if len(source):
                tracks = self._store.read(k, (a - at) * FRAME_SAMPLES, (b - at) * FRAME_SAMPLES) * table.scale[k]
                audio[(a - start) * FRAME_SAMPLES : (b - start) * FRAME_SAMPLES] = tracks[source[0]]
        return audio


def assign_windows(table: WindowTable, store: TrackStore, streams: Streams, encoder: Encoder) -> WindowTable:
    """Say whose every local track is: by when it is loud, and where that leaves doubt by its voice.

    Returns
    -------
    WindowTable
        With ``speaker`` and ``margin`` filled in.
    """
    speaker = np.full_like(table.speaker, -1)
    margin = np.zeros_like(table.margin)
    voices = centroids(streams, table.speakers)
    for k in range(len(table)):
        here = table.activity[table.start[k] : table.start[k] + table.frames].T.astype(np.float32) / np.float32(255)
        present = np.flatnonzero((here >= 0.4).sum(axis=1) * FRAME_S >= 0.2)
        if not len(present):
            continue
        score = likeness(table.level[k][:, : here.shape[1]], here[present])
        chosen, margin[k] = assign(score)
        if margin[k] < UNSURE and len(present) > 1:
            score = score + _voice_score(table, store, k, voices[present], encoder)
            chosen, margin[k] = assign(score)
        speaker[k] = np.where(chosen >= 0, present[chosen], -1)
    return replace(table, speaker=speaker, margin=margin)


def centroids(streams: Streams, speakers: int) -> Float32:
    """(speakers, dim) mean voice of each speaker, unit length; zeros for one without an embedding."""
    means = np.zeros((speakers, streams.embedding.shape[1]), np.float32)
    known = ~np.isnan(streams.embedding).any(axis=1) & (streams.label >= 0)
    np.add.at(means, streams.label[known], streams.embedding[known] * streams.weight_s[known, None])
    return np.asarray(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9), dtype=np.float32)


def _voice_score(
    table: WindowTable, store: TrackStore, window: int, voices: Float32, encoder: Encoder
) -> NDArray[np.float32]:
    """(sources, speakers) cosine between each local track's voice and each speaker's; 0 where there is too little."""
    tracks = store.read(window, 0, store.samples) * table.scale[window]
    heard = np.repeat(table.voiced[window] >= 128, FRAME_SAMPLES, axis=1)
    clips = [track[mask] for track, mask in zip(tracks, heard, strict=True)]
    return np.asarray(np.nan_to_num(encoder.embed(clips, RATE_HZ)) @ voices.T)
