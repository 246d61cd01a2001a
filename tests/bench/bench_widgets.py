"""How the tracks of an hour feel in a browser.

``python tests/bench/bench_widgets.py [--minutes 60] [--result DIR] [--play-minutes 30]``

A result of four tracks is opened in JupyterLab with Chromium: the time from running the cell to the first picture, the
bytes that come before anything is played, frames per second of panning and zooming, the time from a click to the sound,
and how far the lanes are apart after half of the recording. Beside it ``IPython.display.Audio`` of the same recording.
With ``--play-minutes`` the tracks are then played for as long without a stop, and what comes out of every lane is
compared with its file.
"""

from __future__ import annotations

import argparse
import base64
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import soundfile as sf
from bench_edit import write_talk
from numpy.typing import NDArray
from playwright.sync_api import CDPSession, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError
from scipy.signal import correlate

from speaksep_kernel.testing.editable import editable_separation

Float32 = NDArray[np.float32]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--autoplay-policy=no-user-gesture-required",
]
START_S, WAIT_MS, RATE_HZ = 180, 300_000, 16000
SEEKS = (0.5, 0.11, 0.83, 0.29, 0.67)

# Everything that is played is noted with the time at which it is heard, and the cell's start.
INIT = """
window.played = [];
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (when, offset, length) {
  const latency = (this.context.outputLatency || this.context.baseLatency || 0);
  const heard = performance.now() + 1000 * (Math.max(0, when - this.context.currentTime) + latency);
  window.played.push({ heard, when, offset, length, first: Array.from(
    this.buffer.getChannelData(0).slice(Math.round(offset * this.buffer.sampleRate)).slice(0, 4000)) });
  return start.call(this, when, offset, length);
};
window.gains = [];
const createGain = BaseAudioContext.prototype.createGain;
BaseAudioContext.prototype.createGain = function () {
  window.gains.push(createGain.call(this));
  return window.gains.at(-1);
};
addEventListener("keydown", (event) => { if (event.key === "Enter") window.ran = performance.now(); }, true);
window.drawn = () => {
  const all = [...document.querySelectorAll(".speaker-tracks .rows canvas")];
  return all.length > 1 && all.every((canvas) => {
    if (!canvas.width) return false;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size > 1;
  });
};
"""
# Frames while something moves with every one of them.
FRAMES = """([kind, ms]) => new Promise((resolve) => {
  const canvas = document.querySelectorAll(".speaker-tracks .rows canvas")[1];
  const { left, top, width } = canvas.getBoundingClientRect();
  let frames = 0, last = performance.now(), worst = 0;
  const since = last;
  const step = (now) => {
    frames++;
    worst = Math.max(worst, now - last);
    last = now;
    const turn = Math.floor(frames / 40) % 2 ? -1 : 1;
    canvas.dispatchEvent(new WheelEvent("wheel", { deltaY: 24 * turn, clientX: left + width / 3, clientY: top + 10,
      shiftKey: kind === "pan", ctrlKey: kind === "zoom", bubbles: true, cancelable: true }));
    if (now - since > ms) resolve([1000 * frames / (now - since), worst]);
    else requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})"""

# What comes out of every lane, as whole numbers of 16 bits.
TAP = """async (seconds) => {
  const { context } = window.gains[0];
  const code = `registerProcessor("tap", class extends AudioWorkletProcessor {
    process([lanes]) { this.port.postMessage(lanes.map((lane) => lane.slice())); return true; } })`;
  await context.audioWorklet.addModule(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
  const count = window.gains.length;
  const merger = context.createChannelMerger(count);
  const tap = new AudioWorkletNode(context, "tap", { channelCount: count, channelCountMode: "explicit",
    channelInterpretation: "discrete" });
  window.gains.forEach((gain, row) => gain.connect(merger, 0, row));
  merger.connect(tap).connect(context.destination);
  const heard = window.gains.map(() => []);
  await new Promise((resolve) => {
    tap.port.onmessage = ({ data }) => {
      data.forEach((lane, row) => { for (const value of lane) heard[row].push(Math.round(32767 * value)); });
      if (heard[0].length >= seconds * context.sampleRate) resolve();
    };
  });
  tap.disconnect();
  return heard;
}"""
TAP_S = 15
RAN = "k => document.querySelectorAll('.jp-InputPrompt')[k].textContent.match(/[0-9]/)"


