"""One stream of events to one person: what was before, what comes, and when it ends."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fastapi.concurrency import run_in_threadpool

from speaksep_hub.service.work.answers import event_text
from speaksep_kernel.jobs.job import Event
from speaksep_kernel.jobs.states import FINISHED

if TYPE_CHECKING:
    from speaksep_hub.service.identity import Caller
    from speaksep_hub.service.platform import Platform

BEAT_S = 15.0
"""Something is sent so often at least: proxies cut what is silent, and whoever went away is noticed."""
STILL_S = 2.0
"""How often it is looked whether the token is still worth something; identity remembers that for some seconds more."""


@dataclass(frozen=True)
class Message:
    """One event on its way; its number and its JSON."""

    seq: int
    text: str


BEAT: Final = Message(-1, "")
"""Nothing has happened; also the first of every stream."""
END: Final = Message(-2, "")
"""The job is finished: nothing more will happen to it."""


async def messages(
    platform: Platform, caller: Caller, *, job: str | None, after: int | None
) -> AsyncGenerator[Message, None]:
    """Everything to be sent: events in order, each once; `BEAT` in silence; `END` after a job's last one.

    Parameters
    ----------
    platform, caller
        Where, and to whom.
    job
        Only of this job of theirs; of all if ``None``.
    after
        Only events after this one; only new ones if ``None``.

    Raises
    ------
    StoreError
        The job table is away.
    TooMany
        The person has too many streams.
    """
    with platform.limiter.stream(caller.name):
        watcher = await platform.tail.join(caller.name, job)
        try:
            yield BEAT
            sent = watcher.joined if after is None else min(after, watcher.joined)
            async for event in platform.tail.earlier(watcher, sent):
                sent = event.seq
                yield Message(event.seq, event_text(platform, event))
            if job is not None and await _is_over(platform, job):
                async for message in _last(platform, job, sent):
                    yield message
                return
            beat_at = still_at = time.monotonic()
            while True:
                new: Event | Message | None
                try:
                    new = await watcher.next(min(STILL_S, BEAT_S))
                except TimeoutError:
                    new = BEAT
                now = time.monotonic()
                if new is None:
                    return
                if isinstance(new, Event):
                    beat_at, sent = now, new.seq
                    yield Message(new.seq, event_text(platform, new))
                    if job is not None and new.state in FINISHED and await _is_over(platform, job):
                        async for message in _last(platform, job, sent):
                            yield message
                        return
                if now - still_at >= STILL_S:
                    still_at = now
                    if not await platform.identity.still(caller):
                        return
                if now - beat_at >= BEAT_S:
                    beat_at = now
                    yield BEAT
        finally:
            platform.tail.leave(watcher)


async def _last(platform: Platform, job: str, sent: int) -> AsyncGenerator[Message, None]:
    """What else was said of a finished job, which the tail may not have heard of yet."""
    for event in await run_in_threadpool(platform.jobs.events, sent, job_id=job):
        yield Message(event.seq, event_text(platform, event))
    yield END


async def _is_over(platform: Platform, job: str) -> bool:
    found = await run_in_threadpool(platform.jobs.find, job)
    return found is None or found.finished
