"""Sharing on the page with my jobs, in a real browser: dialog, list, links; by mouse, by keyboard, on a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from speaksep_kernel.catalogue.catalogue import Catalogue
from speaksep_kernel.catalogue.share import Share
from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.queue import JobTable
from tests.hub.service_process import ServiceProcess

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]
DASHBOARDS = "https://speech.example.org/services/dashboards"
ODD = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service that knows of dashboards; two takes and a diagnosis of Ann's have succeeded, in two batches."""
    where = {"SPEAKSEP_HUB__DASHBOARDS__URL": DASHBOARDS}
    service = ServiceProcess(tmp_path_factory.mktemp("shares"), **where).start()
    with JobTable.open(service.jobs) as table:
        for number, (notebook, kind, name) in enumerate(
            (
                ("separate", "separation", "first.wav"),
                ("separate", "separation", ODD),
                ("diagnose", "diagnosis", "x.wav"),
            )
        ):
            about = {"kind": kind, "name": name}
            table.submit(JobRequest(notebook=notebook, owner="ann", batch=f"b{number % 2}", about=about))
            job = table.claim("a test", lease_s=60)
            assert job is not None
            table.succeed(job.id, 1, {"directory": "nowhere"})
    yield service
    service.stop()


@pytest.fixture
def catalogue(service: ServiceProcess) -> Iterator[Catalogue]:
    """Empty of shares, but for those of the test."""
    with Catalogue.open(service.jobs) as catalogue:
        for share in catalogue.shares.list("ann"):
            catalogue.shares.revoke("ann", share.id)
        yield catalogue


