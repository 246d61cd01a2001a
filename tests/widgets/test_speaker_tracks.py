"""Corrections in the widget are corrections of the result, and a failure leaves both as they were."""

import pytest
import soundfile as sf

import speaksep_kernel as speaksep
from speaksep_kernel.errors import InputError
from speaksep_kernel.testing import conversation
from speaksep_kernel.testing.editable import editable_separation
from speaksep_widgets import speaker_tracks
from speaksep_widgets.speaker_tracks import SpeakerTracks


@pytest.fixture
def tracks(tmp_path) -> SpeakerTracks:
    talk = conversation(12, speakers=2, overlap=0.2, seed=3)
    sf.write(tmp_path / "talk.wav", talk.audio, 16000)
    return SpeakerTracks(editable_separation(tmp_path / "talk.wav", talk.turns, tmp_path / "out"))


def test_a_correction_shows_at_once_and_is_rendered(tracks: SpeakerTracks) -> None:
    before = tracks.turns
    tracks.apply({"op": "merge", "speakers": [2], "into": 1})
    assert [speaker["number"] for speaker in tracks.speakers] == [1]
    assert [track.speaker for track in tracks.wait(60).tracks] == [1]
    assert tracks.lanes == ["mixture", "speaker_1", "residual"]
    assert (tracks.revision, tracks.rendering, tracks.word) == (1, False, "")
    tracks.undo()
    assert [track.speaker for track in tracks.wait(60).tracks] == [1, 2]
    assert tracks.turns == before
    assert tracks.edit_log["position"] == 0
    assert len(tracks.edit_log["edits"]) == 1


def test_what_does_not_fit_is_refused_and_changes_nothing(tracks: SpeakerTracks) -> None:
    before = (tracks.turns, tracks.edit_log, tracks.speakers)
    with pytest.raises(InputError):
        tracks.apply({"op": "merge", "speakers": [7], "into": 1})
    assert (tracks.turns, tracks.edit_log, tracks.speakers) == before
    assert not tracks.rendering


@pytest.mark.parametrize(
    "error", [InputError("no disk", reason="x", hint="y"), ZeroDivisionError("by nothing")], ids=["refused", "fault"]
)
def test_after_a_failed_rendering_the_next_correction_works(
    tracks: SpeakerTracks, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments, **options):
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(speaker_tracks, "render_edits", fail)
        tracks.apply({"op": "rename", "speaker": 1, "name": "Ada"})
        tracks.wait(60)
    assert str(error) in tracks.word
    assert tracks.edit_log["position"] == 0
    tracks.apply({"op": "rename", "speaker": 1, "name": "Ada"})
    assert tracks.wait(60).tracks[0].name == "Ada"


def test_what_somebody_else_corrected_is_not_lost(tracks: SpeakerTracks) -> None:
    speaksep.edit(tracks.separation.directory, {"op": "rename", "speaker": 2, "name": "Bert"})
    tracks.apply({"op": "rename", "speaker": 1, "name": "Ada"})
    tracks.wait(60)
    assert "somebody else" in tracks.word
    assert [speaker["name"] for speaker in tracks.speakers] == [None, "Bert"]
    tracks.apply({"op": "rename", "speaker": 1, "name": "Ada"})
    assert [track.name for track in tracks.wait(60).tracks] == ["Ada", "Bert"]


def test_solo_is_a_trait(tracks: SpeakerTracks) -> None:
    tracks.solo("speaker_2")
    assert [lane for lane, set in tracks.mixer.items() if set["solo"]] == ["speaker_2"]
