"""A finished separation into files: tracks, turns, table, picture and manifest, whoever made the tracks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.diagnosis.report import Diagnosis
from speaksep_kernel.progress import ProgressHook
from speaksep_kernel.recording import AnalysisCache, Recording
from speaksep_kernel.results.directory import INTERNAL, MANIFEST
from speaksep_kernel.results.exporters import Exporter
from speaksep_kernel.results.manifest import (
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
from speaksep_kernel.separation.tables import WindowTable
from speaksep_kernel.voices.rttm import rttm_text
from speaksep_kernel.voices.turns import Turn

TABLE = "table.npz"


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
    table
        Who speaks when, and whose the local tracks are.
    blocks
        (speakers, samples) tracks and (samples,) mixture, block after block.
    turns
        Who speaks when.
    confidence
        How sure each speaker is.
    parameters, model, diagnosis
        For the manifest; the format is added to the parameters.
    edits
        Corrections by hand that were made since.
    """

    recording: Recording
    cache: AnalysisCache
    table: WindowTable
    blocks: Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]
    turns: tuple[Turn, ...]
    confidence: tuple[float, ...]
    parameters: dict[str, Any]
    model: ModelEntry
    diagnosis: Diagnosis
    names: tuple[str | None, ...] = ()
    edits: tuple[dict[int, int], ...] = ()


def assemble(stage: Path, result: Result, *, format: str, exporter: Exporter, clock: Clock, hook: ProgressHook) -> None:
    """Write a result into ``stage``, where its local tracks are already.

    Raises
    ------
    InputError
        Reason ``over-full-scale``.
    StoreError
        The disk is full.
    """
    recording, table, mixdown = result.recording, result.table, result.cache.mixdown
    with clock("render"):
        names, lost = write_tracks(
            result.blocks,
            stage,
            table.speakers,
            exporter,
            rate_hz=recording.rate_hz,
            samples=recording.frames,
            bits=sample_bits(recording, mixdown),
            peak=result.cache.peak,
            hook=hook,
        )
        (stage / TURNS).write_text(rttm_text(result.turns, Path(recording.name).stem))
        table.save(stage / INTERNAL / TABLE)
    with clock("picture"):
        summary_picture(result.cache, result.turns, table.speakers, stage / PICTURE)
    manifest = Manifest(
        input=InputEntry.of(recording),
        mixture=MixtureEntry(kind=mixdown.kind, weights=mixdown.weights, why=mixdown.why),
        parameters={"format": format} | result.parameters,
        model=result.model,
        versions=versions(),
        speakers=_speakers(result, names),
        residual=names[-1],
        clipped_samples=lost,
        edits=result.edits,
        diagnosis=result.diagnosis.to_dict(),
        timings=clock.seconds,
        files=hashes(stage, without=(PICTURE,)),
    )
    (stage / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n")


def _speakers(result: Result, files: list[str]) -> tuple[SpeakerEntry, ...]:
    names = result.names or (None,) * result.table.speakers
    return tuple(
        SpeakerEntry(
            label=f"speaker_{number}",
            name=name,
            file=file,
            seconds=round(sum(turn.seconds for turn in result.turns if turn.speaker == number), 3),
            confidence=round(sure, 3),
        )
        for number, (name, file, sure) in enumerate(zip(names, files[:-1], result.confidence, strict=True), 1)
    )
