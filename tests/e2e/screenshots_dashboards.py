"""Pictures of the dashboards in docs/images, as a viewer sees them: ``python tests/e2e/screenshots_dashboards.py``."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.e2e.conftest import CHROMIUM, OPTIONS
from tests.e2e.test_dashboards_as_viewer import DRAWN_MS, SAYS, sign_in
from tests.e2e.viewer_scene import DESKTOP, PHONE, VIEWER, Scene, furnish
from tests.hub.running import RunningHub, running_hub

IMAGES = Path(__file__).parents[2] / "docs" / "images"
COLOURS = 64
SCREENS = {"": DESKTOP, "-phone": PHONE}
TALLEST = 1500
"""Pixels of a page that are shown."""


def main(wanted: Sequence[str]) -> None:
    """Bring a platform up, look at everything (or at the pictures named), light and dark, on a desk and on a phone."""
    with tempfile.TemporaryDirectory() as place:
        scene = furnish(Path(place) / "hub")
        with running_hub(scene.folder, "--workers=1") as hub, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
            for scheme in ("light", "dark"):
                for screen, size in SCREENS.items():
                    _all(browser, hub, scene, f"{screen}-{scheme}", size, wanted)
            browser.close()


def _all(
    browser: Browser, hub: RunningHub, scene: Scene, ending: str, size: dict[str, int], wanted: Sequence[str]
) -> None:
    scheme = ending.rpartition("-")[2]
    for name, role in ((VIEWER, "viewer"), ("root", "admin")):
        context = browser.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
        page = context.new_page()
        sign_in(context, hub, name, role)
        place = f"{hub.url}services/dashboards/"
        views = {kind: f"{place}share/{scene.shares[kind]}/" for kind in SAYS}
        views = views | {"index": place} if role == "viewer" else {"operations": f"{place}operations/"}
        for kind, address in views.items():
            if not wanted or kind in wanted:
                page.goto(address)
                _shoot(page, f"dashboard-{kind}{ending}", size["width"])
        context.close()


def _shoot(page: Page, name: str, width: int) -> None:
    """What is drawn, as PNG with few colours; a long page is cut."""
    expect(page.locator("#view[aria-busy=true]")).to_have_count(0, timeout=DRAWN_MS)
    page.wait_for_timeout(2500)  # pieces of waveforms and Bokeh's figures
    height = min(TALLEST, page.evaluate("document.documentElement.scrollHeight"))
    shot = page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": width, "height": height})
    picture = Image.open(BytesIO(shot)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    path = IMAGES / f"{name}.png"
    picture.save(path, "PNG", optimize=True)
    print(f"{path.name} {path.stat().st_size / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
