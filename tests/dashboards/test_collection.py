"""A collection: which recordings are in it, what their row says, and what the page tells of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from speaksep_dashboards.bundle import css, esm
from speaksep_dashboards.collection.measures import MEASURES
from speaksep_dashboards.collection.page import CollectionPage
from speaksep_dashboards.desk import Desk
from speaksep_dashboards.opening import open_page
from speaksep_dashboards.page import MOST_BYTES, Page, Reader
from speaksep_kernel.catalogue.share import Share, own
from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs.job import Job
from speaksep_kernel.results.manifest import read_manifest
from tests.dashboards.many_recordings import many
from tests.dashboards.stored_results import OWNER, StoredResults, desk_at, request

COUNT = 300


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Many recordings, which tests leave as they are."""
    desk = desk_at(many(tmp_path_factory.mktemp("many"), COUNT))
    yield desk
    desk.close()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Desk]:
    """A desk for a test of its own."""
    desk = desk_at(tmp_path)
    yield desk
    desk.close()


def page_of(desk: Desk, which: str = "all", reader: str = OWNER) -> CollectionPage:
    return opened(own(OWNER, "collection", which), desk, reader)


def opened(share: Share, desk: Desk, reader: str = OWNER) -> CollectionPage:
    page = open_page(share, Reader(reader), desk)
    assert isinstance(page, CollectionPage)
    return page


def chosen(*jobs: Job | str) -> Share:
    ids = [job if isinstance(job, str) else job.id for job in jobs]
    return Share(owner=OWNER, kind="collection", what={"jobs": ids})


def row(page: CollectionPage, job: Job) -> dict[str, Any]:
    """A recording's values, by column."""
    columns = page.data()["columns"]
    place = columns["id"].index(job.id)
    return {name: values[place] for name, values in columns.items()}


def put(desk: Desk, job: Job, change: Callable[[Path], object], **result: Any) -> Job:
    """A job like another, whose result is a changed copy of that one's."""
    mine = desk.jobs.submit(request(desk, "separate", {"source": "talk.wav"}, "talk.wav", priority=200))
    shutil.copytree(job.output, mine.output)
    change(Path(mine.output, "tracks"))
    claimed = desk.jobs.claim("a test", lease_s=60)
    assert claimed is not None
    assert claimed.id == mine.id
    return desk.jobs.succeed(mine.id, 1, {"directory": mine.output, "files": {}, **result})


# What is told of a recording


def test_a_row_says_what_the_manifest_says(desk: StoredResults):
    found = row(page_of(desk.desk), desk.cleaned)
    manifest = read_manifest(Path(desk.cleaned.output, "tracks"))
    assert found["name"] == "meeting.wav"
    assert found["sound_s"] == round(manifest.input.seconds, 3)
    assert found["speakers"] == len(manifest.speakers)
    assert found["overlap_ratio"] == round(manifest.diagnosis["overlap_ratio"], 4)
    assert found["confidence"] == round(min(each.confidence for each in manifest.speakers), 3)
    worst = {each["code"] for each in manifest.diagnosis["findings"] if each["severity"] != "info"}
    codes = page_of(desk.desk).data()["codes"]
    assert {codes[place] for place in found["findings"]} == worst


def test_a_recording_without_speech_is_a_recording(desk: StoredResults):
    found = row(page_of(desk.desk), desk.silent)
    assert (found["speakers"], found["speech_ratio"], found["confidence"]) == (0, 0, None)


def test_jobs_without_a_result_are_counted_and_their_reasons_told(desk: StoredResults):
    told = page_of(desk.desk).data()
    assert desk.failed.id not in told["columns"]["id"]
    assert told["states"]["failed"] == 1
    assert told["states"]["queued"] == 1
    assert told["reasons"] == {"file-not-found": 1}


def test_nothing_tells_where_things_lie(desk: StoredResults):
    page = page_of(desk.desk)
    told = [page.data(), page.answer({"ask": "findings", "job": desk.cleaned.id}).content]
    assert str(desk.folder) not in json.dumps(told)


def test_columns_are_of_one_length_and_have_every_measure(shelf: Desk):
    columns = page_of(shelf).data()["columns"]
    assert {len(values) for values in columns.values()} == {COUNT}
    assert {measure.name for measure in MEASURES} <= set(columns)
    assert columns["made_at"] == sorted(columns["made_at"])


