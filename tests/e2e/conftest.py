"""A real browser on real servers: JupyterLab and Voila, on free ports, with a home and a root of their own."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlparse

import nbformat
import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

import speaksep_kernel as speaksep
from speaksep_hub.protection.headers import interactive_headers, single_user_headers
from tests.e2e.viewer_scene import Scene, furnish
from tests.hub.running import RunningHub, running_hub

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
START_S = 120
TOKEN = "for-these-tests"
# Sandboxes need privileges that containers lack; the rest keeps Chromium from calling its maker.
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: install Debian's package chromium to run the browser tests")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the servers serve; the sample recording is separated in it, by whichever process of a run comes first."""
    root = tmp_path_factory.mktemp("lab")
    place = tmp_path_factory.getbasetemp()
    place = place.parent if "PYTEST_XDIST_WORKER" in os.environ else place
    with (place / "sample.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (place / "sample").exists() or speaksep.separate(speaksep.sample_recording(), place / "sample")
    return Path(shutil.copytree(place / "sample", root / "sample")).parent


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Results that are shared with a viewer, in the folder of the platform."""
    return furnish(tmp_path_factory.mktemp("viewer") / "hub")


@pytest.fixture(scope="session")
def platform(scene: Scene, root: Path) -> Iterator[RunningHub]:
    """What ``speaksep hub up`` brings up, with the sample; tests kill nothing of it but what comes back."""
    with running_hub(scene.folder, "--workers=1") as hub:
        shutil.copytree(root / "sample", hub.folder / "dashboards" / "sample")
        yield hub


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


def _serve(command: list[str], url: str, cwd: Path, home: Path) -> Iterator[str]:
    """Run a server until the tests are over; its output is shown if it does not come up."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "JPY"))}
    environment |= {"HOME": str(home), "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "default"}
    log = home / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(command, cwd=cwd, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + START_S
            while True:
                try:
                    urllib.request.urlopen(url, timeout=5).close()
                    break
                except (urllib.error.URLError, OSError) as error:
                    late = time.monotonic() > deadline
                    if late or server.poll() is not None:
                        raise RuntimeError(f"no server at {url}: {log.read_text()[-3000:]}") from error
                    time.sleep(0.3)
            yield url
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Iterator[str]]:
    """``serve(cwd, path, "module", argument, …)`` runs a Python module that serves ``path`` on ``--port``."""

    def run(cwd: Path, path: str, *words: str) -> Iterator[str]:
        port = _free_port()
        command = [sys.executable, "-m", *words, f"--port={port}"]
        return _serve(command, f"http://127.0.0.1:{port}{path}", cwd, tmp_path_factory.mktemp("home"))

    return run


@pytest.fixture(scope="session")
def lab(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """JupyterLab; its base address."""
    home = tmp_path_factory.mktemp("home")
    settings = home / ".jupyter" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
    as_on_the_platform = {"tornado_settings": {"headers": single_user_headers(https=False)}}
    (home / ".jupyter" / "jupyter_server_config.json").write_text(json.dumps({"ServerApp": as_on_the_platform}))
    port = _free_port()
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    command += [f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={root}", "--LabApp.news_url=None"]
    yield from (
        url.removesuffix("/api") for url in _serve(command, f"http://127.0.0.1:{port}/api", cwd=root, home=home)
    )


@pytest.fixture(scope="session")
def voila(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Voila over the same folder; its base address."""
    home = tmp_path_factory.mktemp("home")
    (home / ".jupyter").mkdir()
    as_on_the_platform = {"tornado_settings": {"headers": interactive_headers(https=False)}}
    (home / ".jupyter" / "voila.json").write_text(json.dumps({"Voila": as_on_the_platform}))
    port = _free_port()
    command = [sys.executable, "-m", "voila", str(root), "--no-browser", "--Voila.ip=127.0.0.1", f"--port={port}"]
    yield from _serve(command, f"http://127.0.0.1:{port}", cwd=root, home=home)


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page that fails the test when anything on it breaks, asks for anything off this machine, or is refused by
    the platform's content security policy.

    What breaks without us stands in the module's ``NOT_OURS``.
    """
    not_ours = getattr(request.module, "NOT_OURS", ())
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.set_default_timeout(90_000)
    strangers: list[str] = []
    faults: list[str] = []

    def gate(route: Route) -> None:
        host = urlparse(route.request.url).hostname
        if host in ("127.0.0.1", "localhost", None, ""):
            route.continue_()
        else:
            strangers.append(route.request.url)
            route.abort()

    context.route("**/*", gate)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.extend([said.text] * ("Content Security Policy" in said.text)))
    yield page
    context.close()
    assert strangers == []
    assert [fault for fault in faults if fault not in not_ours] == []


@pytest.fixture
def notebook(root: Path) -> Callable[..., str]:
    """``notebook("name", cell, …)`` writes a notebook and gives its name below the root."""

    def write(name: str, *cells: str) -> str:
        contents = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        nbformat.write(contents, root / f"{name}.ipynb")
        return f"{name}.ipynb"

    return write


@pytest.fixture
def in_lab(lab: str, page: Page) -> Callable[[str], Page]:
    """``in_lab("name.ipynb")`` opens a notebook in JupyterLab and runs all of it."""

    def run(name: str) -> Page:
        page.goto(f"{lab}/lab/tree/{name}?token={TOKEN}&reset")
        page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        page.wait_for_selector(
            '.jp-NotebookPanel [data-status="idle"], .jp-Notebook-ExecutionIndicator[data-status="idle"]'
        )
        # While Lab is still starting the kernel it runs nothing, or asks which one.
        for _ in range(20):
            try:
                page.get_by_role("menuitem", name="Run", exact=True).click(timeout=6000)
                page.get_by_role("menuitem", name="Run All Cells", exact=True).click(timeout=6000)
                expect(page.locator(".jp-InputPrompt").first).to_have_text(re.compile(r"[*\d]"), timeout=6000)
                return page
            except (AssertionError, PlaywrightError):  # a dialog may be in the way
                page.keyboard.press("Escape")
        raise AssertionError(f"{name} was not run")

    return run


@pytest.fixture
def in_voila(voila: str, page: Page) -> Callable[[str], Page]:
    """``in_voila("name.ipynb")`` opens a notebook as a Voila page."""

    def run(name: str) -> Page:
        page.goto(f"{voila}/voila/render/{name}")
        return page

    return run
