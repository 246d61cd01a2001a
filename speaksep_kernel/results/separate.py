"""A recording into a directory of tracks: the whole way, all or nothing."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from speaksep_kernel.diagnosis.plan import MOST_SPEAKERS, Plan
from speaksep_kernel.errors import InputError
from speaksep_kernel.plugins import create, get
from speaksep_kernel.progress import ProgressHook, silent
from speaksep_kernel.recording import AnalysisCache, Mixdown, Recording, choose_mixdown
from speaksep_kernel.results.assembly import STREAMS, TABLE, Clock, Result, assemble
from speaksep_kernel.results.cleaned import clean_mixture, network_mixture, with_figures
from speaksep_kernel.results.directory import INTERNAL, check_target, staged
from speaksep_kernel.results.edited import found_confidence, untouched
from speaksep_kernel.results.manifest import ModelEntry
from speaksep_kernel.results.render import render_apart, render_blocks
from speaksep_kernel.results.values import Separation
from speaksep_kernel.separation.apart import channel_activity
from speaksep_kernel.separation.stitch import stitch
from speaksep_kernel.separation.tables import WindowTable, empty_table
from speaksep_kernel.voices.anchors import known_voices
from speaksep_kernel.voices.confidence import calibrated
from speaksep_kernel.voices.diarization import Diarization, overlap_ratio, summarise
from speaksep_kernel.voices.segmentation import segment
from speaksep_kernel.voices.streams import Streams
from speaksep_kernel.voices.timeline import OFFSET, turns

if TYPE_CHECKING:
    from speaksep_kernel.diagnosis.report import Diagnosis

PARAMETERS = (
    "separator",
    "separator_options",
    "speakers",
    "min_speakers",
    "max_speakers",
    "known",
    "window_s",
    "hop_s",
    "device",
    "quality",
    "cleaning",
    "cleaning_options",
)
"""The parts of a plan that decide what comes out; kept in the manifest."""


def separate_recording(
    recording: Recording,
    plan: Plan | None = None,
    *,
    hook: ProgressHook = silent,
    directory: str | Path | None = None,
    format: str = "flac",
    diagnosis: Diagnosis | None = None,
    replan: Callable[[Diagnosis], Plan] | None = None,
) -> Separation:
    """Separate a recording into one track per speaker and a residual.

    Parameters
    ----------
    recording
        What to separate.
    plan
        How; everything automatic if ``None``.
    hook
        Told the stages "read", "segment", "separate", "embed", "render". What it raises cancels the work.
    directory
        Where the results go: a new or empty directory, or one with earlier results, which are replaced. A temporary
        one that lives as long as the returned value if ``None``.
    format
        Name of an exporter: flac, wav, mp3, m4a, ogg, opus.
    diagnosis
        Kept with the results if one was already made; otherwise it is made on the way.
    replan
        Finds the plan's reasons once there is a diagnosis.

    Raises
    ------
    InputError
        Bad recording, plan, format or output place; somebody known is in no voice book.
    StoreError
        The disk is full.

    Notes
    -----
    The tracks and the residual add up to the mixture to the last bit of lossless files. Nothing is left behind when
    anything fails.
    """
    plan = plan or Plan()
    check_plan(plan)
    known = known_voices(plan.known)
    exporter = create("exporter", format)
    separator = get("separator", plan.separator)
    temporary = _Temporary() if directory is None else None
    target = temporary.path / "separation" if temporary else Path(directory or "")
    check_target(target)
    clock = Clock()
    mixdown = _mixdown(recording, plan)
    with clock("read"):
        cache = AnalysisCache(recording, mixdown, hook)
    with cache, staged(target) as stage, ExitStack() as opened:
        internal = stage / INTERNAL
        internal.mkdir()
        with clock("voices"):
            streams, phantoms = segment(cache, hook), 0
        with clock("clean"):
            heard, cleaning = clean_mixture(cache, plan, internal, hook)
            opened.callback(heard.close)
        with clock("separate"):
            if mixdown.kind == "apart":
                activity = channel_activity(cache, streams, recording.channels)
                table = replace(empty_table(1, 1), activity=activity)
                blocks = render_apart(heard, untouched(table))
            else:
                with network_mixture(cache, heard, plan, internal, hook) as sharp:
                    found = stitch(
                        sharp,
                        streams,
                        lambda: create("separator", plan.separator, device=plan.device, **plan.separator_options),
                        directory=internal,
                        hook=hook,
                        speakers=plan.speakers,
                        min_speakers=plan.min_speakers,
                        max_speakers=plan.max_speakers,
                        known=known,
                        sources=separator.info.max_speakers or 3,
                        window_s=plan.window_s,
                        hop_s=plan.hop_s,
                    )
                phantoms = found.phantoms
                streams, table, blocks = found.streams, found.table, render_blocks(heard, found.table, found.store)
        table.save(internal / TABLE)
        streams.save(internal / STREAMS)
        diarization = diarization_of(streams, table, phantoms=phantoms)
        with clock("diagnose"):
            diagnosis = diagnosis or _diagnose(recording, cache, diarization, hook)
            if cleaning:
                cleaning = with_figures(cleaning, heard, diagnosis, diarization)
        assemble(
            stage,
            Result(
                recording=recording,
                cache=heard,
                edited=untouched(table),
                blocks=blocks,
                turns=diarization.turns,
                confidence=found_confidence(streams, table.speakers),
                parameters={name: getattr(plan, name) for name in PARAMETERS},
                model=ModelEntry(
                    separator=plan.separator,
                    version=separator.info.version,
                    sha256=getattr(separator, "sha256", None),
                    used=len(table) > 0,
                ),
                diagnosis=diagnosis,
                plan=replan(diagnosis) if replan else plan,
                cleaning=cleaning,
            ),
            format=format,
            exporter=exporter,
            clock=clock,
            hook=hook,
        )
    return replace(Separation.open(target), keep=temporary, diagnosis=diagnosis)


def check_plan(plan: Plan) -> None:
    """Refuse impossible numbers before any work.

    Raises
    ------
    InputError
        Reason ``bad-speakers``.
    """
    given = plan.speakers
    if given is not None and not 1 <= given <= MOST_SPEAKERS:
        raise InputError(
            f"number of speakers {given}",
            reason="bad-speakers",
            hint=f"give 1 to {MOST_SPEAKERS}, or leave it out to have them counted",
        )


class _Temporary:
    """A directory that is gone when nobody holds this any more."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="speaksep-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


def _mixdown(recording: Recording, plan: Plan) -> Mixdown:
    mixdown = choose_mixdown(recording)
    if mixdown.kind == "apart" and plan.speakers not in (None, recording.channels):
        why = f"Mean of the channels: {plan.speakers} speakers asked for, there are {recording.channels} channels."
        return replace(mixdown, kind="mean", why=why)
    return mixdown


def diarization_of(streams: Streams, table: WindowTable, *, phantoms: int = 0) -> Diarization:
    """Who speaks when, from the table: it knows more than the streams where the network was asked."""
    activity = np.asarray(table.activity / np.float32(255), dtype=np.float32)
    heard = summarise(streams, len(activity), phantoms=phantoms)
    return replace(
        heard,
        activity=activity,
        turns=calibrated(turns(activity), streams, activity),
        speakers=table.speakers,
        speech_ratio=float(np.mean((activity >= OFFSET).any(axis=1))),
        overlap_ratio=overlap_ratio(activity),
    )


def _diagnose(recording: Recording, cache: AnalysisCache, diarization: Diarization, hook: ProgressHook) -> Diagnosis:
    from speaksep_kernel.diagnosis.run import diagnose_recording

    return diagnose_recording(recording, cache, diarization, hook)
