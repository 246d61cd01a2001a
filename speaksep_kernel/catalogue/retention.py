"""What is kept no longer: recordings, uploads and results whose time is over, and what nobody has any more."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass

from speaksep_kernel.catalogue.catalogue import Catalogue
from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs.job import Job
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.jobs.states import FINISHED, State
from speaksep_kernel.store import keys
from speaksep_kernel.store.store import Store


@dataclass(frozen=True)
class Pruned:
    """How many were removed: recordings, uploads, results of finished jobs, files that nobody brought to their end."""

    recordings: int
    uploads: int
    results: int
    abandoned: int

    def to_dict(self) -> dict[str, int]:
        """As JSON."""
        return asdict(self)


def prune(catalogue: Catalogue, store: Store, jobs: JobTable, *, results_older_s: float | None = None) -> Pruned:
    """Remove what is kept no longer; any number of processes may do so at once.

    A recording that an unfinished job reads stays until that is done.

    Parameters
    ----------
    catalogue, store, jobs
        Of one platform.
    results_older_s
        Jobs that finished so long ago are forgotten together with their results; none if ``None``.

    Raises
    ------
    StoreError
        The store or the database does not answer; what is left is removed the next time.
    """
    reading = {str(value) for job in _unfinished(jobs) for value in job.parameters.values()}
    recordings = 0
    for each in catalogue.expired():
        if store.address(keys.named(each.sha256, each.name)) not in reading:
            with suppress(InputError):  # another process was first
                catalogue.remove(each.owner, each.id, store.remove)
                recordings += 1
    uploads = catalogue.uploads.expired()
    for upload in uploads:
        store.remove(keys.parts(upload.id))
        catalogue.uploads.drop(upload.id)
    for sha256 in catalogue.abandoned():  # whoever stored these was killed before it could say so
        catalogue.unclaimed(sha256, store.remove)
    results = 0 if results_older_s is None else _prune_results(store, jobs, results_older_s)
    return Pruned(recordings, len(uploads), results, store.remove_abandoned())


def _prune_results(store: Store, jobs: JobTable, older_s: float) -> int:
    before, removed = time.time() - older_s, 0
    for job in jobs.jobs(states=tuple(FINISHED)):
        if job.finished_at is None or job.finished_at > before:
            continue
        with suppress(InputError):  # its output is not in this store: somebody's own batch
            store.remove(store.key_of(job.output))
            removed += 1
    jobs.prune(older_s)
    return removed


def _unfinished(jobs: JobTable) -> Iterator[Job]:
    return iter(jobs.jobs(states=[state for state in State if state not in FINISHED]))
