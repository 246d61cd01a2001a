"""Batches as a whole: what somebody began, and how many jobs of it stand where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, func, select

from speaksep_kernel.jobs.rows import plain
from speaksep_kernel.jobs.states import State
from speaksep_kernel.jobs.tables import jobs

GROUP = "/"
"""In the name of a batch: jobs that belong to a thing, such as all corrections of a result, and are no batch."""


@dataclass(frozen=True)
class BatchCounts:
    """How a batch stands.

    Attributes
    ----------
    id
        Name of the batch.
    notebook, about
        Of its first job.
    created_at
        When that was asked for, in seconds since 1970 (UTC).
    counts
        Jobs by state, zeros included.
    """

    id: str
    notebook: str
    about: Mapping[str, Any] | None
    created_at: float
    counts: Mapping[State, int]


def groups(owner: str, *, only: str | None, before: str | None, limit: int | None) -> Select[Any]:
    """The first job of each batch, those that began last first."""
    named = jobs.c.batch.is_not(None) if only is None else jobs.c.batch == plain(only)
    theirs = (jobs.c.owner == plain(owner), named, ~jobs.c.batch.contains(GROUP))
    first = select(jobs.c.batch, func.min(jobs.c.number).label("number")).where(*theirs).group_by(jobs.c.batch)
    if before is not None:
        other = jobs.alias()
        bound = select(func.min(other.c.number)).where(other.c.owner == plain(owner), other.c.batch == plain(before))
        first = first.having(func.min(jobs.c.number) < bound.scalar_subquery())
    firsts = first.order_by(func.min(jobs.c.number).desc()).limit(limit).subquery()
    columns = (jobs.c.batch, jobs.c.notebook, jobs.c.about, jobs.c.created_at)
    return select(*columns).join(firsts, jobs.c.number == firsts.c.number).order_by(jobs.c.number.desc())


def counted(owner: str, batches: Sequence[str]) -> Select[Any]:
    """Jobs of batches by state."""
    theirs = (jobs.c.owner == plain(owner), jobs.c.batch.in_(batches))
    columns = (jobs.c.batch, jobs.c.state)
    return select(*columns, func.count().label("jobs")).where(*theirs).group_by(*columns)


def batches_of(firsts: Sequence[Row[Any]], counts: Sequence[Row[Any]]) -> list[BatchCounts]:
    """What the two queries found."""
    by_batch: dict[str, dict[State, int]] = {row.batch: dict.fromkeys(State, 0) for row in firsts}
    for row in counts:
        by_batch[row.batch][row.state] = row.jobs
    return [BatchCounts(row.batch, row.notebook, row.about, row.created_at, by_batch[row.batch]) for row in firsts]
