"""Synthetic conversations: what they say about themselves is true."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speaksep_kernel.testing import VOICES, conversation
from speaksep_kernel.voices.rttm import parse_rttm


@settings(deadline=None, max_examples=25)
@given(
    seconds=st.floats(0.01, 30),
    speakers=st.integers(0, len(VOICES)),
    overlap=st.floats(0, 1),
    seed=st.integers(0, 99),
    rate_hz=st.sampled_from([8000, 16000, 44100]),
)
def test_laws(seconds: float, speakers: int, overlap: float, seed: int, rate_hz: int) -> None:
    talk = conversation(seconds, speakers, overlap, seed, rate_hz=rate_hz)
    assert talk.audio.shape == talk.noise.shape == (round(seconds * rate_hz),)
    assert talk.references.shape == (speakers, len(talk.audio))
    np.testing.assert_array_equal(talk.audio, talk.references.sum(0) + talk.noise)
    assert np.abs(talk.audio).max(initial=0) < 1
    assert len(set(talk.speakers)) == speakers
    starts = [turn.start_s for turn in talk.turns]
    assert starts == sorted(starts)
    firsts = list(dict.fromkeys(turn.speaker for turn in talk.turns))
    assert firsts == list(range(1, len(firsts) + 1))
    assert all(0 <= turn.start_s < turn.end_s <= seconds + 1e-3 for turn in talk.turns)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("overlap", [0.0, 0.05, 0.15, 0.3, 0.5, 1.0])
def test_the_wanted_overlap_is_met(overlap: float, seed: int) -> None:
    assert conversation(60, 3, overlap, seed).overlap_ratio == pytest.approx(overlap, abs=0.06)


def test_a_reference_speaks_in_its_turns_and_nowhere_else() -> None:
    talk = conversation(30, 3, 0.3, 1)
    for number, reference in enumerate(talk.references, 1):
        inside = np.zeros(len(reference), bool)
        for turn in (turn for turn in talk.turns if turn.speaker == number):
            span = slice(round(turn.start_s * 16000), round(turn.end_s * 16000))
            inside[span] = True
            assert np.std(reference[span]) > 0.01
        assert np.abs(reference[~inside]).max() == 0


def test_turns_know_whether_they_are_overlapped() -> None:
    talk = conversation(60, 2, 0.15, 2)
    assert {turn.overlapped for turn in talk.turns} == {True, False}
    assert not any(turn.overlapped for turn in conversation(60, 2, 0.0, 2).turns)


def test_the_same_arguments_make_the_same_samples() -> None:
    first, second, other = (conversation(10, 2, 0.2, seed).audio for seed in (4, 4, 5))
    assert first.tobytes() == second.tobytes() != other.tobytes()


def test_rttm_holds_the_turns_under_the_voices_names() -> None:
    talk = conversation(30, 3, 0.2)
    turns, names = parse_rttm(talk.rttm("call"), "call")
    assert tuple(names.values()) == talk.speakers
    assert [(t.speaker, t.overlapped) for t in turns] == [(t.speaker, t.overlapped) for t in talk.turns]


def test_nobody_and_no_noise_is_digital_silence() -> None:
    talk = conversation(2, 0, noise_dbfs=None)
    assert (talk.audio == 0).all()
    assert talk.turns == ()


def test_noise_has_the_level_asked_for() -> None:
    talk = conversation(5, 0, noise_dbfs=-40)
    assert 20 * np.log10(np.std(talk.audio)) == pytest.approx(-40, abs=0.1)


def test_more_speakers_than_voices() -> None:
    with pytest.raises(ValueError, match="6 speakers asked of 5 voices"):
        conversation(10, 6)
