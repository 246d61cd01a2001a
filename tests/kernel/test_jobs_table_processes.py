"""Many processes on one table: nothing is done twice in effect and nothing is lost, whoever is killed or in the way."""

from __future__ import annotations

import multiprocessing
import os
import random
import resource
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import psycopg
import pytest

from speaksep_kernel.errors import StoreError
from speaksep_kernel.jobs.backoff import Backoff
from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.jobs.states import State
from speaksep_kernel.jobs.transactions import Transactions
from tests.kernel.database_servers import PostgreSql
from tests.kernel.table_workers import claim_all, report_all, start, submit_all, toil

PROCESSES = 4
LEASE_S = 1.0
JOBS = int(os.environ.get("SPEAKSEP_JOBS_CLAIMED", "240"))
KILLS = int(os.environ.get("SPEAKSEP_KILLS", "16"))
SEED = int(os.environ.get("SPEAKSEP_SEED", "6"))


def numbered(count: int) -> list[JobRequest]:
    return [
        JobRequest(notebook="separate", parameters={"number": n}, max_attempts=999, max_losses=999)
        for n in range(count)
    ]


def finish(processes: list[ForkServerProcess]) -> None:
    for process in processes:
        process.join(timeout=200)
    assert [process.exitcode for process in processes] == [0] * len(processes)


def test_several_services_on_one_table_never_run_one_job_twice(place: str, tmp_path: Path) -> None:
    with JobTable.open(place) as table:
        table.submit_many(numbered(JOBS))
        finish([start(claim_all, place, tmp_path, f"service-{number}", PROCESSES) for number in range(PROCESSES)])
        claims = [
            [tuple(map(int, line.split())) for line in path.read_text().splitlines()]
            for path in tmp_path.glob("service-*")
        ]
        assert sorted(claim for one in claims for claim in one) == [(number, 1) for number in range(JOBS)]
        assert [one == sorted(one) for one in claims] == [True] * PROCESSES
        assert all(claims)
        assert table.counts()[State.SUCCEEDED] == JOBS


def test_keys_sent_by_many_at_once_are_one_job_each(place: str) -> None:
    finish([start(submit_all, place, 40, seed) for seed in range(PROCESSES)])
    with JobTable.open(place) as table:
        assert sorted(job.key or "" for job in table.jobs()) == sorted(map(str, range(40)))
        assert len(table.events()) == 40


def test_who_follows_events_misses_none(place: str) -> None:
    steps, each = 15, 3
    with JobTable.open(place) as table:
        table.submit_many(numbered(PROCESSES * each))
        jobs = [table.claim("worker", lease_s=60) for _ in range(PROCESSES * each)]
        seen = table.events(limit=10_000)
        writers = [start(report_all, place, jobs[n * each : (n + 1) * each], steps) for n in range(PROCESSES)]
        total = len(seen) + PROCESSES * each * steps
        deadline_s = time.monotonic() + 200
        while len(seen) < total and time.monotonic() < deadline_s:
            seen += table.events(seen[-1].seq, limit=7)
        finish(writers)
        assert len(seen) == total
        assert seen == table.events(limit=10_000)


def kill(process: ForkServerProcess) -> list[threading.Timer]:
    """End it in the middle of whatever it does."""
    process.kill()
    return []


def freeze(process: ForkServerProcess) -> list[threading.Timer]:
    """Stop it, let it go on when its job may be somebody else's, and end it later."""
    assert process.pid is not None
    os.kill(process.pid, signal.SIGSTOP)
    thaw = threading.Timer(2 * LEASE_S, os.kill, (process.pid, signal.SIGCONT))
    end = threading.Timer(4 * LEASE_S, process.kill)
    thaw.start()
    end.start()
    return [thaw, end]


@pytest.mark.timeout(120 + 10 * KILLS)
def test_killed_and_frozen_workers_lose_nothing_and_publish_nothing_twice(place: str, tmp_path: Path) -> None:
    chance, count = random.Random(SEED), 8 * KILLS
    published = tmp_path / "published"
    published.mkdir()
    with JobTable.open(place, patience_s=120, backoff=Backoff(first_s=0.05, cap_s=0.5)) as table:
        table.submit_many(numbered(count))
        workers = [start(toil, place, published, LEASE_S) for _ in range(PROCESSES)]
        harmed: list[ForkServerProcess] = []
        thaws: list[threading.Timer] = []
        lost = 0
        for number in range(KILLS):
            time.sleep(chance.uniform(0.01, 0.2))
            lost += len(table.reap())
            harmed.append(workers.pop(chance.randrange(PROCESSES)))
            thaws += (kill, freeze)[number % 2](harmed[-1])
            workers.append(start(toil, place, published, LEASE_S))
        while table.counts()[State.SUCCEEDED] < count:
            time.sleep(LEASE_S / 10)
            lost += len(table.reap())
        for thaw in thaws:
            thaw.join()
        for process in (*workers, *harmed):
            process.kill()
            process.join()
        jobs = table.jobs()
    assert [job.state for job in jobs] == [State.SUCCEEDED] * count
    assert {job.id: job.attempt for job in jobs} == {
        path.name: int(path.read_text()) for path in published.glob("[!.]*")
    }
    assert sum(job.losses for job in jobs) == lost


