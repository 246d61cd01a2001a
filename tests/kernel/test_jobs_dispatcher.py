"""The dispatcher and its crew: whatever executors lose, break or forget, every job is done and none twice."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest

from speaksep_kernel.errors import InputError, JobError, StoreError
from speaksep_kernel.jobs import worker
from speaksep_kernel.jobs.backoff import Backoff
from speaksep_kernel.jobs.crew import FAULTS_IN_A_ROW, Crew
from speaksep_kernel.jobs.dispatcher import Dispatcher
from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.jobs.states import State
from speaksep_kernel.plugins import PluginInfo

LEASE_S = 1.0


class Threads:
    """An executor of threads, with whatever goes wrong with executors."""

    info = PluginInfo("threads", "1", "for tests")

    def __init__(self, workers=2, *, wrong=lambda task: None, opens=lambda: None):
        self.workers, self._wrong, self._opens = workers, wrong, opens
        self.opened = 0

    @contextmanager
    def open(self):
        self._opens()
        self.opened += 1
        with ThreadPoolExecutor(self.workers) as pool:
            yield _Sometimes(pool, self._wrong)
            pool.shutdown(wait=False, cancel_futures=True)


class _Sometimes:
    def __init__(self, pool, wrong):
        self._pool, self._wrong = pool, wrong

    def submit(self, task, *arguments):
        return self._wrong(task) or self._pool.submit(task, *arguments)


@pytest.fixture
def table(tmp_path):
    with JobTable.open(tmp_path / "jobs.sqlite3", backoff=Backoff(0.05, 0.2)) as table:
        yield table
    worker._table(table.url).close()
    worker._table.cache_clear()


@pytest.fixture
def done(monkeypatch, table):
    """Jobs are done at once, in this process; here is which, in which order."""
    made = []

    def run(ticket):
        with suppress(JobError):  # a busy machine: the lease was lost, and somebody else has the job
            table.succeed(ticket.job, ticket.attempt)
            made.append(ticket.parameters["n"])

    monkeypatch.setattr(worker, "run", run)
    return made


def submit(table, count, **fields):
    return table.submit_many([JobRequest(notebook="x", parameters={"n": n}, batch="b", **fields) for n in range(count)])


def dispatch(table, plugin, lease=30.0, **choices):
    Dispatcher(table, plugin, workers=plugin.workers, batch="b", lease=lease, **choices).run()


def test_a_batch_is_done_in_its_order_and_the_dispatcher_ends(table, done):
    submit(table, 20)
    other = table.submit(JobRequest(notebook="x", parameters={"n": -1}, batch="other"))
    glances = []
    Dispatcher(table, Threads(1), workers=1, batch="b", lease=LEASE_S).run(watch=glances.append)
    assert done == list(range(20))
    assert table.get(other.id).state is State.QUEUED
    assert glances[-1].left == 0
    assert glances[-1].counts[State.SUCCEEDED] == 20
    assert len([job for glance in glances for job in glance.finished]) == 20


def test_dispatchers_share_a_batch_and_nothing_is_done_twice(table, done):
    submit(table, 30)
    threads = [threading.Thread(target=dispatch, args=(table, Threads())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(done) == Counter(range(30))


def test_tasks_that_get_lost_carry_no_job(table, done):
    chance = random.Random(1)
    submit(table, 30)
    dispatch(table, Threads(wrong=lambda task: Future() if chance.random() < 0.3 else None), LEASE_S)
    assert Counter(done) == Counter(range(30))


def test_an_executor_that_breaks_is_opened_again(table, done):
    chance = random.Random(1)

    def wrong(task):
        if chance.random() < 0.2:
            raise BrokenExecutor("a worker was killed")

    plugin = Threads(wrong=wrong)
    submit(table, 30)
    dispatch(table, plugin)
    assert Counter(done) == Counter(range(30))
    assert plugin.opened > 1


def test_a_job_that_its_worker_drops_is_done_by_another(table, done, monkeypatch):
    real, dropped = worker.run, []

    def run(ticket):
        if ticket.attempt == 1 and ticket.parameters["n"] % 3 == 0:
            dropped.append(ticket.job)
            return  # as if it had been killed: nobody hears of it again
        real(ticket)

    monkeypatch.setattr(worker, "run", run)
    jobs = submit(table, 6)
    dispatch(table, Threads(), LEASE_S)
    assert sorted(done) == list(range(6))
    assert dropped == [jobs[0].id, jobs[3].id]
    assert all(table.get(job).losses for job in dropped)


@pytest.mark.parametrize(
    ("fault", "attempts", "reason"),
    [(RuntimeError("oh"), 3, "internal"), (InputError("no", reason="why"), 1, "why")],
    ids=["ours", "input"],
)
def test_a_runner_that_raises_fails_its_job_alone(table, done, monkeypatch, fault, attempts, reason):
    real = worker.run

    def run(ticket):
        if ticket.parameters["n"] == 1:
            raise fault
        real(ticket)

    monkeypatch.setattr(worker, "run", run)
    jobs = submit(table, 3)
    dispatch(table, Threads())
    failed = table.get(jobs[1].id)
    assert (failed.state, failed.attempt, failed.error["reason"]) == (State.FAILED, attempts, reason)
    assert sorted(done) == [0, 2]


def test_who_stops_gives_back_what_runs(table, monkeypatch):
    running, stop = threading.Event(), threading.Event()

    def run(ticket):
        running.set()
        while table.heartbeat(ticket.job, ticket.attempt).mine:
            time.sleep(0.02)

    monkeypatch.setattr(worker, "run", run)
    jobs = submit(table, 5)
    dispatcher = Dispatcher(table, Threads(), workers=2, batch="b", lease=LEASE_S)
    thread = threading.Thread(target=dispatcher.run, kwargs={"stop": stop})
    thread.start()
    assert running.wait(10)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert {table.get(job.id).state for job in jobs} == {State.QUEUED}
    assert not any(table.get(job.id).losses for job in jobs)


def test_workers_that_cannot_work_are_given_up(table):
    def wrong(task):
        future = Future()
        future.set_exception(ModuleNotFoundError("No module named 'speaksep_kernel'"))
        return future

    submit(table, 3)
    with pytest.raises(JobError, match="cannot work: ModuleNotFoundError") as caught:
        dispatch(table, Threads(wrong=wrong))
    assert caught.value.reason == "no-workers"
    assert table.counts(batch="b")[State.QUEUED] == 3


def test_an_executor_that_does_not_come_back_is_given_up(table):
    tries = []

    def opens():
        tries.append(1)
        if len(tries) > 1:
            raise ConnectionRefusedError("nobody listens")

    def wrong(task):
        raise BrokenExecutor("gone")

    submit(table, 1)
    with pytest.raises(JobError, match="nobody listens"):
        dispatch(table, Threads(wrong=wrong, opens=opens), patience_s=0.5)


def test_an_executor_that_never_opened_is_said_at_once(table):
    def opens():
        raise InputError("no scheduler at tcp://x", reason="no-scheduler")

    with pytest.raises(InputError, match="no scheduler"):
        dispatch(table, Threads(opens=opens))


def test_a_table_that_is_away_for_a_moment_is_waited_for(table, done, monkeypatch):
    real, away = table.counts, [3]

    def counts(**only):
        if away[0]:
            away[0] -= 1
            raise StoreError("locked", reason="store-busy")
        return real(**only)

    monkeypatch.setattr(table, "counts", counts)
    submit(table, 3)
    dispatch(table, Threads())
    assert sorted(done) == [0, 1, 2]


def test_a_table_that_stays_away_is_said(table, monkeypatch):
    def counts(**only):
        raise StoreError("locked", reason="store-busy")

    monkeypatch.setattr(table, "counts", counts)
    with pytest.raises(StoreError, match="locked"):
        dispatch(table, Threads(), patience_s=0.3)


def test_one_fault_among_successes_is_no_reason_to_stop():
    answers = [*[ValueError("once")] * (FAULTS_IN_A_ROW - 1), 7, *[ValueError("again")] * (FAULTS_IN_A_ROW - 1)]

    def answer(task):
        future, value = Future(), answers.pop(0)
        future.set_exception(value) if isinstance(value, Exception) else future.set_result(value)
        return future

    with Crew(Threads(wrong=answer)) as crew:
        results = [each for _ in range(len(answers)) if crew.submit(print) for each in crew.settle(0.1)]
    assert results == [7]


def test_processes_here_are_known_by_number_and_start():
    assert not worker.is_gone(f"dispatcher-1 {worker.here()}")
    place, pid, started = worker.here().rsplit(":", 2)
    assert worker.is_gone(f"dispatcher-1 {place}:{pid}:{int(started) - 1}")
    assert worker.is_gone(f"dispatcher-1 {place}:4194305:1")
    assert not worker.is_gone(f"dispatcher-1 elsewhere:1:0:4194305:{started}")
    assert not worker.is_gone("somebody")