class Traffic:
    """Bytes that a page received, by HTTP and by its websockets."""

    def __init__(self, session: CDPSession) -> None:
        self.bytes = 0
        session.send("Network.enable")
        session.on("Network.webSocketFrameReceived", self._frame)
        session.on("Network.dataReceived", self._data)

    def _frame(self, event: dict[str, Any]) -> None:
        frame = event["response"]
        text = frame["payloadData"]
        self.bytes += len(base64.b64decode(text)) if frame["opcode"] == 2 else len(text)

    def _data(self, event: dict[str, Any]) -> None:
        self.bytes += event["encodedDataLength"] or event["dataLength"]


@contextmanager
def lab(root: Path, home: Path) -> Iterator[str]:
    """JupyterLab over a folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    command += ["--IdentityProvider.token=bench", f"--ServerApp.root_dir={root}", "--LabApp.news_url=None"]
    command += ["--ServerApp.iopub_data_rate_limit=1e12"]  # for what it is compared with
    with (home / "log").open("wb") as log:
        environment = os.environ | {"HOME": str(home)}
        server = subprocess.Popen(command, cwd=root, env=environment, stdout=log, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + START_S
        while True:
            try:
                urllib.request.urlopen(f"{url}/api", timeout=5).close()
                break
            except (urllib.error.URLError, OSError):
                if time.monotonic() > deadline or server.poll() is not None:
                    sys.exit(f"no JupyterLab: {(home / 'log').read_text()[-2000:]}")
                time.sleep(0.3)
        yield url
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            server.kill()


def open_notebook(page: Page, url: str, root: Path, name: str, *cells: str) -> None:
    """A notebook of cells; all but the last are run, and the last one has the focus."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    contents = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells], metadata=kernel)
    nbformat.write(contents, root / f"{name}.ipynb")
    page.goto(f"{url}/lab/tree/{name}.ipynb?token=bench&reset")
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
    page.locator(".jp-CodeCell .cm-content").first.click()
    for k in range(len(cells) - 1):
        for _ in range(10):  # while Lab is still starting the kernel it runs nothing, or asks which one
            page.locator(".jp-CodeCell .cm-content").nth(k).click()
            page.keyboard.press("Shift+Enter")
            with suppress(PlaywrightError):
                page.wait_for_function(RAN, arg=k, timeout=10_000)
                break
            page.keyboard.press("Escape")
        page.wait_for_function(RAN, arg=k)
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]')


