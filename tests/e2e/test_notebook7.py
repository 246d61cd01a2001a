"""The classic notebook, version 7: opened, played, corrected in it as in JupyterLab."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, expect

import speaksep_kernel as speaksep
from tests.e2e.conftest import TOKEN
from tests.e2e.saving import save

pytestmark = pytest.mark.timeout(600)
# Notebook 7 asks for a setting that it does not have, and now and then for a command before that is there.
NOT_OURS = (
    "Cannot read properties of undefined (reading 'schema')",
    "Command 'filebrowser:open-path' not registered.",
)

SHOW = """
from speaksep_widgets import SpeakerTracks
tracks = SpeakerTracks({directory!r})
tracks
"""
SAVED = "Not live: the last picture of"


def _run(page: Page) -> None:
    """Run the only cell; while the kernel is still starting nothing is run."""
    for _ in range(20):
        try:
            page.locator(".jp-CodeCell .cm-content").first.click(timeout=6000)
            page.keyboard.press("Control+Enter")
            expect(page.locator(".speaker-tracks")).to_be_visible(timeout=30_000)
            return
        except (AssertionError, PlaywrightError):
            page.keyboard.press("Escape")
    raise AssertionError("the cell was not run")


def test_open_play_correct_and_find_it_again(lab: str, root: Path, page: Page, notebook: Callable[..., str]) -> None:
    directory = root / "classic_result"
    shutil.copytree(root / "sample", directory)
    page.goto(f"{lab}/notebooks/{notebook('classic', SHOW.format(directory=str(directory)))}?token={TOKEN}")
    _run(page)
    tracks = page.locator(".speaker-tracks")
    expect(page.get_by_text(SAVED).filter(visible=True)).to_have_count(0)

    tracks.focus()
    page.keyboard.press("Space")
    expect(tracks.get_by_role("timer")).not_to_contain_text("0:00.0 /", timeout=60_000)
    page.keyboard.press("Space")

    tracks.get_by_role("textbox", name="Name of speaker_1").fill("Anna")
    page.keyboard.press("Enter")
    expect(page.get_by_role("img", name="Anna")).to_be_visible()
    expect(tracks.get_by_role("status")).to_be_empty(timeout=120_000)  # rendered
    assert speaksep.Separation.open(directory).tracks[0].name == "Anna"

    save(page, root / "classic.ipynb", f"{SAVED} SpeakerTracks", "Anna")
