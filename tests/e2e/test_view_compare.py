"""Listening blind in a browser: what is heard, what is voted, what is told when."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Request, Route, expect

from speaksep_dashboards.compare.page import ComparePage
from speaksep_dashboards.desk import Desk
from speaksep_dashboards.page import Reader
from speaksep_kernel.catalogue.share import Share
from speaksep_kernel.testing import known_separation
from tests.dashboards.page_server import PageServer, serving
from tests.dashboards.stored_results import OWNER, desk_at, finished
from tests.dashboards.test_compare import TALK, noisy
from tests.e2e.seen import eventually, faults_seen

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = desk_at(tmp_path_factory.mktemp("pair"))
    for talk in (TALK, noisy(TALK)):
        finished(desk, "separate", lambda place, talk=talk: known_separation(talk, place / "tracks"), {}, "talk.wav")
    yield desk
    desk.close()


@pytest.fixture
def share(desk: Desk, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Share:
    """One of this test alone."""
    monkeypatch.setenv("SPEAKSEP_DASHBOARDS", str(tmp_path))
    a, b = desk.jobs.jobs(owner=OWNER)
    return Share(id=request.node.name[:32], owner=OWNER, kind="compare", what={"a": a.id, "b": b.id}, users=("vera",))


@pytest.fixture
def server(desk: Desk, share: Share) -> Iterator[PageServer]:
    """The comparison as vera, as its owner, and as whoever has the link sees it."""
    pages = {name: ComparePage(share, Reader(name), desk) for name in ("vera", OWNER)}
    with serving(**pages, anybody=ComparePage(share, Reader(""), desk)) as server:
        yield server


@pytest.fixture
def vera(server: PageServer, page: Page) -> Iterator[Page]:
    page.goto(f"{server.url}/vera/")
    expect(page.get_by_text("You voted on 0.")).to_be_visible()
    yield page
    page.goto("about:blank")


def test_heard_and_voted_by_keyboard_then_told(vera: Page, desk: Desk, share: Share) -> None:
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.extend(parse_qs(urlsplit(request.url).query).get("q", []))

    vera.on("request", note)
    vera.get_by_role("group", name="Blind listening").focus()
    vera.keyboard.press("x")
    expect(vera.get_by_role("button", name="Hear X")).to_have_attribute("aria-pressed", "true")
    expect(vera.get_by_role("progressbar", name="Position in the excerpt")).not_to_have_attribute("value", "0")
    vera.keyboard.press("y")
    expect(vera.get_by_role("button", name="Hear Y")).to_have_attribute("aria-pressed", "true")
    lanes = {lane for question in asked for lane in json.loads(question).get("lanes", [])}
    assert lanes == {"x", "y", "mixture"}  # all three, so that going over makes no gap
    vera.keyboard.press("Space")
    expect(vera.get_by_role("button", name="Hear Y")).to_have_attribute("aria-pressed", "false")

    count = int(re.findall(r"of (\d)", vera.locator(".where").inner_text())[0])
    for voted in range(1, count + 1):
        vera.keyboard.press("1")
        expect(vera.get_by_text(f"You voted on {voted}.")).to_be_visible()
    vera.keyboard.press("p")
    vera.keyboard.press("3")  # one changes one's mind
    expect(vera.get_by_role("button", name="Y is better")).to_have_attribute("aria-pressed", "true")
    assert vera.get_by_role("region", name="Scores").count() == 0
    vera.get_by_role("button", name=re.compile("Show which is which")).click()
    expect(vera.get_by_role("region", name="The two")).to_contain_text("known 1")
    expect(vera.get_by_role("region", name="Votes")).not_to_contain_text("Everybody")
    expect(vera.get_by_role("table", name="Scores by speaker")).to_contain_text("dB", timeout=240_000)
    expect(vera.get_by_role("button", name=re.compile(r"Hear X \([AB]\)"))).to_be_visible()
    expect(vera.get_by_role("button", name="X is better")).to_be_disabled()
    votes = [each for each in desk.catalogue.remarks.votes(share) if each.item != "*"]
    assert len(votes) == count
    assert {each.reader for each in votes} == {"vera"}
    assert faults_seen(vera) == []


def test_a_vote_whose_answer_is_lost_counts_once(vera: Page, desk: Desk, share: Share) -> None:
    shown = ComparePage(share, Reader("vera"), desk)

    def lost(route: Route) -> None:
        shown.answer(json.loads(route.request.post_data or ""))  # it arrives; nobody hears that it did
        route.abort()

    vera.route("**/vera/ask", lost)
    vera.get_by_role("button", name="X is better").click()
    expect(vera.get_by_text("You voted on 1.")).to_be_visible()
    vera.unroute("**/vera/ask")
    vera.reload()
    expect(vera.get_by_text("You voted on 1.")).to_be_visible()
    expect(vera.get_by_text("not confirmed yet")).to_have_count(0)
    assert eventually(vera, lambda: vera.evaluate("Object.keys(localStorage)") == [])
    (vote,) = desk.catalogue.remarks.votes(share)
    assert (vote.reader, vote.choice in ("a", "b")) == ("vera", True)


def test_whoever_wants_it_shown_early_is_asked(vera: Page, desk: Desk, share: Share) -> None:
    assert faults_seen(vera) == []
    vera.get_by_role("button", name=re.compile("Show which is which")).click()
    vera.get_by_role("button", name="Go on listening").click()
    assert desk.catalogue.remarks.votes(share) == []
    vera.get_by_role("button", name=re.compile("Show which is which")).click()
    expect(vera.get_by_role("dialog")).to_contain_text("have no vote of yours yet")
    vera.get_by_role("button", name="Show it").click()
    expect(vera.get_by_role("region", name="The two")).to_be_visible()
    expect(vera.get_by_text("You have not voted.")).to_be_visible()


def test_the_owner_sees_the_votes_of_all(server: PageServer, page: Page, desk: Desk, share: Share) -> None:
    vera, owner = (ComparePage(share, Reader(name), desk) for name in ("vera", OWNER))
    for k, item in enumerate(vera.data()["items"]):
        vera.answer({"ask": "vote", "item": item["id"], "choice": "x", "key": str(k)})
    owner.answer({"ask": "show", "key": "show"})
    page.goto(f"{server.url}/{OWNER}/")
    expect(page.get_by_role("heading", name="Everybody's: 1 reader")).to_be_visible()
    expect(page.get_by_role("table", name="Votes by excerpt")).to_be_visible()
    page.goto("about:blank")


def test_whoever_has_only_the_link_is_told_to_sign_in(server: PageServer, page: Page) -> None:
    page.goto(f"{server.url}/anybody/")
    expect(page.get_by_text("Votes are by name")).to_be_visible()
    expect(page.get_by_role("button", name="X is better")).to_have_count(0)
    expect(page.get_by_role("region", name="The two")).to_be_visible()
    page.goto("about:blank")
