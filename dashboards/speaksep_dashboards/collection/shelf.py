"""From the job table to the recordings of a collection: two queries, and no file of a result that says its figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from speaksep_dashboards.desk import Desk
from speaksep_dashboards.stored import DIAGNOSIS, Stored, explained, gone
from speaksep_kernel.catalogue.subjects import DIAGNOSES, SEPARATES
from speaksep_kernel.diagnosis.finding import SEVERITIES
from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs.job import Job
from speaksep_kernel.jobs.states import State
from speaksep_kernel.results.directory import MANIFEST
from speaksep_kernel.results.manifest import SCHEMA_VERSION
from speaksep_kernel.results.measures import measures_of
from speaksep_kernel.store.store import Store

if TYPE_CHECKING:
    from speaksep_kernel.catalogue.share import Share

CHANGES = ("edit", "identify")
"""Notebooks that change what became of a recording."""
_WITHOUT: dict[str, Any] = {"severity": SEVERITIES[0], "warnings": 0, "findings": []}
"""What is taken for measures that a row of another version does not have."""


@dataclass(frozen=True)
class Kept:
    """A recording of a collection.

    Attributes
    ----------
    job
        Whoever asked for it first; its id is the recording's.
    newest
        Who made the figures: the same, or its last correction.
    name
        What people call it.
    measures
        As `speaksep_kernel.results.measures.measures_of`; empty before it has any.
    unreadable
        Reason why there are none although it is finished: ``gone-result``, ``half-written`` or ``newer-version``.
    """

    job: Job
    newest: Job
    name: str
    measures: Mapping[str, Any] = field(default_factory=dict)
    unreadable: str = ""


def which(share: Share) -> dict[str, Any]:
    """What narrows the job table down to the recordings of a share."""
    theirs: dict[str, Any] = {"owner": share.owner, "notebooks": [SEPARATES, DIAGNOSES]}
    if "jobs" in share.what:
        return theirs | {"ids": tuple(share.what["jobs"])}
    if "batch" in share.what:
        return theirs | {"batch": share.what["batch"]}
    return theirs | {"notebooks": [SEPARATES]}


def standing(desk: Desk, share: Share) -> list[Any]:
    """Differs whenever `shelf` would; two counts of the job table."""
    changes = {"owner": share.owner, "notebooks": list(CHANGES)}
    found = [desk.jobs.finished_at(**which(share)), desk.jobs.finished_at(**changes)]
    return [sorted((state.value, *told) for state, told in each.items()) for each in found]


def shelf(desk: Desk, share: Share) -> list[Kept]:
    """Every recording of a share, in the order in which they were asked for."""
    newest: dict[str, Job] = {}
    for change in desk.jobs.jobs(owner=share.owner, notebooks=CHANGES, states=[State.SUCCEEDED]):
        newest[str((change.about or {}).get("result"))] = change  # they come in the order of their revisions
    jobs = desk.jobs.jobs(**which(share))
    return [_kept(desk.store, job, newest.get(job.id, job)) for job in jobs]


def read_result(store: Store, job: Job) -> dict[str, Any]:
    """The manifest or the diagnosis of a finished job.

    Raises
    ------
    InputError
        Reasons ``gone-result``, ``half-written`` and ``newer-version``.
    """
    try:
        folder = Stored(job, job).folder(store)
    except InputError as error:  # it was written elsewhere, which is nobody's to know
        raise gone(job.id) from error
    with explained(store, folder):
        file = DIAGNOSIS if job.notebook == DIAGNOSES else MANIFEST
        told: dict[str, Any] = json.loads(store.local(f"{folder}/{file}").read_bytes())
        schema = int(told.get("schema_version", SCHEMA_VERSION))
        if schema <= SCHEMA_VERSION:
            measures_of(told)  # all of it is there
            return told
    raise InputError(
        f"a later version of SpeakSep made this result (schema {schema})",
        reason="newer-version",
        hint="look at it with that version",
    )


def _kept(store: Store, job: Job, newest: Job) -> Kept:
    name = str((job.about or {}).get("name") or PurePosixPath(str(job.parameters.get("source") or "sample")).name)
    if job.state is not State.SUCCEEDED:
        return Kept(job, newest, name)
    result = newest.result if isinstance(newest.result, dict) else {}
    noted = result.get("measures")
    found = (
        _WITHOUT | noted
        if isinstance(noted, dict) and noted
        else _read(store, _Attempt(newest, newest.id, newest.attempt))
    )
    if isinstance(found, str):
        return Kept(job, newest, name, unreadable=found)
    return Kept(job, newest, name, found)


@dataclass(frozen=True)
class _Attempt:
    """What a job published, known by the attempt that did: that never changes."""

    job: Job = field(compare=False)
    id: str
    number: int


@lru_cache(maxsize=20_000)
def _read(store: Store, made: _Attempt) -> Mapping[str, Any] | str:
    """Measures of a result that is older than they are, or why there are none: its file is read once."""
    try:
        return measures_of(read_result(store, made.job))
    except InputError as error:
        return error.reason
