"""The front over real results: what a page is made of, what is cached, what is asked and answered, what is refused."""

from __future__ import annotations

import asyncio
import json
import re
import struct
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from speaksep_dashboards.page import Page
from speaksep_hub.dashboards.kept import KeptPage
from speaksep_hub.service.answers import explain_failures
from speaksep_hub.service.trace import Trace
from tests.dashboards.front_process import Front, running_front
from tests.dashboards.stored_results import StoredResults


@pytest.fixture(scope="module")
def front(desk: StoredResults, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with running_front(tmp_path_factory.mktemp("front") / "kept", desk.folder) as front:
        yield front


@pytest.fixture(scope="module")
def ada(front: Front) -> Iterator[httpx.Client]:
    with front.client("ada") as client:
        yield client


@pytest.fixture(scope="module")
def mine(desk: StoredResults) -> str:
    """Address of a recording of Ada's."""
    return f"mine/recording/{desk.fast.id}/"


def ask(client: httpx.Client, page: str, v: str = "", **question: Any) -> httpx.Response:
    return client.get(f"{page}ask", params={"v": v, "q": json.dumps(question)})


def unpacked(answer: httpx.Response) -> tuple[dict[str, Any], list[bytes]]:
    (length,) = struct.unpack(">I", answer.content[:4])
    told, rest = json.loads(answer.content[4 : 4 + length]), answer.content[4 + length :]
    ends = np.cumsum([0, *told["lengths"]])
    assert ends[-1] == len(rest)
    return told, [rest[a:b] for a, b in pairwise(ends)]


def refused(answer: httpx.Response, status: int, reason: str) -> None:
    assert (answer.status_code, answer.json().get("reason")) == (status, reason), answer.text


# What a page is made of


def test_a_page_comes_whole_with_its_data_and_runs_nothing_of_its_own(ada: httpx.Client, mine: str) -> None:
    answer = ada.get(mine)
    assert answer.status_code == 200
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', answer.text, re.DOTALL)
    assert json.loads(data) == ada.get(f"{mine}data").json()
    assert re.findall(r"<script(?! type=\"application/json\")(?![^>]* src=)|<style| style=| on\w+=", answer.text) == []
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


def test_a_page_that_is_known_is_not_sent_again(ada: httpx.Client, mine: str) -> None:
    for path in (mine, f"{mine}data"):
        first = ada.get(path)
        assert first.headers["cache-control"] == "private, no-cache"
        assert first.headers["content-encoding"] == "gzip"
        again = ada.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_scripts_and_styles_are_kept_for_ever(front: Front, ada: httpx.Client, mine: str) -> None:
    paths = set(re.findall(r'(?:src|href)="/(static/[^"]+)"', ada.get(mine).text))
    assert len(paths) >= 4
    with front.client(None) as nobody:
        for path in paths:
            answer = nobody.get(path)
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        folder = paths.pop().rpartition("/")[0]
        assert nobody.get("static/0000/shell.css").headers["cache-control"] == "no-store"
        refused(nobody.get(f"{folder}/..%2f..%2fapp.py"), 404, "not-found")
        refused(nobody.get(f"{folder}/app.py"), 404, "unknown-file")


@pytest.mark.parametrize("kind", ["recording", "collection", "batch", "compare", "operations"])
def test_every_view_has_a_script_and_a_style(ada: httpx.Client, mine: str, kind: str) -> None:
    folder = re.findall(r'"/(static/\w+/)shell.css"', ada.get(mine).text)[0]
    script, style = ada.get(f"{folder}{kind}.js"), ada.get(f"{folder}{kind}.css")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "export default" in script.text
    assert style.headers["content-type"] == "text/css; charset=utf-8"


# Questions


def test_answers_come_with_their_bytes_and_are_kept_while_the_page_is_the_same(ada: httpx.Client, mine: str) -> None:
    stamp = ada.get(f"{mine}data").headers["etag"].strip('"')
    question = {"ask": "sound", "lanes": ["speaker_1"], "start_s": 1.0, "stop_s": 1.5}
    answer = ask(ada, mine, stamp, **question)
    told, (sound,) = unpacked(answer)
    assert len(np.frombuffer(sound, "<i2")) == 8000
    assert told["lengths"] == [16000]
    assert answer.headers["cache-control"] == "private, max-age=3600"
    assert ask(ada, mine, "of yesterday", **question).headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("q", "reason"),
    [
        pytest.param("{", "bad-question", id="not JSON"),
        pytest.param("[1]", "bad-question", id="a list"),
        pytest.param('{"ask": "no such thing"}', "unknown-ask", id="unknown"),
        pytest.param('{"ask": ["sound"]}', "unknown-ask", id="a list of questions"),
        pytest.param('{"ask": {}}', "unknown-ask", id="an object"),
        pytest.param('{"ask": "\\ud800"}', "unknown-ask", id="no character"),
        pytest.param("[" * 7000, "bad-question", id="very deep"),
        pytest.param('{"ask": "__init__"}', "unknown-ask", id="a method"),
        pytest.param('{"ask": "sound"}', "bad-question", id="without its fields"),
        pytest.param('{"ask": "comment", "text": "x", "key": "k"}', "ask-by-post", id="what changes something"),
    ],
)
def test_questions_that_are_none(ada: httpx.Client, mine: str, q: str, reason: str) -> None:
    refused(ada.get(f"{mine}ask", params={"q": q}), 400, reason)


