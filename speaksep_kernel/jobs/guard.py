"""Two threads beside a running notebook: one speaks with the table, one keeps its limits."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Literal, Protocol, Self

from speaksep_kernel.errors import StoreError
from speaksep_kernel.jobs.ledger import Ledger
from speaksep_kernel.jobs.ticket import Ticket

Reason = Literal["cancelled", "lost", "leaving", "time-limit", "memory-limit"]

LEAVING = threading.Event()
"""Set when this worker process has to end: what it runs is given back."""

TELL_S = 1.0
"""Progress is stored at most so often."""
LOOK_S = 0.1
"""How often limits are looked at. A notebook may exceed its memory for so long."""
AGAIN_S = 1.0
"""A notebook that goes on after an interrupt is interrupted again so often, until it is killed."""


class Stoppable(Protocol):
    """What is guarded: a `speaksep_kernel.jobs.execution.Execution`."""

    def interrupt(self) -> None:
        """Ask it to stop."""

    def kill(self) -> None:
        """End it."""

    def memory_bytes(self) -> int:
        """What it uses."""


class Guard:
    """A context manager around an attempt: heartbeats from the first line on, limits once something runs.

    Attributes
    ----------
    verdict
        Why it had to stop; ``None`` while all is well. The first reason counts.
    """

    def __init__(self, ticket: Ticket, ledger: Ledger) -> None:
        self._ticket, self._ledger = ticket, ledger
        self._over = threading.Event()
        self._news = threading.Event()
        self._progress: tuple[float, str, str] | None = None
        self._deciding = threading.Lock()
        self._running: Stoppable | None = None
        self._started_s = time.monotonic()
        self._stop_s = 0.0
        self.verdict: Reason | None = None
        targets = {"heartbeat": self._speak, "limits": self._look}
        self._threads = [threading.Thread(target=each, name=name, daemon=True) for name, each in targets.items()]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._news.set()
        for thread in self._threads:
            thread.join()

    def watch(self, running: Stoppable) -> None:
        """From now on this is what is stopped."""
        self._running = running

    def tell(self, fraction: float, stage: str, message: str) -> None:
        """Progress, which the table hears soon; returns at once."""
        self._progress = (fraction, stage, message)
        self._news.set()

    def stop(self, reason: Reason) -> None:
        """Decide that it ends, if nobody has."""
        with self._deciding:
            if self.verdict is None:
                self.verdict, self._stop_s = reason, time.monotonic()

    def _speak(self) -> None:
        job, attempt, due_s, told = self._ticket.job, self._ticket.attempt, 0.0, None
        while not self._over.is_set():
            self._news.clear()
            progress = self._progress
            if progress is not told or time.monotonic() >= due_s:
                try:
                    if progress is not told and progress is not None:
                        standing = self._ledger.report(job, attempt, *progress)
                    else:
                        standing = self._ledger.heartbeat(job, attempt)
                    told = progress
                    due_s = time.monotonic() + self._ticket.heartbeat_s
                    if not standing.mine:
                        self.stop("lost")
                    elif standing.cancel:
                        self.stop("cancelled")
                except StoreError:
                    pass  # it may be back in a minute; the lease decides how long anybody waits for us
                self._over.wait(TELL_S)
            self._news.wait(max(0.0, due_s - time.monotonic()))

    def _look(self) -> None:
        ticket = self._ticket
        pressed_s = 0.0
        while not self._over.wait(LOOK_S):
            running = self._running
            if LEAVING.is_set():
                self.stop("leaving")
            if ticket.seconds is not None and time.monotonic() - self._started_s > ticket.seconds:
                self.stop("time-limit")
            if running is None:
                continue
            if ticket.memory_bytes is not None and running.memory_bytes() > ticket.memory_bytes:
                self.stop("memory-limit")
            if self.verdict is None:
                continue
            now_s = time.monotonic()
            if self.verdict in ("memory-limit", "lost") or now_s - self._stop_s > ticket.grace_s:
                running.kill()
            elif now_s - pressed_s > AGAIN_S:
                running.interrupt()
                pressed_s = now_s
