"""Pages with a kernel or a session in a real browser: what ends comes again by itself, what is revoked is gone."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import psutil
import pytest
from playwright.sync_api import Page, expect

from speaksep_hub.audit.events import name_of
from speaksep_hub.audit.verify import entries
from speaksep_kernel.catalogue.catalogue import Catalogue
from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.queue import JobTable
from tests.hub.running import RunningHub, until

pytestmark = pytest.mark.timeout(600)

PAGES = {
    "voila": "services/voila/voila/render/recording.ipynb?share={}",
    "panel": "services/panel/recording?share={}",
}
LONG_MS = 90_000


@pytest.fixture(scope="module")
def hub(platform: RunningHub) -> RunningHub:
    ready = [f"{platform.url}services/{name}/again.js" for name in PAGES]
    until(lambda: all(httpx.get(each, trust_env=False).status_code == 200 for each in ready), 90)
    return platform


@pytest.fixture(scope="module")
def catalogue(hub: RunningHub) -> Iterator[Catalogue]:
    with Catalogue.open(hub.folder / "jobs.sqlite3") as catalogue:
        yield catalogue


@pytest.fixture
def share(hub: RunningHub, catalogue: Catalogue) -> str:
    """A recording whose job was cancelled, for Vera; its page says so."""
    with JobTable.open(hub.folder / "jobs.sqlite3") as table:
        made = table.submit(JobRequest(notebook="separate", parameters={"source": "/gone.wav"}, owner="rosa"))
        job = table.cancel(made.id).id
    return catalogue.shares.create("rosa", "recording", {"job": job}, title="The interview", users=["vera"]).id


@pytest.fixture
def vera(hub: RunningHub, page: Page) -> Page:
    """Her browser, signed in; whatever it complains of is collected."""
    form = page.context.request.get(f"{hub.url}hub/oauth_login", params={"next": "/hub/home"})
    page.context.request.post(form.url, form={"name": "vera", "role": "viewer"})
    return page


def open_page(hub: RunningHub, page: Page, name: str, share: str) -> None:
    page.goto(hub.url + PAGES[name].format(share), timeout=LONG_MS)
    expect(page.get_by_role("heading", name="The interview")).to_be_visible(timeout=LONG_MS)


@pytest.mark.parametrize("name", list(PAGES))
def test_what_changes_is_seen_and_what_is_revoked_is_gone(
    hub: RunningHub, catalogue: Catalogue, vera: Page, share: str, name: str
) -> None:
    elsewhere: list[str] = []
    vera.on("request", lambda request: elsewhere.append(request.url))
    before = _refusals(hub, name)
    open_page(hub, vera, name, share)
    vera.wait_for_timeout(4000)  # whether it lives was asked once
    assert _refusals(hub, name) == before  # who looks at what is theirs is not in the way of who does not
    catalogue.shares.change("rosa", share, {"title": "The second interview"})
    expect(vera.get_by_role("heading", name="The second interview")).to_be_visible(timeout=20_000)
    catalogue.shares.revoke("rosa", share)
    expect(vera.get_by_role("alert")).to_contain_text("was revoked", timeout=20_000)
    expect(vera.get_by_role("heading", name="The second interview")).to_have_count(0)
    assert [url for url in elsewhere if not url.startswith((hub.url, "data:", "blob:"))] == []


def test_a_page_whose_kernel_is_killed_says_so_and_comes_again(hub: RunningHub, vera: Page, share: str) -> None:
    open_page(hub, vera, "voila", share)
    kernel = vera.evaluate("JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId")
    [process] = [each for each in hub.processes() if any(kernel in name for name in _sockets(each))]
    vera.evaluate("window.before = true")
    said = vera.locator("#speaksep-word")
    with vera.expect_navigation(timeout=LONG_MS, wait_until="commit"):
        process.kill()
        expect(said).to_contain_text("starts it again", timeout=20_000)
    expect(vera.get_by_role("heading", name="The interview")).to_be_visible(timeout=LONG_MS)
    assert not vera.evaluate("window.before === true")
    expect(said).to_be_hidden()


@pytest.mark.parametrize("name", list(PAGES))
def test_a_page_whose_service_is_killed_says_so_and_comes_again(
    hub: RunningHub, vera: Page, share: str, name: str
) -> None:
    open_page(hub, vera, name, share)
    vera.evaluate("window.before = true")
    killed = hub.kill(name)
    said = vera.locator("#speaksep-word")
    # Which of the two depends on how soon the supervisor has started it again.
    expect(said).to_contain_text(re.compile("does not answer|has ended"), timeout=20_000)
    hub.again(name, killed, pause=lambda seconds: vera.wait_for_timeout(1000 * seconds))
    vera.wait_for_function("window.before === undefined", timeout=LONG_MS)
    expect(vera.get_by_role("heading", name="The interview")).to_be_visible(timeout=LONG_MS)
    expect(said).to_be_hidden()


def _refusals(hub: RunningHub, service: str) -> list[object]:
    found = [each for each in entries(hub.folder / "audit") if each["service"] == service]
    return [each.get("path") for each in found if name_of(str(each["__schema__"])) == "refusal"]


def _sockets(process: psutil.Process) -> list[str]:
    try:
        return [str(each.laddr) for each in process.net_connections("unix")]
    except psutil.Error:
        return []
