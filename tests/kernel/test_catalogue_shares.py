"""Shares and links: who may see what, for how long, on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from speaksep_kernel.catalogue import links
from speaksep_kernel.catalogue import shares as shares_module
from speaksep_kernel.catalogue.catalogue import Catalogue
from speaksep_kernel.catalogue.share import MOST_PEOPLE, Share, own
from speaksep_kernel.catalogue.shares import Shares
from speaksep_kernel.catalogue.subjects import check_theirs
from speaksep_kernel.errors import SpeakSepError
from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.recording.inspection import Sound

ODD = [
    pytest.param("", id="empty"),
    pytest.param("x' OR '1'='1", id="SQL"),
    pytest.param('"; DROP TABLE shares; --', id="two statements"),
    pytest.param("%", id="wildcard"),
    pytest.param("../../etc/passwd", id="path"),
    pytest.param("a\0b", id="NUL"),
    pytest.param("\ud800", id="half a character"),
    pytest.param("0" * 32, id="zeros"),
    pytest.param("a" * 100_000, id="long"),
]


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def catalogue(empty_place: str, clock: Clock) -> Iterator[Catalogue]:
    with Catalogue.open(empty_place, clock=clock) as catalogue:
        yield catalogue


@pytest.fixture
def shares(catalogue: Catalogue) -> Shares:
    return catalogue.shares


def refused(what: Callable[[], object]) -> str:
    with pytest.raises(SpeakSepError) as error:
        what()
    assert error.value.hint
    return error.value.reason


def shared(shares: Shares, **terms: Any) -> Share:
    return shares.create("ann", "recording", {"job": "j1"}, **terms)


def test_a_share_is_kept_as_it_was_made(shares: Shares) -> None:
    made = shares.create(
        "ann", "collection", {"jobs": ["j1", "j2"]}, title=" Two  talks ", users=["vera", "bob", "vera"],
        groups=["editors"], download=True, expires_at=2000.0,
    )  # fmt: skip
    assert (made.title, made.users, made.groups) == ("Two talks", ("bob", "vera"), ("editors",))
    assert (made.what, made.download, made.link, made.expires_at) == ({"jobs": ["j1", "j2"]}, True, False, 2000.0)
    assert shares.get("ann", made.id) == made
    assert len(made.id) == 32


def test_who_may_open_it(shares: Shares) -> None:
    made = shared(shares, users=["vera"], groups=["editors"])
    for name, groups in (("ann", ()), ("vera", ()), ("ed", ("others", "editors")), ("", ("editors",))):
        assert shares.open(made.id, name, groups) == made
    for name, groups in (("bob", ()), ("VERA", ()), ("editors", ()), ("", ()), ("bob", ("vera", "Editors", ""))):
        assert refused(lambda name=name, groups=groups: shares.open(made.id, name, groups)) == "unknown-share"
    assert [each.id for each in shares.visible("vera")] == [made.id]
    assert [each.id for each in shares.visible("ed", ["editors"])] == [made.id]
    assert [shares.visible(name) for name in ("ann", "bob", "", "editors")] == [[], [], [], []]


def test_only_its_owner_handles_it(shares: Shares) -> None:
    made = shared(shares, users=["vera"])
    link, _ = shares.links.new("ann", made.id)
    for act in (
        lambda: shares.get("vera", made.id),
        lambda: shares.change("vera", made.id, {"users": ["bob"]}),
        lambda: shares.revoke("vera", made.id),
        lambda: shares.new_link("vera", made.id),
        lambda: shares.links.list("vera", made.id),
        lambda: shares.links.revoke("vera", made.id, link.id),
    ):
        assert refused(act) == "unknown-share"
    assert shares.list("vera") == []
    other = shared(shares)
    assert refused(lambda: shares.links.revoke("ann", other.id, link.id)) == "unknown-link"
    assert shares.get("ann", made.id).link


def test_it_ends_by_itself(shares: Shares, clock: Clock) -> None:
    made = shared(shares, users=["vera"], expires_at=1060.0)
    clock.now = 1059.0
    assert shares.open(made.id, "vera") == made
    clock.now = 1060.0
    assert refused(lambda: shares.open(made.id, "vera")) == "expired-share"
    assert refused(lambda: shares.open(made.id, "ann")) == "expired-share"
    assert refused(lambda: shares.open(made.id, "bob")) == "unknown-share"
    assert shares.visible("vera") == []
    assert refused(lambda: shares.new_link("ann", made.id)) == "expired-share"
    shares.change("ann", made.id, {"expires_at": None})
    assert shares.open(made.id, "vera").expires_at is None


def test_it_is_ended_for_good(shares: Shares) -> None:
    made = shared(shares, users=["vera"])
    token = shares.new_link("ann", made.id)
    ended = shares.revoke("ann", made.id)
    assert (ended.state(), ended.link) == ("revoked", False)
    assert shares.revoke("ann", made.id) == ended
    assert refused(lambda: shares.open(made.id, "vera")) == "revoked-share"
    assert refused(lambda: shares.open(made.id, "bob")) == "unknown-share"
    assert refused(lambda: shares.follow(token)) == "revoked-link"
    assert refused(lambda: shares.change("ann", made.id, {"users": ["bob"]})) == "revoked-share"
    assert refused(lambda: shares.new_link("ann", made.id)) == "revoked-share"
    assert (shares.visible("vera"), shares.list("ann")) == ([], [ended])


def test_who_may_see_it_changes(shares: Shares) -> None:
    made = shared(shares, users=["vera"], groups=["editors"], title="Talk")
    changed = shares.change("ann", made.id, {"users": ["bob"], "download": True})
    assert (changed.users, changed.groups, changed.download, changed.title) == (("bob",), ("editors",), True, "Talk")
    assert refused(lambda: shares.open(made.id, "vera")) == "unknown-share"
    assert shares.open(made.id, "bob") == changed
    assert refused(lambda: shares.change("ann", made.id, {"owner": "bob"})) == "bad-share"
    assert refused(lambda: shares.change("ann", made.id, {"what": {"job": "j2"}})) == "bad-share"
    assert shares.change("ann", made.id, {"users": [], "groups": []}).users == ()


def test_links_lead_there_until_they_end(shares: Shares, clock: Clock) -> None:
    made = shared(shares)
    first, second = shares.new_link("ann", made.id, 1060.0), shares.new_link("ann", made.id)
    assert first != second
    assert shares.follow(first) == shares.follow(second) == shares.get("ann", made.id)
    clock.now = 1060.0
    assert refused(lambda: shares.follow(first)) == "expired-link"
    newest, oldest = shares.links.list("ann", made.id)
    assert [newest.state(clock.now), oldest.state(clock.now)] == ["open", "expired"]
    ended = shares.links.revoke("ann", made.id, newest.id)
    assert shares.links.revoke("ann", made.id, newest.id) == ended
    assert refused(lambda: shares.follow(second)) == "revoked-link"
    assert not shares.get("ann", made.id).link


def test_a_link_lasts_no_longer_than_its_share(shares: Shares, clock: Clock) -> None:
    made = shared(shares, expires_at=1060.0)
    token = shares.new_link("ann", made.id, 9000.0)
    clock.now = 1060.0
    assert refused(lambda: shares.follow(token)) == "expired-link"


@pytest.mark.parametrize("place", [0, 20, 42], ids=["first", "middle", "last"])
def test_a_link_that_was_tampered_with_leads_nowhere(shares: Shares, place: int) -> None:
    token = shares.new_link("ann", shared(shares).id)
    other = chr(ord(token[place]) ^ 1)
    assert refused(lambda: shares.follow(token[:place] + other + token[place + 1 :])) == "unknown-link"
    assert refused(lambda: shares.follow(token[:-1])) == refused(lambda: shares.follow(token + "A")) == "unknown-link"


def test_what_a_link_reads_is_kept_nowhere(tmp_path: Path) -> None:
    place = tmp_path / "jobs.sqlite3"
    with Catalogue.open(place) as catalogue:
        token = catalogue.shares.new_link("ann", shared(catalogue.shares).id)
    engine = create_engine(f"sqlite:///{place}")
    with engine.connect() as connection:
        kept = str(connection.exec_driver_sql("SELECT * FROM share_links").all())
    engine.dispose()
    assert token not in kept
    assert b"".join(path.read_bytes() for path in tmp_path.iterdir()).find(token.encode()) == -1


@pytest.mark.parametrize("odd", ODD)
def test_odd_ids_and_names_find_nothing(shares: Shares, odd: str) -> None:
    made = shared(shares, users=["vera"])
    shares.new_link("ann", made.id)
    assert refused(lambda: shares.get("ann", odd)) == "unknown-share"
    assert refused(lambda: shares.open(odd, "ann")) == "unknown-share"
    assert refused(lambda: shares.open(made.id, odd, [odd])) == "unknown-share"
    assert refused(lambda: shares.follow(odd)) == "unknown-link"
    assert refused(lambda: shares.links.revoke("ann", made.id, odd)) == "unknown-link"
    assert (shares.list("ann", before=odd), shares.list(odd), shares.visible(odd, [odd])) == ([], [], [])
    assert shares.get("ann", made.id).link


@pytest.mark.parametrize(
    ("kind", "what", "terms", "reason"),
    [
        pytest.param("operations", {}, {}, "bad-share", id="no such kind"),
        pytest.param("recording", {}, {}, "bad-share", id="of nothing"),
        pytest.param("recording", {"job": ""}, {}, "bad-share", id="a job without a name"),
        pytest.param("recording", {"job": 7}, {}, "bad-share", id="a number"),
        pytest.param("recording", {"job": "j", "owner": "bob"}, {}, "bad-share", id="more than that"),
        pytest.param("collection", {"jobs": []}, {}, "empty-share", id="an empty collection"),
        pytest.param("collection", {"jobs": "j1"}, {}, "bad-share", id="jobs that are a word"),
        pytest.param("collection", {"all": False}, {}, "bad-share", id="not all"),
        pytest.param("collection", {"jobs": ["j"] * 5001}, {}, "bad-share", id="too many jobs"),
        pytest.param("compare", {"a": "j1"}, {}, "bad-share", id="one to compare"),
        pytest.param("recording", {"job": "j"}, {"users": [" "]}, "bad-share", id="nobody's name"),
        pytest.param("recording", {"job": "j"}, {"groups": ["a\nb"]}, "bad-share", id="two lines"),
        pytest.param(
            "recording",
            {"job": "j"},
            {"users": [str(number) for number in range(MOST_PEOPLE + 1)]},
            "bad-share",
            id="a crowd",
        ),
        pytest.param("recording", {"job": "j"}, {"title": "x" * 256}, "bad-share", id="a long title"),
        pytest.param("recording", {"job": "j"}, {"expires_at": 999.0}, "bad-share", id="over already"),
        pytest.param("recording", {"job": "j"}, {"expires_at": float("nan")}, "bad-share", id="never and always"),
        pytest.param("recording", {"job": "j"}, {"expires_at": float("inf")}, "bad-share", id="for ever in a number"),
    ],
)
def test_what_makes_no_sense_is_not_shared(
    shares: Shares, kind: str, what: dict[str, Any], terms: dict[str, Any], reason: str
) -> None:
    assert refused(lambda: shares.create("ann", kind, what, **terms)) == reason
    assert shares.list("ann") == []


def test_the_same_key_is_the_same_share(shares: Shares) -> None:
    made = shared(shares, key="k", users=["vera"])
    assert shared(shares, key="k", users=["vera"]) == made
    assert shares.create("bob", "recording", {"job": "j1"}, key="k").id != made.id
    assert refused(lambda: shares.create("ann", "recording", {"job": "j2"}, key="k")) == "key-conflict"
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(shared(shares, key="many").id)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(found), len(set(found)), len(shares.list("ann"))) == (6, 1, 2)


def test_lists_go_page_by_page_from_the_newest(shares: Shares) -> None:
    made = [shared(shares, title=str(number)) for number in range(5)]
    shares.create("bob", "recording", {"job": "j9"})
    first = shares.list("ann", limit=3)
    assert [*first, *shares.list("ann", before=first[-1].id)] == made[::-1]


def test_nobody_makes_them_without_end(shares: Shares, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares_module, "MOST_SHARES", 2)
    monkeypatch.setattr(links, "MOST_LINKS", 2)
    made = [shared(shares), shared(shares)]
    assert refused(lambda: shared(shares)) == "too-many-shares"
    assert shares.create("bob", "recording", {"job": "j1"})
    shares.new_link("ann", made[0].id)
    shares.new_link("ann", made[0].id)
    assert refused(lambda: shares.new_link("ann", made[0].id)) == "too-many-links"
    assert shares.new_link("ann", made[1].id)


@pytest.mark.parametrize(
    ("kind", "which", "what"),
    [
        ("recording", "j1", {"job": "j1"}),
        ("collection", "all", {"all": True}),
        ("collection", "b1", {"batch": "b1"}),
        ("batch", "b1", {"batch": "b1"}),
        ("compare", "j1..j2", {"a": "j1", "b": "j2"}),
    ],
    ids=["recording", "everything", "of a batch", "batch", "compare"],
)
def test_what_is_ones_own_needs_no_share(kind: str, which: str, what: dict[str, Any]) -> None:
    mine = own("ann", kind, which)
    assert (mine.id, mine.owner, mine.what, mine.download, mine.state()) == ("", "ann", what, True, "open")


@pytest.mark.parametrize(("kind", "which"), [("compare", "j1"), ("recording", ""), ("operations", "x")])
def test_what_is_nothing_is_not_ones_own(kind: str, which: str) -> None:
    assert refused(lambda: own("ann", kind, which)) == "bad-share"


def test_only_what_is_ones_own_can_be_shared(catalogue: Catalogue, empty_place: str) -> None:
    with JobTable.open(empty_place) as jobs:
        take, other, theirs = (
            jobs.submit(JobRequest(notebook="separate", owner=owner, batch=f"b-{owner}")).id
            for owner in ("ann", "ann", "bob")
        )
        convert = jobs.submit(JobRequest(notebook="convert", owner="ann")).id
        with catalogue.claim("aa" * 32) as claim:
            sound = Sound(seconds=2.0, rate_hz=16000, channels=1, format="WAV")
            voice = catalogue.add("ann", "a.wav", claim, 100, sound)[0].id
            hers = catalogue.add("bob", "a.wav", claim, 100, sound)[0].id
        for kind, what in (
            ("recording", {"job": take}),
            ("collection", {"jobs": [take, other]}),
            ("collection", {"all": True}),
            ("batch", {"batch": "b-ann"}),
            ("compare", {"a": take, "b": other, "truth": [voice]}),
        ):
            check_theirs(jobs, catalogue, "ann", kind, what)
        for kind, what, reason in (
            ("recording", {"job": theirs}, "unknown-job"),
            ("recording", {"job": take[:8]}, "unknown-job"),
            ("recording", {"job": convert}, "bad-share"),
            ("collection", {"jobs": [take, theirs]}, "unknown-job"),
            ("collection", {"batch": "b-bob"}, "unknown-batch"),
            ("batch", {"batch": "' OR 1=1 --"}, "unknown-batch"),
            ("compare", {"a": take, "b": theirs}, "unknown-job"),
            ("compare", {"a": take, "b": other, "truth": [hers]}, "unknown-recording"),
        ):
            assert refused(lambda kind=kind, what=what: check_theirs(jobs, catalogue, "ann", kind, what)) == reason
