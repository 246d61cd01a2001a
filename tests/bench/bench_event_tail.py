"""What is written to the job table while others follow it: ``python -m tests.bench.bench_event_tail``.

A real PostgreSQL; eight processes that report the progress of jobs as fast as they can, and others that follow, as each
process of the service does. Two columns: as the service follows, and without a pause where something happened.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from typing import Any

from speaksep_hub.service.work.tail import AT_ONCE, POLL_S
from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.queue import JobTable
from tests.kernel.database_servers import PostgreSql

WRITERS = 8
FOLLOWERS = (0, 1, 4, 16)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="for each figure")
    options = parser.parse_args()
    server = PostgreSql()
    server.start()
    try:
        print("| processes that follow | writes a second | without a pause |\n| --- | --- | --- |")
        for followers in FOLLOWERS:
            found = [writes(server.empty(), followers, pause, options.seconds) for pause in (True, False)]
            print(f"| {followers} | {found[0]:.0f} | {found[1]:.0f} |", flush=True)
    finally:
        server.remove()
    return 0


def writes(url: str, followers: int, pause: bool, seconds: float) -> float:
    """Reports a second, of all writers together."""
    context = multiprocessing.get_context("fork")  # nothing has a thread or a connection yet
    begin, over = context.Event(), context.Event()
    counts = [context.Value("i", 0) for _ in range(WRITERS)]
    ready = context.Semaphore(0)
    with JobTable.open(url) as table:
        table.submit_many([JobRequest(notebook="separate", owner="ann") for _ in range(WRITERS)])
        jobs = [table.claim("bench", lease_s=3600.0) for _ in range(WRITERS)]
    at_work = [
        context.Process(target=report, args=(url, job.id, job.attempt, count, ready, begin, over))
        for job, count in zip(jobs, counts, strict=True)
        if job is not None
    ]
    at_work += [context.Process(target=follow, args=(url, pause, ready, begin, over)) for _ in range(followers)]
    for process in at_work:
        process.start()
    for _ in at_work:
        ready.acquire()
    begin.set()
    time.sleep(seconds)
    over.set()
    for process in at_work:
        process.join()
    return sum(count.value for count in counts) / seconds


def report(url: str, job: str, attempt: int, count: Any, ready: Any, begin: Any, over: Any) -> None:
    """One job's progress, again and again."""
    with JobTable.open(url) as table:
        ready.release()
        begin.wait()
        while not over.is_set():
            table.report(job, attempt, (count.value % 1000) / 1000)
            count.value += 1


def follow(url: str, pause: bool, ready: Any, begin: Any, over: Any) -> None:
    """As a process of the service does while somebody watches."""
    with JobTable.open(url) as table:
        ready.release()
        begin.wait()
        seen = table.newest_event()
        while not over.is_set():
            events = table.events(seen, limit=AT_ONCE)
            seen = events[-1].seq if events else seen
            if pause or not events:
                time.sleep(POLL_S)


if __name__ == "__main__":
    sys.exit(main())
