from __future__ import annotations

import json
import os

import numpy as np
import pytest
import soundfile as sf

from speaksep_kernel.diagnosis.plan import Plan
from speaksep_kernel.errors import InputError
from speaksep_kernel.recording import Recording
from speaksep_kernel.results.export import export_files
from speaksep_kernel.results.separate import separate_recording
from speaksep_kernel.results.values import Separation
from speaksep_kernel.results.verify import verify
from speaksep_kernel.testing import conversation, voice
from speaksep_kernel.voices.rttm import parse_rttm
from tests.kernel.separation_oracle import Halves, install, oracle_for, sisdr_db

HALVES = Plan(separator="halves")


@pytest.fixture(autouse=True)
def halves(monkeypatch):
    install(monkeypatch, Halves)


def write(path, audio, rate_hz=16000, **how):
    sf.write(path, audio, rate_hz, **how)
    return path


def read(path):
    return sf.read(path, dtype="float64", always_2d=True)[0].mean(axis=1)


def total(separation):
    return sum((read(track.file) for track in separation.tracks), read(separation.residual))


@pytest.fixture(scope="module")
def talk():
    return conversation(40, speakers=2, overlap=0.25, seed=4)


@pytest.fixture(scope="module")
def separated(talk, tmp_path_factory):
    """A conversation separated by somebody who knows it."""
    place = tmp_path_factory.mktemp("separated")
    with pytest.MonkeyPatch.context() as patch:
        install(patch, oracle_for(talk))
        recording = Recording.open(write(place / "talk.wav", talk.audio))
        return separate_recording(recording, Plan(separator="oracle"), directory=place / "out")


def test_a_conversation_becomes_one_good_track_per_speaker(talk, separated):
    assert len(separated.tracks) == 2
    tracks = [read(track.file) for track in separated.tracks]
    assert min(map(sisdr_db, tracks, talk.references.astype(np.float64))) > 12


def test_tracks_and_residual_are_the_recording(talk, separated):
    assert np.abs(total(separated) - read(separated.directory.parent / "talk.wav")).max() < 10 ** (-90 / 20)


def test_the_directory_holds_what_is_promised(separated):
    names = sorted(os.listdir(separated.directory))
    assert names == [
        ".speaksep",
        "manifest.json",
        "residual.flac",
        "speaker_1.flac",
        "speaker_2.flac",
        "summary.png",
        "turns.rttm",
    ]
    manifest = json.loads((separated.directory / "manifest.json").read_text())
    assert {"speakers", "diagnosis", "model", "timings", "input", "files"} <= manifest.keys()
    assert set(manifest["speakers"][0]) == {
        *("label", "name", "renamed", "file", "seconds", "confidence"),
        *("score", "runner_up", "runner_up_score"),
    }
    turns, labels = parse_rttm((separated.directory / "turns.rttm").read_text())
    assert sorted(labels.values()) == ["speaker_1", "speaker_2"]
    assert len(turns) == len(separated.turns)


def test_a_separation_reads_back_from_its_directory(separated):
    again = Separation.open(separated.directory)
    assert [track.file for track in again.tracks] == [track.file for track in separated.tracks]
    assert again.turns == separated.turns
    assert again.diagnosis.speakers == 2


def test_speakers_are_numbered_by_first_appearance(separated):
    order = list(dict.fromkeys(turn.speaker for turn in separated.turns))
    assert order == [1, 2]


RECORDINGS = [
    pytest.param("a.wav", 8000, 1, {}, id="telephone-wav"),
    pytest.param("a.wav", 16000, 1, {"subtype": "FLOAT"}, id="float-wav"),
    pytest.param("a.mp3", 44100, 2, {}, id="stereo-mp3"),
    pytest.param("a.flac", 48000, 2, {"subtype": "PCM_24"}, id="stereo-24-bit-flac"),
    pytest.param("a.ogg", 22050, 1, {}, id="ogg"),
]


@pytest.mark.parametrize(("name", "rate_hz", "channels", "how"), RECORDINGS)
@pytest.mark.parametrize("format", ["flac", "wav"])
def test_the_null_test_holds_for_every_kind_of_recording(tmp_path, name, rate_hz, channels, how, format):
    talk = conversation(12, speakers=2, overlap=0.5, seed=8, rate_hz=rate_hz)
    path = write(tmp_path / name, np.stack([talk.audio, 0.8 * talk.audio][:channels], axis=1), rate_hz, **how)
    separation = separate_recording(Recording.open(path), HALVES, directory=tmp_path / "out", format=format)
    mixture = Recording.open(path).read().mean(axis=1, dtype=np.float64)
    for file in [*(track.file for track in separation.tracks), separation.residual]:
        about = sf.info(file)
        assert (about.samplerate, about.frames, about.channels) == (rate_hz, len(mixture), 1)
        assert np.abs(read(file)).max() < 1
    assert np.abs(total(separation) - mixture).max() < 10 ** (-90 / 20)