def test_many_readers_read_the_table_once(shelf: Desk):
    first, second = page_of(shelf), page_of(shelf, reader="vera")
    assert first.shown()["columns"] is second.shown()["columns"]


def test_rows_have_words_for_reports(desk: StoredResults):
    rows = {each["id"]: each for each in page_of(desk.desk).rows()}
    assert rows[desk.failed.id]["state"] == "failed"
    assert rows[desk.failed.id]["reason"] == "file-not-found"
    assert rows[desk.fast.id]["severity"] in page_of(desk.desk).data()["severities"]
    assert rows[desk.fast.id]["rtf"] > 0


# Which recordings those are


def test_all_are_separations_and_nothing_else(desk: StoredResults):
    ids = set(page_of(desk.desk).data()["columns"]["id"])
    assert {desk.fast.id, desk.cleaned.id, desk.silent.id} <= ids
    assert desk.diagnosed.id not in ids


def test_those_that_were_chosen_may_be_diagnoses(desk: StoredResults):
    columns = opened(chosen(desk.diagnosed, desk.fast), desk.desk).data()["columns"]
    assert sorted(columns["id"]) == sorted([desk.diagnosed.id, desk.fast.id])


def test_a_batch_is_its_jobs(empty: Desk):
    asked = request(empty, "separate", {"source": "talk.wav"}, "talk.wav", batch="monday")
    empty.jobs.submit_many([asked, replace(asked, batch="tuesday"), replace(asked, owner="eve")])
    while job := empty.jobs.claim("a test", lease_s=60):
        empty.jobs.succeed(job.id, 1, {"directory": job.output, "measures": {"sound_s": 1.0}})
    told = page_of(empty, "monday").data()
    assert (told["title"], told["states"], len(told["columns"]["id"])) == ("monday", {"succeeded": 1}, 1)


def test_jobs_of_others_are_not_there_even_if_somebody_names_them(desk: StoredResults):
    told = opened(replace(chosen(desk.fast, "0" * 16), owner="eve"), desk.desk).data()
    assert told["columns"]["id"] == []
    assert told["unreadable"] == {"gone-result": 2}


@pytest.mark.parametrize("which", ["all", "no such batch"])
def test_an_empty_collection_is_a_page(empty: Desk, which: str):
    told = page_of(empty, which).data()
    assert told["columns"]["id"] == []
    assert told["states"] == {}
    assert told["measures"]


def test_a_recording_of_it_is_shared_with_it(shelf: Desk):
    page = opened(replace(own(OWNER, "collection", "all"), download=False), shelf)
    job = page.data()["columns"]["id"][3]
    inside = page.within(job)
    assert (inside.kind, inside.what, inside.owner, inside.download) == ("recording", {"job": job}, OWNER, False)


@pytest.mark.parametrize("job", ["0" * 16, "", "' OR 1=1 --", "../../x"], ids=["unknown", "none", "sql", "path"])
def test_what_is_not_in_it_is_not_shared_with_it(shelf: Desk, job: str):
    with pytest.raises(InputError) as caught:
        page_of(shelf).within(job)
    assert caught.value.reason == "unknown-recording"


def test_another_of_the_owners_is_not_shared_with_those_that_were_chosen(desk: StoredResults):
    with pytest.raises(InputError, match="not in this collection"):
        opened(chosen(desk.fast), desk.desk).within(desk.cleaned.id)


# What changes


def test_it_is_another_version_when_a_job_of_it_is_another(empty: Desk, desk: StoredResults):
    versions = [page_of(empty).version()]
    job = put(empty, desk.fast, lambda place: None, measures=desk.fast.result["measures"])
    versions.append(page_of(empty).version())
    correction = {"result": job.id, "revision": 1}
    asked = request(empty, "edit", {"result": job.output}, "talk.wav", about=correction, priority=300)
    edit = empty.jobs.submit(replace(asked, batch=f"result/{job.id}"))
    assert page_of(empty).version() != versions[-1]  # it may say that a correction is under way
    empty.jobs.claim("a test", lease_s=60)
    changed = {**desk.fast.result["measures"], "speakers": 7}
    empty.jobs.succeed(edit.id, 1, {"directory": edit.output, "files": {}, "measures": changed})
    versions.append(page_of(empty).version())
    assert len(set(versions)) == len(versions)
    assert row(page_of(empty), job)["speakers"] == 7
    assert page_of(empty).version() == versions[-1]


