"""The tracks in a real browser: heard, corrected, undone, the same in Python."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

import speaksep_kernel as speaksep

pytestmark = pytest.mark.timeout(600)

# The cell that writes what Python knows, so that the test can read it.
SHOW = """
import json, pathlib
from speaksep_widgets.speaker_tracks import SpeakerTracks
tracks = SpeakerTracks({directory!r})
def tell(change):
    state = {{"speakers": tracks.speakers, "turns": tracks.turns, "edits": tracks.edit_log["edits"],
             "position": tracks.edit_log["position"], "mixer": tracks.mixer, "revision": tracks.revision,
             "playhead_s": tracks.playhead_s, "selection_s": tracks.selection_s}}
    pathlib.Path({state!r}).write_text(json.dumps(state))
tracks.observe(tell)
tell(None)
tracks
"""


class Tracks:
    """The widget on a page and what its Python side says."""

    def __init__(self, page: Page, directory: Path, state: Path) -> None:
        self.page, self.directory, self.state = page, directory, state
        self.root = page.locator(".speaker-tracks")
        expect(self.root).to_be_visible(timeout=120_000)
        self.root.focus()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def wait(self, holds: Callable[[dict], bool]) -> dict:
        """What Python says once a condition holds."""
        state: dict = {}
        for _ in range(300):
            state = json.loads(self.state.read_text() or "{}") if self.state.exists() else {}
            if state and holds(state):
                return state
            self.page.wait_for_timeout(200)
        raise AssertionError(f"never came: {state}")


@pytest.fixture(params=["in_lab", "in_voila"], ids=["lab", "voila"])
def tracks(request: pytest.FixtureRequest, notebook: Callable[..., str], root: Path) -> Tracks:
    """The tracks of a separation of their own, on a page."""
    name = f"tracks_{request.param}_{request.node.originalname}"
    directory, state = root / f"{name}_result", root / f"{name}.json"
    shutil.copytree(root / "sample", directory)
    show = request.getfixturevalue(request.param)
    page = show(notebook(name, SHOW.format(directory=str(directory), state=str(state))))
    return Tracks(page, directory, state)


def test_sound_plays_and_python_knows_where(tracks: Tracks) -> None:
    tracks.press("Space")
    expect(tracks.root.get_by_role("timer")).not_to_contain_text("0:00.0 /")
    tracks.page.wait_for_timeout(1500)
    tracks.press("Space")
    state = tracks.wait(lambda state: state["playhead_s"] > 0.5)
    assert state["playhead_s"] < 60


def test_a_whole_correction_by_keyboard(tracks: Tracks) -> None:
    before = tracks.wait(lambda state: len(state["speakers"]) == 3)
    number = before["turns"][0][2]

    tracks.press("ArrowDown", "ArrowUp", "s")  # the first speaker, alone
    tracks.wait(lambda state: state["mixer"].get(f"speaker_{number}", {}).get("solo") is True)

    tracks.press("Enter")
    tracks.page.keyboard.type("Anna")
    tracks.press("Enter")
    named = tracks.wait(lambda state: state["edits"] and state["revision"] >= 1)
    assert named["edits"] == [{"op": "rename", "speaker": number, "name": "Anna"}]
    assert speaksep.Separation.open(tracks.directory).tracks[number - 1].name == "Anna"

    tracks.press(".", "Alt+ArrowRight")  # the next boundary, a tenth of a second later
    moved = tracks.wait(lambda state: state["position"] == 2 and state["revision"] >= 2)
    edge = moved["edits"][1]
    assert (edge["op"], edge["speaker"]) == ("boundary", number)
    assert edge["to_s"] == pytest.approx(edge["at_s"] + 0.1, abs=1e-6)

    tracks.press("Control+z", "Control+z")
    undone = tracks.wait(lambda state: state["position"] == 0)
    assert undone["turns"] == before["turns"]
    tracks.press("Control+y")
    tracks.wait(lambda state: state["position"] == 1 and state["revision"] >= 3)


def test_the_selection_is_separated_again_by_keyboard(tracks: Tracks) -> None:
    tracks.press("r")  # nothing is selected yet
    form = tracks.root.get_by_role("group", name="Separate the selection again")
    expect(form).to_be_visible()
    form.get_by_role("button", name="as chosen").press("Enter")
    expect(tracks.root.get_by_role("status")).to_contain_text("Select a stretch first")
    tracks.press("Escape")
    expect(form).to_be_hidden()

    tracks.press("[", *["ArrowRight"] * 4, "]", "r")
    tracks.press("1", "Tab", "Tab", "Tab", "Enter")  # one speaks, the rest as it was
    expect(form.get_by_role("progressbar")).to_be_visible()
    done = tracks.wait(lambda state: state["position"] == 1 and state["revision"] >= 1)
    (edit,) = done["edits"]
    assert (edit["op"], edit["start_s"], edit["end_s"], edit["speakers"]) == ("reseparate", 0, 4, 1)
    expect(form).to_be_hidden()
    tracks.press("Control+z")
    tracks.wait(lambda state: state["position"] == 0 and state["revision"] >= 2)


def test_a_boundary_is_dragged_with_the_mouse(tracks: Tracks) -> None:
    state = tracks.wait(lambda state: len(state["speakers"]) == 3)
    _, end, number, _ = state["turns"][0]
    canvas = tracks.root.locator(".rows .lane").nth(number).locator("canvas")
    frame = canvas.bounding_box()
    assert frame is not None
    x, y = frame["x"] + frame["width"] * end / 60.0, frame["y"] + frame["height"] / 2
    tracks.page.mouse.move(x, y)
    tracks.page.mouse.down()
    tracks.page.mouse.move(x + 15, y, steps=4)
    tracks.page.mouse.move(x + 30, y, steps=4)
    tracks.page.mouse.up()
    edited = tracks.wait(lambda state: state["position"] == 1)
    assert edited["edits"][0]["op"] == "boundary"
    assert edited["edits"][0]["to_s"] == pytest.approx(edited["edits"][0]["at_s"] + 60.0 * 30 / frame["width"], abs=0.3)


def test_a_correction_that_does_not_fit_is_said_and_changes_nothing(tracks: Tracks) -> None:
    tracks.press("ArrowUp", "ArrowUp", "c")  # the mixture is nobody's lane
    expect(tracks.root.get_by_role("status")).to_contain_text("Choose a speaker's lane")
    assert tracks.wait(lambda state: True)["position"] == 0


def test_everybody_can_use_it(tracks: Tracks) -> None:
    found = Axe().run(tracks.page, context=".speaker-tracks")
    serious = [v for v in found.response["violations"] if v["impact"] in ("serious", "critical")]
    assert serious == [], [(v["id"], v["nodes"][0]["html"][:200]) for v in serious]
    tracks.press("?")
    expect(tracks.page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
