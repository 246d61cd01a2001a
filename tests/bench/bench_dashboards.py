"""What it costs to look: the front, Voila and Panel behind the hub, against a plain Voila with the same notebook.

``python -m tests.bench.bench_dashboards [--viewers 30] [--rounds 5]``. A real Chromium opens one shared recording on
each surface: until its findings can be read (paint) and until its waveforms are drawn, which the kernel, the session or
the service was asked for (ready). Then so many viewers open it at once, without browsers, and memory is counted.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx
import psutil
from playwright.sync_api import BrowserContext, sync_playwright

from speaksep_dashboards import notebook
from tests.bench.bench_hub import pss_mb, verdict
from tests.dashboards.stored_results import OWNER, desk_at
from tests.e2e.viewer_scene import VIEWER, furnish
from tests.hub.running import RunningHub, running_hub, until

PAINT_LIMIT_S, READY_LIMIT_S = 1.0, 3.0
NOTEBOOK = Path(notebook.__file__).parent / "voila" / "recording.ipynb"
INKED = """(canvases) => canvases.filter((canvas) => {
  const { width, height } = canvas;
  if (!width || !height) return false;
  const data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  let inked = 0;
  for (let at = 3; at < data.length; at += 4 * 7) if (data[at]) inked += 1;
  return inked > width / 7;
}).length"""
LANES = 3
"""With a waveform, at least."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=30, help="who open a page at once")
    parser.add_argument("--rounds", type=int, default=5, help="times that each page is opened; the median is told")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory(prefix="speaksep-bench-") as directory:
        folder = Path(directory) / "hub"
        scene = furnish(folder, recordings=20)
        share = scene.shares["recording"]
        names = [f"reader{number}" for number in range(options.viewers)]
        desk = desk_at(folder)
        desk.catalogue.shares.change(OWNER, share, {"users": [VIEWER, *names]})
        desk.close()
        with running_hub(folder, "--workers=1") as hub, plain_voila(folder, share) as stock:
            pages = {
                "front": f"{hub.url}services/dashboards/share/{share}/",
                "Voila": f"{hub.url}services/voila/voila/render/recording.ipynb?share={share}",
                "Panel": f"{hub.url}services/panel/recording?share={share}",
                "plain Voila": stock,
            }
            until(lambda: all(answers(hub.url + f"services/{name}/again.js") for name in ("voila", "panel")), 120)
            time.sleep(15)  # kernels that are kept ready have started
            in_a_browser(hub, pages, options.rounds)
            at_once(hub, pages, names)
    return 0


def in_a_browser(hub: RunningHub, pages: dict[str, str], rounds: int) -> None:
    """One viewer, who has been there before, opens each page now and then."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in pages}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        context = browser.new_context()
        form = context.request.get(f"{hub.url}hub/oauth_login", params={"next": "/hub/home"})
        context.request.post(form.url, form={"name": VIEWER, "role": "viewer"})
        for _ in range(rounds + 1):
            for name, url in pages.items():
                found[name].append(opened(context, url))
        browser.close()
    for name, times in found.items():
        first, warm = times[0], times[1:]
        paint_s, ready_s = (statistics.median(each[which] for each in warm) for which in (0, 1))
        cold = f"first time {first[0]:5.2f} s, {first[1]:5.2f} s"
        print(f"{name:14}{cold}; warm: paint {paint_s:5.2f} s, ready {ready_s:5.2f} s")
        found[name] = [(paint_s, ready_s)]
    verdict("front, paint", found["front"][0][0], PAINT_LIMIT_S, "s")
    for name in ("front", "Voila", "Panel"):
        verdict(f"{name}, ready", found[name][0][1], READY_LIMIT_S, "s")


def opened(context: BrowserContext, url: str) -> tuple[float, float]:
    """Seconds until the page can be read, and until it has asked and got an answer."""
    page = context.new_page()
    start_s = time.monotonic()
    page.goto(url, wait_until="commit", timeout=120_000)
    heading = page.get_by_role("heading", name="Who spoke when")
    until_seen(heading.is_visible)
    paint_s = time.monotonic() - start_s
    until_seen(lambda: page.locator(".speaksep .lane canvas").evaluate_all(INKED) >= LANES)
    ready_s = time.monotonic() - start_s
    page.close(run_before_unload=True)
    time.sleep(2.5)  # the kernel of the page is ended, and the next one made ready
    return paint_s, ready_s


def until_seen(holds: Callable[[], bool]) -> None:
    """Wait; Playwright's own ways need eval in the page, which the platform forbids, or see no shadow roots."""
    end_s = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < end_s
        time.sleep(0.02)


