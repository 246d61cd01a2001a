"""The job table: durable truth about what is to be done, who does it, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, Row, delete, func, insert, or_, select, text, update

from speaksep_kernel.errors import InputError, JobError, StoreError
from speaksep_kernel.jobs import intake
from speaksep_kernel.jobs.backoff import DEFAULT_BACKOFF, Backoff
from speaksep_kernel.jobs.database import TRANSIENT, default_place, engine_of, explained, migrate, url_of
from speaksep_kernel.jobs.job import JOB_FIELDS, LOST, Event, Job, JobRequest, Standing, as_json
from speaksep_kernel.jobs.states import FINISHED, HELD, State, Step, after
from speaksep_kernel.jobs.tables import events, jobs
from speaksep_kernel.jobs.watch import Watch

T = TypeVar("T")

_LONGEST_TEXT = 2000
_EVENTS = 0x53706565 + 1  # key of PostgreSQL's advisory lock over the order of events


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
        engine: Engine,
        *,
        patience_s: float,
        backoff: Backoff,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._engine = engine
        self._writing = engine.execution_options(writes=True)
        self._patience_s = patience_s
        self._backoff = backoff
        self._clock = clock
        self._watch: Watch[tuple[str, int]] = Watch(monotonic)

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
        engine = engine_of(url_of(place or default_place()), patience_s=patience_s)
        table = cls(engine, patience_s=patience_s, backoff=backoff, clock=clock, monotonic=monotonic)
        try:
            table._patiently(lambda: migrate(engine))
        except BaseException:
            table.close()
            raise
        return table

    @property
    def url(self) -> str:
        """Opens the same table elsewhere; holds the password, if there is one."""
        return self._engine.url.render_as_string(hide_password=False)

    def close(self) -> None:
        """Close all connections; the table can still be used, it opens new ones."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self.url, self._patience_s, self._backoff)

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
        if not requests:
            return []

        def work(connection: Connection) -> list[Job]:
            rows, new = intake.insert(connection, requests, self._clock())
            _note(connection, list({row.id: row for row in rows if row.id in new}.values()), self._clock())
            return [_job(row) for row in rows]

        return self._write(work)

    def cancel(self, job_id: str) -> Job:
        """Stop a job: at once if it waits; a running one hears of it with its next heartbeat.

        Raises
        ------
        JobError
            Reason ``wrong-state``: it has succeeded or failed.
        InputError
            Reason ``unknown-job``.
        """
        return self._write(lambda connection: self._move(connection, _locked(connection, job_id), Step.CANCEL))

    def cancel_batch(self, batch: str) -> int:
        """Stop what is left of a batch; returns how many jobs that is."""
        return self._move_all(batch, Step.CANCEL, (State.QUEUED, State.RUNNING))

    def retry(self, job_id: str) -> Job:
        """Queue a failed or cancelled job again, with all its attempts.

        Raises
        ------
        JobError
            Reason ``wrong-state``: it is in any other state.
        InputError
            Reason ``unknown-job``.
        """
        return self._write(lambda connection: self._retry(connection, _locked(connection, job_id)))

    def retry_batch(self, batch: str) -> int:
        """Queue all failed and cancelled jobs of a batch again; returns how many those are."""
        return self._move_all(batch, Step.RETRY, (State.FAILED, State.CANCELLED))

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
        which = (*old, *_only(owner=owner, batch=batch))
        return self._write(lambda connection: connection.execute(delete(jobs).where(*which)).rowcount)

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
                .where(jobs.c.state == State.QUEUED, _due(now), *_only(batch=batch))
                .order_by(jobs.c.priority.desc(), jobs.c.number)
                .limit(1)
                .with_for_update(skip_locked=True)
            ).first()
            if row is None:
                return None
            fresh = {
                "fraction": 0.0,
                "stage": "",
                "message": "",
                "started_at": now,
                "not_before": None,
                "delay_s": None,
            }
            held = {"attempt": row.attempt + 1, "worker": _plain(worker), "lease_s": lease_s, "beat": 0}
            return self._move(connection, row, Step.CLAIM, **fresh, **held)

        return self._write(work)

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
        values: dict[str, Any] = {"stage": stage, "message": message}
        values = {name: _plain(value) for name, value in values.items() if value is not None}
        if fraction is not None:
            values["fraction"] = min(1.0, max(0.0, float(fraction)))
        return self._beat(job_id, attempt, **values)

    def succeed(
        self,
        job_id: str,
        attempt: int,
        result: Any = None,
        report: str | None = None,
        *,
        publish: Callable[[], None] | None = None,
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
            attempt's folder: quick, and harmless when done again, as it is after a crash between it and the commit.
            What it raises leaves the job as it was.

        Raises
        ------
        JobError
            Reason ``lease-lost``: the job is no longer this attempt's.
        InputError
            Reason ``bad-job`` (the result is not JSON-able) or ``unknown-job``.
        """
        as_json("result", result)

        def work(connection: Connection) -> Job:
            row = _locked(connection, job_id)
            if row.state is State.SUCCEEDED and row.attempt == attempt:
                return _job(row)
            _check_held(row, attempt)
            if publish is not None:
                publish()
            done = {"result": result, "report": report, "error": None, "fraction": 1.0, "message": ""}
            return self._move(connection, row, Step.SUCCEED, **done)

        return self._write(work)

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
            row = _locked(connection, job_id)
            _check_held(row, attempt)
            failures = row.failures + 1
            values = {"failures": failures, "error": dict(error), "report": report or row.report}
            return self._fault(connection, row, again and failures < row.max_attempts, values)

        return self._write(work)

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
            row = _locked(connection, job_id)
            _check_held(row, attempt)
            return self._lose(connection, row, why)

        return self._write(work)

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

        Call it several times per lease, always on the same table object, which remembers when it saw each counter move
        (:class:`~speaksep_kernel.jobs.watch.Watch`). Any number of observers may.
        """
        held = select(jobs.c.id, jobs.c.attempt, jobs.c.beat, jobs.c.lease_s)
        rows = self._read(held.where(jobs.c.state.in_(HELD), *_only(batch=batch)))
        beats = {(row.id, row.attempt): row.beat for row in rows}
        lost = self._watch.look({(row.id, row.attempt): (row.beat, row.lease_s) for row in rows})
        return [job for key in lost if (job := self._reap(*key, beats[key])) is not None]

    # Who wants to know

    def get(self, job_id: str) -> Job:
        """One job.

        Parameters
        ----------
        job_id
            Its id, or the beginning of it if no other job's begins so.

        Raises
        ------
        InputError
            Reason ``unknown-job`` or ``ambiguous-job``.
        """
        found = self._read(select(jobs).where(jobs.c.id.startswith(job_id, autoescape=True)).limit(2))
        if not found or not job_id:
            raise _unknown(job_id)
        if len(found) > 1:
            raise InputError(f"several jobs begin with {job_id!r}", reason="ambiguous-job", hint="give more of the id")
        return _job(found[0])

    def jobs(
        self,
        *,
        owner: str | None = None,
        batch: str | None = None,
        states: Sequence[State] = (),
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[Job]:
        """Jobs in order of arrival; everything given narrows it down."""
        order = jobs.c.number.desc() if newest_first else jobs.c.number
        which = _only(owner=owner, batch=batch)
        if states:
            which = (*which, jobs.c.state.in_(states))
        return [_job(row) for row in self._read(select(jobs).where(*which).order_by(order).limit(limit))]

    def counts(self, *, owner: str | None = None, batch: str | None = None) -> dict[State, int]:
        """How many jobs are in each state, zeros included."""
        counted = (
            select(jobs.c.state, func.count().label("jobs"))
            .where(*_only(owner=owner, batch=batch))
            .group_by(jobs.c.state)
        )
        return dict.fromkeys(State, 0) | {row.state: row.jobs for row in self._read(counted)}

    def claimable(self, *, batch: str | None = None) -> int:
        """How many jobs could be claimed now: those that wait for nothing but a worker."""
        due = select(func.count()).where(jobs.c.state == State.QUEUED, _due(self._clock()), *_only(batch=batch))
        return int(self._read(due)[0][0])

    def events(
        self, after: int = 0, *, job_id: str | None = None, batch: str | None = None, limit: int = 1000
    ) -> list[Event]:
        """What happened after an event, oldest first; call again with the last ``seq`` for what comes next.

        No event is ever missed so: none becomes visible after one with a higher ``seq``.
        """
        which = () if job_id is None else (jobs.c.id == job_id,)
        wanted = (
            select(jobs.c.id.label("job_id"), events)
            .join(jobs, jobs.c.number == events.c.job_number)
            .where(events.c.seq > after, *which, *_only(batch=batch))
            .order_by(events.c.seq)
            .limit(limit)
        )

        def work() -> list[Event]:
            with explained(self._engine), self._engine.begin() as connection:
                if connection.dialect.name == "postgresql":
                    # Whoever took a number before has now committed: see _note.
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _EVENTS})
                return [Event(**{name: getattr(row, name) for name in _EVENT}) for row in connection.execute(wanted)]

        return self._patiently(work)

    # How it is done

    def _read(self, query: Any) -> Sequence[Row[Any]]:
        def work() -> Sequence[Row[Any]]:
            with explained(self._engine), self._engine.begin() as connection:
                return connection.execute(query).all()

        return self._patiently(work)

    def _write(self, work: Callable[[Connection], T]) -> T:
        def attempt() -> T:
            with explained(self._engine), self._writing.begin() as connection:
                return work(connection)

        return self._patiently(attempt)

    def _patiently(self, work: Callable[[], T]) -> T:
        deadline_s, pause_s = time.monotonic() + self._patience_s, 0.05
        while True:
            try:
                return work()
            except StoreError as error:
                if error.reason not in TRANSIENT or time.monotonic() + pause_s > deadline_s:
                    raise
            time.sleep(pause_s)
            pause_s = min(1.0, 2 * pause_s)

    def _move(self, connection: Connection, row: Row[Any], step: Step, **values: Any) -> Job:
        state, now = after(row.state, step), self._clock()
        finished_at = (row.finished_at or now) if state in FINISHED else None
        changed = update(jobs).where(jobs.c.number == row.number)
        changed = changed.values(state=state, finished_at=finished_at, **values)
        new = connection.execute(changed.returning(*jobs.c)).one()
        if state is not row.state:
            _note(connection, [new], now)
        return _job(new)

    def _move_all(self, batch: str, step: Step, states: Sequence[State]) -> int:
        wanted = select(jobs).where(jobs.c.batch == batch, jobs.c.state.in_(states)).order_by(jobs.c.number)

        def work(connection: Connection) -> int:
            rows = connection.execute(wanted.with_for_update()).all()
            for row in rows:
                move = self._retry if step is Step.RETRY else self._move
                move(connection, row, step)
            return len(rows)

        return self._write(work)

    def _retry(self, connection: Connection, row: Row[Any], step: Step = Step.RETRY) -> Job:
        return self._move(
            connection,
            row,
            step,
            failures=0,
            losses=0,
            fraction=0.0,
            stage="",
            message="",
            not_before=None,
            delay_s=None,
        )

    def _fault(self, connection: Connection, row: Row[Any], again: bool, values: dict[str, Any]) -> Job:
        message = _plain(str(values["error"].get("error", "")))
        if not again:
            return self._move(connection, row, Step.FAIL, message=message, **values)
        delay_s = self._backoff.delay_s(values.get("failures", row.failures) + values.get("losses", row.losses))
        wait = {"not_before": self._clock() + delay_s, "delay_s": delay_s}
        return self._move(connection, row, Step.AGAIN, message=message, **wait, **values)

    def _lose(self, connection: Connection, row: Row[Any], why: str) -> Job:
        losses = row.losses + 1
        error = JobError(
            f"attempt {row.attempt} of job {row.id} lost its worker {row.worker!r}: {why}",
            reason="worker-lost",
            hint="was it out of memory, killed or cut off? speaksep jobs retry runs it again",
        )
        return self._fault(connection, row, losses < row.max_losses, {"losses": losses, "error": error.to_dict()})

    def _reap(self, job_id: str, attempt: int, beat: int) -> Job | None:
        def work(connection: Connection) -> Job | None:
            row = connection.execute(select(jobs).where(jobs.c.id == job_id).with_for_update()).first()
            if row is None or row.attempt != attempt or row.beat != beat or row.state not in HELD:
                return None  # it moved, or another observer was first
            return self._lose(connection, row, f"no sign of life for {row.lease_s:g} s")

        return self._write(work)

    def _put_down(self, job_id: str, attempt: int, step: Step, report: str | None) -> Job:
        def work(connection: Connection) -> Job:
            row = _locked(connection, job_id)
            _check_held(row, attempt)
            return self._move(connection, row, step, report=report or row.report)

        return self._write(work)

    def _beat(self, job_id: str, attempt: int, **values: Any) -> Standing:
        mine = (jobs.c.id == job_id, jobs.c.attempt == attempt, jobs.c.state.in_(HELD))
        changed = update(jobs).where(*mine).values(beat=jobs.c.beat + 1, **values).returning(*jobs.c)

        def work(connection: Connection) -> Standing:
            row = connection.execute(changed).first()
            if row is None:
                return LOST
            if values:
                _note(connection, [row], self._clock())
            return Standing(mine=True, cancel=row.state is State.CANCELLING)

        return self._write(work)


