"""Every measure against a truth that was put in."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pyloudnorm
import pytest
import scipy.signal
import soxr

from speaksep_kernel.diagnosis import Diagnosis, diagnose_recording
from speaksep_kernel.recording import AnalysisCache, Recording
from speaksep_kernel.testing import Conversation, conversation, voice
from speaksep_kernel.testing.damage import add_noise, band_limit, clip, drop, mains_hum, noise, to_16_bit
from speaksep_kernel.voices.turns import Turn


def diagnose(audio: np.ndarray, rate_hz: int, turns: tuple[Turn, ...] = (), confidence: float = 0.9) -> Diagnosis:
    heard: Any = SimpleNamespace(
        turns=turns, speakers=len({turn.speaker for turn in turns}), confidence=confidence, phantoms=0
    )
    with AnalysisCache(Recording.open((audio, rate_hz))) as cache:
        return diagnose_recording(cache.recording, cache, heard)


def speaking(talk: Conversation) -> np.ndarray:
    mask = np.zeros(len(talk.audio), bool)
    for turn in talk.turns:
        mask[round(turn.start_s * talk.rate_hz) : round(turn.end_s * talk.rate_hz)] = True
    return mask


def worst(diagnosis: Diagnosis, code: str) -> str:
    return diagnosis.find(code)[0].severity


@pytest.fixture(scope="module")
def clean() -> Conversation:
    return conversation(15, 2, 0.15, seed=1, noise_dbfs=None)


@pytest.mark.parametrize(("snr_db", "severity"), [(0, "warning"), (15, "notice"), (25, "info"), (40, "info")])
@pytest.mark.parametrize("kind", ["white", "pink", "hum"])
def test_snr(clean: Conversation, kind: Any, snr_db: float, severity: str) -> None:
    wave = noise(len(clean.audio), clean.rate_hz, kind)
    found = diagnose(add_noise(clean.audio, speaking(clean), snr_db, wave) / 4, clean.rate_hz, clean.turns)
    assert found.value("snr") == pytest.approx(snr_db, abs=1.0)
    assert worst(found, "snr") == severity


@pytest.mark.parametrize("snr_db", [5, 20])
def test_snr_of_speech_without_pauses(snr_db: float) -> None:
    speech = np.concatenate(voice("allison"))
    audio = add_noise(speech, np.ones(len(speech), bool), snr_db, noise(len(speech), 16000))
    found = diagnose(audio / 2, 16000, (Turn(0, len(speech) / 16000, 1),))
    assert found.value("snr") == pytest.approx(snr_db, abs=2.0)


@pytest.mark.parametrize("rate_hz", [8000, 11025, 44100])
def test_noise_floor(rate_hz: int) -> None:
    level = np.float32(10 ** (-50 / 20))
    found = diagnose(noise(5 * rate_hz, rate_hz) * level + np.float32(0.1), rate_hz)
    assert found.value("noise-floor") == pytest.approx(-50, abs=0.3)
    assert found.value("snr") is None


@pytest.mark.parametrize("share", [0.001, 0.01, 0.1])
def test_clipped_share(clean: Conversation, share: float) -> None:
    audio, exact = clip(clean.audio, share)
    found = diagnose(to_16_bit(audio), clean.rate_hz)
    assert found.value("clipping") == pytest.approx(exact, rel=0.05)
    assert found.find("clipping")[0].advice == "clean:declip"


def test_clipping_is_found_where_it_is(clean: Conversation) -> None:
    audio = clean.audio / 2
    part = slice(5 * 16000, 7 * 16000)
    audio[part] = np.clip(audio[part] * 100, -0.9, 0.9)
    spans = diagnose(np.stack([audio, clean.audio / 2], axis=1), 16000).find("clipping")[0].spans
    assert [span == pytest.approx((5, 7), abs=0.5) for span in spans] == [True]


@pytest.mark.parametrize(
    "wave",
    [
        pytest.param(np.sin(np.arange(160000) * 0.05), id="sine"),
        pytest.param(np.sin(np.arange(160000) * 0.0004), id="slow-sine"),
        pytest.param(np.round(noise(160000, 16000) * 20) / 128, id="8-bit-noise"),
        pytest.param(noise(160000, 16000) / 8, id="noise"),
    ],
)
def test_no_clipping_where_there_is_none(wave: np.ndarray) -> None:
    assert diagnose(wave.astype(np.float32), 16000).value("clipping") == 0


@pytest.mark.parametrize(
    ("rate_hz", "edge_hz"), [(16000, 3400), (16000, 5500), (44100, 4000), (44100, 12000), (44100, 16000)]
)
@pytest.mark.parametrize("order", [pytest.param(0, id="brick-wall"), pytest.param(12, id="order-12")])
def test_bandwidth(rate_hz: int, edge_hz: float, order: int) -> None:
    # Played too fast, so that there is content up to half of any rate.
    speech = conversation(10 * rate_hz / 16000, 2, seed=2).audio
    found = diagnose(to_16_bit(band_limit(speech, rate_hz, edge_hz, order)), rate_hz)
    assert found.value("bandwidth") == pytest.approx(edge_hz, rel=0.06)


def test_telephone_speech_in_a_wide_file_is_a_warning() -> None:
    narrow = conversation(10, 2, rate_hz=8000)
    found = diagnose(soxr.resample(narrow.audio, 8000, 16000), 16000)
    assert found.value("bandwidth") == pytest.approx(4000, rel=0.05)
    assert [finding.code for finding in found.warnings] == ["bandwidth"]
    assert not diagnose(narrow.audio, 8000).find("bandwidth")[0].wants_action


@pytest.mark.parametrize("edge_hz", [200, 300, 400])
@pytest.mark.parametrize("rate_hz", [16000, 44100])
def test_lower_edge(rate_hz: int, edge_hz: float) -> None:
    speech = conversation(10, 2, seed=2, rate_hz=rate_hz).audio
    taps = scipy.signal.firwin(2001, edge_hz, fs=rate_hz, pass_zero=False)
    cut = scipy.signal.oaconvolve(speech, taps, mode="same").astype(np.float32)
    found = diagnose(to_16_bit(cut), rate_hz).find("bandwidth-low")[0]
    assert found.value == pytest.approx(edge_hz, rel=0.06)
    assert found.severity == {200: "info", 300: "notice", 400: "notice"}[int(edge_hz)]


def test_the_telephone_is_recognised_by_both_edges() -> None:
    sections = scipy.signal.butter(10, [300, 3400], "bandpass", fs=16000, output="sos")
    called = scipy.signal.sosfilt(sections, conversation(10, 2, seed=2).audio).astype(np.float32)
    found = diagnose(to_16_bit(called), 16000).find("bandwidth")[0]
    assert "a telephone took the consonants" in found.why


@pytest.mark.parametrize("rate_hz", [8000, 44100])
@pytest.mark.parametrize("gain", [1.0, 0.02])
def test_loudness_is_that_of_pyloudnorm(rate_hz: int, gain: float) -> None:
    audio = conversation(12, 2, rate_hz=rate_hz).audio * np.float32(gain)
    stereo = np.stack([audio, audio / 3], axis=1)
    truth = pyloudnorm.Meter(rate_hz).integrated_loudness(stereo.astype(np.float64))
    assert diagnose(stereo, rate_hz).value("loudness") == pytest.approx(truth, abs=0.05)


@pytest.mark.parametrize(("offset", "severity"), [(0.001, "info"), (0.02, "notice"), (-0.1, "notice")])
def test_offset(clean: Conversation, offset: float, severity: str) -> None:
    found = diagnose(clean.audio / 2 + np.float32(offset), clean.rate_hz)
    assert found.value("dc") == pytest.approx(offset + clean.audio.mean() / 2, abs=1e-5)
    assert worst(found, "dc") == severity


@pytest.mark.parametrize("length_s", [0.02, 0.1])
@pytest.mark.parametrize("level", [1.0, 0.05])
def test_dropouts(length_s: float, level: float) -> None:
    speech = np.concatenate(voice("carlo"))
    power = np.convolve(speech**2, np.ones(800) / 800, "same")
    loud = np.flatnonzero((power > power.mean()) & (np.roll(power, -round(length_s * 16000)) > power.mean())) / 16000
    at_s = [float(loud[len(loud) // 5]), float(loud[len(loud) // 2]), float(loud[4 * len(loud) // 5])]
    found = diagnose(drop(speech * np.float32(level), 16000, at_s, length_s), 16000)
    assert found.value("dropouts") == pytest.approx(3 * length_s, rel=0.05)
    assert [start for start, _ in found.find("dropouts")[0].spans] == pytest.approx(at_s, abs=0.002)


def test_silence_between_turns_is_no_dropout(clean: Conversation) -> None:
    assert not clean.audio[: round(0.2 * 16000)].any()
    assert diagnose(clean.audio, clean.rate_hz).value("dropouts") == 0


@pytest.mark.parametrize(
    ("right", "value"),
    [
        pytest.param(lambda left: left, "identical", id="identical"),
        pytest.param(lambda left: -left, "inverted", id="inverted"),
        pytest.param(lambda left: 0 * left, "dead", id="dead"),
        pytest.param(lambda left: 0.5 * left + np.roll(left, 40) / 4, "different", id="different"),
    ],
)
def test_channels(clean: Conversation, right: Any, value: str) -> None:
    stereo = np.stack([clean.audio, right(clean.audio)], axis=1).astype(np.float32)
    assert diagnose(stereo, clean.rate_hz).value("channels") == value


def test_one_speaker_per_channel() -> None:
    talk = conversation(20, 2, 0.1, seed=3)
    found = diagnose(np.ascontiguousarray(talk.references.T), talk.rate_hz, talk.turns)
    assert found.value("channels") == "one speaker each"
    assert found.find("channels")[0].advice == "separate:apart"


@pytest.mark.parametrize(("speakers", "overlap"), [(1, 0.0), (2, 0.2), (3, 0.4)])
def test_speech_speakers_and_overlap(speakers: int, overlap: float) -> None:
    talk = conversation(30, speakers, overlap, seed=4)
    found = diagnose(talk.audio, talk.rate_hz, talk.turns)
    assert found.speakers == found.value("speakers") == speakers
    assert found.overlap_ratio == pytest.approx(talk.overlap_ratio, abs=0.01)
    assert found.speech_ratio == pytest.approx(speaking(talk).mean(), abs=0.01)
    overlapped = sum(end - start for start, end in found.overlap_spans)
    assert overlapped == pytest.approx(found.overlap_ratio * found.speech_ratio * 30, abs=0.1)


@pytest.mark.parametrize(("below_db", "within_db"), [(20, 3), (30, 3), (40, 5)])
@pytest.mark.parametrize("mains_hz", [50, 60])
@pytest.mark.parametrize("rate_hz", [16000, 44100])
def test_hum(rate_hz: int, mains_hz: int, below_db: float, within_db: float) -> None:
    # One of these voices was recorded with a hum of its own: the pauses of the other must be long enough.
    talk = conversation(30, 2, 0.15, seed=7, rate_hz=rate_hz)
    audio = add_noise(talk.audio, speaking(talk), below_db, mains_hum(len(talk.audio), rate_hz, mains_hz))
    truth = 10 * np.log10(np.mean(np.square(talk.audio[speaking(talk)]))) - below_db
    found = diagnose(audio, rate_hz, talk.turns).find("hum")[0]
    assert found.value == pytest.approx(truth, abs=within_db)
    assert (found.subject, found.advice) == (f"{mains_hz} Hz", "clean:hum")


@pytest.mark.parametrize("extra_db", [0.0, 6.0, 14.0])
def test_level_imbalance(extra_db: float) -> None:
    talk = conversation(30, 2, 0.1, seed=8)
    natural = diagnose(talk.audio, 16000, talk.turns)
    first, second = (float(finding.value or 0) for finding in natural.find("speaker-level"))
    softer = talk.references[0] + talk.references[1] * np.float32(10 ** ((first - second - extra_db) / 20))
    found = diagnose(softer / 4, 16000, talk.turns).find("level-imbalance")[0]
    assert found.value == pytest.approx(extra_db, abs=0.3)
    assert found.severity == {0.0: "info", 6.0: "info", 14.0: "notice"}[extra_db]


def test_who_overlaps_whom() -> None:
    turns = (Turn(0, 4, 1), Turn(3, 6, 2), Turn(5, 9, 3), Turn(8, 9, 1))
    pairs = diagnose(noise(160000, 16000) / 9, 16000, turns).find("overlap-pair")
    assert {pair.subject: (pair.value, pair.spans) for pair in pairs} == {
        "speakers 1 and 2": (1.0, ((3.0, 4.0),)),
        "speakers 2 and 3": (1.0, ((5.0, 6.0),)),
        "speakers 1 and 3": (1.0, ((8.0, 9.0),)),
    }


def test_doubt_about_the_number_of_speakers_is_said() -> None:
    talk = conversation(10, 2)
    found = diagnose(talk.audio, talk.rate_hz, talk.turns, confidence=0.3)
    assert found.find("speakers")[0].advice == "check:speakers"


@pytest.mark.parametrize("rate_hz", [16000, 22050])
@pytest.mark.parametrize("speakers", [1, 2, 3])
def test_a_recording_that_needs_nothing_gets_no_warning(speakers: int, rate_hz: int) -> None:
    talk = conversation(20, speakers, 0.1, seed=5, rate_hz=rate_hz)
    found = diagnose(to_16_bit(talk.audio), rate_hz, talk.turns)
    assert [finding for finding in found.findings if finding.severity != "info"] == []


@pytest.mark.parametrize("samples", [2, 100, 16000])
def test_digital_silence(samples: int) -> None:
    found = diagnose(np.zeros((samples, 2), np.float32), 16000)
    assert (found.speakers, found.speech_ratio, found.overlap_ratio) == (0, 0.0, 0.0)
    assert found.value("peak") is None
    assert found.value("snr") is None


def test_samples_beyond_full_scale_are_noticed(clean: Conversation) -> None:
    found = diagnose(clean.audio * 3, clean.rate_hz)
    assert found.value("peak") == pytest.approx(20 * np.log10(3 * np.abs(clean.audio).max()), abs=0.01)
    assert worst(found, "peak") == "notice"
