"""Jobs whose recordings and results are in a store elsewhere: a real S3 server, real kernels."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.jobs.remote import RemoteAttempt
from speaksep_kernel.jobs.runner import run
from speaksep_kernel.jobs.states import State
from speaksep_kernel.jobs.ticket import Ticket
from speaksep_kernel.store import keys
from speaksep_kernel.store.store import Store
from tests.kernel.batch_notebooks import write
from tests.kernel.s3_server import S3Server

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

READS = "from pathlib import Path\nPath('tracks').mkdir()\nPath('tracks/made.txt').write_text(Path(source).name)"


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    server = S3Server(tmp_path_factory.mktemp("s3"))
    yield server
    server.stop()


@pytest.fixture
def store(s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SPEAKSEP_NOTEBOOKS", str(tmp_path / "notebooks"))
    monkeypatch.setenv("SPEAKSEP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SPEAKSEP_KERNEL", "python3")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    return Store.open(s3.bucket())


class Claimed:
    """A job in a real table, claimed by this process."""

    def __init__(self, place: str, store: Store, tmp_path: Path, cell: str) -> None:
        write(tmp_path / "notebooks", "mine", 'source: str = ""  # A recording', cell, inputs=["source"])
        with store.incoming("talk.wav") as file:
            file.write(b"RIFF")
            store.keep(file)
            source = store.address(store.name(file.sha256, "talk ü.wav"))
        self.key = keys.result("ann", "job")
        self.table = JobTable.open(place)
        self.table.submit(
            JobRequest(notebook="mine", parameters={"source": source}, output=store.address(self.key), max_attempts=1)
        )

    def ticket(self) -> Ticket:
        job = self.table.claim("a worker", lease_s=30)
        assert job is not None
        return Ticket(
            job=job.id, attempt=job.attempt, notebook=job.notebook, parameters=job.parameters, directory=job.output,
            table=self.table.url, heartbeat_s=0.3, grace_s=5.0,
        )  # fmt: skip


def test_what_it_reads_is_fetched_and_what_it_makes_is_sent(fresh_sqlite: str, store: Store, tmp_path: Path) -> None:
    claimed = Claimed(fresh_sqlite, store, tmp_path, READS)
    outcome = run(claimed.ticket())
    assert (outcome.state, outcome.error) == ("succeeded", None)
    assert outcome.result is not None
    place = store.key_of(outcome.result["directory"])
    assert place == f"{claimed.key}/attempt-1"
    assert set(store.files(place)) == {"job.json", "mine.ipynb", "tracks/made.txt"}
    assert store.local(f"{place}/tracks/made.txt").read_text() == "talk ü.wav"
    told = json.loads(store.local(f"{place}/job.json").read_bytes())
    assert told["parameters"]["source"].startswith("s3://")
    job = claimed.table.get(outcome.job)
    assert (job.state, job.report) == (State.SUCCEEDED, outcome.report)
    assert store.local(store.key_of(str(outcome.report))).read_text().startswith("{")


def test_a_failure_leaves_its_report_alone(fresh_sqlite: str, store: Store, tmp_path: Path) -> None:
    claimed = Claimed(fresh_sqlite, store, tmp_path, READS + "\n1 / 0")
    outcome = run(claimed.ticket())
    assert outcome.state == "failed"
    assert list(store.files(claimed.key)) == ["failed.ipynb"]
    assert "ZeroDivisionError" in store.local(store.key_of(str(outcome.report))).read_text()


def test_who_lost_the_job_publishes_nothing_and_who_has_it_tidies_up(
    fresh_sqlite: str, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed = Claimed(fresh_sqlite, store, tmp_path, READS)
    slow = claimed.ticket()
    seal = RemoteAttempt.seal

    def seal_late(attempt: RemoteAttempt) -> None:
        seal(attempt)
        claimed.table.release(slow.job, slow.attempt)

    monkeypatch.setattr(RemoteAttempt, "seal", seal_late)
    assert run(slow).state == "lost"
    assert store.files(claimed.key) == {}
    monkeypatch.setattr(RemoteAttempt, "seal", seal)
    store.write(f"{claimed.key}/attempt-1/left", b"by a worker that was killed")
    store.write(f"{claimed.key}/failed.ipynb", b"{}")
    assert run(claimed.ticket()).state == "succeeded"
    assert store.children(claimed.key) == [f"{claimed.key}/attempt-2"]


def test_a_recording_that_is_gone_is_said_so(fresh_sqlite: str, store: Store, tmp_path: Path) -> None:
    claimed = Claimed(fresh_sqlite, store, tmp_path, READS)
    for key in store.children("blobs"):
        store.remove(key)
    outcome = run(claimed.ticket())
    assert outcome.state == "failed"
    assert outcome.error is not None
    assert outcome.error["reason"] == "not-stored"
    assert store.files(claimed.key) == {}
