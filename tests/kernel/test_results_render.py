from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from speaksep_kernel.progress import silent
from speaksep_kernel.recording import AnalysisCache, Recording
from speaksep_kernel.results.quantise import quantise
from speaksep_kernel.results.render import render_blocks
from speaksep_kernel.separation.run import separate_windows
from speaksep_kernel.separation.tables import FRAME_SAMPLES, TrackStore, empty_table
from speaksep_kernel.separation.windows import choose_windows
from speaksep_kernel.testing import Conversation, conversation
from tests.kernel.separation_oracle import oracle_for, sisdr_db


def known_activity(talk: Conversation, frames: int) -> np.ndarray:
    activity = np.zeros((frames, len(talk.references)), np.uint8)
    for turn in talk.turns:
        activity[round(turn.start_s * 50) : round(turn.end_s * 50), turn.speaker - 1] = 255
    return activity


def rendered(talk: Conversation, directory, *, order=(0, 1), silence=None):
    """Tracks and mixture of a conversation, with who speaks when and what the network hears given."""
    audio = talk.audio.copy()
    audio[silence or slice(0, 0)] = 0
    with AnalysisCache(Recording.open((audio, talk.rate_hz))) as cache:
        frames = -(-cache.samples16k // FRAME_SAMPLES)
        activity = known_activity(talk, frames)[:, list(order)]
        windows = choose_windows(np.ones(frames, bool))
        store = TrackStore(directory / "tracks", sources=3, samples=windows.frames * FRAME_SAMPLES)
        table = separate_windows(oracle_for(talk)(), cache, windows, empty_table(windows.frames, 3), store, hook=silent)
        speaker = np.full((len(table), 3), -1, np.int32)
        reference16k = np.asarray(soxr.resample(talk.references.T, talk.rate_hz, 16000)).T
        for k, start in enumerate(table.start.tolist()):
            at = start * FRAME_SAMPLES
            local = store.read(k, 0, store.samples)
            known = reference16k[:, at : at + store.samples]
            alike = np.abs(local[:, : known.shape[1]] @ known.T)
            for number, source in enumerate(alike.argmax(axis=0).tolist()):
                speaker[k, source] = list(order).index(number)
        table = replace(table, speaker=speaker, activity=activity)
        blocks = list(render_blocks(cache, table, store))
    return np.concatenate([b[0] for b in blocks], axis=1), np.concatenate([b[1] for b in blocks])


@pytest.mark.parametrize("rate_hz", [8000, 11025, 16000, 22050, 44100, 48000])
def test_each_track_is_its_speaker_at_any_rate(tmp_path, rate_hz):
    talk = conversation(24, speakers=2, overlap=0.3, seed=2, rate_hz=rate_hz)
    tracks, mixture = rendered(talk, tmp_path)
    assert np.array_equal(mixture, talk.audio)
    assert min(map(sisdr_db, tracks, talk.references)) > 18


@settings(max_examples=5, deadline=None)
@given(st.sampled_from([8000, 16000, 44100]), st.integers(0, 99), st.sampled_from([16, 24]))
def test_tracks_and_residual_are_the_mixture_to_minus_90_dbfs(tmp_path_factory, rate_hz, seed, bits):
    talk = conversation(11, speakers=2, overlap=0.5, seed=seed, rate_hz=rate_hz)
    tracks, mixture = rendered(talk, tmp_path_factory.mktemp("null"))
    values, lost = quantise(tracks, mixture, bits)
    error = np.abs(values.sum(axis=0) / 2 ** (bits - 1) - talk.audio).max()
    assert lost == 0
    assert 20 * np.log10(max(error, 1e-12)) < -90
    assert tracks.shape[1] == len(talk.audio)


def test_where_one_person_speaks_the_track_is_the_input_to_the_last_bit(tmp_path):
    talk = conversation(24, speakers=2, overlap=0.0, seed=1)
    tracks, mixture = rendered(talk, tmp_path)
    turn = talk.turns[0]
    inside = slice(int(turn.start_s * 16000) + 1600, int(turn.end_s * 16000) - 8000)
    assert np.array_equal(tracks[turn.speaker - 1, inside], mixture[inside])
    assert not tracks[2 - turn.speaker, inside].any()


def test_digital_silence_inside_speech_stays_digital_silence(tmp_path):
    talk = conversation(15, speakers=2, overlap=1.0, seed=1)
    hole = slice(64000, 72000)
    tracks, _ = rendered(talk, tmp_path, silence=hole)
    assert not tracks[:, hole].any()
    assert tracks[:, : hole.start].any(axis=1).all()


def test_numbering_the_speakers_otherwise_only_renumbers_the_tracks(tmp_path):
    talk = conversation(24, speakers=2, overlap=0.4, seed=5)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    plain, _ = rendered(talk, tmp_path / "a")
    swapped, _ = rendered(talk, tmp_path / "b", order=(1, 0))
    assert np.abs(plain - swapped[::-1]).max() < 1e-6
