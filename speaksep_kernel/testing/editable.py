"""A separation that can be corrected and rendered again, made without any network from what is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.diagnosis.report import Diagnosis
from speaksep_kernel.diagnosis.run import recording_facts
from speaksep_kernel.plugins import create
from speaksep_kernel.progress import silent
from speaksep_kernel.recording import AnalysisCache, Recording
from speaksep_kernel.results.assembly import STREAMS, TABLE, Clock, Result, assemble
from speaksep_kernel.results.directory import INTERNAL, staged
from speaksep_kernel.results.edited import found_confidence, untouched
from speaksep_kernel.results.manifest import ModelEntry
from speaksep_kernel.results.render import render_blocks
from speaksep_kernel.results.values import Separation
from speaksep_kernel.separation.gates import open_gates, overlap_frames
from speaksep_kernel.separation.stitch import STORE
from speaksep_kernel.separation.tables import FRAME_SAMPLES, TrackStore, WindowTable, empty_table, frame_level
from speaksep_kernel.separation.windows import choose_windows
from speaksep_kernel.voices.segmentation import frame_count, window_starts
from speaksep_kernel.voices.streams import FRAME_S, Streams
from speaksep_kernel.voices.turns import Turn

Float32 = NDArray[np.float32]

WINDOW, HOP = 500, 100
"""Frames of the windows that local streams are found in."""
SOURCES = 3
SHARES = (0.5, 0.3, 0.2)


def editable_separation(
    source: str | Path,
    turns: Sequence[Turn],
    directory: str | Path,
    *,
    found: Mapping[int, int] | None = None,
    references: Float32 | None = None,
) -> Separation:
    """Write what a separation would that hears everything, but may take several people for one.

    Parameters
    ----------
    source
        The recording.
    turns
        Who really speaks when.
    directory
        A new directory.
    found
        Person -> number of the speaker they are taken for, so that two may be one; themselves if ``None``.
    references
        (people, samples at 16 kHz) what each of them says; fixed shares of the mixture if ``None``.

    Notes
    -----
    Every person has a voice vector of their own. Of people who are one speaker, only the first to speak in a window has
    the track that the speaker is given there, as when a network's tracks are matched with speakers one to one.
    """
    recording = Recording.open(source)
    people = max(turn.speaker for turn in turns)
    number = np.array([(found or {}).get(person, person) - 1 for person in range(1, people + 1)])
    with AnalysisCache(recording) as cache, staged(Path(directory)) as stage:
        internal = stage / INTERNAL
        internal.mkdir()
        spoken = np.zeros((frame_count(cache.samples16k), people), np.uint8)
        for turn in turns:
            spoken[round(turn.start_s / FRAME_S) : round(turn.end_s / FRAME_S), turn.speaker - 1] = 255
        activity = np.stack([spoken[:, number == k].max(axis=1) for k in range(number.max() + 1)], axis=1)
        windows = choose_windows(overlap_frames(open_gates(spoken)))
        store = TrackStore(internal / STORE, sources=SOURCES, samples=windows.frames * FRAME_SAMPLES)
        table = replace(empty_table(windows.frames, SOURCES), activity=activity)
        for start in windows.start.tolist():
            at = start * FRAME_SAMPLES
            audio = cache.read16k(at, at + store.samples)
            present = _by_appearance(spoken[start : start + windows.frames])[:SOURCES]
            shares = np.outer(SHARES, audio)[: len(present)]
            tracks = shares if references is None else references[present, at : at + store.samples]
            table = _with_window(table, store, start, tracks, number[present])
        table.save(internal / TABLE)
        streams = _streams(spoken, number)
        streams.save(internal / STREAMS)
        edited = untouched(table)
        result = Result(
            recording=recording,
            cache=cache,
            edited=edited,
            blocks=render_blocks(cache, table, store),
            turns=edited.turns(streams),
            confidence=found_confidence(streams, table.speakers),
            parameters={},
            model=ModelEntry(separator="known", version="1"),
            diagnosis=Diagnosis(recording_facts(recording, cache.mixdown), (), table.speakers, 1.0, 0.0, 0.0),
        )
        assemble(stage, result, format="flac", exporter=create("exporter", "flac"), clock=Clock(), hook=silent)
    return Separation.open(directory)


def _by_appearance(spoken: NDArray[np.uint8]) -> NDArray[np.int64]:
    """People who speak in (frames, people), in the order in which they start."""
    there = np.flatnonzero(spoken.any(axis=0))
    return np.asarray(there[np.argsort(spoken[:, there].argmax(axis=0), kind="stable")])


def _with_window(
    table: WindowTable, store: TrackStore, start: int, tracks: NDArray[np.floating], number: NDArray[np.int64]
) -> WindowTable:
    """One more window, with tracks of people who are taken for the speakers ``number``."""
    padded = np.zeros((SOURCES, store.samples), np.float32)
    padded[: len(tracks), : tracks.shape[1]] = tracks
    speaker = np.full((1, SOURCES), -1, np.int32)
    firsts = np.unique(number, return_index=True)[1]
    speaker[0, firsts] = number[firsts]
    return replace(
        table,
        start=np.append(table.start, start),
        scale=np.append(table.scale, np.float32(store.append(padded))),
        level=np.concatenate([table.level, frame_level(padded, table.frames)[None]]),
        voiced=np.concatenate([table.voiced, np.full((1, SOURCES, table.frames), 255, np.uint8)]),
        speaker=np.concatenate([table.speaker, speaker]),
        margin=np.append(table.margin, np.float32(1)),
    )


def _streams(spoken: NDArray[np.uint8], number: NDArray[np.int64]) -> Streams:
    """Local streams of people who speak in each window."""
    starts = window_starts(len(spoken), WINDOW, HOP)
    found = [(w, k) for w, at in enumerate(starts) for k in np.flatnonzero(spoken[at : at + WINDOW].any(axis=0))]
    window, person = np.array(found, np.int32).reshape(-1, 2).T
    voice = np.eye(192, dtype=np.float32)[person] + np.random.default_rng(0).normal(0, 0.05, (len(found), 192))
    local = [spoken[starts[w] : starts[w] + WINDOW, k] for w, k in found]
    return Streams(
        window_start=np.array(starts, np.int64),
        window_frames=WINDOW,
        window=window,
        activity=np.array([np.pad(row, (0, WINDOW - len(row))) for row in local], np.uint8),
        embedding=(voice / np.linalg.norm(voice, axis=1, keepdims=True)).astype(np.float32),
        weight_s=np.array([(row > 0).sum() * FRAME_S for row in local], np.float32),
        label=number[person].astype(np.int32),
        confidence=np.ones(len(found), np.float32),
    )
