"""Pictures of the dashboards in docs/images, as a viewer sees them: ``python tests/e2e/screenshots_dashboards.py``."""

from __future__ import annotations

import sys
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.e2e.conftest import CHROMIUM, OPTIONS
from tests.e2e.test_dashboards_as_viewer import DRAWN_MS, SAYS, sign_in
from tests.e2e.viewer_scene import DESKTOP, PHONE, VIEWER, Scene, furnish
from tests.hub.running import RunningHub, running_hub

IMAGES = Path(__file__).parents[2] / "docs" / "images"
COLOURS = 200
PICTURES = {
    "light": ("recording", "collection", "batch", "compare", "operations", "index"),
    "dark": ("recording", "collection", "batch", "compare", "operations"),
    "phone-light": ("operations",),
    "phone-dark": ("recording", "collection", "batch", "told"),
}
"""What is shown in docs/dashboards.md; "told" is a comparison after the votes."""
EXPLORED = (("Voila", "recording"), ("Panel", "collection"))
TALLEST = 1500
"""Pixels of a page that are shown."""


def main() -> None:
    """Bring a platform up and look at everything."""
    with tempfile.TemporaryDirectory() as place:
        scene = furnish(Path(place) / "hub")
        with running_hub(scene.folder, "--workers=1") as hub, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
            for ending, kinds in PICTURES.items():
                for kind in kinds:
                    _look(browser, hub, scene, kind, ending)
            for service, kind in EXPLORED:
                _look(browser, hub, scene, kind, "light", service)
            browser.close()


def _look(browser: Browser, hub: RunningHub, scene: Scene, kind: str, ending: str, service: str = "") -> None:
    """Open one view, perhaps go on to its service, and take the picture."""
    size = PHONE if ending.startswith("phone") else DESKTOP
    scheme: Any = ending.rpartition("-")[2]
    context = browser.new_context(viewport=size, color_scheme=scheme)
    page = context.new_page()
    who = ("root", "admin") if kind == "operations" else (VIEWER, "viewer")
    sign_in(context, hub, *who)
    place = f"{hub.url}services/dashboards/"
    shares = {**scene.shares, "told": scene.shares["compare"]}
    page.goto(
        f"{place}share/{shares[kind]}/" if kind in shares else place + {"index": "", "operations": "operations/"}[kind]
    )
    if kind == "told":
        page.get_by_role("button", name="Show which is which").click()
        page.get_by_role("button", name="Show it").click()
        expect(page.get_by_text("SI-SDR").first).to_be_visible(timeout=DRAWN_MS)
    if service:
        page.get_by_role("link", name=f"Explore in {service}").click()
        expect(page.get_by_role("heading", name=SAYS[kind]).first).to_be_visible(timeout=DRAWN_MS)
    _shoot(page, "-".join(filter(None, ("dashboard", service.lower(), kind, ending))), size["width"])
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
    main()
