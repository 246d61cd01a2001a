"""The pictures in docs/images, taken from the widgets themselves: ``python tests/e2e/screenshots.py [--result DIR]``.

The sample recording is separated unless a result is given, and shown by Voila in Chromium: light, and with the style of
JupyterLab's dark theme.
"""

from __future__ import annotations

import argparse
import shutil
import socket
import sys
import tempfile
from io import BytesIO
from pathlib import Path

import nbformat
from PIL import Image
from playwright.sync_api import Page, sync_playwright

import speaksep_kernel as speaksep

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.e2e.conftest import CHROMIUM, OPTIONS, _serve

IMAGES = Path(__file__).parents[2] / "docs" / "images"
WAIT_MS = 600_000
MOST_BYTES = 150_000
COLOURS = 128

OPEN = """import speaksep_kernel as speaksep
import speaksep_widgets as w
"""
SHOTS = {
    "recording-view": 'shown = w.RecordingView(speaksep.Separation.open("tracks"), playhead_s=21.5, auto_gain=True)',
    "speaker-tracks": """shown = w.SpeakerTracks("tracks")
for number, name in enumerate(("Ada", "Grace", "Alan"), 1):
    shown.apply({"op": "rename", "speaker": number, "name": name})
shown.wait()
shown.view_s, shown.selection_s, shown.playhead_s, shown.auto_gain = [8.0, 38.0], [17.0, 20.5], 17.0, True
shown.solo("speaker_1")""",
    "plan-card": 'shown = w.PlanCard(speaksep.Separation.open("tracks").diagnosis)',
    "export-panel": 'shown = w.ExportPanel("tracks", formats=["rttm", "textgrid"])',
}
# Pictures and spectrograms have come: nothing is empty any more.
DRAWN = """() => { const all = [...document.querySelectorAll(".speaksep canvas")];
  return all.length && all.every((c) => c.width && new Set(new Uint32Array(
    c.getContext("2d").getImageData(0, 0, c.width, c.height).data.buffer)).size > 1); }"""
DARK = Path(sys.prefix) / "share/jupyter/lab/themes/@jupyterlab/theme-dark-extension/index.css"


def shoot(page: Page, name: str, theme: str) -> None:
    """A widget as PNG, with few colours."""
    shown = page.locator(f".shot-{name}")
    picture = Image.open(BytesIO(shown.screenshot())).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    path = IMAGES / f"{name}-{theme}.png"
    picture.save(path, "PNG", optimize=True)
    size = path.stat().st_size
    print(f"{path.name} {size / 1000:.0f} kB", flush=True)
    if size > MOST_BYTES:
        sys.exit(f"{path.name} is larger than {MOST_BYTES / 1000:.0f} kB")


def main(result: Path | None, wanted: list[str]) -> None:
    """Take all of them."""
    if CHROMIUM is None:
        sys.exit("no Chromium on this machine: install Debian's package chromium")
    with tempfile.TemporaryDirectory(prefix="speaksep-shots-") as folder:
        root, home = Path(folder) / "root", Path(folder) / "home"
        root.mkdir()
        home.mkdir()
        if result is None:
            speaksep.separate(speaksep.sample_recording(), root / "tracks")
        else:
            shutil.copytree(result, root / "tracks")
        cells = [f'{OPEN}{SHOTS[name]}\nshown.add_class("shot-{name}")' for name in wanted]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=kernel)
        nbformat.write(made, root / "shots.ipynb")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "voila", str(root), "--no-browser", "--Voila.ip=127.0.0.1", f"--port={port}"]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
            for url in _serve(command, f"http://127.0.0.1:{port}", cwd=root, home=home):
                page = browser.new_page(viewport={"width": 1000, "height": 900})
                page.goto(f"{url}/voila/render/shots.ipynb", timeout=WAIT_MS)
                for name in wanted:
                    page.locator(f".shot-{name}").wait_for(timeout=WAIT_MS)
                page.wait_for_function(DRAWN, timeout=WAIT_MS)
                page.wait_for_timeout(8000)
                for name in wanted:
                    shoot(page, name, "light")
                page.add_style_tag(content=DARK.read_text("utf-8"))
                page.evaluate("document.body.dataset.jpThemeLight = 'false'")
                page.emulate_media(color_scheme="dark")  # which has everything drawn again
                page.wait_for_timeout(2000)
                for name in wanted:
                    shoot(page, name, "dark")
            browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--result", type=Path, help="a separation of the sample recording")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(SHOTS)}; all of them by default")
    chosen = parser.parse_args()
    main(chosen.result, chosen.names or list(SHOTS))
