"""A revision in another format: made once by a worker, then there for everybody who may have it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from fastapi.concurrency import run_in_threadpool

from speaksep_hub.service.errors import Refusal
from speaksep_hub.service.work.answers import error_answer
from speaksep_hub.service.work.orders import Order, place_orders
from speaksep_hub.service.work.results import Revision, finished_place
from speaksep_hub.service.work.revisions import place_of
from speaksep_kernel.errors import JobError
from speaksep_kernel.jobs.job import Job
from speaksep_kernel.jobs.states import FINISHED, State

if TYPE_CHECKING:
    from speaksep_hub.service.platform import Platform

NOTEBOOK, FOLDER = "convert", "converted"
LABELS = (
    "audacity",
    "csv",
    "eaf",
    "multichannel",
    "overlaps",
    "parquet",
    "rocrate",
    "rttm",
    "seglst",
    "stems",
    "textgrid",
    "webvtt",
)
"""Formats of ours that are one file each."""
RETRY_S = 2


class BeingMade(Refusal):
    """It is on its way: come back."""

    status: ClassVar[int] = 503
    headers: ClassVar[dict[str, str]] = {"Retry-After": str(RETRY_S)}


async def converted(platform: Platform, owner: str, revision: Revision, format: str, *, wait_s: float) -> str:
    """Key of the folder with a revision in another format.

    Parameters
    ----------
    platform, owner, revision
        Of what.
    format
        Of sound, or one of `LABELS`.
    wait_s
        How long it is waited for.

    Raises
    ------
    BeingMade
        Reason ``being-made``: not yet.
    JobError
        It could not be made; with the reason of the job.
    """
    job = await run_in_threadpool(_job, platform, owner, revision, format)
    if not job.finished:
        job = await _waited(platform, owner, job, wait_s)
    if job.state is State.SUCCEEDED:
        return f"{finished_place(platform, job)}/{FOLDER}"
    if job.finished:
        why = error_answer(platform, job.error or {"error": f"job {job.id} was {job.state}", "reason": "cancelled"})
        raise JobError(why.error, reason=why.reason, hint=f"POST /api/v1/jobs/{job.id}/retry tries it again")
    raise BeingMade(
        f"it is being made by job {job.id}, which is {job.state}",
        reason="being-made",
        hint=f"the same request in some seconds; GET /api/v1/jobs/{job.id}/events tells when",
    )


def _job(platform: Platform, owner: str, revision: Revision, format: str) -> Job:
    group = f"{NOTEBOOK}/{revision.job.id}"
    known = platform.jobs.jobs(owner=owner, batch=group)
    found = next((job for job in known if job.parameters.get("format") == format), None)
    if found is not None:
        return found
    order = Order(
        kind="conversion",
        notebook=NOTEBOOK,
        parameters={"result": place_of(platform, revision), "format": format},
        key=f"{group}/{format}",
        batch=group,
        about={
            "parameters": {"format": format},
            **{name: each for name, each in (revision.job.about or {}).items() if name in ("recording", "name")},
            "result": (revision.job.about or {}).get("result", revision.job.id),
        },
    )
    (job,) = place_orders(platform, owner, [order])
    return job


async def _waited(platform: Platform, owner: str, job: Job, wait_s: float) -> Job:
    end_s = time.monotonic() + wait_s
    watcher = await platform.tail.join(owner, job.id)
    try:
        now = await run_in_threadpool(_now, platform, job)
        while not now.finished and (left_s := end_s - time.monotonic()) > 0:
            try:
                event = await watcher.next(left_s)
            except TimeoutError:
                break
            if event is None:
                break
            if event.state in FINISHED:
                now = await run_in_threadpool(_now, platform, job)
        return now
    finally:
        platform.tail.leave(watcher)


def _now(platform: Platform, job: Job) -> Job:
    return platform.jobs.find(job.id) or job
