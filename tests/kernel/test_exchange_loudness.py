"""Audio exported at a loudness: as loud as asked by an independent meter, in balance, and never clipped."""

from __future__ import annotations

import json

import numpy as np
import pyloudnorm
import pytest
import soundfile as sf

from speaksep_kernel import export
from speaksep_kernel.cli import main
from speaksep_kernel.errors import InputError
from speaksep_kernel.testing import conversation, known_separation


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    talk = conversation(12, speakers=2, overlap=0.2, seed=5)
    folder = tmp_path_factory.mktemp("loudness") / "out"
    known_separation(talk, folder, names={1: "Ada"})
    return folder


def read(folder, names):
    return [sf.read(folder / name)[0] for name in names]


def lufs(audio):
    return pyloudnorm.Meter(16000).integrated_loudness(audio)


TRACKS = ("speaker_1 Ada.wav", "speaker_2.wav")
LANES = (*TRACKS, "residual.wav")


@pytest.mark.parametrize("target", [-23.0, -31.0, -40.0])
def test_one_gain_brings_the_tracks_together_to_the_target(place, tmp_path, target):
    export(place, ["wav", "rttm"], tmp_path, loudness_lufs=target)
    assert lufs(sum(read(tmp_path, TRACKS))) == pytest.approx(target, abs=0.1)
    before = read(place, ("speaker_1.flac", "speaker_2.flac", "residual.flac"))
    gain = 10 ** ((target - lufs(before[0] + before[1])) / 20)
    for was, now in zip(before, read(tmp_path, LANES), strict=True):
        np.testing.assert_allclose(now, was * gain, atol=3e-4 * gain + 2e-7)


def test_each_track_reaches_the_target_by_itself(place, tmp_path):
    export(place, "wav", tmp_path, loudness_lufs=-30, loudness_each=True)
    assert [lufs(audio) for audio in read(tmp_path, TRACKS)] == pytest.approx([-30, -30], abs=0.1)


@pytest.mark.parametrize("each", [False, True], ids=["together", "each"])
def test_what_would_clip_stays_softer_and_says_so(place, tmp_path, each):
    with pytest.warns(UserWarning, match=r"LUFS instead of -3, since louder peaks would clip and nothing is limited"):
        export(place, "wav", tmp_path, loudness_lufs=-3, loudness_each=each)
    peaks = [np.abs(audio).max() for audio in read(tmp_path, TRACKS)]
    assert 0.5 < max(peaks) <= 10 ** (-1 / 20) + 1e-4


def test_without_a_loudness_nothing_is_touched(place, tmp_path):
    export(place, "wav", tmp_path)
    assert (read(tmp_path, ["speaker_2.wav"])[0] == read(place, ["speaker_2.flac"])[0]).all()


def test_on_the_command_line(place, tmp_path, capsys):
    words = ["export", str(place), "--to", "wav", "-o", str(tmp_path), "--loudness", "-2", "--json", "-q"]
    assert main(words) == 0
    printed = capsys.readouterr()
    assert "the tracks together" in json.loads(printed.out)["notes"][0]
    assert printed.err.startswith("speaksep: the tracks together: -")
    assert main([*words[:-4], "--loudness", "-23", "--overwrite", "--json", "-q"]) == 0
    assert json.loads(capsys.readouterr().out).keys() == {"ok", "files"}


@pytest.mark.parametrize(
    ("formats", "choices", "reason"),
    [
        ("wav", {"loudness_lufs": 3}, "bad-loudness"),
        ("wav", {"loudness_lufs": -70}, "bad-loudness"),
        ("wav", {"loudness_lufs": float("nan")}, "bad-loudness"),
        ("wav", {"loudness_each": True}, "bad-loudness"),
        ("rttm", {"loudness_lufs": -23}, "no-audio-format"),
        (["wav", "stems"], {"loudness_lufs": -23}, "no-audio-format"),
        ("nonsense", {"loudness_lufs": -23}, "unknown-format"),
    ],
    ids=["above-full-scale", "below-the-gate", "no-number", "each-to-nothing", "labels", "package", "no-format"],
)
def test_what_cannot_be_is_refused(place, tmp_path, formats, choices, reason):
    with pytest.raises(InputError) as caught:
        export(place, formats, tmp_path / "new", **choices)
    assert caught.value.reason == reason
    assert not (tmp_path / "new").exists()


def test_silence_has_no_loudness(tmp_path):
    talk = conversation(3, speakers=1, seed=1)
    silent = type(talk)(**{**vars(talk), "audio": talk.audio * 0, "references": talk.references * 0})
    known_separation(silent, tmp_path / "out")
    with pytest.raises(InputError, match="the tracks have no loudness"):
        export(tmp_path / "out", "wav", tmp_path / "new", loudness_lufs=-23)
