"""Gets jobs done: keeps workers busy, takes jobs from those that are gone, and ends when a batch is done.

The truth is in the table and nowhere else. Workers take their jobs from it themselves, so any number of dispatchers may
work on one table, one may be killed at any moment, and a task that an executor loses costs nothing.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from speaksep_kernel.errors import InputError, JobError, StoreError
from speaksep_kernel.jobs.crew import Crew
from speaksep_kernel.jobs.job import Job
from speaksep_kernel.jobs.protocol import JobExecutor
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.jobs.states import FINISHED, HELD, State
from speaksep_kernel.jobs.worker import Order, is_gone, work

log = logging.getLogger(__name__)

LEASE_S = 30.0
"""How long a worker may be silent. ``SPEAKSEP_JOB_LEASE_S`` says otherwise."""
POLL_S = 0.25
PAUSE_S = 1.0
STOP_S = 20.0
"""How long workers may take to stop: their kernels are interrupted, and killed if they do not listen."""


def lease_s() -> float:
    """How long a worker may be silent, as the setting says.

    Raises
    ------
    InputError
        Reason ``bad-setting``.
    """
    said = os.environ.get("SPEAKSEP_JOB_LEASE_S", "") or LEASE_S
    try:
        seconds = float(said)
    except ValueError:
        seconds = 0.0
    if not 0.5 <= seconds <= 86_400:
        raise InputError(f"SPEAKSEP_JOB_LEASE_S is {said!r}", reason="bad-setting", hint="give seconds, 0.5 to 86400")
    return seconds


@dataclass(frozen=True)
class Glance:
    """How a batch stands.

    Attributes
    ----------
    counts
        Jobs by state.
    due
        How many of the waiting ones may be taken now.
    held
        Jobs that a worker has, anybody's.
    finished
        Jobs that finished since the last glance.
    trouble
        What is wrong with the workers or the table right now; "" if nothing.
    dispatcher
        Who looks: names of its workers begin with it and a blank.
    workers
        How many jobs at a time it has done.
    """

    counts: dict[State, int]
    due: int
    held: tuple[Job, ...]
    finished: tuple[Job, ...]
    trouble: str = ""
    dispatcher: str = ""
    workers: int = 0

    @property
    def left(self) -> int:
        """How many jobs are not finished."""
        return sum(count for state, count in self.counts.items() if state not in FINISHED)


class Dispatcher:
    """Keeps an executor's workers busy with the jobs of a table.

    Parameters
    ----------
    table
        The job table.
    executor
        Plugin of ``speaksep.executors``, not opened yet.
    workers
        How many jobs at a time; as many as it has workers if ``None``.
    batch
        Only jobs of this batch; all if ``None``.
    lease
        How long a worker may be silent before its job is given to another, in seconds; the setting if ``None``.
    patience_s
        How long a table or an executor that is away is waited for.
    """

    def __init__(
        self,
        table: JobTable,
        executor: JobExecutor,
        *,
        workers: int | None = None,
        batch: str | None = None,
        lease: float | None = None,
        patience_s: float = 600.0,
    ) -> None:
        self._table, self._batch, self._patience_s = table, batch, patience_s
        self._plugin, self._asked, self._workers = executor, workers, 1
        self._lease_s = lease or lease_s()
        self._name = f"dispatcher-{secrets.token_hex(3)}"
        self._order = Order(table.url, batch, self._name, self._lease_s)
        self._crew = Crew(executor, patience_s=patience_s)
        self._seen = 0
        self._reap_at = self._hungry_until = self._claimed_at = 0.0
        self._away_since = 0.0
        self._trouble = ""

    def run(
        self,
        *,
        stop: threading.Event | None = None,
        watch: Callable[[Glance], None] = lambda glance: None,
        until_done: bool = True,
    ) -> None:
        """Work until everything is done, or somebody says stop; then jobs under way are given back to the table.

        Parameters
        ----------
        stop
            Set it to end.
        watch
            Told how things stand, several times a second.
        until_done
            End when no job is left; otherwise wait for more.

        Raises
        ------
        JobError
            Reason ``no-workers``.
        StoreError
            The table has been away for longer than patience lasts.
        """
        stop = stop or threading.Event()
        self._skip_history()
        with self._crew:
            # A cluster knows how many workers it has only once it was asked.
            self._workers = self._asked or getattr(self._plugin, "workers", None) or 1
            log.info("works on jobs", extra={"executor": self._plugin.info.name, "workers": self._workers})
            while not stop.is_set():
                with self._patiently():
                    self._rescue()
                    glance = self._glance()
                    watch(glance)
                    if until_done and not glance.left:
                        return
                    self._feed(glance)
                for job in self._crew.settle(POLL_S):
                    if job is None:
                        self._hungry_until = time.monotonic() + PAUSE_S
                    else:
                        self._claimed_at = time.monotonic()
            self._give_back(watch)

    def _feed(self, glance: Glance) -> None:
        """As many tasks as there are jobs due, and one more than workers, so that none waits for us."""
        now = time.monotonic()
        mine = len(self._mine(glance))
        idle = max(0, len(self._crew) - mine)
        if mine:
            self._claimed_at = now
        elif idle and now - self._claimed_at > self._lease_s:
            # Tasks, and nobody who does them: a broker or a scheduler forgot them. Superfluous ones find nothing to do.
            self._crew.forget(self._lease_s)
            idle = max(0, len(self._crew))
        if now < self._hungry_until:
            return
        if self._crew.trouble:
            self._hungry_until = now + PAUSE_S  # what comes back with a fault at once is not sent at once
        for _ in range(min(self._workers + 1 - len(self._crew), glance.due - idle)):
            if not self._crew.submit(work, self._order):
                return

    def _rescue(self) -> None:
        """Take jobs from workers that are silent, or known to be gone."""
        if time.monotonic() < self._reap_at:
            return
        self._reap_at = time.monotonic() + min(1.0, self._lease_s / 8)
        for job in self._table.jobs(batch=self._batch, states=tuple(HELD)):
            if job.worker and is_gone(job.worker):
                self._lose(job)
        self._table.reap(batch=self._batch)

    def _lose(self, job: Job) -> None:
        try:
            self._table.lose(job.id, job.attempt, "its process has ended")
        except JobError:
            return  # it was finished in this moment

    def _glance(self) -> Glance:
        counts = self._table.counts(batch=self._batch)
        due = self._table.claimable(batch=self._batch) if counts[State.QUEUED] else 0
        held = self._table.jobs(batch=self._batch, states=tuple(HELD))
        return Glance(
            counts, due, tuple(held), self._news(), self._trouble or self._crew.trouble, self._name, self._workers
        )

    def _news(self) -> tuple[Job, ...]:
        finished: dict[str, None] = {}
        while events := self._table.events(self._seen, batch=self._batch):
            self._seen = events[-1].seq
            finished.update((event.job_id, None) for event in events if event.state in FINISHED)
        return tuple(job for job in map(self._table.get, finished) if job.finished)

    def _skip_history(self) -> None:
        while events := self._table.events(self._seen, batch=self._batch):
            self._seen = events[-1].seq

    def _mine(self, glance: Glance) -> list[Job]:
        return [job for job in glance.held if (job.worker or "").startswith(f"{self._name} ")]

    def _give_back(self, watch: Callable[[Glance], None]) -> None:
        """Jobs under way go back into the queue; their workers hear that they are no longer theirs, and stop."""
        self._crew.cancel()
        for job in self._mine(self._glance()):
            try:
                self._table.release(job.id, job.attempt)
            except JobError:
                continue  # it was finished in this moment
        end = time.monotonic() + STOP_S
        while len(self._crew) and time.monotonic() < end:
            self._crew.settle(POLL_S)
            watch(self._glance())

    @contextmanager
    def _patiently(self) -> Iterator[None]:
        """Wait for a table that is locked, full or away; what runs goes on without us."""
        try:
            yield
            self._away_since, self._trouble = 0.0, ""
        except StoreError as error:
            self._trouble = str(error)
            self._away_since = self._away_since or time.monotonic()
            if time.monotonic() - self._away_since > self._patience_s:
                raise
            log.info("%s", error)
