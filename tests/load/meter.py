"""What a platform takes of its machine while it is used: processors and memory, part by part."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from contextlib import suppress
from types import TracebackType
from typing import Self

import psutil

from tests.hub.running import PARTS, RunningHub

EVERY_S, MEMORY_EVERY_S = 0.5, 5.0
JOBS, REST = "jobs", "rest"


class Meter:
    """Looks at all processes of a platform while a block runs.

    Attributes
    ----------
    cpu_s
        Seconds of processors by part. What a process spent in the last half second before it ended is missing.
    memory_bytes
        By part, at the moment when the sum was largest: PSS, so that what processes share is counted once.
    busy_s
        Seconds that the machine's processors spent on anything.
    seconds
        Of the block.
    """

    def __init__(self, hub: RunningHub) -> None:
        self._hub = hub
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._seen: dict[tuple[int, float], tuple[str, float, float]] = {}
        self.memory_bytes: dict[str, int] = {}
        self.seconds = self.busy_s = 0.0

    def __enter__(self) -> Self:
        self._look(first=True)
        self._began_s, self._busy_s = time.monotonic(), _busy_s()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._look()
        self.seconds, self.busy_s = time.monotonic() - self._began_s, _busy_s() - self._busy_s

    @property
    def cpu_s(self) -> dict[str, float]:
        """See above."""
        found: dict[str, float] = defaultdict(float)
        for part, before, now in self._seen.values():
            found[part] += now - before
        return dict(found)

    def _watch(self) -> None:
        memory_at = 0.0
        while not self._over.wait(EVERY_S):
            if time.monotonic() >= memory_at:
                self._weigh()
                memory_at = time.monotonic() + MEMORY_EVERY_S
            self._look()

    def _look(self, *, first: bool = False) -> None:
        for part, process in self._parts():
            with suppress(psutil.Error):
                known = (process.pid, process.create_time())
                spent_s = sum(process.cpu_times()[:2])
                before = self._seen.get(known, (part, spent_s if first else 0.0))[1]
                self._seen[known] = (part, before, spent_s)

    def _weigh(self) -> None:
        found: dict[str, int] = defaultdict(int)
        for part, process in self._parts():
            with suppress(psutil.Error):
                found[part] += process.memory_full_info().pss
        if sum(found.values()) > sum(self.memory_bytes.values()):
            self.memory_bytes = dict(found)

    def _parts(self) -> list[tuple[str, psutil.Process]]:
        """Processes with the part that they belong to; whatever a worker starts is a job."""
        parts: dict[int, str] = {}
        found = []
        for process in self._hub.processes():  # parents come before their children
            with suppress(psutil.Error):
                above = parts.get(process.ppid(), "")
                words = " ".join(process.cmdline())
                own = next((name for name, what in PARTS.items() if what in words), "")
                part = JOBS if above in ("worker", JOBS) or "speaksep_kernel.kernel" in words else own or REST
                parts[process.pid] = part
                found.append((part, process))
        return found


def _busy_s() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq)
