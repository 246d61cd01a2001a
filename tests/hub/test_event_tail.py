"""All streams of a process share one look at the job table."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from speaksep_hub.service.work import tail as tail_module
from speaksep_hub.service.work.tail import EventTail, Watcher
from speaksep_kernel.errors import StoreError
from speaksep_kernel.jobs.job import Event, JobRequest
from speaksep_kernel.jobs.queue import JobTable

WATCHERS = 50
POLL_S = 0.02


class Counted(JobTable):
    """A job table that counts how often it is asked what happened."""

    asked = 0

    def events(self, *arguments: Any, **options: Any) -> list[Event]:
        self.asked += 1
        return super().events(*arguments, **options)


class Endless(Counted):
    """One in which something has always happened."""

    def events(self, *_arguments: Any, **_options: Any) -> list[Event]:
        return super().events(0, limit=1)


@pytest.fixture
def table(tmp_path: Path) -> Counted:
    return Counted.open(tmp_path / "jobs.sqlite3")


def watched(table: JobTable, work: Callable[[EventTail], Awaitable[None]], **options: Any) -> None:
    """Run something that watches, in a loop of its own."""

    async def run() -> None:
        await work(EventTail(table, options.pop("leaving", asyncio.Event()), poll_s=POLL_S))

    asyncio.run(run())


async def heard(watcher: Watcher, count: int) -> list[Event | None]:
    return [await watcher.next(20) for _ in range(count)]


def asked(table: JobTable, owner: str, count: int = 1) -> list[str]:
    return [job.id for job in table.submit_many([JobRequest(notebook="n", owner=owner) for _ in range(count)])]


def test_fifty_watch_for_the_price_of_one(table: Counted) -> None:
    async def work(tail: EventTail) -> None:
        watchers = [await tail.join("ann") for _ in range(WATCHERS)]
        before = table.asked
        ids = await asyncio.to_thread(asked, table, "ann", 3)
        told = await asyncio.gather(*(heard(watcher, 3) for watcher in watchers))
        assert all([event and event.job_id for event in each] == ids for each in told)
        assert table.asked - before < WATCHERS
        for watcher in watchers:
            tail.leave(watcher)
        assert len(tail) == 0
        await asyncio.sleep(0.1)
        rest = table.asked
        await asyncio.sleep(0.2)
        assert table.asked == rest  # nobody watches, nobody asks

    watched(table, work)


def test_however_much_happens_the_table_is_not_asked_more_often(tmp_path: Path) -> None:
    table = Endless.open(tmp_path / "jobs.sqlite3")
    asked(table, "ann")

    async def work(tail: EventTail) -> None:
        began_s = time.monotonic()
        watcher = await tail.join("ann")
        assert None not in await heard(watcher, 20)
        assert table.asked <= (time.monotonic() - began_s) / POLL_S + 1
        tail.leave(watcher)

    watched(table, work)


def test_everybody_hears_of_their_own_jobs_only(table: Counted) -> None:
    async def work(tail: EventTail) -> None:
        (first,) = asked(table, "ann")
        every, one, bob = await tail.join("ann"), await tail.join("ann", first), await tail.join("bob")
        (second,) = asked(table, "ann")
        (his,) = asked(table, "bob")
        table.cancel(first)
        assert [event and event.job_id for event in await heard(every, 2)] == [second, first]
        assert [event and event.job_id for event in await heard(one, 1)] == [first]
        assert [event and event.job_id for event in await heard(bob, 1)] == [his]
        for watcher in (every, one, bob):
            with pytest.raises(TimeoutError):
                await watcher.next(0.1)
            tail.leave(watcher)

    watched(table, work)


def test_what_was_before_and_what_comes_make_one_story_while_many_write(table: Counted) -> None:
    """Whoever joins while four threads write misses nothing and hears nothing twice."""

    async def work(tail: EventTail) -> None:
        writers = [threading.Thread(target=lambda: [asked(table, "ann") for _ in range(25)]) for _ in range(4)]
        for writer in writers:
            writer.start()
        stories = await asyncio.gather(*(_story(tail, delay_s) for delay_s in (0.0, 0.05, 0.1, 0.2)))
        for writer in writers:
            await asyncio.to_thread(writer.join)
        wanted = [event.seq for event in table.events(limit=1000)]
        assert len(wanted) == 100
        assert all(story == wanted for story in stories)

    watched(table, work)


async def _story(tail: EventTail, delay_s: float) -> list[int]:
    await asyncio.sleep(delay_s)
    watcher = await tail.join("ann")
    found = [event.seq async for event in tail.earlier(watcher, 0)]
    while len(found) < 100:
        event = await watcher.next(20)
        assert event is not None
        found.append(event.seq)
    tail.leave(watcher)
    return found


def test_list_then_follow_misses_nothing(table: Counted) -> None:
    """`newest` may be a moment old: what is after it is told, whether somebody watches already or not."""

    async def work(tail: EventTail) -> None:
        for others in (0, 1):
            watchers = [await tail.join("bob") for _ in range(others)]
            seq = tail.newest()
            assert seq <= table.newest_event()
            wanted = asked(table, "ann", 3)
            watcher = await tail.join("ann")
            found = [event.job_id async for event in tail.earlier(watcher, seq)]
            while found[-3:] != wanted:
                event = await watcher.next(20)
                found += [event.job_id] if event else []
            for each in (watcher, *watchers):
                tail.leave(each)

    watched(table, work)


def test_who_is_too_slow_is_let_go_and_the_others_go_on(table: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail_module, "MOST_WAITING", 5)

    async def work(tail: EventTail) -> None:
        slow, quick = await tail.join("ann"), await tail.join("ann")
        reading = asyncio.create_task(heard(quick, 20))
        for _ in range(20):
            await asyncio.to_thread(asked, table, "ann")
            await asyncio.sleep(0.05)
        assert len(await reading) == 20
        assert (await heard(slow, 6))[-1] is None

    watched(table, work)


def test_a_table_that_is_away_is_asked_again(
    table: Counted, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tail_module, "AWAY_S", 0.05)

    async def work(tail: EventTail) -> None:
        watcher = await tail.join("ann")
        with monkeypatch.context() as broken:
            broken.setattr(Counted, "events", _away)
            await asyncio.sleep(0.2)
        (job,) = asked(table, "ann")
        event = await watcher.next(20)
        assert event is not None
        assert event.job_id == job
        tail.leave(watcher)

    watched(table, work)
    assert "the server is away" in caplog.text


def _away(*_arguments: Any, **_options: Any) -> list[Event]:
    raise StoreError("the server is away", reason="store-unreachable")


def test_all_are_let_go_when_the_process_ends(table: Counted) -> None:
    leaving = asyncio.Event()

    async def work(tail: EventTail) -> None:
        watchers = [await tail.join("ann") for _ in range(3)]
        leaving.set()
        assert [await watcher.next(20) for watcher in watchers] == [None, None, None]

    watched(table, work, leaving=leaving)
