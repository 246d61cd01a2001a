"""Results of this machine's jobs as pages: the same ones that the dashboards show."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speaksep_hub.lab.clerk.local import table
from speaksep_kernel.errors import InputError

if TYPE_CHECKING:
    from speaksep_dashboards.desk import Desk
    from speaksep_dashboards.page import Page

KINDS = {"job": "recording", "batch": "batch"}
"""What a page is of, and how the dashboards call it."""


def page_data(_root: Path, *, of: str, name: str) -> dict[str, Any]:
    """What the view draws, and the stamp by which a later look knows that nothing changed.

    Raises
    ------
    InputError
        Reasons of `speaksep_dashboards.opening.open_page`.
    """
    page = _page(of, name)
    shown = page.data()
    # Nothing is said or changed here: that is for the dashboards, where others look, too.
    shown["can"] = dict.fromkeys(shown["can"], False)
    return {"stamp": shown["version"], "data": shown}


def page_ask(_root: Path, *, of: str, name: str, question: dict[str, Any]) -> tuple[dict[str, Any], tuple[bytes, ...]]:
    """Answer a question that changes nothing."""
    page = _page(of, name)
    if question.get("ask") not in page.reads:
        raise InputError("that is no question of this page", reason="unknown-ask", hint="reload the page")
    answer = page.answer(question)
    return {"ok": True, **answer.content}, answer.buffers


def report(_root: Path, *, name: str) -> tuple[dict[str, Any], tuple[bytes, ...]]:
    """The report of a finished job as a page that needs nothing else.

    Raises
    ------
    InputError
        Reason ``gone-result``, and those of `speaksep_dashboards.reports.report`.
    """
    from speaksep_dashboards.reports import report as make
    from speaksep_dashboards.stored import stored
    from speaksep_kernel.jobs.job import user_name

    desk = _desk()
    folder = stored(desk, user_name(), name).folder(desk.store)
    made = make(Path(desk.store.url, folder))
    with tempfile.TemporaryDirectory() as place:
        target = Path(place, "report.html")
        made.save(target)
        return {"title": made.title}, (target.read_bytes(),)


@cache
def _desk() -> Desk:
    from speaksep_dashboards.desk import STORE, Desk, FolderStore
    from speaksep_kernel.catalogue.catalogue import Catalogue

    folder = tempfile.mkdtemp(prefix="speaksep-lab-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Desk(table(), Catalogue.open(), FolderStore(Path(folder, STORE)))


@lru_cache(maxsize=64)
def _page(of: str, name: str) -> Page:
    from speaksep_dashboards.opening import open_page
    from speaksep_dashboards.page import Reader
    from speaksep_kernel.catalogue.share import Share
    from speaksep_kernel.jobs.job import user_name

    if of not in KINDS:
        raise InputError(f"no page of {of[:40]!r}", reason="unknown-view", hint="reload the page")
    share = Share(owner=user_name(), kind=KINDS[of], what={of: name})
    return open_page(share, Reader(user_name()), _desk())
