"""Whether people share what is theirs: looked at when a share is made, since ids are all that it keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from speaksep_kernel.catalogue.catalogue import Catalogue
from speaksep_kernel.catalogue.share import bad, checked_what
from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs.job import Job
from speaksep_kernel.jobs.queue import JobTable

SEPARATES, DIAGNOSES = "separate", "diagnose"
"""Notebooks whose jobs have something to show."""


def check_theirs(jobs: JobTable, catalogue: Catalogue, owner: str, kind: str, what: Mapping[str, Any]) -> None:
    """Refuse to share what is another's, or not there.

    Raises
    ------
    InputError
        Reasons ``bad-share`` and ``empty-share``; ``unknown-job``, ``unknown-batch`` and ``unknown-recording``: there
        is none, or it is another's, which is not told apart.
    """
    checked = checked_what(kind, what)
    if "batch" in checked:
        if not jobs.batches(owner, only=checked["batch"]):
            raise InputError(f"no batch {checked['batch'][:40]!r}", reason="unknown-batch", hint="list your batches")
    elif kind == "compare":
        for each in (checked["a"], checked["b"]):
            _check_shows(_job(jobs, owner, each), (SEPARATES,))
        for recording in checked.get("truth", ()):
            catalogue.get(owner, recording)
    else:
        for each in _named(checked):
            _check_shows(_job(jobs, owner, each), (SEPARATES, DIAGNOSES))


def _named(what: Mapping[str, Any]) -> Iterator[str]:
    if "job" in what:
        yield what["job"]
    yield from what.get("jobs", ())


def _job(jobs: JobTable, owner: str, job_id: str) -> Job:
    found = jobs.find(job_id)
    if found is None or found.owner != owner:
        raise InputError(f"no job {job_id[:40]!r}", reason="unknown-job", hint="list your jobs")
    return found


def _check_shows(job: Job, notebooks: tuple[str, ...]) -> None:
    if job.notebook not in notebooks:
        raise bad(
            f"job {job.id} ran the notebook {job.notebook!r}: there is nothing to show of it",
            f"share what came of {' or '.join(notebooks)}",
        )
