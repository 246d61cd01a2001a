"""A recording in a real browser: seen, heard, gone through by keyboard; the same in Python."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.timeout(600)

SHOW = """
import json, pathlib
import speaksep_kernel as speaksep
from speaksep_widgets.recording_view import RecordingView
view = RecordingView(speaksep.Separation.open("sample"))
def tell(change):
    state = {{name: getattr(view, name) for name in ("view_s", "selection_s", "playhead_s", "scale", "findings")}}
    pathlib.Path({state!r}).write_text(json.dumps(state))
view.observe(tell)
tell(None)
view
"""
# How many different colours a canvas shows: a blank one has one.
COLOURS = """canvas => new Set(new Uint32Array(
  canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size"""


@pytest.fixture(params=["in_lab", "in_voila"], ids=["lab", "voila"])
def view(request: pytest.FixtureRequest, notebook: Callable[..., str], root: Path) -> tuple[Locator, Path]:
    """The sample's mixture on a page, and where Python writes what it knows."""
    state = root / f"view_{request.param}.json"
    page = request.getfixturevalue(request.param)(notebook(f"view_{request.param}", SHOW.format(state=str(state))))
    widget = page.locator(".recording-view")
    expect(widget).to_be_visible(timeout=120_000)
    widget.focus()
    return widget, state


def _once(page: Page, state: Path, holds: Callable[[dict], bool]) -> dict:
    """What Python says once a condition holds."""
    for _ in range(300):
        said = json.loads(state.read_text() or "{}")
        if said and holds(said):
            return dict(said)
        page.wait_for_timeout(200)
    raise AssertionError(f"never came: {said}")


def test_a_recording_is_seen_and_gone_through_by_keyboard(view: tuple[Locator, Path]) -> None:
    widget, state = view
    page, waveform = widget.page, widget.locator("canvas").nth(1)
    expect(waveform).to_have_attribute("aria-label", re.compile("from 0:00.00 to 1:00.00"))
    page.wait_for_function("canvas => (" + COLOURS + ")(canvas) > 40", arg=waveform.element_handle())  # spectrogram

    page.keyboard.press("+")
    page.keyboard.press("+")
    zoomed = _once(page, state, lambda said: said["view_s"] and said["view_s"][1] - said["view_s"][0] < 16)
    assert zoomed["view_s"][1] - zoomed["view_s"][0] == pytest.approx(15, abs=0.1)
    expect(waveform).not_to_have_attribute("aria-label", re.compile("from 0:00.00 to 1:00.00"))

    # What is marked is said, and there as text for those who do not see it.
    marked = [f for f in zoomed["findings"] if f["spans"]]
    expect(widget.get_by_role("list", name="Findings").get_by_role("listitem")).to_have_count(len(zoomed["findings"]))
    page.keyboard.press("n")
    chosen = _once(page, state, lambda said: said["selection_s"] is not None)
    assert any(chosen["selection_s"] == pytest.approx(span) for f in marked for span in f["spans"])
    expect(widget.get_by_role("status")).to_contain_text(" to ")

    page.keyboard.press("s")
    assert _once(page, state, lambda said: said["scale"] != "mel")["scale"] == "linear"
    page.keyboard.press("Escape")
    _once(page, state, lambda said: said["selection_s"] is None)

    page.keyboard.press("Space")
    page.wait_for_timeout(1500)
    page.keyboard.press("Space")
    heard = _once(page, state, lambda said: said["playhead_s"] != chosen["playhead_s"])
    assert 0 < heard["playhead_s"] < 60

    found = Axe().run(page, context=".recording-view")
    serious = [v for v in found.response["violations"] if v["impact"] in ("serious", "critical")]
    assert serious == [], [(v["id"], v["nodes"][0]["html"][:200]) for v in serious]
