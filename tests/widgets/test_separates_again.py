"""A span separated again in the widget: in a thread, seen, stopped, and when it fails nothing has changed."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import soundfile as sf

import speaksep_kernel as speaksep
from speaksep_kernel.errors import InputError
from speaksep_kernel.testing import conversation
from speaksep_kernel.testing.editable import editable_separation
from speaksep_widgets import again
from speaksep_widgets.speaker_tracks import SpeakerTracks
from speaksep_widgets.workbench import Workbench
from tests.kernel.separation_oracle import install, oracle_for

TALK = conversation(12, speakers=2, overlap=0.2, seed=3)
SPAN = (3.0, 9.0)


@pytest.fixture
def tracks(tmp_path, monkeypatch: pytest.MonkeyPatch) -> SpeakerTracks:
    """Two speakers, and a separator installed that knows what they said."""
    install(monkeypatch, oracle_for(TALK))
    sf.write(tmp_path / "talk.wav", TALK.audio, 16000)
    return SpeakerTracks(editable_separation(tmp_path / "talk.wav", TALK.turns, tmp_path / "out"))


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Separating again begins when this is set, and says so when it has begun."""
    go = threading.Event()

    def waiting(*arguments, hook, **choices):
        hook("separate", 1, 4)
        assert go.wait(60)
        return speaksep.reseparate(*arguments, hook=hook, **choices)

    monkeypatch.setattr(again, "reseparate", waiting)
    yield go
    go.set()


def test_the_selection_is_separated_again_and_code_says_so(tracks: SpeakerTracks, tmp_path) -> None:
    assert "oracle" in tracks.separators
    tracks.selection_s = list(SPAN)
    tracks.reseparate(speakers=2, separator="oracle")
    tracks.wait(100)
    (edit,) = tracks.edit_log["edits"]
    assert (edit["op"], edit["start_s"], edit["end_s"], edit["speakers"]) == ("reseparate", *SPAN, 2)
    assert (tracks.word, tracks.separating, tracks.revision) == ("", {}, 1)
    tracks.undo()
    tracks.wait(60)
    tracks.redo()
    tracks.wait(60)
    assert tracks.edit_log["position"] == 1

    bench = Workbench(tmp_path / "talk.wav", tmp_path / "out")
    bench._show_separation(tracks.separation)
    line = "separation = speaksep.reseparate(separation, 3.0, 9.0, speakers=2, separator='oracle', quality='balanced')"
    assert line in bench.code().splitlines()


def test_while_it_runs_progress_shows_and_no_other_correction_is_taken(tracks: SpeakerTracks, held) -> None:
    seen: list[dict] = []
    shown = threading.Event()
    tracks.observe(
        lambda change: (seen.append(change.new), shown.set() if change.new.get("done") else None), "separating"
    )
    tracks.answer_reseparate(start_s=SPAN[0], end_s=SPAN[1], speakers=None, separator="oracle", quality="best")
    assert tracks.word == "Separating again…"
    assert shown.wait(60)
    assert {"stage": "separate", "done": 0.25, "start_s": 3.0, "end_s": 9.0} in seen
    for act in (tracks.undo, tracks.reseparate, lambda: tracks.apply({"op": "rename", "speaker": 1, "name": "Ada"})):
        with pytest.raises(InputError) as caught:
            act()
        assert caught.value.reason in ("busy", "nothing-to-undo")
    held.set()
    tracks.wait(100)
    assert [edit["quality"] for edit in tracks.edit_log["edits"]] == ["best"]


def test_cancelled_it_leaves_all_as_it_was(tracks: SpeakerTracks, held) -> None:
    before = (tracks.turns, tracks.edit_log, tracks.lanes)
    tracks.reseparate(*SPAN, separator="oracle")
    tracks.cancel()
    held.set()
    tracks.wait(60)
    assert (tracks.turns, tracks.edit_log, tracks.lanes) == before
    assert tracks.word == "Cancelled; everything is as it was."
    tracks.apply({"op": "rename", "speaker": 1, "name": "Ada"})
    assert tracks.wait(60).tracks[0].name == "Ada"


@pytest.mark.parametrize(
    ("span", "choices", "said"),
    [
        ((3, 99), {}, "not within the recording"),
        ((3, 3.1), {}, "0.10 s"),
        (SPAN, {"separator": "magic"}, "magic"),
        (SPAN, {"speakers": 40}, "40"),
        (SPAN, {"separator_options": {"depth": 3}}, "depth"),
    ],
    ids=["past-the-end", "too-short", "separator", "speakers", "option"],
)
def test_what_fails_is_said_and_changes_nothing(tracks: SpeakerTracks, span, choices, said) -> None:
    before = (tracks.turns, tracks.edit_log, tracks.speakers)
    tracks.reseparate(*span, **choices)
    tracks.wait(60)
    assert tracks.word.startswith("Not separated again: ")
    assert said in tracks.word
    assert (tracks.turns, tracks.edit_log, tracks.speakers, tracks.separating) == (*before, {})


def test_a_fault_is_said_too(tracks: SpeakerTracks, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments, **choices):
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(again, "reseparate", fail)
    tracks.reseparate(*SPAN)
    tracks.wait(60)
    assert "by nothing (a fault of ours)" in tracks.word


def test_without_a_selection_there_is_nothing_to_separate(tracks: SpeakerTracks) -> None:
    with pytest.raises(InputError) as caught:
        tracks.reseparate()
    assert caught.value.reason == "no-selection"
    assert tracks.separating == {}