@pytest.fixture
def mine(page: Page, service: ServiceProcess, catalogue: Catalogue) -> Page:
    """Ann's page, after she signed in."""
    page.goto(service.url)
    page.get_by_label("Token").fill(service.tokens["ann"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("tr[data-job]")).to_have_count(3)
    return page


def newest(catalogue: Catalogue) -> Share:
    return catalogue.shares.list("ann")[0]


def accessible(page: Page) -> None:
    assert Axe().run(page).response["violations"] == []


def test_a_recording_is_shared_and_a_link_made(mine: Page, catalogue: Catalogue) -> None:
    expect(mine.get_by_text("Nothing. Share what has succeeded")).to_be_visible()
    mine.locator("tr[data-job]", has_text="first.wav").get_by_role("button", name="Share").click()
    dialog = mine.get_by_role("dialog", name="Share first.wav")
    expect(dialog.get_by_label("Called")).to_have_value("first.wav")
    dialog.get_by_label("People").fill("vera, viktor ;vera,")
    dialog.get_by_label("Groups").fill("editors")
    dialog.get_by_label("Until").select_option("for 7 days")
    dialog.get_by_label("they may save its files").check()
    dialog.get_by_label("make a link, too").check()
    accessible(mine)
    dialog.get_by_role("button", name="Share", exact=True).click()
    told = mine.get_by_role("dialog", name="Shared")
    link = told.get_by_label("Link")
    expect(link).to_be_visible()
    accessible(mine)
    share = newest(catalogue)
    assert (share.kind, share.title, share.users, share.groups) == (
        "recording", "first.wav", ("vera", "viktor"), ("editors",),
    )  # fmt: skip
    assert share.download
    assert share.expires_at is not None
    assert abs(share.expires_at - share.created_at - 7 * 86400) < 60
    address, _, token = link.input_value().rpartition("/")
    assert address == f"{DASHBOARDS}/link"
    assert catalogue.shares.follow(token).id == share.id
    told.get_by_role("button", name="Copy").click()
    expect(told.get_by_role("status")).not_to_be_empty()
    told.get_by_role("button", name="Done").click()
    expect(told).to_have_count(0)
    line = mine.locator("tr[data-share]")
    expect(line).to_contain_text("vera, viktor, all editors, by link")
    expect(line.get_by_role("link", name="first.wav")).to_have_attribute("href", f"{DASHBOARDS}/share/{share.id}/")
    accessible(mine)


def test_it_is_changed_its_links_end_and_it_ends(mine: Page, catalogue: Catalogue) -> None:
    share = catalogue.shares.create("ann", "collection", {"all": True}, title="May", users=["vera"])
    token = catalogue.shares.new_link("ann", share.id)
    mine.reload()
    line = mine.locator("tr[data-share]")
    line.get_by_role("button", name="Change: May").click()
    dialog = mine.get_by_role("dialog", name="Change what is shared")
    expect(dialog.get_by_label("Until")).to_have_value("")
    dialog.get_by_label("People").fill("vera, ulf")
    dialog.get_by_role("button", name="Save").click()
    expect(line).to_contain_text("ulf, vera, by link")
    assert catalogue.shares.get("ann", share.id).expires_at is None
    line.get_by_role("button", name="Links: May").click()
    links = mine.locator("tr.result")
    expect(links.get_by_role("listitem")).to_have_count(1)
    links.get_by_role("button", name="New link").click()
    made = mine.get_by_role("dialog", name="A new link")
    other = made.get_by_label("Link").input_value().rpartition("/")[2]
    made.get_by_role("button", name="Done").click()
    expect(links.get_by_role("listitem")).to_have_count(2)
    accessible(mine)
    links.get_by_role("button", name="End link").last.click()
    expect(links.get_by_role("listitem")).to_have_count(1)
    expect(links.get_by_role("button", name="End link")).to_be_focused()
    assert catalogue.shares.follow(other).id == share.id
    assert [link.state() for link in catalogue.shares.links.list("ann", share.id)] == ["open", "revoked"]
    assert token != other
    line.get_by_role("button", name="End: May").click()
    assert catalogue.shares.get("ann", share.id).state() == "open"
    line.get_by_role("button", name="End it? End: May").click()
    expect(line).to_have_count(0)
    expect(mine.get_by_role("button", name="Share all my recordings")).to_be_focused()
    assert catalogue.shares.get("ann", share.id).state() == "revoked"
    expect(mine.get_by_text("Nothing. Share what has succeeded")).to_be_visible()


def test_several_are_picked_shared_and_compared(mine: Page, catalogue: Catalogue) -> None:
    for box in mine.get_by_role("checkbox", name="Pick").all():
        box.check()
    bar = mine.locator("#picked")
    expect(bar).to_contain_text("3 picked")
    expect(bar.get_by_role("button", name="Have them compared")).to_have_count(0)
    bar.get_by_role("button", name="Share them").click()
    mine.get_by_role("dialog", name="Share 3 recordings").get_by_role("button", name="Share", exact=True).click()
    expect(mine.locator("tr[data-share]")).to_contain_text("nobody yet")
    assert len(newest(catalogue).what["jobs"]) == 3
    mine.get_by_role("checkbox", name="Pick x.wav").uncheck()
    bar.get_by_role("button", name="Have them compared").click()
    mine.get_by_role("dialog").get_by_role("button", name="Share", exact=True).click()
    expect(mine.locator("tr[data-share]")).to_have_count(2)
    assert set(newest(catalogue).what) == {"a", "b"}
    expect(mine.locator("tr[data-share]").first.get_by_role("link", name="Votes")).to_be_visible()
    bar.get_by_role("button", name="Pick none").click()
    expect(bar).to_be_hidden()
    expect(mine.get_by_role("checkbox", checked=True)).to_have_count(1)  # "separate them at once"


def test_what_is_shared_can_be_the_batch(mine: Page, catalogue: Catalogue) -> None:
    mine.locator("tr[data-job]", has_text="x.wav").get_by_role("button", name="Share").click()
    dialog = mine.get_by_role("dialog")
    dialog.get_by_label("all recordings of its batch").check()
    dialog.get_by_role("button", name="Share", exact=True).click()
    expect(mine.locator("tr[data-share]")).to_have_count(1)
    assert (newest(catalogue).kind, newest(catalogue).what) == ("collection", {"batch": "b0"})


@pytest.mark.parametrize(
    ("asked", "title", "what"),
    [
        ("collection/all", "all my recordings", {"all": True}),
        ("batch/b1", "batch b1", {"batch": "b1"}),
    ],
    ids=["everything", "a batch"],
)
def test_dashboards_send_their_readers_here_to_share(
    mine: Page, service: ServiceProcess, catalogue: Catalogue, asked: str, title: str, what: dict[str, object]
) -> None:
    mine.goto(f"{service.url}?share={asked}")
    dialog = mine.get_by_role("dialog", name=f"Share {title}")
    dialog.get_by_role("button", name="Share", exact=True).click()
    expect(mine.locator("tr[data-share]")).to_have_count(1)
    assert newest(catalogue).what == what
    mine.goto(f"{service.url}?share=javascript:alert(1)/x")
    expect(mine.locator("tr[data-share]")).to_have_count(1)
    assert mine.get_by_role("dialog").count() == 0


def test_it_works_by_keyboard_alone(mine: Page, catalogue: Catalogue) -> None:
    opener = mine.get_by_role("button", name="Share all my recordings")
    opener.focus()
    mine.keyboard.press("Enter")
    dialog = mine.get_by_role("dialog", name="Share all my recordings")
    expect(dialog.get_by_label("Called")).to_be_focused()
    mine.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(opener).to_be_focused()
    mine.keyboard.press("Enter")
    mine.keyboard.press("Tab")
    mine.keyboard.type("vera")
    mine.keyboard.press("Enter")
    expect(mine.locator("tr[data-share]")).to_contain_text("vera")
    assert newest(catalogue).what == {"all": True}
    expect(opener).to_be_focused()


def test_names_are_never_markup_and_refusals_are_said(mine: Page, catalogue: Catalogue) -> None:
    mine.locator("tr[data-job]", has_text=ODD).get_by_role("button", name="Share").click()
    dialog = mine.get_by_role("dialog", name=f"Share {ODD}")
    dialog.get_by_label("People").fill("x" * 300)
    dialog.get_by_role("button", name="Share", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("255")
    dialog.get_by_label("People").fill(ODD)
    dialog.get_by_role("button", name="Share", exact=True).click()
    expect(mine.locator("tr[data-share]")).to_contain_text(ODD)
    assert mine.locator("img").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_all_of_it(mine: Page, catalogue: Catalogue, scheme: str) -> None:
    catalogue.shares.create("ann", "compare", {"a": "j1", "b": "j2"}, title="Two takes", users=["vera"], groups=["ed"])
    mine.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    mine.set_viewport_size({"width": 390, "height": 844})
    mine.reload()
    mine.locator("tr[data-share]").get_by_role("button", name="Change").click()
    dialog = mine.get_by_role("dialog")
    box = dialog.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    accessible(mine)
    dialog.get_by_role("button", name="Cancel").click()
    assert mine.evaluate("document.documentElement.scrollWidth") <= 390
    accessible(mine)


def test_who_may_not_share_sees_nothing_of_it(page: Page, service: ServiceProcess) -> None:
    page.goto(service.url)
    page.get_by_label("Token").fill(service.tokens["bat"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#who")).to_have_text("bat")
    expect(page.locator("#sharing")).to_be_hidden()
