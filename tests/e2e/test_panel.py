"""The speaker tracks as a Panel application: no Jupyter, no network, the same state in Python."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import soundfile as sf
from playwright.sync_api import Page, expect

from speaksep_kernel.testing import conversation
from speaksep_kernel.testing.editable import editable_separation

pytestmark = pytest.mark.timeout(600)

APP = """
import json, pathlib
import panel
from speaksep_widgets.panel import in_panel
from speaksep_widgets.speaker_tracks import SpeakerTracks
tracks = SpeakerTracks("tracks")
def tell(change):
    state = {"mixer": tracks.mixer, "edits": tracks.edit_log["edits"], "speakers": tracks.speakers,
             "auto_gain": tracks.auto_gain}
    pathlib.Path("state.json").write_text(json.dumps(state))
tracks.observe(tell)
panel.extension()
in_panel(tracks).servable()
"""
DRAWN = """() => {
  const canvases = [...window.deep(".speaksep.speaker-tracks canvas")];
  return canvases.length > 1 && canvases.every((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.some((value) => value > 0);
  });
}"""
DEEP = """window.deep = (selector, from = document) => [
  ...from.querySelectorAll(selector),
  ...[...from.querySelectorAll("*")].flatMap((e) => (e.shadowRoot ? window.deep(selector, e.shadowRoot) : [])),
];"""


@pytest.fixture(scope="module")
def application(
    tmp_path_factory: pytest.TempPathFactory, serve: Callable[..., Iterator[str]]
) -> Iterator[tuple[str, Path]]:
    """A served application, and its folder."""
    folder = tmp_path_factory.mktemp("panel")
    talk = conversation(15, speakers=2, overlap=0.1, seed=5, rate_hz=8000)
    sf.write(folder / "talk.wav", talk.audio, talk.rate_hz)
    editable_separation(folder / "talk.wav", talk.turns, folder / "tracks")
    (folder / "app.py").write_text(APP)
    for url in serve(folder, "/app", "panel", "serve", "app.py", "--address=127.0.0.1"):
        yield url, folder


def test_the_same_widget_offline(application: tuple[str, Path], page: Page) -> None:
    url, folder = application
    page.add_init_script(DEEP)
    page.goto(url)
    widget = page.locator(".speaksep.speaker-tracks")  # Panel gives its own box the second name
    expect(widget).to_be_visible(timeout=120_000)
    page.wait_for_function(DRAWN)

    page.get_by_role("textbox", name="Name of speaker_1").fill("Anna")
    page.keyboard.press("Enter")
    page.keyboard.press("s")
    page.keyboard.press("a")
    for _ in range(300):
        state = json.loads((folder / "state.json").read_text() or "{}") if (folder / "state.json").exists() else {}
        if state.get("edits") and state["mixer"] and state["auto_gain"]:
            break
        page.wait_for_timeout(200)
    assert state["edits"] == [{"op": "rename", "speaker": 1, "name": "Anna"}]
    assert state["mixer"]["speaker_1"]["solo"] is True
    assert state["speakers"][0]["name"] == "Anna"
    expect(page.get_by_role("button", name="Solo speaker_1")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Waveforms fill their lanes")).to_have_attribute("aria-pressed", "true")
    lane = page.get_by_role("img", name="Anna")
    expect(lane).to_have_attribute("aria-label", re.compile(r"turns, between .* loudest -\d+ dBFS at .*, heard$"))
