"""A batch: figures that follow from its rows, failures that give nothing away, notebooks that do nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

from speaksep_dashboards.batch.notebook import as_page
from speaksep_dashboards.batch.page import BatchPage
from speaksep_dashboards.desk import Desk
from speaksep_dashboards.opening import open_page
from speaksep_dashboards.page import Reader
from speaksep_kernel.catalogue.share import Share
from speaksep_kernel.diagnosis.cost import bounds_seconds
from speaksep_kernel.diagnosis.plan import HOP_S
from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs.batch.folder import Task, new_batch, settle
from tests.dashboards.batches_made import Clock, ask, begin, fail, finish, succeed, table_desk
from tests.dashboards.stored_results import OWNER

VIEWER = Reader("vera")
SHARE = Share(id="b" * 32, owner=OWNER, kind="batch", what={"batch": "may"})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    with table_desk(tmp_path, clock) as desk:
        yield desk


def page_of(desk: Desk, share: Share = SHARE, reader: Reader = VIEWER) -> BatchPage:
    page = open_page(share, reader, desk)
    assert isinstance(page, BatchPage)
    return page


def test_figures_follow_from_the_rows(desk: Desk, clock: Clock) -> None:
    ask(desk, 6)
    for device in ("CPU: no GPU here", "GPU 0 (NVIDIA L4), slot 1 of 2"):
        job = begin(desk)
        clock.now += 10
        finish(desk, job, {"cached": None, "device": device, "measures": {"sound_s": 60.0}, "cpu_s": 7.0})
    job = begin(desk)
    finish(desk, job, {"cached": "elsewhere", "device": "", "measures": {"sound_s": 60.0}})
    fail(desk, "no file", "file-not-found")
    running = begin(desk)
    desk.jobs.report(running.id, running.attempt, 0.5, "separate", "separate 50%")
    data = page_of(desk).data()

    assert data["counts"] | {"cancelling": 0} == {
        "queued": 1, "running": 1, "cancelling": 0, "succeeded": 3, "failed": 1, "cancelled": 0, "refused": 0
    }  # fmt: skip
    assert data["title"] == "Talks of May"
    assert data["done"] == pytest.approx((4 + 0.5) / 6, abs=1e-4)
    cost = data["cost"]
    assert (cost["seconds"], cost["cpu_s"], cost["gpu_s"]) == (20.0, 10.0, 10.0)
    assert (cost["cached"], cost["processor_s"], cost["rtf"]) == (1, 14.0, pytest.approx(1 / 6, abs=1e-4))
    assert tuple(cost["predicted_s"]) == bounds_seconds(60.0, hop_s=HOP_S["balanced"], device="cpu")
    assert cost["compared_s"] == 10.0  # the prediction is about CPUs
    assert [(job["name"], job["fraction"]) for job in data["running"]] == [("talk 4.wav", 0.5)]
    # One and a half jobs of 10 s each are left, and one runs at a time.
    assert data["eta_s"] == pytest.approx(15.0)
    json.dumps(data)


def test_what_is_predicted_corrects_the_wait(desk: Desk, clock: Clock) -> None:
    ask(desk, 2)
    job = begin(desk)
    least, most = bounds_seconds(60.0, hop_s=HOP_S["balanced"], device="cpu")
    clock.now += least + most  # twice as long as predicted
    finish(desk, job, {"cached": None, "device": "CPU", "measures": {"sound_s": 60.0}})
    begin(desk)
    assert page_of(desk).data()["eta_s"] == pytest.approx(least + most, abs=0.1)


def test_nothing_is_said_of_the_wait_while_nothing_runs(desk: Desk) -> None:
    ask(desk, 2)
    assert page_of(desk).data()["eta_s"] is None
    succeed(desk)
    succeed(desk)
    data = page_of(desk).data()
    assert (data["eta_s"], data["finished"], data["done"]) == (0.0, True, 1.0)


def test_the_page_is_another_whenever_a_job_of_it_moves(desk: Desk) -> None:
    ask(desk, 2)
    page = page_of(desk)
    seen = [page.version()]
    job = begin(desk)
    seen.append(page.version())
    desk.jobs.report(job.id, job.attempt, 0.25)
    seen.append(page.version())
    finish(desk, job, {"cached": None, "device": "CPU"})
    seen.append(page.version())
    page.answer({"ask": "comment", "text": "well done", "key": "1"})
    seen.append(page.version())
    assert len(set(seen)) == 5
    ask(desk, 1, batch="june")
    assert page.version() == seen[-1]


def test_the_table_is_read_in_pages_and_filtered(desk: Desk) -> None:
    ask(desk, 30)
    fail(desk, "no file", "file-not-found")
    page = page_of(desk)
    found = page.answer({"ask": "jobs", "text": "TALK 2", "limit": 5, "offset": 5}).content
    assert found["count"] == 11
    assert [row["name"] for row in found["rows"]] == [f"talk {k}.wav" for k in (24, 25, 26, 27, 28)]
    failed = page.answer({"ask": "jobs", "state": "failed"}).content["rows"]
    assert [(row["name"], row["error"]) for row in failed] == [("talk 0.wav", "no file")]


@pytest.mark.parametrize(
    "question",
    [{"limit": 201}, {"limit": 0}, {"offset": -1}, {"text": "x" * 201}, {"owner": "bob"}],
    ids=["too many", "none", "before the first", "long text", "unknown field"],
)
def test_other_questions_are_refused(desk: Desk, question: dict[str, object]) -> None:
    ask(desk, 1)
    with pytest.raises(InputError) as error:
        page_of(desk).answer({"ask": "jobs", **question})
    assert error.value.reason == "bad-question"


def test_failures_tell_why_and_not_where(desk: Desk) -> None:
    ask(desk, 1)
    fail(desk, f"no file at '{desk.store.url}/named/0/talk 0.wav'", "file-not-found")
    data = page_of(desk).data()
    (failed,) = data["failed"]
    assert (failed["error"], failed["reason"]) == ("no file at 'talk 0.wav'", "file-not-found")
    assert data["reasons"] == [{"reason": "file-not-found", "jobs": 1}]
    assert str(Path(desk.store.url).parent) not in json.dumps(data)


class _Elements(HTMLParser):
    """Names of elements, and of their attributes, after the head."""

    def __init__(self) -> None:
        super().__init__()
        self.names, self.attributes, self.addresses = set[str](), set[str](), list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_notebook_of_a_failure_is_a_page_on_which_nothing_runs(desk: Desk) -> None:
    ask(desk, 1)
    place = f"{desk.store.url}/results/x"
    outputs = [
        nbformat.v4.new_output("stream", text=f"reading {place}/talk.wav\n<b>not bold</b>"),
        nbformat.v4.new_output(
            "display_data",
            data={
                "text/html": "<style>body{}</style><table onclick='alert(3)' style='x'><tr><td>cell</td></tr></table>"
                "<iframe src='https://example.org'></iframe><a href='javascript:alert(4)'>link</a>"
                "<script>bad()</script>",
                "text/plain": "table",
            },
        ),
        nbformat.v4.new_output("display_data", data={"application/javascript": "alert(5)"}),
        nbformat.v4.new_output("display_data", data={"image/png": "aGVsbG8=", "text/plain": "picture"}),
        nbformat.v4.new_output("display_data", data={"image/svg+xml": "<svg onload=alert(6)/>"}),
        nbformat.v4.new_output(
            "error", ename="ValueError", evalue="no", traceback=[f"\x1b[31mValueError\x1b[0m in \x1b[32m{place}/a.py:3"]
        ),
    ]
    job = fail(desk, "no", "notebook-failed", *outputs)
    text = page_of(desk).document(f"{job.id}.html")
    assert text is not None
    body = text.partition("</head>")[2]
    found = _Elements()
    found.feed(body)
    assert found.names.isdisjoint({"script", "style", "iframe", "a", "svg", "link", "form", "object", "base", "meta"})
    assert found.attributes <= {"class", "alt", "src"}
    assert found.addresses == ["data:image/png;base64,aGVsbG8="]
    assert {"reading talk.wav", "&lt;b&gt;not bold&lt;/b&gt;", "<td>cell</td>", "ValueError in a.py:3"} <= set(
        re.findall(r"reading talk\.wav|&lt;b&gt;not bold&lt;/b&gt;|<td>cell</td>|ValueError in a\.py:3", body)
    )
    assert not re.search(r"alert\(\d\)(?!\))|bad\(\)|body\{\}", re.sub(r"<[^>]*>", "", body))
    assert str(Path(desk.store.url).parent) not in text


def test_there_is_no_notebook_of_others_or_of_jobs_that_have_none(desk: Desk) -> None:
    (mine,) = ask(desk, 1)
    (other,) = ask(desk, 1, batch="june")
    page = page_of(desk)
    for name in (f"{mine.id}.html", f"{other.id}.html", "../secret.html", f"{mine.id}", f"{mine.id}.ipynb", ".html"):
        assert page.document(name) is None


def test_a_notebook_outside_of_the_results_is_not_read(desk: Desk, tmp_path: Path) -> None:
    (job,) = ask(desk, 1)
    secret = tmp_path / "secret.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), secret)
    taken = begin(desk)
    desk.jobs.fail(taken.id, taken.attempt, {"error": "x", "reason": "y", "hint": ""}, again=False, report=str(secret))
    assert page_of(desk).document(f"{job.id}.html") is None


@pytest.mark.parametrize("text", ["", "{}", '{"cells": 1, "nbformat": 4, "nbformat_minor": 5}', "[]", "\udcff"])
def test_half_a_notebook_is_told_so(text: str) -> None:
    with pytest.raises(InputError) as error:
        as_page(text, "x")
    assert error.value.reason == "half-written"


def test_a_batch_of_another_is_as_gone_as_one_that_was_removed(desk: Desk) -> None:
    ask(desk, 1, owner="bob")
    for share in (SHARE, Share(owner=OWNER, kind="batch", what={"batch": "june"})):
        with pytest.raises(InputError) as error:
            page_of(desk, share)
        assert error.value.reason == "gone-result"


def test_a_recording_of_the_batch_opens_with_the_same_rights(desk: Desk) -> None:
    ask(desk, 1)
    (other,) = ask(desk, 1, batch="june")
    job = succeed(desk)
    page = page_of(desk)
    inner = page.within(job.id)
    assert (inner.id, inner.owner, inner.kind, inner.what) == (SHARE.id, OWNER, "recording", {"job": job.id})
    with pytest.raises(InputError) as error:
        page.within(other.id)
    assert error.value.reason == "unknown-recording"


def test_a_batch_of_the_command_line_knows_lengths_and_what_was_refused(desk: Desk, tmp_path: Path) -> None:
    error = {"ok": False, "error": "line 3 has 1 value for 2 columns", "reason": "bad-row", "hint": "correct the row"}
    tasks = [Task("talk", {"source": "/srv/talk.wav"}, 60.0), Task("line-3", {}, None, error)]
    batch = settle(new_batch(tmp_path / "out", "separate", tasks, {}))
    desk.jobs.submit_many(batch.requests())
    share = Share(owner=batch.owner, kind="batch", what={"batch": batch.id})
    page = page_of(desk, share)
    data = page.data()
    assert (data["counts"]["queued"], data["counts"]["refused"]) == (1, 1)
    rows = {row["name"]: row for row in page.rows()}
    assert rows["talk.wav"]["sound_s"] == 60.0
    assert rows["line-3"]["reason"] == "bad-row"
