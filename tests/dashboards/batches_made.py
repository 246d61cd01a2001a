"""Batches whose jobs stand where a test wants them: rows of the job table, without the work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat

from speaksep_dashboards.desk import Desk
from speaksep_kernel.jobs.job import Job, JobRequest
from tests.dashboards.stored_results import OWNER, desk_at


class Clock:
    """Seconds since 1970 that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def table_desk(folder: Path, clock: Clock | None = None) -> Iterator[Desk]:
    """A desk of its own; with a clock, the job table goes by that."""
    desk = desk_at(folder)
    if clock is not None:
        desk.jobs._clock = clock
    yield desk
    desk.close()


def ask(desk: Desk, count: int, *, batch: str = "may", owner: str = OWNER, seconds: float | None = None) -> list[Job]:
    """Queue jobs that separate ``talk 0.wav`` and so on, of recordings of a length."""
    first = len(desk.jobs.jobs(batch=batch))
    return desk.jobs.submit_many(
        [
            JobRequest(
                notebook="separate",
                parameters={"source": f"{desk.store.url}/named/{'0' * 64}/talk {k}.wav"},
                output=desk.store.address(f"results/{owner}/{batch}-{k}"),
                owner=owner,
                batch=batch,
                about={"name": f"talk {k}.wav", "batch_name": "Talks of May"},
            )
            for k in range(first, first + count)
        ]
    )


def begin(desk: Desk) -> Job:
    """Let a worker take the next one."""
    job = desk.jobs.claim("worker 1", lease_s=3600)
    assert job is not None
    return job


def succeed(desk: Desk, *, sound_s: float = 60.0, device: str = "CPU: no GPU here", **more: Any) -> Job:
    """Take the next job and be done with it."""
    job = begin(desk)
    measures = {"name": "talk.wav", "sound_s": sound_s, "speakers": 2, "overlap_ratio": 0.2, "severity": "notice"}
    return finish(desk, job, {"cached": None, "device": device, "measures": measures} | more)


def finish(desk: Desk, job: Job, result: dict[str, Any], report: str | None = None) -> Job:
    """Be done with a job that was begun."""
    return desk.jobs.succeed(job.id, job.attempt, {"directory": job.output} | result, report)


def fail(desk: Desk, error: str, reason: str, *outputs: Any) -> Job:
    """Take the next job and fail; its notebook has a cell with these outputs."""
    job = begin(desk)
    report = Path(f"{job.output}.failed.ipynb")
    report.parent.mkdir(parents=True, exist_ok=True)
    cells = [
        nbformat.v4.new_markdown_cell("# Separate <script>alert(1)</script>\n<img src=x onerror=alert(2)>"),
        nbformat.v4.new_code_cell("separate(source)", outputs=list(outputs)),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), report)
    told = {"error": error, "reason": reason, "hint": "look where it is"}
    return desk.jobs.fail(job.id, job.attempt, told, again=False, report=str(report))
