"""The forms in a real browser: filled in, pressed, and the files and books are as they say."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

import speaksep_kernel as speaksep
from speaksep_kernel.testing import voice
from speaksep_kernel.voices.book import read_book

pytestmark = pytest.mark.timeout(600)

LONG_MS = 240_000
SECONDS = 6


@pytest.fixture(scope="module")
def day(root: Path) -> Path:
    """A folder with two recordings, one that is none, and a letter."""
    folder = root / "forms"
    (folder / "ward").mkdir(parents=True)
    audio, rate_hz = sf.read(speaksep.sample_recording(), dtype="int16", frames=SECONDS * 16000)
    sf.write(folder / "monday.wav", audio, rate_hz)
    sf.write(folder / "ward" / "tuesday.flac", audio, rate_hz)
    (folder / "broken.wav").write_bytes(b"RIFF, and nothing else")
    (folder / "letter.txt").write_text("Dear Ada")
    return folder


def serious(page: Page) -> list[str]:
    """What axe-core finds that keeps people from using it."""
    found = Axe().run(page)
    return [v["id"] for v in found.response["violations"] if v["impact"] in ("serious", "critical")]


def pressed(page: Page, name: str) -> None:
    """Press a button; the character of its icon is part of its name."""
    page.get_by_role("button", name=re.compile(f"{name}$")).click(timeout=LONG_MS)


FILES = """
import pathlib
from speaksep_widgets import FileBrowser
FileBrowser({folder!r}, opened=lambda path: pathlib.Path({opened!r}).write_text(str(path)))
"""


def test_files_are_found_and_opened_by_keyboard(
    day: Path, notebook: Callable[..., str], in_voila: Callable[[str], Page], tmp_path: Path
) -> None:
    opened = tmp_path / "opened"
    page = in_voila(notebook("form_files", FILES.format(folder=str(day), opened=str(opened))))
    files = page.get_by_role("listbox")
    expect(files).to_contain_text("monday.wav", timeout=LONG_MS)
    expect(files).not_to_contain_text("letter.txt")
    page.get_by_role("checkbox", name="All files").check()
    expect(files).to_contain_text("letter.txt")

    pressed(page, "Open")
    expect(page.get_by_role("status").filter(has_text="nothing is chosen")).to_be_visible()
    files.focus()
    files.select_option("ward/")
    page.keyboard.press("Tab")
    pressed(page, "Open")
    expect(files).to_contain_text("tuesday.flac")
    files.select_option(label=str(files.get_by_role("option").filter(has_text="tuesday.flac").inner_text()))
    pressed(page, "Open")
    written(page, opened)
    assert opened.read_text() == str(day / "ward" / "tuesday.flac")
    pressed(page, "Up")
    expect(files).to_contain_text("monday.wav")
    assert serious(page) == []


def written(page: Page, path: Path) -> None:
    for _ in range(600):
        if path.exists():
            return
        page.wait_for_timeout(200)
    raise AssertionError(f"{path} never came")


BATCH = """
from speaksep_widgets import BatchTable
BatchTable({folder!r}, {directory!r}, verb="diagnose")
"""


def test_a_batch_says_what_became_of_each(
    day: Path, notebook: Callable[..., str], in_voila: Callable[[str], Page], tmp_path: Path
) -> None:
    page = in_voila(notebook("form_batch", BATCH.format(folder=str(day), directory=str(tmp_path))))
    table = page.get_by_role("table", name="Recordings")
    expect(table.get_by_role("row")).to_have_count(3, timeout=LONG_MS)
    expect(table.get_by_role("row", name="monday.wav waiting")).to_be_visible()
    pressed(page, "Run")
    expect(page.get_by_text("Batch: done.")).to_be_visible(timeout=LONG_MS)
    expect(table.get_by_role("row", name="monday.wav done 0:06")).to_be_visible()
    expect(table.get_by_role("row", name="broken.wav failed")).to_be_visible()
    assert serious(page) == []


EXPORT = """
from speaksep_widgets import ExportPanel
ExportPanel("sample", {directory!r})
"""


def test_what_is_ticked_is_exported(
    notebook: Callable[..., str], in_voila: Callable[[str], Page], tmp_path: Path
) -> None:
    page = in_voila(notebook("form_export", EXPORT.format(directory=str(tmp_path / "out"))))
    page.get_by_role("checkbox", name=re.compile("^textgrid: ")).check(timeout=LONG_MS)
    pressed(page, "Export")
    expect(page.get_by_text("Written to")).to_be_visible(timeout=LONG_MS)
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".rttm", ".TextGrid"}
    pressed(page, "Export")
    expect(page.get_by_role("status").filter(has_text="exist")).to_be_visible(timeout=LONG_MS)
    assert serious(page) == []


VOICES = """
import speaksep_kernel as speaksep
from speaksep_widgets import VoiceBookPanel
VoiceBookPanel(lambda: speaksep.Separation.open("sample"), {book!r})
"""


def test_a_voice_is_enrolled_renamed_found_and_forgotten(
    notebook: Callable[..., str], in_voila: Callable[[str], Page], tmp_path: Path
) -> None:
    book = tmp_path / "voices.json"
    sf.write(tmp_path / "ada.wav", np.concatenate(voice("june"))[: 20 * 16000], 16000)
    page = in_voila(notebook("form_voices", VOICES.format(book=str(book))))
    expect(page.get_by_text("Nobody is enrolled.")).to_be_visible(timeout=LONG_MS)
    page.get_by_label("Name", exact=True).fill("Ada")
    expect(page.get_by_label("From")).to_contain_text("the track of speaker 1")
    page.get_by_role("textbox", name="Files").fill(str(tmp_path / "ada.wav"))
    pressed(page, "Enrol")
    expect(page.get_by_role("status").filter(has_text="consent").first).to_be_visible(timeout=LONG_MS)
    assert not book.exists()

    page.get_by_role("checkbox", name="The person agreed to be recognised").check()
    pressed(page, "Enrol")
    table = page.get_by_role("table", name="Voices")
    expect(table.get_by_role("row", name="Ada")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_role("checkbox", name="The person agreed to be recognised")).not_to_be_checked()

    page.get_by_label("Voice", exact=True).select_option("Ada")
    page.get_by_label("New name").fill("Ada L")
    pressed(page, "Rename")
    expect(table.get_by_role("row", name="Ada L")).to_be_visible()
    assert [each.name for each in read_book(book)] == ["Ada L"]
    pressed(page, "Name the speakers")
    expect(page.get_by_text(re.compile(r"known by name; \d not"))).to_be_visible(timeout=LONG_MS)
    assert serious(page) == []

    page.get_by_label("Voice", exact=True).select_option("Ada L")
    pressed(page, "Forget…")
    pressed(page, "Forget Ada L for good")
    expect(page.get_by_text("Ada L is forgotten. Receipt")).to_be_visible()
    assert read_book(book) == ()
    assert "Ada" not in book.read_text()
