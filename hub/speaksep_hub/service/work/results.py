"""What came of a separation: revisions that never change, their manifests and files; the newest one counts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from speaksep_dashboards.stored import group_of
from speaksep_hub.service.errors import Conflict, NotFound
from speaksep_hub.service.work.answers import own_job
from speaksep_kernel.catalogue.subjects import SEPARATES
from speaksep_kernel.errors import StoreError
from speaksep_kernel.jobs import notebooks
from speaksep_kernel.jobs.job import Job
from speaksep_kernel.jobs.states import State
from speaksep_kernel.results.directory import MANIFEST
from speaksep_kernel.store.store import Store

if TYPE_CHECKING:
    from speaksep_hub.service.platform import Platform


@dataclass(frozen=True)
class Revision:
    """A separation as it was at some time.

    Attributes
    ----------
    number
        0 is what the network heard; each correction or identification is the next.
    job
        Whoever made it.
    folder
        Key of its folder in the store.
    """

    number: int
    job: Job
    folder: str


def changes(platform: Platform, owner: str, job_id: str) -> list[Job]:
    """Everything that was ever asked to be changed in a result, oldest first."""
    return platform.jobs.jobs(owner=owner, batch=group_of(job_id))


def result_of(platform: Platform, owner: str, job_id: str, revision: int | None = None) -> Revision:
    """A revision of somebody's result; the newest, if none is named.

    Raises
    ------
    NotFound
        Reasons ``unknown-job``, ``unknown-result`` (it is no separation) and ``unknown-revision``.
    Conflict
        Reason ``not-finished``: there is no result (yet).
    """
    job = own_job(platform, owner, job_id)
    if job.notebook != SEPARATES:
        raise NotFound(
            f"job {job.id} has no tracks: it ran the notebook {job.notebook!r}",
            reason="unknown-result",
            hint=f"its files: GET /api/v1/results/{job.id}/files",
        )
    made = [job, *(each for each in changes(platform, owner, job.id) if each.state is State.SUCCEEDED)]
    numbers = [int((each.about or {}).get("revision", 0)) for each in made]
    wanted = numbers[-1] if revision is None else revision
    if wanted not in numbers:
        raise NotFound(
            f"job {job.id} has no revision {wanted}",
            reason="unknown-revision",
            hint=f"there are: {', '.join(map(str, numbers))}",
        )
    chosen = made[numbers.index(wanted)]
    return Revision(wanted, chosen, tracks_of(platform, chosen))


def finished_place(platform: Platform, job: Job) -> str:
    """Key of what a job published.

    Raises
    ------
    Conflict
        Reason ``not-finished``.
    """
    if job.state is not State.SUCCEEDED or not isinstance(job.result, dict):
        raise Conflict(
            f"job {job.id} has no result: it is {job.state}",
            reason="not-finished",
            hint=f"GET /api/v1/jobs/{job.id}/events tells when it has succeeded",
        )
    return platform.store.key_of(str(job.result["directory"]))


def tracks_of(platform: Platform, job: Job) -> str:
    """Key of the folder with a job's manifest and tracks."""
    notebook = notebooks.get(job.notebook)
    folder = job.parameters.get(notebook.output) or notebook.parameters[notebook.output].default
    return f"{finished_place(platform, job)}/{folder}"


def manifest_of(platform: Platform, revision: Revision) -> dict[str, Any]:
    """The manifest, without where the recording lies; a value of the caller's own."""
    told = dict(_manifest(platform.store, revision.folder, revision.job.attempt))
    told["input"] = told["input"] | {"path": None}
    return told


def changed_log(manifest: dict[str, Any]) -> dict[str, Any]:
    """The corrections in force and those taken back, as in ``edits.json``."""
    log: dict[str, Any] = manifest.get("edits") or {"edits": [], "position": 0}
    return log


@lru_cache(maxsize=128)
def _manifest(store: Store, folder: str, _attempt: int) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(store.local(f"{folder}/{MANIFEST}").read_bytes())
    except StoreError as error:
        raise gone(error) from error
    return found


def gone(error: StoreError) -> Exception:
    """What to raise where a file of a finished job is not there: it was removed, or the store does not answer."""
    if error.reason != "not-stored":
        return error
    return NotFound("this result is kept no longer", reason="unknown-result", hint="separate the recording again")
