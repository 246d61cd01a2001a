"""The collection in a real browser: filters, figures brushed together, the table, light and dark, phone, keyboard."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from speaksep_kernel.jobs.queue import JobTable
from tests.dashboards.front_process import Front, running_front, token_of
from tests.dashboards.many_recordings import OWNER, many

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]
COUNT = int(os.environ.get("SPEAKSEP_RECORDINGS", "400"))
ODD = "=HYPERLINK(1) <img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A front over many recordings; one has a name that nobody should have given it."""
    results = many(tmp_path_factory.mktemp("many"), COUNT)
    with JobTable.open(results / "jobs.sqlite3") as table:
        last = table.jobs(owner=OWNER, limit=1)[0]
        table._transactions.run(
            lambda connection: connection.exec_driver_sql(
                "UPDATE jobs SET about = json_set(about, '$.name', ?) WHERE id = ?", (ODD, last.id)
            )
        )
    with running_front(tmp_path_factory.mktemp("front") / "kept", results) as front:
        yield front


@pytest.fixture
def shared(front: Front) -> str:
    """Address of Ada's collection as Vera sees it, who may save nothing."""
    return f"{front.url}share/{front.share(OWNER, 'collection', {'all': True}, title='Interviews', users=('vera',))}/"


@pytest.fixture
def viewer(page: Page) -> Page:
    """Vera's browser."""
    page.set_extra_http_headers({"Authorization": f"Bearer {token_of('vera')}"})
    return page


@pytest.fixture
def collection(viewer: Page, shared: str) -> Page:
    viewer.goto(shared)
    expect(viewer.locator(".plots.drawn")).to_be_visible()
    return viewer


def drag(page: Page, place: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    """From one point of a figure to another, in parts of its width and height."""
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    assert box is not None
    (x0, y0), (x1, y1) = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(x0, y0)
    page.mouse.down()
    page.mouse.move(x1, y1, steps=4)
    page.mouse.up()


def shown_in(page: Page) -> int:
    """How many recordings the table has."""
    found = re.search(r"of ([\d,]+)", page.locator(".where").inner_text())
    assert found is not None
    return int(found[1].replace(",", ""))


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found if each["impact"] in ("serious", "critical")
    ]


def test_everything_is_there_at_first_sight(collection: Page):
    expect(collection.get_by_role("heading", level=1)).to_have_text("Interviews")
    expect(collection.locator(".figures dd").first).to_have_text(f"{COUNT:,}")
    expect(collection.get_by_text("1 not separated yet; 2 failed (file-not-found 2)")).to_be_visible()
    expect(collection.locator("tbody tr")).to_have_count(25)
    expect(collection.locator(".worst li")).to_have_count(5)
    assert collection.evaluate("[...document.querySelectorAll('.plot')].length") == 6
    assert "alert" not in collection.evaluate("document.querySelector('.recordings').innerHTML")


def test_filters_narrow_table_totals_and_worst(collection: Page):
    collection.get_by_label("Name", exact=True).fill("interview 1")
    few = shown_in(collection)
    assert 0 < few < COUNT
    expect(collection.locator(".figures dd").first).to_have_text(f"{few:,} of {COUNT:,}")
    collection.get_by_label("Needs attention").select_option("warning or worse")
    fewer = shown_in(collection)
    assert 0 < fewer < few
    for cell in collection.locator("tbody td[data-column=severity]").all_inner_texts():
        assert cell.startswith(("warning:", "error:"))
    collection.get_by_role("button", name="Clear all filters").click()
    assert shown_in(collection) == COUNT


def test_a_range_holds_for_every_row(collection: Page):
    collection.locator("summary", has_text="Ranges").click()
    collection.get_by_label("Overlap, least, in %").fill("30")
    collection.get_by_label("Speakers, most", exact=True).fill("3")
    overlaps = collection.locator("tbody td[data-column=overlap_ratio]").all_inner_texts()
    assert 0 < len(overlaps) == min(25, shown_in(collection))
    assert min(int(text.split()[0]) for text in overlaps) >= 30
    assert set(collection.locator("tbody td[data-column=speakers]").all_inner_texts()) <= {"2", "3"}


def test_days_hold_as_a_brush_over_time_does(collection: Page):
    collection.locator("summary", has_text="Ranges").click()
    collection.get_by_label("Separated, first day").fill("2026-01-01")
    collection.get_by_label("Separated, last day").fill("2026-02-15")
    collection.get_by_label("rows").select_option("100")
    days = collection.locator("tbody td[data-column=made_at]").all_inner_texts()
    assert 0 < len(days) == min(100, shown_in(collection))
    assert "2026-01-01" <= min(days) <= max(days) <= "2026-02-15"


