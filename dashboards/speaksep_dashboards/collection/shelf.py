"""From the job table to the recordings of a collection: two queries, and no file of a result that says its figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from speaksep_dashboards.desk import Desk
from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.jobs.job import Job
from speaksep_kernel.jobs.states import State
from speaksep_kernel.results.directory import MANIFEST
from speaksep_kernel.results.manifest import SCHEMA_VERSION
from speaksep_kernel.results.measures import DIAGNOSIS, measures_of
from speaksep_kernel.store.store import Store

if TYPE_CHECKING:
    from speaksep_kernel.catalogue.share import Share

SEPARATES, DIAGNOSES, CHANGES = "separate", "diagnose", ("edit", "identify")
"""Notebooks whose jobs have recordings, and those that change what became of one."""
_FILES = {DIAGNOSES: DIAGNOSIS}


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
    result = job.result if isinstance(job.result, dict) else {}
    folders = {PurePosixPath(name).parts[0] for name in result.get("files", ()) if "/" in name}
    file = _FILES.get(job.notebook, MANIFEST)
    try:
        (folder,) = folders
        key = f"{store.key_of(str(result['directory']))}/{folder}/{file}"
        told = json.loads(store.local(key).read_bytes())
        schema = told.get("schema_version", SCHEMA_VERSION)
        told.get("diagnosis", told)["findings"]
    except (StoreError, InputError, OSError) as error:
        if isinstance(error, StoreError) and error.reason != "not-stored":
            raise
        raise _unreadable(job, "is kept no longer", "gone-result") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(job, "is only partly there", "half-written") from error
    if schema > SCHEMA_VERSION:
        raise _unreadable(job, "was made by a later version of SpeakSep", "newer-version")
    return dict(told)


def _kept(store: Store, job: Job, newest: Job) -> Kept:
    name = str((job.about or {}).get("name") or PurePosixPath(str(job.parameters.get("source") or "sample")).name)
    if job.state is not State.SUCCEEDED:
        return Kept(job, newest, name)
    result = newest.result if isinstance(newest.result, dict) else {}
    found = result.get("measures") or _read(store, newest.id, newest.attempt, _Told(newest))
    if isinstance(found, str):
        return Kept(job, newest, name, unreadable=found)
    return Kept(job, newest, name, found)


class _Told:
    """A job that a cache does not look at."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Told)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=20_000)
def _read(store: Store, _id: str, _attempt: int, told: _Told) -> Mapping[str, Any] | str:
    """Measures of a result that is older than they are: its file is read once."""
    try:
        return measures_of(read_result(store, told.job))
    except InputError as error:
        return error.reason
    except (ValueError, KeyError, TypeError, AttributeError):
        return "half-written"


def _unreadable(job: Job, what: str, reason: str) -> InputError:
    hints = {"newer-version": "look at it with that version"}
    return InputError(
        f"the result of job {job.id} {what}", reason=reason, hint=hints.get(reason, "separate the recording again")
    )
