"""Comments on a page: once each, one's own to take back, the owner's to clear up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from speaksep_dashboards.batch.page import BatchPage
from speaksep_dashboards.desk import Desk
from speaksep_dashboards.page import Reader
from speaksep_dashboards.places import told, without_folders
from speaksep_kernel.catalogue.share import Share
from speaksep_kernel.errors import InputError
from tests.dashboards.batches_made import ask, table_desk
from tests.dashboards.stored_results import OWNER

SHARE = Share(id="c" * 32, owner=OWNER, kind="batch", what={"batch": "may"})


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with table_desk(tmp_path) as desk:
        ask(desk, 1)
        yield desk


def test_a_comment_that_is_sent_twice_is_there_once(desk: Desk) -> None:
    page = BatchPage(SHARE, Reader("vera"), desk)
    before = page.version()
    for _ in range(2):
        found = page.answer({"ask": "comment", "text": " too\nloud ", "at_s": 3.5, "key": "k"}).content["comments"]
    assert [(each["author"], each["text"], each["at_s"], each["removable"]) for each in found] == [
        ("vera", "too\nloud", 3.5, True)
    ]
    assert page.version() != before
    assert page.data()["comments"] == found


@pytest.mark.parametrize(
    ("reader", "may", "left"),
    [("vera", True, 0), (OWNER, True, 0), ("gus", False, 1), ("", False, 1)],
    ids=["who wrote it", "the owner", "another", "whoever has the link"],
)
def test_who_may_take_a_comment_back(desk: Desk, reader: str, may: bool, left: int) -> None:
    written = BatchPage(SHARE, Reader("vera"), desk).answer({"ask": "comment", "text": "hum", "key": "k"})
    (comment,) = written.content["comments"]
    page = BatchPage(SHARE, Reader(reader), desk)
    assert page.data()["comments"][0]["removable"] is may
    with suppress(InputError):
        page.answer({"ask": "uncomment", "comment": comment["id"], "key": "x"})
    assert len(page.comments()) == left


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"text": "   ", "key": "k"}, "bad-remark"),
        ({"text": "x" * 2001, "key": "k"}, "bad-remark"),
        ({"text": "x", "key": "k", "at_s": -1.0}, "bad-remark"),
        ({"text": "x", "key": ""}, "bad-remark"),
        ({"text": "x"}, "bad-question"),
        ({"text": ["x"], "key": "k"}, "bad-question"),
    ],
    ids=["blank", "too long", "before the recording", "no key", "key left out", "not text"],
)
def test_what_is_no_comment_is_refused(desk: Desk, fields: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError) as error:
        BatchPage(SHARE, Reader("vera"), desk).answer({"ask": "comment", **fields})
    assert error.value.reason == reason


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("cannot read '/srv/a b/c/talk.wav': gone", "cannot read 'talk.wav': gone"),
        ("/home/ann/x.py:12", "x.py:12"),
        ("~/talks/x.wav", "x.wav"),
        ("half a/b of it, 3/4/5, </b>", "half a/b of it, 3/4/5, </b>"),
        ("https://example.org/a/b/c", "https://example.org/a/b/c"),
        ("s3://bucket/named/ab/talk.wav is gone", "talk.wav is gone"),
    ],
    ids=["quoted", "traceback", "home", "no paths", "address", "remote store"],
)
def test_of_paths_only_names_are_left(text: str, plain: str) -> None:
    assert without_folders(text) == plain
    assert told({"text": [text], "image/png": text, "n": 1}) == {"text": [plain], "image/png": text, "n": 1}


def test_what_is_cached_for_one_reader_is_not_for_another(desk: Desk) -> None:
    versions = {BatchPage(SHARE, Reader(name), desk).version() for name in ("vera", "gus", OWNER, "")}
    assert len(versions) == 4
