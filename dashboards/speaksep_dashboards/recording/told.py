"""A diagnosis and a separation in the words and numbers of the page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import isfinite
from typing import Any

from speaksep_kernel.diagnosis.advice import sentence
from speaksep_kernel.diagnosis.report import Diagnosis, Finding
from speaksep_kernel.results.picture import COLOURS
from speaksep_kernel.results.values import Separation
from speaksep_kernel.voices.overlaps import overlap_map
from speaksep_kernel.voices.turns import Turn

MOST_SPANS = 500
"""Of one finding; more cannot be told apart."""


def diagnosis(found: Diagnosis) -> dict[str, Any]:
    """What is in the recording, findings worst first."""
    facts = found.recording
    return {
        "recording": {
            name: getattr(facts, name)
            for name in ("name", "seconds", "rate_hz", "channels", "format", "subtype", "mixture_why")
        },
        "speakers": found.speakers,
        "speaker_confidence": found.speaker_confidence,
        "speech_ratio": found.speech_ratio,
        "overlap_ratio": found.overlap_ratio,
        "findings": [_finding(each) for each in found.findings],
    }


def _finding(found: Finding) -> dict[str, Any]:
    told = found.to_dict()
    return told | {
        "value": _finite(found.value),
        "advice": sentence(found.advice),
        "spans": [[round(a, 3), round(b, 3)] for a, b in found.spans[:MOST_SPANS]],
    }


def _finite(value: float | str | None) -> float | str | None:
    """What JSON can hold: a plugin may have measured something else."""
    return None if isinstance(value, float) and not isfinite(value) else value


def spoken(separation: Separation | None, turns: Sequence[Turn]) -> dict[str, Any]:
    """Who speaks: ``speakers``, ``turns`` as [start_s, end_s, number, confidence], ``overlaps`` as [start_s, end_s,
    [number, …]], and ``pairs``: for how long which two speak at once, and how often.
    """
    overlaps = overlap_map(turns)
    together: dict[tuple[int, int], list[float]] = defaultdict(list)
    for each in overlaps:
        for k, a in enumerate(each.speakers):
            for b in each.speakers[k + 1 :]:
                together[a, b].append(each.seconds)
    return {
        "speakers": _speakers(separation, turns),
        "turns": [[round(t.start_s, 3), round(t.end_s, 3), t.speaker, round(t.confidence, 3)] for t in turns],
        "overlaps": [[round(each.start_s, 3), round(each.end_s, 3), list(each.speakers)] for each in overlaps],
        "pairs": [[a, b, round(sum(times), 3), len(times)] for (a, b), times in sorted(together.items())],
    }


def _speakers(separation: Separation | None, turns: Sequence[Turn]) -> list[dict[str, Any]]:
    known: list[tuple[int, str, str | None, float, float | None]]
    if separation is not None:
        known = [(t.speaker, t.label, t.name, t.seconds, t.confidence) for t in separation.tracks]
        entries = {entry.label: entry for entry in separation.manifest.speakers}
    else:
        numbers = sorted({turn.speaker for turn in turns})
        known = [(n, f"speaker_{n}", None, sum(t.seconds for t in turns if t.speaker == n), None) for n in numbers]
        entries = {}
    return [
        {
            "label": label,
            "number": number,
            "name": name,
            "named": None if name is None else "hand" if entries[label].renamed else "voice",
            "score": entries[label].score if label in entries else None,
            "colour": COLOURS[(number - 1) % len(COLOURS)],
            "seconds": round(seconds, 3),
            "confidence": confidence,
            "turns": sum(turn.speaker == number for turn in turns),
        }
        for number, label, name, seconds, confidence in known
    ]


def cleaning(separation: Separation) -> dict[str, Any] | None:
    """What cleaning did: its steps, and what was measured before and after."""
    entry = separation.manifest.cleaning
    if entry is None:
        return None
    return {
        "steps": [step.name for step in entry.steps],
        "figures": [
            {"code": code, "before": _finite(each.before), "after": _finite(each.after), "unit": each.unit}
            for code, each in entry.figures.items()
        ],
    }


def provenance(separation: Separation) -> dict[str, Any]:
    """How the result was made."""
    manifest = separation.manifest
    return {
        "separator": f"{manifest.model.separator} {manifest.model.version}",
        "network": manifest.model.used,
        "reasons": list(separation.plan.reasons) if separation.plan else [],
        "corrections": manifest.edits.position if manifest.edits else 0,
        "compute_s": round(sum(manifest.timings.values()), 1),
        "versions": {name: manifest.versions[name] for name in ("speaksep", "torch") if name in manifest.versions},
        "sha256": manifest.input.sha256,
        "parameters": {
            name: value
            for name, value in manifest.parameters.items()
            if isinstance(value, str | int | float) and name != "book"
        },
    }
