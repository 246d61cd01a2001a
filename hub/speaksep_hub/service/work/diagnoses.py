"""The diagnosis of a recording: a job that ran once, and is found again."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from speaksep_hub.service.errors import NotFound
from speaksep_hub.service.work.options import DiagnosisOptions
from speaksep_hub.service.work.orders import Order, place_orders
from speaksep_hub.service.work.results import finished_place, gone
from speaksep_kernel.errors import StoreError
from speaksep_kernel.jobs.job import Job
from speaksep_kernel.jobs.states import State
from speaksep_kernel.store.store import Store

if TYPE_CHECKING:
    from speaksep_hub.service.platform import Platform

NOTEBOOK = "diagnose"
FILE = "diagnosis/diagnosis.json"


def diagnosed(platform: Platform, owner: str, recording: str, options: DiagnosisOptions) -> Job:
    """The job that finds out what is in a recording: the one there was, or a new one.

    Raises
    ------
    NotFound
        Reason ``unknown-recording``.
    """
    order = Order(
        kind="diagnosis",
        notebook=NOTEBOOK,
        parameters={"source": recording, **options.people()},
        key=f"diagnosis/{recording}/{options.digest}",
        batch=f"diagnosis/{recording}",
    )
    (job,) = place_orders(platform, owner, [order])
    return platform.jobs.retry(job.id) if job.state in (State.FAILED, State.CANCELLED) else job


def diagnosis_of(platform: Platform, owner: str, recording: str) -> dict[str, Any]:
    """What was found last.

    Raises
    ------
    NotFound
        Reasons ``unknown-recording`` and ``unknown-diagnosis``: nobody has asked for it, or it is not finished.
    """
    platform.catalogue.get(owner, recording)
    jobs = platform.jobs.jobs(owner=owner, batch=f"diagnosis/{recording}", newest_first=True)
    done = next((job for job in jobs if job.state is State.SUCCEEDED), None)
    if done is None:
        under_way = next((job for job in jobs if not job.finished), None)
        raise NotFound(
            f"recording {recording!r} has no diagnosis yet",
            reason="unknown-diagnosis",
            hint=f"POST /api/v1/recordings/{recording}/diagnosis asks for one"
            if under_way is None
            else f"GET /api/v1/jobs/{under_way.id}/events tells when it is there",
        )
    return read_diagnosis(platform, done)


def read_diagnosis(platform: Platform, job: Job) -> dict[str, Any]:
    """What a finished job found; not to be changed."""
    return _read(platform.store, f"{finished_place(platform, job)}/{FILE}", job.attempt)


@lru_cache(maxsize=128)
def _read(store: Store, key: str, _attempt: int) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(store.local(key).read_bytes())
    except StoreError as error:
        raise gone(error) from error
    return found
