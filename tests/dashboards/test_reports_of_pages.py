"""Reports of pages: what a reader may see there and hear, and nothing else."""

from __future__ import annotations

import pytest

from speaksep_dashboards.opening import open_page
from speaksep_dashboards.page import Page, Reader
from speaksep_dashboards.reports import html_of, pdf_of
from speaksep_kernel.catalogue.share import Share, own
from speaksep_kernel.errors import InputError
from tests.dashboards.reading import told
from tests.dashboards.stored_results import OWNER, StoredResults


def look(desk: StoredResults, kind: str, which: str, reader: str = OWNER) -> Page:
    """The owner's things as somebody sees them."""
    return open_page(own(OWNER, kind, which), Reader(reader), desk.desk)


@pytest.mark.parametrize(
    ("name", "says", "sounds"),
    [
        ("fast", "Who spoke when", 4),
        ("cleaned", "What cleaning changed", 4),
        ("diagnosed", "Who spoke how much", 0),
        ("silent", "Nobody speaks in this recording", 0),
        ("failed", "no file at 'gone.wav'", 0),
        ("waiting", "Its job is queued", 0),
    ],
)
def test_a_recording(desk: StoredResults, name: str, says: str, sounds: int) -> None:
    report = told(html_of(look(desk, "recording", getattr(desk, name).id)))
    assert says in report.text
    assert bool(report.sounds) == bool(sounds)
    assert str(desk.folder) not in report.text


def test_without_download_there_is_nothing_to_hear(desk: StoredResults) -> None:
    share = Share(owner=OWNER, kind="recording", what={"job": desk.fast.id}, download=False)
    report = told(html_of(open_page(share, Reader("vera"), desk.desk)))
    assert report.sounds == {}
    assert len(report.pictures) == 2


def test_a_collection_tells_all_and_failures(desk: StoredResults) -> None:
    page = look(desk, "collection", "all")
    report = told(html_of(page))
    assert {"What did not work", "What was found", "All recordings"} <= set(report.headings)
    assert report.row("file-not-found")[0] == "1"
    assert str(desk.folder) not in report.text
    assert pdf_of(page).startswith(b"%PDF-")


def test_a_comparison_stays_blind(desk: StoredResults) -> None:
    page = look(desk, "compare", f"{desk.fast.id}..{desk.cleaned.id}")
    with pytest.raises(InputError) as refused:
        html_of(page)
    assert refused.value.reason == "still-blind"


def test_operations_have_none(desk: StoredResults) -> None:
    share = Share(owner=OWNER, kind="operations", what={})
    with pytest.raises(InputError) as refused:
        html_of(open_page(share, Reader(OWNER, admin=True), desk.desk))
    assert refused.value.reason == "no-report"