def at_once(hub: RunningHub, pages: dict[str, str], names: list[str]) -> None:
    """So many viewers open a page at the same moment; until the last has it, and what each costs in memory."""
    with ExitStack() as held, ThreadPoolExecutor(len(names)) as pool:
        browsers = [held.enter_context(closing(hub.sign_in(name, "viewer"))) for name in names]
        for browser in browsers:
            for service in ("dashboards", "voila", "panel"):
                browser.get(f"services/{service}/again.js" if service == "panel" else f"services/{service}/")
        plain = [held.enter_context(httpx.Client(timeout=600, trust_env=False)) for _ in names]
        for name, url in pages.items():
            clients = plain if name == "plain Voila" else browsers
            before_mb = pss_mb(everything())
            start_s = time.monotonic()
            taken = list(pool.map(lambda client: got(client, url), clients))  # noqa: B023 - mapped at once
            last_s = time.monotonic() - start_s
            time.sleep(3)
            each_mb = (pss_mb(everything()) - before_mb) / len(names)
            print(
                f"{name:14}{len(names)} at once: median {statistics.median(taken):6.2f} s, last {last_s:6.2f} s, "
                f"{each_mb:5.1f} MB each",
                flush=True,
            )
            end_kernels()


def got(client: httpx.Client, url: str) -> float:
    start_s = time.monotonic()
    answer = client.get(url, timeout=600, headers={"Accept": "text/html"})
    assert answer.status_code == 200, answer.text[-2000:]
    assert "There was an error when executing cell" not in answer.text
    return time.monotonic() - start_s


def everything() -> list[psutil.Process]:
    """This process's children, and theirs."""
    return [each for each in psutil.Process().children(recursive=True) if each.status() != psutil.STATUS_ZOMBIE]


def end_kernels() -> None:
    """Of pages that nobody looks at any more."""
    kernels = [
        each for each in everything() if any("kernel-" in str(found.laddr) for found in each.net_connections("unix"))
    ]
    for each in kernels:
        each.kill()
    psutil.wait_procs(kernels, timeout=10)


@contextmanager
def plain_voila(folder: Path, share: str) -> Iterator[str]:
    """Voila as it comes, with its defaults, kernels started plainly; the address of the same notebook."""
    from speaksep_hub.local.ports import free_ports

    (port,) = free_ports(1)
    told = {
        "SPEAKSEP_JOBS": str(folder / "jobs.sqlite3"),
        "SPEAKSEP_STORE": str(folder / "store"),
        "SPEAKSEP_DASHBOARD": f"share={share}",
        "SPEAKSEP_FORK": "0",
        "LOGNAME": VIEWER,
    }
    words = [str(NOTEBOOK), "--no-browser", f"--port={port}", "--template=lab", "--Voila.ip=127.0.0.1"]
    with (folder.parent / "plain.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "voila", *words], env={**os.environ, **told}, stdout=log, stderr=log
        )
    url = f"http://127.0.0.1:{port}/"
    try:
        until(lambda: answers(url + "voila/static/voila.js"), 60)
        yield url
    finally:
        process.terminate()
        process.wait()


def answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


if __name__ == "__main__":
    sys.exit(main())
