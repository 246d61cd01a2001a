"""Results again from what the network once heard: other formats, corrected speakers, and no network."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.diagnosis.protocol import Context
from speaksep_kernel.diagnosis.report import Diagnosis
from speaksep_kernel.errors import InputError
from speaksep_kernel.plugins import create
from speaksep_kernel.progress import ProgressHook, silent
from speaksep_kernel.recording import Recording, Source
from speaksep_kernel.results.assembly import TABLE, Clock, Result, assemble
from speaksep_kernel.results.directory import INTERNAL, check_target, staged
from speaksep_kernel.results.manifest import Manifest, read_manifest, recording_of
from speaksep_kernel.results.reading import read_again
from speaksep_kernel.results.render import render_apart, render_blocks
from speaksep_kernel.results.values import Separation
from speaksep_kernel.separation.stitch import STORE
from speaksep_kernel.separation.tables import FRAME_SAMPLES, TrackStore, WindowTable
from speaksep_kernel.voices.timeline import turns
from speaksep_kernel.voices.turns import Turn

Float32 = NDArray[np.float32]


def render_again(
    directory: str | Path,
    source: Source | Recording,
    out: str | Path,
    *,
    labels: Mapping[int, int] | None = None,
    format: str | None = None,
    hook: ProgressHook = silent,
) -> Separation:
    """Render a separation from its own table and local tracks; the same table gives the same bytes.

    Parameters
    ----------
    directory
        The separation.
    source
        The recording it was made from.
    out
        Where the new one goes: a new or empty directory, or one with earlier results (``directory`` itself too),
        which are replaced.
    labels
        Corrections, ``{speaker: what it should be}``, numbers from 1: two speakers with the same number become one,
        0 is nobody (the residual). Speakers not named stay; the numbers left are closed up, in order.
    format
        Name of an exporter; as before if ``None``.
    hook
        Told the stages "read" and "render". What it raises cancels the work.

    Raises
    ------
    InputError
        Not a separation, or not of ``source`` (reason ``other-recording``); a speaker it does not have (reason
        ``unknown-speaker``); a bad format or output place.
    StoreError
        The stored table or tracks are damaged, or the disk is full.
    """
    directory = Path(directory)
    manifest = read_manifest(directory)
    recording = recording_of(manifest, source)
    format = format or str(manifest.parameters["format"])
    exporter = create("exporter", format)
    check_target(Path(out))
    table = WindowTable.load(directory / INTERNAL / TABLE)
    number = new_numbers(labels or {}, table.speakers)
    store = TrackStore(
        directory / INTERNAL / STORE, sources=table.speaker.shape[1], samples=table.frames * FRAME_SAMPLES
    )
    store.check(len(table))
    clock = Clock()
    with clock("read"):
        cache = read_again(manifest, recording, hook)
    with cache, staged(Path(out)) as stage:
        shutil.copytree(directory / INTERNAL, stage / INTERNAL)
        apart = manifest.mixture.kind == "apart"
        table = relabelled(table, number)
        blocks = _joined(render_apart(cache), number) if apart else render_blocks(cache, table, store)
        found = turns(np.asarray(table.activity / np.float32(255), dtype=np.float32))
        assemble(
            stage,
            Result(
                recording=recording,
                cache=cache,
                table=table,
                blocks=blocks,
                turns=found,
                confidence=_confidence(manifest, number),
                parameters={name: value for name, value in manifest.parameters.items() if name != "format"},
                model=manifest.model,
                diagnosis=_diagnosis(manifest.diagnosis, found, table.speakers, changed=bool(labels)),
                names=_names(manifest, number),
                edits=(*manifest.edits, dict(labels)) if labels else manifest.edits,
            ),
            format=format,
            exporter=exporter,
            clock=clock,
            hook=hook,
        )
    return Separation.open(out)


def new_numbers(labels: Mapping[int, int], speakers: int) -> NDArray[np.int64]:
    """(speakers,) new index of every speaker, from 0 and without gaps; -1 = nobody.

    Raises
    ------
    InputError
        Reason ``unknown-speaker``.

    Examples
    --------
    >>> new_numbers({3: 1, 2: 0}, 4)
    array([ 0, -1,  0,  1])
    """
    for old, new in labels.items():
        if not (1 <= old <= speakers and 0 <= new <= speakers):
            raise InputError(
                f"speaker {old} cannot become {new}: there are {speakers}",
                reason="unknown-speaker",
                hint=f"speakers are 1 to {speakers}; 0 is nobody",
            )
    wanted = np.array([labels.get(old, old) for old in range(1, speakers + 1)], dtype=np.int64)
    left = np.unique(wanted[wanted > 0])
    return np.where(wanted > 0, np.searchsorted(left, wanted), -1)


def relabelled(table: WindowTable, number: NDArray[np.int64]) -> WindowTable:
    """A table whose speaker ``k`` is speaker ``number[k]``, where one that two become speaks whenever either does."""
    activity = np.zeros((len(table.activity), int(number.max(initial=-1)) + 1), np.uint8)
    for old, new in enumerate(number.tolist()):
        if new >= 0:
            activity[:, new] = np.maximum(activity[:, new], table.activity[:, old])
    speaker = np.append(number, -1)[table.speaker].astype(np.int32)  # index -1 is the last: nobody stays nobody
    return replace(table, activity=activity, speaker=speaker)


def _joined(blocks: Iterator[tuple[Float32, Float32]], number: NDArray[np.int64]) -> Iterator[tuple[Float32, Float32]]:
    for tracks, mixture in blocks:
        joined = np.zeros((int(number.max(initial=-1)) + 1, tracks.shape[1]), np.float32)
        np.add.at(joined, number[number >= 0], tracks[number >= 0])
        yield joined, mixture


def _confidence(manifest: Manifest, number: NDArray[np.int64]) -> tuple[float, ...]:
    """Of one that several become, their mean by seconds."""
    sure = np.array([entry.confidence for entry in manifest.speakers])
    weight = np.array([entry.seconds + 1e-9 for entry in manifest.speakers])
    return tuple(
        float(np.average(sure[number == k], weights=weight[number == k]))
        for k in range(int(number.max(initial=-1)) + 1)
    )


def _names(manifest: Manifest, number: NDArray[np.int64]) -> tuple[str | None, ...]:
    """Of one that several become, the first that has a name."""
    return tuple(
        next((e.name for e, new in zip(manifest.speakers, number, strict=True) if new == k and e.name), None)
        for k in range(int(number.max(initial=-1)) + 1)
    )


def _diagnosis(stored: dict[str, Any], found: tuple[Turn, ...], speakers: int, *, changed: bool) -> Diagnosis:
    """The diagnosis with corrected turns; what was found of the recording itself is as true as before."""
    diagnosis = Diagnosis.from_dict(stored)
    if not changed:
        return diagnosis
    context = Context(diagnosis.recording, found, speakers, diagnosis.speaker_confidence)
    return replace(
        diagnosis,
        speakers=speakers,
        turns=found,
        speech_ratio=context.speech_ratio,
        overlap_ratio=context.overlap_ratio,
        overlap_spans=context.overlap_spans,
    )
