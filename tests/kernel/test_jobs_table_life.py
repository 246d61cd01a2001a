"""The life of jobs in the table, on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from speaksep_kernel.errors import InputError, JobError
from speaksep_kernel.jobs.backoff import Backoff
from speaksep_kernel.jobs.job import Job, JobRequest, Standing
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.jobs.states import State

ERROR = {"error": "the recording is empty", "reason": "empty", "hint": "record something"}
MINE, WANTED, GONE = Standing(True, False), Standing(True, True), Standing(False, False)


class Clock:
    """A wall clock that tests put forward and back."""

    now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def table(place: str, clock: Clock) -> Iterator[JobTable]:
    with JobTable.open(place, clock=clock, backoff=Backoff(first_s=2, cap_s=10, jitter=0)) as opened:
        yield opened


def asked(**values: Any) -> JobRequest:
    return JobRequest(**({"notebook": "separate", "parameters": {"source": "talk.wav"}, "owner": "ada"} | values))


def taken(table: JobTable) -> Job:
    job = table.claim("worker", lease_s=30)
    assert job is not None
    return job


def running(table: JobTable, **values: Any) -> Job:
    table.submit(asked(**values))
    return taken(table)


def test_a_job_from_request_to_result(table: JobTable, clock: Clock) -> None:
    asked_for = asked(output="/results/talk", batch="monday", key="1", device="gpu", time_limit_s=60.0)
    waiting = table.submit(asked_for)
    assert (waiting.state, waiting.attempt, waiting.created_at) == (State.QUEUED, 0, clock.now_s)
    assert {name: getattr(waiting, name) for name in vars(asked_for)} == vars(asked_for)
    clock.now_s += 5
    job = table.claim("host 1", lease_s=30)
    assert job is not None
    assert (job.id, job.state, job.attempt, job.worker) == (waiting.id, State.RUNNING, 1, "host 1")
    assert job.started_at == clock.now_s
    assert table.report(job.id, 1, 0.5, "separating", "window 3 of 6") == MINE
    assert table.report(job.id, 1, message="window 4 of 6") == MINE
    half = table.get(job.id)
    assert (half.fraction, half.stage, half.message) == (0.5, "separating", "window 4 of 6")
    clock.now_s += 5
    done = table.succeed(job.id, 1, {"speakers": 2}, "/results/talk/separate.ipynb")
    assert (done.state, done.fraction, done.result, done.error) == (State.SUCCEEDED, 1.0, {"speakers": 2}, None)
    assert (done.report, done.finished_at) == ("/results/talk/separate.ipynb", clock.now_s)
    assert done.finished
    assert table.get(job.id) == done
    assert json.loads(json.dumps(done.to_dict()))["finished_at"] == "1970-01-12T13:46:50.000+00:00"
    told = [(event.state, event.attempt, event.fraction) for event in table.events()]
    assert told == [
        (State.QUEUED, 0, 0.0),
        (State.RUNNING, 1, 0.0),
        (State.RUNNING, 1, 0.5),
        (State.RUNNING, 1, 0.5),
        (State.SUCCEEDED, 1, 1.0),
    ]


def test_higher_priority_first_then_the_oldest(table: JobTable, clock: Clock) -> None:
    ranks = [0, 5, 0, -1, 5]
    jobs = []
    for rank in ranks:
        jobs.append(table.submit(asked(priority=rank)).id)
        clock.now_s -= 100  # a clock that goes back makes no job older
    assert [taken(table).id for _ in ranks] == [jobs[1], jobs[4], jobs[0], jobs[2], jobs[3]]
    assert table.claim("worker", lease_s=30) is None


def test_claims_of_one_batch_leave_the_others(table: JobTable) -> None:
    table.submit(asked(batch="a", priority=9))
    mine = table.submit(asked(batch="b"))
    assert table.claimable(batch="b") == 1
    claimed = table.claim("worker", lease_s=30, batch="b")
    assert claimed is not None
    assert claimed.id == mine.id
    assert table.claim("worker", lease_s=30, batch="b") is None
    assert (table.claimable(batch="b"), table.claimable()) == (0, 1)


def test_one_key_is_one_job_per_owner(table: JobTable) -> None:
    first, again, other, free = table.submit_many(
        [asked(key="k"), asked(key="k"), asked(key="k", owner="bob"), asked(key=None)]
    )
    assert first == again
    assert len({first.id, other.id, free.id, table.submit(asked(key=None)).id}) == 4
    done = table.succeed(first.id, taken(table).attempt)
    assert table.submit(asked(key="k")) == done
    assert len(table.events(job_id=first.id)) == 3


@pytest.mark.parametrize(
    "other",
    [{"parameters": {"source": "b.wav"}}, {"notebook": "evaluate"}, {"output": "/b"}],
    ids=lambda d: next(iter(d)),
)
def test_a_key_of_another_job_is_refused_and_nothing_is_stored(table: JobTable, other: dict[str, Any]) -> None:
    table.submit(asked(key="k"))
    with pytest.raises(InputError, match="'k' of 'ada' belongs to job") as error:
        table.submit_many([asked(key="new"), asked(key="k", **other)])
    assert error.value.reason == "key-conflict"
    assert len(table.jobs()) == 1


def test_tuples_come_back_as_lists_and_are_still_the_same_request(table: JobTable) -> None:
    request = asked(parameters={"span_s": (1, 2.5), "deep": {"a": (None, True)}}, key="k")
    assert table.submit(request).parameters == {"span_s": [1, 2.5], "deep": {"a": [None, True]}}
    assert table.submit(request).id == table.submit(request).id


def test_failures_are_tried_again_after_growing_waits_until_attempts_are_used_up(table: JobTable, clock: Clock) -> None:
    job = running(table, max_attempts=3)
    waits_s = []
    for attempt in (1, 2):
        back = table.fail(job.id, attempt, ERROR, again=True, report="partial.ipynb")
        assert (back.state, back.error, back.report, back.message) == (
            State.QUEUED,
            ERROR,
            "partial.ipynb",
            "the recording is empty",
        )
        assert back.not_before is not None
        waits_s.append(back.not_before - clock.now_s)
        assert table.claim("worker", lease_s=30) is None
        assert table.claimable() == 0
        clock.now_s = back.not_before
        assert taken(table).attempt == attempt + 1
    assert waits_s == [2, 4]
    last = table.fail(job.id, 3, ERROR, again=True)
    assert (last.state, last.failures, last.report) == (State.FAILED, 3, "partial.ipynb")
    assert table.retry(job.id).state is State.QUEUED
    fresh = taken(table)
    assert (fresh.attempt, fresh.failures, fresh.losses) == (4, 0, 0)
    assert table.fail(job.id, 4, ERROR, again=False).state is State.FAILED


def test_lost_workers_are_counted_apart_from_failures(table: JobTable, clock: Clock) -> None:
    job = running(table, max_attempts=1, max_losses=2)
    back = table.lose(job.id, 1, "the process was killed")
    assert (back.state, back.losses, back.failures) == (State.QUEUED, 1, 0)
    assert back.error is not None
    assert back.error["reason"] == "worker-lost"
    assert "attempt 1" in back.error["error"]
    assert "the process was killed" in back.error["error"]
    clock.now_s += 100
    taken(table)
    assert table.lose(job.id, 2, "again").state is State.FAILED


def test_released_jobs_are_due_at_once_and_nothing_is_counted(table: JobTable) -> None:
    job = running(table)
    back = table.release(job.id, 1)
    assert (back.state, back.failures, back.losses) == (State.QUEUED, 0, 0)
    assert taken(table).attempt == 2


def test_cancelling_a_running_job_tells_its_worker_and_keeps_the_notebook(table: JobTable) -> None:
    job = running(table)
    assert table.cancel(job.id).state is State.CANCELLING
    assert table.cancel(job.id).state is State.CANCELLING
    assert table.heartbeat(job.id, 1) == WANTED
    assert table.report(job.id, 1, 0.3) == WANTED
    stopped = table.stopped(job.id, 1, "partial.ipynb")
    assert (stopped.state, stopped.report) == (State.CANCELLED, "partial.ipynb")
    assert table.cancel(job.id) == stopped
    assert table.retry(job.id).state is State.QUEUED


@pytest.mark.parametrize(
    ("end", "state"),
    [
        (lambda table, job: table.fail(job.id, 1, ERROR, again=True), State.CANCELLED),
        (lambda table, job: table.release(job.id, 1), State.CANCELLED),
        (lambda table, job: table.lose(job.id, 1, "killed"), State.CANCELLED),
        (lambda table, job: table.succeed(job.id, 1), State.SUCCEEDED),
    ],
    ids=["failed", "released", "lost", "was-finished"],
)
def test_what_nobody_wants_never_runs_again(table: JobTable, end: Any, state: State) -> None:
    job = running(table)
    table.cancel(job.id)
    assert end(table, job).state is state
    assert table.claim("worker", lease_s=30) is None


def test_batches_are_cancelled_and_retried_as_a_whole(table: JobTable) -> None:
    done, held, *rest = (job.id for job in table.submit_many([asked(batch="b") for _ in range(5)]))
    other = table.submit(asked(batch="c"))
    for _ in range(2):
        taken(table)
    table.succeed(done, 1)
    assert table.cancel_batch("b") == 4
    assert {job.id: job.state for job in table.jobs(batch="b")} == {
        done: State.SUCCEEDED,
        held: State.CANCELLING,
        **dict.fromkeys(rest, State.CANCELLED),
    }
    assert table.cancel_batch("b") == 0
    assert table.get(other.id).state is State.QUEUED
    assert table.retry_batch("b") == 3
    assert table.counts(batch="b") == dict.fromkeys(State, 0) | {
        State.SUCCEEDED: 1,
        State.CANCELLING: 1,
        State.QUEUED: 3,
    }
    assert [event.state for event in table.events(job_id=rest[0])] == [State.QUEUED, State.CANCELLED, State.QUEUED]


@pytest.mark.parametrize("verb", ["cancel", "retry"])
def test_what_has_succeeded_stays_so(table: JobTable, verb: str) -> None:
    job = running(table)
    table.succeed(job.id, 1)
    with pytest.raises(JobError, match=f"cannot {verb} a job that is succeeded") as error:
        getattr(table, verb)(job.id)
    assert error.value.reason == "wrong-state"


CALLS = {
    "succeed": lambda table, job, attempt: table.succeed(job, attempt, {}),
    "fail": lambda table, job, attempt: table.fail(job, attempt, ERROR, again=True),
    "release": lambda table, job, attempt: table.release(job, attempt),
    "lose": lambda table, job, attempt: table.lose(job, attempt, "killed"),
    "stopped": lambda table, job, attempt: table.stopped(job, attempt),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_a_worker_that_lost_its_job_changes_nothing(table: JobTable, clock: Clock, call: Any) -> None:
    job = running(table)
    table.lose(job.id, 1, "thought dead")
    clock.now_s += 100
    assert taken(table).attempt == 2
    before = table.get(job.id)
    with pytest.raises(JobError, match=r"attempt 1 of job .* has lost it") as error:
        call(table, job.id, 1)
    assert error.value.reason == "lease-lost"
    assert table.heartbeat(job.id, 1) == table.report(job.id, 1, 0.9) == GONE
    assert table.get(job.id) == before


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
@pytest.mark.parametrize("unknown", ["ffff", "", "%", "\udc80", "x" * 40], ids=["short", "none", "sign", "odd", "long"])
def test_unknown_jobs_are_named(table: JobTable, call: Any, unknown: str) -> None:
    with pytest.raises(InputError, match="no job") as error:
        call(table, unknown, 1)
    assert error.value.reason == "unknown-job"
    assert table.heartbeat(unknown, 1) == GONE
    with pytest.raises(InputError, match="no job"):
        table.get(unknown)


def test_jobs_are_found_by_the_beginning_of_their_id(table: JobTable) -> None:
    jobs = table.submit_many([asked() for _ in range(17)])
    assert table.get(jobs[3].id[:12]) == jobs[3]
    shared = Counter(job.id[0] for job in jobs).most_common(1)[0][0]  # of 17 jobs two begin alike
    with pytest.raises(InputError, match="several jobs begin with") as error:
        table.get(shared)
    assert error.value.reason == "ambiguous-job"


def test_publishing_happens_only_while_the_job_is_ones_own(table: JobTable, tmp_path: Path, clock: Clock) -> None:
    job = running(table)
    attempt_folder, published = tmp_path / "attempt-1", tmp_path / "published"
    attempt_folder.mkdir()
    table.lose(job.id, 1, "thought dead")
    with pytest.raises(JobError, match="has lost it"):
        table.succeed(job.id, 1, publish=lambda: attempt_folder.rename(published))
    assert attempt_folder.exists()
    clock.now_s += 100
    taken(table)
    with pytest.raises(FileNotFoundError):
        table.succeed(job.id, 2, publish=lambda: (tmp_path / "nothing").rename(published))
    assert table.get(job.id).state is State.RUNNING
    table.succeed(job.id, 2, publish=lambda: attempt_folder.rename(published))
    assert published.exists()
    assert table.succeed(job.id, 2, publish=lambda: attempt_folder.rename(published)).state is State.SUCCEEDED


@pytest.mark.parametrize(
    "words", ["\0 nul", "\udcff not UTF-8", "𝄞 clef \n line", "'; DROP TABLE jobs; --", "x" * 9999]
)
def test_any_text_is_stored(table: JobTable, words: str) -> None:
    job = running(table, parameters={"source": words, words: 1}, output=words)
    assert (job.parameters, job.output) == ({"source": words, words: 1}, words)
    table.report(job.id, 1, 0.1, words, words)
    assert 0 < len(table.get(job.id).message) <= 2000 + 20
    back = table.fail(job.id, 1, {"error": words}, again=True, report=words)
    assert (back.error, back.report) == ({"error": words}, words)
    assert len(table.events(job_id=job.id)) == 4
    assert table.jobs(owner=words) == []


@pytest.mark.parametrize("fraction", [-1.0, 2.0, float("nan"), float("inf")])
def test_progress_stays_between_nothing_and_all(table: JobTable, fraction: float) -> None:
    job = running(table)
    table.report(job.id, 1, fraction)
    assert 0 <= table.get(job.id).fraction <= 1


@pytest.mark.parametrize(
    "result", [object(), float("nan"), {"a": {1, 2}}, "x" * 1_000_001], ids=["object", "nan", "set", "huge"]
)
def test_results_that_no_json_can_hold_are_refused_and_the_job_goes_on(table: JobTable, result: Any) -> None:
    job = running(table)
    with pytest.raises(InputError, match="result of a job is") as error:
        table.succeed(job.id, 1, result)
    assert error.value.reason == "bad-job"
    assert table.heartbeat(job.id, 1) == MINE


def test_jobs_are_listed_and_counted_as_asked(table: JobTable) -> None:
    jobs = table.submit_many([asked(owner=owner, batch=batch) for owner in ("ada", "bob") for batch in ("x", "y")])
    table.cancel(jobs[0].id)
    ids = [job.id for job in jobs]
    assert [job.id for job in table.jobs()] == ids
    assert [job.id for job in table.jobs(newest_first=True, limit=2)] == ids[:1:-1]
    assert [job.id for job in table.jobs(owner="bob")] == ids[2:]
    assert [job.id for job in table.jobs(batch="y", owner="ada")] == [ids[1]]
    assert [job.id for job in table.jobs(states=[State.CANCELLED, State.RUNNING])] == [ids[0]]
    assert table.counts(owner="ada") == dict.fromkeys(State, 0) | {State.QUEUED: 1, State.CANCELLED: 1}


def test_events_go_on_after_the_last_one_seen(table: JobTable) -> None:
    first, second = table.submit_many([asked(batch="a"), asked(batch="b")])
    seen = table.events(limit=1)
    assert [event.job_id for event in seen] == [first.id]
    assert [event.job_id for event in table.events(seen[-1].seq)] == [second.id]
    assert [event.job_id for event in table.events(batch="b")] == [second.id]
    last = table.events()[-1]
    assert table.events(last.seq) == []
    table.cancel(second.id)
    assert [(event.job_id, event.state) for event in table.events(last.seq)] == [(second.id, State.CANCELLED)]
    assert json.loads(json.dumps(last.to_dict()))["at"] == "1970-01-12T13:46:40.000+00:00"


def test_pruning_takes_old_finished_jobs_with_their_events(table: JobTable, clock: Clock) -> None:
    jobs = table.submit_many([asked(batch=batch) for batch in ("a", "a", "b")] + [asked()])
    for job in jobs[:3]:
        table.cancel(job.id)
    clock.now_s += 3600
    assert table.prune(3601) == 0
    assert table.prune(3600, owner="bob") == 0
    assert table.prune(3600, batch="b") == 1
    assert table.prune(3600) == 2
    assert table.jobs() == [jobs[3]]
    assert {event.job_id for event in table.events()} == {jobs[3].id}


def test_pruned_numbers_and_keys_start_anew(table: JobTable) -> None:
    old = table.submit(asked(key="k"))
    table.cancel(old.id)
    last = table.events()[-1].seq
    assert table.prune(0) == 1
    assert table.submit(asked(key="k")).id != old.id
    assert table.events(last) == table.events()


def test_no_requests_are_no_jobs(table: JobTable) -> None:
    assert table.submit_many([]) == []


def test_a_table_travels_to_another_process(table: JobTable) -> None:
    job = table.submit(asked())
    with pickle.loads(pickle.dumps(table)) as other:
        assert other.get(job.id) == job


def test_ten_thousand_jobs_are_queued_at_once_and_claimed_in_order(table: JobTable) -> None:
    requests = [asked(parameters={"number": number}, batch="b", key=str(number)) for number in range(10_000)]
    jobs = table.submit_many(requests)
    assert [job.parameters["number"] for job in jobs] == list(range(10_000))
    assert [taken(table).parameters["number"] for _ in range(20)] == list(range(20))
    assert [job.id for job in table.submit_many(requests)] == [job.id for job in jobs]
    assert table.counts(batch="b")[State.QUEUED] == 9980
    assert len(table.events(limit=20_000)) == 10_020


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"notebook": ""}, "notebook"),
        ({"notebook": 3}, "notebook"),
        ({"owner": "a\nb"}, "owner"),
        ({"batch": "x" * 256}, "batch"),
        ({"key": "\udc80"}, "key"),
        ({"parameters": [1]}, "parameters"),
        ({"parameters": {1: 2}}, "parameters"),
        ({"parameters": {"x": float("inf")}}, "parameters"),
        ({"parameters": {"x": Path("a")}}, "parameters"),
        ({"parameters": {"x": "y" * 1_000_000}}, "parameters"),
        ({"output": Path("a")}, "output"),
        ({"device": "tpu"}, "device"),
        ({"priority": 1.5}, "priority"),
        ({"priority": True}, "priority"),
        ({"priority": 2**40}, "priority"),
        ({"max_attempts": 0}, "max_attempts"),
        ({"max_losses": 0}, "max_losses"),
        ({"time_limit_s": 0}, "time_limit_s"),
        ({"time_limit_s": float("nan")}, "time_limit_s"),
        ({"memory_limit_bytes": 2.5e9}, "memory_limit_bytes"),
    ],
)
def test_bad_requests_are_refused_with_the_field_named(values: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=f"^{named} of a job is ") as error:
        asked(**values)
    assert error.value.reason == "bad-job"
    assert error.value.hint
    assert len(error.value.error) < 200


def test_jobs_by_id_and_notebook(table: JobTable) -> None:
    wanted, other = table.submit_many([asked(), asked(notebook="diagnose")])
    table.submit(asked(owner="bob"))
    assert [job.id for job in table.jobs(owner="ada", ids=[wanted.id, other.id, "none"])] == [wanted.id, other.id]
    assert [job.id for job in table.jobs(owner="ada", notebooks=["diagnose"])] == [other.id]
    assert table.jobs(owner="bob", ids=[wanted.id]) == []
    assert table.jobs(ids=[]) == []


def test_when_the_last_job_finished_tells_every_change_of_state(table: JobTable, clock: Clock) -> None:
    seen = [table.finished_at(owner="ada")]
    job = running(table)
    seen.append(table.finished_at(owner="ada"))
    table.succeed(job.id, job.attempt, {})
    seen.append(table.finished_at(owner="ada"))
    running(table, owner="bob")
    assert seen == [{}, {State.RUNNING: (1, None)}, {State.SUCCEEDED: (1, clock.now_s)}]
    assert table.finished_at(owner="ada") == seen[-1]
