"""Whom an attempt tells what it does: the job table, or nobody."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Protocol

from speaksep_kernel.jobs.job import Standing
from speaksep_kernel.jobs.queue import JobTable


class Ledger(Protocol):
    """The part of `speaksep_kernel.jobs.queue.JobTable` that a worker needs; see there."""

    def heartbeat(self, job_id: str, attempt: int) -> Standing:
        """Give a sign of life."""

    def report(self, job_id: str, attempt: int, fraction: float, stage: str, message: str) -> Standing:
        """Tell progress."""

    def succeed(
        self, job_id: str, attempt: int, result: Any, report: str | None, *, publish: Callable[[], None]
    ) -> object:
        """Publish, and say so."""

    def fail(self, job_id: str, attempt: int, error: Mapping[str, Any], again: bool, report: str | None) -> object:
        """It failed."""

    def stopped(self, job_id: str, attempt: int, report: str | None) -> object:
        """It was stopped as somebody wished."""

    def release(self, job_id: str, attempt: int) -> object:
        """Give it back."""


class Nobody:
    """Where there is no table: nothing is told, and nobody wants it stopped."""

    def heartbeat(self, job_id: str, attempt: int) -> Standing:
        """All is well."""
        return Standing(mine=True, cancel=False)

    def report(self, job_id: str, attempt: int, fraction: float, stage: str, message: str) -> Standing:
        """All is well."""
        return Standing(mine=True, cancel=False)

    def succeed(
        self, job_id: str, attempt: int, result: Any, report: str | None, *, publish: Callable[[], None]
    ) -> None:
        """Only publish."""
        publish()

    def fail(self, job_id: str, attempt: int, error: Mapping[str, Any], again: bool, report: str | None) -> None:
        """The outcome says it."""

    def stopped(self, job_id: str, attempt: int, report: str | None) -> None:
        """The outcome says it."""

    def release(self, job_id: str, attempt: int) -> None:
        """The outcome says it."""


def ledger(table: str | None) -> Ledger:
    """The table at a URL, opened once per process; nobody if ``None``.

    Raises
    ------
    InputError, StoreError
        It cannot be opened.
    """
    return Nobody() if table is None else _table(table, os.getpid())


@lru_cache(maxsize=8)
def _table(url: str, _process: int) -> JobTable:
    return JobTable.open(url)
