"""How requests become rows: many at once, and one row however often one key is sent."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.states import State
from speaksep_kernel.jobs.tables import jobs
from speaksep_kernel.logs.carried import carried

REQUEST = "request"
"""In what a job is about: the id of the request that asked for it, by which all logs name it."""
_AT_ONCE = 400  # variables of one statement are limited


def insert(
    connection: Connection, requests: Sequence[JobRequest], ids: Sequence[str], now: float
) -> tuple[list[Row[Any]], list[Row[Any]]]:
    """Insert what is not there yet.

    Parameters
    ----------
    connection
        In a writing transaction.
    requests
        In the order in which they are to run.
    ids
        From :func:`new_ids`; the same in every try, so that one whose answer was lost is not done twice.
    now
        Seconds since 1970.

    Returns
    -------
    The row of each request, and the new rows.

    Raises
    ------
    InputError
        Reason ``key-conflict``: a key was used before, for another job.
    """
    new = [_row(request, name, now) for request, name in zip(requests, ids, strict=True)]
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    connection.execute(dialect.insert(jobs).on_conflict_do_nothing(), new)
    by_id = {row.id: row for row in _rows(connection, jobs.c.id, [row["id"] for row in new])}
    missing = {(row["owner"], row["key"]) for row in new if row["id"] not in by_id}
    by_key = {(row.owner, row.key): row for row in _rows(connection, tuple_(jobs.c.owner, jobs.c.key), list(missing))}
    found = []
    for row, request in zip(new, requests, strict=True):
        job = by_id.get(row["id"]) or by_key[row["owner"], row["key"]]
        _check_same(job, request)
        found.append(job)
    return found, list(by_id.values())


def new_ids(count: int) -> list[str]:
    """Names for jobs that none had before."""
    return [secrets.token_hex(8) for _ in range(count)]


def _row(request: JobRequest, name: str, now: float) -> dict[str, Any]:
    asked = carried().get("request_id")
    return vars(request) | {  # asdict would copy all parameters
        "about": {**(request.about or {}), REQUEST: asked} if asked else request.about,
        "id": name,
        "state": State.QUEUED,
        "attempt": 0,
        "failures": 0,
        "losses": 0,
        "beat": 0,
        "fraction": 0.0,
        "stage": "",
        "message": "",
        "created_at": now,
    }


def _rows(connection: Connection, column: Any, values: Sequence[Any]) -> list[Row[Any]]:
    found: list[Row[Any]] = []
    for start in range(0, len(values), _AT_ONCE):
        some = select(jobs).where(column.in_(values[start : start + _AT_ONCE])).order_by(jobs.c.number)
        found.extend(connection.execute(some))
    return found


def _check_same(row: Row[Any], request: JobRequest) -> None:
    for name in ("notebook", "parameters", "output"):
        before, now = getattr(row, name), getattr(request, name)
        if before != now:
            raise InputError(
                f"idempotency key {request.key!r} of {request.owner!r} belongs to job {row.id}, whose {name} differ: "
                f"{str(before)[:100]!r}, now {str(now)[:100]!r}",
                reason="key-conflict",
                hint="give every job a key of its own, or send the same job again",
            )
