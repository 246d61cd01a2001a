"""Where what is looked at lies: the job table, the recordings and shares, the store."""

from __future__ import annotations

from dataclasses import dataclass

from speaksep_kernel.catalogue.catalogue import Catalogue
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.store.store import Store


@dataclass(frozen=True)
class Desk:
    """Everything that pages read from; whoever opened the parts closes them.

    Attributes
    ----------
    jobs
        Who asked for what, and where it stands.
    catalogue
        Who has which recordings.
    store
        The recordings and the results themselves.
    """

    jobs: JobTable
    catalogue: Catalogue
    store: Store
