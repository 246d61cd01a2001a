"""A stretch of a recording heard once more by itself: who speaks in it, and what the network makes of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.errors import InputError
from speaksep_kernel.progress import ProgressHook
from speaksep_kernel.separation.crowd import choose_tracks, decided
from speaksep_kernel.separation.protocol import Float32, Separator
from speaksep_kernel.separation.run import Reader16k, separate_windows
from speaksep_kernel.separation.stitch import STORE, StreamTracks, assign_windows
from speaksep_kernel.separation.tables import FRAME_SAMPLES, TrackStore, WindowTable, empty_table
from speaksep_kernel.separation.windows import EDGE_S, choose_windows
from speaksep_kernel.voices.anchors import cluster_known
from speaksep_kernel.voices.embedding import embed
from speaksep_kernel.voices.encoders import CamPlusPlus, Encoder
from speaksep_kernel.voices.segmentation import frame_count, segment
from speaksep_kernel.voices.streams import FRAME_S, Streams
from speaksep_kernel.voices.timeline import OFFSET, timeline

WHOLE_S = 20.0
"""A stretch is seen in one window up to this length, context included: then nothing has to be pieced together."""
CONTEXT_S = 5.0
"""Voices are listened for so far around the stretch; only those that speak inside count."""
PRESENT_S = 0.2
"""Who speaks less inside does not."""


def hear_span(
    cache: Reader16k,
    span: slice,
    separator: Separator,
    *,
    directory: Path,
    hook: ProgressHook,
    speakers: int | None,
    window_s: float,
    hop_s: float,
    encoder: Encoder | None = None,
) -> tuple[Streams, WindowTable]:
    """Separate a stretch, with context, and find out who speaks in it; what was known of it is not asked.

    Parameters
    ----------
    cache
        The recording's mixture.
    span
        Frames of the stretch.
    directory
        Where the local tracks are kept.
    speakers
        How many people speak in the stretch; counted if ``None``.
    window_s, hop_s
        As for `stitch`; the window grows to `WHOLE_S` where that takes in all.

    Returns
    -------
    streams
        Local streams that speak in the stretch, labelled 0, 1, …
    table
        Its ``speaker`` are those labels; its ``activity`` has the frames of the stretch only. Without speakers where
        nobody speaks.

    Raises
    ------
    InputError
        Reason ``bad-speakers``: so many cannot be told apart here.
    """
    total = frame_count(cache.samples16k)
    inside = np.zeros(total, np.bool_)
    inside[span] = True
    margin = round(max(EDGE_S[1], (window_s - hop_s) / 2) / FRAME_S)
    whole_s = (span.stop - span.start + 2 * margin) * FRAME_S
    size_s = whole_s if window_s < whole_s <= WHOLE_S else window_s
    windows = choose_windows(inside, window_s=size_s, margin_s=margin * FRAME_S)
    sources = separator.info.max_speakers or 3
    store = TrackStore(directory / STORE, sources=sources, samples=windows.frames * FRAME_SAMPLES)
    table = separate_windows(separator, cache, windows, empty_table(windows.frames, sources), store, hook=hook)
    encoder = encoder or CamPlusPlus()
    streams, table = _by_segments(cache, inside, table, store, hook, encoder, speakers)
    found = table.speakers
    if len(table) == 1 and found < (speakers or 0):
        # Where nobody is alone for long, the network knows better than the segmentation how many there are.
        streams, table = _by_tracks(cache, inside, table, store, hook, encoder, speakers)
    if 0 < table.speakers < (speakers or 0):
        raise InputError(
            f"{max(found, table.speakers)} voices are heard there, not {speakers}",
            reason="bad-speakers",
            hint="ask for fewer, or take in more before and after",
        )
    return streams, replace(table, activity=table.activity[span])


def _by_segments(
    cache: Reader16k,
    inside: NDArray[np.bool_],
    table: WindowTable,
    store: TrackStore,
    hook: ProgressHook,
    encoder: Encoder,
    speakers: int | None,
) -> tuple[Streams, WindowTable]:
    """Who speaks as the segmentation says, as in a whole recording."""
    around = round(CONTEXT_S / FRAME_S)
    first, last = np.flatnonzero(inside)[[0, -1]]
    part = _Part(cache, max(0, int(first) - around) * FRAME_SAMPLES, (int(last) + around) * FRAME_SAMPLES)
    streams = segment(part, hook)
    streams = _speaking(replace(streams, window_start=streams.window_start + part.begin // FRAME_SAMPLES), inside)
    if not len(streams):
        return streams, replace(table, activity=np.zeros((len(inside), 0), np.uint8))
    streams = embed(cache, streams, hook, tracks=StreamTracks(cache, streams, table, store), encoder=encoder)
    streams, _ = cluster_known(_speaking(streams, inside), None, speakers=speakers)
    heard = np.round(timeline(streams, len(inside)) * 255).astype(np.uint8)
    return _present(streams, assign_windows(replace(table, activity=heard), store, streams, encoder), inside)


def _by_tracks(
    cache: Reader16k,
    inside: NDArray[np.bool_],
    table: WindowTable,
    store: TrackStore,
    hook: ProgressHook,
    encoder: Encoder,
    speakers: int | None,
) -> tuple[Streams, WindowTable]:
    """Who speaks as the tracks of a table's one window say."""
    start = int(table.start[0])
    here = inside[start : start + table.frames]
    voiced = np.where(here, table.voiced[0], np.uint8(0))
    chosen = choose_tracks(table.level[0] * here, voiced, speakers=speakers, max_speakers=len(voiced))
    chosen = chosen[np.argsort(np.argmax(voiced[chosen] >= 128, axis=1), kind="stable")]
    count = len(chosen)
    streams = Streams(
        window_start=table.start,
        window_frames=table.frames,
        window=np.zeros(count, np.int32),
        activity=table.voiced[0, chosen],
        embedding=np.empty((count, 0), np.float32),
        weight_s=np.zeros(count, np.float32),
        label=np.arange(count, dtype=np.int32),
        confidence=decided(voiced[chosen]),
    )
    audio = store.read(0, 0, store.samples) * table.scale[0]
    streams = embed(cache, streams, hook, tracks=lambda _, stream: audio[chosen[stream]], encoder=encoder)
    speaker = np.full((1, store.sources), -1, np.int32)
    speaker[0, chosen] = streams.label
    activity = np.zeros((len(inside), count), np.uint8)
    activity[start : start + table.frames] = voiced[chosen].T
    table = replace(table, activity=activity, speaker=speaker, margin=np.ones(1, np.float32))
    return _present(streams, table, inside)