def test_a_comment_needs_a_page_of_ours_and_is_written_once(front: Front, desk: StoredResults) -> None:
    share = front.share("ada", "recording", {"job": desk.fast.id}, users=["vera"])
    comment = {"ask": "comment", "text": "Who is that?", "at_s": 3.5, "key": "k1"}
    with closing(front.browser("vera")) as vera:
        refused(vera.post(f"share/{share}/ask", json=comment, headers={"Accept": "*/*"}), 403, "xsrf")
        proof = {"X-XSRFToken": vera.cookies["speaksep-xsrf"]}
        for _ in range(2):
            told, _ = unpacked(vera.post(f"share/{share}/ask", json=comment, headers=proof))
        assert [(each["author"], each["text"], each["at_s"]) for each in told["comments"]] == [
            ("vera", "Who is that?", 3.5)
        ]
        other = vera.post(f"share/{share}/ask", json={"ask": "sound"}, headers=proof | {"Accept": "*/*"})
        refused(other, 400, "bad-question")
    assert {"actor": "vera", "share": share}.items() <= front.trail("comment")[0].items()


# Who may see what


def test_a_share_is_for_those_it_names(front: Front, desk: StoredResults) -> None:
    share = front.share("ada", "recording", {"job": desk.fast.id}, title="For the staff", groups=["staff"])
    statuses = {}
    for name in ("ada", "gus", "vera", "bob", "root"):
        with front.client(name) as client:
            statuses[name] = client.get(f"share/{share}/data").status_code
    assert statuses == {"ada": 200, "gus": 200, "vera": 404, "bob": 404, "root": 404}
    assert {"actor": "gus", "share": share} not in front.trail("share-refused")
    assert {"actor": "bob", "share": share, "reason": "unknown-share"}.items() <= front.trail("share-refused")[
        1
    ].items()
    with closing(front.browser("gus")) as gus:
        assert "For the staff" in gus.get("").text
        assert "Mine" not in gus.get("").text
        assert gus.get(f"share/{share}/").status_code == 200
    assert {"actor": "gus", "share": share}.items() <= front.trail("share-opened")[-1].items()
    front.catalogue.shares.revoke("ada", share)
    with front.client("gus") as gus:
        refused(gus.get(f"share/{share}/data"), 410, "revoked-share")
        assert "For the staff" not in gus.get("").text


def test_an_absent_share_is_told_as_one_of_others_is(front: Front, desk: StoredResults) -> None:
    share = front.share("ada", "recording", {"job": desk.fast.id})
    with front.client("bob") as bob:
        texts = [bob.get(f"share/{each}/data").text.replace(each, "") for each in (share, "0" * 32)]
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("name", "path", "status", "reason"),
    [
        pytest.param("vera", "mine/collection/all/", 403, "missing-scope", id="a viewer has nothing"),
        pytest.param("bat", "", 403, "missing-scope", id="a program looks at nothing"),
        pytest.param("ada", "operations/", 403, "missing-scope", id="no administrator"),
        pytest.param("bob", "mine/recording/{fast}/", 404, "gone-result", id="another's job"),
        pytest.param("ada", "mine/recording/0123456789abcdef/", 404, "gone-result", id="no such job"),
        pytest.param("ada", "mine/secrets/{fast}/", 400, "bad-share", id="no such kind"),
        pytest.param("ada", "mine/recording/..%2f..%2fx/", 404, "not-found", id="out of it"),
        pytest.param("ada", "share/' OR 1=1 --/", 404, "unknown-share", id="SQL"),
        pytest.param("ada", "mine/recording/{fast}/recording/{cleaned}/", 404, "not-found", id="nothing within"),
        pytest.param(None, "mine/collection/all/", 401, "no-token", id="nobody"),
        pytest.param(None, "", 401, "no-token", id="nobody at the door"),
    ],
)
def test_what_is_not_theirs(
    front: Front, desk: StoredResults, name: str | None, path: str, status: int, reason: str
) -> None:
    with front.client(name) as client:
        refused(client.get(path.format(fast=desk.fast.id, cleaned=desk.cleaned.id)), status, reason)


