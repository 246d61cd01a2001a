"""What the job table costs: seconds for ten thousand requests, milliseconds for a step of a job, on both databases.

Run it with ``python tests/bench/bench_job_table.py [JOBS]``.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from speaksep_kernel.jobs.job import Job, JobRequest
from speaksep_kernel.jobs.queue import JobTable
from tests.kernel.database_servers import PostgreSql

STEPS = 200


def measured(name: str, work: Callable[[], object], count: int, unit: str) -> None:
    """Print wall and processor time of this process; a server's own time is in the wall time only."""
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    work()
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    scale = 1000 / count if unit == "ms" else 1
    print(f"  {name:<34}{wall_s * scale:8.2f} {unit} ({cpu_s * scale:.2f} {unit} of CPU here)")


def bench(place: str, count: int) -> None:
    """All steps of jobs, one after the other."""
    claimed: list[Job] = []
    with JobTable.open(place) as table:
        requests = [JobRequest(notebook="separate", parameters={"n": n}, batch="b", key=str(n)) for n in range(count)]
        measured(f"{count} requests with keys", lambda: table.submit_many(requests), count, "s")
        measured("the same again", lambda: table.submit_many(requests), count, "s")

        def claim() -> None:
            for _ in range(STEPS):
                job = table.claim("bench", lease_s=60, batch="b")
                assert job is not None
                claimed.append(job)

        steps: dict[str, Callable[[Job], object]] = {
            "heartbeat": lambda job: table.heartbeat(job.id, job.attempt),
            "progress": lambda job: table.report(job.id, job.attempt, 0.5, "stage", "message"),
            "success": lambda job: table.succeed(job.id, job.attempt, {"speakers": 2}),
        }
        measured("claim", claim, STEPS, "ms")
        for name, step in steps.items():
            measured(name, lambda step=step: [step(job) for job in claimed], STEPS, "ms")
        measured("look at all counters", table.reap, 1, "ms")
        measured("count by state", lambda: table.counts(batch="b"), 1, "ms")
        measured("cancel the rest of the batch", lambda: table.cancel_batch("b"), 1, "s")
        measured("prune", lambda: table.prune(0), 1, "s")


def main() -> None:
    """SQLite with every commit on the disk, then PostgreSQL with nothing waiting for the disk, as tests run it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        print("SQLite")
        bench(f"{folder}/jobs.sqlite3", count)
    server = PostgreSql()
    try:
        server.start()
        print("PostgreSQL")
        bench(server.empty(), count)
    finally:
        server.remove()


if __name__ == "__main__":
    main()
