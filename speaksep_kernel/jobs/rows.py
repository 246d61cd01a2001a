"""What is done to rows inside a transaction: every change of a job's state passes :func:`move`."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, or_, select, update

from speaksep_kernel.errors import InputError, JobError
from speaksep_kernel.jobs.backoff import Backoff
from speaksep_kernel.jobs.job import JOB_FIELDS, Event, Job
from speaksep_kernel.jobs.states import FINISHED, HELD, State, Step, after
from speaksep_kernel.jobs.tables import events, jobs
from speaksep_kernel.jobs.transactions import lock_until_commit

EVENT_FIELDS = ("seq", "job_id", "attempt", "at", "state", "fraction", "stage", "message", "owner")
FRESH: dict[str, Any] = {"fraction": 0.0, "stage": "", "message": "", "not_before": None, "delay_s": None}
"""Values of a job that starts anew."""

_LONGEST_TEXT = 2000
EVENTS = 0x53706566
"""Key of the lock over the order of events."""


def job_of(row: Row[Any]) -> Job:
    """The job in a row."""
    return Job(**{name: getattr(row, name) for name in JOB_FIELDS})


def event_of(row: Row[Any]) -> Event:
    """The event in a row."""
    return Event(**{name: getattr(row, name) for name in EVENT_FIELDS})


def only(
    *,
    owner: str | None = None,
    batch: str | None = None,
    before: str | None = None,
    ids: Collection[str] | None = None,
    notebooks: Collection[str] | None = None,
) -> tuple[ColumnElement[bool], ...]:
    """Conditions for what is given; `before` is the id of a job that arrived later."""
    wanted = ((jobs.c.owner, owner), (jobs.c.batch, batch))
    conditions = tuple(column == plain(value) for column, value in wanted if value is not None)
    among = ((jobs.c.id, ids), (jobs.c.notebook, notebooks))
    conditions += tuple(column.in_(list(map(plain, values))) for column, values in among if values is not None)
    if before is None:
        return conditions
    other = jobs.alias()
    later = select(other.c.number).where(other.c.id == plain(before)).scalar_subquery()
    return (*conditions, jobs.c.number < later)


def due(now: float) -> ColumnElement[bool]:
    """Not waiting for a retry. A wait longer than it was made can only come from a clock that was put back."""
    return or_(jobs.c.not_before.is_(None), jobs.c.not_before <= now, jobs.c.not_before > now + jobs.c.delay_s)


def named(connection: Connection, job_id: str) -> Row[Any]:
    """The row of a job, from its id or a beginning that no other has.

    Raises
    ------
    InputError
        Reason ``unknown-job`` or ``ambiguous-job``.
    """
    # A range, since SQLite looks for LIKE in every row; g comes after all hexadecimal digits.
    wanted = select(jobs).where(jobs.c.id >= job_id, jobs.c.id < f"{job_id}g").limit(2)
    found = connection.execute(wanted).all() if re.fullmatch("[0-9a-f]{1,16}", job_id) else []
    if not found:
        raise InputError(f"no job {job_id!r}", reason="unknown-job", hint="speaksep jobs list shows them")
    if len(found) > 1:
        raise InputError(f"several jobs begin with {job_id!r}", reason="ambiguous-job", hint="give more of the id")
    return found[0]


def locked(connection: Connection, job_id: str) -> Row[Any]:
    """The row of a job, which nobody else changes until the commit.

    Raises
    ------
    InputError
        Reason ``unknown-job``.
    """
    row = connection.execute(select(jobs).where(jobs.c.id == plain(job_id)).with_for_update()).first()
    if row is None:
        raise InputError(f"no job {job_id!r}", reason="unknown-job", hint="speaksep jobs list shows them")
    return row


def held(connection: Connection, job_id: str, attempt: int) -> Row[Any]:
    """The locked row of a job that is this attempt's.

    Raises
    ------
    JobError
        Reason ``lease-lost``.
    InputError
        Reason ``unknown-job``.
    """
    row = locked(connection, job_id)
    if row.attempt != attempt or row.state not in HELD:
        raise JobError(
            f"attempt {attempt} of job {row.id} has lost it: it is {row.state}, attempt {row.attempt}",
            reason="lease-lost",
            hint="nothing of this attempt may be published; whoever has the job now does it",
        )
    return row


def move(connection: Connection, row: Row[Any], step: Step, now: float, **values: Any) -> Job:
    """Let a step happen to a locked row, with an event if its state changes.

    Raises
    ------
    JobError
        Reason ``wrong-state``.
    """
    state = after(row.state, step)
    finished_at = (row.finished_at or now) if state in FINISHED else None
    changed = update(jobs).where(jobs.c.number == row.number).values(state=state, finished_at=finished_at, **values)
    new = connection.execute(changed.returning(*jobs.c)).one()
    if state is not row.state:
        note(connection, [new], now)
    return job_of(new)


def move_all(
    connection: Connection,
    which: Sequence[ColumnElement[bool]],
    states: Sequence[State],
    step: Step,
    now: float,
    **values: Any,
) -> int:
    """Let a step happen to all jobs in some states that meet conditions; returns how many those are."""
    moved: list[Row[Any]] = []
    for before in states:
        state = after(before, step)
        ended = {"finished_at": now if state in FINISHED else None}
        changed = update(jobs).where(jobs.c.state == before, *which).values(state=state, **ended, **values)
        moved.extend(connection.execute(changed.returning(*jobs.c)))
    note(connection, moved, now)
    return len(moved)


def fault(connection: Connection, row: Row[Any], now: float, backoff: Backoff, *, again: bool, **values: Any) -> Job:
    """Let an attempt end badly: another one after a wait, or failed for good."""
    values["message"] = plain(str(values["error"].get("error", "")))
    if not again:
        return move(connection, row, Step.FAIL, now, **values)
    delay_s = backoff.delay_s(values.get("failures", row.failures) + values.get("losses", row.losses))
    return move(connection, row, Step.AGAIN, now, not_before=now + delay_s, delay_s=delay_s, **values)


def lose(connection: Connection, row: Row[Any], now: float, backoff: Backoff, why: str) -> Job:
    """Let a job lose its worker."""
    losses = row.losses + 1
    error = JobError(
        f"attempt {row.attempt} of job {row.id} lost its worker {row.worker!r}: {why}",
        reason="worker-lost",
        hint="was it out of memory, killed or cut off? speaksep jobs retry runs it again",
    )
    again = losses < row.max_losses
    return fault(connection, row, now, backoff, again=again, losses=losses, error=error.to_dict())


def note(connection: Connection, rows: Sequence[Row[Any]], now: float) -> None:
    """Store how jobs stand as events: the last thing of a transaction."""
    if not rows:
        return
    # PostgreSQL hands out numbers before the commit, so a later one could be seen first and the earlier one be missed.
    # Writers share this lock, a reader waits for all of them. It comes after all locks of rows: no deadlock.
    lock_until_commit(connection, EVENTS, shared=True)
    kept = ("attempt", "state", "fraction", "stage", "message")
    new = [{"job_number": row.number, "at": now} | {name: getattr(row, name) for name in kept} for row in rows]
    connection.execute(insert(events), new)


def noted(connection: Connection, query: Any) -> list[Event]:
    """The events of a query; all that have a lower number than the last of them are among them."""
    lock_until_commit(connection, EVENTS)
    return [event_of(row) for row in connection.execute(query)]


def plain(words: str) -> str:
    """Text that every database takes: no NUL, nothing that is not Unicode, not endless."""
    return words[:_LONGEST_TEXT].replace("\0", "").encode("utf-8", "backslashreplace").decode("utf-8")
