"""Pages of results in a real browser, behind the hub: they follow a job, outlive what is killed, and end in time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import soundfile as sf
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from speaksep_kernel.catalogue.catalogue import Catalogue
from speaksep_kernel.jobs.job import Job, JobRequest
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.store import keys
from speaksep_kernel.testing import conversation
from tests.hub.running import RunningHub, running_hub, until

pytestmark = [pytest.mark.timeout(600), pytest.mark.slow]
LONG_MS = 120_000


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """A platform with one job at a time; nothing is explored."""
    folder = tmp_path_factory.mktemp("platform") / "hub"
    with running_hub(folder, "--workers=1", SPEAKSEP_HUB__DASHBOARDS__INTERACTIVE="[]") as hub:
        yield hub


@pytest.fixture(scope="module")
def table(hub: RunningHub) -> Iterator[JobTable]:
    with JobTable.open(hub.folder / "jobs.sqlite3") as table:
        yield table


@pytest.fixture(scope="module")
def job(table: JobTable, hub: RunningHub, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A separation that was just asked for."""
    talk = conversation(8.0, speakers=2, overlap=0.2, seed=3)
    path = tmp_path_factory.mktemp("talk") / "talk.wav"
    sf.write(path, talk.audio, talk.rate_hz)
    asked = JobRequest(
        notebook="separate",
        parameters={"source": str(path)},
        output=str(hub.folder / "store" / keys.result("rosa", "talk")),
        owner="rosa",
        about={"kind": "separation", "name": "talk.wav"},
    )
    return table.submit(asked)


@pytest.fixture(scope="module")
def result(job: Job, table: JobTable) -> Job:
    """The same, when it is done."""
    until(lambda: table.get(job.id).finished, 240)
    return table.get(job.id)


@pytest.fixture
def as_somebody(hub: RunningHub, page: Page) -> Callable[[str, str], Page]:
    """``as_somebody("vera", "viewer")``: the page of a browser in which she signed in at the hub."""

    def sign_in(name: str, role: str) -> Page:
        with closing(hub.sign_in(name, role)) as client:
            for cookie in client.cookies.jar:
                place = {"domain": "127.0.0.1", "path": cookie.path}
                page.context.add_cookies([{"name": cookie.name, "value": str(cookie.value), **place}])
        return page

    return sign_in


def going_on(page: Page) -> Callable[[float], object]:
    """A pause in which the page goes on."""
    return lambda seconds: page.wait_for_timeout(1000 * seconds)


def test_a_page_follows_its_job_to_the_result(
    hub: RunningHub, job: Job, as_somebody: Callable[[str, str], Page]
) -> None:
    page = as_somebody("rosa", "researcher")
    page.goto(f"{hub.url}services/dashboards/mine/recording/{job.id}/")
    page.evaluate("window.untouched = true")
    expect(page.get_by_role("heading", name="Who spoke when")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text("Speaker 2").first).to_be_visible()
    assert page.evaluate("window.untouched")
    expect(page.locator("#connection")).to_be_empty()


def test_a_page_outlives_the_dashboards_and_loses_no_comment(
    hub: RunningHub, result: Job, as_somebody: Callable[[str, str], Page]
) -> None:
    with Catalogue.open(hub.folder / "jobs.sqlite3") as catalogue:
        share = catalogue.shares.create("rosa", "recording", {"job": result.id}, users=["vera"])
        page = as_somebody("vera", "viewer")
        page.goto(f"{hub.url}services/dashboards/share/{share.id}/")
        expect(page.get_by_role("heading", name="Who spoke when")).to_be_visible()
        killed = hub.kill("dashboards")
        expect(page.locator("#connection")).to_contain_text("is away")
        page.get_by_label("Your comment").fill("Said while nobody listened")
        page.get_by_role("button", name="Comment", exact=True).click()
        expect(page.get_by_text("not confirmed yet")).to_be_visible()
        hub.again("dashboards", killed, pause=going_on(page))
        expect(page.locator("#connection")).to_be_empty(timeout=LONG_MS)
        expect(page.get_by_text("not confirmed yet")).to_have_count(0, timeout=LONG_MS)
        assert [each.text for each in catalogue.remarks.comments(share)] == ["Said while nobody listened"]
        page.reload()
        expect(page.get_by_text("Said while nobody listened")).to_be_visible()

        catalogue.shares.revoke("rosa", share.id)
        expect(page.locator("#connection")).to_contain_text("was revoked", timeout=LONG_MS)


def test_a_page_outlives_the_hub_and_the_proxy(
    hub: RunningHub, result: Job, as_somebody: Callable[[str, str], Page]
) -> None:
    page = as_somebody("rosa", "researcher")
    page.goto(f"{hub.url}services/dashboards/mine/recording/{result.id}/")
    expect(page.get_by_role("heading", name="Who spoke when")).to_be_visible()
    for part in ("hub", "proxy"):
        killed = hub.kill(part)
        hub.again(part, killed, pause=going_on(page))
        expect(page.locator("#connection")).to_be_empty(timeout=LONG_MS)
    page.get_by_label("Your comment").fill("Still here")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.get_by_text("Still here")).to_be_visible()
    expect(page.get_by_text("not confirmed yet")).to_have_count(0, timeout=LONG_MS)


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
def test_the_first_page_is_for_everybody(
    hub: RunningHub, result: Job, as_somebody: Callable[[str, str], Page], width: int, scheme: str, tmp_path: Path
) -> None:
    page = as_somebody("rosa", "researcher")
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{hub.url}services/dashboards/")
    assert Axe().run(page).response["violations"] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("link", name="talk.wav").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Who spoke when")).to_be_visible()


def test_what_is_not_there_is_a_page_that_says_so(hub: RunningHub, as_somebody: Callable[[str, str], Page]) -> None:
    page = as_somebody("vera", "viewer")
    answer = page.goto(f"{hub.url}services/dashboards/share/{'0' * 32}/")
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("alert")).to_contain_text("No share")
    assert Axe().run(page).response["violations"] == []