def test_a_table_that_is_locked_for_seconds_is_waited_for(place: str) -> None:
    with JobTable.open(place) as table:
        job = table.submit(JobRequest(notebook="separate"))
        lock = LOCKS[table.url.startswith("postgresql")]
        held, release = threading.Event(), threading.Event()
        holder = threading.Thread(target=lock, args=(place, held, release))
        holder.start()
        held.wait()
        threading.Timer(1.5, release.set).start()
        begin_s = time.monotonic()
        assert table.claim("worker", lease_s=30) is not None
        assert time.monotonic() - begin_s > 1.4
        holder.join()
        assert table.get(job.id).attempt == 1


def test_a_table_that_stays_locked_is_said_to_be_busy(place: str) -> None:
    with JobTable.open(place, patience_s=1.0) as table:
        lock = LOCKS[table.url.startswith("postgresql")]
        held, release = threading.Event(), threading.Event()
        holder = threading.Thread(target=lock, args=(place, held, release))
        holder.start()
        held.wait()
        with pytest.raises(StoreError, match="job table") as error:
            table.submit(JobRequest(notebook="separate"))
        assert error.value.reason == "store-busy"
        release.set()
        holder.join()
        assert table.submit(JobRequest(notebook="separate")).state is State.QUEUED


def _lock_sqlite(place: str, held: threading.Event, release: threading.Event) -> None:
    raw = sqlite3.connect(place, isolation_level=None)
    raw.execute("BEGIN EXCLUSIVE")
    held.set()
    release.wait()
    raw.execute("ROLLBACK")
    raw.close()


def _lock_postgresql(place: str, held: threading.Event, release: threading.Event) -> None:
    with psycopg.connect(place.replace("+psycopg", "")) as raw:
        raw.execute("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
        held.set()
        release.wait()
        raw.rollback()


LOCKS = (_lock_sqlite, _lock_postgresql)


def _fill_the_disk(place: str, answer: Path) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    largest = Path(place).stat().st_size + 40_000
    request = JobRequest(notebook="separate", parameters={"text": "x" * 20_000}, key="k")
    with JobTable.open(place, patience_s=0.5) as table, JobTable.open(place, patience_s=60) as patient:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
        reasons = []
        for number in range(20):
            try:
                table.submit(JobRequest(notebook="separate", parameters={"text": "x" * 20_000}, key=str(number)))
            except StoreError as error:
                reasons.append(error.reason)
                break
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        threading.Timer(1.0, resource.setrlimit, (resource.RLIMIT_FSIZE, unlimited)).start()
        patient.submit(request)
        answer.write_text(f"{reasons} {len(table.jobs()) - number}")


def test_a_full_disk_is_told_and_what_waits_for_space_goes_on(fresh_sqlite: str, tmp_path: Path) -> None:
    finish([start(_fill_the_disk, fresh_sqlite, tmp_path / "answer")])
    assert (tmp_path / "answer").read_text() == "['store-full'] 1"


def test_a_server_that_restarts_is_waited_for(postgres: PostgreSql, fresh_postgresql: str) -> None:
    with JobTable.open(fresh_postgresql) as table:
        job = table.submit(JobRequest(notebook="separate"))
        postgres.stop()
        threading.Timer(1.0, postgres.start).start()
        assert table.get(job.id) == job
        assert table.claim("worker", lease_s=30) is not None


def test_threads_share_one_table_object(place: str) -> None:
    with JobTable.open(place) as table:
        table.submit_many(numbered(60))
        claimed: list[int] = []

        def work() -> None:
            while (job := table.claim("thread", lease_s=30)) is not None:
                claimed.append(job.parameters["number"])

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(claimed) == list(range(60))


def test_a_locked_table_can_be_opened_and_read(fresh_sqlite: str) -> None:
    held, release = threading.Event(), threading.Event()
    holder = threading.Thread(target=_lock_sqlite, args=(fresh_sqlite, held, release))
    holder.start()
    held.wait()
    with JobTable.open(fresh_sqlite, patience_s=0.5) as table:
        assert table.jobs() == []
    release.set()
    holder.join()


def test_a_request_whose_answer_was_lost_is_stored_once(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with JobTable.open(place) as table:
        answers = iter([StoreError("cut off", reason="store-unreachable")])
        run = Transactions.patiently

        def cut_off(self: Transactions, work: Callable[[], object], **more: object) -> object:
            """The commit was done, but nobody heard of it."""

            def lost() -> object:
                done = work()
                for error in answers:
                    raise error
                return done

            return run(self, lost)

        monkeypatch.setattr(Transactions, "patiently", cut_off)
        jobs = table.submit_many(numbered(3))
        assert next(answers, None) is None
        assert table.jobs() == jobs


def test_a_forked_process_has_connections_of_its_own(place: str) -> None:
    with JobTable.open(place) as table:
        job = table.submit(numbered(1)[0])
        # Nothing is pickled here: the child has the very object.
        child = multiprocessing.get_context("fork").Process(target=table.claim, args=("child",), kwargs={"lease_s": 30})
        child.start()
        child.join()
        assert (child.exitcode, table.get(job.id).worker) == (0, "child")
        assert table.heartbeat(job.id, 1).mine
