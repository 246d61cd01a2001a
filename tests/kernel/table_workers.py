"""Processes that work on one job table, for tests that count, kill and freeze them."""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

from speaksep_kernel.errors import JobError
from speaksep_kernel.jobs.job import Job, JobRequest
from speaksep_kernel.jobs.queue import JobTable


def context() -> ForkServerContext:
    """Where processes start in hundredths of a second, with everything imported."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload([__name__, "psycopg"])
    return made


def start(work: Callable[..., None], *arguments: Any) -> ForkServerProcess:
    """A process that does the work."""
    process = context().Process(target=work, args=arguments, daemon=True)
    process.start()
    return process


def claim_all(place: str, told: Path, name: str, companions: int) -> None:
    """Claim and finish jobs until there are none; a line for each in a file.

    All companions claim their first at the same time, and nobody a second one before everybody has one: without that,
    the first to be there may be through before another is let in.
    """
    with JobTable.open(place) as table, (told / name).open("w", buffering=1) as lines:
        _wait_for(lambda: len(list(told.glob("service-*"))) == companions)
        while (job := table.claim(name, lease_s=60)) is not None:
            lines.write(f"{job.parameters['number']} {job.attempt}\n")
            _wait_for(lambda: all(path.stat().st_size for path in told.glob("service-*")))
            table.succeed(job.id, job.attempt, {"by": name})


def _wait_for(happened: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 120
    while not happened():
        assert time.monotonic() < end_s
        time.sleep(0.01)


def submit_all(place: str, count: int, seed: int) -> None:
    """Send the same keys as others, in an order of one's own, some at once and some by one."""
    requests = [JobRequest(notebook="separate", parameters={"number": n}, key=str(n)) for n in range(count)]
    random.Random(seed).shuffle(requests)
    with JobTable.open(place) as table:
        table.submit_many(requests[: count // 2])
        for request in requests[count // 2 :]:
            table.submit(request)


def report_all(place: str, jobs: list[Job], steps: int) -> None:
    """Report progress of jobs in turns, so that events of many processes are stored at once."""
    with JobTable.open(place) as table:
        for step in range(steps):
            for job in jobs:
                table.report(job.id, job.attempt, step / steps)


def toil(place: str, published: Path, lease_s: float) -> None:
    """Work as a runner does, for ever: heartbeats, then one file per job that says which attempt made it."""
    chance = random.Random(os.getpid())
    with JobTable.open(place, patience_s=120) as table:
        while True:
            job = table.claim(str(os.getpid()), lease_s=lease_s)
            if job is None:
                time.sleep(0.02)
                continue
            try:
                _toil(table, job, published, chance)
            except JobError as error:
                if error.reason != "lease-lost":
                    raise


def _toil(table: JobTable, job: Job, published: Path, chance: random.Random) -> None:
    made = published / f".{job.id}.{job.attempt}"
    made.write_text(str(job.attempt))
    for _ in range(chance.randrange(4)):
        # Whether it is still this attempt's is left to the table: it must not need careful workers.
        time.sleep(0.01)
        table.heartbeat(job.id, job.attempt)
    if chance.random() < 0.1:
        table.fail(job.id, job.attempt, {"error": "bad luck"}, again=True)
        return
    table.succeed(job.id, job.attempt, job.attempt, publish=lambda: made.replace(published / job.id))
