"""The voices and the sample that tests and examples stand on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speaksep_kernel import testing
from speaksep_kernel.testing.make_sample import make
from speaksep_kernel.testing.voices import CLIPS
from speaksep_kernel.voices.rttm import parse_rttm


@pytest.mark.parametrize("name", testing.VOICES)
def test_a_voice_is_utterances_of_seconds_at_one_level(name: str) -> None:
    utterances = testing.voice(name)
    assert sum(map(len, utterances)) > 20 * 16000
    for samples in utterances:
        assert (samples.dtype, samples.ndim) == (np.float32, 1)
        assert 2.5 < len(samples) / 16000 < 8.5
        assert 0.1 < np.abs(samples).max() < 0.8
        assert -32 < 20 * np.log10(np.std(samples)) < -22


def test_all_voices_in_one() -> None:
    assert list(testing.voices()) == list(testing.VOICES)


def test_voices_cannot_be_spoilt_by_a_test() -> None:
    with pytest.raises(ValueError, match="read-only"):
        testing.voice("june")[0][0] = 1


def test_an_unknown_voice() -> None:
    with pytest.raises(KeyError, match="there are allison"):
        testing.voice("nobody")


def test_every_clip_has_its_source_and_licence_named() -> None:
    text = (CLIPS / "LICENCE.md").read_text()
    assert {clip.name.split("_")[0] for clip in CLIPS.glob("*.opus")} == set(testing.VOICES)
    assert all(f"`{name}_*.opus`" in text for name in testing.VOICES)
    assert (testing.sample_recording().parent / "LICENCE.md").is_file()


def test_the_sample_is_a_minute_of_three_who_overlap() -> None:
    audio, rate_hz = soundfile.read(testing.sample_recording())
    turns, names = parse_rttm(testing.sample_recording().with_suffix(".rttm").read_text())
    assert (len(audio), rate_hz) == (60 * 16000, 16000)
    assert set(names.values()) == {"allison", "librivox", "carlo"}
    active = np.zeros((4, 6000), bool)
    for turn in turns:
        active[turn.speaker, round(turn.start_s * 100) : round(turn.end_s * 100)] = True
    voices = active.sum(0)
    assert 0.15 < (voices > 1).sum() / (voices > 0).sum() < 0.20


def test_the_sample_can_be_made_again(tmp_path: Path) -> None:
    make(tmp_path)
    # Not the bytes: FLAC encoders and Opus decoders differ between versions, by a few steps of 16 bits at most.
    ours, again = (
        soundfile.read(folder / "conversation.flac")[0] for folder in (testing.sample_recording().parent, tmp_path)
    )
    np.testing.assert_allclose(again, ours, atol=2e-3)
    assert (tmp_path / "conversation.rttm").read_text() == testing.sample_recording().with_suffix(".rttm").read_text()


def test_importing_it_needs_neither_torch_nor_pytest() -> None:
    heavy = {"torch", "pytest", "IPython", "sklearn", "matplotlib"}
    code = f"import sys, speaksep_kernel.testing; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
