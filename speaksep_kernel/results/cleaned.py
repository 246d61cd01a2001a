"""The cleaned mixture: made once, kept with the result, and read from there whenever tracks are made again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from speaksep_kernel import plugins
from speaksep_kernel.diagnosis.plan import Plan
from speaksep_kernel.diagnosis.protocol import Context, Diagnoser
from speaksep_kernel.diagnosis.report import Diagnosis
from speaksep_kernel.errors import StoreError
from speaksep_kernel.progress import ProgressHook
from speaksep_kernel.recording import AnalysisCache, Limits, Mixdown, Recording
from speaksep_kernel.results.manifest import CleaningEntry, CleaningStep, Figure
from speaksep_kernel.results.render import sounding
from speaksep_kernel.separation.cleaners.chain import Step, cleaned_blocks, load_steps
from speaksep_kernel.voices.diarization import Diarization

Float32 = NDArray[np.float32]

HEADROOM = 4.0
"""Restored peaks may rise to this many times the recording's own; the file holds them divided by it."""
DIAGNOSERS = ("clipping", "dc", "dnsmos", "hum", "level", "loudness", "noise")
"""What is measured before and after."""
SUPPRESSOR = "denoise"
"""The network hears through noise by itself, and a suppressor takes the softer of two voices for noise (measured: 3 to
9 dB of SI-SDR lost): it hears the recording without this step, and only single voices come out of what was denoised."""
MOST_FLAC_CHANNELS = 8
BITS = 24
BLOCK_S = 10


class CleanedCache(AnalysisCache):
    """A cleaned mixture, to be read like the recording's own.

    Parameters
    ----------
    given
        The mixture as recorded; closed together with this.
    entry
        What the manifest says of the cleaning.
    internal
        Directory with the file.

    Attributes
    ----------
    given
        The mixture as recorded: what the tracks and the residual add up to.

    Raises
    ------
    StoreError
        The file is missing, damaged or of another recording.
    """

    def __init__(self, given: AnalysisCache, entry: CleaningEntry, internal: Path) -> None:
        self.given = given
        path = internal / entry.file
        mixdown = given.mixdown
        weights = mixdown.weights if mixdown.kind == "apart" else (1.0,)
        scaled = Mixdown(mixdown.kind, tuple(weight * entry.headroom for weight in weights), mixdown.why)
        try:
            recording = Recording.open(path, limits=Limits(max_seconds=np.inf, max_rate_hz=655_350))
        except Exception as error:
            raise _damaged(path) from error
        if (recording.frames, recording.rate_hz, recording.channels) != (given.samples, given.rate_hz, len(weights)):
            raise _damaged(path)
        super().__init__(recording, scaled)
        self.recording = given.recording

    def close(self) -> None:
        """Delete the temporary files."""
        super().close()
        self.given.close()


def given_mixture(cache: AnalysisCache) -> AnalysisCache:
    """The mixture as it was recorded, cleaned or not."""
    return cache.given if isinstance(cache, CleanedCache) else cache


def against_given(blocks: Iterator[tuple[Float32, Float32]], cache: AnalysisCache) -> Iterator[tuple[Float32, Float32]]:
    """Rendered blocks beside the mixture as it was recorded, so that the residual takes what cleaning took.

    Where that is digital silence, so are the tracks.
    """
    if not isinstance(cache, CleanedCache):
        yield from blocks
        return
    at = 0
    for tracks, mixture in blocks:
        given = cache.given.read(at, at + len(mixture))
        at += len(mixture)
        yield tracks * sounding(given, cache.rate_hz), given