def test_a_browser_of_nobody_is_sent_to_sign_in_and_comes_back(front: Front, mine: str) -> None:
    with closing(front.browser()) as browser:
        asked = browser.get(mine)
        assert asked.url.path == "/sign-in"
        assert asked.url.params["next"] == f"/{mine}"


# What may be taken away


def test_files_are_saved_only_where_the_share_says_so(front: Front, desk: StoredResults) -> None:
    what = {"job": desk.fast.id}
    closed, opened = (
        front.share("ada", "recording", what, users=["vera"], download=download) for download in (False, True)
    )
    with front.client("vera") as vera:
        refused(vera.get(f"share/{closed}/files/speaker_1.flac"), 404, "unknown-file")
        refused(vera.get(f"share/{closed}/report.html"), 403, "no-download")
        part = vera.get(f"share/{opened}/files/speaker_1.flac", headers={"Range": "bytes=0-3"})
        assert (part.status_code, part.content) == (206, b"fLaC")
        for name in ("..%2f..%2fjobs.sqlite3", "manifest.json%00", "%2e%2e/turns.rttm", "/etc/passwd"):
            assert vera.get(f"share/{opened}/files/{name}").status_code == 404
    saved = {"actor": "vera", "what": "file", "id": f"share/{opened}", "file": "speaker_1.flac"}
    assert saved.items() <= front.trail("download")[-1].items()


def test_a_page_is_taken_away_as_a_report(ada: httpx.Client, mine: str) -> None:
    report = ada.get(f"{mine}report.html")
    assert report.headers["content-disposition"] == 'attachment; filename="speaksep-recording.html"'
    assert "meeting.wav" in report.text
    assert ada.get(f"{mine}report.html").content == report.content


def test_a_report_is_made_once_for_each_version_of_the_page() -> None:
    @dataclass
    class Versioned:
        now: str = "first"

        def version(self) -> str:
            return self.now

    made, page = [], Versioned()
    kept = KeptPage(cast(Page, page), 0.0)

    def make(_: Page) -> str:
        made.append(page.now)
        return f"report {len(made)}"

    assert [kept.report("html", make), kept.report("html", make)] == ["report 1"] * 2
    assert kept.report("pdf", make) == "report 2"
    page.now = "second"
    assert kept.report("html", make) == "report 3"
    assert made == ["first", "first", "second"]


# Live


def test_an_open_page_hears_of_changes_and_of_its_end(front: Front, desk: StoredResults) -> None:
    share = front.share("ada", "recording", {"job": desk.fast.id}, users=["vera"])
    with front.client("vera") as vera, front.client("ada") as ada, vera.stream("GET", f"share/{share}/live") as stream:
        lines = stream.iter_lines()
        first = next(line for line in lines if line.startswith("data:"))
        ada.post(f"share/{share}/ask", json={"ask": "comment", "text": "Listen here", "key": "k2"})
        second = next(line for line in lines if line.startswith("data:"))
        assert second != first
        front.catalogue.shares.revoke("ada", share)
        assert "event: gone" in list(lines)


# What cannot be shown


def test_a_page_that_cannot_be_shown_says_why(front: Front, desk: StoredResults) -> None:
    missing = front.share("ada", "recording", {"job": "0123456789abcdef"}, users=["vera"])
    with closing(front.browser("vera")) as vera:
        answer = vera.get(f"share/{missing}/")
        assert answer.status_code == 404
        assert 'role="alert"' in answer.text
        assert "not kept any more" in answer.text
        assert "Traceback" not in answer.text


@pytest.mark.parametrize("which", ["silent", "failed", "waiting"])
def test_what_has_no_result_has_a_page(ada: httpx.Client, desk: StoredResults, which: str) -> None:
    answer = ada.get(f"mine/recording/{getattr(desk, which).id}/")
    assert answer.status_code == 200


def test_nothing_failed_meanwhile(front: Front) -> None:
    assert "Traceback" not in front.log()


def test_a_fault_of_ours_is_a_page_that_names_the_request_and_not_its_cause() -> None:
    app = FastAPI()
    explain_failures(app, lambda _, error, hint: f"<p>{error}. {hint}")
    app.add_middleware(Trace)

    @app.get("/")
    def broken() -> None:
        raise RuntimeError("a path of the server")

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as browser:
            return await browser.get("/", headers={"Accept": "text/html", "X-Request-Id": "r1"})

    answer = asyncio.run(asked())
    assert answer.status_code == 500
    assert answer.text.startswith("<p>The service failed at this request.")
    assert answer.text.endswith("request r1")
