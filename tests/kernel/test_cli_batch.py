"""``speaksep batch`` and ``speaksep jobs`` as far as nothing runs; what runs is in test_jobs_faults_*.py."""

import json

import numpy as np
import pytest
import soundfile as sf

from speaksep_kernel.cli import main
from speaksep_kernel.cli.batch_view import Lines, Pace
from speaksep_kernel.jobs.batch.folder import Task, new_batch
from speaksep_kernel.jobs.batch.perform import submit
from speaksep_kernel.jobs.dispatcher import Glance
from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.jobs.states import State


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    for name in ("a.wav", "b.wav"):
        sf.write(tmp_path / name, np.zeros(16000), 16000)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPEAKSEP_JOBS", str(tmp_path / "jobs.sqlite3"))
    return tmp_path


def said(capsys, *words, code=0):
    assert main([str(word) for word in words]) == code
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_a_dry_run_tells_what_would_be_done_and_does_nothing(capsys, place):
    out, _ = said(capsys, "batch", "separate", ".", "-o", "out", "-p", "speakers=2", "--workers", "1", "--dry-run")
    assert "2 jobs of separate, 0:02 of sound, into" in out
    assert "with 1 worker (local) on CPUs" in out
    assert f"  a  0:01  source={place}/a.wav  speakers=2" in out
    assert out.endswith("nothing was run\n")
    out, _ = said(capsys, "batch", "separate", ".", "-o", "out", "--dry-run", "--json")
    answer = json.loads(out)
    assert (answer["dry_run"], answer["cost"]["jobs"], answer["jobs"][1]["name"]) == (True, 2, "b")
    assert not (place / "out").exists()
    assert not (place / "jobs.sqlite3").exists()


def test_broken_rows_are_named_each_in_a_line(capsys, place):
    (place / "t.csv").write_text("source,speakers\na.wav,2\na.wav,two\nc.wav,2\n")
    out, err = said(capsys, "batch", "separate", "--table", "t.csv", "-o", "out", "--json", code=2)
    lines = err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["  line 3", "  line 4", "speaksep"]
    assert "2 of 3 rows cannot run" in lines[-1]
    answer = json.loads(out)
    assert (answer["ok"], answer["reason"], len(answer["rows"])) == (False, "broken-rows", 2)
    assert not (place / "out").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["separate", "a.wav"], "--output"),
        (["-o", "out"], "which notebook"),
        (["seperate", "a.wav", "-o", "out"], "'seperate'"),
        (["separate", "-o", "out"], "no inputs"),
        (["separate", "c.wav", "-o", "out"], "'c.wav'"),
        (["separate", "a.wav", "-o", "out", "--executor", "slurm"], "'slurm'"),
        (["separate", "a.wav", "-o", "out", "--workers", "0"], "workers"),
        (["separate", "a.wav", "-o", "out", "-p", "speakers"], "no value"),
        (["separate", "a.wav", "-o", "a.wav"], "is a file"),
        (["separate", "a.wav", "-o", "."], "other files"),
        (["--resume", "-o", "out"], "no batch"),
    ],
    ids=lambda value: "_".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_one_line_and_exit_2(capsys, place, words, says):
    before = sorted(place.iterdir())
    out, err = said(capsys, "batch", *words, code=2)
    assert (out, err.count("\n")) == ("", 1)
    assert says in err
    assert sorted(place.iterdir()) == before


def test_batch_notebooks_are_listed_with_their_parameters(capsys):
    out, _ = said(capsys, "batch", "--list")
    assert "separate: Separate a recording" in out
    assert "  source (str, required): Recording to separate" in out
    answer = json.loads(said(capsys, "batch", "--list", "--json")[0])
    assert {each["name"] for each in answer["notebooks"]} >= {"separate", "diagnose-folder", "evaluate", "summary"}


