"""The site is built without a warning; every link, anchor and picture in it is there; nothing comes from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.pages import ROOT

PAGES = sorted(path.name for path in (ROOT / "docs").glob("*.md"))
LOADED = {"img": "src", "script": "src", "link": "href", "source": "srcset"}


class Page(HTMLParser):
    """What a page refers to, and what may be referred to in it."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.nameless: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.anchors |= {str(told[name]) for name in ("id", "name") if told.get(name)}
        self.links += [str(told["href"])] if tag == "a" and told.get("href") else []
        self.loaded += [str(told[LOADED[tag]])] if tag in LOADED and told.get(LOADED[tag]) else []
        self.nameless += [str(told.get("src"))] if tag == "img" and not told.get("alt") else []


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, as ``make docs`` builds it."""
    place = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(place)],
        cwd=ROOT,
        env=os.environ | {"PYTHONWARNINGS": "default", "DISABLE_MKDOCS_2_WARNING": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr, done.stderr
    return place


@cache
def read(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text("utf-8"))
    return page


def inside(page: Path, addresses: list[str]) -> Iterator[tuple[Path, str]]:
    """Files and anchors that addresses on a page lead to, those of other hosts left out."""
    for address in addresses:
        parts = urlsplit(address)
        if not parts.scheme:
            yield (page.parent / unquote(parts.path)).resolve() if parts.path else page, parts.fragment


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name: str, site: Path) -> None:
    page = site / f"{Path(name).stem}.html"
    gone = [
        f"{target.name}#{anchor}"
        for target, anchor in inside(page, read(page).links)
        if not target.exists() or (anchor and target.suffix == ".html" and anchor not in read(target).anchors)
    ]
    assert gone == []


@pytest.mark.parametrize("name", PAGES)
def test_every_picture_is_there_and_says_what_it_shows(name: str, site: Path) -> None:
    page = read(site / f"{Path(name).stem}.html")
    assert [str(path) for path, _ in inside(site / name, page.loaded) if not path.is_file()] == []
    assert page.nameless == []


def test_nothing_comes_from_elsewhere(site: Path) -> None:
    pages = [read(path) for path in site.rglob("*.html")]
    assert [address for page in pages for address in page.loaded if urlsplit(address).netloc] == []


def test_anchors_are_the_same_on_other_readers_of_markdown() -> None:
    """Headings become anchors by the same rule elsewhere, so links work in the repository, too."""
    wrong = []
    for name in PAGES:
        text = (ROOT / "docs" / name).read_text("utf-8")
        for page, anchor in re.findall(r"\]\(([\w./-]*)#([\w-]+)\)", text):
            headings = re.findall(r"^#+ (.+)$", (ROOT / "docs" / (page or name)).read_text("utf-8"), re.MULTILINE)
            known = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            wrong += [] if anchor in known else [f"{name}: {page}#{anchor}"]
    assert wrong == []


def test_pictures_are_all_used() -> None:
    texts = "".join(path.read_text("utf-8") for path in [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"])
    assert [path.name for path in (ROOT / "docs" / "images").iterdir() if path.name not in texts] == []


def test_the_readme_leads_to_what_is_there() -> None:
    text = (ROOT / "README.md").read_text("utf-8") + (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    places = re.findall(r"\]\(([^)#]+)", text) + re.findall(r"(?:src|srcset)=\"([^\"]+)\"", text)
    assert [place for place in places if "://" not in place and not (ROOT / place).exists()] == []
