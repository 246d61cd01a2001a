"""What the extension costs JupyterLab, and how soon an hour-long recording is seen.

``python -m tests.bench.bench_lab [--rounds 7]``. Two Jupyter servers, one with the extension; a real Chromium opens
Lab of either by turns from a clean profile, until file browser and launcher are there. Then an hour of sound is opened
by double click, in a server that has just begun, until its waveform is drawn.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile as sf
from playwright.sync_api import Browser, Page, sync_playwright

from speaksep_hub.local.ports import free_ports
from speaksep_kernel.testing import conversation
from tests.e2e.conftest import CHROMIUM, OPTIONS

START_LIMIT_S, SIZE_LIMIT_BYTES, PICTURE_LIMIT_S = 0.1, 300_000, 1.5
TOKEN = "of-this-bench"
ROOT = Path(__file__).parents[2]
INKED = """() => {
  const canvas = document.querySelectorAll(".recording-view canvas")[1];
  if (!canvas || !canvas.width) return false;
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let inked = 0;
  for (let at = 3; at < data.length; at += 28) if (data[at]) inked += 1;
  return inked > canvas.width / 7;
}"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="times that each is opened; the median is told")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="speaksep-bench-") as place, sync_playwright() as playwright:
        folder = Path(place)
        _furnish(folder)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        with _lab(folder, "without") as bare, _lab(folder, "with") as ours:
            _opened(browser, bare), _opened(browser, ours)  # files come from the disk's cache from now on
            rounds = []
            for _ in range(options.rounds):
                (bare_s, _), (ours_s, size) = _opened(browser, bare), _opened(browser, ours)
                rounds.append((bare_s, ours_s, size))
                print(f"without {bare_s:.2f} s, with {ours_s:.2f} s, {size} bytes", flush=True)
        plain_s = statistics.median(each[0] for each in rounds)
        with_s = statistics.median(each[1] for each in rounds)
        more_s = statistics.median(each[1] - each[0] for each in rounds)
        size = max(each[2] for each in rounds)
        pictures = [_seen(browser, folder, number) for number in range(3)]
        browser.close()
    print(f"Lab opens in {plain_s:.2f} s without and {with_s:.2f} s with the extension (medians of {options.rounds})")
    figures = (
        ("the extension adds, median of pairs", 1000 * more_s, 1000 * START_LIMIT_S, "ms"),
        ("and fetches", size / 1000, SIZE_LIMIT_BYTES / 1000, "kB"),
        ("an hour is seen after the double click", 1000 * statistics.median(pictures), 1000 * PICTURE_LIMIT_S, "ms"),
    )
    for what, value, limit, unit in figures:
        print(f"{what:40}{value:8.0f} {unit}, at most {limit:g}: {'yes' if value <= limit else 'NO'}")
    return 0 if all(value <= limit for _, value, limit, _ in figures) else 1


def _furnish(folder: Path) -> None:
    made = conversation(60.0, speakers=3, overlap=0.2, seed=5)
    (folder / "root").mkdir()
    with sf.SoundFile(folder / "root" / "hour.wav", "w", made.rate_hz, 1, "PCM_16") as file:
        for _ in range(60):
            file.write(np.asarray(made.audio, np.float32))
    for name in ("with", "without"):
        config = folder / name / ".jupyter" / "labconfig"
        config.mkdir(parents=True)
        disabled = {} if name == "with" else {"disabledExtensions": {"speaksep": True}}
        (config / "page_config.json").write_text(json.dumps(disabled))
        server = {"jpserver_extensions": {"speaksep_hub.lab": name == "with"}}
        (config.parent / "jupyter_server_config.json").write_text(json.dumps({"ServerApp": server}))
        settings = config.parent / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True)
        (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
    shared = folder / "share" / "labextensions"
    shared.mkdir(parents=True)
    (shared / "speaksep").symlink_to(ROOT / "widgets" / "labextension")  # of this checkout, whatever is installed


@contextmanager
def _lab(folder: Path, name: str) -> Iterator[str]:
    (port,) = free_ports(1)
    inherited = {
        key: value for key, value in os.environ.items() if not key.startswith(("JUPYTER", "JPY_", "SPEAKSEP_"))
    }
    environment = inherited | {
        "HOME": str(folder / name),
        "OMP_NUM_THREADS": "1",
        "JUPYTER_PATH": str(folder / "share"),
        "JUPYTER_CONFIG_PATH": str(ROOT / "widgets" / "etc" / "jupyter"),
    }
    words = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", f"--IdentityProvider.token={TOKEN}"]
    command = [sys.executable, "-m", "jupyterlab", *words, f"--ServerApp.root_dir={folder / 'root'}"]
    with (folder / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/lab"
    finally:
        process.terminate()
        process.wait()


def _open(browser: Browser, url: str) -> tuple[Page, float]:
    """Lab from a clean profile, and the seconds until it is there."""
    page = browser.new_context(viewport={"width": 1300, "height": 900}).new_page()
    begun = time.perf_counter()
    page.goto(f"{url}?token={TOKEN}&reset", wait_until="commit")
    page.wait_for_selector(".jp-DirListing-item >> text=hour.wav")
    page.wait_for_selector(".jp-LauncherCard")
    return page, time.perf_counter() - begun


def _opened(browser: Browser, url: str) -> tuple[float, int]:
    """Seconds until Lab is there, and bytes that it fetched of the extension by the time that all is quiet."""
    page, seconds = _open(browser, url)
    page.wait_for_timeout(3500)
    size = page.evaluate(
        """() => performance.getEntriesByType("resource")
            .filter(({ name }) => name.includes("/speaksep/"))
            .reduce((sum, { decodedBodySize }) => sum + decodedBodySize, 0)"""
    )
    page.context.close()
    return seconds, int(size)


def _seen(browser: Browser, folder: Path, number: int) -> float:
    """Seconds from a double click until the waveform of an hour is drawn, in a server that nobody has asked yet."""
    with _lab(folder, "with") as url:
        page, _ = _open(browser, url)
        page.wait_for_timeout(4000)  # as long as people need to find the file
        os.utime(folder / "root" / "hour.wav", (number, number))  # nothing of it is known
        page.evaluate("document.querySelector('.jp-DirListing-content').scrollTop = 0")
        begun = time.perf_counter()
        page.locator(".jp-DirListing-item").filter(has_text="hour.wav").dblclick()
        page.wait_for_function(INKED)
        seconds = time.perf_counter() - begun
        page.context.close()
    return seconds


if __name__ == "__main__":
    sys.exit(main())
