"""Votes and comments: each counts once, each belongs to what was seen."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from speaksep_kernel.catalogue import remarks as module
from speaksep_kernel.catalogue.catalogue import Catalogue
from speaksep_kernel.catalogue.remarks import LONGEST_COMMENT, Remarks
from speaksep_kernel.catalogue.share import Share, own
from speaksep_kernel.errors import SpeakSepError


@pytest.fixture
def catalogue(empty_place: str) -> Iterator[Catalogue]:
    with Catalogue.open(empty_place) as catalogue:
        yield catalogue


@pytest.fixture
def remarks(catalogue: Catalogue) -> Remarks:
    return catalogue.remarks


@pytest.fixture
def share(catalogue: Catalogue) -> Share:
    return catalogue.shares.create("ann", "compare", {"a": "j1", "b": "j2"})


def refused(what: Callable[[], object]) -> str:
    with pytest.raises(SpeakSepError) as error:
        what()
    assert error.value.hint
    return error.value.reason


def test_the_last_vote_of_a_person_counts(remarks: Remarks, share: Share) -> None:
    for reader, item, choice, key in (
        ("vera", "1", "a", "k1"),
        ("vera", "2", "b", "k2"),
        ("vik", "1", "a", "k1"),  # keys are each reader's own
        ("vera", "1", "b", "k3"),
    ):
        remarks.vote(share, reader, item, choice, key)
    assert remarks.tally(share) == {"1": {"a": 1, "b": 1}, "2": {"b": 1}}
    assert [(vote.reader, vote.item, vote.choice) for vote in remarks.votes(share)] == [
        ("vera", "2", "b"),
        ("vik", "1", "a"),
        ("vera", "1", "b"),
    ]


def test_what_is_sent_again_counts_once(remarks: Remarks, share: Share) -> None:
    first = remarks.vote(share, "vera", "1", "a", "k1")
    remarks.vote(share, "vera", "1", "b", "k2")
    assert remarks.vote(share, "vera", "1", "a", "k1") == first  # it was on its way for long
    assert remarks.tally(share) == {"1": {"b": 1}}
    written = remarks.comment(share, "vera", "Too quiet", 3.5, "k3")
    assert remarks.comment(share, "vera", "Too quiet", 3.5, "k3") == written
    remarks.remove_comment(share, "vera", written.id)
    remarks.comment(share, "vera", "Too quiet", 3.5, "k3")
    assert remarks.comments(share) == []
    assert refused(lambda: remarks.vote(share, "vera", "1", "a", "k3")) == "key-conflict"


def test_many_at_once_lose_nothing(remarks: Remarks, share: Share) -> None:
    def say(reader: str) -> None:
        for number in range(5):
            remarks.vote(share, reader, str(number), "a", f"k{number}")
            remarks.vote(share, reader, str(number), "a", f"k{number}")

    threads = [threading.Thread(target=say, args=(f"reader {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert remarks.tally(share) == {str(number): {"a": 4} for number in range(5)}


def test_whoever_has_the_link_votes_as_often_as_there_are_keys(remarks: Remarks, share: Share) -> None:
    for key in ("k1", "k2", "k1"):
        remarks.vote(share, "", "1", "a", key)
    assert remarks.tally(share) == {"1": {"a": 2}}


def test_remarks_belong_to_what_was_seen(remarks: Remarks, catalogue: Catalogue, share: Share) -> None:
    other = catalogue.shares.create("ann", "compare", {"a": "j1", "b": "j2"})
    inside = replace(share, kind="recording", what={"job": "j1"})
    mine, theirs = own("ann", "recording", "j1"), own("bob", "recording", "j1")
    for number, place in enumerate((share, other, inside, mine, theirs)):
        remarks.comment(place, place.owner, f"comment {number}", None, "k")
    assert [[each.text for each in remarks.comments(place)] for place in (share, other, inside, mine, theirs)] == [
        [f"comment {number}"] for number in range(5)
    ]
    assert [each.text for each in remarks.all_comments(share)] == ["comment 0", "comment 2"]
    assert [each.text for each in remarks.all_comments(mine)] == ["comment 3"]


def test_one_takes_back_ones_own_and_the_owner_anybodys(remarks: Remarks, catalogue: Catalogue, share: Share) -> None:
    first, second, third = (remarks.comment(share, reader, "…", None, "k").id for reader in ("vera", "vik", ""))
    for reader in ("vik", "", "VERA"):
        assert refused(lambda reader=reader: remarks.remove_comment(share, reader, first)) == "unknown-comment"
    assert refused(lambda: remarks.remove_comment(share, "", third)) == "unknown-comment"
    elsewhere = catalogue.shares.create("eve", "recording", {"job": "j1"})
    assert refused(lambda: remarks.remove_comment(elsewhere, "eve", first)) == "unknown-comment"
    remarks.remove_comment(share, "vera", first)
    remarks.remove_comment(share, "vera", first)
    for comment in (second, third):
        remarks.remove_comment(share, "ann", comment)
    assert remarks.comments(share) == []
    for nothing in (10**6, 0, -1, 1 << 63, 10**40):
        assert refused(lambda number=nothing: remarks.remove_comment(share, "ann", number)) == "unknown-comment"


def test_the_version_changes_with_everything_that_is_said(remarks: Remarks, share: Share) -> None:
    versions = [remarks.version(share)]
    comment = remarks.comment(share, "vera", "a", 0.0, "k1")
    versions.append(remarks.version(share))
    remarks.vote(share, "vera", "1", "a", "k2")
    versions.append(remarks.version(share))
    remarks.remove_comment(share, "vera", comment.id)
    versions.append(remarks.version(share))
    assert len(set(versions)) == 4
    remarks.vote(share, "vera", "1", "a", "k2")
    assert remarks.version(share) == versions[-1]


def test_text_is_kept_as_it_was_written(remarks: Remarks, share: Share) -> None:
    text = "<b>Zeile 1</b>\nline 2\t'; DROP TABLE remarks; -- 🎧"
    assert remarks.comment(share, "vera", f"  {text} ", 1e6, "k").text == text
    assert [(each.text, each.at_s) for each in remarks.comments(share)] == [(text, 1e6)]
    assert len(remarks.comment(share, "vera", "x" * LONGEST_COMMENT, None, "long").text) == LONGEST_COMMENT


@pytest.mark.parametrize(
    ("text", "at_s", "key"),
    [
        pytest.param(" \n", None, "k", id="nothing"),
        pytest.param("x" * (LONGEST_COMMENT + 1), None, "k", id="too long"),
        pytest.param("a\0b", None, "k", id="NUL"),
        pytest.param("\ud800", None, "k", id="half a character"),
        pytest.param("a", -1.0, "k", id="before the beginning"),
        pytest.param("a", float("nan"), "k", id="at no time"),
        pytest.param("a", None, "", id="no key"),
        pytest.param("a", None, "k" * 256, id="long key"),
        pytest.param("a", None, "k\nk", id="key of two lines"),
    ],
)
def test_what_is_no_comment_is_refused(remarks: Remarks, share: Share, text: str, at_s: float | None, key: str) -> None:
    assert refused(lambda: remarks.comment(share, "vera", text, at_s, key)) == "bad-remark"
    assert remarks.comments(share) == []


@pytest.mark.parametrize(("item", "choice"), [("", "a"), ("1", ""), ("1", "a" * 256), ("1\0", "a")])
def test_what_is_no_vote_is_refused(remarks: Remarks, share: Share, item: str, choice: str) -> None:
    assert refused(lambda: remarks.vote(share, "vera", item, choice, "k")) == "bad-remark"


@pytest.mark.parametrize(("most", "most_of_one"), [(3, 9), (9, 2)], ids=["all of them", "one of them"])
def test_nobody_talks_without_end(
    remarks: Remarks, share: Share, monkeypatch: pytest.MonkeyPatch, most: int, most_of_one: int
) -> None:
    monkeypatch.setattr(module, "MOST", most)
    monkeypatch.setattr(module, "MOST_OF_ONE", most_of_one)
    remarks.vote(share, "vik", "1", "a", "k1")
    for key in ("k1", "k2", "k1"):
        remarks.vote(share, "vera", "1", "a", key)
    assert refused(lambda: remarks.comment(share, "vera", "x", None, "k3")) == "too-many-remarks"
    assert remarks.vote(share, "vera", "1", "a", "k2").choice == "a"  # what is there already is there
