"""Pictures of the platform in docs/images, taken from a real one: ``python tests/e2e/screenshots_hub.py``."""

from __future__ import annotations

import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.e2e.conftest import CHROMIUM, OPTIONS
from tests.e2e.test_hub import LONG_MS, SPAWN_MS, run_all
from tests.hub.running import running_hub

IMAGES = Path(__file__).parents[2] / "docs" / "images"
COLOURS = 96


def shoot(page: Page, name: str) -> None:
    """The page as PNG, with few colours."""
    picture = Image.open(BytesIO(page.screenshot())).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    path = IMAGES / f"{name}.png"
    picture.save(path, "PNG", optimize=True)
    print(f"{path.name} {path.stat().st_size / 1000:.0f} kB", flush=True)


def main() -> None:
    """Bring a platform up, sign in as researcher, separate the sample."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_hub(Path(folder) / "hub") as hub,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        page = browser.new_page(viewport={"width": 1100, "height": 780})
        page.goto(f"{hub.url}hub/oauth_login")
        page.set_viewport_size({"width": 700, "height": 720})
        shoot(page, "hub-sign-in")
        page.get_by_role("button", name="Researcher").click()
        page.set_viewport_size({"width": 1100, "height": 780})
        page.wait_for_url("**/lab/tree/workbench.ipynb*", timeout=SPAWN_MS)
        run_all(page)
        expect(page.locator(".jp-InputPrompt").last).to_have_text("[7]:", timeout=LONG_MS)
        page.locator(".speaker-tracks").first.scroll_into_view_if_needed()
        page.wait_for_timeout(5000)
        shoot(page, "hub-lab")
        browser.close()


if __name__ == "__main__":
    main()
