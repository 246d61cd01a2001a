"""The forecast of what separation gains: it follows the conditions, names the people, and admits doubt."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from speaksep_kernel.diagnosis import Diagnosis, diagnose_recording
from speaksep_kernel.diagnosis.forecast import COEFFICIENTS
from speaksep_kernel.diagnosis.imbalance import Imbalance
from speaksep_kernel.diagnosis.noise import Noise
from speaksep_kernel.diagnosis.pitch import PitchTrack
from speaksep_kernel.diagnosis.quality import Conditions, Quality, expected_gain_db, likelihood
from speaksep_kernel.recording import AnalysisCache, Recording
from speaksep_kernel.testing import Conversation, conversation

EASY = Conditions(more_than_two=0, snr_db=40, clarity_db=25, spread_db=0, semitones=12)


def diagnose(talk: Conversation) -> Diagnosis:
    heard: Any = SimpleNamespace(turns=talk.turns, speakers=3, confidence=0.9, phantoms=0)
    with AnalysisCache(Recording.open((talk.audio, talk.rate_hz))) as cache:
        return diagnose_recording(cache.recording, cache, heard, diagnosers=[Quality, Noise, Imbalance])


@pytest.mark.parametrize(
    "harder", [{"snr_db": 0.0}, {"clarity_db": 0.0}, {"semitones": 0.0}], ids=["noise", "room", "like-voices"]
)
def test_harder_conditions_promise_less(harder: dict[str, float]) -> None:
    assert expected_gain_db(replace(EASY, **harder)) < expected_gain_db(EASY) - 1


def test_every_condition_has_a_coefficient() -> None:
    assert {"one", *vars(EASY)} == set(COEFFICIENTS)


def test_likelihood_is_a_half_at_the_expectation_and_falls() -> None:
    assert likelihood(6.0, 6.0) == 0.5
    assert likelihood(6.0, 3.0) > 0.7 > 0.3 > likelihood(6.0, 9.0)


def test_every_group_that_overlaps_is_named_with_its_spans() -> None:
    talk = conversation(40, 3, 0.4, seed=1)
    found = diagnose(talk)
    said = found.find("expected-gain")
    assert {one.subject for one in said} == {"speakers 1 and 2", "speakers 1 and 3", "speakers 2 and 3"}
    spans = [span for one in said for span in one.spans]
    assert sum(end_s - start_s for start_s, end_s in spans) == pytest.approx(
        sum(end_s - start_s for start_s, end_s in found.overlap_spans), abs=0.1
    )
    assert "Four in five overlaps like these gain" in said[0].why


def test_hopeless_overlaps_are_to_be_checked_by_ear() -> None:
    talk = conversation(30, 2, 0.4, seed=2, noise_dbfs=-15, voices=("allison", "june"))
    hard = diagnose(talk).find("expected-gain")[0]
    easy = diagnose(conversation(30, 2, 0.4, seed=2)).find("expected-gain")[0]
    assert float(hard.value or 0) < float(easy.value or 0)
    assert (easy.severity, easy.advice) == ("info", "")


def test_without_overlap_nothing_is_forecast() -> None:
    assert diagnose(conversation(20, 2, 0.0)).find("expected-gain") == ()


@pytest.mark.parametrize("rate_hz", [8000, 16000, 44100])
@pytest.mark.parametrize("pitch_hz", [90, 140, 250])
def test_pitch_of_a_buzz(pitch_hz: int, rate_hz: int) -> None:
    time_s = np.arange(rate_hz) / rate_hz
    buzz = np.sum([np.sin(2 * np.pi * pitch_hz * k * time_s) / k for k in range(1, 12)], axis=0)
    track = PitchTrack(rate_hz)
    found = np.concatenate([track.feed(part.astype(np.float32)) for part in np.array_split(buzz, 7)])
    assert len(found) == pytest.approx(24, abs=1)
    assert np.nanmedian(found) == pytest.approx(pitch_hz, rel=0.03)
    assert np.isnan(
        PitchTrack(rate_hz).feed(np.random.default_rng(0).standard_normal(rate_hz).astype(np.float32))
    ).all()
