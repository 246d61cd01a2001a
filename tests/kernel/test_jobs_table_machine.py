"""The table against a model of it: whatever is asked in whatever order, states move only as they may."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from speaksep_kernel.errors import JobError
from speaksep_kernel.jobs.backoff import Backoff
from speaksep_kernel.jobs.job import JobRequest, Standing
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.jobs.states import FINISHED, HELD, MOVES, State, Step, after

LEASE_S, WAIT_S = 8.0, 3.0
Q, R, C, S, F, X = State  # queued, running, cancelling, succeeded, failed, cancelled


@dataclass
class Model:
    """What a job should be."""

    number: int
    priority: int
    state: State = Q
    attempt: int = 0
    failures: int = 0
    losses: int = 0
    wait_until_s: float = 0.0
    still_s: float = 0.0


class Table(RuleBasedStateMachine):
    """Requests, workers with fresh and stale attempts, observers and clocks."""

    jobs = Bundle("jobs")
    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.wall_s, self.uptime_s = 1e9, 0.0
        self.folder = Path(tempfile.mkdtemp())
        self.model: dict[str, Model] = {}

    @initialize()
    def open(self) -> None:
        self.table = JobTable.open(
            self.folder / "jobs.sqlite3",
            clock=lambda: self.wall_s,
            monotonic=lambda: self.uptime_s,
            backoff=Backoff(first_s=WAIT_S, cap_s=WAIT_S, jitter=0),
        )

    def teardown(self) -> None:
        self.table.close()
        shutil.rmtree(self.folder)

    @rule(target=jobs, priority=st.integers(-1, 1), key=st.sampled_from([None, "a", "b"]))
    def submit(self, priority: int, key: str | None) -> str:
        request = JobRequest(notebook="n", key=key, priority=priority, max_attempts=2, max_losses=2)
        job = self.table.submit(request)
        self.model.setdefault(job.id, Model(len(self.model), priority))
        assert (job.key, job.priority == self.model[job.id].priority) == (key, True)
        return job.id

    @rule(target=claims)
    def claim(self) -> object:
        due = [
            (-job.priority, job.number, name)
            for name, job in self.model.items()
            if job.state is Q and job.wait_until_s <= self.wall_s
        ]
        job = self.table.claim("worker", lease_s=LEASE_S)
        assert (job and job.id) == (min(due)[2] if due else None)
        if job is None:
            return multiple()
        expected = self.model[job.id]
        expected.state, expected.attempt, expected.still_s = R, expected.attempt + 1, 0.0
        assert job.attempt == expected.attempt
        return job.id, job.attempt

    def _mine(self, claim: tuple[str, int]) -> Model | None:
        job = self.model[claim[0]]
        return job if job.state in (R, C) and job.attempt == claim[1] else None

    def _refused(self, claim: tuple[str, int], verb: str, *arguments: object) -> None:
        with pytest.raises(JobError) as error:
            getattr(self.table, verb)(*claim, *arguments)
        assert error.value.reason == "lease-lost"

    @rule(claim=claims, verb=st.sampled_from(["heartbeat", "report"]))
    def live(self, claim: tuple[str, int], verb: str) -> None:
        job = self._mine(claim)
        expected = Standing(mine=job is not None, cancel=job is not None and job.state is C)
        assert getattr(self.table, verb)(*claim) == expected
        if job is not None:
            job.still_s = 0.0

    @rule(claim=claims)
    def succeed(self, claim: tuple[str, int]) -> None:
        known = self.model[claim[0]]
        if known.state is S and known.attempt == claim[1]:
            assert self.table.succeed(*claim).state is S
        elif (job := self._mine(claim)) is None:
            self._refused(claim, "succeed")
        else:
            job.state = S
            self.table.succeed(*claim)

    @rule(claim=claims, again=st.booleans())
    def fail(self, claim: tuple[str, int], again: bool) -> None:
        if (job := self._mine(claim)) is None:
            return self._refused(claim, "fail", {"error": "x"}, again)
        job.failures += 1
        self._end(job, again and job.failures < 2)
        self.table.fail(*claim, {"error": "x"}, again)
        return None

    @rule(claim=claims)
    def lose(self, claim: tuple[str, int]) -> None:
        if (job := self._mine(claim)) is None:
            return self._refused(claim, "lose", "killed")
        job.losses += 1
        self._end(job, job.losses < 2)
        self.table.lose(*claim, "killed")
        return None

    @rule(claim=consumes(claims), verb=st.sampled_from(["release", "stopped"]))
    def put_down(self, claim: tuple[str, int], verb: str) -> None:
        if (job := self._mine(claim)) is None:
            return self._refused(claim, verb)
        job.state = Q if verb == "release" and job.state is R else X
        getattr(self.table, verb)(*claim)
        return None

    def _end(self, job: Model, again: bool) -> None:
        ended = {(R, True): Q, (R, False): F, (C, True): X, (C, False): X}
        job.state = ended[job.state, again]
        job.wait_until_s = self.wall_s + WAIT_S if again else job.wait_until_s

    @rule(name=jobs)
    def cancel(self, name: str) -> None:
        job = self.model[name]
        if job.state in (S, F):
            with pytest.raises(JobError, match="cannot cancel"):
                self.table.cancel(name)
            return
        job.state = {Q: X, R: C}.get(job.state, job.state)
        self.table.cancel(name)

    @rule(name=jobs)
    def retry(self, name: str) -> None:
        job = self.model[name]
        if job.state not in (F, X):
            with pytest.raises(JobError, match="cannot retry"):
                self.table.retry(name)
            return
        job.state, job.failures, job.losses, job.wait_until_s = Q, 0, 0, 0.0
        self.table.retry(name)

    @rule(seconds=st.integers(1, 4))
    def wait(self, seconds: int) -> None:
        self.wall_s += seconds

    @rule(looks=st.integers(1, 9))
    def observe(self, looks: int) -> None:
        for _ in range(looks):
            self.uptime_s += 1
            self.table.reap()
            self._observed()

    def _observed(self) -> None:
        # The first look after a sign of life only remembers it.
        for job in self.model.values():
            if job.state not in (R, C):
                continue
            job.still_s += 1
            if job.still_s > LEASE_S:
                job.losses += 1
                self._end(job, job.losses < 2)

    @invariant()
    def the_table_is_as_the_model(self) -> None:
        kept = {job.id: (job.state, job.attempt, job.failures, job.losses) for job in self.table.jobs()}
        model = {name: (job.state, job.attempt, job.failures, job.losses) for name, job in self.model.items()}
        assert kept == model

    @invariant()
    def events_tell_the_same_story(self) -> None:
        told: dict[str, list[State]] = {}
        for event in self.table.events(limit=10_000):
            told.setdefault(event.job_id, []).append(event.state)
        assert {name: states[-1] for name, states in told.items()} == {n: job.state for n, job in self.model.items()}
        allowed = {(before, then) for (before, _), then in MOVES.items()} | {(R, R), (C, C)}
        assert {pair for states in told.values() for pair in pairwise(states)} <= allowed


Table.TestCase.settings = settings(max_examples=12, stateful_step_count=30, deadline=None)
TestTable = Table.TestCase


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("step", Step)
def test_every_step_is_allowed_or_refused_with_a_reason(state: State, step: Step) -> None:
    told = []
    try:
        told.append(after(state, step) in State)
    except JobError as error:
        told.append(error.reason == "wrong-state" and bool(error.hint))
    assert told == [True]


def test_what_is_held_is_not_finished_and_only_finished_jobs_stay() -> None:
    assert HELD.isdisjoint(FINISHED)
    assert {state for state, step in MOVES if step in (Step.SUCCEED, Step.FAIL, Step.RELEASE, Step.STOP)} == HELD
