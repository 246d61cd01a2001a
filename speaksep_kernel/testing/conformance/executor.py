"""What every executor must do (`speaksep_kernel.jobs.protocol.JobExecutor`)."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

from speaksep_kernel.testing.conformance.check import Check, ensure, info_is_complete, unknown_options_are_refused

TIMEOUT_S = 60.0


def work_is_done(cls: type[Any], **options: Any) -> None:
    """It opens a `concurrent.futures.Executor` whose futures bring results."""
    with cls(workers=2, **options).open() as executor:
        ensure(isinstance(executor, Executor), f"opens {type(executor).__name__}, not a concurrent.futures.Executor")
        results = [future.result(TIMEOUT_S) for future in [executor.submit(pow, 2, k) for k in range(4)]]
    ensure(results == [1, 2, 4, 8], f"2**0 to 2**3 became {results}")


def faults_come_back(cls: type[Any], **options: Any) -> None:
    """An exception in the work is raised by its future, and the executor goes on."""
    with cls(workers=1, **options).open() as executor:
        fault = executor.submit(int, "x").exception(TIMEOUT_S)
        ensure(isinstance(fault, ValueError), f"int('x') ended in {fault!r}")
        ensure(executor.submit(abs, -1).result(TIMEOUT_S) == 1, "no work after a fault")


CHECKS: tuple[Check, ...] = (info_is_complete, unknown_options_are_refused, work_is_done, faults_come_back)
