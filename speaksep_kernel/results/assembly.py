"""A finished separation into files: tracks, turns, table, picture and manifest, whoever made the tracks."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.diagnosis.plan import Plan
from speaksep_kernel.diagnosis.report import Diagnosis
from speaksep_kernel.progress import ProgressHook
from speaksep_kernel.recording import AnalysisCache, Recording
from speaksep_kernel.results.cleaned import against_given, given_mixture
from speaksep_kernel.results.edited import Edited
from speaksep_kernel.results.edits import EDITS, EditLog
from speaksep_kernel.results.exporters import Exporter
from speaksep_kernel.results.manifest import (
    CleaningEntry,
    Identity,
    InputEntry,
    Manifest,
    MixtureEntry,
    ModelEntry,
    SpeakerEntry,
    hashes,
    versions,
)
from speaksep_kernel.results.picture import summary_picture
from speaksep_kernel.results.values import PICTURE, TURNS
from speaksep_kernel.results.write import sample_bits, write_tracks
from speaksep_kernel.voices.rttm import rttm_text
from speaksep_kernel.voices.turns import Turn

TABLE = "table.npz"
STREAMS = "streams.npz"


class Clock:
    """Seconds per stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Measure the block as ``stage``."""
        start = time.perf_counter()
        yield
        self.seconds[stage] = round(time.perf_counter() - start, 3)


@dataclass(frozen=True)
class Result:
    """What there is to write.

    Attributes
    ----------
    recording, cache
        The recording, read.
    edited
        Who speaks when, and whose the stored sound is.
    blocks
        (speakers, samples) tracks and (samples,) mixture, block after block.
    turns
        Who speaks when.
    confidence
        How sure each speaker is.
    parameters, model, diagnosis
        For the manifest; the format is added to the parameters.
    plan
        What was decided, and why.
    cleaning
        What was done to the mixture beforehand.
    edits
        Corrections by hand that were made since.
    earlier
        The manifest of the result that this one is made from: what is not made again is taken over.
    """

    recording: Recording
    cache: AnalysisCache
    edited: Edited
    blocks: Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]
    turns: tuple[Turn, ...]
    confidence: tuple[float, ...]
    parameters: dict[str, Any]
    model: ModelEntry
    diagnosis: Diagnosis
    plan: Plan | None = None
    cleaning: CleaningEntry | None = None
    edits: EditLog | None = None
    earlier: Manifest | None = None


def assemble(stage: Path, result: Result, *, format: str, exporter: Exporter, clock: Clock, hook: ProgressHook) -> None:
    """Write a result into ``stage``, where its local tracks are already.

    Raises
    ------
    InputError
        Reason ``over-full-scale``.
    StoreError
        The disk is full.
    """
    recording, numbers, given = result.recording, result.edited.speakers, given_mixture(result.cache)
    mixdown = given.mixdown
    with clock("render"):
        names, lost = write_tracks(
            against_given(result.blocks, result.cache),
            stage,
            numbers,
            exporter,
            rate_hz=recording.rate_hz,
            samples=recording.frames,
            bits=sample_bits(recording, mixdown),
            peak=given.peak,
            track_peak=result.cache.peak,
            hook=hook,
        )
        (stage / TURNS).write_text(rttm_text(result.turns, Path(recording.name).stem), encoding="utf-8")
        if result.edits:
            result.edits.save(stage / EDITS)
    with clock("picture"):
        summary_picture(given, result.turns, numbers, stage / PICTURE)
    identified = identities(result.earlier)
    fresh: dict[str, Any] = {
        "input": InputEntry.of(recording),
        "mixture": MixtureEntry(kind=mixdown.kind, weights=mixdown.weights, why=mixdown.why),
        "parameters": {"format": format} | result.parameters,
        "model": result.model,
        "versions": versions(),
        "speakers": speaker_entries(result.edited, result.turns, result.confidence, names[:-1], identified),
        "residual": names[-1],
        "clipped_samples": lost,
        "edits": result.edits,
        "identified": identified,
        "diagnosis": result.diagnosis.to_dict(),
        "timings": clock.seconds,
        "files": hashes(stage, without=(PICTURE,)),
    }
    if result.plan:
        fresh["plan"] = result.plan.to_dict()
    if result.cleaning:
        fresh["cleaning"] = result.cleaning
    manifest = result.earlier.model_copy(update=fresh) if result.earlier else Manifest(**fresh)
    manifest.save(stage)


def identities(earlier: Manifest | None) -> dict[str, Identity]:
    """What a voice book said of each label, also of those that are merged into others for now."""
    if earlier is None:
        return {}
    return earlier.identified | {
        entry.label: Identity(**entry.model_dump(include=set(Identity.model_fields)))
        for entry in earlier.speakers
        if entry.score is not None or entry.runner_up is not None
    }


def speaker_entries(
    edited: Edited,
    turns: Sequence[Turn],
    confidence: Sequence[float],
    files: Sequence[str],
    identified: dict[str, Identity],
) -> tuple[SpeakerEntry, ...]:
    """What the manifest says of each speaker."""
    entries = []
    for number, file, sure in zip(edited.speakers, files, confidence, strict=True):
        label, name = f"speaker_{number}", edited.names.get(number)
        known = identified.get(label, Identity())
        if number in edited.renamed or known.name != name:
            known = Identity(name=name)
        entries.append(
            SpeakerEntry(
                **known.model_dump(),
                label=label,
                renamed=number in edited.renamed,
                file=file,
                seconds=round(sum(turn.seconds for turn in turns if turn.speaker == number), 3),
                confidence=round(sure, 3),
            )
        )
    return tuple(entries)
