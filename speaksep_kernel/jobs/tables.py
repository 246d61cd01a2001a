"""The two tables: jobs and what happened to them."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from speaksep_kernel.jobs.job import LONGEST_WORD, as_json
from speaksep_kernel.jobs.states import State

REVISION = "0002"
"""The migration that these tables belong to."""


class Json(TypeDecorator[Any]):
    """JSON as ASCII text: the JSON types of databases refuse file names that are not UTF-8."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """To the database; None stays NULL."""
        return None if value is None else as_json("value", value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """From the database."""
        return None if value is None else json.loads(value)


class StateName(TypeDecorator[State]):
    """A state by its name: readable in any database tool, and no type to migrate."""

    impl = String(16)
    cache_ok = True

    def process_bind_param(self, value: State | None, dialect: Dialect) -> str | None:
        """To the database."""
        return None if value is None else value.value

    def process_result_value(self, value: str | None, dialect: Dialect) -> State | None:
        """From the database."""
        return None if value is None else State(value)


# SQLite counts rows itself only where the key is INTEGER.
_Count = BigInteger().with_variant(Integer, "sqlite")
_Word = String(LONGEST_WORD)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

jobs = Table(
    "jobs",
    metadata,
    Column("number", _Count, primary_key=True),  # order of arrival, whatever the clock says
    Column("id", String(16), nullable=False, unique=True),
    Column("notebook", _Word, nullable=False),
    Column("parameters", Json, nullable=False),
    Column("output", Json, nullable=False),
    Column("owner", _Word, nullable=False),
    Column("batch", _Word),
    Column("key", _Word),
    Column("priority", Integer, nullable=False),
    Column("device", String(16), nullable=False),
    Column("time_limit_s", Float),
    Column("memory_limit_bytes", BigInteger),
    Column("max_attempts", Integer, nullable=False),
    Column("max_losses", Integer, nullable=False),
    Column("state", StateName, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("losses", Integer, nullable=False),
    Column("worker", Text),
    Column("lease_s", Float),
    Column("beat", BigInteger, nullable=False),  # rises with every sign of life
    Column("fraction", Float, nullable=False),
    Column("stage", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("result", Json),
    Column("error", Json),
    Column("report", Json),
    Column("about", Json),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("finished_at", Float),
    Column("not_before", Float),
    Column("delay_s", Float),  # what not_before was made of: tells a clock that was put back
    UniqueConstraint("owner", "key"),
    Index("ix_jobs_finished_at", "finished_at"),
    sqlite_autoincrement=True,  # a number is never used twice
)
# Claims walk along one of these, in the order in which they take jobs.
Index("ix_jobs_claim", jobs.c.state, jobs.c.priority.desc(), jobs.c.number)
Index("ix_jobs_claim_batch", jobs.c.batch, jobs.c.state, jobs.c.priority.desc(), jobs.c.number)

events = Table(
    "events",
    metadata,
    Column("seq", _Count, primary_key=True),
    Column("job_number", _Count, ForeignKey("jobs.number", ondelete="CASCADE"), nullable=False, index=True),
    Column("attempt", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Column("state", StateName, nullable=False),
    Column("fraction", Float, nullable=False),
    Column("stage", Text, nullable=False),
    Column("message", Text, nullable=False),
    sqlite_autoincrement=True,
)
