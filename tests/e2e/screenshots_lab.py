"""Pictures of JupyterLab in docs/images: ``python tests/e2e/screenshots_lab.py``."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from io import BytesIO
from pathlib import Path

import soundfile as sf
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2]))
import speaksep_kernel as speaksep
from speaksep_hub.local.ports import free_ports
from speaksep_kernel.recording import Recording
from tests.e2e.conftest import CHROMIUM, OPTIONS, TOKEN

IMAGES = Path(__file__).parents[2] / "docs" / "images"
COLOURS = 128
DONE_MS = 300_000


def main() -> None:
    """Bring Lab up over a few recordings, have one separated, and look."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        port = _begin(folder)
        words = ["--no-browser", "--allow-root", f"--port={port}", f"--IdentityProvider.token={TOKEN}"]
        command = [sys.executable, "-m", "jupyterlab", *words, f"--ServerApp.root_dir={folder / 'talks'}"]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "JPY_"))}
        log = (folder / "log").open("wb")
        server = subprocess.Popen(command, env=inherited | {"HOME": str(folder)}, stdout=log, stderr=log)
        try:
            _look(f"http://127.0.0.1:{port}/lab?token={TOKEN}&reset")
        finally:
            server.terminate()
            server.wait()


def _begin(folder: Path) -> int:
    talks = folder / "talks"
    talks.mkdir()
    sample = Recording.open(speaksep.sample_recording())
    sound = sample.read(0, sample.seconds).mean(axis=1)
    shutil.copy(speaksep.sample_recording(), talks / "interview.flac")
    for number, name in enumerate(("monday.wav", "tuesday.wav", "wednesday.wav")):
        sf.write(talks / name, sound[: 20 * sample.rate_hz] * (1 - 0.1 * number), sample.rate_hz)
    with sf.SoundFile(talks / "council-meeting.wav", "w", sample.rate_hz, 1, "PCM_16") as file:
        for _ in range(60):
            file.write(sound)
    settings = folder / ".jupyter" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(json.dumps({"fetchNews": "false"}))
    return free_ports(1)[0]


def _look(url: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(url.replace("/lab", "/api"), timeout=5).close()
            break
        except OSError:
            time.sleep(0.2)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.set_default_timeout(DONE_MS)
        page.goto(url)
        _chosen(page, "council-meeting.wav").dblclick()
        _chosen(page, "interview.flac").click()
        page.keyboard.press("Control+Alt+s")
        page.get_by_role("dialog").get_by_role("button", name="Separate").click()
        page.locator(".speaksep-job").wait_for()  # that is where it leads
        page.get_by_role("tab", name="File Browser").first.click()
        for number, name in enumerate(("monday.wav", "tuesday.wav", "wednesday.wav")):
            _chosen(page, name).click(modifiers=["Control"] if number else [])
        _chosen(page, "tuesday.wav").click(button="right")
        page.wait_for_timeout(1000)
        _shoot(page, "lab-menu-light")
        page.keyboard.press("Escape")
        page.keyboard.press("Control+Alt+b")
        page.get_by_role("button", name="Diagnose the batch").click()
        page.locator(".speaksep-job").nth(3).wait_for()
        page.wait_for_timeout(10_000)  # all of the spectrogram
        _both(page, "lab-recording")
        page.locator(".speaksep-job").filter(has_text="interview.flac").get_by_text("Result").click(timeout=DONE_MS)
        expect(page.get_by_text("Who spoke when")).to_be_visible()
        page.wait_for_timeout(5000)
        _both(page, "lab-result")
        browser.close()


def _chosen(page: Page, name: str):  # type: ignore[no-untyped-def]
    return page.locator(".jp-DirListing-item").filter(has_text=name)


def _both(page: Page, name: str) -> None:
    """In light and in dark."""
    for ending, theme in (("light", "JupyterLab Light"), ("dark", "JupyterLab Dark"), ("", "JupyterLab Light")):
        page.get_by_role("menuitem", name="Settings", exact=True).click()
        for entry in ("Theme", theme):
            page.locator(".lm-Menu-itemLabel").filter(has_text=re.compile(f"^{entry}$")).click()
        page.wait_for_timeout(1500)
        if ending:
            _shoot(page, f"{name}-{ending}")


def _shoot(page: Page, name: str) -> None:
    picture = Image.open(BytesIO(page.screenshot())).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    path = IMAGES / f"{name}.png"
    picture.save(path, "PNG", optimize=True)
    print(f"{path.name} {path.stat().st_size / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
