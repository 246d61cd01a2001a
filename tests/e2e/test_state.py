"""Two views of one model, a page that is closed and opened again, a kernel that is restarted."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.e2e.conftest import TOKEN

pytestmark = pytest.mark.timeout(600)

OPEN = """
from speaksep_widgets.speaker_tracks import SpeakerTracks
tracks = SpeakerTracks("sample")
tracks
"""
AGAIN = "tracks"
# Something is drawn in every lane.
DRAWN = """root => [...root.querySelectorAll(".rows canvas")].every((canvas) => new Set(new Uint32Array(
  canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size > 1)"""


def test_state_outlives_views_pages_and_kernels(notebook: Callable[..., str], in_lab: Callable[[str], Page]) -> None:
    page = in_lab(notebook("state", OPEN, AGAIN))
    views = page.locator(".speaker-tracks")
    expect(views).to_have_count(2, timeout=120_000)

    # Two views of one model stay together.
    first, second = views.nth(0), views.nth(1)
    first.focus()
    page.keyboard.press("+")
    page.keyboard.press("]")
    page.keyboard.press("s")
    shown = first.locator("canvas").first
    expect(shown).not_to_have_attribute("aria-label", "Time from 0:00.0 to 1:00.0")
    words = shown.get_attribute("aria-label") or ""
    expect(second.locator("canvas").first).to_have_attribute("aria-label", words)
    expect(second.get_by_role("button", name="Solo speaker_1 (S)")).to_have_attribute("aria-pressed", "true")

    # A page that is closed and opened again shows the same.
    page.keyboard.press("Control+s")
    page.wait_for_timeout(2000)
    page.reload()
    expect(views).to_have_count(2, timeout=120_000)
    expect(first.locator("canvas").first).to_have_attribute("aria-label", words)
    expect(first.get_by_role("button", name="Solo speaker_1 (S)")).to_have_attribute("aria-pressed", "true")

    # A restarted kernel leaves the last picture, and it is said that nobody answers.
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.locator('[data-command="kernelmenu:restart"]').click()
    page.get_by_role("dialog").get_by_text("Restart", exact=True).click()
    expect(first.get_by_role("status")).to_contain_text("this is the last picture", timeout=60_000)
    page.wait_for_function(DRAWN, arg=first.element_handle())
    expect(first.locator("canvas").first).to_have_attribute("aria-label", words)


def _end_kernels(page: Page, lab: str) -> None:
    signed = {"Authorization": f"token {TOKEN}"}
    for session in page.request.get(f"{lab}/api/sessions", headers=signed).json():
        page.request.delete(f"{lab}/api/sessions/{session['id']}", headers=signed)


BENCH = """
from speaksep_widgets import Workbench
Workbench("sample")
"""


def test_a_notebook_without_its_kernel_shows_the_last_picture(
    notebook: Callable[..., str], in_lab: Callable[[str], Page], lab: str, root: Path
) -> None:
    page = in_lab(notebook("left", OPEN, BENCH))
    expect(page.locator(".speaker-tracks")).to_have_count(2, timeout=120_000)
    word = page.get_by_text("Not live: the last picture of")
    expect(word.filter(visible=True)).to_have_count(0)  # while the widget is there
    page.keyboard.press("Control+s")
    page.wait_for_timeout(3000)
    saved = root / "left.ipynb"
    assert saved.stat().st_size < 1_000_000

    page.goto("about:blank")
    _end_kernels(page, lab)
    page.goto(f"{lab}/lab/tree/left.ipynb?token={TOKEN}&reset")
    expect(word.filter(visible=True)).to_have_count(2, timeout=120_000)
    expect(word.first).to_contain_text("SpeakerTracks, conversation.flac. Run the cell again")
    expect(page.get_by_role("img", name="Waveform of speaker 1")).to_have_count(2)
    page.get_by_text(re.compile(r"^\d+ turns$")).first.click()
    expect(page.get_by_role("cell", name="speaker 1").first).to_be_visible()
    expect(page.get_by_text("Error displaying widget").filter(visible=True)).to_have_count(0)
    found = Axe().run(page, context="[class^=speaksep-last]")
    assert [v["id"] for v in found.response["violations"] if v["impact"] in ("serious", "critical")] == []

    # Where the page does not trust the notebook, neither style nor script of it counts; the picture is still there.
    page.goto("about:blank")
    _end_kernels(page, lab)
    (root / "strange.ipynb").write_text(saved.read_text().replace("Run the cell again", "Run it again"))
    page.goto(f"{lab}/lab/tree/strange.ipynb?token={TOKEN}&reset")
    expect(page.get_by_role("img", name="Waveform of speaker 1")).to_have_count(2)
    assert page.get_by_role("img", name="Waveform of speaker 1").first.evaluate("image => image.naturalWidth") > 500
    expect(word.first).to_contain_text("Run it again")
