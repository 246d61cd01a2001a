"""Diagnose a recording: one pass over its samples feeds every installed diagnoser."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from speaksep_kernel import plugins
from speaksep_kernel.diagnosis.protocol import Context, Diagnoser
from speaksep_kernel.diagnosis.report import Diagnosis, Facts, Finding, by_severity
from speaksep_kernel.progress import ProgressHook, silent
from speaksep_kernel.recording import AnalysisCache, Mixdown, Recording

if TYPE_CHECKING:
    from speaksep_kernel.voices.diarization import Diarization

BLOCK_S = 10.0


def diagnose_recording(
    recording: Recording,
    cache: AnalysisCache,
    diarization: Diarization,
    hook: ProgressHook = silent,
    *,
    diagnosers: Iterable[type[Diagnoser]] | None = None,
) -> Diagnosis:
    """Find out what is in a recording and what to do about it.

    Parameters
    ----------
    recording
        What to diagnose; read once, by block.
    cache
        Its cache, for the choice of mixture.
    diarization
        Who speaks when in it.
    hook
        Told stage "diagnose", in seconds.
    diagnosers
        Classes to use; every installed plugin of ``speaksep.diagnosers`` by default.

    Raises
    ------
    InputError
        The recording is damaged.

    Notes
    -----
    A diagnoser that fails costs its own findings and a ``RuntimeWarning``, nothing else.
    """
    facts = recording_facts(recording, cache.mixdown)
    panel = _Panel(installed() if diagnosers is None else diagnosers)
    panel.ask(lambda diagnoser: diagnoser.start(facts))
    done = 0
    hook("diagnose", 0.0, recording.seconds)
    for block in recording.blocks(BLOCK_S):
        start_s = done / recording.rate_hz
        panel.ask(lambda diagnoser, block=block, start_s=start_s: diagnoser.feed(block, start_s))  # type: ignore[misc]
        done += len(block)
        hook("diagnose", done / recording.rate_hz, recording.seconds)
    context = Context(
        facts=facts,
        turns=diarization.turns,
        speakers=diarization.speakers,
        speaker_confidence=diarization.confidence,
        phantoms=diarization.phantoms,
        relations=cache.mixdown.relations,
    )
    findings: list[Finding] = []
    panel.ask(lambda diagnoser: findings.extend(diagnoser.finish(context)), lambda each: not _comes_last(each))
    informed = replace(context, findings=tuple(findings))
    panel.ask(lambda diagnoser: findings.extend(diagnoser.finish(informed)), _comes_last)
    return Diagnosis(
        recording=facts,
        findings=by_severity(findings),
        speakers=context.speakers,
        speaker_confidence=context.speaker_confidence,
        speech_ratio=context.speech_ratio,
        overlap_ratio=context.overlap_ratio,
        overlap_spans=context.overlap_spans,
        turns=context.turns,
    )


def installed() -> list[type[Diagnoser]]:
    """Every diagnoser that can be used, by name."""
    found = plugins.available("speaksep.diagnosers").items()
    ready = (name for name, plugin in found if isinstance(plugin, plugins.Loaded) and not plugin.missing)
    return [plugins.usable("speaksep.diagnosers", name) for name in ready]


def recording_facts(recording: Recording, mixdown: Mixdown) -> Facts:
    """The facts of a recording and its mixture."""
    return Facts(
        name=recording.name,
        sha256=recording.sha256,
        seconds=recording.seconds,
        rate_hz=recording.rate_hz,
        channels=recording.channels,
        format=recording.format,
        subtype=recording.subtype,
        bit_depth=recording.bit_depth,
        mixture=mixdown.kind,
        weights=mixdown.weights,
        mixture_why=mixdown.why,
    )


def _comes_last(diagnoser: Diagnoser) -> bool:
    return bool(getattr(diagnoser, "needs_findings", False))


class _Panel:
    """Diagnosers at work; one that fails is sent home."""

    def __init__(self, classes: Iterable[type[Diagnoser]]) -> None:
        self._diagnosers: list[Diagnoser] = []
        for cls in classes:
            with self._sent_home_if_it_fails(cls.info.name):
                self._diagnosers.append(cls())

    def ask(self, question: Callable[[Diagnoser], None], whom: Callable[[Diagnoser], bool] = lambda each: True) -> None:
        for diagnoser in filter(whom, list(self._diagnosers)):
            with self._sent_home_if_it_fails(diagnoser.info.name):
                question(diagnoser)

    @contextmanager
    def _sent_home_if_it_fails(self, name: str) -> Iterator[None]:
        try:
            yield
        except Exception as fault:  # a stranger's code
            self._diagnosers = [each for each in self._diagnosers if each.info.name != name]
            warnings.warn(f"diagnoser {name!r} failed: {type(fault).__name__}: {fault}", RuntimeWarning, stacklevel=5)
