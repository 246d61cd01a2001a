"""``--explain``: the plan's reasoning on the command line, as text and as JSON."""

from __future__ import annotations

import json

import pytest

from speaksep_kernel import pipeline
from speaksep_kernel.cli.app import main
from speaksep_kernel.diagnosis import Diagnosis, Facts, Finding
from speaksep_kernel.diagnosis.advice import Advice
from speaksep_kernel.voices.turns import Turn

NOISY = Diagnosis(
    recording=Facts("a.wav", "00", 600.0, 16000, 1, "WAV", "PCM_16", 16, "mono", (1.0,), "One channel."),
    findings=(Finding("snr", 5.0, "dB", "warning", "Noisy.", advice=Advice.CLEAN_DENOISE),),
    speakers=2,
    speaker_confidence=0.9,
    speech_ratio=0.9,
    overlap_ratio=0.1,
    overlap_spans=((4.0, 5.0),),
    turns=(Turn(0, 5, 1), Turn(4, 9, 2)),
)


@pytest.fixture(autouse=True)
def _heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "diagnose", lambda source, **choices: NOISY)


def test_the_reasoning_is_printed_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", "a.wav", "--explain"]) == 0
    said = capsys.readouterr().out
    assert "The plan, and why:\n- 2 speakers, decided by the recording" in said
    assert "denoise would help" in said


def test_it_is_not_printed_unasked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", "a.wav"]) == 0
    assert "The plan" not in capsys.readouterr().out


def test_as_json_the_plan_comes_along(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", "a.wav", "--explain", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["plan"]["offered"] == ["denoise"]
    assert "plan" not in Diagnosis.from_dict({k: v for k, v in said.items() if k != "plan"}).to_dict()
