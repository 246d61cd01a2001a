"""Music, wind, thumps, other sounds and the rating by a network, each against what was put in."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soxr

from speaksep_kernel.diagnosis import Diagnoser, Diagnosis, diagnose_recording
from speaksep_kernel.diagnosis import dnsmos as dnsmos_module
from speaksep_kernel.diagnosis.dnsmos import Dnsmos
from speaksep_kernel.diagnosis.music import Music
from speaksep_kernel.diagnosis.nonspeech import NonSpeech
from speaksep_kernel.diagnosis.wind import Wind
from speaksep_kernel.recording import AnalysisCache, Recording
from speaksep_kernel.testing import Conversation, conversation
from speaksep_kernel.testing.damage import add_noise, noise, thumps, wind

RATE_HZ = 16000


def diagnose(cls: type[Diagnoser], audio: np.ndarray, talk: Conversation | None = None) -> Diagnosis:
    turns = talk.turns if talk else ()
    heard: Any = SimpleNamespace(turns=turns, speakers=2, confidence=0.9, phantoms=0)
    with AnalysisCache(Recording.open((audio.astype(np.float32), RATE_HZ))) as cache:
        return diagnose_recording(cache.recording, cache, heard, diagnosers=[cls])


def speaking(talk: Conversation) -> np.ndarray:
    mask = np.zeros(len(talk.audio), bool)
    for turn in talk.turns:
        mask[round(turn.start_s * talk.rate_hz) : round(turn.end_s * talk.rate_hz)] = True
    return mask


@pytest.fixture(scope="module")
def talk() -> Conversation:
    return conversation(40, 2, 0.15, seed=1)


def chords(seconds: float) -> np.ndarray:
    """A new chord of decaying tones with harmonics every half second: music, RMS 1."""
    rng = np.random.default_rng(0)
    scale_hz = 220 * 2 ** (np.array([0, 2, 4, 5, 7, 9, 11, 12]) / 12)
    time_s = np.arange(RATE_HZ // 2) / RATE_HZ
    pieces = []
    for _ in range(round(seconds * 2)):
        notes_hz = rng.choice(scale_hz, 3, replace=False)
        tones = [np.sin(2 * np.pi * hz * k * time_s) / k for hz in notes_hz for k in range(1, 7)]
        pieces.append(np.sum(tones, axis=0) * np.exp(-time_s))
    wave = np.concatenate(pieces)
    return wave / wave.std()


@pytest.mark.parametrize("behind_db", [0, 10], ids=["as-loud-as-speech", "10-dB-below-speech"])
def test_music_behind_speech_is_found_where_it_is(talk: Conversation, behind_db: float) -> None:
    wave = np.pad(chords(18), (round(12 * RATE_HZ), 0))
    wave = np.pad(wave, (0, len(talk.audio) - len(wave)))
    found = diagnose(Music, add_noise(talk.audio, speaking(talk), behind_db, wave) / 4, talk).find("music")[0]
    assert found.value == pytest.approx(18 / 40, abs=0.12)
    assert (found.severity, found.advice) == ("warning", "check:tracks")
    assert found.spans[0][0] == pytest.approx(12, abs=4)


@pytest.mark.parametrize("kind", ["white", "pink", "hum"])
def test_noise_and_hum_are_no_music(talk: Conversation, kind: Any) -> None:
    wave = noise(len(talk.audio), RATE_HZ, kind)
    assert diagnose(Music, add_noise(talk.audio, speaking(talk), 10, wave) / 4, talk).value("music") == 0


@pytest.mark.parametrize("snr_db", [-10, 0, 10])
def test_gusts_of_wind(talk: Conversation, snr_db: float) -> None:
    wave = wind(len(talk.audio), RATE_HZ, [(5, 9), (20, 23)])
    found = diagnose(Wind, add_noise(talk.audio, speaking(talk), snr_db, wave) / 8, talk)
    assert found.value("wind") == pytest.approx(7, abs=2)
    assert (found.find("wind")[0].severity, found.find("wind")[0].advice) == ("notice", "clean:rumble")
    assert [round(start_s) for start_s, _ in found.find("wind")[0].spans] in ([5, 20], [6, 20])


def test_gusts_without_any_speech() -> None:
    wave = 0.1 * wind(30 * RATE_HZ, RATE_HZ, [(5, 9), (20, 23)]) + 1e-4 * noise(30 * RATE_HZ, RATE_HZ)
    assert diagnose(Wind, wave).value("wind") == pytest.approx(7, abs=1)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_voices_that_nobody_was_told_of_are_no_wind(rate_hz: int, seed: int) -> None:
    wide = soxr.resample(conversation(10, 3, rate_hz=rate_hz, seed=seed).audio, rate_hz, RATE_HZ)
    assert diagnose(Wind, wide).value("wind") == 0


def test_thumps_are_counted(talk: Conversation) -> None:
    at_s = [3.0, 8.0, 15.0, 22.0, 30.5]
    found = diagnose(Wind, talk.audio / 2 + 0.1 * thumps(len(talk.audio), RATE_HZ, at_s), talk)
    assert [start_s for start_s, _ in found.find("handling")[0].spans] == pytest.approx(at_s, abs=0.1)
    assert (found.value("handling"), found.value("wind")) == (5, 0)


@pytest.mark.parametrize("kind", ["white", "pink", "hum"])
def test_steady_noise_is_no_wind(talk: Conversation, kind: Any) -> None:
    found = diagnose(Wind, add_noise(talk.audio, speaking(talk), 0, noise(len(talk.audio), RATE_HZ, kind)) / 4, talk)
    assert (found.value("wind"), found.find("handling")[0].severity) == (0, "info")


def test_loud_sounds_between_turns_are_found(talk: Conversation) -> None:
    silent = np.zeros(10 * RATE_HZ, np.float32)
    burst = silent.copy()
    burst[4 * RATE_HZ : 7 * RATE_HZ] = 0.1 * noise(3 * RATE_HZ, RATE_HZ)
    hiss = 1e-4 * noise(50 * RATE_HZ, RATE_HZ)
    clapped = diagnose(NonSpeech, np.concatenate([talk.audio, burst]) + hiss, talk).find("non-speech")[0]
    assert clapped.spans == (pytest.approx((44, 47), abs=0.1),)
    assert clapped.value == pytest.approx(3 / 50, abs=0.005)
    assert diagnose(NonSpeech, np.concatenate([talk.audio, silent]) + hiss, talk).value("non-speech") == 0


def test_the_rating_falls_with_noise(talk: Conversation) -> None:
    clean = diagnose(Dnsmos, talk.audio, talk)
    wave = noise(len(talk.audio), RATE_HZ, "pink")
    noisy = diagnose(Dnsmos, add_noise(talk.audio, speaking(talk), 0, wave) / 4, talk)
    assert 2.5 < float(clean.value("dnsmos") or 0) <= 5
    assert float(noisy.value("dnsmos") or 0) < float(clean.value("dnsmos") or 0) - 1
    assert noisy.find("dnsmos")[0].severity == "notice"


def test_every_minute_is_rated() -> None:
    talk = conversation(130, 2, 0.1)
    minutes = diagnose(Dnsmos, talk.audio, talk).find("dnsmos-minute")
    assert [minute.spans[0] for minute in minutes[:2]] == [(0.0, 60.0), (60.0, 120.0)]


def test_without_its_packages_the_rating_is_left_out_and_says_so(
    talk: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dnsmos_module, "find_spec", lambda name: None)
    found = diagnose(Dnsmos, talk.audio, talk).find("dnsmos")
    assert [finding.value for finding in found] == [None]
    assert "speechmos and onnxruntime must be installed" in found[0].why


@pytest.mark.parametrize("seed", [0, 2, 5])
def test_a_good_recording_has_none_of_it(seed: int) -> None:
    talk = conversation(30, 2, 0.1, seed)
    found = [diagnose(cls, talk.audio, talk) for cls in (Music, Wind, NonSpeech, Dnsmos)]
    assert [f.code for one in found for f in one.findings if f.severity != "info"] == []