@pytest.fixture
def jobs(place):
    """Four jobs of a batch: done, failed, running, waiting."""
    batch = new_batch(place / "out", "separate", [Task(name, {"source": f"/{name}.wav"}) for name in "abcd"], {})
    with JobTable.open() as table:
        submit(batch, table)
        done, failed, _ = (table.claim("w", lease_s=60) for _ in range(3))
        table.succeed(done.id, done.attempt, {"directory": "/a"})
        table.fail(failed.id, failed.attempt, {"error": "b.wav: damaged", "reason": "damaged", "hint": ""}, again=False)
        table.submit(JobRequest(notebook="separate", owner="somebody"))
        return [job.id for job in table.jobs(batch=batch.id)]


def test_jobs_are_listed_shown_cancelled_and_tried_again(capsys, jobs):
    out, _ = said(capsys, "jobs", "list", "--batch", "out")
    assert [line.split()[0] for line in out.splitlines()[:-1]] == jobs[::-1]
    assert out.splitlines()[-1] == "1 queued, 1 running, 1 succeeded, 1 failed"
    assert "failed      separate  b" in out
    assert "b.wav: damaged" in out
    out, _ = said(capsys, "jobs", "list", "--state", "failed", "--state", "running", "--json")
    assert [job["id"] for job in json.loads(out)["jobs"]] == [jobs[2], jobs[1]]
    out, _ = said(capsys, "jobs", "show", jobs[1][:10])
    assert "error: b.wav: damaged" in out
    assert "parameters: source=/b.wav" in out
    assert json.loads(said(capsys, "jobs", "show", jobs[1], "--json")[0])["events"][-1]["state"] == "failed"
    assert said(capsys, "jobs", "retry", jobs[1])[0] == "1 job queued again\n"
    assert said(capsys, "jobs", "cancel", "--batch", "out")[0] == "3 jobs cancelled\n"
    assert said(capsys, "jobs", "prune", "--older-than", "0", "--batch", "out")[0].startswith(
        "3 finished jobs forgotten"
    )
    with JobTable.open() as table:
        assert [job.state for job in table.jobs()] == [State.CANCELLING, State.QUEUED]


@pytest.mark.parametrize(
    ("words", "says", "code"),
    [
        (["show", "nowhere"], "no job 'nowhere'", 2),
        (["cancel"], "which jobs", 2),
        (["list", "--state", "lost"], "'lost'", 2),
        (["list", "--jobs", "mysql://x/y"], "mysql", 2),
        (["work", "--executor", "slurm"], "slurm", 2),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_wrong_words_about_jobs_are_one_line(capsys, words, says, code):
    out, err = said(capsys, "jobs", *words, code=code)
    assert (out, err.count("\n")) == ("", 1)
    assert says in err


def test_logs_get_a_line_for_each_failure(capsys, jobs, place):
    import io

    from speaksep_kernel.jobs.batch.folder import read_batch

    stream = io.StringIO()
    with JobTable.open() as table:
        found = table.jobs(batch=read_batch(place / "out").id)
        glance = Glance(table.counts(), 1, (found[2],), tuple(found[:2]), "locked")
    lines = Lines(read_batch(place / "out"), stream, every_s=0)
    lines(glance)
    lines(glance)
    assert stream.getvalue().splitlines()[:3] == [
        "b failed: b.wav: damaged",
        "waiting: locked",
        "1 done, 1 failed, 1 running, 2 waiting",
    ]


def test_the_time_left_is_known_once_something_was_done(monkeypatch):
    from types import SimpleNamespace

    now = [0.0]
    monkeypatch.setattr("speaksep_kernel.cli.batch_view.time.monotonic", lambda: now[0])
    pace = Pace(SimpleNamespace(tasks=[Task(str(n), {}, seconds=50.0) for n in range(4)]))
    finished = SimpleNamespace(key="b/0", id="")

    def left(count, *jobs):
        return pace.left_s(SimpleNamespace(left=count, finished=jobs, held=()))

    assert left(4) is None
    now[0] = 10.0
    assert left(3, finished) == pytest.approx(30.0)
