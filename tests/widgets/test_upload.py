"""Files that come in pieces: checked before, between and after."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from speaksep_kernel.errors import InputError, SpeakSepError
from speaksep_kernel.recording import Limits
from speaksep_widgets import upload as module
from speaksep_widgets.upload import Upload, clean_name


@pytest.fixture
def wave(tmp_path: Path) -> bytes:
    path = tmp_path / "source.wav"
    sf.write(path, np.random.default_rng(0).normal(0, 0.1, 32000), 16000)
    return path.read_bytes()


@pytest.fixture
def came() -> list[Path]:
    return []


@pytest.fixture
def upload(tmp_path: Path, came: list[Path]) -> Upload:
    return Upload(tmp_path / "in", came.append)


def which(data: bytes, name: str = "talk.wav") -> dict[str, object]:
    return {"name": name, "size": len(data), "modified": 1}


def send(upload: Upload, data: bytes, name: str = "talk.wav", start: int = 0) -> dict[str, object]:
    for at in range(start, len(data), 10_000):
        upload.answer_piece(**which(data, name), offset=at, buffers=[data[at : at + 10_000]])
    return upload.answer_finish(**which(data, name))[0]


def test_pieces_become_the_file(upload: Upload, wave: bytes, came: list[Path]) -> None:
    begun, _ = upload.answer_begin(**which(wave))
    assert begun["offset"] == 0
    assert send(upload, wave) == {"name": "talk.wav", "seconds": 2.0}
    assert came == [upload.folder / "talk.wav"]
    assert came[0].read_bytes() == wave
    assert upload.files == [str(came[0])]
    assert [path.name for path in upload.folder.iterdir()] == ["talk.wav"]


def test_a_broken_off_upload_goes_on_in_another_kernel(upload: Upload, wave: bytes) -> None:
    upload.answer_begin(**which(wave))
    upload.answer_piece(**which(wave), offset=0, buffers=[wave[:20_000]])
    again = Upload(upload.folder)
    assert again.answer_begin(**which(wave))[0]["offset"] == 20_000
    send(again, wave, start=20_000)
    assert (upload.folder / "talk.wav").read_bytes() == wave


def test_another_file_of_the_same_name_does_not_go_on(upload: Upload, wave: bytes) -> None:
    upload.answer_begin(**which(wave))
    upload.answer_piece(**which(wave), offset=0, buffers=[wave[:20_000]])
    assert upload.answer_begin(**{**which(wave), "modified": 2})[0]["offset"] == 0


def test_a_piece_sent_twice_is_taken_once(upload: Upload, wave: bytes) -> None:
    upload.answer_begin(**which(wave))
    upload.answer_piece(**which(wave), offset=0, buffers=[wave[:20_000]])
    answer, _ = upload.answer_piece(**which(wave), offset=0, buffers=[wave[:20_000]])
    assert answer == {"received": 20_000}


def test_nothing_is_overwritten(upload: Upload, wave: bytes, came: list[Path]) -> None:
    for _ in range(3):
        upload.answer_begin(**which(wave))
        send(upload, wave)
    assert [path.name for path in came] == ["talk.wav", "talk (2).wav", "talk (3).wav"]


def test_what_is_no_recording_is_not_kept(upload: Upload, came: list[Path]) -> None:
    letter = b"Dear Ada, " * 100
    upload.answer_begin(**which(letter))
    with pytest.raises(InputError) as caught:
        send(upload, letter)
    assert caught.value.reason == "not-audio"
    assert "talk.wav: is not audio" in caught.value.error
    assert (came, list(upload.folder.iterdir())) == ([], [])


def test_what_came_short_is_not_kept(upload: Upload, wave: bytes) -> None:
    upload.answer_begin(**which(wave))
    with pytest.raises(InputError) as caught:
        upload.answer_finish(**which(wave))
    assert caught.value.reason == "truncated"
    assert list(upload.folder.iterdir()) == []


def test_a_cancelled_upload_leaves_nothing(upload: Upload, wave: bytes) -> None:
    upload.answer_begin(**which(wave))
    upload.answer_piece(**which(wave), offset=0, buffers=[wave[:20_000]])
    upload.answer_drop(**which(wave))
    assert list(upload.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"size": 0}, "empty-audio"),
        ({"size": 1_000_001}, "too-many-bytes"),
        ({"name": ".."}, "bad-name"),
        ({"name": "n" * 300 + ".wav"}, "bad-name"),
    ],
    ids=["empty", "over-the-limit", "no-name", "long-name"],
)
def test_refused_before_anything_is_sent(tmp_path: Path, asked: dict[str, object], reason: str) -> None:
    upload = Upload(tmp_path / "in", limits=Limits(max_bytes=1_000_000))
    with pytest.raises(SpeakSepError) as caught:
        upload.answer_begin(**{"name": "talk.wav", "size": 10, "modified": 1, **asked})
    assert caught.value.reason == reason
    assert not (tmp_path / "in").exists()


def test_a_full_disk_is_said_before(upload: Upload, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SPARE_BYTES", 1 << 60)
    with pytest.raises(SpeakSepError) as caught:
        upload.answer_begin(name="talk.wav", size=10, modified=1)
    assert caught.value.reason == "disk-full"
    assert list(upload.folder.iterdir()) == []


def test_a_folder_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("")
    with pytest.raises(SpeakSepError) as caught:
        Upload(tmp_path / "in").answer_begin(name="talk.wav", size=10, modified=1)
    assert caught.value.reason == "unwritable"


def test_only_small_files_go_over_the_channel(upload: Upload) -> None:
    with pytest.raises(SpeakSepError) as caught:
        upload.answer_piece(name="talk.wav", size=500_000_000, modified=1, offset=0, buffers=[b""])
    assert caught.value.reason == "too-many-bytes"


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\talks\\ä b.wav", "ä b.wav"),
        ("...hidden.wav", "hidden.wav"),
        ("a\x00b\u202e.wav", "ab.wav"),
    ],
    ids=["folders", "windows", "hidden", "invisible"],
)
def test_names_lead_nowhere(name: str, clean: str) -> None:
    assert clean_name(name) == clean