def ours(
    page: Page, traffic: Traffic, url: str, root: Path, result: Path, play_minutes: float
) -> Iterator[tuple[str, str]]:
    """Figures of the speaker tracks."""
    page.add_init_script(INIT)
    imports = "from speaksep_widgets import SpeakerTracks"
    open_notebook(page, url, root, "ours", imports, f"tracks = SpeakerTracks({str(result)!r}); tracks")
    before = traffic.bytes
    page.keyboard.press("Shift+Enter")
    took_ms = page.evaluate("""new Promise((resolve) => {
      const look = () => window.drawn() ? resolve(performance.now() - window.ran) : setTimeout(look, 20);
      look();
    })""")
    yield "first picture", f"{took_ms / 1000:.2f} s"
    page.wait_for_timeout(3000)
    yield "before playing", f"{(traffic.bytes - before) / 1e6:.2f} MB"
    page.locator(".speaker-tracks").focus()
    for kind in ("zoom", "pan"):
        page.evaluate(FRAMES, [kind, 1000])
        fps, worst = page.evaluate(FRAMES, [kind, 4000])
        yield kind, f"{fps:.0f} frames/s, longest {worst:.0f} ms"
        for _ in range(3):  # the whole recording cannot be moved
            page.keyboard.press("+")
    page.keyboard.press("f")
    page.wait_for_timeout(5000)
    page.keyboard.press("Space")
    page.wait_for_function("window.played.length > 0", timeout=WAIT_MS)
    axis = page.locator(".speaker-tracks .rows canvas").first
    late_s = []
    for part in SEEKS:
        page.wait_for_timeout(1500)
        late_s.append(
            axis.evaluate(
                """(canvas, part) => new Promise((resolve, reject) => {
          const { left, top, width } = canvas.getBoundingClientRect();
          const at = { clientX: left + part * width, clientY: top + 5, pointerId: 1, button: 0, bubbles: true };
          canvas.setPointerCapture = () => {};
          window.played.length = 0;
          const since = performance.now();
          for (const kind of ["pointerdown", "pointerup"]) canvas.dispatchEvent(new PointerEvent(kind, at));
          const look = () => window.played.length ? resolve((window.played[0].heard - since) / 1000)
            : performance.now() - since > 30000
            ? reject(new Error(document.querySelector(".speaker-tracks [role=status]").textContent))
            : setTimeout(look, 2);
          look();
        })""",
                part,
            )
        )
    yield "click to sound", f"median {statistics.median(late_s):.2f} s, worst {max(late_s):.2f} s"
    page.keyboard.press("Space")
    page.evaluate("window.played.length = 0")
    axis.click(position={"x": 0.5 * (axis.bounding_box() or {"width": 0})["width"], "y": 5})
    page.keyboard.press("Space")
    page.wait_for_function("window.played.length >= 60", timeout=WAIT_MS)
    page.keyboard.press("Space")
    yield "lanes apart", _apart(page.evaluate("window.played"), result)
    if play_minutes:
        yield f"after {play_minutes:g} min", played_long(page, play_minutes, result)


def played_long(page: Page, minutes: float, result: Path) -> str:
    """Spread of what comes out of the lanes after so many minutes of playing without a stop."""
    page.locator(".speaker-tracks").focus()
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    page.wait_for_timeout(60_000 * minutes)
    heard = page.evaluate(TAP, TAP_S)
    page.keyboard.press("Space")
    files = [*sorted(result.glob("speaker_*.*")), next(result.glob("residual.*"))]
    offsets = []
    for file, lane in zip(files, heard[1:], strict=True):  # the first is the mixture, which is not heard
        with sf.SoundFile(file) as sound:
            sound.seek(int(max(0.0, 60 * minutes - 30) * sound.samplerate))
            around = sound.read((TAP_S + 60) * sound.samplerate, dtype="float32")
            at = _position(around, np.asarray(lane, np.float32) / 32767)
            if at is not None:
                offsets.append(1000 * at / sound.samplerate)
    if len(offsets) < 2:
        return "fewer than two lanes have sound to compare"
    return f"{max(offsets) - min(offsets):.3f} ms over {len(offsets)} lanes"


def _apart(played: list[dict[str, Any]], result: Path) -> str:
    """Spread of what is heard together in the middle of the recording: starts by the clock, samples by the files."""
    files = [*sorted(result.glob("speaker_*.*")), next(result.glob("residual.*"))]
    groups: dict[float, list[list[float]]] = {}
    for piece in played:
        groups.setdefault(piece["when"], []).append(piece["first"])
    together = {when: pieces for when, pieces in groups.items() if len(pieces) == len(files)}
    if not together:
        return "lanes do not start together"
    begin = min(together)
    offsets = []
    for file, lane in zip(files, zip(*together.values(), strict=True), strict=True):
        with sf.SoundFile(file) as sound:
            first = sound.frames // 2 - 4 * sound.samplerate
            sound.seek(first)
            around = sound.read((16 + int(max(together) - begin)) * sound.samplerate, dtype="float32")
            for when, samples in zip(together, lane, strict=True):
                at = _position(around, np.asarray(samples, np.float32))
                if at is not None:
                    offsets.append(1000 * ((first + at) / sound.samplerate - (when - begin)))
    if not offsets:
        return f"starts {len(together)} pieces together; none of them has sound to compare"
    return f"{max(offsets) - min(offsets):.3f} ms over {len(offsets)} pieces of {max(together) - begin:.0f} s"


