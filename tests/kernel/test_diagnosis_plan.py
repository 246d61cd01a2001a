"""The plan follows the advice, explains itself and refuses the impossible."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from speaksep_kernel.diagnosis import Diagnosis, Facts, Finding, Plan, make_plan
from speaksep_kernel.diagnosis.advice import Advice
from speaksep_kernel.errors import InputError
from speaksep_kernel.plugins import Loaded, PluginInfo
from speaksep_kernel.voices.turns import Turn

QUIET = Diagnosis(
    recording=Facts("a.wav", "00", 600.0, 16000, 1, "WAV", "PCM_16", 16, "mono", (1.0,), "One channel."),
    findings=(),
    speakers=2,
    speaker_confidence=0.87,
    speech_ratio=0.9,
    overlap_ratio=0.0,
    turns=(Turn(0, 5, 1), Turn(6, 9, 2)),
)
TALKED_OVER = replace(QUIET, overlap_ratio=0.1, overlap_spans=((4.0, 5.0), (100.0, 130.0)))
NOISY = replace(
    TALKED_OVER,
    findings=(
        Finding("snr", 5.0, "dB", "warning", "Noisy.", advice=Advice.CLEAN_DENOISE),
        Finding("dc", 0.1, "FS", "notice", "Offset.", advice=Advice.CLEAN_DC),
    ),
)


def plan(diagnosis: Diagnosis, **choices: Any) -> Plan:
    return make_plan(diagnosis, **{"separator": "file", "device": "cpu", **choices})


def test_no_overlap_needs_no_network() -> None:
    chosen = plan(QUIET)
    assert "without a network" in chosen.explain()
    assert chosen.predicted_seconds < plan(TALKED_OVER).predicted_seconds


def test_overlap_is_separated_and_counted() -> None:
    assert "file separates the 2 places where people overlap (10 % of the speech)" in plan(TALKED_OVER).explain()


def test_one_speaker_per_channel_needs_no_network() -> None:
    apart = replace(TALKED_OVER, recording=replace(QUIET.recording, channels=2, mixture="apart", weights=(0.5, 0.5)))
    assert "Each channel holds its own speaker" in plan(apart).explain()


def test_nobody_speaks() -> None:
    assert "No track: nobody speaks" in plan(replace(QUIET, speakers=0, turns=())).explain()


@pytest.mark.parametrize("clean", [None, False])
def test_cleaning_is_offered_but_off(clean: bool | None) -> None:
    chosen = plan(NOISY, clean=clean)
    assert (chosen.cleaning, chosen.offered) == ((), ("dc", "denoise"))
    assert "dc, denoise would help: it is applied only on request" in chosen.explain()


def test_cleaning_without_a_cleaner_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speaksep_kernel.plugins.available", lambda group: {})
    monkeypatch.setattr("speaksep_kernel.plugins.get", lambda group, name: Cleaner)
    with pytest.raises(InputError, match="no cleaner is installed for dc, denoise") as caught:
        plan(NOISY, clean=True)
    assert caught.value.reason == "no-cleaner"


class Cleaner:
    """What an installed plugin looks like."""

    info = PluginInfo(name="denoise", version="1", summary="")


def test_cleaning_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    cleaners = {name: Loaded(Cleaner.info, Cleaner, "somebody's") for name in ("dc", "denoise")}
    monkeypatch.setattr("speaksep_kernel.plugins.available", lambda group: cleaners)
    monkeypatch.setattr("speaksep_kernel.plugins.get", lambda group, name: Cleaner)
    assert plan(NOISY, clean=True).cleaning == ("dc", "denoise")


def test_cleaning_by_name_needs_no_advice() -> None:
    chosen = plan(NOISY, clean=("hum", "declip", "hum"))
    assert (chosen.cleaning, chosen.offered) == (("declip", "hum"), ("dc", "denoise"))
    assert "Cleaning with declip, hum, as asked." in chosen.explain()


def test_loudness_is_left_to_the_export() -> None:
    quiet = replace(QUIET, findings=(Finding("loudness", -50.0, "LUFS", "notice", "", advice=Advice.CLEAN_LOUDNESS),))
    chosen = plan(quiet, clean=True)
    assert (chosen.cleaning, chosen.offered) == ((), ("loudness",))
    assert "on export" in chosen.explain()


@pytest.mark.parametrize(
    ("choices", "reason"),
    [
        ({"clean": ("dc", "polish")}, "unknown-cleaner"),
        ({"clean": ("dc",), "cleaning_options": {"hum": {"mains_hz": 50}}}, "unused-options"),
        ({"clean": ("hum",), "cleaning_options": {"hum": {"mains": 50}}}, "unknown-option"),
    ],
    ids=["unknown", "options-of-another", "unknown-option"],
)
def test_wrong_cleaning_is_refused(choices: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError) as caught:
        plan(QUIET, **choices)
    assert caught.value.reason == reason


def test_a_plan_with_cleaning_survives_json() -> None:
    chosen = plan(QUIET, clean=("hum",), cleaning_options={"hum": {"mains_hz": 60}})
    assert Plan.from_dict(json.loads(json.dumps(chosen.to_dict()))) == chosen


def test_nothing_to_clean_needs_no_cleaner() -> None:
    assert "No cleaning: nothing asks for it." in plan(QUIET, clean=True).explain()


@pytest.mark.parametrize(("speakers", "number"), [(None, None), ("auto", None), (1, 1), (20, 20)])
def test_number_of_speakers(speakers: Any, number: int | None) -> None:
    assert plan(QUIET, speakers=speakers).speakers == number


@pytest.mark.parametrize(
    ("choices", "reason"),
    [
        ({"speakers": 0}, "bad-speakers"),
        ({"speakers": -1}, "bad-speakers"),
        ({"speakers": 99}, "bad-speakers"),
        ({"speakers": 2.5}, "bad-speakers"),
        ({"speakers": True}, "bad-speakers"),
        ({"speakers": "two"}, "bad-speakers"),
        ({"min_speakers": 3, "max_speakers": 2}, "bad-speakers"),
        ({"separator": "nothing"}, "unknown-separator"),
        ({"device": "tpu"}, "unknown-device"),
        ({"quality": "superb"}, "unknown-quality"),
    ],
    ids=str,
)
def test_the_impossible_is_refused(choices: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError) as caught:
        plan(QUIET, **choices)
    assert caught.value.reason == reason


def test_what_is_asked_is_said_beside_what_was_heard() -> None:
    assert "3 speakers, as asked; the diagnosis heard 2." in plan(QUIET, speakers=3).explain()
    assert "2 speakers, decided by the recording (87 % sure)." in plan(QUIET).explain()


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_device(device: str) -> None:
    assert plan(QUIET, device=device).device in ("cpu", "cuda")


def test_quality_costs_time() -> None:
    seconds = [plan(TALKED_OVER, quality=quality).predicted_seconds for quality in ("fast", "balanced", "best")]
    assert seconds == sorted(seconds)
    assert len(set(seconds)) == 3


def test_memory_hardly_grows_with_length() -> None:
    long = replace(TALKED_OVER, recording=replace(QUIET.recording, seconds=4 * 3600.0))
    assert plan(long).predicted_memory_bytes == plan(TALKED_OVER).predicted_memory_bytes < 1.0e9


def test_json_and_back() -> None:
    chosen = plan(NOISY, speakers=2, separator_options={"path": "m.pt"}, format="wav")
    assert Plan.from_dict(json.loads(json.dumps(chosen.to_dict()))) == chosen
