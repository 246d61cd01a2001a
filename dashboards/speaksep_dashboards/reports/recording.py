"""The report of one recording: what is in it, who spoke when, what each sounds like, and where it comes from."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from speaksep_dashboards.reports.excerpts import clock, excerpts
from speaksep_dashboards.reports.pictures import COLUMNS, Bars, Lane, WhoSpokeWhen, waveform
from speaksep_dashboards.reports.provenance import provenance
from speaksep_dashboards.reports.values import Part, Report, Section, Table, Words
from speaksep_kernel.diagnosis.advice import sentence
from speaksep_kernel.diagnosis.report import Diagnosis, Finding
from speaksep_kernel.errors import SpeakSepError
from speaksep_kernel.results.manifest import CleaningEntry
from speaksep_kernel.results.values import Separation
from speaksep_kernel.results.write import MIXTURE, RESIDUAL
from speaksep_kernel.voices.overlaps import overlap_map
from speaksep_kernel.voices.turns import Turn
from speaksep_widgets.lanes import Lanes

MOST_ROWS = 200
"""Turns that are listed; a meeting of hours has thousands, and its RTTM has them all."""


def of_separation(
    separation: Separation, *, sound: bool = True, title: str = "", made_at: float | None = None
) -> Report:
    """Everything about a separated recording.

    Parameters
    ----------
    separation
        What it is about.
    sound
        With excerpts to listen to.
    title
        The recording's name, if left out.
    made_at
        Seconds since 1970; now, if ``None``.
    """
    diagnosis = separation.diagnosis
    heard = excerpts(separation) if sound and separation.tracks else ()
    sections = (
        _findings(diagnosis),
        Section("Who spoke when", (*lanes_picture(separation, _LANES), *_speakers(separation), *_turns(separation))),
        *([Section("Listen", (Words(_LISTEN), *heard))] if heard else []),
        *([_cleaning(separation.manifest.cleaning)] if separation.manifest.cleaning else []),
        *([_plan(separation)] if separation.plan else []),
        _measurements(diagnosis),
        provenance(separation.manifest),
    )
    return Report(
        title or diagnosis.recording.name,
        _lead(diagnosis),
        _numbers(diagnosis),
        sections,
        time.time() if made_at is None else made_at,
    )


def of_diagnosis(diagnosis: Diagnosis, *, title: str = "", made_at: float | None = None) -> Report:
    """What was found in a recording that was not separated; parameters as of `of_separation`."""
    names = {turn.speaker: f"speaker {turn.speaker}" for turn in diagnosis.turns}
    alone = _spoken(diagnosis.turns, names)
    sections = (
        _findings(diagnosis),
        *([Section("Who spoke how much", (alone,))] if alone else []),
        _measurements(diagnosis),
    )
    return Report(
        title or diagnosis.recording.name,
        _lead(diagnosis),
        _numbers(diagnosis),
        sections,
        time.time() if made_at is None else made_at,
    )


_LANES = "Above the recording, below what each speaker said in it (their turns are shaded), last what is nobody's."
_LISTEN = "Short pieces: the recording, and one speaker alone in the same seconds, where somebody talked over them."


def _lead(diagnosis: Diagnosis) -> str:
    facts = diagnosis.recording
    channels = {1: "mono", 2: "stereo"}.get(facts.channels, f"{facts.channels} channels")
    return (
        f"{clock(facts.seconds)} · {facts.rate_hz / 1000:g} kHz · {channels} · {facts.format} {facts.subtype}".strip()
    )


def _numbers(diagnosis: Diagnosis) -> tuple[tuple[str, str], ...]:
    people = f"speaker{'' if diagnosis.speakers == 1 else 's'}, {diagnosis.speaker_confidence:.0%} sure"
    return (
        (str(diagnosis.speakers), people),
        (f"{diagnosis.speech_ratio:.0%}", "of the time somebody speaks"),
        (f"{diagnosis.overlap_ratio:.0%}", "of the speech overlaps"),
    )


def _findings(diagnosis: Diagnosis) -> Section:
    shown = [finding for finding in diagnosis.findings if finding.severity != "info"]
    remarks = tuple(
        Words(" ".join(filter(None, (finding.why, sentence(finding.advice)))), finding.severity, _title(finding))
        for finding in shown
    )
    nobody = (Words("Nobody speaks in this recording: there are no tracks, and all of it is in the residual."),)
    quiet = (Words("Nothing needs attention."),)
    return Section("What was found", (*(() if diagnosis.speakers else nobody), *(remarks or quiet)))


def _title(finding: Finding) -> str:
    where = ", ".join(f"{clock(start)}–{clock(end)}" for start, end in finding.spans[:3])
    more = f" and {len(finding.spans) - 3} more" if len(finding.spans) > 3 else ""
    return " · ".join(filter(None, (finding.code, finding.subject, _value(finding), where + more)))


def _value(finding: Finding) -> str:
    if finding.value is None:
        return ""
    if finding.unit == "ratio":
        return f"{100 * float(finding.value):.3g} %"
    value = f"{finding.value:.4g}" if isinstance(finding.value, float) else str(finding.value)
    return f"{value} {finding.unit}".strip()


def lanes_picture(separation: Separation, caption: str) -> tuple[Part, ...]:
    """The figure of who spoke when, or why there is none."""
    try:
        lanes = Lanes(separation)
        drawn = [Lane("recording", _wave(lanes, MIXTURE))]
        for track in separation.tracks:
            turns = tuple(turn for turn in separation.turns if turn.speaker == track.speaker)
            drawn.append(Lane(track.name or track.label, _wave(lanes, track.label), turns, track.speaker - 1))
        drawn.append(Lane(RESIDUAL, _wave(lanes, RESIDUAL)))
    except (SpeakSepError, OSError) as error:
        return (Words(f"The sound cannot be read: {error}", "warning", "no figure"),)
    who = [f"{track.name or track.label} {track.seconds:.1f} s" for track in separation.tracks]
    alt = f"Waveforms and turns: {', '.join(who) or 'nobody speaks'}; {len(separation.turns)} turns in all."
    return (WhoSpokeWhen(caption, alt, lanes.seconds, tuple(drawn)),)


def _wave(lanes: Lanes, lane: str) -> NDArray[np.float32]:
    measured = 0.0
    while measured < 1.0:  # an older result's are measured now, which a thread does
        peaks, measured = lanes.peaks(lane, 0.0, max(lanes.seconds, 1 / lanes.rate_hz), COLUMNS)
    return waveform(peaks)


def _speakers(separation: Separation) -> tuple[Part, ...]:
    entries = {entry.label: entry for entry in separation.manifest.speakers}
    identified = any(entry.score is not None for entry in entries.values())
    columns = ("speaker", "speaks for", "turns", "confidence", *(["score of the name"] if identified else []))
    rows = []
    for track in separation.tracks:
        entry = entries[track.label]
        score = "–" if entry.score is None else f"{entry.score:.2f}"
        turns = sum(turn.speaker == track.speaker for turn in separation.turns)
        told = (track.name or track.label, f"{track.seconds:.1f} s", str(turns), f"{track.confidence:.0%}")
        rows.append((*told, score) if identified else told)
    if not rows:
        return ()
    names = {track.speaker: track.name or track.label for track in separation.tracks}
    table = Table("Speakers", columns, tuple(rows))
    spoken = _spoken(separation.turns, names)
    return (table, *([spoken] if spoken else []), *_pairs(separation, names))


def _spoken(turns: tuple[Turn, ...], names: dict[int, str]) -> Bars | None:
    if not names:
        return None
    own = {speaker: sum(turn.seconds for turn in turns if turn.speaker == speaker) for speaker in names}
    both = dict.fromkeys(names, 0.0)
    for overlap in overlap_map(turns):
        for speaker in overlap.speakers:
            both[speaker] = both.get(speaker, 0.0) + overlap.seconds
    alone = tuple(max(0.0, own[speaker] - both[speaker]) for speaker in names)
    overlapped = tuple(both[speaker] for speaker in names)
    told = "; ".join(
        f"{names[speaker]}: {own[speaker]:.1f} s, {both[speaker]:.1f} s of it overlapped" for speaker in names
    )
    parts = (("alone", alone), ("while others speak", overlapped))
    return Bars("How long each speaker speaks.", told, tuple(names.values()), parts, "seconds")


def _pairs(separation: Separation, names: dict[int, str]) -> tuple[Part, ...]:
    seconds: dict[tuple[int, ...], list[float]] = {}
    for overlap in separation.overlap_map():
        seconds.setdefault(overlap.speakers, []).append(overlap.seconds)
    rows = [
        (
            " and ".join(names.get(speaker, f"speaker_{speaker}") for speaker in group),
            f"{sum(each):.1f} s",
            str(len(each)),
        )
        for group, each in sorted(seconds.items(), key=lambda item: -sum(item[1]))
    ]
    return (Table("Who talks over whom", ("speakers", "together", "times"), tuple(rows)),) if rows else ()


def _turns(separation: Separation) -> tuple[Part, ...]:
    names = {track.speaker: track.name or track.label for track in separation.tracks}
    rows = tuple(
        (
            clock(turn.start_s),
            clock(turn.end_s),
            names.get(turn.speaker, f"speaker_{turn.speaker}"),
            f"{turn.confidence:.0%}",
            "yes" if turn.overlapped else "",
        )
        for turn in separation.turns[:MOST_ROWS]
    )
    if not rows:
        return ()
    more = f", the first {MOST_ROWS} of {len(separation.turns)}" if len(separation.turns) > MOST_ROWS else ""
    return (Table(f"Turns{more}", ("from", "to", "speaker", "confidence", "overlapped"), rows),)


def _cleaning(cleaning: CleaningEntry) -> Section:
    steps = ", ".join(step.name for step in cleaning.steps)
    rows = tuple(
        (code, _figure(figure.before, figure.unit), _figure(figure.after, figure.unit))
        for code, figure in cleaning.figures.items()
        if figure.before != figure.after
    )
    table = (Table("What cleaning changed", ("measure", "before", "after"), rows),) if rows else ()
    return Section("Cleaned", (Words(f"With {steps}; what was taken away is in the residual."), *table))


def _figure(value: float | str | None, unit: str) -> str:
    if value is None:
        return "none"
    return f"{value if isinstance(value, str) else f'{value:.3g}'} {unit}".strip()


def _plan(separation: Separation) -> Section:
    reasons = separation.plan.reasons if separation.plan else ()
    return Section("What was done, and why", tuple(map(Words, reasons)))


def _measurements(diagnosis: Diagnosis) -> Section:
    rows = tuple(
        (" · ".join(filter(None, (each.code, each.subject))), _value(each) or "–", each.why)
        for each in sorted(diagnosis.findings, key=lambda each: each.code)
    )
    words = () if rows else (Words("Nothing was measured."),)
    return Section("All measurements", words or (Table("By code", ("measure", "value", "what it means"), rows),))
