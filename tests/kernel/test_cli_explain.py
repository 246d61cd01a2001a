"""``--explain``: the plan's reasoning on the command line, as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import get_args

import pytest

from speaksep_kernel import pipeline
from speaksep_kernel.cli.app import main
from speaksep_kernel.cli.options import Quality
from speaksep_kernel.diagnosis import Diagnosis, Facts, Finding, plan
from speaksep_kernel.diagnosis.advice import Advice
from speaksep_kernel.errors import InputError
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


def test_measures_of_every_minute_are_one_line_of_text_and_all_in_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    minutes = tuple(
        Finding("dnsmos-minute", mos, "MOS", "info", "Rating of this minute.", ((60.0 * k, 60.0 * k + 60),))
        for k, mos in enumerate((2.5, 3.1, 2.25))
    )
    pair = tuple(Finding("overlap-pair", s, "s", "info", "Both.", ((0.0, s),), "", f"pair {s:g}") for s in (1.0, 2.0))
    found = replace(NOISY, findings=(*NOISY.findings, *minutes, *pair))
    monkeypatch.setattr(pipeline, "diagnose", lambda source, **choices: found)
    assert main(["diagnose", "a.wav"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "dnsmos-minute" in line] == [
        "  info     dnsmos-minute 2.25 to 3.1 MOS in 3 spans (--json has each): Rating of this minute."
    ]
    assert len([line for line in lines if "overlap-pair" in line]) == 2
    assert main(["diagnose", "a.wav", "--json"]) == 0
    assert [f["value"] for f in json.loads(capsys.readouterr().out)["findings"]] == [5.0, 2.5, 3.1, 2.25, 1.0, 2.0]


@pytest.mark.parametrize("words", [[], ["--quality", "fast"], ["--quality", "best"]], ids=["unasked", "fast", "best"])
def test_the_quality_asked_for_reaches_the_plan(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def separate(source: str, output: object, *, quality: str, **choices: object) -> None:
        asked.append(quality)
        raise InputError("enough", reason="enough")

    monkeypatch.setattr(pipeline, "separate", separate)
    assert main(["separate", "a.wav", "-o", "out", *words]) == 2
    assert asked == [*words[1:], "balanced"][:1]


def test_the_qualities_are_those_of_the_plan() -> None:
    assert tuple(each.value for each in Quality) == get_args(plan.Quality)
