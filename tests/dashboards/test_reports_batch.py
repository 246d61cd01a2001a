"""The report of a batch: it writes one for itself, and says what came of everything in it."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from speaksep_dashboards.reports.sources import report_of, write_batch_report
from speaksep_kernel.jobs.batch import report as batch_report
from speaksep_kernel.jobs.batch.folder import BATCH, Batch, Task, new_batch, read_batch, settle
from speaksep_kernel.jobs.batch.report import write_report
from speaksep_kernel.jobs.batch.results import Result, write_results
from speaksep_kernel.testing import conversation, known_separation
from tests.dashboards.reading import told


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Batch:
    """Two that worked, one that failed, one that was refused, one not done."""
    folder = tmp_path_factory.mktemp("batch") / "meetings"
    refusal = {"ok": False, "error": "no file '/srv/x/gone.wav'", "reason": "file-not-found", "hint": ""}
    tasks = [Task(name, {"source": f"/srv/x/{name}.wav"}, 12.0) for name in ("a", "b", "c", "d")]
    batch = settle(new_batch(folder, "separate", [*tasks, Task("gone", {}, None, refusal)], {"max_attempts": 3}))
    for number, name in enumerate("ab"):
        talk = conversation(12.0 + number, speakers=2, overlap=0.2 + 0.2 * number, seed=number)
        known_separation(talk, folder / name / "tracks", name=f"{name}.wav")
    failure = {"ok": False, "error": "no memory in '/srv/x'", "reason": "out-of-memory", "hint": ""}
    common = {"job": "1", "sound_s": 12.0, "attempts": 1, "cached": False, "directory": "", "notebook": ""}
    states = (("a", "succeeded", None), ("b", "succeeded", None), ("c", "failed", failure), ("d", "queued", None))
    results = [
        Result(name=name, state=state, error=error, seconds=6.0, parameters={}, **common)  # type: ignore[arg-type]
        for name, state, error in states
    ]
    write_results(batch, results)
    return batch


def test_it_tells_failures_worst_cases_and_cost(batch: Batch) -> None:
    made = report_of(batch.directory)
    report = told(made.html())
    assert made.title == "Batch meetings"
    assert made.numbers[:2] == (("2", "done"), ("2", "failed"))
    assert "1 not done yet" in made.lead
    assert report.row("out-of-memory") == ["1", "no memory in 'x'"]
    assert report.row("file-not-found")[0] == "1"
    assert report.row("work per second of sound") == ["0.48 s"]
    assert report.row("notebook") == ["separate"]
    assert [name.split(",")[0] for name in report.sounds] == ["b.wav"] * 3 + ["a.wav"] * 3
    assert "/srv/" not in report.text


def test_it_is_written_beside_the_results_by_whoever_can(batch: Batch) -> None:
    place = write_report(batch)
    assert place == batch.directory / "report.html"
    assert told(place.read_text()).headings[0] == "Batch meetings"


def test_a_writer_that_fails_is_no_fault_of_the_batch(
    batch: Batch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = EntryPoint("batch", "speaksep_dashboards.reports.sources:nothing", batch_report.GROUP)
    monkeypatch.setattr(batch_report, "entry_points", lambda group: [broken])
    assert write_report(batch) is None
    assert "no report: AttributeError" in caplog.text


def test_before_its_first_results_everything_waits(tmp_path: Path) -> None:
    settle(new_batch(tmp_path / "new", "separate", [Task("a", {}, 5.0)], {}))
    write_batch_report(tmp_path / "new", tmp_path / "r.html")
    report = told((tmp_path / "r.html").read_text())
    assert "1 not done yet" in report.text
    assert report.pictures == {}


def test_a_result_that_was_taken_away_is_a_row_without_figures(tmp_path: Path) -> None:
    batch = settle(new_batch(tmp_path / "moved", "separate", [Task("a", {}, 5.0)], {}))
    common = {"job": "1", "sound_s": 5.0, "attempts": 2, "cached": True, "directory": "", "notebook": ""}
    write_results(batch, [Result(name="a", state="succeeded", error=None, seconds=1.0, parameters={}, **common)])  # type: ignore[arg-type]
    assert told(report_of(batch.directory).html()).row("a") == ["succeeded", "5 s", "–", "–", "–", "–", "–"]


def test_a_damaged_batch_is_refused(tmp_path: Path) -> None:
    (tmp_path / BATCH).write_text(json.dumps({"tasks": 1}))
    with pytest.raises(Exception, match="is damaged"):
        report_of(tmp_path)
    with pytest.raises(Exception, match="is damaged"):
        read_batch(tmp_path)
