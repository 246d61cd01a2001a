"""The export form does what the verb does."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from speaksep_kernel.errors import InputError
from speaksep_kernel.results.values import Separation
from speaksep_kernel.testing import conversation
from speaksep_kernel.testing.separated import known_separation
from speaksep_widgets.export_panel import ExportPanel


@pytest.fixture
def separation(tmp_path: Path) -> Separation:
    return known_separation(conversation(5), tmp_path / "tracks")


def test_what_is_ticked_is_written(separation: Separation) -> None:
    panel = ExportPanel(separation, formats=["rttm", "textgrid"])
    panel.formats["csv"].value = True
    panel.formats["rttm"].value = False
    panel.button.click()
    assert panel.work is not None
    files = panel.work.wait(30)
    assert {file.name for file in files} == {"talk.TextGrid", "talk.csv"}
    assert {file.parent for file in files} == {separation.directory.with_name("tracks-export")}
    assert all(file.name in panel.written.value for file in files)


def test_every_format_is_there(separation: Separation) -> None:
    assert {"rttm", "textgrid", "eaf", "stems", "rocrate", "flac", "mp3"} <= set(ExportPanel(separation).formats)


def test_nothing_ticked_is_said(separation: Separation) -> None:
    panel = ExportPanel(separation, formats=[])
    with pytest.raises(InputError) as caught:
        panel.export().wait(30)
    assert caught.value.reason == "no-format"
    assert panel.work is not None
    assert "no format" in panel.work.word.value


def test_files_that_exist_are_kept_unless_asked(separation: Separation, tmp_path: Path) -> None:
    panel = ExportPanel(separation, tmp_path / "out")
    panel.export().wait(30)
    with pytest.raises(InputError) as caught:
        panel.export().wait(30)
    assert caught.value.reason == "output-exists"
    assert panel.files == ()
    panel.overwrite.value = True
    assert len(panel.export().wait(30)) == 1


def test_what_was_written_otherwise_is_said(separation: Separation, tmp_path: Path) -> None:
    sf.write(tmp_path / "residual.wav", np.full(16000, 2.0, np.float32), 16000, "FLOAT")
    panel = ExportPanel(replace(separation, residual=tmp_path / "residual.wav"), formats=["flac"])
    panel.export().wait(30)
    assert "reach 6.0 dB beyond full scale" in panel.remarks[0]
    assert panel.remarks[0][:40] in panel.written.value