def test_what_fits_nothing_is_said(collection: Page):
    collection.get_by_label("Name", exact=True).fill("no such name")
    expect(collection.locator(".where")).to_have_text("None fits.")
    expect(collection.locator(".worst li")).to_have_text("None.")


def test_brushing_one_figure_narrows_everything(collection: Page):
    before = collection.locator(".plot.small p").first.inner_text()
    drag(collection, collection.locator(".plot.large .place").first, (0.2, 0.1), (0.55, 0.7))
    brushed = shown_in(collection)
    assert 0 < brushed < COUNT
    expect(collection.get_by_text(f"{brushed} brushed.")).to_be_visible()
    expect(collection.locator(".figures dd").first).to_have_text(f"{brushed} of {COUNT}")
    assert collection.locator(".plot.small p").first.inner_text() != before
    collection.get_by_role("button", name="Show all again").click()
    assert shown_in(collection) == COUNT


def test_brushing_a_distribution_takes_a_range(collection: Page):
    collection.get_by_label("rows").select_option("100")
    quality = collection.locator(".plot.small").nth(3)
    drag(collection, quality.locator(".place"), (0.55, 0.2), (0.75, 0.6))
    values = [float(text.split()[0]) for text in collection.locator("tbody td[data-column=mos]").all_inner_texts()]
    assert len(values) > 0
    assert max(values) - min(values) < 1.2
    drag(collection, collection.locator(".plot.large .place").nth(1), (0.2, 0.05), (0.9, 0.85))
    assert shown_in(collection) != len(values)


def test_the_table_sorts_and_turns_pages_by_keyboard(collection: Page):
    head = collection.get_by_role("columnheader", name="Length")
    head.get_by_role("button").focus()
    collection.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    first = collection.locator("tbody tr").first.inner_text()
    collection.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "descending")
    assert collection.locator("tbody tr").first.inner_text() != first
    collection.get_by_role("button", name="Next page").focus()
    collection.keyboard.press("Enter")
    expect(collection.locator(".where")).to_have_text(re.compile("^26 to 50 of"))
    expect(collection.get_by_role("button", name="Next page")).to_be_focused()


def test_why_is_told_below_the_row_even_where_the_result_is_gone(collection: Page):
    why = collection.locator("button.pill").first
    why.click()
    expect(why).to_have_attribute("aria-expanded", "true")
    expect(collection.locator("td.why")).to_contain_text("not kept any more")
    why.click()
    expect(collection.locator("td.why")).to_have_count(0)


def test_a_name_leads_to_the_recording_within_the_share(collection: Page, shared: str):
    link = collection.locator("tbody th a").first
    assert re.fullmatch(r"recording/[0-9a-f]{16}/", link.get_attribute("href") or "")
    link.click()
    collection.wait_for_url(f"{shared}recording/*/")
    expect(collection.locator("main")).to_contain_text("not kept any more")
    assert "Traceback" not in collection.locator("body").inner_text()


def test_who_may_not_save_is_not_offered_to(collection: Page):
    expect(collection.get_by_role("button", name="Save these recordings")).to_be_hidden()


def test_the_owner_saves_what_is_shown(page: Page, front: Front, tmp_path: Path):
    page.set_extra_http_headers({"Authorization": f"Bearer {token_of(OWNER)}"})
    page.goto(f"{front.url}mine/collection/all/")
    page.get_by_label("Name", exact=True).fill("hyperlink")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save these recordings").click()
    assert saved.value.suggested_filename == "All recordings.csv"
    saved.value.save_as(tmp_path / "saved.csv")
    with (tmp_path / "saved.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["name"] == f"'{ODD}"
    assert float(row["sound_s"]) > 0


def test_another_recording_appears_by_itself_and_filters_stay(collection: Page, front: Front):
    collection.get_by_label("Needs attention").select_option("error")
    errors = shown_in(collection)
    link = collection.locator("tbody th a").last
    focused = collection.locator("tbody").get_by_role("link", name=link.inner_text(), exact=True)
    link.focus()
    with JobTable.open(front.environment["SPEAKSEP_JOBS"]) as table:
        bad = next(
            job for job in table.jobs(owner=OWNER) if job.result and job.result["measures"]["severity"] == "error"
        )
        job = table.claim("a test", lease_s=60)  # the one that waits
        assert job is not None
        table.succeed(job.id, job.attempt, bad.result)
    expect(collection.locator(".figures dd").first).to_have_text(f"{errors + 1} of {COUNT + 1}", timeout=20_000)
    assert shown_in(collection) == errors + 1
    expect(focused).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1440, 900), (390, 844)], ids=["desktop", "phone"])
