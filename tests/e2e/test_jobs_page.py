"""The page with my jobs, in a real browser: send, watch, listen, cancel, and a service that is away for a while."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile as sf
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.testing import conversation
from tests.hub.conftest import end_all_of
from tests.hub.service_process import ServiceProcess, end

pytestmark = [pytest.mark.timeout(600), pytest.mark.slow]
WORKER = "import sys; from speaksep_kernel.cli import main; sys.exit(main())"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service with a worker."""
    service = ServiceProcess(tmp_path_factory.mktemp("page")).start()
    worker = service.run("-c", WORKER, "jobs", "work", "--executor", "local", "--workers", "1")
    yield service
    end(worker, signal.SIGTERM)
    end_all_of(service)
    service.stop()


@pytest.fixture
def mine(page: Page, service: ServiceProcess) -> Page:
    """Ann's page, after she signed in."""
    page.goto(service.url)
    page.get_by_label("Token").fill(service.tokens["ann"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#who")).to_have_text("ann")
    return page


def files(tmp_path: Path) -> list[str]:
    """A recording of two people, and a page that calls itself one."""
    talk = conversation(6.0, speakers=2, overlap=0.2, seed=3)
    sf.write(tmp_path / "talk.wav", talk.audio, talk.rate_hz)
    (tmp_path / "page.wav").write_text("<html><script>alert(1)</script>")
    return [str(tmp_path / name) for name in ("talk.wav", "page.wav")]


def test_a_recording_is_sent_watched_and_heard(mine: Page, tmp_path: Path) -> None:
    expect(mine.get_by_text("Nothing yet")).to_be_visible()
    mine.get_by_label("People").fill("2")
    mine.get_by_label("Drop recordings here").set_input_files(files(tmp_path))
    expect(mine.locator("#sending")).to_contain_text("page.wav: is not audio that can be read")
    row = mine.locator("tr[data-job]")
    expect(row).to_contain_text("talk.wav")
    bar = mine.get_by_role("progressbar", name="Progress of talk.wav")
    expect(bar).to_be_visible(timeout=90_000)
    expect(row).to_have_attribute("data-state", "succeeded", timeout=240_000)
    row.get_by_role("button", name="Listen").click()
    expect(mine.locator(".track")).to_have_count(3)
    mine.evaluate("document.querySelector('.track audio').play()")
    mine.wait_for_timeout(700)
    assert mine.evaluate("document.querySelector('.track audio').currentTime") > 0.2
    mine.get_by_label("Format of speaker_2").select_option("mp3")
    with mine.expect_download() as saved:
        mine.locator(".track", has_text="speaker_2").get_by_role("link", name="Save").click()
    assert Path(saved.value.path()).stat().st_size > 1000
    assert saved.value.suggested_filename == "speaker_2.mp3"
    with mine.context.expect_page() as opened:
        row.get_by_role("link", name="Report").click()
    expect(opened.value.get_by_role("heading", name="Separate a recording")).to_be_visible()
    violations = Axe().run(mine).response["violations"]
    assert violations == []


def test_names_are_never_markup(mine: Page, service: ServiceProcess) -> None:
    name = "<img src=x onerror=alert(1)>"
    with JobTable.open(service.jobs) as table:
        table.submit(
            JobRequest(notebook="separate", owner="ann", batch="b0", about={"kind": "separation", "name": name})
        )
        job = table.claim("a test", lease_s=600, batch="b0")
        assert job is not None
        expect(mine.locator("td.name", has_text=name)).to_be_visible()
        table.report(job.id, 1, 0.5, "x", name)
        expect(mine.locator(f"tr[data-job='{job.id}']")).to_contain_text(name)
        table.fail(job.id, 1, {"error": name, "reason": "x", "hint": ""}, again=False)
        expect(mine.locator(f"tr[data-job='{job.id}'] .bad")).to_have_text(name)
    assert mine.locator("img").count() == 0


def test_a_job_is_cancelled_and_tried_again(mine: Page, service: ServiceProcess) -> None:
    with JobTable.open(service.jobs) as table:
        job = table.submit(JobRequest(notebook="separate", owner="ann", about={"name": "wait.wav"}, key="held"))
        table.claim("a test", lease_s=600)
        row = mine.locator(f"tr[data-job='{job.id}']")
        row.get_by_role("button", name="Cancel").click()
        expect(row).to_have_attribute("data-state", "cancelling")
        table.stopped(job.id, 1)
        expect(row).to_have_attribute("data-state", "cancelled")
        row.get_by_role("button", name="Try again").click()
        expect(row).not_to_have_attribute("data-state", "cancelled")


def test_the_page_goes_on_when_the_service_is_back(mine: Page, service: ServiceProcess) -> None:
    with JobTable.open(service.jobs) as table:
        service.kill()
        expect(mine.locator("#live")).to_contain_text("is away")
        job = table.submit(JobRequest(notebook="separate", owner="ann", batch="b1", about={"name": "meanwhile.wav"}))
        table.cancel(job.id)
        service.start()
        expect(mine.locator("#live")).to_be_empty(timeout=60_000)
        expect(mine.locator(f"tr[data-job='{job.id}']")).to_have_attribute("data-state", "cancelled")
        expect(mine.locator("td.name", has_text="meanwhile.wav")).to_have_count(1)


def test_who_may_not_sees_nothing(page: Page, service: ServiceProcess) -> None:
    page.goto(service.url)
    page.get_by_label("Token").fill(service.tokens["vera"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("body")).to_contain_text("may not do this here")
    assert page.locator("#jobs").count() == 0


def test_signing_out_is_real(mine: Page, service: ServiceProcess) -> None:
    mine.get_by_role("link", name="Sign out").click()
    expect(mine.get_by_label("Token")).to_be_visible()
    mine.goto(service.url)
    expect(mine.get_by_label("Token")).to_be_visible()


def test_the_documentation_is_drawn_from_files_of_the_service_alone(page: Page, service: ServiceProcess) -> None:
    page.goto(f"{service.url}docs")
    operation = page.locator(".opblock-summary-get").first
    expect(operation).to_be_visible()
    operation.click()
    expect(page.get_by_text("Responses", exact=True).first).to_be_visible()


def test_the_api_can_be_tried_in_its_documentation(mine: Page, service: ServiceProcess) -> None:
    mine.goto(f"{service.url}docs")
    operation = mine.locator("#operations-identity-identity-me")
    operation.locator(".opblock-summary").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table")).to_contain_text('"name": "ann"')
    writing = mine.locator("#operations-identity-identity-exchange-token")
    writing.locator(".opblock-summary").click()
    writing.get_by_role("button", name="Try it out").click()
    writing.get_by_role("button", name="Execute").click()
    # The page proved that it is one of ours; browsers are refused for another reason.
    expect(writing.locator(".live-responses-table")).to_contain_text("not-exchangeable")
