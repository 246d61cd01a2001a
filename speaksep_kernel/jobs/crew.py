"""The workers of a dispatcher: an executor that is opened again when it breaks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from contextlib import AbstractContextManager
from pickle import PickleError
from types import TracebackType
from typing import Any, Self

from speaksep_kernel.errors import InputError, JobError
from speaksep_kernel.jobs.protocol import JobExecutor

log = logging.getLogger(__name__)

LONGEST_PAUSE_S = 10.0
"""Between two attempts to open an executor again."""
FAULTS_IN_A_ROW = 10
"""So many tasks that end in a fault of their worker, and none that works, are no accident."""
HOPELESS = (ImportError, AttributeError, NameError, TypeError, PickleError, InputError)
"""Faults that do not pass by themselves."""


class Crew:
    """Runs tasks on an executor; tasks may get lost, and it says how many may still be under way.

    Parameters
    ----------
    executor
        Plugin, not opened yet.
    patience_s
        How long an executor that broke is tried to be opened again.

    Attributes
    ----------
    trouble
        The last thing that went wrong, in words; "" while all is well.
    """

    def __init__(self, executor: JobExecutor, *, patience_s: float = 600.0) -> None:
        self._plugin = executor
        self._patience_s = patience_s
        self._context: AbstractContextManager[Executor] | None = None
        self._executor: Executor | None = None
        self._futures: dict[Future[Any], float] = {}
        self._faults, self._faulty_since = 0, 0.0
        self._broken_since, self._try_at, self._pause_s = 0.0, 0.0, 0.5
        self._leaving = False
        self.trouble = ""

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cancel()
        self._close()

    def __len__(self) -> int:
        """How many tasks are waiting or under way, as far as is known."""
        return len(self._futures)

    def submit(self, task: Callable[..., Any], *arguments: Any) -> bool:
        """Hand in a task; whether that was possible now.

        Raises
        ------
        JobError
            Reason ``no-workers``: the executor has been broken for longer than patience lasts.
        """
        if self._executor is None and not self._reopen():
            return False
        assert self._executor is not None
        try:
            self._futures[self._executor.submit(task, *arguments)] = time.monotonic()
        except Exception as error:  # a broken pool, a scheduler or a broker that went away
            self._broke(error)
            return False
        return True

    def settle(self, timeout_s: float) -> list[Any]:
        """Wait until a task is done, or for a while; results of those that are.

        Raises
        ------
        JobError
            Reason ``no-workers``: task after task ends in a fault of its worker.
        """
        if not self._futures:
            time.sleep(timeout_s)
            return []
        done, _ = wait(self._futures, timeout_s, FIRST_COMPLETED)
        results = []
        for future in done:
            del self._futures[future]
            fault = CancelledError() if future.cancelled() else future.exception()
            if fault is None:
                results.append(future.result())
                self._faults, self.trouble = 0, ""
            elif not self._leaving:
                self._fault(fault)
        return results

    def forget(self, older_than_s: float) -> None:
        """Count tasks that are older no longer: their results were lost on the way."""
        now = time.monotonic()
        for future in [future for future, since in self._futures.items() if now - since > older_than_s]:
            future.cancel()
            del self._futures[future]

    def cancel(self) -> None:
        """Take back what has not begun: nobody wants any more of it."""
        self._leaving = True
        for future in self._futures:
            future.cancel()

    def _fault(self, fault: BaseException) -> None:
        """A task that came back with nothing: one killed worker is an accident, task after task is none."""
        self.trouble = _words(fault)
        log.info("a task came back with a fault: %s", self.trouble)
        now = time.monotonic()
        self._faulty_since = now if self._faults == 0 else self._faulty_since
        self._faults += 1
        hopeless = isinstance(fault, HOPELESS) and self._faults >= FAULTS_IN_A_ROW
        if hopeless or (self._faults >= 10 * FAULTS_IN_A_ROW and now - self._faulty_since > self._patience_s):
            raise JobError(
                f"the workers of executor {self._plugin.info.name!r} cannot work: {self.trouble}",
                reason="no-workers",
                hint="is the same SpeakSep installed there, and the job table reachable from there?",
            ) from fault

    def _open(self) -> None:
        context = self._plugin.open()
        self._executor, self._context = context.__enter__(), context

    def _close(self) -> None:
        context, self._context, self._executor = self._context, None, None
        if context is not None:
            context.__exit__(None, None, None)

    def _broke(self, fault: BaseException) -> None:
        self.trouble = _words(fault)
        log.info("the executor broke: %s", self.trouble)
        self._futures.clear()  # its jobs are in the table; their leases tell
        self._broken_since = self._broken_since or time.monotonic()
        try:
            self._close()
        except Exception as error:  # what is broken may not close well either
            log.info("it did not close: %s", _words(error))

    def _reopen(self) -> bool:
        now = time.monotonic()
        if now < self._try_at:
            return False
        try:
            self._open()
        except Exception as error:
            self.trouble = _words(error)
            if now - self._broken_since > self._patience_s:
                raise JobError(
                    f"executor {self._plugin.info.name!r} does not come back: {self.trouble}",
                    reason="no-workers",
                    hint="nothing is lost: start it, then speaksep batch --resume",
                ) from error
            self._pause_s = min(LONGEST_PAUSE_S, 2 * self._pause_s)
            self._try_at = time.monotonic() + self._pause_s
            return False
        self._broken_since, self._try_at, self._pause_s, self.trouble = 0.0, 0.0, 0.5, ""
        return True


def _words(fault: BaseException) -> str:
    return " ".join(f"{type(fault).__name__}: {fault}".split()).rstrip(": ")