def test_it_is_accessible_and_nothing_is_cut_off(
    browser: Browser, front: Front, shared: str, scheme: str, size: tuple[int, int]
):
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,  # type: ignore[arg-type]  # one of its words
        has_touch=size[0] < 500,
        is_mobile=size[0] < 500,
        extra_http_headers={"Authorization": f"Bearer {token_of('vera')}"},
    )
    page = context.new_page()
    page.goto(shared)
    expect(page.locator(".plots.drawn")).to_be_visible(timeout=30_000)
    page.locator("summary", has_text="Ranges").click()
    page.locator("button.pill").first.click()
    expect(page.locator("td.why")).to_contain_text("kept")
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    context.close()


def test_under_a_finger_brushing_is_asked_for(browser: Browser, shared: str):
    headers = {"Authorization": f"Bearer {token_of('vera')}"}
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, extra_http_headers=headers
    )
    page = context.new_page()
    page.goto(shared)
    expect(page.locator(".plots.drawn")).to_be_visible(timeout=30_000)
    place = page.locator(".plot.large .place").first
    drag(page, place, (0.2, 0.1), (0.8, 0.7))
    expect(page.locator(".bar.brush")).to_be_hidden()
    page.get_by_role("button", name="Brush by dragging").click()
    drag(page, place, (0.2, 0.1), (0.8, 0.7))
    expect(page.locator(".bar.brush")).to_be_visible()
    context.close()


SHOWN = """
from pathlib import Path
from speaksep_dashboards.desk import Desk
from speaksep_dashboards.opening import open_page
from speaksep_dashboards.page import Reader
from speaksep_dashboards.view import view
from speaksep_kernel.catalogue.catalogue import Catalogue
from speaksep_kernel.catalogue.share import own
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.store.store import Store
database = {database!r}
desk = Desk(JobTable.open(database), Catalogue.open(database), Store.open({store!r}))
page = open_page(own({owner!r}, "collection", "all"), Reader({owner!r}), desk)
widget = view(page, address="/services/dashboards/mine/collection/all/")
"""


@pytest.fixture(scope="module")
def shown(front: Front) -> str:
    """Cell that makes the widget."""
    return SHOWN.format(database=str(front.folder / "jobs.sqlite3"), store=str(front.folder / "store"), owner=OWNER)


def works_alike(page: Page) -> None:
    """What a page with a kernel must do as the front's does."""
    expect(page.locator(".plots.drawn")).to_be_visible(timeout=120_000)
    whole = shown_in(page)
    link = page.locator("tbody th a").first.get_attribute("href") or ""
    assert re.fullmatch("/services/dashboards/mine/collection/all/recording/[0-9a-f]{16}/", link)
    drag(page, page.locator(".plot.large .place").first, (0.2, 0.1), (0.55, 0.7))
    assert 0 < shown_in(page) < whole
    page.locator("button.pill").first.click()
    expect(page.locator("td.why")).to_contain_text("not kept any more")


def test_it_works_in_voila_without_a_front(in_voila: Callable[[str], Page], notebook: Callable[..., str], shown: str):
    works_alike(in_voila(notebook("collection", f"{shown}\nwidget")))


@pytest.fixture(scope="module")
def application(
    shown: str, tmp_path_factory: pytest.TempPathFactory, serve: Callable[..., Iterator[str]]
) -> Iterator[str]:
    """Address of a Panel application with the same."""
    folder = tmp_path_factory.mktemp("panel")
    panel = (
        "import panel\nfrom speaksep_widgets.panel import in_panel\npanel.extension()\nin_panel(widget).servable()\n"
    )
    (folder / "app.py").write_text(shown + panel)
    yield from serve(folder, "/app", "panel", "serve", "app.py", "--address=127.0.0.1")


def test_it_works_in_panel_on_panels_own_bokeh(application: str, page: Page):
    page.goto(application)
    works_alike(page)
    assert page.evaluate("document.querySelectorAll('script[src^=blob]').length") == 0


def test_no_figure_is_a_stop_of_the_keyboard(collection: Page):
    deep = """() => {
      const below = (element) => [element, ...(element.shadowRoot ? inside(element.shadowRoot) : [])];
      const inside = (root) => [...root.querySelectorAll("*")].flatMap(below);
      return [...document.querySelectorAll(".place")].flatMap(inside).filter((e) => e.tabIndex >= 0).length;
    }"""
    assert collection.evaluate(deep) == 0
