"""One attempt: what is published, what is told, what is kept; with real kernels."""

import json
import threading
import time
from pathlib import Path

import nbformat
import pytest

from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.jobs.runner import run
from speaksep_kernel.jobs.states import State
from speaksep_kernel.jobs.ticket import Ticket
from tests.kernel.batch_notebooks import write

# papermill and the Jupyter clients under it use what Python and each other have deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

WRITES = "from pathlib import Path\nPath('made.txt').write_text(str(n))"
SLEEPS = "print('begun', flush=True)\nimport time\ntime.sleep(600)"


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """Notebooks of this test alone; the interpreter's own kernel, which starts faster than ours does the first time."""
    monkeypatch.setenv("SPEAKSEP_NOTEBOOKS", str(tmp_path / "notebooks"))
    monkeypatch.setenv("SPEAKSEP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SPEAKSEP_KERNEL", "python3")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))


def notebook(tmp_path: Path, *cells: str, **metadata: object) -> None:
    write(tmp_path / "notebooks", "mine", "n: int = 1  # A number", *cells, **metadata)


def ticket(tmp_path: Path, **more: object) -> Ticket:
    told = {
        "job": "j",
        "attempt": 1,
        "notebook": "mine",
        "parameters": {"n": 3},
        "directory": str(tmp_path / "out" / "talk"),
    }
    return Ticket(**{"grace_s": 1.0, **told, **more})


def left_over(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "out").iterdir())


def test_a_success_is_published_with_its_report_and_provenance(tmp_path):
    notebook(tmp_path, WRITES, "print('all well')")
    outcome = run(ticket(tmp_path))
    assert (outcome.state, outcome.error) == ("succeeded", None)
    place = tmp_path / "out" / "talk"
    assert (place / "made.txt").read_text() == "3"
    assert "all well" in (place / "mine.ipynb").read_text()
    told = json.loads((place / "job.json").read_text())
    assert (told["job"], told["notebook"], told["parameters"]) == ("j", "mine", {"n": 3})
    assert told["result"] == outcome.result
    assert list(outcome.result["files"]) == ["made.txt"]
    assert left_over(tmp_path) == ["talk"]


def test_what_processors_spent_is_noted(tmp_path):
    notebook(tmp_path, "import time\nwhile time.process_time() < 1.5: pass", "time.sleep(1)")
    outcome = run(ticket(tmp_path))
    assert 1.4 <= outcome.result["cpu_s"] < outcome.seconds - 0.9  # sleeping is for nothing


REFUSES = """print('begun')
from speaksep_kernel.errors import InputError
raise InputError('no sound', reason='no-sound', hint='record some')"""
EATS = """print('begun', flush=True)
import time
hoard = []
while True:
    hoard.append(bytes(b'x') * 10_000_000)
    time.sleep(0.01)"""
KILLS = """print('begun', flush=True)
import os, signal, time
time.sleep(0.5)
os.kill(os.getpid(), signal.SIGKILL)"""
STAYS = """print('begun', flush=True)
import time
while True:
    try:
        time.sleep(600)
    except BaseException:
        pass"""
FULL = """print('begun')
import errno, os
raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))"""


@pytest.mark.parametrize(
    ("cell", "limits", "reason", "again", "words"),
    [
        ("print('begun')\n1 / 0", {}, "notebook-failed", False, "ZeroDivisionError: division by zero"),
        (REFUSES, {}, "no-sound", False, "no sound"),
        (SLEEPS, {"seconds": 6.0}, "time-limit", False, "took longer than 6 s"),
        (EATS, {"memory_bytes": 300_000_000}, "memory-limit", False, "used more than 300 MB"),
        (KILLS, {}, "kernel-died", True, "its kernel ended"),
        (STAYS, {"seconds": 5.0}, "time-limit", False, "took longer than 5 s"),
        (FULL, {}, "disk-full", True, "No space left"),
    ],
    ids=["raises", "refuses", "hangs", "eats memory", "kills its kernel", "will not stop", "finds the disk full"],
)
def test_a_failure_is_told_and_publishes_nothing_but_its_report(tmp_path, cell, limits, reason, again, words):
    notebook(tmp_path, WRITES, cell, "print('never')")
    started = time.monotonic()
    outcome = run(ticket(tmp_path, **limits))
    assert time.monotonic() - started < 60
    assert (outcome.state, outcome.error["reason"], outcome.again) == ("failed", reason, again)
    assert words in outcome.error["error"]
    assert left_over(tmp_path) == ["talk.failed.ipynb"]
    report = nbformat.read(outcome.report, 4)
    printed = [output.get("text", "") for cell in report.cells for output in cell.get("outputs", ())]
    assert "begun\n" in printed
    states = [cell.metadata.papermill.status for cell in report.cells if "papermill" in cell.metadata]
    assert states[-2:] == ["failed", "pending"]


