"""The voice book as forms: nobody without consent, nobody forgotten by one click."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile as sf

from speaksep_kernel.errors import InputError
from speaksep_kernel.results.values import Separation
from speaksep_kernel.testing import conversation
from speaksep_kernel.testing.separated import known_separation
from speaksep_kernel.voices.book import read_book
from speaksep_widgets.voice_book_panel import VoiceBookPanel


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of two people, each on a track, and a file of the first alone."""
    folder = tmp_path_factory.mktemp("talk")
    spoken = conversation(30)
    known_separation(spoken, folder / "tracks")
    sf.write(folder / "ada.wav", spoken.references[0], spoken.rate_hz)
    return folder


@pytest.fixture
def panel(talk: Path, tmp_path: Path) -> VoiceBookPanel:
    return VoiceBookPanel(lambda: Separation.open(talk / "tracks"), tmp_path / "voices.json")


def enrol(panel: VoiceBookPanel, name: str, source: str) -> None:
    panel.name.value, panel.consent.value = name, True
    panel.source.value = source
    panel.enroll().wait(120)


def test_a_voice_is_enrolled_renamed_and_forgotten(panel: VoiceBookPanel, talk: Path, tmp_path: Path) -> None:
    panel.paths.value = f"{talk / 'ada.wav'}\n"
    panel.note.value = "form of 3 May"
    enrol(panel, "Ada", "files")
    assert not panel.consent.value
    [voice] = read_book(tmp_path / "voices.json")
    assert (voice.name, voice.note) == ("Ada", "form of 3 May")
    assert "<td>Ada</td>" in panel.table.value

    panel.chosen.value = "Ada"
    panel.new_name.value = "Ada <L.>"
    panel.rename_button.click()
    assert "<td>Ada &lt;L.&gt;</td>" in panel.table.value

    panel.chosen.value = "Ada <L.>"
    panel.forget_button.click()
    assert [voice.name for voice in panel.voices] == ["Ada <L.>"]  # asked first
    assert panel.sure_button.description == "Forget Ada <L.> for good"
    panel.sure_button.click()
    assert read_book(tmp_path / "voices.json") == ()
    assert panel.receipt
    assert panel.receipt in panel.word.value
    assert panel.sure_button.layout.display == "none"


def test_speakers_are_named_from_a_voice_of_a_track(talk: Path, tmp_path: Path) -> None:
    told: list[Separation] = []
    panel = VoiceBookPanel(lambda: Separation.open(talk / "tracks"), tmp_path / "voices.json", told.append)
    enrol(panel, "Ada", "speaker_1")
    panel.identify_button.click()
    assert panel.work is not None
    panel.work.wait(120)
    assert [track.name for track in told[0].tracks] == ["Ada", None]
    assert "Ada known by name; 1 not" in panel.word.value
    assert panel.named


def test_nobody_without_consent(panel: VoiceBookPanel, talk: Path) -> None:
    panel.name.value, panel.paths.value = "Ada", str(talk / "ada.wav")
    with pytest.raises(InputError) as caught:
        panel.enroll().wait(30)
    assert caught.value.reason == "no-consent"
    assert panel.work is not None
    assert "without consent" in panel.work.word.value
    assert panel.voices == ()


def test_what_is_wrong_is_said(panel: VoiceBookPanel) -> None:
    panel.rename_button.click()
    assert "no voice is chosen" in panel.word.value
    panel.forget_button.click()
    assert "no voice is chosen" in panel.word.value


def test_a_damaged_book_is_said(tmp_path: Path) -> None:
    (tmp_path / "voices.json").write_text("[]")
    assert "is not a voice book" in VoiceBookPanel(book=tmp_path / "voices.json").word.value
