"""The recording view in a real browser: seen, heard, worked by keyboard, followed while it changes."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from speaksep_dashboards.page import Reader
from speaksep_dashboards.recording.page import RecordingPage
from speaksep_kernel.catalogue.share import own
from speaksep_kernel.jobs.job import Job
from tests.dashboards.conftest import desk  # noqa: F401  # a fixture
from tests.dashboards.page_server import PageServer, serving
from tests.dashboards.stored_results import OWNER, StoredResults, desk_at, request

pytestmark = pytest.mark.timeout(300)

JOBS = ("fast", "cleaned", "diagnosed", "silent", "failed", "waiting")
LISTEN = """
window.played = [];
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (when, offset, length) {
  const samples = this.buffer.getChannelData(0);
  window.played.push(Math.max(...samples.slice(0, 16000).map(Math.abs)));
  return start.call(this, when, offset, length);
};
"""


def shown(results: StoredResults, job: Job, *, download: bool = True) -> RecordingPage:
    """A page of the owner's."""
    share = replace(own(OWNER, "recording", job.id), download=download)
    return RecordingPage(share, Reader(OWNER), results.desk)


@pytest.fixture(scope="module")
def server(desk: StoredResults) -> Iterator[PageServer]:  # noqa: F811
    """A page for each of the stored jobs."""
    with serving(**{name: shown(desk, getattr(desk, name)) for name in JOBS}) as running:
        yield running


@pytest.fixture
def opened(server: PageServer, page: Page) -> Callable[[str], Page]:
    """``opened("fast")`` has its page drawn."""

    def open_(name: str) -> Page:
        page.add_init_script(LISTEN)
        page.goto(f"{server.url}/{name}/")
        expect(page.locator(".card").first).to_be_visible()
        return page

    return open_


def colours(page: Page, canvas: str) -> int:
    """How many different colours are drawn."""
    found: int = page.locator(canvas).first.evaluate(
        """(canvas) => {
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return new Set(new Uint32Array(data.buffer)).size;
        }"""
    )
    return found


def test_who_spoke_when_is_there_at_once_and_drawn(opened: Callable[[str], Page]) -> None:
    page = opened("fast")
    expect(page.get_by_role("heading", level=1)).to_have_text("meeting.wav")
    for title in (
        "At a glance",
        "What was found",
        "Who spoke when",
        "Who speaks",
        "Who talks at once",
        "How it was made",
    ):
        expect(page.get_by_role("heading", name=title)).to_be_visible()
    expect(page.locator(".rows .lane")).to_have_count(5)
    page.wait_for_function("() => document.querySelector('.rows canvas').width > 100")
    page.wait_for_timeout(200)
    assert colours(page, ".rows .lane:nth-child(2) canvas") > 2
    expect(page.locator(".rows canvas").nth(1)).to_have_attribute(
        "aria-label", re.compile(r"^Speaker 1, 0:00\.0 to 0:14\.0: \d of \d turns, loudest -\d+ dBFS at 0:\d\d\.\d$")
    )


def test_each_speaker_is_heard_alone(opened: Callable[[str], Page]) -> None:
    page = opened("fast")
    page.get_by_role("button", name="Hear only Speaker 2 (S)").click()
    expect(page.get_by_role("button", name="Hear Speaker 2, too")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Hear Speaker 1, too")).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".player .word")).to_have_text("Heard: Speaker 2")
    page.get_by_role("button", name="Play or pause (Space)").click()
    page.wait_for_function("() => window.played.length >= 2")
    page.wait_for_function("() => document.querySelector('.time').textContent > '0:00.3'")


def test_a_finding_and_a_pair_play_their_stretch(opened: Callable[[str], Page]) -> None:
    page = opened("fast")
    page.locator("button.heat").first.click()
    page.wait_for_function("() => window.played.length >= 1")
    selected = page.locator(".ruler")
    expect(selected).to_be_visible()
    page.get_by_role("button", name="Play or pause (Space)").click()
    at = page.locator(".time").inner_text()
    assert not at.startswith("0:00.0")


def test_before_and_after_cleaning_are_heard(opened: Callable[[str], Page]) -> None:
    page = opened("cleaned")
    page.get_by_role("button", name="Hear the recording after cleaning").click()
    page.wait_for_function("() => window.played.length >= 1")
    expect(page.get_by_role("button", name="Hear after cleaning", exact=True)).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Hear the recording before cleaning").click()
    expect(page.get_by_role("button", name="Hear the recording", exact=True)).to_have_attribute("aria-pressed", "true")
    row = page.get_by_role("row").filter(has_text="Noise floor").first
    expect(row).to_contain_text("dBFS")


def test_everything_is_worked_by_keyboard(opened: Callable[[str], Page]) -> None:
    page = opened("fast")
    page.locator(".player").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".lane.current .title")).to_have_text("Speaker 2")
    page.keyboard.press("s")
    expect(page.locator(".player .word")).to_have_text("Heard: Speaker 2")
    page.keyboard.press("b")
    expect(page.locator(".player .word")).to_have_text("Heard: The recording")
    page.keyboard.press("b")
    expect(page.locator(".player .word")).to_have_text("Heard: Speaker 2")
    page.keyboard.press(".")
    assert page.locator(".time").inner_text() > "0:00.0"
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_contain_text("Hear only this lane")
    page.keyboard.press("Escape")