def test_a_success_removes_what_an_earlier_failure_told(tmp_path):
    notebook(tmp_path, "assert n == 4")
    assert run(ticket(tmp_path)).state == "failed"
    assert run(ticket(tmp_path, attempt=2, parameters={"n": 4})).state == "succeeded"
    assert left_over(tmp_path) == ["talk"]


def test_a_second_run_replaces_what_the_first_published(tmp_path):
    notebook(tmp_path, WRITES)
    run(ticket(tmp_path))
    assert run(ticket(tmp_path, job="k", parameters={"n": 5})).state == "succeeded"
    assert (tmp_path / "out" / "talk" / "made.txt").read_text() == "5"
    assert left_over(tmp_path) == ["talk"]


@pytest.mark.parametrize("name", ["{n} of {m}", "a 'b' \"c\"", "ü – 録音", "-o", "x" * 240], ids=str)
def test_any_name_can_be_a_directory(tmp_path, name):
    notebook(tmp_path, WRITES)
    assert run(ticket(tmp_path, directory=str(tmp_path / "out" / name))).state == "succeeded"
    assert left_over(tmp_path) == [name]


def test_what_others_put_there_is_not_touched(tmp_path):
    notebook(tmp_path, WRITES)
    (tmp_path / "out" / "talk").mkdir(parents=True)
    (tmp_path / "out" / "talk" / "thesis.txt").write_text("mine")
    outcome = run(ticket(tmp_path))
    assert (outcome.state, outcome.error["reason"]) == ("failed", "output-not-empty")
    assert (tmp_path / "out" / "talk" / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("more", "reason"),
    [({"notebook": "none"}, "unknown-notebook"), ({"parameters": {"m": 1}}, "unknown-parameter")],
    ids=["notebook", "parameter"],
)
def test_bad_input_fails_without_a_kernel(tmp_path, more, reason):
    notebook(tmp_path, WRITES)
    outcome = run(ticket(tmp_path, **more))
    assert (outcome.state, outcome.error["reason"], outcome.again) == ("failed", reason, False)
    assert not (tmp_path / "out").exists()


class Claimed:
    """A job in a real table, claimed by this process."""

    def __init__(self, place: str, tmp_path: Path) -> None:
        self.table = JobTable.open(place)
        self.table.submit(JobRequest(notebook="mine", parameters={"n": 3}, output=str(tmp_path / "out" / "talk")))
        self.job = self.table.claim("a worker", lease_s=30)
        self.ticket = Ticket(
            job=self.job.id, attempt=self.job.attempt, notebook="mine", parameters=self.job.parameters,
            directory=self.job.output, table=self.table.url, heartbeat_s=0.3, grace_s=5.0,
        )  # fmt: skip

    def when(self, happened, then) -> threading.Thread:
        """Do something as soon as something has happened."""

        def wait() -> None:
            while not happened():
                time.sleep(0.05)
            then()

        thread = threading.Thread(target=wait)
        thread.start()
        return thread

    def state(self) -> State:
        return self.table.get(self.job.id).state


@pytest.fixture
def claimed(fresh_sqlite, tmp_path):
    return Claimed(fresh_sqlite, tmp_path)


