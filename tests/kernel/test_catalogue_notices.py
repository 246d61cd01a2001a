"""Notices in the catalogue, on SQLite and on PostgreSQL: each end is told once, whoever makes and sends them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from speaksep_kernel.catalogue.catalogue import Catalogue
from speaksep_kernel.catalogue.notice import Ended, Notice, Wishes
from speaksep_kernel.errors import CapacityError
from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.queue import JobTable


@dataclass
class Clock:
    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def catalogue(empty_place: str, clock: Clock) -> Iterator[Catalogue]:
    with Catalogue.open(empty_place, clock=clock) as catalogue, JobTable.open(empty_place):
        yield catalogue


@pytest.fixture
def table(catalogue: Catalogue, clock: Clock) -> Iterator[JobTable]:
    with JobTable.open(catalogue.url, clock=clock) as table:
        catalogue.notices.collect(at_once)
        catalogue.notices.wish("ann", {"addresses": ["one"]})
        yield table


def at_once(wishes: Wishes, ended: Ended) -> list[tuple[str, float]]:
    return [(address, 0.0) for address in wishes["addresses"]]


def done(table: JobTable, *, batch: str | None = None, owner: str = "ann", good: bool = True) -> str:
    """A job that is worked off at once."""
    job = table.submit(JobRequest(notebook="separate", owner=owner, batch=batch, about={"name": "talk.wav"}))
    worked(table, good=good)
    return job.id


def worked(table: JobTable, *, good: bool = True) -> None:
    job = table.claim("worker", lease_s=60)
    assert job is not None
    end = {True: lambda: table.succeed(job.id, job.attempt, {}), False: lambda: failed(table, job.id, job.attempt)}
    end[good]()


def failed(table: JobTable, job: str, attempt: int) -> None:
    table.fail(job, attempt, {"error": "no", "reason": "no-speech", "hint": ""}, again=False)


def made(catalogue: Catalogue) -> list[Ended]:
    """What is to be told, the first first."""
    return [each.ended for each in reversed(catalogue.notices.recent("ann", 100))]


def test_what_ended_before_is_not_told(empty_place: str) -> None:
    with Catalogue.open(empty_place) as catalogue, JobTable.open(empty_place) as table:
        catalogue.notices.wish("ann", {"addresses": ["one"]})
        done(table)
        assert [catalogue.notices.collect(at_once) for _ in range(2)] == [0, 0]
        done(table)
        assert [catalogue.notices.collect(at_once) for _ in range(2)] == [1, 0]


def test_a_job_is_told_with_what_came_of_it(catalogue: Catalogue, table: JobTable) -> None:
    good, bad = done(table), done(table, good=False)
    done(table, owner="bob")  # who wants nothing
    assert catalogue.notices.collect(at_once) == 2
    first, second = made(catalogue)
    assert (first.id, first.kind, first.name, first.failed, first.reason) == (good, "job", "talk.wav", False, "")
    assert (second.id, second.failed, second.reason) == (bad, True, "no-speech")


def test_a_batch_is_told_when_nothing_of_it_is_left(catalogue: Catalogue, table: JobTable) -> None:
    table.submit_many([JobRequest(notebook="separate", owner="ann", batch="b1", about={"batch_name": "talks"})] * 3)
    worked(table)
    worked(table, good=False)
    assert catalogue.notices.collect(at_once) == 0
    worked(table)
    assert catalogue.notices.collect(at_once) == 1
    (ended,) = made(catalogue)
    assert (ended.kind, ended.id, ended.name, ended.counts) == ("batch", "b1", "talks", {"succeeded": 2, "failed": 1})


def test_a_batch_that_ended_is_told_again_after_a_retry(catalogue: Catalogue, table: JobTable) -> None:
    done(table, batch="b1", good=False)
    assert catalogue.notices.collect(at_once) == 1
    table.retry_batch("b1")
    assert catalogue.notices.collect(at_once) == 0
    worked(table)
    assert catalogue.notices.collect(at_once) == 1
    assert [each.counts for each in made(catalogue)] == [{"failed": 1}, {"succeeded": 1}]


def test_corrections_of_a_result_are_no_batch(catalogue: Catalogue, table: JobTable) -> None:
    done(table, batch="edits/51c4")
    catalogue.notices.collect(at_once)
    assert [each.kind for each in made(catalogue)] == ["job"]


def test_many_readers_and_senders_tell_each_end_once(catalogue: Catalogue, table: JobTable) -> None:
    told: list[Notice] = []
    left = threading.Event()

    def post() -> None:
        with Catalogue.open(catalogue.url) as own:  # as another process
            while not left.is_set():
                own.notices.collect(at_once)
                found = own.notices.claim(60)
                told.extend(found)
                own.notices.sent(found)

    threads = [threading.Thread(target=post) for _ in range(3)]
    for thread in threads:
        thread.start()
    ids = [done(table, batch=batch) for batch in [None, None, "b1", "b2", None] * 4]
    catalogue.notices.collect(at_once)
    left.set()
    for thread in threads:
        thread.join()
    told.extend(catalogue.notices.claim(60))
    jobs = [each.ended.id for each in told if each.ended.kind == "job"]
    assert sorted(jobs) == sorted(ids[0::5] + ids[1::5] + ids[4::5])
    assert len({each.number for each in told}) == len(told)
    assert {each.ended.id for each in told if each.ended.kind == "batch"} == {"b1", "b2"}


def test_who_dies_while_sending_leaves_it_to_others(catalogue: Catalogue, table: JobTable, clock: Clock) -> None:
    done(table)
    catalogue.notices.collect(at_once)
    assert [len(catalogue.notices.claim(60)) for _ in range(2)] == [1, 0]
    clock.now += 61
    (again,) = catalogue.notices.claim(60)
    assert again.tries == 1
    catalogue.notices.sent([again])
    clock.now += 61
    assert catalogue.notices.claim(60) == []


def test_what_did_not_arrive_comes_again_later(catalogue: Catalogue, table: JobTable, clock: Clock) -> None:
    done(table)
    catalogue.notices.collect(at_once)
    catalogue.notices.again(catalogue.notices.claim(60), clock.now + 30, "away")
    assert catalogue.notices.claim(60) == []
    clock.now += 31
    assert [each.error for each in catalogue.notices.claim(60)] == ["away"]


def test_what_is_due_soon_goes_along(catalogue: Catalogue, table: JobTable, clock: Clock) -> None:
    done(table)
    catalogue.notices.collect(lambda wishes, ended: [("one", clock.now)])
    done(table)
    catalogue.notices.collect(lambda wishes, ended: [("one", clock.now + 5), ("two", clock.now)])
    assert [each.address for each in catalogue.notices.claim(60, together_s=10)] == ["one", "one"]
    assert [each.address for each in catalogue.notices.claim(60, together_s=10)] == ["two"]


def test_addresses_are_tried_a_few_times_an_hour(catalogue: Catalogue, table: JobTable, clock: Clock) -> None:
    for _ in range(5):
        catalogue.notices.try_out("ann", ["one", "two"])
    with pytest.raises(CapacityError) as error:
        catalogue.notices.try_out("ann", ["one"])
    assert error.value.reason == "too-many-notices"
    catalogue.notices.try_out("bob", ["one"])
    clock.now += 3601
    catalogue.notices.try_out("ann", ["one"])


def test_what_was_told_is_forgotten_in_time(catalogue: Catalogue, table: JobTable, clock: Clock) -> None:
    done(table)
    done(table)
    catalogue.notices.collect(at_once)
    waiting, told = catalogue.notices.recent("ann", 10)
    catalogue.notices.sent([told])
    clock.now += 100
    assert catalogue.notices.forget(101) == 0
    assert catalogue.notices.forget(99) == 1
    assert [each.number for each in catalogue.notices.recent("ann", 10)] == [waiting.number]
