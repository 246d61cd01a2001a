"""A viewer who wants to see more than was shared with her: every address, tried; refused and written down."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.dashboards.front_process import Front, running_front
from tests.dashboards.stored_results import StoredResults

PEAKS = json.dumps({"ask": "sound", "lanes": ["speaker_1"], "start_s": 0.0, "stop_s": 1.0})
COMMENT = {"ask": "comment", "text": "I was here", "key": "k"}
BELOW = [
    pytest.param("GET", "", id="the page"),
    pytest.param("GET", "data", id="its data"),
    pytest.param("GET", f"ask?q={PEAKS}", id="sound"),
    pytest.param("POST", "ask", id="a comment"),
    pytest.param("GET", "live", id="live"),
    pytest.param("GET", "files/speaker_1.flac", id="a file"),
    pytest.param("GET", "documents/x.html", id="a notebook"),
    pytest.param("GET", "report.html", id="a report"),
    pytest.param("GET", "report.pdf", id="figures"),
]


@pytest.fixture(scope="module")
def front(desk: StoredResults, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with running_front(tmp_path_factory.mktemp("refused") / "kept", desk.folder) as front:
        yield front


@pytest.fixture(scope="module")
def vera(front: Front, desk: StoredResults) -> Iterator[httpx.Client]:
    """Whom one recording is shared with."""
    front.share("ada", "recording", {"job": desk.fast.id}, users=["vera"], title="Hers")
    with front.client("vera") as client:
        yield client


def tried(client: httpx.Client, method: str, address: str) -> httpx.Response:
    return client.request(method, address, json=COMMENT if method == "POST" else None)


def refusals(front: Front, actor: str) -> list[tuple[str, str]]:
    return [(each["share"], each["reason"]) for each in front.trail("share-refused") if each["actor"] == actor]


@pytest.mark.parametrize(("method", "below"), BELOW)
def test_what_is_shared_with_others_is_like_nothing(
    front: Front, vera: httpx.Client, desk: StoredResults, method: str, below: str
) -> None:
    theirs = front.share("ada", "recording", {"job": desk.fast.id}, users=["bob"], groups=["staff"], download=True)
    answers = [tried(vera, method, f"share/{share}/{below}") for share in (theirs, "0" * 32)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].text.replace(theirs, "…") == answers[1].text.replace("0" * 32, "…")
    assert refusals(front, "vera")[-2:] == [(theirs, "unknown-share"), ("0" * 32, "unknown-share")]
    assert front.catalogue.remarks.comments(front.catalogue.shares.open(theirs, "bob")) == []


@pytest.mark.parametrize(("method", "below"), BELOW)
@pytest.mark.parametrize("kind", ["collection", "compare"])
def test_a_share_leads_to_nothing_beside_it(
    front: Front, vera: httpx.Client, desk: StoredResults, kind: str, method: str, below: str
) -> None:
    what = {"collection": {"jobs": [desk.fast.id]}, "compare": {"a": desk.fast.id, "b": desk.fast.id}}[kind]
    share = front.share("ada", kind, what, users=["vera"], download=True)
    for other in (desk.cleaned.id, "0123456789abcdef", "%2e%2e", "' OR 1=1 --"):
        answer = tried(vera, method, f"share/{share}/recording/{other}/{below}")
        assert answer.status_code == 404, answer.text
    assert refusals(front, "vera")[-4][0] == f"share/{share}/recording/{desk.cleaned.id}"


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        pytest.param("recording", {"job": "{fast}"}, id="recording"),
        pytest.param("collection", {"jobs": ["{fast}", "{cleaned}"]}, id="collection"),
        pytest.param("collection", {"all": True}, id="everything"),
        pytest.param("batch", {"batch": "{batch}"}, id="batch"),
        pytest.param("compare", {"a": "{fast}", "b": "{cleaned}"}, id="compare"),
    ],
)
def test_who_shares_what_is_not_theirs_shares_nothing(
    front: Front, desk: StoredResults, kind: str, what: dict[str, Any]
) -> None:
    """The service refuses to make such a share; this is one that somebody wrote into the database."""
    ids = {"fast": desk.fast.id, "cleaned": desk.cleaned.id, "batch": f"result/{desk.fast.id}"}
    text = json.dumps(what)
    for name, value in ids.items():
        text = text.replace(f"{{{name}}}", value)
    share = front.share("bob", kind, json.loads(text), users=["gus"], download=True)
    for name in ("gus", "bob"):
        with front.client(name) as client:
            told = [client.get(f"share/{share}/{below}") for below in ("data", "", "files/manifest.json")]
            told.append(client.get(f"share/{share}/recording/{desk.fast.id}/data"))
        for answer in told:
            assert answer.status_code in (200, 404)
            assert "meeting" not in answer.text
            assert "speaker_1" not in answer.text


def test_nobody_speaks_in_anothers_name(front: Front, vera: httpx.Client, desk: StoredResults) -> None:
    share = front.share("ada", "recording", {"job": desk.fast.id}, users=["vera", "gus"])
    page = f"share/{share}/ask"
    for odd in ({"reader": "ada"}, {"author": "ada"}, {"share": "x"}, {"self": 1}):
        assert vera.post(page, json=COMMENT | odd).status_code in (400, 422)
    for name in ("Remote-User", "X-Forwarded-User", "X-Remote-User"):
        assert vera.post(page, json=COMMENT | {"key": name}, headers={name: "ada"}).status_code == 200
    seen = front.catalogue.shares.open(share, "vera")
    assert {each.reader for each in front.catalogue.remarks.comments(seen)} == {"vera"}
    with front.client("gus") as gus:
        first = front.catalogue.remarks.comments(seen)[0].id
        refused = gus.post(page, json={"ask": "uncomment", "comment": first, "key": "k"})
        assert (refused.status_code, refused.json()["reason"]) == (404, "unknown-comment")
    assert len(front.catalogue.remarks.comments(seen)) == 3


def test_what_is_taken_away_is_gone_at_once_also_from_pages_that_are_open(
    front: Front, vera: httpx.Client, desk: StoredResults
) -> None:
    share = front.share("ada", "recording", {"job": desk.fast.id}, users=["vera"], groups=["staff"], download=True)
    at, shares = f"share/{share}/", front.catalogue.shares
    assert vera.get(f"{at}files/turns.rttm").status_code == 200
    shares.change("ada", share, {"download": False})
    assert vera.get(f"{at}files/turns.rttm").status_code == 404
    assert vera.get(f"{at}report.html").status_code == 403
    assert vera.get(f"{at}data").json()["can"]["download"] is False
    shares.change("ada", share, {"users": []})
    assert vera.get(f"{at}data").status_code == 404
    with front.client("gus") as gus:
        assert gus.get(f"{at}data").status_code == 200
        shares.change("ada", share, {"groups": []})
        assert gus.get(f"{at}data").status_code == 404
        shares.revoke("ada", share)
        assert gus.get(f"{at}data").status_code == 404  # for whom it no longer was, it never was


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_nothing_else_can_be_done_to_a_share(
    front: Front, vera: httpx.Client, desk: StoredResults, method: str
) -> None:
    share = front.share("ada", "recording", {"job": desk.fast.id}, users=["vera"])
    for below in ("", "data", "ask", "files/turns.rttm"):
        assert vera.request(method, f"share/{share}/{below}").status_code == 405
    assert front.catalogue.shares.get("ada", share).users == ("vera",)


@pytest.mark.parametrize("download", [False, True], ids=["to look at", "to save"])
def test_pages_say_nothing_of_where_things_lie(
    front: Front, vera: httpx.Client, desk: StoredResults, download: bool
) -> None:
    two = {"a": desk.fast.id, "b": desk.cleaned.id}
    for kind, what in (
        ("recording", {"job": desk.fast.id}),
        ("recording", {"job": desk.failed.id}),
        ("collection", {"all": True}),
        ("compare", two),
    ):
        share = front.share("ada", kind, what, users=["vera"], download=download)
        for below in ("", "data"):
            text = vera.get(f"share/{share}/{below}").text
            assert str(desk.folder) not in text
            assert str(front.folder) not in text
            assert "/store/" not in text
