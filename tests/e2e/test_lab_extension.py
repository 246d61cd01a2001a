"""SpeakSep in JupyterLab, as people use it: by mouse, by keyboard, in light and in dark."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from speaksep_kernel.testing import conversation
from tests.e2e.conftest import TOKEN

pytestmark = pytest.mark.timeout(600)

DONE_MS, SOON_MS = 240_000, 60_000
NAMES = ("ada.wav", "alan.wav", "grace.wav")
COLOURS = """canvas => new Set(new Uint32Array(
  canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size"""


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three short recordings, an hour, and a file that is none."""
    folder = tmp_path_factory.mktemp("served") / "voices"
    folder.mkdir()
    made = conversation(6.0, speakers=2, overlap=0.2, seed=5)
    for number, name in enumerate(NAMES):
        sf.write(folder / name, made.audio * (1 - 0.1 * number), made.rate_hz)  # no two are the same job
    with sf.SoundFile(folder / "hour.wav", "w", made.rate_hz, 1, "PCM_16") as file:
        for _ in range(600):
            file.write(np.asarray(made.audio, np.float32))
    (folder / "notes.txt").write_text("no recording")
    return folder


@pytest.fixture(scope="module")
def own_lab(serve: Callable[..., Iterator[str]], voices: Path) -> Iterator[str]:
    """JupyterLab over the folder above it, with a home in which nobody has worked yet; its base address."""
    words = ["--no-browser", "--allow-root", "--ip=127.0.0.1", "--LabApp.news_url=None"]
    quiet = "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"
    words += [quiet, f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={voices.parent}"]
    yield from (url.removesuffix("/api") for url in serve(voices.parent, "/api", "jupyterlab", *words))


@pytest.fixture
def desk(own_lab: str, page: Page, voices: Path) -> Page:
    """JupyterLab in that folder, as somebody sees it for the first time."""
    page.goto(f"{own_lab}/lab/tree/voices?token={TOKEN}&reset")
    expect(item(page, "hour.wav")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("button", name=re.compile("^SpeakSep: (CPU|GPU|.+), .* of .* GB"))).to_be_visible(
        timeout=SOON_MS
    )
    return page


def item(page: Page, name: str) -> Locator:
    return page.locator(".jp-DirListing-item").filter(has_text=name)


def row(page: Page, name: str) -> Locator:
    return page.locator(".speaksep-job").filter(has_text=name)


def in_menu(page: Page, menu: str, *entries: str) -> None:
    page.get_by_role("menuitem", name=menu, exact=True).click()
    for entry in entries:  # those that lead on have no role
        page.locator(".lm-Menu-itemLabel").filter(has_text=re.compile(f"^{entry}$")).click()


def violations(page: Page, *places: str) -> list[str]:
    return [
        f"{place}: {each['id']}: {node['html'][:200]}"
        for place in places
        for each in Axe().run(page, context=place).response["violations"]
        for node in each["nodes"]
    ]


def test_an_hour_opens_by_double_click(desk: Page) -> None:
    fetched: list[str] = []
    desk.on("request", lambda request: fetched.append(request.url))
    item(desk, "hour.wav").dblclick()
    view = desk.get_by_role("group", name=re.compile("^Recording hour.wav, 1:00:00"))
    expect(view).to_be_visible(timeout=SOON_MS)
    waveform = view.locator("canvas").nth(1)
    expect(waveform).to_have_attribute("aria-label", re.compile("from 0:00.00 to 1:00:00.00"))
    desk.wait_for_function("canvas => (" + COLOURS + ")(canvas) > 40", arg=waveform.element_handle())
    assert [url for url in fetched if "content=1" in url and "hour.wav" in url] == []  # nothing read it into the page
    assert [url for url in fetched if "/api/sessions" in url and "?" not in url and "kernel" in url] == []

    # By keyboard, as in the widget: it is the same view.
    view.focus()
    desk.keyboard.press("+")
    expect(waveform).not_to_have_attribute("aria-label", re.compile("from 0:00.00 to 1:00:00.00"))
    desk.keyboard.press("Space")
    expect(view.get_by_role("timer")).not_to_contain_text("0:00.0 /", timeout=SOON_MS)
    desk.keyboard.press("Space")
    assert violations(desk, ".recording-view") == []

    # Lab's own player, and what is no recording, open as before.
    item(desk, "notes.txt").dblclick()
    expect(desk.locator(".jp-FileEditor .cm-content")).to_be_focused(timeout=SOON_MS)  # which would close a menu
    item(desk, "ada.wav").click(button="right")
    desk.locator(".lm-Menu-item").filter(has_text="Open With").hover()
    expect(desk.get_by_role("menuitem", name="Recording (SpeakSep)")).to_be_visible()
    desk.get_by_role("menuitem", name="Audio Viewer").click()
    expect(desk.locator(".jp-AudioViewer audio")).to_be_visible()


def test_three_recordings_as_a_batch(desk: Page, voices: Path) -> None:
    item(desk, "ada.wav").click()
    for name in NAMES[1:]:
        item(desk, name).click(modifiers=["Control"])
    item(desk, "notes.txt").click(modifiers=["Control"])
    item(desk, "grace.wav").click(button="right")
    desk.get_by_role("menuitem", name="Add 3 Recordings to Batch").click()
    basket = desk.get_by_role("region", name="Batch", exact=True)
    expect(basket.get_by_role("listitem")).to_have_text([re.compile(name) for name in NAMES])
    basket.get_by_role("button", name="Diagnose the batch").click()

    # Live, and one of them is not wanted after all.
    expect(desk.locator(".speaksep-job")).to_have_count(3, timeout=SOON_MS)
    expect(basket).to_be_hidden(timeout=SOON_MS)
    row(desk, "grace.wav").get_by_role("button", name="Cancel grace.wav").click()
    expect(row(desk, "grace.wav")).to_have_attribute("data-state", "cancelled", timeout=DONE_MS)
    for name in NAMES[:2]:
        expect(row(desk, name)).to_have_attribute("data-state", "succeeded", timeout=DONE_MS)
    assert violations(desk, ".speaksep-sidebar", ".speaksep-status") == []

    with desk.expect_popup() as opened:
        row(desk, "ada.wav").get_by_role("button", name="Open the report of ada.wav").click()
    expect(opened.value.get_by_role("heading", name="ada.wav")).to_be_visible(timeout=SOON_MS)
    opened.value.close()
    row(desk, "ada.wav").get_by_role("button", name="Open the result of ada.wav").click()
    page_of_result = desk.locator(".speaksep.page.recording")
    expect(page_of_result.get_by_role("heading", name="ada.wav")).to_be_visible(timeout=SOON_MS)
    expect(page_of_result.get_by_text("What was found")).to_be_visible()
    row(desk, "ada.wav").get_by_role("button", name="Open the batch of ada.wav").click()
    batch = desk.locator(".speaksep.page.batch-view")
    batch.get_by_role("link", name=re.compile("^alan")).click()  # to a tab, not away from Lab
    expect(page_of_result.get_by_role("heading", name="alan.wav")).to_be_visible(timeout=SOON_MS)
    [folder] = (voices.parent).glob("batch-*-diagnosed")
    assert sorted(each.name for each in folder.iterdir() if each.is_dir()) == ["ada", "alan"]

    # In the dark.
    in_menu(desk, "Settings", "Theme", "JupyterLab Dark")
    expect(desk.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    assert violations(desk, ".speaksep-sidebar", ".speaksep-status") == []
    in_menu(desk, "Settings", "Theme", "JupyterLab Light")
    expect(desk.locator("body")).to_have_attribute("data-jp-theme-light", "true")


def test_by_keyboard_alone(desk: Page, voices: Path) -> None:
    item(desk, "ada.wav").click()
    desk.keyboard.press("Control+Alt+s")
    dialog = desk.get_by_role("dialog")
    expect(dialog.get_by_label("How many people speak (0: find out)")).to_be_focused(timeout=SOON_MS)
    assert violations(desk, ".speaksep-form") == []
    desk.keyboard.type("21")
    desk.keyboard.press("Escape")
    expect(dialog).to_be_hidden()

    desk.keyboard.press("Control+Alt+b")
    basket = desk.get_by_role("region", name="Batch", exact=True)
    expect(basket.get_by_role("listitem")).to_have_count(1)
    expect(desk.get_by_role("region", name="SpeakSep: jobs and voices")).to_be_focused()
    desk.keyboard.press("Tab")
    expect(basket.get_by_role("button", name="Take ada.wav out of the batch")).to_be_focused()
    desk.keyboard.press("Enter")
    expect(basket).to_be_hidden()

    desk.keyboard.press("Control+Shift+c")
    palette = desk.locator(".lm-CommandPalette")
    expect(palette.get_by_role("textbox").or_(palette.get_by_role("combobox")).first).to_be_focused(timeout=SOON_MS)
    desk.keyboard.type("speaksep")
    for words in ("Diagnose", "Separate…", "Add to Batch", "Workbench", "Show Jobs and Voices"):
        expect(palette.locator(".lm-CommandPalette-itemLabel").filter(has_text=words).first).to_be_visible()
    desk.keyboard.press("Escape")


def test_the_launcher_begins_a_workbench(desk: Page, voices: Path) -> None:
    item(desk, "ada.wav").click()
    card = desk.locator(".jp-LauncherCard").filter(has_text="Workbench")
    expect(card).to_be_visible()
    card.click()
    expect(desk.get_by_role("tab", name="ada-workbench.ipynb")).to_be_visible(timeout=SOON_MS)
    assert "Workbench('ada.wav')" in (voices / "ada-workbench.ipynb").read_text()