def test_digital_silence_stays_silence_and_has_no_speaker(tmp_path):
    path = write(tmp_path / "silence.wav", np.zeros(80000))
    separation = separate_recording(Recording.open(path), HALVES, directory=tmp_path / "out")
    assert separation.tracks == separation.turns == ()
    assert not read(separation.residual).any()
    assert len(read(separation.residual)) == 80000


def test_one_voice_is_one_track_and_it_is_untouched(tmp_path):
    audio = np.concatenate(voice("june"))[: 30 * 16000]
    path = write(tmp_path / "june.wav", audio)
    separation = separate_recording(Recording.open(path), HALVES, directory=tmp_path / "out")
    assert len(separation.tracks) == 1
    assert sisdr_db(read(separation.tracks[0].file), read(path)) > 30


@pytest.mark.parametrize("speakers", [1, 2, 4])
def test_a_given_number_of_speakers_is_the_number_of_tracks(tmp_path, speakers):
    talk = conversation(12, speakers=2, overlap=0.6, seed=3)
    recording = Recording.open((talk.audio, 16000))
    plan = Plan(separator="halves", speakers=speakers)
    assert len(separate_recording(recording, plan, directory=tmp_path / "out").tracks) == speakers


def test_one_speaker_per_channel_gives_each_its_own_channel(tmp_path):
    talk = conversation(30, speakers=2, overlap=0.15, seed=6, noise_dbfs=None)
    path = write(tmp_path / "call.wav", talk.references.T)
    separation = separate_recording(Recording.open(path), HALVES, directory=tmp_path / "out")
    stored = sf.read(path)[0]
    assert separation.manifest.mixture.kind == "apart"
    assert not separation.manifest.model.used
    for track, channel in zip(separation.tracks, stored.T, strict=True):
        assert np.abs(read(track.file) - 0.5 * channel).max() < 1e-6
    assert not read(separation.residual).any()


@pytest.mark.parametrize("format", ["mp3", "m4a", "ogg", "opus"])
def test_lossy_formats_work_end_to_end(tmp_path, format):
    talk = conversation(8, speakers=2, overlap=0.5, seed=3)
    recording = Recording.open((talk.audio, 16000))
    separation = separate_recording(recording, HALVES, directory=tmp_path / "out", format=format)
    assert separation.residual.suffix == f".{format}"
    assert {Recording.open(track.file).rate_hz for track in separation.tracks} == {16000}


def test_the_same_manifest_gives_the_same_bytes_and_damage_is_found(tmp_path, monkeypatch):
    talk = conversation(12, speakers=2, overlap=0.5, seed=3)
    path = write(tmp_path / "talk.wav", talk.audio)
    separation = separate_recording(Recording.open(path), HALVES, directory=tmp_path / "out")
    assert verify(separation.directory, path).ok
    separation.tracks[0].file.write_bytes(b"gone")
    again = verify(separation.directory, path)
    assert (again.damaged, again.different) == (("speaker_1.flac",), ())
    with pytest.raises(InputError, match="not the recording"):
        verify(separation.directory, write(tmp_path / "other.wav", talk.audio[:-1]))


def test_export_converts_the_audio(separated, tmp_path):
    files = export_files(separated, ["wav"], tmp_path)
    assert [file.name for file in files] == ["speaker_1.wav", "speaker_2.wav", "residual.wav"]
    assert np.array_equal(sum(map(read, files)), total(separated))


@pytest.mark.parametrize("stage", ["read", "segment", "separate", "render"])
def test_cancelling_in_any_stage_leaves_nothing(tmp_path, stage):
    talk = conversation(12, speakers=2, overlap=0.5, seed=3)

    def hook(name, completed, total=None):
        assert name != stage or completed == 0, stage

    with pytest.raises(AssertionError, match=stage):
        separate_recording(Recording.open((talk.audio, 16000)), HALVES, directory=tmp_path / "out", hook=hook)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("plan", "how", "reason"),
    [
        pytest.param(Plan(separator="nonesuch"), {}, "unknown-separator", id="separator"),
        pytest.param(HALVES, {"format": "aiff"}, "unknown-exporter", id="format"),
        pytest.param(Plan(separator="halves", speakers=0), {}, "bad-speakers", id="no-speakers"),
        pytest.param(Plan(separator="halves", speakers=99), {}, "bad-speakers", id="too-many-speakers"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(tmp_path, plan, how, reason):
    with pytest.raises(InputError) as caught:
        separate_recording(Recording.open((np.zeros(16000), 16000)), plan, directory=tmp_path / "out", **how)
    assert caught.value.reason == reason
    assert os.listdir(tmp_path) == []


def test_samples_far_beyond_full_scale_are_refused(tmp_path):
    loud = 8 * voice("june")[0] / np.abs(voice("june")[0]).max()
    with pytest.raises(InputError, match="times full scale"):
        separate_recording(Recording.open((loud, 16000)), HALVES, directory=tmp_path / "out")
    assert os.listdir(tmp_path) == []


def test_without_a_directory_the_results_live_as_long_as_the_value(talk):
    separation = separate_recording(Recording.open((talk.audio[:160000], 16000)), HALVES)
    place = separation.directory
    assert separation.residual.exists()
    del separation
    assert not place.exists()
