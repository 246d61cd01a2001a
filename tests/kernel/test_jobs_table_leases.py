"""Workers that vanish, clocks that jump, observers that sleep: who keeps a job and who loses it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from speaksep_kernel.jobs.backoff import Backoff
from speaksep_kernel.jobs.job import Job, JobRequest
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.jobs.states import State
from speaksep_kernel.jobs.watch import Watch

LEASE_S = 10.0
YEAR_S = 365 * 86400.0


class Seconds:
    """A clock that tests move."""

    def __init__(self, now_s: float) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def wall() -> Seconds:
    return Seconds(1.8e9)


@pytest.fixture
def uptime() -> Seconds:
    return Seconds(100.0)


@pytest.fixture
def table(place: str, wall: Seconds, uptime: Seconds) -> Iterator[JobTable]:
    backoff = Backoff(first_s=4, cap_s=60, jitter=0)
    with JobTable.open(place, clock=wall, monotonic=uptime, backoff=backoff) as opened:
        yield opened


def claimed(table: JobTable) -> Job:
    job = table.claim("worker", lease_s=LEASE_S)
    assert job is not None
    return job


def started(table: JobTable) -> Job:
    table.submit(JobRequest(notebook="separate", batch="b"))
    return claimed(table)


def pass_time(table: JobTable, uptime: Seconds, seconds: float, *, every_s: float = 1.0) -> list[Job]:
    """What an observer that looks regularly takes away."""
    lost = []
    for _ in range(round(seconds / every_s)):
        uptime.now_s += every_s
        lost += table.reap()
    return lost


def test_a_worker_without_a_sign_of_life_loses_its_job_after_the_lease(table: JobTable, uptime: Seconds) -> None:
    job = started(table)
    assert pass_time(table, uptime, 1 + LEASE_S - 1) == []
    (lost,) = pass_time(table, uptime, 1)
    assert (lost.id, lost.state, lost.losses) == (job.id, State.QUEUED, 1)
    assert lost.error is not None
    assert "no sign of life for 10 s" in lost.error["error"]
    assert pass_time(table, uptime, 100) == []


@pytest.mark.parametrize("sign", ["heartbeat", "report"])
def test_any_sign_of_life_keeps_the_job(table: JobTable, uptime: Seconds, sign: str) -> None:
    job = started(table)
    for _ in range(5):
        assert pass_time(table, uptime, LEASE_S - 1) == []
        assert getattr(table, sign)(job.id, 1).mine


@pytest.mark.parametrize("jump_s", [YEAR_S, 3600, -3600, -YEAR_S], ids=["year-on", "hour-on", "hour-back", "year-back"])
def test_a_wall_clock_that_jumps_kills_nothing_and_revives_nothing(
    table: JobTable, wall: Seconds, uptime: Seconds, jump_s: float
) -> None:
    alive, dead = started(table), started(table)
    assert pass_time(table, uptime, LEASE_S / 2) == []
    wall.now_s += jump_s
    assert table.heartbeat(alive.id, 1).mine
    assert [job.id for job in pass_time(table, uptime, LEASE_S / 2 + 1)] == [dead.id]
    assert table.get(alive.id).state is State.RUNNING


@pytest.mark.parametrize("jump_s", [YEAR_S, 3600, -3600, -YEAR_S], ids=["year-on", "hour-on", "hour-back", "year-back"])
def test_a_wall_clock_that_jumps_keeps_no_retry_waiting(table: JobTable, wall: Seconds, jump_s: float) -> None:
    job = started(table)
    table.fail(job.id, 1, {"error": "x"}, again=True)
    assert table.claim("worker", lease_s=LEASE_S) is None
    wall.now_s += jump_s
    assert claimed(table).attempt == 2


def test_an_observer_that_slept_does_not_take_sleepers_for_dead(table: JobTable, uptime: Seconds) -> None:
    job = started(table)
    assert table.reap() == []
    uptime.now_s += 3600  # the machine was suspended, or all of it stopped
    assert table.reap() == []
    assert table.heartbeat(job.id, 1).mine
    assert pass_time(table, uptime, LEASE_S - 1) == []


def test_observers_of_several_batches_do_not_disturb_each_other(table: JobTable, uptime: Seconds) -> None:
    job = started(table)
    lost = []
    for _ in range(12):
        uptime.now_s += 1
        lost += [*table.reap(batch="another"), *table.reap(batch="b")]
    assert [each.id for each in lost] == [job.id]


def test_of_two_observers_only_one_takes_a_job_away(place: str, table: JobTable, uptime: Seconds) -> None:
    started(table)
    with JobTable.open(place, monotonic=uptime) as other:
        lost: list[list[Job]] = [[], []]
        for _ in range(12):
            uptime.now_s += 1
            lost[0] += table.reap()
            lost[1] += other.reap()
    assert (len(lost[0]), len(lost[1])) == (1, 0)
    assert table.get(lost[0][0].id).losses == 1


def test_a_new_attempt_has_a_lease_of_its_own(table: JobTable, wall: Seconds, uptime: Seconds) -> None:
    job = started(table)
    assert len(pass_time(table, uptime, LEASE_S + 1)) == 1
    wall.now_s += 60
    assert claimed(table).attempt == 2
    assert pass_time(table, uptime, LEASE_S) == []
    assert table.heartbeat(job.id, 2).mine
    assert not table.heartbeat(job.id, 1).mine


def test_a_cancelled_job_whose_worker_is_lost_is_cancelled(table: JobTable, uptime: Seconds) -> None:
    job = started(table)
    table.cancel(job.id)
    (lost,) = pass_time(table, uptime, LEASE_S + 1)
    assert lost.state is State.CANCELLED


def test_a_watch_forgets_what_it_no_longer_sees() -> None:
    uptime = Seconds(0.0)
    watch: Watch[str] = Watch(uptime)
    for _ in range(8):
        uptime.now_s += 1
        assert watch.look({"a": (1, LEASE_S)}) == []
    assert watch.look({}) == []
    uptime.now_s += 5
    assert watch.look({"a": (1, LEASE_S)}) == []


@pytest.mark.parametrize(("chance", "waits_s"), [(0.0, [2, 4, 8, 16, 20, 20]), (1.0, [1, 2, 4, 8, 10, 10])])
def test_waits_double_up_to_the_cap_less_what_is_left_to_chance(chance: float, waits_s: list[float]) -> None:
    backoff = Backoff(first_s=2, cap_s=20, jitter=0.5)
    assert [backoff.delay_s(failures, chance=lambda: chance) for failures in range(1, 7)] == waits_s
    assert backoff.delay_s(10**9) <= 20


def test_jobs_that_failed_together_do_not_come_back_together() -> None:
    assert len({round(Backoff().delay_s(3), 3) for _ in range(100)}) > 50