def clean_mixture(
    cache: AnalysisCache, plan: Plan, internal: Path, hook: ProgressHook
) -> tuple[AnalysisCache, CleaningEntry | None]:
    """Clean a recording as its plan says.

    Parameters
    ----------
    cache
        The recording.
    plan
        Its cleaning steps.
    internal
        Where the cleaned mixture is kept.
    hook
        Told "clean" in seconds.

    Returns
    -------
    cache
        The cleaned mixture, or the given one if there is nothing to do.
    entry
        For the manifest, without figures yet.

    Raises
    ------
    InputError, PluginError
        A cleaner that is unknown, misconfigured or breaks its contract.
    StoreError
        The disk is full.
    """
    if not plan.cleaning:
        return cache, None
    steps = load_steps(plan.cleaning, plan.cleaning_options, cache.recording.channels)
    headroom = HEADROOM * 2.0 ** np.ceil(np.log2(max(cache.peak, 1.0)))
    channels = cache.recording.channels if cache.mixdown.kind == "apart" else 1
    file = "cleaned.flac" if channels <= MOST_FLAC_CHANNELS else "cleaned.wav"
    _write(steps, cache, internal / file, float(headroom), channels, hook)
    entry = CleaningEntry(
        steps=tuple(
            CleaningStep(
                name=step.name,
                version=step.cleaners[0].info.version,
                options=dict(plan.cleaning_options.get(step.name, {})),
                learned=step.learned,
            )
            for step in steps
        ),
        file=file,
        headroom=float(headroom),
    )
    return CleanedCache(cache, entry, internal), entry


@contextmanager
def network_mixture(
    cache: AnalysisCache, cleaned: AnalysisCache, plan: Plan, internal: Path, hook: ProgressHook
) -> Iterator[AnalysisCache]:
    """What the network hears: the cleaned mixture, with its noise.

    Parameters
    ----------
    cache, cleaned
        The mixture as recorded, and with all steps of the plan.
    plan, internal, hook
        As for `clean_mixture`, whose errors may come from here too. Nothing is left in ``internal``.
    """
    rest = tuple(step for step in plan.cleaning if step != SUPPRESSOR)
    if SUPPRESSOR not in plan.cleaning or not rest:
        yield cache if SUPPRESSOR in plan.cleaning else cleaned
        return
    options = {step: plan.cleaning_options[step] for step in rest if step in plan.cleaning_options}
    with TemporaryDirectory(prefix=".network.", dir=internal) as place:
        noisy, _ = clean_mixture(cache, replace(plan, cleaning=rest, cleaning_options=options), Path(place), hook)
    try:
        yield noisy
    finally:
        AnalysisCache.close(noisy)  # and not the recording's own


def with_figures(
    entry: CleaningEntry, cache: AnalysisCache, diagnosis: Diagnosis, diarization: Diarization
) -> CleaningEntry:
    """The entry with what the diagnosers say of the recording and of the cleaned mixture.

    Parameters
    ----------
    cache
        The cleaned mixture.
    diagnosis
        Of the recording.
    diarization
        Who speaks when in both.
    """
    facts = replace(diagnosis.recording, channels=1, weights=(1.0,))
    context = Context(facts, diarization.turns, diarization.speakers, diarization.confidence)
    found = plugins.available("speaksep.diagnosers")
    panel: list[Diagnoser] = [plugins.get("speaksep.diagnosers", name)() for name in DIAGNOSERS if name in found]
    for diagnoser in panel:
        diagnoser.start(facts)
    step = BLOCK_S * cache.rate_hz
    for start in range(0, cache.samples, step):
        block = cache.read(start, start + step)[:, None]
        for diagnoser in panel:
            diagnoser.feed(block, start / cache.rate_hz)
    findings = [each for diagnoser in panel for each in diagnoser.finish(context)]
    figures = {
        each.code: Figure(before=diagnosis.value(each.code), after=each.value, unit=each.unit) for each in findings
    }
    return entry.model_copy(update={"figures": figures})


def _write(
    steps: tuple[Step, ...], cache: AnalysisCache, path: Path, headroom: float, channels: int, hook: ProgressHook
) -> None:
    full = 1 << (BITS - 1)
    container = "FLAC" if path.suffix == ".flac" else "RF64"
    try:
        with sf.SoundFile(path, "w", cache.rate_hz, channels, f"PCM_{BITS}", format=container) as file:
            for block in cleaned_blocks(steps, cache, hook):
                values = np.rint(block.astype(np.float64) * (full / headroom))
                file.write(np.clip(values, 1 - full, full - 1).astype(np.int32) << (32 - BITS))
    except (sf.LibsndfileError, OSError, AssertionError) as error:  # on a full disk soundfile asserts
        raise StoreError(
            f"cannot write {str(path)!r}: {error}",
            reason="store-failed",
            hint="free some space or choose another directory",
        ) from error


def _damaged(path: Path) -> StoreError:
    return StoreError(
        f"{str(path)!r}, the cleaned mixture, is missing or damaged",
        reason="store-damaged",
        hint="separate the recording again",
    )
