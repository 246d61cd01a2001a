"""Reverberation and clarity, blind, in rooms that were not used for the fit; speech of the five voices."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soxr

from speaksep_kernel.diagnosis import Diagnosis, diagnose_recording
from speaksep_kernel.diagnosis.decays import FEATURES, Decays
from speaksep_kernel.diagnosis.reverberation import Reverberation
from speaksep_kernel.recording import AnalysisCache, Recording
from speaksep_kernel.testing import conversation, voices
from speaksep_kernel.training.corpus import Corpus, from_voices
from speaksep_kernel.training.reverberant_rooms import noise_tail, room_truth
from speaksep_kernel.training.reverberation import fit, played, talk
from speaksep_kernel.voices.turns import Turn

TURNS = (Turn(0.0, 20.0, 1),)


def diagnose(audio: np.ndarray, rate_hz: int, turns: tuple[Turn, ...] = TURNS) -> Diagnosis:
    heard: Any = SimpleNamespace(turns=turns, speakers=len(turns), confidence=0.9, phantoms=0)
    with AnalysisCache(Recording.open((audio, rate_hz))) as cache:
        return diagnose_recording(cache.recording, cache, heard, diagnosers=[Reverberation])


def exponential(t60_s: float, direct: float = 0.0) -> np.ndarray:
    time_s = np.arange(round(1.4 * t60_s * 16000)) / 16000
    response = np.random.default_rng(5).standard_normal(len(time_s)) * 10 ** (-3 * time_s / t60_s)
    response[0] += direct * np.sqrt(np.sum(response**2))
    return response.astype(np.float32)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return from_voices(voices())


@pytest.fixture(scope="module")
def dry(corpus: Corpus) -> np.ndarray:
    return talk(corpus, np.random.default_rng(3), 20.0)


@pytest.mark.parametrize("t60_s", [0.2, 0.5, 0.9])
def test_truth_of_an_exponential_decay(t60_s: float) -> None:
    found_s, c50_db = room_truth(exponential(t60_s))
    assert found_s == pytest.approx(t60_s, rel=0.1)
    assert c50_db == pytest.approx(10 * np.log10(10 ** (6 * 0.05 / t60_s) - 1), abs=2.0)


@pytest.mark.parametrize("t60_s", [0.25, 0.45, 0.8])
@pytest.mark.parametrize("rate_hz", [16000, 44100])
def test_reverberation(dry: np.ndarray, t60_s: float, rate_hz: int) -> None:
    response = exponential(t60_s, direct=1.0)
    found = diagnose(soxr.resample(played(dry, response, 40, 1), 16000, rate_hz), rate_hz)
    truth_s, c50_db = room_truth(response)
    assert found.value("reverberation") == pytest.approx(truth_s, abs=0.2)
    assert found.value("clarity") == pytest.approx(c50_db, abs=5.0)


def test_level_does_not_matter(dry: np.ndarray) -> None:
    audio = played(dry, exponential(0.5), 40, 1)
    loud, soft = (diagnose(audio * np.float32(gain), 16000) for gain in (2.0, 0.05))
    assert loud.value("reverberation") == pytest.approx(soft.value("reverberation"), abs=0.03)


def test_a_church_is_worth_a_notice_and_a_booth_is_not(dry: np.ndarray) -> None:
    church = diagnose(played(dry, exponential(1.3), 40, 1), 16000)
    assert [finding.severity for finding in church.findings] == ["notice", "notice"]
    booth = diagnose(played(dry, exponential(0.12, direct=3.0), 40, 1), 16000)
    assert [finding.severity for finding in booth.findings] == ["info", "info"]


@pytest.mark.parametrize(
    ("audio", "turns"),
    [
        pytest.param(np.zeros(160000, np.float32), TURNS, id="silence"),
        pytest.param(np.concatenate(voices()["carlo"])[:12000], TURNS, id="one-word"),
        pytest.param(np.concatenate(voices()["carlo"])[:160000], (), id="nobody"),
    ],
)
def test_without_speech_no_room_is_heard(audio: np.ndarray, turns: tuple[Turn, ...]) -> None:
    found = diagnose(audio, 16000, turns)
    assert found.value("reverberation") is None
    assert found.value("clarity") is None


def test_memory_does_not_grow() -> None:
    audio = conversation(10, 2).audio
    decays = Decays(16000)
    sizes = []
    for _ in range(4):
        decays.feed(audio)
        sizes.append(sum(part.nbytes for part in vars(decays).values() if isinstance(part, np.ndarray)))
    assert max(sizes) < 2 * min(sizes) < 1e6


def test_the_fit_learns(corpus: Corpus) -> None:
    features, truth = [], []
    speech = talk(corpus, np.random.default_rng(4), 6.0)
    for seed in range(24):
        response = noise_tail(seed)
        decays = Decays(16000)
        decays.feed(played(speech, response, 40, seed))
        decays.feed(np.zeros(0, np.float32), last=True)
        features.append(decays.features)
        truth.append(room_truth(response))
    numbers = fit(np.array(features), np.array(truth))
    assert numbers["hidden"].shape[1] == FEATURES
    assert all(np.isfinite(values).all() for values in numbers.values())
