"""What a result says in a few figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from speaksep_kernel.results.measures import measured, measures_of


def finding(code: str, value: object, severity: str = "info") -> dict[str, Any]:
    return {"code": code, "value": value, "severity": severity}


DIAGNOSIS: dict[str, Any] = {
    "recording": {"name": "talk.wav", "seconds": 12.00049},
    "findings": [
        finding("hum", -40.0, "notice"),
        finding("clipping", 0.01, "warning"),
        finding("hum", -60.0, "notice"),
        finding("dnsmos", 3.1),
        finding("snr", None),
        finding("expected-gain", 6.0),
        finding("expected-gain", 4.5),
    ],
    "speakers": 3,
    "speaker_confidence": 0.71,
    "speech_ratio": 0.9,
    "overlap_ratio": 0.33333333,
}
TRACKS = [{"confidence": 0.9}, {"confidence": 0.62}]


def test_a_diagnosis_in_figures():
    assert measures_of(DIAGNOSIS) == {
        "name": "talk.wav",
        "sound_s": 12.0,
        "speakers": 3,
        "speech_ratio": 0.9,
        "overlap_ratio": 0.3333,
        "confidence": 0.71,
        "severity": "warning",
        "warnings": 1,
        "findings": ["clipping", "hum"],
        "mos": 3.1,
        "snr_db": None,
        "gain_db": 4.5,
        "reverberation_s": None,
    }


def test_a_separation_counts_its_tracks_and_doubts_the_worst():
    found = measures_of({"diagnosis": DIAGNOSIS, "speakers": TRACKS})
    assert (found["speakers"], found["confidence"]) == (2, 0.62)


def test_nobody_speaks():
    silent = DIAGNOSIS | {"findings": [], "speakers": 0, "speech_ratio": 0.0, "overlap_ratio": 0.0}
    found = measures_of({"diagnosis": silent, "speakers": []})
    assert (found["speakers"], found["confidence"], found["severity"], found["findings"]) == (0, None, "info", [])


@pytest.mark.parametrize("name", ["manifest.json", "diagnosis.json"])
def test_what_a_job_published_is_found(tmp_path: Path, name: str):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text(json.dumps(DIAGNOSIS))
    assert measured(tmp_path) == measures_of(DIAGNOSIS)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{}", '{"diagnosis": null}', json.dumps(DIAGNOSIS | {"speech_ratio": float("nan")})],
    ids=["empty", "list", "null", "nothing", "half", "not-a-number"],
)
def test_what_somebody_else_wrote_has_none_and_fails_nothing(tmp_path: Path, text: str):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "manifest.json").write_text(text)
    assert measured(tmp_path) is None


def test_of_several_results_none_is_the_jobs(tmp_path: Path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(json.dumps(DIAGNOSIS))
    assert measured(tmp_path) is None
