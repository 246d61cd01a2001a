"""Every view as a viewer sees it, behind a running hub: on a desk and on a phone, by day and by night, by keyboard."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from speaksep_kernel.jobs.queue import JobTable
from tests.e2e.viewer_scene import DESKTOP, PHONE, VIEWER, Scene
from tests.hub.running import RunningHub

pytestmark = [pytest.mark.timeout(600), pytest.mark.slow]

SAYS = {
    "recording": "Who spoke when",
    "collection": "Recordings",
    "batch": "What failed",
    "compare": "Listen blind and vote",
}
"""A heading of each view."""
DRAWN_MS = 60_000
MOST_TABS = 400
STEP = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  if (!at.dataset.walked) at.dataset.walked = String(document.querySelectorAll("[data-walked]").length + 1);
  const look = getComputedStyle(at);
  const seen = look.outlineStyle !== "none" && parseFloat(look.outlineWidth) > 0;
  return { number: at.dataset.walked, seen, words: `${at.tagName} ${at.id} ${(at.textContent || "").slice(0, 30)}` };
}"""
LEFT = """() => [...document.querySelectorAll(
  "a[href], button, input, select, textarea, summary, [tabindex='0']")].filter((each) =>
    !each.disabled && !each.dataset.walked && each.checkVisibility({ visibilityProperty: true })
    && !(each.type === "radio" && document.querySelector(`[name="${each.name}"][data-walked]`)))
  .map((each) => each.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def hub(platform: RunningHub) -> RunningHub:
    return platform


def sign_in(context: BrowserContext, hub: RunningHub, name: str, role: str) -> None:
    """As the form of the sign-in page does."""
    form = context.request.get(f"{hub.url}hub/oauth_login", params={"next": "/hub/home"})
    home = context.request.post(form.url, form={"name": name, "role": role})
    assert home.ok, home.text()[:2000]


@pytest.fixture
def vera(hub: RunningHub, page: Page) -> Page:
    """Her browser, signed in."""
    sign_in(page.context, hub, VIEWER, "viewer")
    return page


def look_at(page: Page, hub: RunningHub, scene: Scene, kind: str) -> None:
    """Open what was shared, and wait until it is drawn."""
    page.goto(f"{hub.url}services/dashboards/share/{scene.shares[kind]}/")
    expect(page.get_by_role("heading", name=SAYS[kind]).first).to_be_visible(timeout=DRAWN_MS)
    expect(page.locator("#view")).not_to_have_attribute("aria-busy", "true", timeout=DRAWN_MS)


@pytest.mark.parametrize("kind", list(SAYS))
def test_each_view_is_drawn_and_accessible_on_any_screen(kind: str, hub: RunningHub, scene: Scene, vera: Page) -> None:
    look_at(vera, hub, scene, kind)
    found = {}
    for screen, size in (("desktop", DESKTOP), ("phone", PHONE)):
        for scheme in ("light", "dark"):
            vera.set_viewport_size(size)
            vera.emulate_media(color_scheme=scheme)
            vera.wait_for_timeout(300)
            assert vera.evaluate("document.documentElement.scrollWidth") <= size["width"], (screen, scheme)
            violations = Axe().run(vera).response["violations"]
            found |= {(screen, scheme, each["id"]): each["nodes"][0]["html"][:200] for each in violations}
    assert found == {}


@pytest.mark.parametrize("service", ["Voila", "Panel"])
@pytest.mark.parametrize("kind", list(SAYS))
def test_each_view_goes_on_with_a_kernel_or_a_session(
    kind: str, service: str, hub: RunningHub, scene: Scene, vera: Page
) -> None:
    look_at(vera, hub, scene, kind)
    vera.get_by_role("link", name=f"Explore in {service}").click()
    vera.wait_for_url(f"**/services/{service.lower()}/**", timeout=DRAWN_MS)
    expect(vera.get_by_role("heading", name=SAYS[kind]).first).to_be_visible(timeout=DRAWN_MS)
    vera.set_viewport_size(PHONE)
    vera.wait_for_timeout(300)
    assert vera.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    # The frames are Voila's and Panel's own.
    violations = Axe().run(vera).response["violations"]
    assert [each for each in violations if each["impact"] in ("serious", "critical")] == []


@pytest.mark.parametrize("kind", list(SAYS))
def test_each_view_is_used_by_keyboard(kind: str, hub: RunningHub, scene: Scene, vera: Page) -> None:
    look_at(vera, hub, scene, kind)
    walk = []
    for _ in range(MOST_TABS):
        vera.keyboard.press("Tab")
        walk.append(vera.evaluate(STEP))
        if walk[-1] is None:
            break
    assert walk[-1] is None  # the focus comes out at the end of the page
    assert [step["words"] for step in walk[:-1] if not step["seen"]] == []
    assert vera.evaluate(LEFT) == []


def test_what_is_not_hers_is_a_page_that_explains(hub: RunningHub, scene: Scene, vera: Page) -> None:
    place = f"{hub.url}services/dashboards/"
    for path, status in (
        (f"share/{scene.foreign}/", 404),
        (f"share/{'0' * 32}/", 404),
        ("operations/", 403),
        ("mine/collection/all/", 403),
        ("link/nonsense", 404),
    ):
        answer = vera.goto(place + path)
        assert answer is not None
        assert answer.status == status
        assert "Traceback" not in vera.content()
        assert vera.locator("h1, h2").count() > 0
        assert Axe().run(vera).response["violations"] == []


def test_a_view_follows_what_happens_meanwhile(hub: RunningHub, scene: Scene, vera: Page) -> None:
    look_at(vera, hub, scene, "batch")
    expect(vera.get_by_text("window 9 of 20")).to_be_visible()
    vera.evaluate("document.body.dataset.same = 'page'")
    with JobTable.open(hub.folder / "jobs.sqlite3") as table:
        table.report(scene.running.id, scene.running.attempt, 0.9, "separate", "window 18 of 20")
        expect(vera.get_by_text("window 18 of 20")).to_be_visible(timeout=15_000)
    assert vera.evaluate("document.body.dataset.same") == "page"


def test_a_report_is_taken_away(hub: RunningHub, scene: Scene, vera: Page, tmp_path: Path) -> None:
    look_at(vera, hub, scene, "recording")
    with vera.expect_download(timeout=DRAWN_MS) as saved:
        vera.get_by_role("link", name="Report", exact=True).click()
    saved.value.save_as(tmp_path / "report.html")
    pdf = vera.request.get(f"{hub.url}services/dashboards/share/{scene.shares['recording']}/report.pdf")
    assert pdf.body().startswith(b"%PDF-")
    vera.goto((tmp_path / "report.html").as_uri())
    expect(vera.get_by_role("heading", name="Listen")).to_be_visible()
    vera.evaluate("document.querySelector('audio').play()")
    vera.wait_for_timeout(700)
    assert vera.evaluate("document.querySelector('audio').currentTime") > 0.2


def test_nothing_of_the_platform_talks_to_another_machine(hub: RunningHub, scene: Scene, vera: Page) -> None:
    look_at(vera, hub, scene, "collection")
    elsewhere = {
        f"{process.name()} to {connection.raddr.ip}"
        for process in hub.processes()
        for connection in process.net_connections(kind="inet")
        if connection.raddr and not re.match(r"127\.|::1$|::ffff:127\.", connection.raddr.ip)
    }
    assert elsewhere == set()


def test_an_administrator_sees_how_the_platform_does(hub: RunningHub, page: Page) -> None:
    sign_in(page.context, hub, "root", "admin")
    page.goto(f"{hub.url}services/dashboards/operations/")
    expect(page.get_by_role("heading", name="Operations")).to_be_visible(timeout=DRAWN_MS)
    for size in (DESKTOP, PHONE):
        for scheme in ("light", "dark"):
            page.set_viewport_size(size)
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(300)
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
            assert Axe().run(page).response["violations"] == []
