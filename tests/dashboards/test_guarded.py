"""Pages that live longer than a request: they end with the right to see them, and follow what changes until then."""

from __future__ import annotations

import threading
import time

import pytest

from speaksep_dashboards import guarded
from speaksep_dashboards.address import Address
from speaksep_dashboards.guarded import GuardedPage
from speaksep_dashboards.page import Reader
from speaksep_dashboards.shown import explained, follow, widget_of
from speaksep_kernel.catalogue.share import Share
from speaksep_kernel.errors import InputError, SpeakSepError
from tests.dashboards.stored_results import OWNER, StoredResults

VERA = Reader("vera")


@pytest.fixture(autouse=True)
def _always_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded, "CHECK_S", 0.0)


@pytest.fixture
def share(desk: StoredResults) -> Share:
    return desk.desk.catalogue.shares.create(OWNER, "recording", {"job": desk.fast.id}, users=["vera"])


@pytest.fixture
def page(desk: StoredResults, share: Share) -> GuardedPage:
    return GuardedPage(Address("recording", share=share.id), VERA, desk.desk)


def test_a_revoked_share_answers_nothing_any_more(desk: StoredResults, share: Share, page: GuardedPage) -> None:
    assert page.data()["kind"] == "recording"
    desk.desk.catalogue.shares.revoke(OWNER, share.id)
    for ask in (page.version, page.data, page.files, lambda: page.answer({"ask": "peaks"})):
        with pytest.raises(InputError) as caught:
            ask()
        assert caught.value.reason == "revoked-share"


def test_what_may_be_saved_changes_while_the_page_is_open(desk: StoredResults, share: Share, page: GuardedPage) -> None:
    assert not page.data()["can"]["download"]
    desk.desk.catalogue.shares.change(OWNER, share.id, {"download": True})
    assert page.data()["can"]["download"]


def test_a_widget_follows_its_page_until_the_share_is_revoked(
    desk: StoredResults, share: Share, page: GuardedPage
) -> None:
    widget, told, over = widget_of(page, "/services/dashboards/"), list[SpeakSepError](), threading.Event()
    end = follow(widget, lambda error: (told.append(error), over.set()), every_s=0.02)
    desk.desk.catalogue.shares.change(OWNER, share.id, {"title": "Der Tag danach"})
    deadline = time.monotonic() + 10
    while widget.data["title"] != "Der Tag danach":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    desk.desk.catalogue.shares.revoke(OWNER, share.id)
    assert over.wait(10)
    end()
    widget.close()
    assert [error.reason for error in told] == ["revoked-share"]
    assert widget.address == f"/services/dashboards/share/{share.id}/"


def test_why_there_is_nothing_to_see_is_said_in_words() -> None:
    said = explained(InputError("no <b>such</b> share", reason="unknown-share", hint="ask for it"))
    assert "No &lt;b&gt;such&lt;/b&gt; share." in said
    assert "<p>Ask for it.</p>" in said
