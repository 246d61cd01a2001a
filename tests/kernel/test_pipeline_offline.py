"""The main job with the network refused, and the two laws on what it leaves."""

import socket

import numpy as np
import pytest

import speaksep_kernel as speaksep
from speaksep_kernel.testing import conversation, voice


@pytest.fixture(autouse=True)
def refused_network(monkeypatch):
    """Whoever opens a socket to anywhere fails the test."""

    def refuse(self, address, *rest):
        raise AssertionError(f"connection to {address!r}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def summed(separation):
    files = [*(track.file for track in separation.tracks), separation.residual]
    return sum(speaksep.Recording.open(file).read()[:, 0] for file in files)


def test_a_conversation_becomes_tracks_that_add_up(tmp_path):
    talk = conversation(20, speakers=2, overlap=0.2, seed=3)
    separation = speaksep.separate((talk.audio, talk.rate_hz), tmp_path / "tracks", format="wav")
    assert len(separation.tracks) == 2
    assert np.abs(summed(separation) - talk.audio).max() <= 10 ** (-90 / 20)
    assert "speaker" in separation.plan.explain()
    assert separation.diagnosis.speakers == 2


def test_one_voice_is_one_track(tmp_path):
    alone = voice("carlo")[0]
    separation = speaksep.separate((alone, 16000), tmp_path / "tracks")
    assert len(separation.tracks) == 1


def test_silence_has_nobody_in_it(tmp_path):
    separation = speaksep.separate((np.zeros(48000, np.float32), 16000), tmp_path / "tracks")
    assert separation.tracks == ()
    assert not speaksep.Recording.open(separation.residual).read().any()


def test_a_plan_leaves_no_further_choice(tmp_path):
    silence = (np.zeros(16000, np.float32), 16000)
    plan = speaksep.plan(speaksep.diagnose(silence))
    with pytest.raises(TypeError, match="speakers"):
        speaksep.separate(silence, tmp_path / "tracks", plan=plan, speakers=2)
    assert list(tmp_path.iterdir()) == []
