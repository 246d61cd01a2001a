"""Links that lead to shares: for people who sign in, for anyone; over, revoked, tampered with, guessed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from tests.dashboards.front_process import Front, running_front
from tests.dashboards.stored_results import StoredResults


@pytest.fixture(scope="module")
def front(desk: StoredResults, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with running_front(tmp_path_factory.mktemp("front") / "kept", desk.folder) as front:
        yield front


@pytest.fixture(scope="module")
def open_front(desk: StoredResults, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """One where a link is enough."""
    settings = {"DASHBOARDS__LINKS": "anyone"}
    with running_front(tmp_path_factory.mktemp("open") / "kept", desk.folder, **settings) as front:
        yield front


def linked(front: Front, desk: StoredResults, expires_at: float | None = None) -> tuple[str, str]:
    """A share for nobody in particular, and what a link to it reads."""
    share = front.share("ada", "recording", {"job": desk.fast.id}, title="By link")
    return share, front.catalogue.shares.new_link("ada", share, expires_at)


def explained(answer: httpx.Response, status: int, words: str) -> None:
    """A page for people that says why."""
    assert answer.status_code == status
    assert 'role="alert"' in answer.text
    assert words in answer.text


def test_whoever_signs_in_follows_a_link(front: Front, desk: StoredResults) -> None:
    share, token = linked(front, desk)
    with closing(front.browser()) as stranger:
        sent = stranger.get(f"link/{token}")
        assert sent.url.path == "/sign-in"
    with closing(front.browser("vera")) as vera:
        explained(vera.get(f"share/{share}/"), 404, "No share")
        page = vera.get(f"link/{token}")
        assert page.url.path == f"/share/{share}/"
        assert page.status_code == 200
        assert "shared by ada" in page.text
        assert vera.get(f"share/{share}/data").json()["title"] == "By link"
        other = front.share("ada", "recording", {"job": desk.cleaned.id})
        explained(vera.get(f"share/{other}/"), 404, "No share")
        front.catalogue.shares.revoke("ada", share)
        explained(vera.get(f"share/{share}/"), 410, "was revoked")
    assert token not in front.log()
    assert token not in "".join(path.read_text() for path in (front.folder / "audit").glob("*.jsonl"))


def test_a_revoked_link_is_worth_nothing_also_where_it_was_followed(front: Front, desk: StoredResults) -> None:
    share, token = linked(front, desk)
    with closing(front.browser("vera")) as vera:
        assert vera.get(f"link/{token}").status_code == 200
        (link,) = front.catalogue.shares.links.list("ada", share)
        front.catalogue.shares.links.revoke("ada", share, link.id)
        explained(vera.get(f"share/{share}/"), 410, "was revoked")
        explained(vera.get(f"link/{token}"), 410, "was revoked")
    assert [entry["reason"] for entry in front.trail("share-refused")[-2:]] == ["revoked-link", "revoked-link"]


def test_an_expired_link_says_so(front: Front, desk: StoredResults) -> None:
    share, token = linked(front, desk, time.time() + 1.5)
    with closing(front.browser("vera")) as vera:
        assert vera.get(f"link/{token}").status_code == 200
        time.sleep(1.6)
        explained(vera.get(f"share/{share}/"), 410, "is over")
        explained(vera.get(f"link/{token}"), 410, "is over")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"), id="one letter"),
        pytest.param(lambda token: token.swapcase(), id="other letters"),
        pytest.param(lambda token: token + "A", id="longer"),
        pytest.param(lambda token: "' OR 1=1 --", id="SQL"),
        pytest.param(lambda token: "..%2f..%2foperations", id="a path"),
        pytest.param(lambda token: "x" * 5000, id="very long"),
        pytest.param(lambda token: "%00%ff", id="no text"),
    ],
)
def test_a_tampered_link_leads_nowhere(front: Front, desk: StoredResults, change) -> None:
    _, token = linked(front, desk)
    with closing(front.browser("vera")) as vera:
        assert vera.get(f"link/{change(token)}").status_code == 404
    assert "Traceback" not in front.log()


def test_a_link_of_another_share_in_the_cookie_opens_nothing(front: Front, desk: StoredResults) -> None:
    share, token = linked(front, desk)
    other = front.share("ada", "recording", {"job": desk.cleaned.id})
    with closing(front.browser("vera")) as vera:
        vera.get(f"link/{token}")
        stolen = next(cookie.value for cookie in vera.cookies.jar if cookie.path == f"/share/{share}/")
        vera.cookies.set("speaksep-link", str(stolen), domain="127.0.0.1", path=f"/share/{other}/")
        explained(vera.get(f"share/{other}/"), 404, "No share")


def test_where_anyone_may_a_link_is_enough_for_its_share_and_for_nothing_else(
    open_front: Front, desk: StoredResults
) -> None:
    share, token = linked(open_front, desk)
    own = {"Origin": open_front.url.rstrip("/")}
    comment = {"ask": "comment", "text": "From somebody", "key": "k1"}
    with closing(open_front.browser()) as nobody:
        page = nobody.get(f"link/{token}")
        assert (page.status_code, page.url.path) == (200, f"/share/{share}/")
        assert "Sign out" not in page.text
        assert nobody.get(f"share/{share}/data").json()["reader"] == ""
        assert nobody.post(f"share/{share}/ask", json=comment).status_code == 403
        assert nobody.post(f"share/{share}/ask", json=comment, headers=own).status_code == 200
        assert nobody.get(f"share/{share}/files/speaker_1.flac").status_code == 404
        for path in ("", "mine/collection/all/", "operations/", f"share/{'0' * 32}/"):
            assert nobody.get(path).url.path == "/sign-in"
    opened = open_front.trail("share-opened")[-1]
    assert (opened["actor"], opened["share"]) == ("", share)


def test_guessing_links_is_ended(desk: StoredResults, tmp_path) -> None:
    with (
        running_front(
            tmp_path / "kept", desk.folder, DASHBOARDS__LINKS="anyone", PROTECTION__GUESS="5/minute"
        ) as front,
        closing(front.browser()) as browser,
    ):
        statuses = [browser.get(f"link/{number:043}").status_code for number in range(8)]
    assert statuses == [404] * 5 + [429] * 3