def _position(around: Float32, part: Float32) -> int | None:
    """Where some samples lie in others; ``None`` if they are silent or nowhere."""
    if not part.size or np.abs(part).max() < 3e-3:
        return None
    at = int(correlate(around, part, "valid", "fft").argmax())
    near = [k for k in range(max(0, at - 2), at + 3) if k + len(part) <= len(around)]
    best = min(near, key=lambda k: float(np.abs(around[k : k + len(part)] - part).max()))
    return best if np.abs(around[best : best + len(part)] - part).max() < 1e-3 else None


def theirs(page: Page, traffic: Traffic, url: str, root: Path, recording: Path) -> Iterator[tuple[str, str]]:
    """Figures of ``IPython.display.Audio`` on the same recording."""
    page.add_init_script(INIT)
    cells = ("from IPython.display import Audio", f"Audio({str(recording)!r})")
    open_notebook(page, url, root, "theirs", *cells)
    before = traffic.bytes
    page.keyboard.press("Shift+Enter")
    took_ms = page.evaluate("""new Promise((resolve) => {
      const look = () => document.querySelector(".jp-OutputArea audio")?.readyState >= 1
        ? resolve(performance.now() - window.ran) : setTimeout(look, 20);
      look();
    })""")
    yield "first picture", f"{took_ms / 1000:.2f} s (a bar, no picture)"
    page.wait_for_timeout(3000)
    yield "before playing", f"{(traffic.bytes - before) / 1e6:.2f} MB"
    late_s = []
    for part in SEEKS:
        page.wait_for_timeout(1500)
        late_s.append(
            page.evaluate(
                """(part) => new Promise((resolve) => {
          const audio = document.querySelector(".jp-OutputArea audio");
          const since = performance.now();
          audio.addEventListener("playing", () => resolve((performance.now() - since) / 1000), { once: true });
          audio.pause();
          audio.currentTime = part * audio.duration;
          audio.play();
        })""",
                part,
            )
        )
    yield "click to sound", f"median {statistics.median(late_s):.2f} s, worst {max(late_s):.2f} s"
    page.keyboard.press("Control+s")
    page.wait_for_timeout(5000)
    yield "notebook on disk", f"{(root / 'theirs.ipynb').stat().st_size / 1e6:.2f} MB"


def main(minutes: float, result: Path | None, play_minutes: float) -> None:
    """Print the figures of both."""
    if CHROMIUM is None:
        sys.exit("no Chromium on this machine: install Debian's package chromium")
    with tempfile.TemporaryDirectory(prefix="speaksep-bench-") as folder:
        root, home = Path(folder) / "root", Path(folder) / "home"
        for new in (root, home):
            new.mkdir()
        recording = root / "talk.flac"
        if result is None:
            result = root / "tracks"
            editable_separation(recording, write_talk(recording, minutes, RATE_HZ), result)
        elif (made_from := result.with_suffix(".flac")).exists():
            recording = made_from
        with lab(root, home) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
            mine = partial(ours, play_minutes=play_minutes)
            for title, measure, what in (("speaker tracks", mine, result), ("display.Audio", theirs, recording)):
                page = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
                page.set_default_timeout(WAIT_MS)
                traffic = Traffic(page.context.new_cdp_session(page))
                for name, figure in measure(page, traffic, url, root, what):
                    print(f"{title:<16} {name:<18} {figure}", flush=True)
                page.context.close()
            browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--result", type=Path, help="a result to open, its recording beside it as DIR.flac")
    parser.add_argument("--play-minutes", type=float, default=0, help="play so long without a stop")
    chosen = parser.parse_args()
    main(chosen.minutes, chosen.result, chosen.play_minutes)
