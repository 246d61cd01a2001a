"""A result changes by a job that makes its next revision: one at a time, and never by halves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from speaksep_dashboards.stored import group_of
from speaksep_hub.service.errors import Conflict
from speaksep_hub.service.work.orders import Order, place_orders
from speaksep_hub.service.work.results import Revision, changes, result_of
from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs.job import Job

if TYPE_CHECKING:
    from speaksep_hub.service.platform import Platform


def pending(platform: Platform, owner: str, job_id: str) -> Job | None:
    """The change of a result that is under way, if there is one."""
    return next((job for job in changes(platform, owner, job_id) if not job.finished), None)


def change(
    platform: Platform,
    owner: str,
    job_id: str,
    *,
    kind: str,
    notebook: str,
    parameters: Mapping[str, Any],
    key: str | None,
) -> Job:
    """Ask for the next revision of a result.

    Parameters
    ----------
    platform, owner, job_id
        Whose result.
    kind
        "edit" or "identification".
    notebook, parameters
        What makes it; the place of the result itself is added.
    key
        Idempotency key of the request.

    Returns
    -------
    The job that makes it; the same one for a request that comes again with its key.

    Raises
    ------
    NotFound, Conflict
        As `result_of`; reason ``edit-under-way``: another change was asked for and is not finished;
        reason ``key-conflict``.
    """
    before = changes(platform, owner, job_id)
    newest = result_of(platform, owner, job_id)
    again = next((job for job in before if key is not None and (job.about or {}).get("key") == key), None)
    if again is not None:
        if (again.about or {}).get("parameters") != dict(parameters) or again.notebook != notebook:
            raise Conflict(
                f"idempotency key {key!r} belongs to job {again.id}, which is another change",
                reason="key-conflict",
                hint="give every change a key of its own, or send the same again",
            )
        return again
    under_way = next((job for job in before if not job.finished), None)
    if under_way is not None:
        raise _under_way(under_way)
    number = len(before) + 1
    order = Order(
        kind=kind,
        notebook=notebook,
        parameters={
            "result": place_of(platform, newest),
            **_source(platform, owner, newest.job, notebook),
            **parameters,
        },
        # Two who come at once ask for the same number, and only one of them gets it.
        key=f"result/{job_id}/{number}",
        batch=group_of(job_id),
        about={
            "result": job_id,
            "revision": number,
            "key": key,
            "parameters": dict(parameters),
            **_same_recording(newest.job),
        },
    )
    try:
        (job,) = place_orders(platform, owner, [order])
    except Conflict as error:
        if error.reason != "key-conflict":
            raise
        raise _under_way(changes(platform, owner, job_id)[-1]) from error
    return job


def place_of(platform: Platform, revision: Revision) -> str:
    """Where a revision lies, for a worker."""
    return platform.store.address(revision.folder)


def _source(platform: Platform, owner: str, job: Job, notebook: str) -> dict[str, str]:
    """Where the recording is now, for a worker that has no copy where it was then; nothing if it was removed."""
    about = job.about or {}
    if notebook != "edit" or "recording" not in about:
        return {}
    try:
        recording = platform.catalogue.get(owner, about["recording"])
    except InputError:
        return {}
    return {"source": platform.store.address(platform.store.name(recording.sha256, recording.name))}


def _same_recording(job: Job) -> dict[str, Any]:
    about = job.about or {}
    return {name: about[name] for name in ("recording", "name") if name in about}


def _under_way(job: Job) -> Conflict:
    return Conflict(
        f"job {job.id} changes this result already",
        reason="edit-under-way",
        hint=f"wait for it: GET /api/v1/jobs/{job.id}/events; then look at the result, and ask again",
    )
