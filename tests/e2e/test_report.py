"""A report in a real browser, from a file: seen, heard, printed, with nothing asked for outside of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

import speaksep_dashboards
from speaksep_kernel.testing import conversation, known_separation

NAMES = {1: "<img src=x onerror=alert(1)>", 2: "Grace"}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of two people who talk over each other."""
    folder = tmp_path_factory.mktemp("report")
    talk = conversation(20.0, speakers=2, overlap=0.3, seed=3)
    known_separation(talk, folder / "out", names=NAMES)
    speaksep_dashboards.report(folder / "out", to=folder / "talk.html")
    return folder / "talk.html"


@pytest.fixture
def opened(page: Page, report: Path) -> Page:
    """It in a browser."""
    page.goto(report.as_uri())
    return page


def test_its_sound_plays_and_its_figures_are_drawn(opened: Page) -> None:
    seconds = opened.evaluate(
        """async () => {
          const sounds = [...document.querySelectorAll("audio")];
          await Promise.all(sounds.map((each) => each.readyState || new Promise((ready) => {
            each.addEventListener("loadedmetadata", ready);
            each.load();
          })));
          await sounds[1].play();
          await new Promise((later) => setTimeout(later, 500));
          return [...sounds.map((each) => Math.round(each.duration)), sounds[1].currentTime > 0.1];
        }"""
    )
    assert seconds == [8, 8, 8, True]
    assert opened.evaluate("[...document.images].map((each) => each.complete && each.naturalWidth > 100)") == [True] * 2


def test_names_are_never_markup(opened: Page) -> None:
    assert opened.locator("img").count() == 2
    assert opened.get_by_text(NAMES[1]).count() > 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_everybody_can_read_it(opened: Page, scheme: str, width: int) -> None:
    opened.set_viewport_size({"width": width, "height": 844})
    opened.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    assert Axe().run(opened).response["violations"] == []


def test_it_prints_without_controls(opened: Page, tmp_path: Path) -> None:
    opened.pdf(path=tmp_path / "printed.pdf", prefer_css_page_size=True)
    assert (tmp_path / "printed.pdf").stat().st_size > 20_000
    opened.emulate_media(media="print", color_scheme="dark")
    assert opened.evaluate("getComputedStyle(document.querySelector('.sound')).display") == "none"
    assert opened.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