def test_a_spectrogram_is_fetched_when_it_is_wanted(opened: Callable[[str], Page]) -> None:
    page = opened("fast")
    with page.expect_response(lambda answer: "tile" in answer.url):
        page.get_by_label("Spectrogram", exact=True).select_option("mel")
    page.wait_for_timeout(500)
    assert colours(page, ".spectrogram") > 20


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("silent", "Nobody speaks in this recording", id="nobody speaks"),
        pytest.param("failed", "no file at 'gone.wav'", id="it failed"),
        pytest.param("waiting", "Waiting for its turn", id="it waits"),
        pytest.param("diagnosed", "What was found", id="a diagnosis"),
    ],
)
def test_what_is_no_separation_is_a_page_that_explains(opened: Callable[[str], Page], name: str, words: str) -> None:
    page = opened(name)
    expect(page.get_by_text(words).first).to_be_visible()


def test_files_are_offered_only_where_they_may_be_had(
    desk: StoredResults,  # noqa: F811
    opened: Callable[[str], Page],
    server: PageServer,
) -> None:
    page = opened("fast")
    expect(page.get_by_role("link", name="speaker_1.flac")).to_have_attribute("href", "files/speaker_1.flac")
    server.pages["closed"] = shown(desk, desk.fast, download=False)
    page = opened("closed")
    expect(page.get_by_role("heading", name="Files to save")).to_have_count(0)


def test_a_page_follows_its_job_to_the_end(
    desk: StoredResults,  # noqa: F811
    opened: Callable[[str], Page],
    server: PageServer,
    tmp_path: Path,
) -> None:
    mine = desk_at(tmp_path)
    job = mine.jobs.submit(request(mine, "separate", {}, "live.wav"))
    server.pages["live"] = shown(replace(desk, desk=mine), job)
    page = opened("live")
    expect(page.get_by_text("Waiting for its turn")).to_be_visible()
    claimed = mine.jobs.claim("a test", lease_s=60)
    assert claimed is not None
    mine.jobs.report(job.id, claimed.attempt, 0.42, "separate")
    expect(page.get_by_text("42 % done: separate.")).to_be_visible()
    shutil.copytree(Path(desk.fast.output) / "tracks", Path(job.output) / "tracks")
    mine.jobs.succeed(job.id, claimed.attempt, {"directory": job.output})
    expect(page.locator(".rows .lane")).to_have_count(5)
    del server.pages["live"]
    mine.close()


def test_a_comment_has_its_time_and_the_way_back_to_it(opened: Callable[[str], Page]) -> None:
    page = opened("fast")
    page.locator(".player").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.get_by_label("Your comment").fill("Who is <b>this</b>?")
    page.locator(".comments input[type=checkbox]").check()
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.locator(".comments li p")).to_have_text("Who is <b>this</b>?")
    page.locator(".player").focus()
    page.keyboard.press("Home")
    page.get_by_role("button", name="Go to 0:03.0").click()
    expect(page.locator(".time")).to_contain_text("0:03.0 /")
    page.get_by_role("button", name=re.compile("^Remove the comment")).click()
    expect(page.locator(".comments li")).to_have_count(0)


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [
        ("cleaned", 390, "dark"),
        ("cleaned", 1440, "light"),
        ("diagnosed", 390, "light"),
        ("silent", 1440, "dark"),
        ("failed", 390, "light"),
        ("waiting", 1440, "dark"),
    ],
)
def test_on_a_phone_and_on_a_desk_nothing_is_cut_and_axe_is_content(
    browser: Browser, server: PageServer, name: str, width: int, scheme: Any
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{server.url}/{name}/")
    expect(page.locator(".card").first).to_be_visible()
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page).response["violations"]
    of_the_frame = ("landmark-one-main", "region")  # which is the front's
    assert [each["id"] for each in found if each["id"] not in of_the_frame] == []
    context.close()
