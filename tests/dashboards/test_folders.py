"""Results and batches as they lie on a disk, on a desk of one's own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from speaksep_dashboards.desk import desk_of, opened
from speaksep_dashboards.opening import open_page
from speaksep_dashboards.page import Reader
from speaksep_kernel.catalogue.share import own
from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs.batch.folder import Task, new_batch, read_batch, settle
from speaksep_kernel.jobs.job import user_name
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.jobs.states import State
from tests.dashboards.stored_results import StoredResults

ME = user_name()


@pytest.fixture(autouse=True)
def own_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's job table, empty."""
    place = tmp_path / "mine.sqlite3"
    monkeypatch.setenv("SPEAKSEP_JOBS", str(place))
    return place


@pytest.fixture
def result(desk: StoredResults, tmp_path: Path) -> Path:
    """A result in a folder with a blank in its name."""
    return shutil.copytree(Path(desk.fast.output) / "tracks", tmp_path / "my results" / "meeting 1")


@pytest.fixture
def batch(result: Path, tmp_path: Path) -> Path:
    """A batch of three: one done, one failed, one refused before it ran."""
    place = tmp_path / "batch"
    refusal = {"error": "no such file", "reason": "file-not-found", "hint": ""}
    tasks = [Task("one", {}, 14.0), Task("two", {}), Task("three", {}, None, refusal)]
    settle(new_batch(place, "separate", tasks, {}))
    shutil.copytree(result, place / "one" / "tracks")
    told = {"started": "2026-05-04T09:00:00.000+00:00", "seconds": 12.5, "result": {"cached": None}}
    (place / "one" / "job.json").write_text(json.dumps(told))
    (place / "results.csv").write_text("name,state,reason,error\none,succeeded,,\ntwo,failed,out-of-memory,too large\n")
    return place


def test_a_result_is_a_page_with_sound(result: Path, tmp_path: Path) -> None:
    desk = desk_of([result], tmp_path / "desk")
    (job,) = desk.jobs.jobs(owner=ME)
    page = open_page(own(ME, "recording", job.id), Reader(ME), desk)
    assert page.title == "meeting.wav"
    assert len(page.data()["speakers"]) == 3
    sound = page.answer({"ask": "sound", "lanes": ["speaker_1"], "start_s": 0, "stop_s": 1})
    assert len(sound.buffers[0]) == 32000
    assert all(desk.store.local(key).is_file() for key in page.files().values())
    assert job.finished_at == pytest.approx((result / "manifest.json").stat().st_mtime, abs=0.01)
    desk.close()


def test_a_result_that_is_named_twice_is_there_once(result: Path, tmp_path: Path) -> None:
    desk = desk_of([result, result.parent / ".." / result.parent.name / result.name], tmp_path / "desk")
    assert len(desk.jobs.jobs(owner=ME)) == 1
    desk.close()


def test_a_batch_says_what_came_of_each_job(batch: Path, tmp_path: Path) -> None:
    desk = desk_of([batch], tmp_path / "desk")
    (found,) = desk.jobs.batches(ME)
    jobs = desk.jobs.jobs(owner=ME, batch=found.id)
    assert [job.state for job in jobs] == [State.SUCCEEDED, State.FAILED, State.FAILED]
    assert [job.error and job.error["reason"] for job in jobs] == [None, "out-of-memory", "file-not-found"]
    assert jobs[0].finished_at is not None
    assert jobs[0].started_at is not None
    assert jobs[0].finished_at - jobs[0].started_at == pytest.approx(12.5)
    assert jobs[0].result["measures"]["speakers"] == 3
    desk.close()


def test_a_batch_that_the_own_table_knows_is_seen_as_it_runs(batch: Path, tmp_path: Path, own_table: Path) -> None:
    with JobTable.open(own_table) as table:
        table.submit_many(read_batch(batch).requests())
    desk = desk_of([batch], tmp_path / "desk")
    assert {job.state for job in desk.jobs.jobs(owner=ME)} == {State.QUEUED}
    desk.close()


def test_another_process_opens_the_same_desk(result: Path, tmp_path: Path) -> None:
    desk = desk_of([result], tmp_path / "desk")
    (job,) = desk.jobs.jobs(owner=ME)
    desk.close()
    again = opened(tmp_path / "desk")
    assert open_page(own(ME, "recording", job.id), Reader(ME), again).data()["lanes"][0] == "mixture"
    again.close()


def test_a_folder_with_neither_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        desk_of([tmp_path], tmp_path / "desk")
    assert refused.value.reason == "no-result"


def test_a_result_that_is_removed_later_is_a_page_that_says_so(result: Path, tmp_path: Path) -> None:
    desk = desk_of([result], tmp_path / "desk")
    (job,) = desk.jobs.jobs(owner=ME)
    shutil.rmtree(result)
    with pytest.raises(InputError) as refused:
        open_page(own(ME, "recording", job.id), Reader(ME), desk)
    assert refused.value.reason == "gone-result"
    assert str(tmp_path) not in str(refused.value)
    desk.close()
