"""A page as a widget, in Jupyter and in Panel; and pages of results that lie in a store elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from speaksep_dashboards.bundle import css, esm
from speaksep_dashboards.desk import Desk
from speaksep_dashboards.page import Reader
from speaksep_dashboards.recording.page import RecordingPage
from speaksep_dashboards.view import View, view
from speaksep_kernel.catalogue.share import own
from speaksep_kernel.store import keys
from speaksep_kernel.store.store import Store
from speaksep_widgets.panel import in_panel
from tests.dashboards.stored_results import OWNER, StoredResults, desk_at, request


@pytest.fixture
def page(desk: StoredResults) -> RecordingPage:
    """The quick separation's."""
    return RecordingPage(own(OWNER, "recording", desk.fast.id), Reader(OWNER), desk.desk)


def asked(widget: View, **question: Any) -> tuple[dict[str, Any], list[bytes]]:
    """What the browser would hear."""
    heard: list[Any] = []
    widget.also_send(lambda content, buffers: heard.append((content, list(buffers))))
    widget._asked(None, {"id": 7, **question}, [])
    return heard[-1]


def test_a_widget_has_the_page_and_its_script(page: RecordingPage) -> None:
    widget = view(page)
    assert widget.data["title"] == "meeting.wav"
    assert (widget._esm, widget._css) == (esm("recording"), css("recording"))


def test_a_widget_asks_its_page(page: RecordingPage) -> None:
    content, buffers = asked(view(page), ask="sound", lanes=["mixture"], start_s=0, stop_s=1)
    assert content == {"id": 7, "ok": True}
    assert [len(buffer) for buffer in buffers] == [32000]


@pytest.mark.parametrize("ask", ["edit", "shown", "refresh", "__init__"])
def test_a_widget_answers_nothing_that_its_page_does_not(page: RecordingPage, ask: str) -> None:
    content, _ = asked(view(page), ask=ask)
    assert (content["ok"], content["reason"]) == (False, "unknown-ask")


def test_a_widget_is_refreshed_when_the_page_has_changed(desk: StoredResults, tmp_path: Path) -> None:
    mine = desk_at(tmp_path)
    job = mine.jobs.submit(request(mine, "separate", {}, "live.wav"))
    widget = view(RecordingPage(own(OWNER, "recording", job.id), Reader(OWNER), mine))
    assert widget.refresh() is False
    mine.jobs.cancel(job.id)
    assert widget.refresh() is True
    assert widget.data["job"]["state"] == "cancelled"
    mine.close()


def test_panel_shows_the_same(page: RecordingPage) -> None:
    component: Any = in_panel(view(page))
    assert component.data["title"] == "meeting.wav"
    assert component._esm == esm("recording")


def test_a_result_in_a_store_elsewhere_is_the_same_page(
    desk: StoredResults, page: RecordingPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPEAKSEP_STORE_CACHE", str(tmp_path / "copies"))
    store = Store.open("memory://results-of-tests/store")
    key = keys.result(OWNER, "elsewhere")
    store.put_tree(Path(desk.fast.output), key)
    mine = desk_at(tmp_path)
    job = mine.jobs.submit(request(mine, "separate", {}, "meeting.wav"))
    claimed = mine.jobs.claim("a test", lease_s=60)
    assert claimed is not None
    mine.jobs.succeed(job.id, claimed.attempt, {"directory": store.address(key)})
    there = Desk(mine.jobs, mine.catalogue, store)
    other = RecordingPage(own(OWNER, "recording", job.id), Reader(OWNER), there)
    same = ("speakers", "turns", "overlaps", "snapshot", "diagnosis", "lanes")
    assert {name: other.data()[name] for name in same} == {name: page.data()[name] for name in same}
    question = {"ask": "sound", "lanes": ["speaker_3"], "start_s": 9, "stop_s": 10}
    assert other.answer(question) == page.answer(question)
    assert set(other.files()) == set(page.files())
    mine.close()
