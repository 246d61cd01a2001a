"""Lossy coding: heard in lossless files made from it, read from the file itself, and not found where there is none."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soxr

from speaksep_kernel.diagnosis import Finding, diagnose_recording
from speaksep_kernel.diagnosis.codec import Codec, lossy_name, resampled
from speaksep_kernel.diagnosis.run import recording_facts
from speaksep_kernel.recording import AnalysisCache, Recording, choose_mixdown
from speaksep_kernel.testing import conversation
from speaksep_kernel.testing.audio_files import encode
from speaksep_kernel.testing.damage import add_noise, noise, to_16_bit
from speaksep_kernel.testing.wideband import widened


def heard(source: Any) -> Finding:
    turns: Any = SimpleNamespace(turns=(), speakers=1, confidence=0.9, phantoms=0)
    with AnalysisCache(Recording.open(source)) as cache:
        return diagnose_recording(cache.recording, cache, turns, diagnosers=[Codec]).find("codec")[0]


def wide(rate_hz: int, seed: int = 0) -> np.ndarray:
    return widened(conversation(10, 2, 0.15, seed, noise_dbfs=None).audio / 2, 16000, rate_hz, seed)


@pytest.mark.parametrize(
    ("kind", "kbps", "says"),
    [
        ("mp3", 32, "holes in their spectrum"),
        ("mp3", 64, "holes in their spectrum"),
        ("mp3", 96, "holes in their spectrum"),
        ("aac", 32, "ends at 12.5 kHz like a wall"),
        ("aac", 64, "ends at 17.3 kHz like a wall"),
        ("aac", 96, "ends at 19.4 kHz like a wall"),
    ],
    ids=lambda value: str(value).split()[0],
)
def test_traces_in_a_lossless_file(kind: str, kbps: int, says: str) -> None:
    decoded = Recording.open(encode(wide(44100), 44100, kind, bit_rate=1000 * kbps)).read()[:, 0]
    found = heard((to_16_bit(decoded), 44100))
    assert (found.value, found.severity, found.advice) == ("lossy", "notice", "check:source")
    assert says in found.why


@pytest.mark.parametrize("rate_hz", [8000, 16000, 44100, 48000])
@pytest.mark.parametrize("seed", [1, 2])
def test_clean_samples_have_none(rate_hz: int, seed: int) -> None:
    assert heard((to_16_bit(wide(rate_hz, seed)), rate_hz)).value == "none"
    assert heard((wide(rate_hz, seed), rate_hz)).value == "none"


@pytest.mark.parametrize("rate_hz", [8000, 11025, 16000, 22050, 24000, 32000])
def test_resampling_is_no_coding(rate_hz: int) -> None:
    audio = soxr.resample(soxr.resample(wide(44100), 44100, rate_hz), rate_hz, 44100)
    assert heard((to_16_bit(audio), 44100)).value == "none"


def test_noisy_speech_is_no_coding() -> None:
    audio = wide(44100)
    noisy = add_noise(audio, np.ones(len(audio), bool), 20, noise(len(audio), 44100, "pink"))
    assert heard((to_16_bit(noisy), 44100)).value == "none"


@pytest.mark.parametrize(
    ("kind", "name"), [("mp3", "MP3"), ("m4a", "AAC"), ("ogg", "VORBIS"), ("opus", "OPUS"), ("webm", "OPUS")]
)
def test_a_lossy_file_says_so_itself(kind: str, name: str) -> None:
    found = heard(encode(conversation(4, 1).audio, 16000, kind))
    assert name in str(found.value)
    assert (found.severity, found.advice) == ("info", "")


def test_a_lossy_file_with_holes_is_worth_a_notice() -> None:
    found = heard(encode(wide(44100), 44100, "mp3", bit_rate=48_000))
    assert found.severity == "notice"
    assert "The file itself is lossy" in found.why
    assert "holes" in found.why


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("wav", {}),
        ("flac", {}),
        ("wav", {"subtype": "PCM_24"}),
        ("wav", {"subtype": "FLOAT"}),
        ("wav", {"subtype": "ULAW"}),
    ],
    ids=["wav-16", "flac", "wav-24", "wav-float", "wav-mu-law"],
)
def test_which_files_are_lossy(kind: str, options: dict[str, str]) -> None:
    recording = Recording.open(encode(conversation(2, 1).audio, 16000, kind, **options))
    name = lossy_name(recording_facts(recording, choose_mixdown(recording)))
    assert name == {"ULAW": "ULAW"}.get(options.get("subtype", ""), "")


@pytest.mark.parametrize(
    "samples", [np.zeros(16000), np.zeros(0), np.ones(400) * 0.5], ids=["silence", "nothing", "offset"]
)
def test_too_little_says_nothing(samples: np.ndarray) -> None:
    diagnoser = Codec()
    facts: Any = SimpleNamespace(weights=(1.0,), rate_hz=16000, subtype="PCM_16", bit_depth=16)
    diagnoser.start(facts)
    diagnoser.feed(samples[:, None].astype(np.float32), 0.0)
    assert diagnoser.finish(SimpleNamespace(facts=facts))[0].value == "none"  # type: ignore[arg-type]


def test_walls_that_resamplers_make() -> None:
    assert [resampled(hz) for hz in (7800, 10_640, 15_400, 20_150)] == [True] * 4
    assert [resampled(hz) for hz in (8500, 12_490, 17_300, 19_400)] == [False] * 4
