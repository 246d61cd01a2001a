"""The page as a whole: what is opened, what appears, and the Python that makes it again."""

from __future__ import annotations

import ast
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

import speaksep_kernel as speaksep
from speaksep_kernel.diagnosis.plan import make_plan
from speaksep_kernel.results.edits import Rename
from speaksep_kernel.testing import conversation
from speaksep_kernel.testing.editable import editable_separation
from speaksep_widgets.workbench import Workbench


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A conversation, as a file; beside it ``tracks``, its separation."""
    folder = tmp_path_factory.mktemp("talk")
    spoken = conversation(5)
    sf.write(folder / "talk.wav", spoken.audio, spoken.rate_hz)
    editable_separation(folder / "talk.wav", spoken.turns, folder / "tracks")
    return folder


@pytest.fixture(autouse=True)
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's own voice book."""
    monkeypatch.setenv("SPEAKSEP_BOOK", str(tmp_path / "voices.json"))


@pytest.fixture
def folder(talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The conversation and its separation where they may be changed, and that is where we are."""
    shutil.copytree(talk, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def run(code: str) -> dict[str, object]:
    """What a fresh notebook would have after this code."""
    made: dict[str, object] = {}
    exec(compile(ast.parse(code), "code()", "exec"), made)
    return made


def test_a_recording_is_opened_on_the_page(folder: Path) -> None:
    bench = Workbench()
    assert bench.view is None
    assert bench.files is not None
    bench.files.entries.value = folder / "talk.wav"
    bench.files.open_button.click()
    assert bench.recording is not None
    assert bench.view is not None
    assert bench.code() == "import speaksep_kernel as speaksep\n\n"


def test_what_is_no_recording_is_said_and_what_was_there_stays(folder: Path) -> None:
    (folder / "letter.wav").write_text("Dear Ada")
    bench = Workbench()
    assert bench.files is not None
    bench.files.choose("talk.wav")
    view = bench.view
    bench.files.choose("letter.wav")
    assert "is not audio" in bench.word.value
    assert bench.view is view


def test_diagnosis_plan_and_tracks_appear_one_after_the_other(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = speaksep.Separation.open(folder / "tracks")
    monkeypatch.setattr("speaksep_widgets.workbench.diagnose", lambda recording, hook: made.diagnosis)
    monkeypatch.setattr("speaksep_widgets.workbench.separate", lambda recording, place, plan, hook: made)
    bench = Workbench("talk.wav", "tracks")
    assert (bench.plan, bench.tracks, bench.exports) == (None, None, None)
    bench._button.click()
    assert bench.work is not None
    bench.work.wait(30)
    assert bench.plan is not None
    bench.plan.speakers.value = 2
    bench.plan.button.click()
    bench.work.wait(30)
    assert bench.tracks is not None
    assert bench.exports is not None
    code = bench.code()
    assert "plan = speaksep.plan(diagnosis, speakers=2)" in code
    assert "separation = speaksep.separate('talk.wav', 'tracks', plan=plan)" in code
    assert make_plan(made.diagnosis, speakers=2) == bench.plan.plan


def test_the_code_makes_the_same_page(folder: Path) -> None:
    bench = Workbench(folder / "tracks")
    assert bench.tracks is not None
    assert bench.view is not None
    assert bench.exports is not None
    bench.tracks.apply(Rename(speaker=1, name="Ada"))
    bench.tracks.wait(60)
    bench.view.scale = "linear"
    bench.tracks.view_s = [1.0, 3.0]
    bench.tracks.solo("speaker_1")
    bench.exports.directory.value = "for-praat"
    bench.exports.export().wait(30)
    files = [Path(file).read_bytes() for file in bench.exports.files]
    bench.exports.overwrite.value = True

    made = run(bench.code())
    again = made["bench"]
    assert isinstance(again, Workbench)
    assert again.tracks is not None
    assert again.view is not None
    assert again.tracks.speakers == bench.tracks.speakers
    assert again.tracks.turns == bench.tracks.turns
    assert (again.tracks.view_s, again.tracks.mixer) == ([1.0, 3.0], bench.tracks.mixer)
    assert again.view.scale == "linear"
    assert [Path(file).read_bytes() for file in made["files"]] == files  # type: ignore[attr-defined]


def test_names_from_the_book_come_onto_the_tracks_and_into_the_code(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def identify(separation, book, *, hook):
        return replace(separation, tracks=tuple(replace(track, name="Ada") for track in separation.tracks))

    monkeypatch.setattr("speaksep_widgets.voice_book_panel.identify", identify)
    bench = Workbench(folder / "tracks", book=folder / "voices.json")
    assert bench.voices is not None
    assert bench.tracks is not None
    bench.voices.identify().wait(30)
    assert {speaker["name"] for speaker in bench.tracks.speakers} == {"Ada"}
    assert f"speaksep.identify(separation, {str(folder / 'voices.json')!r})" in bench.code()


def test_an_array_has_no_name_to_open_it_by() -> None:
    rng = np.random.default_rng(1)
    bench = Workbench((rng.normal(0, 0.1, 32000).astype(np.float32), 16000))
    assert bench.view is not None
    bench.view.gain = 2.0
    assert "bench = Workbench(recording)\nbench.view.gain = 2.0" in bench.code()
