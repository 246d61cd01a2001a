"""What a result says in a few figures: enough to list it among thousands without opening its files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from speaksep_kernel.diagnosis.finding import SEVERITIES
from speaksep_kernel.results.directory import MANIFEST

DIAGNOSIS = "diagnosis.json"
CODES = {"mos": "dnsmos", "snr_db": "snr", "gain_db": "expected-gain", "reverberation_s": "reverberation"}
"""Measures that are values of findings. Of several findings the least value counts."""


def measured(place: Path) -> dict[str, Any] | None:
    """Measures of what a job published.

    Parameters
    ----------
    place
        Its folder: the manifest of a separation, or a diagnosis, lies one level below.

    Returns
    -------
    As `measures_of`; None if there is no such file, or more than one, or one that only others can read.
    """
    found = sorted(place.glob(f"*/{MANIFEST}")) or sorted(place.glob(f"*/{DIAGNOSIS}"))
    if len(found) != 1:
        return None
    try:
        measures = measures_of(json.loads(found[0].read_bytes()))
        json.dumps(measures, allow_nan=False)  # a job that is done must not fail by what somebody else wrote
        return measures
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def measures_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """Measures of a separation or of a diagnosis.

    Parameters
    ----------
    told
        A manifest, or `Diagnosis.to_dict`, as JSON.

    Returns
    -------
    ``name`` and ``sound_s`` of the recording; ``speakers``, ``speech_ratio`` and ``overlap_ratio``; ``confidence``, of
    the least certain track, or of the number of speakers where nothing was separated; ``severity``, the worst;
    ``findings``, codes of those worth a notice, worst first, and ``warnings``, how many of them want something done;
    and those of `CODES`. What was not measured is None.

    Raises
    ------
    KeyError, TypeError, AttributeError, ValueError
        It is neither.
    """
    diagnosis: Mapping[str, Any] = told.get("diagnosis", told)
    tracks: list[Mapping[str, Any]] | None = told["speakers"] if "diagnosis" in told else None
    findings = sorted(diagnosis["findings"], key=lambda each: -SEVERITIES.index(each["severity"]))
    codes = [each["code"] for each in findings if each["severity"] != SEVERITIES[0]]
    alarming = [each for each in findings if each["severity"] in SEVERITIES[2:]]
    certain = [diagnosis["speaker_confidence"]] if tracks is None else [each["confidence"] for each in tracks]
    return {
        "name": str(diagnosis["recording"]["name"]),
        "sound_s": round(diagnosis["recording"]["seconds"], 3),
        "speakers": diagnosis["speakers"] if tracks is None else len(tracks),
        "speech_ratio": round(diagnosis["speech_ratio"], 4),
        "overlap_ratio": round(diagnosis["overlap_ratio"], 4),
        "confidence": round(min(certain), 3) if certain else None,
        "severity": findings[0]["severity"] if findings else SEVERITIES[0],
        "warnings": len(alarming),
        "findings": list(dict.fromkeys(codes)),
        **{name: _least(findings, code) for name, code in CODES.items()},
    }


def _least(findings: Iterable[Mapping[str, Any]], code: str) -> float | None:
    values = [each["value"] for each in findings if each["code"] == code]
    return min((float(value) for value in values if isinstance(value, int | float)), default=None)
