"""A kernel that dies at work: said on the page, and what was there is there."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile as sf
from playwright.sync_api import Page, expect

import speaksep_kernel as speaksep

pytestmark = pytest.mark.timeout(600)

# The network takes its time: the kernel dies at work, however fast the machine is.
SHOW = """
import os, pathlib, time
from speaksep_kernel.separation.embedded import EmbeddedSeparator
from speaksep_widgets import SpeakerTracks, Workbench
EmbeddedSeparator.separate = lambda *_: time.sleep(600)
pathlib.Path({pid!r}).write_text(str(os.getpid()))
bench = Workbench("talk.wav", {directory!r})
bench.proceed()
bench
"""
TRACKS = """
tracks = SpeakerTracks("sample")
tracks
"""


@pytest.mark.parametrize("place", ["in_lab", "in_voila"], ids=["lab", "voila"])
def test_it_is_said_and_nothing_is_lost(
    place: str, request: pytest.FixtureRequest, notebook: Callable[..., str], root: Path
) -> None:
    pid, directory = root / f"{place}.pid", root / f"{place}_dies"
    audio, rate_hz = sf.read(speaksep.sample_recording(), dtype="int16")
    sf.write(root / "talk.wav", audio, rate_hz)
    show = SHOW.format(pid=str(pid), directory=str(directory))
    page: Page = request.getfixturevalue(place)(notebook(f"dies_{place}", show, TRACKS))
    tracks = page.locator(".speaker-tracks")
    expect(tracks).to_be_visible(timeout=240_000)
    expect(page.get_by_text(re.compile("^Separation[:…]")).first).to_be_visible(timeout=120_000)
    gone = page.get_by_role("alert").filter(has_text="The kernel is not heard of any more")
    page.wait_for_timeout(14_000)  # longer than the page waits for a beat: nobody is called dead who works
    expect(gone).to_have_count(0)

    os.kill(int(pid.read_text()), signal.SIGKILL)
    expect(gone).to_be_visible(timeout=60_000)
    expect(gone).to_contain_text("run the cell again")
    # What was there is still seen, and nothing is half-written.
    expect(page.get_by_text(re.compile("^Separation[:…]")).first).to_be_visible()
    expect(page.locator(".recording-view")).to_be_visible()
    assert not directory.exists()

    # The tracks say so as well when they are asked for something.
    tracks.get_by_role("textbox", name="Name of speaker_1").fill("Anna")
    page.keyboard.press("Enter")
    expect(tracks.get_by_role("status")).to_contain_text("kernel", timeout=120_000)
    assert speaksep.Separation.open(root / "sample").tracks[0].name is None
