"""Transactions that wait for a database that is locked, full or away, each process with connections of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Row, text
from sqlalchemy.engine import URL

from speaksep_kernel.errors import StoreError
from speaksep_kernel.jobs.database import TRANSIENT, engine_of, explained

T = TypeVar("T")


class Transactions:
    """Reads and writes of one database; any number of threads may share it.

    Parameters
    ----------
    url
        From :func:`~speaksep_kernel.jobs.database.url_of`.
    patience_s
        How long a fault that may pass is waited for.
    """

    def __init__(self, url: URL, *, patience_s: float) -> None:
        self.url = url
        self.patience_s = patience_s
        self._engines: dict[int, Engine] = {}

    @property
    def engine(self) -> Engine:
        """This process's connections. Those of the process it was forked from are kept: closing would end them."""
        process = os.getpid()
        known = self._engines.get(process)
        # Of two threads that come at once, both get the same; the other engine has opened nothing yet.
        return known or self._engines.setdefault(process, engine_of(self.url, patience_s=self.patience_s))

    def close(self) -> None:
        """Close this process's connections; new ones are opened when needed."""
        engine = self._engines.pop(os.getpid(), None)
        if engine is not None:
            engine.dispose()

    def read(self, query: Any) -> Sequence[Row[Any]]:
        """All rows of a query."""
        return self.run(lambda connection: connection.execute(query).all(), writes=False)

    def run(self, work: Callable[[Connection], T], *, writes: bool = True) -> T:
        """Do work in one transaction; from the start, if a fault that may pass breaks it.

        Raises
        ------
        StoreError
            See :func:`~speaksep_kernel.jobs.database.explained`.
        """

        def attempt() -> T:
            engine = self.engine
            with explained(engine), engine.execution_options(writes=writes).begin() as connection:
                return work(connection)

        return self.patiently(attempt)

    def patiently(self, work: Callable[[], T], *, faults: Collection[str] = TRANSIENT) -> T:
        """Try again, while it raises a StoreError with one of these reasons and patience lasts."""
        deadline_s, pause_s = time.monotonic() + self.patience_s, 0.05
        while True:
            try:
                return work()
            except StoreError as error:
                if error.reason not in faults or time.monotonic() + pause_s > deadline_s:
                    raise
            time.sleep(pause_s)
            pause_s = min(1.0, 2 * pause_s)


def lock_until_commit(connection: Connection, key: int, *, shared: bool = False) -> None:
    """Take turns with all others that lock this key. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        kind = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
        connection.execute(text(f"SELECT {kind}(:key)"), {"key": key})
