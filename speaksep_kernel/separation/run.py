"""Run a separator over chosen windows of a recording, and check what it returns."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stdout
from dataclasses import replace
from typing import Protocol

import numpy as np
import soxr
from numpy.typing import NDArray

from speaksep_kernel.errors import PluginError, SpeakSepError
from speaksep_kernel.progress import ProgressHook
from speaksep_kernel.separation.protocol import Float32, LocalTracks, Separator
from speaksep_kernel.separation.tables import FRAME_SAMPLES, TrackStore, WindowTable, frame_level
from speaksep_kernel.separation.windows import Windows
from speaksep_kernel.voices.streams import RATE_HZ

BATCH = min(8, max(4, os.cpu_count() or 1))
"""Windows handed over at once: one for every core, but no more than memory is promised for."""


class Reader16k(Protocol):
    """What the network's side needs of a recording: its mixture at 16 kHz."""

    @property
    def samples16k(self) -> int:
        """Length at 16 kHz."""
        ...

    def read16k(self, start: int, stop: int) -> Float32:
        """Samples ``start``…``stop``."""
        ...


def separate_windows(
    separator: Separator,
    reader: Reader16k,
    windows: Windows,
    table: WindowTable,
    store: TrackStore,
    *,
    hook: ProgressHook,
    batch: int = BATCH,
) -> WindowTable:
    """Separate ``windows`` and append them to the table and the store.

    Returns
    -------
    WindowTable
        With the new windows at its end, their speakers not yet assigned (-1).
    """
    found: list[tuple[int, float, Float32, NDArray[np.uint8]]] = []
    starts = windows.start.tolist()
    hook("separate", 0, len(starts))
    for first in range(0, len(starts), batch):
        chunk = starts[first : first + batch]
        audio = np.stack([_window(reader, start * FRAME_SAMPLES, store.samples) for start in chunk])
        for start, mixture, local in zip(chunk, audio, _call(separator, audio), strict=True):
            tracks = _sized(local.tracks, store.sources)
            # A network may ring into digital silence; nobody speaks there.
            tracks *= np.repeat(frame_level(mixture, windows.frames) > 0, FRAME_SAMPLES)[: store.samples]
            level = frame_level(tracks, windows.frames)
            found.append((start, store.append(tracks), level, _voiced(local, level)))
        hook("separate", first + len(chunk), len(starts))
    if not found:
        return table
    return replace(
        table,
        start=np.append(table.start, np.array([row[0] for row in found], np.int64)),
        scale=np.append(table.scale, np.array([row[1] for row in found], np.float32)),
        level=np.concatenate([table.level, np.stack([row[2] for row in found])]),
        voiced=np.concatenate([table.voiced, np.stack([row[3] for row in found])]),
        speaker=np.concatenate([table.speaker, np.full((len(found), store.sources), -1, np.int32)]),
        margin=np.append(table.margin, np.zeros(len(found), np.float32)),
    )


def _window(reader: Reader16k, start: int, samples: int) -> Float32:
    audio = reader.read16k(start, min(start + samples, reader.samples16k))
    return np.pad(audio, (0, samples - len(audio)))


def _call(separator: Separator, audio: Float32) -> list[LocalTracks]:
    """Separate at the separator's own rate; the tracks come back at 16 kHz and the audio's length."""
    name = separator.info.name
    rates = separator.info.sample_rates_hz
    rate = RATE_HZ if not rates or RATE_HZ in rates else rates[0]
    given = audio if rate == RATE_HZ else np.stack([soxr.resample(row, RATE_HZ, rate) for row in audio])
    try:
        with redirect_stdout(sys.stderr):  # what it prints is no part of a result
            results = separator.separate(given, rate)
    except (SpeakSepError, MemoryError):
        raise
    except Exception as cause:  # a stranger's code
        raise PluginError(
            f"separator {name!r} failed: {type(cause).__name__}: {cause}",
            reason="plugin-failed",
            hint=f"run: speaksep plugins check {name}",
        ) from cause
    if len(results) != len(audio):
        raise PluginError(
            f"separator {name!r} returned {len(results)} results for {len(audio)} windows",
            reason="separator-contract",
            hint=f"run: speaksep plugins check {name}",
        )
    checked = []
    for result in results:
        tracks = np.asarray(result.tracks, dtype=np.float32)
        if tracks.ndim != 2 or tracks.shape[1] != given.shape[1] or not np.isfinite(tracks).all():
            raise PluginError(
                f"separator {name!r} returned tracks of shape {tracks.shape} for a window of {given.shape[1]} samples, "
                "or values that are not finite",
                reason="separator-contract",
                hint=f"run: speaksep plugins check {name}",
            )
        if rate != RATE_HZ:
            tracks = soxr.resample(tracks.T, rate, RATE_HZ).T
        fitted = np.zeros((len(tracks), audio.shape[1]), dtype=np.float32)
        count = min(tracks.shape[1], audio.shape[1])
        fitted[:, :count] = tracks[:, :count]
        checked.append(LocalTracks(fitted, result.activity))
    return checked


def _sized(tracks: Float32, sources: int) -> Float32:
    """Exactly ``sources`` tracks: silent ones added, or the quietest left out (a plugin may vary their number)."""
    if len(tracks) > sources:
        loudest = np.sort(np.argsort(-np.square(tracks).sum(axis=1), kind="stable")[:sources])
        return tracks[loudest]
    return np.concatenate([tracks, np.zeros((sources - len(tracks), tracks.shape[1]), np.float32)])


def _voiced(local: LocalTracks, level: Float32) -> NDArray[np.uint8]:
    """(sources, frames) uint8 activity on our frames; from the loudness when the separator has no opinion."""
    sources, frames = level.shape
    if local.activity is None or len(local.activity) != sources:
        # 26 dB below the window's loudest frame is where read speech meets its pauses.
        return np.where(level > max(float(level.max()) * 0.05, 1e-5), 255, 0).astype(np.uint8)
    given = np.asarray(local.activity, dtype=np.float32)
    theirs = (np.arange(given.shape[1]) + 0.5) / given.shape[1]
    ours = (np.arange(frames) + 0.5) / frames
    rows = [np.interp(ours, theirs, row) for row in given]
    return np.asarray(np.round(np.clip(np.stack(rows), 0, 1) * 255), dtype=np.uint8)
