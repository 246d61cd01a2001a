"""Which mono signal stands for a recording: the plain mean unless there is a real reason."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speaksep_kernel.recording import AnalysisCache, Mixdown, Recording, choose_mixdown, measure_channels
from speaksep_kernel.testing import Conversation, conversation

RATE_HZ = 16000


@pytest.fixture(scope="module")
def talk() -> Conversation:
    return conversation(20, 2, overlap=0.3, seed=3)


@pytest.fixture(scope="module")
def pair(talk: Conversation) -> np.ndarray:
    """(samples, 2): each of two people on a channel of their own."""
    return np.ascontiguousarray(talk.references.T)


def hiss(shape: tuple[int, ...], level_db: float) -> np.ndarray:
    return (10 ** (level_db / 20) * np.random.default_rng(5).standard_normal(shape)).astype(np.float32)


def choose(samples: np.ndarray) -> Mixdown:
    return choose_mixdown(Recording.open((samples.astype(np.float32), RATE_HZ)))


def test_one_channel(talk: Conversation) -> None:
    assert choose(talk.audio) == Mixdown("mono", (1.0,), "One channel.")


@pytest.mark.parametrize("channels", [2, 5])
def test_identical_channels(talk: Conversation, channels: int) -> None:
    mixdown = choose(np.tile(talk.audio[:, None], channels))
    assert mixdown.kind == "identical"
    assert mixdown.weights == (1 / channels,) * channels


@pytest.mark.parametrize("noise_db", [-100, -50])
@pytest.mark.parametrize("leak_db", [-100, -20])
def test_one_speaker_per_channel(pair: np.ndarray, noise_db: float, leak_db: float) -> None:
    mixdown = choose(pair + 10 ** (leak_db / 20) * pair[:, ::-1] + hiss(pair.shape, noise_db))
    assert mixdown.kind == "apart"
    assert mixdown.weights == (0.5, 0.5)


@pytest.mark.parametrize("seed", [1, 2])
def test_one_speaker_per_channel_who_never_pause_for_each_other(seed: int) -> None:
    talk = conversation(8, 2, overlap=1.0, seed=seed)
    assert choose(talk.references.T).kind == "apart"


def test_three_speakers_on_three_channels() -> None:
    assert choose(conversation(30, 3, overlap=0.2, seed=4).references.T).kind == "apart"


@pytest.mark.parametrize(
    "gains", [[[1, 0.5], [0.5, 1]], [[1, 0.7], [1, 0.7]], [[1, 0.3], [0.3, 1]]], ids=["panned", "louder", "leaking"]
)
def test_people_heard_on_both_channels_are_not_apart(pair: np.ndarray, gains: list[list[float]]) -> None:
    mixdown = choose(pair @ np.array(gains) + hiss(pair.shape, -60))
    assert (mixdown.kind, mixdown.weights) == ("mean", (0.5, 0.5))


def test_two_microphones_some_way_apart_are_not_apart(pair: np.ndarray) -> None:
    assert choose(pair + 0.8 * np.roll(pair[:, ::-1], 9, axis=0)).kind == "mean"


def test_an_inverted_channel_is_turned_back(talk: Conversation) -> None:
    samples = np.stack([talk.audio, -0.8 * talk.audio], axis=1) + hiss((len(talk.audio), 2), -60)
    mixdown = choose(samples)
    assert mixdown.weights == (0.5, -0.5)
    assert np.square(mixdown.mix(samples)).mean() > 0.7 * np.square(talk.audio).mean()


@pytest.mark.parametrize("noise_db", [-200, -85])
def test_a_dead_channel_does_no_harm(talk: Conversation, noise_db: float) -> None:
    samples = np.stack([0 * talk.audio, talk.audio], axis=1) + hiss((len(talk.audio), 2), noise_db)
    mixdown = choose(samples)
    assert (mixdown.kind, mixdown.weights) == ("mean", (0.5, 0.5))
    assert mixdown.relations is not None
    assert mixdown.relations.dead == (0,)
    assert "channel 1 is dead" in mixdown.why


def test_a_channel_of_hum_is_left_out(talk: Conversation) -> None:
    hum = 0.05 * np.sin(2 * np.pi * 50 / RATE_HZ * np.arange(len(talk.audio)))
    mixdown = choose(np.stack([hum, talk.audio], axis=1) + hiss((len(talk.audio), 2), -75))
    assert (mixdown.kind, mixdown.weights) == ("channel", (0.0, 1.0))


@pytest.mark.parametrize("samples", [2, 100, RATE_HZ])
def test_silence_and_very_short_recordings(samples: int) -> None:
    assert choose(np.zeros((samples, 2))).weights == (0.5, 0.5)


def test_levels_and_correlations_are_right() -> None:
    noise = hiss((4 * RATE_HZ, 1), -20)
    relations = measure_channels(Recording.open((np.hstack([noise, -noise / 10]), RATE_HZ)))
    np.testing.assert_allclose(relations.level_db, [-20, -40], atol=0.1)
    np.testing.assert_allclose(relations.correlation, [[1, -1], [-1, 1]], atol=1e-6)
    np.testing.assert_allclose(relations.leak_db, [[0, -20], [20, 0]], atol=0.01)


@settings(max_examples=20, deadline=None)
@given(gain=st.floats(0.01, 1), seed=st.integers(0, 3), order=st.permutations([0, 1]))
def test_the_choice_depends_neither_on_gain_nor_on_order(gain: float, seed: int, order: list[int]) -> None:
    samples = conversation(10, 2, overlap=0.3, seed=seed).references.T
    assert choose(gain * samples[:, order]).kind == choose(samples).kind


@pytest.mark.parametrize("format", [np.float32, np.int16])
def test_the_mixture_is_the_weighted_sum(pair: np.ndarray, format: type) -> None:
    samples = (pair * np.iinfo(np.int16).max).astype(np.int16) if format is np.int16 else pair
    recording = Recording.open((samples, RATE_HZ))
    with AnalysisCache(recording) as cache:
        expected = recording.read().astype(np.float64) @ cache.mixdown.weights
        np.testing.assert_allclose(cache.read(), expected, atol=1e-7)
