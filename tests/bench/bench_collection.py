"""How a collection of thousands feels in a browser.

``python -m tests.bench.bench_collection [--recordings 5000] [--readers 5]``

A front of its own serves so many recordings. Chromium opens the page from the list of pages: first with a front that
has read none of them and a browser that has kept nothing of it, then as other readers do. Times are the browser's, from
the click on the link to the table, and to all figures. Filters and brushes are timed from the event to the frame after
everything was drawn.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.dashboards.front_process import Front, running_front, token_of
from tests.dashboards.many_recordings import OWNER, many

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
OPENS_S, FILTERS_S = 2.0, 0.2
"""What is promised."""

# Notes when the table and the figures are there, in milliseconds since the navigation began.
INIT = """
window.seen = {};
const look = () => {
  const painted = (name) => requestAnimationFrame(() => setTimeout(() => (window.seen[name] ??= performance.now())));
  if (!window.seen.table && document.querySelector(".recordings tbody tr")) painted("table");
  if (!window.seen.figures && document.querySelector(".plots.drawn")) painted("figures");
};
new MutationObserver(look).observe(document, { childList: true, subtree: true, attributes: true });
"""
# Bokeh draws in the frame after its data changed.
AFTER = "await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))));"
FILTER = f"""async ([selector, value]) => {{
  const field = document.querySelector(selector);
  const start = performance.now();
  field.value = value;
  field.dispatchEvent(new Event("input", {{ bubbles: true }}));
  {AFTER}
  return performance.now() - start;
}}"""
BRUSH = f"""() => new Promise((told) => addEventListener("pointerup", async () => {{
  const start = performance.now();
  {AFTER}
  told(performance.now() - start);
}}, {{ once: true, capture: true }}))"""
CLICK = f"""async (selector) => {{
  const start = performance.now();
  document.querySelector(selector).click();
  {AFTER}
  return performance.now() - start;
}}"""
CLICKS = ("th[data-column=sound_s] button", "nav button:nth-of-type(2)", "th[data-column=name] button")
FILTERS = (
    ("input[type=search]", "interview 1"),
    ("input[type=search]", "99"),
    ("input[type=search]", ""),
    (".filters select", "2"),
    (".filters select", "0"),
    (".ranges input", "60"),
    (".ranges input", ""),
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", type=int, default=5000)
    parser.add_argument("--readers", type=int, default=5, help="who open the page after the first")
    options = parser.parse_args()
    if CHROMIUM is None:
        print("No Chromium: nothing of the collection.")
        return
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        results = many(Path(folder, "many"), options.recordings)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        with running_front(Path(folder, "front"), results) as front:
            print(f"{options.recordings} recordings, in Chromium at 1440 x 900")
            opens(browser, front, options.readers)
            works(browser, front)
        browser.close()


def opens(browser: Browser, front: Front, readers: int) -> None:
    """From the link to the table and the figures, for the first reader and for others."""
    with signed_in(browser) as context:
        table_s, figures_s, kilobytes = opened(context, front)
        print(f"first reader of all    table {table_s:.2f} s   figures {figures_s:.2f} s", end="   ")
        print(f"{kilobytes:.0f} kB   (at most {OPENS_S} s)")
        warm = [opened(context, front) for _ in range(readers)]
    with_cache = [(statistics.median(each), max(each)) for each in zip(*warm, strict=True)]
    (table_s, table_max_s), (figures_s, figures_max_s), (kilobytes, _) = with_cache
    print(f"who was there before   table {table_s:.2f} s (worst {table_max_s:.2f})", end="   ")
    print(f"figures {figures_s:.2f} s (worst {figures_max_s:.2f})   {kilobytes:.0f} kB")


def works(browser: Browser, front: Front) -> None:
    """Filters and brushes."""
    with signed_in(browser) as context:
        page = context.new_page()
        page.goto(f"{front.url}mine/collection/all/")
        page.wait_for_selector(".plots.drawn")
        page.wait_for_timeout(500)
        filtered = [page.evaluate(FILTER, list(each)) / 1000 for each in FILTERS * 3]
        print(told("filter", filtered), f"  (at most {FILTERS_S} s)")
        print(told("brush", [brush(page, k) for k in range(6)]))
        print(told("sort, turn the page", [page.evaluate(CLICK, each) / 1000 for each in CLICKS * 3]))


def brush(page: Page, k: int) -> float:
    """Seconds from letting go of the pointer, another rectangle each time."""
    box = page.locator(".plot.large .place").nth(k % 2).bounding_box()
    assert box is not None
    left, top = box["x"] + 0.2 * box["width"], box["y"] + 0.1 * box["height"]
    page.mouse.move(left, top)
    page.mouse.down()
    page.mouse.move(left + (0.2 + 0.07 * k) * box["width"], top + 0.5 * box["height"], steps=4)
    page.evaluate(f"void (window.brushed = ({BRUSH})())")
    page.mouse.up()
    return float(page.evaluate("window.brushed")) / 1000


def opened(context: BrowserContext, front: Front) -> tuple[float, float, float]:
    """Seconds to the table and to the figures, kilobytes that came."""
    page = context.new_page()
    page.goto(front.url)  # where people come from
    page.get_by_role("link", name="All my recordings").click()
    page.wait_for_selector(".plots.drawn")
    seen = page.evaluate("new Promise((done) => setTimeout(() => done(window.seen), 300))")
    entries = "[...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')]"
    size = page.evaluate(f"{entries}.reduce((sum, each) => sum + each.transferSize, 0)")
    page.close()
    return seen["table"] / 1000, seen["figures"] / 1000, size / 1000


def signed_in(browser: Browser) -> BrowserContext:
    """The owner's browser, which has kept nothing."""
    headers = {"Authorization": f"Bearer {token_of(OWNER)}"}
    context = browser.new_context(viewport={"width": 1440, "height": 900}, extra_http_headers=headers)
    context.add_init_script(INIT)
    return context


def told(what: str, seconds: Sequence[float]) -> str:
    """Median and worst."""
    return f"{what:22} {statistics.median(seconds):.3f} s (worst {max(seconds):.3f} of {len(seconds)})"


if __name__ == "__main__":
    main()
