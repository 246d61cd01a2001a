"""The whole job on one page: open, diagnose, proceed, correct, export."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile as sf
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

import speaksep_kernel as speaksep

pytestmark = pytest.mark.timeout(900)

LONG_MS = 300_000
SECONDS = 12
# The Python that makes the same is written by a button, so that it works where pages have no cells. Both are of one
# cell: Lab draws cells that are out of sight when it finds the time.
SHOW = """
import pathlib
import ipywidgets
from speaksep_widgets import Workbench
bench = Workbench("short.wav", {directory!r})
button = ipywidgets.Button(description="Tell the code")
button.on_click(lambda _: pathlib.Path({code!r}).write_text(bench.code()))
display(bench, button)
"""


def _until(page: Page, holds: Callable[[], object]) -> None:
    for _ in range(300):
        if holds():
            return
        page.wait_for_timeout(200)
    raise AssertionError("never came")


@pytest.mark.parametrize("place", ["in_lab", "in_voila"], ids=["lab", "voila"])
def test_the_whole_job(place: str, request: pytest.FixtureRequest, notebook: Callable[..., str], root: Path) -> None:
    audio, rate_hz = sf.read(speaksep.sample_recording(), dtype="int16")
    sf.write(root / "short.wav", audio[: SECONDS * rate_hz], rate_hz)
    directory, code = root / f"bench_{place}", root / f"bench_{place}.py.txt"
    cell = SHOW.format(directory=str(directory), code=str(code))
    page: Page = request.getfixturevalue(place)(notebook(f"bench_{place}", cell))

    page.get_by_role("button", name="Diagnose").click(timeout=120_000)
    proceed = page.get_by_role("button", name="Proceed")
    expect(proceed).to_be_visible(timeout=LONG_MS)
    proceed.click()
    tracks = page.locator(".speaker-tracks")
    expect(tracks).to_be_visible(timeout=LONG_MS)

    tracks.get_by_role("textbox", name="Name of speaker_1").fill("Anna")
    page.keyboard.press("Enter")
    _until(page, lambda: speaksep.Separation.open(directory).tracks[0].name == "Anna")

    page.get_by_text("Export", exact=True).first.click()
    page.get_by_role("button", name=re.compile("Export$")).last.click()  # an icon's character is part of the name
    expect(page.get_by_text("Written to")).to_be_visible(timeout=LONG_MS)
    exported = next(Path(f"{directory}-export").glob("*.rttm"))
    assert " Anna " in exported.read_text()

    page.get_by_role("button", name="Tell the code").click()
    _until(page, lambda: code.exists() and code.read_text())
    said = code.read_text()
    for verb in ("diagnose", "plan", "separate", "edit", "export"):
        assert f"speaksep.{verb}(" in said
    assert "'Anna'" in said

    found = Axe().run(page, context=".speaker-tracks")
    assert [v["id"] for v in found.response["violations"] if v["impact"] in ("serious", "critical")] == []
