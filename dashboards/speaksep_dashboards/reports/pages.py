"""Reports of pages: what a reader may see there, as a file to take away."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from speaksep_dashboards.batch.page import BatchPage
from speaksep_dashboards.collection.page import CollectionPage
from speaksep_dashboards.page import Page
from speaksep_dashboards.places import told
from speaksep_dashboards.recording.page import RecordingPage
from speaksep_dashboards.reports import collection, recording
from speaksep_dashboards.reports.excerpts import clock
from speaksep_dashboards.reports.values import Report, Section, Table, Words
from speaksep_dashboards.stored import with_sound
from speaksep_kernel.errors import InputError
from speaksep_kernel.results.values import Separation


def html_of(page: Page) -> str:
    """The report of a page as one HTML file; errors as of `report_of_page`."""
    return report_of_page(page).html()


def pdf_of(page: Page) -> bytes:
    """The report of a page as PDF; errors as of `report_of_page`."""
    return report_of_page(page).pdf()


def report_of_page(page: Page) -> Report:
    """What a page shows, as a report. Sound is in it where the reader may download.

    Parameters
    ----------
    page
        Of a recording, a collection, a batch or a comparison.

    Raises
    ------
    InputError
        Reason ``no-report``: pages of other kinds change by the second. Those of the page itself.
    """
    match page:
        case RecordingPage():
            made = _recording(page)
        case CollectionPage() | BatchPage():
            made = collection.of_rows(page.title, [_row(row) for row in page.rows()])
        case _ if page.kind == "compare":
            made = _comparison(page)
        case _:
            raise InputError(
                f"there are no reports of {page.kind}", reason="no-report", hint="look at the page: it goes on changing"
            )
    return _with_comments(made, page.data().get("comments") or [])


def _recording(page: RecordingPage) -> Report:
    found, diagnosis = page.found, page.diagnosis
    if page.separation is not None:
        separation = Separation.open(with_sound(page.desk, found))
        return recording.of_separation(separation, sound=page.can()["download"], title=page.title)
    if diagnosis is not None:
        return recording.of_diagnosis(diagnosis, title=page.title)
    error = told((found.job.error or {}).get("error") or "")
    words = Words(error, "error", str(found.job.state)) if error else Words(f"Its job is {found.job.state}.")
    return Report(page.title, "Nothing to show yet", (), (Section("Where it stands", (words,)),), time.time())


def _comparison(page: Page) -> Report:
    from speaksep_dashboards.compare.page import ComparePage
    from speaksep_dashboards.reports.comparison import of_two

    return of_two(*cast(ComparePage, page).separations, sound=page.data()["can"]["download"], title=page.title)


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    """As `collection.of_rows` takes it: times as numbers, files without folders, unreadable results as such."""
    clean: dict[str, Any] = told(dict(row))
    if isinstance(clean.get("made_at"), str):
        clean["made_at"] = datetime.fromisoformat(clean["made_at"]).timestamp()
    if clean.get("state") == collection.DONE and clean.get("reason"):
        clean["state"] = "unreadable"
    return clean


def _with_comments(report: Report, comments: list[Mapping[str, Any]]) -> Report:
    if not comments:
        return report
    from dataclasses import replace

    rows = tuple(
        (
            str(each.get("reader") or "somebody"),
            clock(each["at_s"]) if each.get("at_s") is not None else "",
            str(each["text"]),
        )
        for each in comments
    )
    section = Section("Comments", (Table("As they were made", ("who", "at", "comment"), rows),))
    return replace(report, sections=(*report.sections, section))
