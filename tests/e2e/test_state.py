"""Two views of one model, a page that is closed and opened again, a kernel that is restarted."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

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
