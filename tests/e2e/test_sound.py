"""How sound reaches the page: by HTTP range where the server has the file, by the kernel where not, at any speed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from playwright.sync_api import Page, Request, expect

import speaksep_kernel as speaksep
from speaksep_kernel.testing import conversation
from speaksep_kernel.testing.editable import editable_separation

pytestmark = pytest.mark.timeout(600)

SHOW = """
from speaksep_widgets.speaker_tracks import SpeakerTracks
tracks = SpeakerTracks("waves")
tracks
"""
# Calls of the kernel are counted, and everything that the page plays is kept.
LISTEN = """
window.played = [];
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (when, offset, length) {
  window.played.push({ samples: this.buffer.getChannelData(0), rate: this.buffer.sampleRate, when, offset, length,
                       speed: this.playbackRate.value });
  return start.call(this, when, offset, length);
};
"""


@pytest.fixture(scope="module")
def waves(root: Path) -> speaksep.Separation:
    """A conversation as WAV files."""
    talk = conversation(15, speakers=2, overlap=0.1, seed=5)
    sf.write(root / "talk.wav", talk.audio, talk.rate_hz)
    made = editable_separation(root / "talk.wav", talk.turns, root / "talk")
    return speaksep.render(made, None, root / "waves", format="wav")


def _shown(page: Page) -> None:
    widget = page.locator(".speaker-tracks")
    expect(widget).to_be_visible(timeout=120_000)
    widget.focus()


def test_lanes_that_are_files_come_by_range(
    waves: speaksep.Separation, notebook: Callable[..., str], in_lab: Callable[[str], Page], page: Page
) -> None:
    ranges: list[Request] = []
    page.on("requestfinished", lambda request: ranges.append(request) if "range" in request.headers else None)
    page.add_init_script(LISTEN)
    _shown(in_lab(notebook("sound_range", SHOW)))
    page.keyboard.press("Space")
    page.wait_for_function("window.played.length >= 4")
    page.keyboard.press("Space")
    assert ranges
    for request in ranges:
        assert "/files/waves/" in request.url
        response = request.response()
        assert response is not None
        assert response.status == 206
    samples, offset = page.evaluate("[Array.from(window.played[0].samples.slice(0, 8000)), window.played[0].offset]")
    track, _ = sf.read(waves.tracks[0].file, frames=8000)
    assert offset == 0
    assert np.abs(np.array(samples) - track).max() < 1e-6


def test_another_speed_is_another_length_and_the_same_pitch(
    waves: speaksep.Separation, notebook: Callable[..., str], in_voila: Callable[[str], Page], page: Page
) -> None:
    page.add_init_script(LISTEN)
    _shown(in_voila(notebook("sound_speed", SHOW)))
    page.get_by_role("combobox", name="Playback speed").select_option("0.5")
    page.locator(".speaker-tracks").focus()
    page.keyboard.press("Space")
    page.wait_for_function("window.played.length >= 6")
    page.keyboard.press("Space")
    head, piece = page.evaluate(
        "[0, 3].map((k) => window.played[k]).map((p) => [p.samples.length / p.rate, p.offset, p.length, p.speed])"
    )
    assert head == pytest.approx([1.0, 0.0, 1.0, 1.0], abs=0.01)  # half a second in one, not played slower
    assert piece == pytest.approx([4.0, 1.0, 3.0, 1.0], abs=0.01)  # what is left of two seconds