def begun(tmp_path: Path):
    """The notebook has come to its last cell."""
    return lambda: any((tmp_path / "out").glob(".attempt-*/begun"))


def test_the_table_hears_of_cells_and_of_progress_in_them(claimed, tmp_path):
    notebook(
        tmp_path,
        "from speaksep_kernel.jobs.cell import progress\nimport time\nhook = progress()\n"
        "for part in range(8):\n    hook('separate', part, 8); time.sleep(0.4)",
        "import time\nfrom tqdm.notebook import tqdm\nfor part in tqdm(range(8)): time.sleep(0.4)",
        WRITES,
    )
    outcome = run(claimed.ticket)
    assert outcome.state == "succeeded"
    job = claimed.table.get(claimed.job.id)
    assert (job.state, job.fraction, job.report) == (State.SUCCEEDED, 1.0, outcome.report)
    assert job.result == outcome.result
    told = [(event.fraction, event.stage, event.message) for event in claimed.table.events(job_id=job.id)]
    fractions = [fraction for fraction, _, _ in told]
    assert fractions == sorted(fractions)
    assert sum(stage == "separate" for _, stage, _ in told) >= 2
    assert sum("of cell" in message for _, _, message in told) >= 2
    assert len(told) < 20


def test_cancelling_keeps_the_partial_notebook(claimed, tmp_path):
    notebook(tmp_path, WRITES, "open('begun', 'w')\n" + SLEEPS, "print('never')")
    other = claimed.when(begun(tmp_path), lambda: claimed.table.cancel(claimed.job.id))
    outcome = run(claimed.ticket)
    other.join()
    assert (outcome.state, claimed.state()) == ("cancelled", State.CANCELLED)
    assert left_over(tmp_path) == ["talk.cancelled.ipynb"]
    kept = Path(outcome.report).read_text()
    assert "begun" in kept
    assert "KeyboardInterrupt" in kept


def test_who_lost_the_job_publishes_nothing(claimed, tmp_path):
    notebook(tmp_path, "open('begun', 'w')\nimport time\ntime.sleep(600)")
    other = claimed.when(begun(tmp_path), lambda: claimed.table.release(claimed.job.id, claimed.job.attempt))
    outcome = run(claimed.ticket)
    other.join()
    assert (outcome.state, claimed.state()) == ("lost", State.QUEUED)
    assert left_over(tmp_path) == []


def test_who_was_replaced_while_finishing_publishes_nothing(claimed, tmp_path):
    # Heartbeats are too rare to notice: only the fencing token is in the way.
    notebook(tmp_path, WRITES, "open('begun', 'w')\nimport time\ntime.sleep(1)")
    slow = Ticket(**{**vars(claimed.ticket), "heartbeat_s": 600.0})
    seize = lambda: (claimed.table.release(claimed.job.id, 1), claimed.table.claim("another", lease_s=30))  # noqa: E731
    other = claimed.when(begun(tmp_path), seize)
    outcome = run(slow)
    other.join()
    assert (outcome.state, claimed.state()) == ("lost", State.RUNNING)
    assert left_over(tmp_path) == []


def test_what_was_published_before_a_crash_is_not_done_again(claimed, tmp_path):
    notebook(tmp_path, WRITES)
    run(Ticket(**{**vars(claimed.ticket), "table": None}))  # published, and the table never heard of it
    written = (tmp_path / "out" / "talk" / "made.txt").stat().st_mtime_ns
    outcome = run(claimed.ticket)
    assert (outcome.state, claimed.state()) == ("succeeded", State.SUCCEEDED)
    assert (tmp_path / "out" / "talk" / "made.txt").stat().st_mtime_ns == written
    assert claimed.table.get(claimed.job.id).result["files"].keys() == {"made.txt"}


def test_folders_of_killed_attempts_are_removed(claimed, tmp_path):
    notebook(tmp_path, WRITES)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / f".attempt-{claimed.job.id}-0-abc.part").mkdir()
    run(claimed.ticket)
    assert left_over(tmp_path) == ["talk"]
