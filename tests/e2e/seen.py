"""What is the same for every view: no violations, in both schemes, on a phone and on a desk; what comes in a while."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SIZES = ((390, 844, "dark"), (1440, 900, "light"))


def faults_seen(page: Page) -> list[str]:
    """What axe-core and a ruler find wrong with a page, on a phone in the dark and on a desk in the light."""
    found = []
    for width, height, scheme in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(100)
        found += [
            f"{width} px {scheme}: {each['id']}: {node['html'][:200]}"
            for each in Axe().run(page, context=".speaksep").response["violations"]
            for node in each["nodes"]
        ]
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        found += [f"{width} px: {wide} px too wide"] * (wide > 0)
    return found


def eventually(page: Page, look: Callable[[], Any]) -> bool:
    """Whether something becomes true while the page goes on; the platform's policy lets no page be asked for it."""
    for _ in range(300):
        if look():
            return True
        page.wait_for_timeout(100)
    return False
