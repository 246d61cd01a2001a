"""What happens to jobs, for everybody who watches: the table is asked once for all of them, not once for each."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import suppress

from speaksep_kernel.errors import StoreError
from speaksep_kernel.jobs.job import Event
from speaksep_kernel.jobs.queue import JobTable

_LOG = logging.getLogger("speaksep.service")

POLL_S = 0.25
"""How often the table is asked while anybody watches, however much happens."""
AT_ONCE = 1000
"""Events that are asked for at a time; if there are more, the next are asked for at once."""
AWAY_S = 1.0
"""How long to wait before a table that is away is asked again."""
MOST_WAITING = 2000
"""Events that somebody may be behind; who is slower is let go, and comes back for the rest."""


class Watcher:
    """Somebody who watches.

    Attributes
    ----------
    owner
        Whose jobs.
    job
        Only this one, if there is one.
    joined
        Number of the last event before the first that it is told of.
    """

    def __init__(self, owner: str, job: str | None, joined: int) -> None:
        self.owner, self.job, self.joined = owner, job, joined
        self.left = False
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()

    def tell(self, event: Event) -> None:
        """Pass an event on, if it is about theirs."""
        if self.left or event.owner != self.owner or (self.job is not None and event.job_id != self.job):
            return
        if self._events.qsize() >= MOST_WAITING:
            self.end()
        else:
            self._events.put_nowait(event)

    def end(self) -> None:
        """There will be no more."""
        self.left = True
        self._events.put_nowait(None)

    async def next(self, timeout_s: float) -> Event | None:
        """The next event; None when there will be no more.

        Raises
        ------
        TimeoutError
            Nothing happened for so long.
        """
        return await asyncio.wait_for(self._events.get(), timeout_s)

    async def moved(self, timeout_s: float, *, least_s: float) -> bool:
        """Wait until something happened, whatever it was, or for so long, but for ``least_s`` in any case.

        Returns
        -------
        Whether there may be more.
        """
        await asyncio.sleep(least_s)
        with suppress(TimeoutError):
            await self.next(timeout_s - least_s)
        while not self._events.empty():
            self._events.get_nowait()
        return not self.left


class EventTail:
    """The end of a job table's events, for all streams of this process.

    Parameters
    ----------
    table
        The job table.
    leaving
        Set when the process is about to end: all are let go then.
    poll_s
        How often it is asked.
    """

    def __init__(self, table: JobTable, leaving: asyncio.Event, *, poll_s: float = POLL_S) -> None:
        self._table, self._leaving, self._poll_s = table, leaving, poll_s
        self._watchers: set[Watcher] = set()
        self._seen = self._newest = 0
        self._asked_s = float("-inf")
        self._task: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()

    def __len__(self) -> int:
        """How many watch."""
        return len(self._watchers)

    def newest(self) -> int:
        """Number of an event before which nothing is to come any more: the last one, or one a moment ago.

        On PostgreSQL asking for the last one makes writers wait, so not every request does.
        """
        if self._task is not None and not self._task.done():
            return self._seen
        if time.monotonic() - self._asked_s > self._poll_s:
            self._newest, self._asked_s = self._table.newest_event(), time.monotonic()
        return self._newest

    async def join(self, owner: str, job: str | None = None) -> Watcher:
        """Begin to watch; call `leave` at the end."""
        async with self._starting:
            if self._task is None or self._task.done():
                self._seen = await asyncio.to_thread(self._table.newest_event)
                self._task = asyncio.create_task(self._run())
            watcher = Watcher(owner, job, self._seen)
            self._watchers.add(watcher)
        return watcher

    def leave(self, watcher: Watcher) -> None:
        """Watch no longer; the table is not asked when nobody does."""
        self._watchers.discard(watcher)
        if not self._watchers and self._task is not None:
            self._task.cancel()
            self._task = None

    async def earlier(self, watcher: Watcher, after: int) -> AsyncIterator[Event]:
        """What happened after an event and before the watcher joined."""
        while after < watcher.joined:
            page = await asyncio.to_thread(
                self._table.events, after, owner=watcher.owner, job_id=watcher.job, limit=500
            )
            for event in page:
                if event.seq > watcher.joined:
                    return
                yield event
            if not page:
                return
            after = page[-1].seq

    async def _run(self) -> None:
        try:
            while not self._leaving.is_set():
                await self._look()
        except Exception:
            _LOG.exception("events cannot be followed")  # those who watch come back, and it begins anew
        for watcher in self._watchers:
            watcher.end()

    async def _look(self) -> None:
        events: list[Event] = []
        pause_s = self._poll_s
        try:
            events = await asyncio.to_thread(self._table.events, self._seen, limit=AT_ONCE)
        except StoreError as error:
            _LOG.warning("%s", error)
            pause_s = AWAY_S
        for event in events:
            self._seen = event.seq
            for watcher in self._watchers:
                watcher.tell(event)
        if len(events) < AT_ONCE:
            # In PostgreSQL a look waits for all who write, and they for it: processes that look all the time stop them.
            await asyncio.sleep(pause_s)
