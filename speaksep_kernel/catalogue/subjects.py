"""Whether people share what is theirs: looked at when a share is made, since ids are all that it keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from speaksep_kernel.catalogue.catalogue import Catalogue
from speaksep_kernel.catalogue.share import bad, checked_what
from speaksep_kernel.errors import InputError
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
        _check_shown(jobs, owner, (checked["a"], checked["b"]), (SEPARATES,))
        for recording in checked.get("truth", ()):
            catalogue.get(owner, recording)
    elif "all" not in checked:
        _check_shown(jobs, owner, checked.get("jobs") or (checked["job"],), (SEPARATES, DIAGNOSES))


def _check_shown(jobs: JobTable, owner: str, ids: Sequence[str], notebooks: tuple[str, ...]) -> None:
    theirs = {job.id: job.notebook for job in jobs.jobs(owner=owner, ids=ids)}
    for each in ids:
        if each not in theirs:
            raise InputError(f"no job {each[:40]!r}", reason="unknown-job", hint="list your jobs")
        if theirs[each] not in notebooks:
            raise bad(
                f"job {each} ran the notebook {theirs[each]!r}: there is nothing to show of it",
                f"share what came of {' or '.join(notebooks)}",
            )
