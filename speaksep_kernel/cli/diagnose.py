"""``speaksep diagnose``: what is in a recording, and what would be done about it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

from speaksep_kernel.cli.bar import progress
from speaksep_kernel.cli.options import (
    ExplainOption,
    InputArgument,
    JsonOption,
    KnownOption,
    MaxSpeakersOption,
    MinSpeakersOption,
    QuietOption,
    SpeakersOption,
    speaker_choices,
)
from speaksep_kernel.cli.output import clock, print_json

if TYPE_CHECKING:
    from speaksep_kernel.diagnosis.report import Diagnosis, Finding


def diagnose(
    source: InputArgument,
    speakers: SpeakersOption = "auto",
    min_speakers: MinSpeakersOption = None,
    max_speakers: MaxSpeakersOption = None,
    known: KnownOption = None,
    explain: ExplainOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Say what is in a recording and what to do about it."""
    people = speaker_choices(speakers, min_speakers, max_speakers, known)

    from speaksep_kernel import pipeline

    with progress(quiet=quiet) as hook:
        diagnosis = pipeline.diagnose(source, hook=hook, **people)
    plan = pipeline.plan(diagnosis, **people) if explain else None
    if as_json:
        print_json(diagnosis.to_dict() | ({"plan": plan.to_dict()} if plan else {}))
        return
    typer.echo(describe(diagnosis))
    if plan:
        typer.echo("\nThe plan, and why:\n" + plan.explain())


def describe(diagnosis: Diagnosis) -> str:
    """A diagnosis as text for a terminal."""
    facts = diagnosis.recording
    channels = "mono" if facts.channels == 1 else f"{facts.channels} channels"
    lines = [
        f"{facts.name}: {clock(facts.seconds)}, {facts.rate_hz} Hz, {channels}, {facts.format} {facts.subtype}",
        (
            f"{diagnosis.speakers} speaker{'' if diagnosis.speakers == 1 else 's'} "
            f"(confidence {diagnosis.speaker_confidence:.0%}), speech {diagnosis.speech_ratio:.0%}, "
            f"of it overlapped {diagnosis.overlap_ratio:.0%}"
        ),
        *(line for alike in _alike(diagnosis.findings) for line in (_finding if len(alike) == 1 else _folded)(*alike)),
    ]
    return "\n".join(lines)


def _alike(findings: Iterable[Finding]) -> list[tuple[Finding, ...]]:
    """Findings in their order, with those that say no more than how a measure varies over time put together."""
    groups: dict[object, tuple[Finding, ...]] = {}
    for finding in findings:
        varies = finding.severity == "info" and finding.spans and not finding.subject
        key = (finding.code, finding.why) if varies and isinstance(finding.value, int | float) else id(finding)
        groups[key] = (*groups.get(key, ()), finding)
    return list(groups.values())


def _folded(*findings: Finding) -> list[str]:
    first, values = findings[0], [float(finding.value or 0) for finding in findings]
    what = f"{first.code} {min(values):.4g} to {max(values):.4g} {first.unit} in {len(values)} spans"
    return [f"  {first.severity:<8} {what} (--json has each): {first.why}"]


def _finding(finding: Finding) -> list[str]:
    from speaksep_kernel.diagnosis.advice import sentence

    value = f"{finding.value:.4g}" if isinstance(finding.value, float) else str(finding.value)
    what = " ".join(part for part in (finding.code, finding.subject, value, finding.unit) if part)
    lines = [f"  {finding.severity:<8} {what}: {finding.why}"]
    if finding.advice:
        lines.append(f"  {'':8} → {sentence(finding.advice)}")
    return lines
