"""A batch in a browser: it follows its jobs, names what failed, and is found through by keyboard."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from speaksep_dashboards.batch.page import BatchPage
from speaksep_dashboards.desk import Desk
from speaksep_dashboards.page import Reader
from speaksep_kernel.catalogue.share import Share
from speaksep_kernel.jobs.job import Job
from tests.dashboards.batches_made import ask, begin, fail, finish, succeed, table_desk
from tests.dashboards.page_server import serving
from tests.dashboards.stored_results import OWNER
from tests.e2e.seen import eventually, faults_seen

pytestmark = pytest.mark.timeout(300)
SHARE = Share(id="b" * 32, owner=OWNER, kind="batch", what={"batch": "may"})


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with table_desk(tmp_path) as desk:
        yield desk


@pytest.fixture
def running(desk: Desk) -> Job:
    """Thirty jobs: three done, one failed, this one runs."""
    ask(desk, 30)
    for _ in range(3):
        succeed(desk)
    fail(desk, "no file at '/srv/talk 3.wav' <b>bold</b>", "file-not-found")
    job = begin(desk)
    desk.jobs.report(job.id, job.attempt, 0.25, "separate", "separate 25 %")
    return job


@pytest.fixture
def batch(desk: Desk, running: Job, page: Page) -> Iterator[Page]:
    """The page of the batch as vera has it open."""
    with serving(batch=BatchPage(SHARE, Reader("vera"), desk)) as server:
        page.goto(f"{server.url}/batch/")
        expect(page.get_by_role("heading", level=1)).to_have_text("Talks of May")
        yield page
        page.goto("about:blank")


def test_it_follows_its_jobs_by_itself(batch: Page, desk: Desk, running: Job) -> None:
    progress = batch.get_by_role("progressbar", name="Progress of talk 4.wav")
    expect(progress).to_have_attribute("value", "0.25")
    batch.evaluate("window.untouched = true")
    desk.jobs.report(running.id, running.attempt, 0.75, "separate", "separate 75 %")
    expect(progress).to_have_attribute("value", "0.75")
    finish(desk, running, {"cached": None, "device": "CPU"})
    expect(batch.get_by_role("img", name=re.compile("Jobs: 4 done, 25 waiting, 1 failed"))).to_be_visible()
    expect(progress).to_have_count(0)
    assert batch.evaluate("window.untouched")


def test_a_failure_is_told_with_its_notebook(batch: Page) -> None:
    failed = batch.get_by_role("region", name="What failed")
    expect(failed.get_by_role("listitem")).to_contain_text("talk 3.wav no file at 'talk 3.wav' <b>bold</b>")
    expect(failed.get_by_role("link", name="Executed notebook of talk 3.wav")).to_have_attribute(
        "href", re.compile(r"^documents/[0-9a-f]{16}\.html$")
    )


def test_all_recordings_are_found_by_keyboard(batch: Page) -> None:
    table = batch.get_by_role("region", name="Recordings of this batch").get_by_role("row")
    expect(table).to_have_count(26)
    batch.get_by_role("button", name="Later recordings").focus()
    batch.keyboard.press("Enter")
    expect(table).to_have_count(6)
    expect(batch.get_by_text("26 to 30 of 30")).to_be_visible()
    batch.get_by_label("Only recordings with this in their name").fill("talk 1")
    expect(table).to_have_count(12)
    batch.get_by_label("Only in this state").select_option("succeeded")
    expect(batch.get_by_text("1 to 1 of 1", exact=True)).to_be_visible()
    expect(batch.get_by_role("link", name="talk 1.wav")).to_have_attribute("href", re.compile(r"^recording/\w{16}/$"))


def test_everybody_can_read_it(batch: Page) -> None:
    assert faults_seen(batch) == []


def test_a_comment_whose_answer_is_lost_is_there_once(batch: Page, desk: Desk) -> None:
    said, shown = desk.catalogue.remarks, BatchPage(SHARE, Reader("vera"), desk)
    posted: list[str] = []

    def lost(route: Route) -> None:
        posted.append(route.request.post_data or "")
        shown.answer(json.loads(posted[-1]))  # it arrives; nobody hears that it did
        route.abort()

    def tell_all(route: Route) -> None:
        posted.append(route.request.post_data or "")
        route.continue_()

    batch.route("**/batch/ask", lost)
    batch.get_by_label("Your comment").fill("Talk 1 hums")
    batch.keyboard.press("Control+Enter")
    expect(batch.get_by_text("1 not confirmed yet")).to_be_visible()
    assert [each.text for each in said.comments(SHARE)] == ["Talk 1 hums"]
    batch.unroute("**/batch/ask")
    batch.route("**/batch/ask", tell_all)
    batch.reload()  # the page that wrote it is gone, too
    expect(batch.get_by_text("Talk 1 hums")).to_be_visible()
    expect(batch.get_by_text("not confirmed yet")).to_have_count(0)
    assert [each.text for each in said.comments(SHARE)] == ["Talk 1 hums"]
    assert len(posted) > 1
    assert len(set(posted)) == 1
    batch.get_by_role("button", name="Remove the comment “Talk 1 hums”").click()
    expect(batch.get_by_role("heading", name="Comments (0)")).to_be_visible()
    assert eventually(batch, lambda: batch.evaluate("Object.keys(localStorage)") == [])
    assert said.comments(SHARE) == []


def test_a_comment_that_is_refused_is_given_back(batch: Page) -> None:
    told = '{"ok": false, "error": "this share has expired", "reason": "expired-share", "hint": "ask for another"}'
    batch.route("**/batch/ask", lambda route: route.fulfill(status=410, content_type="application/json", body=told))
    batch.get_by_label("Your comment").fill("Too late")
    batch.get_by_role("button", name="Comment", exact=True).click()
    expect(batch.get_by_text("this share has expired — ask for another")).to_be_visible()
    expect(batch.get_by_label("Your comment")).to_have_value("Too late")
    assert batch.evaluate("Object.keys(localStorage)") == []
