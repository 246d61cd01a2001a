"""The job table: durable truth about what is to be done, who does it, and what came of it."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.engine import URL

from speaksep_kernel.errors import JobError
from speaksep_kernel.jobs import intake, overview, rows
from speaksep_kernel.jobs.backoff import DEFAULT_BACKOFF, Backoff
from speaksep_kernel.jobs.database import BUSY, default_place, migrate, place_of, url_of
from speaksep_kernel.jobs.job import LOST, Event, Job, JobRequest, Standing, as_json
from speaksep_kernel.jobs.overview import BatchCounts
from speaksep_kernel.jobs.states import FINISHED, HELD, State, Step
from speaksep_kernel.jobs.tables import events, jobs
from speaksep_kernel.jobs.transactions import Transactions, lock_until_commit
from speaksep_kernel.jobs.watch import Watch

_PRUNED_AT_ONCE = 1000  # others may write in between


class JobTable:
    """Jobs in SQLite or PostgreSQL; any number of processes and threads use one table at once.

    Every write of a worker carries the number of its attempt: a worker that lost its job cannot change it any more.
    Faults of the database that may pass (:data:`~speaksep_kernel.jobs.database.TRANSIENT`) are waited for, then raised
    as StoreError by any method. A table can be pickled (it opens anew), and is opened anew in a forked process.

    Examples
    --------
    >>> import tempfile
    >>> with JobTable.open(tempfile.mkdtemp() + "/jobs.sqlite3") as table:
    ...     job = table.submit(JobRequest(notebook="separate", parameters={"source": "talk.wav"}))
    ...     claimed = table.claim("worker 1", lease_s=30)
    ...     table.succeed(claimed.id, claimed.attempt, {"speakers": 2}).state
    <State.SUCCEEDED: 'succeeded'>
    """

    def __init__(
        self,
        url: URL,
        *,
        patience_s: float,
        backoff: Backoff,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._transactions = Transactions(url, patience_s=patience_s)
        self._backoff = backoff
        self._clock = clock
        self._watches: dict[str | None, Watch[tuple[str, int]]] = defaultdict(lambda: Watch(monotonic))

    @classmethod
    def open(
        cls,
        place: str | Path | None = None,
        *,
        patience_s: float = 30.0,
        backoff: Backoff = DEFAULT_BACKOFF,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> Self:
        """Open a table; it is made, or brought to this version, where it has to be.

        Parameters
        ----------
        place
            A path, ``sqlite:///path`` or ``postgresql://user@host/name``; None: see
            :func:`~speaksep_kernel.jobs.database.default_place`.
        patience_s
            How long a locked, full or unreachable database is waited for.
        backoff
            Waits between attempts.
        clock, monotonic
            Seconds since 1970, and seconds that only rise; for tests.

        Raises
        ------
        InputError
            Reason ``bad-database`` or ``missing-package``.
        StoreError
            It cannot be opened: see :func:`~speaksep_kernel.jobs.database.explained`.
        """
        table = cls(
            url_of(place or default_place()), patience_s=patience_s, backoff=backoff, clock=clock, monotonic=monotonic
        )
        try:
            table._transactions.patiently(lambda: migrate(table._transactions.engine), faults=BUSY)
        except BaseException:
            table.close()
            raise
        return table

    @property
    def url(self) -> str:
        """Path or URL that opens the same table elsewhere; holds the password, if there is one."""
        return place_of(self._transactions.url)

    def close(self) -> None:
        """Close all connections; the table can still be used, it opens new ones."""
        self._transactions.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self.url, self._transactions.patience_s, self._backoff)

    # Who wants something done

    def submit(self, request: JobRequest) -> Job:
        """Queue a job; see :meth:`submit_many`."""
        return self.submit_many([request])[0]

    def submit_many(self, requests: Sequence[JobRequest]) -> list[Job]:
        """Queue jobs, all or none, to run in this order.

        Returns
        -------
        The job of each request. A key that its owner sent before, here or earlier, gives the job it gave then, in
        whatever state that is now.

        Raises
        ------
        InputError
            Reason ``key-conflict``: a key was used before, for another notebook, parameters or output.
        """

        ids = intake.new_ids(len(requests))

        def work(connection: Connection) -> list[Job]:
            now = self._clock()
            found, new = intake.insert(connection, requests, ids, now)
            rows.note(connection, new, now)
            return [rows.job_of(row) for row in found]

        return self._transactions.run(work) if requests else []

    def cancel(self, job_id: str) -> Job:
        """Stop a job: at once if it waits; a running one hears of it with its next heartbeat.

        Raises
        ------
        JobError
            Reason ``wrong-state``: it has succeeded or failed.
        InputError
            Reason ``unknown-job``.
        """

        def work(connection: Connection) -> Job:
            return rows.move(connection, rows.locked(connection, job_id), Step.CANCEL, self._clock())

        return self._transactions.run(work)

    def cancel_batch(self, batch: str) -> int:
        """Stop what is left of a batch; returns how many jobs that is."""
        return self._move_batch(batch, (State.QUEUED, State.RUNNING), Step.CANCEL)

    def retry(self, job_id: str) -> Job:
        """Queue a failed or cancelled job again, with all its attempts.

        Raises
        ------
        JobError
            Reason ``wrong-state``: it is in any other state.
        InputError
            Reason ``unknown-job``.
        """

        def work(connection: Connection) -> Job:
            return rows.move(connection, rows.locked(connection, job_id), Step.RETRY, self._clock(), **_ANEW)

        return self._transactions.run(work)

    def retry_batch(self, batch: str) -> int:
        """Queue all failed and cancelled jobs of a batch again; returns how many those are."""
        return self._move_batch(batch, (State.FAILED, State.CANCELLED), Step.RETRY, **_ANEW)

    def prune(self, older_than_s: float, *, owner: str | None = None, batch: str | None = None) -> int:
        """Remove finished jobs and their events; results on disk stay.

        Parameters
        ----------
        older_than_s
            Only those that finished at least so many seconds ago.
        owner, batch
            Only theirs.

        Returns
        -------
        How many were removed.
        """
        old = (jobs.c.state.in_(FINISHED), jobs.c.finished_at <= self._clock() - older_than_s)
        some = select(jobs.c.number).where(*old, *rows.only(owner=owner, batch=batch)).limit(_PRUNED_AT_ONCE)
        # The state is looked at again: one of them may be retried right now.
        gone = delete(jobs).where(jobs.c.number.in_(some), jobs.c.state.in_(FINISHED))
        removed, last = 0, _PRUNED_AT_ONCE
        while last == _PRUNED_AT_ONCE:
            last = self._transactions.run(lambda connection: connection.execute(gone).rowcount)
            removed += last
        return removed

    # Who does it

    def claim(self, worker: str, *, lease_s: float, batch: str | None = None) -> Job | None:
        """Take the next job: the highest priority, then the oldest.

        Parameters
        ----------
        worker
            Who takes it, for people to read.
        lease_s
            The job counts as lost when its worker gives no sign of life for so long.
        batch
            Only of this batch.

        Returns
        -------
        The job with its attempt, which every later call of the worker carries; None if nothing is due.
        """

        def work(connection: Connection) -> Job | None:
            now = self._clock()
            row = connection.execute(
                select(jobs)
                .where(jobs.c.state == State.QUEUED, rows.due(now), *rows.only(batch=batch))
                .order_by(jobs.c.priority.desc(), jobs.c.number)
                .limit(1)
                .with_for_update(skip_locked=True)
            ).first()
            if row is None:
                return None
            held = {"attempt": row.attempt + 1, "worker": rows.plain(worker), "lease_s": lease_s, "beat": 0}
            return rows.move(connection, row, Step.CLAIM, now, started_at=now, **held, **rows.FRESH)

        return self._transactions.run(work)

    def heartbeat(self, job_id: str, attempt: int) -> Standing:
        """Give a sign of life, several times per lease, and hear how the job stands."""
        return self._beat(job_id, attempt)

    def report(
        self,
        job_id: str,
        attempt: int,
        fraction: float | None = None,
        stage: str | None = None,
        message: str | None = None,
    ) -> Standing:
        """Store progress as an event; a sign of life too. What is None stays.

        Parameters
        ----------
        job_id, attempt
            As claimed.
        fraction
            How much is done, 0 … 1.
        stage, message
            In words; cut after 2000 characters.
        """
        words = {"stage": stage, "message": message}
        values: dict[str, Any] = {name: rows.plain(value) for name, value in words.items() if value is not None}
        if fraction is not None:
            values["fraction"] = min(1.0, max(0.0, fraction))
        return self._beat(job_id, attempt, **values)

    def succeed(
        self,
        job_id: str,
        attempt: int,
        result: Any = None,
        report: str | None = None,
        *,
        publish: Callable[[], object] | None = None,
    ) -> Job:
        """The work is done. Saying so twice is harmless.

        Parameters
        ----------
        job_id, attempt
            As claimed.
        result
            What came of it, JSON-able.
        report
            Path of the executed notebook.
        publish
            Called when it is certain that the job is this attempt's, while nobody else can take it, e.g. to rename the
            attempt's folder. It must be quick, leave the table alone, and be harmless when done again, as it is after
            a crash between it and the commit. What it raises leaves the job as it was.

        Raises
        ------
        JobError
            Reason ``lease-lost``: the job is no longer this attempt's.
        InputError
            Reason ``bad-job`` (the result is not JSON-able) or ``unknown-job``.
        """
        as_json("result", result)

        def work(connection: Connection) -> Job:
            row = rows.locked(connection, job_id)
            if row.state is State.SUCCEEDED and row.attempt == attempt:
                return rows.job_of(row)
            row = rows.held(connection, job_id, attempt)
            if publish is not None:
                publish()
            done = {"result": result, "report": report, "error": None, "fraction": 1.0, "message": ""}
            return rows.move(connection, row, Step.SUCCEED, self._clock(), **done)

        return self._transactions.run(work)

    def fail(self, job_id: str, attempt: int, error: Mapping[str, Any], again: bool, report: str | None = None) -> Job:
        """The work failed.

        Parameters
        ----------
        job_id, attempt
            As claimed.
        error
            ``{"error", "reason", "hint"}``, as of :meth:`SpeakSepError.to_dict`.
        again
            Whether another attempt could do better; it is made after a wait, while the job has attempts left.
        report
            Path of the notebook as far as it came.

        Raises
        ------
        JobError
            Reason ``lease-lost``.
        InputError
            Reason ``bad-job`` or ``unknown-job``.
        """
        as_json("error", dict(error))

        def work(connection: Connection) -> Job:
            row = rows.held(connection, job_id, attempt)
            failures = row.failures + 1
            values = {"failures": failures, "error": dict(error), "report": report or row.report}
            more = again and failures < row.max_attempts
            return rows.fault(connection, row, self._clock(), self._backoff, again=more, **values)

        return self._transactions.run(work)

    def lose(self, job_id: str, attempt: int, why: str) -> Job:
        """Its worker has vanished, e.g. was killed: one of its losses, and another attempt while it has some left.

        Raises
        ------
        JobError
            Reason ``lease-lost``: the job is no longer this attempt's.
        InputError
            Reason ``unknown-job``.
        """

        def work(connection: Connection) -> Job:
            row = rows.held(connection, job_id, attempt)
            return rows.lose(connection, row, self._clock(), self._backoff, why)

        return self._transactions.run(work)

    def release(self, job_id: str, attempt: int) -> Job:
        """Give a job back untouched, e.g. because the worker has to end: it is due at once, and nothing is counted.

        Raises
        ------
        JobError
            Reason ``lease-lost``.
        InputError
            Reason ``unknown-job``.
        """
        return self._put_down(job_id, attempt, Step.RELEASE, None)

    def stopped(self, job_id: str, attempt: int, report: str | None = None) -> Job:
        """The worker has stopped the job as somebody wished.

        Parameters
        ----------
        job_id, attempt
            As claimed.
        report
            Path of the notebook as far as it came.

        Raises
        ------
        JobError
            Reason ``lease-lost``.
        InputError
            Reason ``unknown-job``.
        """
        return self._put_down(job_id, attempt, Step.STOP, report)

    def reap(self, *, batch: str | None = None) -> list[Job]:
        """Take jobs from workers that gave no sign of life for their lease; returns those jobs as they stand now.

        Call it five times per lease or more, always on the same table object, which remembers when it saw each counter
        move (:class:`~speaksep_kernel.jobs.watch.Watch`). Any number of observers may.
        """
        held = select(jobs.c.id, jobs.c.attempt, jobs.c.beat, jobs.c.lease_s)
        seen = self._transactions.read(held.where(jobs.c.state.in_(HELD), *rows.only(batch=batch)))
        beats = {(row.id, row.attempt): (row.beat, row.lease_s) for row in seen}
        lost = self._watches[batch].look(beats)
        return [job for key in lost if (job := self._reap(*key, *beats[key])) is not None]

    # Who wants to know

    def get(self, job_id: str) -> Job:
        """One job.

        Parameters
        ----------
        job_id
            Its id, or a beginning of it that no other job has.

        Raises
        ------
        InputError
            Reason ``unknown-job`` or ``ambiguous-job``.
        """
        return self._transactions.run(lambda connection: rows.job_of(rows.named(connection, job_id)), writes=False)

    def find(self, job_id: str) -> Job | None:
        """One job by its whole id; None if there is none."""
        found = self._transactions.read(select(jobs).where(jobs.c.id == rows.plain(job_id)))
        return rows.job_of(found[0]) if found else None

    def jobs(
        self,
        *,
        owner: str | None = None,
        batch: str | None = None,
        states: Sequence[State] = (),
        before: str | None = None,
        limit: int | None = None,
        newest_first: bool = False,
        ids: Collection[str] | None = None,
        notebooks: Collection[str] | None = None,
    ) -> list[Job]:
        """Jobs in order of arrival; everything given narrows it down.

        Parameters
        ----------
        owner, batch, states, ids, notebooks
            Only theirs, only in these states, only those that are named, only of these notebooks.
        before
            Only those that arrived before the job of this id; none if that was pruned.
        limit
            At most so many.
        newest_first
            The other way round.
        """
        which = rows.only(owner=owner, batch=batch, before=before, ids=ids, notebooks=notebooks)
        wanted = select(jobs).where(*which).limit(limit)
        wanted = wanted.order_by(jobs.c.number.desc() if newest_first else jobs.c.number)
        if states:
            wanted = wanted.where(jobs.c.state.in_(states))
        return [rows.job_of(row) for row in self._transactions.read(wanted)]

    def counts(self, *, owner: str | None = None, batch: str | None = None) -> dict[State, int]:
        """How many jobs are in each state, zeros included."""
        counted = select(jobs.c.state, func.count().label("jobs")).where(*rows.only(owner=owner, batch=batch))
        found = self._transactions.read(counted.group_by(jobs.c.state))
        return dict.fromkeys(State, 0) | {row.state: row.jobs for row in found}

    def finished_at(self, **which: Any) -> dict[State, tuple[int, float | None]]:
        """How many jobs are in each state that any is in, and when the last of them finished.

        Differs whenever one was added or removed, or changed its state. What narrows it down is that of `jobs`: owner,
        batch, ids, notebooks.
        """
        counted = select(jobs.c.state, func.count().label("jobs"), func.max(jobs.c.finished_at).label("last"))
        found = self._transactions.read(counted.where(*rows.only(**which)).group_by(jobs.c.state))
        return {row.state: (row.jobs, row.last) for row in found}

    def batches(
        self, owner: str, *, only: str | None = None, before: str | None = None, limit: int | None = None
    ) -> list[BatchCounts]:
        """Batches of somebody, the newest first.

        Parameters
        ----------
        owner
            Whose.
        only
            Only this one.
        before
            Only those that began before this one.
        limit
            At most so many.
        """
        groups = self._transactions.read(overview.groups(owner, only=only, before=before, limit=limit))
        counted = self._transactions.read(overview.counted(owner, [row.batch for row in groups])) if groups else []
        return overview.batches_of(groups, counted)

    def claimable(self, *, batch: str | None = None) -> int:
        """How many jobs could be claimed now: those that wait for nothing but a worker."""
        waiting = (jobs.c.state == State.QUEUED, rows.due(self._clock()), *rows.only(batch=batch))
        return int(self._transactions.read(select(func.count()).select_from(jobs).where(*waiting))[0][0])

    def events(
        self,
        after: int = 0,
        *,
        job_id: str | None = None,
        owner: str | None = None,
        batch: str | None = None,
        limit: int = 1000,
    ) -> list[Event]:
        """What happened after an event, oldest first; call again with the last ``seq`` for what comes next.

        No event is ever missed so: none becomes visible after one with a higher ``seq``.
        """
        which = () if job_id is None else (jobs.c.id == rows.plain(job_id),)
        wanted = (
            select(jobs.c.id.label("job_id"), jobs.c.owner, events)
            .join(jobs, jobs.c.number == events.c.job_number)
            .where(events.c.seq > after, *which, *rows.only(owner=owner, batch=batch))
            .order_by(events.c.seq)
            .limit(limit)
        )
        return self._transactions.run(lambda connection: rows.noted(connection, wanted), writes=False)

    def newest_event(self, *, owner: str | None = None, batch: str | None = None) -> int:
        """Number of the last event, of theirs if given; 0 if there is none. What comes later has a higher one."""
        newest, which = select(func.max(events.c.seq)), rows.only(owner=owner, batch=batch)
        if which:
            newest = newest.join(jobs, jobs.c.number == events.c.job_number).where(*which)

        def work(connection: Connection) -> int:
            lock_until_commit(connection, rows.EVENTS)
            return int(connection.execute(newest).scalar() or 0)

        return self._transactions.run(work, writes=False)

    # How it is done

    def _move_batch(self, batch: str, states: Sequence[State], step: Step, **values: Any) -> int:
        def work(connection: Connection) -> int:
            return rows.move_all(connection, rows.only(batch=batch), states, step, self._clock(), **values)

        return self._transactions.run(work)

    def _put_down(self, job_id: str, attempt: int, step: Step, report: str | None) -> Job:
        def work(connection: Connection) -> Job:
            row = rows.held(connection, job_id, attempt)
            return rows.move(connection, row, step, self._clock(), report=report or row.report)

        return self._transactions.run(work)

    def _reap(self, job_id: str, attempt: int, beat: int, lease_s: float) -> Job | None:
        def work(connection: Connection) -> Job | None:
            try:
                row = rows.held(connection, job_id, attempt)
            except JobError:
                return None  # another observer was first
            if row.beat != beat:
                return None
            return rows.lose(connection, row, self._clock(), self._backoff, f"no sign of life for {lease_s:g} s")

        return self._transactions.run(work)

    def _beat(self, job_id: str, attempt: int, **values: Any) -> Standing:
        mine = (jobs.c.id == rows.plain(job_id), jobs.c.attempt == attempt, jobs.c.state.in_(HELD))
        changed = update(jobs).where(*mine).values(beat=jobs.c.beat + 1, **values).returning(*jobs.c)

        def work(connection: Connection) -> Standing:
            row = connection.execute(changed).first()
            if row is None:
                return LOST
            if values:
                rows.note(connection, [row], self._clock())
            return Standing(mine=True, cancel=row.state is State.CANCELLING)

        return self._transactions.run(work)


_ANEW = {"failures": 0, "losses": 0} | rows.FRESH


def _reopen(url: str, patience_s: float, backoff: Backoff) -> JobTable:
    # No look at the database: where the table was opened first, it was brought up to date.
    return JobTable(url_of(url), patience_s=patience_s, backoff=backoff, clock=time.time, monotonic=time.monotonic)