# Results that are older than their measures, or broken


def test_an_older_result_says_the_same_out_of_its_file(empty: Desk, desk: StoredResults):
    job = put(empty, desk.cleaned, lambda place: None)
    here, there = row(page_of(empty), job), row(page_of(desk.desk), desk.cleaned)
    same = [measure.name for measure in MEASURES if measure.name != "rtf"]
    assert [here[name] for name in same] == [there[name] for name in same]


def test_a_row_with_fewer_measures_is_a_row(empty: Desk, desk: StoredResults):
    found = row(page_of(empty), put(empty, desk.fast, lambda place: None, measures={"sound_s": 14.0}))
    assert (found["sound_s"], found["mos"], found["severity"], found["findings"]) == (14.0, None, 0, [])


def _cut(place: Path) -> None:
    text = (place / "manifest.json").read_bytes()
    (place / "manifest.json").write_bytes(text[: len(text) // 2])


def _newer(place: Path) -> None:
    told = json.loads((place / "manifest.json").read_bytes())
    (place / "manifest.json").write_text(json.dumps(told | {"schema_version": 99}))


def _other(place: Path) -> None:
    (place / "manifest.json").write_text('{"schema_version": 2, "diagnosis": {}}')


@pytest.mark.parametrize(
    ("change", "reason"),
    [(shutil.rmtree, "gone-result"), (_cut, "half-written"), (_other, "half-written"), (_newer, "newer-version")],
    ids=["gone", "cut", "other", "newer"],
)
def test_what_cannot_be_read_is_counted_and_explained(
    empty: Desk, desk: StoredResults, change: Callable[[Path], object], reason: str
):
    job = put(empty, desk.fast, change)
    told = page_of(empty).data()
    assert (told["columns"]["id"], told["unreadable"]) == ([], {reason: 1})
    with pytest.raises(InputError) as caught:
        page_of(empty).answer({"ask": "findings", "job": job.id})
    assert caught.value.reason == reason
    assert str(empty.store.url) not in str(caught.value)


# Questions


def test_why_a_recording_needs_attention_worst_first(desk: StoredResults):
    page = page_of(desk.desk)
    found = page.answer({"ask": "findings", "job": desk.cleaned.id}).content["findings"]
    severities = [page.data()["severities"].index(each["severity"]) for each in found]
    assert severities == sorted(severities, reverse=True)
    assert all(each["why"] and 0 not in severities for each in found)
    assert [each["code"] for each in found if each["advice"]]


def test_why_is_not_told_of_what_is_not_in_it(desk: StoredResults):
    page = opened(chosen(desk.fast), desk.desk)
    with pytest.raises(InputError) as caught:
        page.answer({"ask": "findings", "job": desk.cleaned.id})
    assert caught.value.reason == "unknown-recording"


def test_bokeh_comes_in_one_answer_where_there_is_no_front(shelf: Desk):
    page: Page = page_of(shelf)
    (script,) = page.answer({"ask": "bokeh"}).buffers
    assert len(script) <= MOST_BYTES
    assert b"BokehJS" in script or b"root.Bokeh" in script


def test_the_script_is_one_module_that_writes_no_markup():
    script = esm("collection")
    assert script.count("export default") == 1
    assert [
        word for word in ("innerHTML", "eval(", "new Function", "insertAdjacentHTML", "import ") if word in script
    ] == []
    assert ".speaksep.collection" in css("collection")


def test_a_page_needs_neither_torch_nor_bokeh_in_python():
    heavy = "[name for name in ('torch', 'bokeh', 'panel', 'pandas', 'IPython') if name in sys.modules]"
    code = f"import sys, speaksep_dashboards.collection.page; print({heavy})"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_every_measure_is_documented():
    text = (Path(__file__).parents[2] / "docs" / "dashboards.md").read_text(encoding="utf-8")
    assert [measure.label for measure in MEASURES if f"| {measure.label} |" not in text] == []
