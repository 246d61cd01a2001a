"""Files and the microphone in a real browser: what is sent arrives, and what goes wrong is said."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.timeout(600)
expect.set_options(timeout=60_000)

UPLOAD = """
from speaksep_widgets import Upload
upload = Upload({folder!r})
upload
"""
RECORD = """
from speaksep_widgets import Recorder
recorder = Recorder({folder!r})
recorder
"""


@pytest.fixture(scope="session")
def wave(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eighteen megabytes of noise: five pieces."""
    path = tmp_path_factory.mktemp("source") / "ward round.wav"
    sf.write(path, np.random.default_rng(0).normal(0, 0.1, 9_000_000), 48_000)
    return path


def show(request: pytest.FixtureRequest, where: str, cell: str) -> tuple[Page, Path]:
    """A widget on a page, and the folder that it fills, below the server's root but not in it."""
    root: Path = request.getfixturevalue("root")
    folder = root / "day" / request.node.name.replace("[", "-").replace("]", "")
    notebook = request.getfixturevalue("notebook")
    page = request.getfixturevalue(where)(notebook(folder.name, cell.format(folder=str(folder))))
    expect(page.locator(".speaksep")).to_be_visible(timeout=120_000)
    return page, folder


def contents(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def serious(page: Page, where: str) -> list[str]:
    """What axe-core finds that keeps people from using it."""
    found = Axe().run(page, context=where)
    return [v["id"] for v in found.response["violations"] if v["impact"] in ("serious", "critical")]


def test_an_upload_goes_past_the_kernel_and_what_cannot_be_used_is_said(
    request: pytest.FixtureRequest, page: Page, wave: Path, tmp_path: Path
) -> None:
    sent: list[int] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda data: sent.append(len(data))))
    _, folder = show(request, "in_lab", UPLOAD)
    word, choose = page.locator(".upload [role=status]"), page.locator(".upload input")
    sent.clear()
    choose.set_input_files(wave)
    expect(word).to_contain_text("is here: 188 s")
    assert contents(folder) == ["ward round.wav"]
    assert (folder / "ward round.wav").read_bytes() == wave.read_bytes()
    assert sum(sent) < 200_000

    letter = tmp_path / "letter.wav"
    letter.write_text("Dear Ada")
    choose.set_input_files(letter)
    expect(word).to_contain_text("letter.wav: is not audio")
    letter.write_text("")
    choose.set_input_files(letter)
    expect(word).to_contain_text("letter.wav is empty")
    assert contents(folder) == ["ward round.wav"]
    assert serious(page, ".upload") == []


def test_an_upload_that_breaks_off_is_resumed_and_one_that_is_cancelled_leaves_nothing(
    request: pytest.FixtureRequest, page: Page, wave: Path
) -> None:
    down = [False]
    puts: list[str] = []

    def cut(route: Route) -> None:
        puts.extend([route.request.url] * (route.request.method == "PUT"))
        down[0] |= len(puts) == 3
        (route.abort if down[0] else route.fallback)()

    _, folder = show(request, "in_lab", UPLOAD)
    word, choose = page.locator(".upload [role=status]"), page.locator(".upload input")
    page.route("**/api/contents/**", cut)
    choose.set_input_files(wave)
    expect(word).to_contain_text("Resume goes on from there")
    assert [(folder / name).stat().st_size for name in contents(folder)] == [2 * 4 * 2**20]
    page.unroute("**/api/contents/**", cut)
    page.get_by_role("button", name="Go on with the upload").click()
    expect(word).to_contain_text("is here: 188 s")
    assert (folder / "ward round.wav").read_bytes() == wave.read_bytes()

    page.route("**/api/contents/**", lambda route: (page.wait_for_timeout(700), route.fallback()))
    choose.set_input_files(wave)
    page.get_by_role("button", name="Cancel the upload").click()
    expect(word).to_contain_text("cancelled; nothing was kept")
    page.wait_for_timeout(1500)
    assert contents(folder) == ["ward round.wav"]


def test_where_the_server_takes_no_files_small_ones_come_all_the_same(
    request: pytest.FixtureRequest, page: Page, wave: Path, tmp_path: Path
) -> None:
    _, folder = show(request, "in_voila", UPLOAD)
    page.locator(".upload input").set_input_files(wave)
    word = page.locator(".upload [role=status]")
    expect(word).to_contain_text("is here: 188 s")
    assert (folder / "ward round.wav").read_bytes() == wave.read_bytes()
    with (tmp_path / "large.wav").open("wb") as file:
        file.truncate(80_000_000)
    page.locator(".upload input").set_input_files(tmp_path / "large.wav")
    expect(word).to_contain_text("67.1 MB at most")


@pytest.mark.parametrize("where", ["in_lab", "in_voila"], ids=["lab", "voila"])
def test_the_microphone_becomes_a_file(request: pytest.FixtureRequest, page: Page, where: str) -> None:
    page.context.grant_permissions(["microphone"])
    _, folder = show(request, where, RECORD)
    page.locator(".recorder").focus()
    page.keyboard.press("r")
    word = page.locator(".recorder [role=status]")
    expect(word).to_contain_text("Recording to")
    expect(page.get_by_role("timer", name="Recorded")).to_have_text(re.compile("0:0[2-9]"))
    page.keyboard.press("r")
    expect(word).to_contain_text("is here")
    [name] = contents(folder)
    sound, rate_hz = sf.read(folder / name)
    assert len(sound) > 1.5 * rate_hz
    assert np.abs(sound).max() > 0.01  # the browser's test device beeps


def test_a_refused_microphone_is_said(request: pytest.FixtureRequest, page: Page) -> None:
    _, folder = show(request, "in_voila", RECORD)
    page.get_by_role("button", name="Record or stop (R)").click()
    expect(page.locator(".recorder [role=status]")).to_contain_text("The microphone was refused: allow it")
    assert contents(folder) == []
    assert serious(page, ".recorder") == []