_EVENT = ("seq", "job_id", "attempt", "at", "state", "fraction", "stage", "message")


def _reopen(url: str, patience_s: float, backoff: Backoff) -> JobTable:
    return JobTable.open(url, patience_s=patience_s, backoff=backoff)


def _job(row: Row[Any]) -> Job:
    return Job(**{name: getattr(row, name) for name in JOB_FIELDS})


def _only(*, owner: str | None = None, batch: str | None = None) -> tuple[ColumnElement[bool], ...]:
    wanted = ((jobs.c.owner, owner), (jobs.c.batch, batch))
    return tuple(column == value for column, value in wanted if value is not None)


def _due(now: float) -> ColumnElement[bool]:
    # A wait that is longer than it was made can only come from a clock that was put back.
    return or_(jobs.c.not_before.is_(None), jobs.c.not_before <= now, jobs.c.not_before > now + jobs.c.delay_s)


def _locked(connection: Connection, job_id: str) -> Row[Any]:
    row = connection.execute(select(jobs).where(jobs.c.id == job_id).with_for_update()).first()
    if row is None:
        raise _unknown(job_id)
    return row


def _check_held(row: Row[Any], attempt: int) -> None:
    if row.attempt != attempt or row.state not in HELD:
        raise JobError(
            f"attempt {attempt} of job {row.id} has lost it: it is {row.state}, attempt {row.attempt}",
            reason="lease-lost",
            hint="nothing of this attempt may be published; whoever has the job now does it",
        )


def _unknown(job_id: str) -> InputError:
    return InputError(f"no job {job_id!r}", reason="unknown-job", hint="speaksep jobs list shows them")


def _note(connection: Connection, rows: Sequence[Row[Any]], now: float) -> None:
    """Store how jobs stand as events: the last thing of a transaction."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        # PostgreSQL hands out numbers before the commit, so a later one could be seen first and the earlier one be
        # missed. Writers share this lock, a reader waits for all of them. It comes after all locks of rows.
        connection.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": _EVENTS})
    kept = ("attempt", "state", "fraction", "stage", "message")
    new = [{"job_number": row.number, "at": now} | {name: getattr(row, name) for name in kept} for row in rows]
    connection.execute(insert(events), new)


def _plain(words: str) -> str:
    """Text that every database takes: no NUL, nothing that is not Unicode, not endless."""
    return words[:_LONGEST_TEXT].replace("\0", "").encode("utf-8", "backslashreplace").decode("utf-8")
