"""Many recordings: each has its result or its reason, and a batch that was stopped goes on."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from speaksep_kernel.errors import InputError
from speaksep_kernel.results.values import Separation
from speaksep_kernel.testing import conversation
from speaksep_kernel.testing.separated import known_separation
from speaksep_widgets import batch_table as module
from speaksep_widgets.batch_table import BatchTable
from speaksep_widgets.work import Cancelled


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Silence that is diagnosed at once, a letter, and a text that is no recording by its name."""
    sf.write(tmp_path / "a.wav", np.zeros(16000), 16000)
    (tmp_path / "b.wav").write_text("Dear <Ada>")
    sf.write(tmp_path / "c.flac", np.zeros(32000), 16000)
    (tmp_path / "notes.txt").write_text("")
    return tmp_path


@pytest.fixture
def separated(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Separations are made without a network; here is which."""
    made: list[Path] = []

    def separate(recording, place: Path, *, hook, **choices) -> Separation:
        hook("separate", 1, 1)
        made.append(place)
        return known_separation(conversation(5), place)

    monkeypatch.setattr(module, "separate", separate)
    return made


def test_one_that_fails_does_not_stop_the_others(folder: Path) -> None:
    batch = BatchTable(folder, verb="diagnose")
    batch.button.click()
    assert batch.work is not None
    results = batch.work.wait(120)
    assert [row.state for row in batch.rows] == ["done", "failed", "done"]
    assert [row.seconds for row in batch.rows] == [1.0, None, 2.0]
    assert sorted(results) == [str(folder / "a.wav"), str(folder / "c.flac")]
    assert "is not audio" in batch.to_dicts()[1]["words"]
    assert "<td>failed</td>" in batch.table.value
    assert "Dear" not in batch.table.value


def test_what_is_there_is_kept(folder: Path, separated: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    spoken = conversation(5)
    sf.write(folder / "talk.wav", spoken.audio, spoken.rate_hz)
    paths = [folder / "talk.wav", folder / "a.wav"]
    assert len(BatchTable(paths, folder / "out").run().wait(60)) == 2
    same = Separation.open(folder / "out" / "talk").manifest.input.sha256
    monkeypatch.setattr("speaksep_kernel.recording.Recording.sha256", same)
    again = BatchTable(paths, folder / "out")
    again.run().wait(60)
    assert separated == [folder / "out" / "talk", folder / "out" / "a"]
    assert [row.state for row in again.rows] == ["kept", "kept"]
    assert again.rows[0].speakers == 2


def test_a_cancelled_batch_stops_and_says_what_waits(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go = threading.Event(), threading.Event()

    def separate(recording, place, *, hook):
        begun.set()
        go.wait(10)
        hook("separate", 1, 2)

    monkeypatch.setattr(module, "separate", separate)
    batch = BatchTable(folder, folder / "out")
    work = batch.run()
    begun.wait(10)
    assert batch.rows[0].state == "running"
    work.cancel()
    go.set()
    with pytest.raises(Cancelled):
        work.wait(30)
    assert [row.state for row in batch.rows] == ["waiting"] * 3
    assert not (folder / "out").exists()


def test_recordings_of_one_name_do_not_share_a_directory(folder: Path, separated: list[Path]) -> None:
    sf.write(folder / "a.flac", np.zeros(16000), 16000)
    (folder / "day").mkdir()
    sf.write(folder / "day" / "a.wav", np.zeros(16000), 16000)
    BatchTable([folder / "a.wav", folder / "a.flac", folder / "day" / "a.wav"], folder / "out").run().wait(60)
    assert [place.name for place in separated] == ["a.wav", "a.flac", "a.wav-2"]


def test_no_recordings_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        BatchTable(tmp_path)
    assert caught.value.reason == "no-recordings"