class _Part:
    """Some of a recording, as if it were all."""

    def __init__(self, cache: Reader16k, begin: int, end: int) -> None:
        self._cache, self.begin = cache, begin
        self.samples16k = min(end, cache.samples16k) - begin

    def read16k(self, start: int, stop: int) -> Float32:
        """See `Reader16k`."""
        return self._cache.read16k(self.begin + start, self.begin + stop)


def _speaking(streams: Streams, inside: NDArray[np.bool_]) -> Streams:
    """The streams that are active inside."""
    padded = np.append(inside, np.zeros(streams.window_frames, np.bool_))
    here = np.stack([padded[at : at + streams.window_frames] for at in streams.window_start.tolist()])
    kept = np.sum((streams.activity >= 128) & here[streams.window], axis=1) * FRAME_S >= PRESENT_S
    per_stream = ("window", "activity", "embedding", "weight_s", "label", "confidence")
    return replace(streams, **{name: getattr(streams, name)[kept] for name in per_stream})


def _present(streams: Streams, table: WindowTable, inside: NDArray[np.bool_]) -> tuple[Streams, WindowTable]:
    """Without those who never speak inside."""
    kept = np.flatnonzero((table.activity[inside] >= OFFSET * 255).any(axis=0))
    rank = np.full(table.speakers + 1, -1, np.int32)
    rank[kept] = np.arange(len(kept))
    return replace(streams, label=rank[streams.label]), replace(
        table, activity=table.activity[:, kept], speaker=rank[table.speaker]
    )
