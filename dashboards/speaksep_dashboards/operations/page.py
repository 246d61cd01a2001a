"""The page for those who run the platform; nobody else may have it."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from speaksep_dashboards.desk import Desk
from speaksep_dashboards.operations.data import finished, queue, running
from speaksep_dashboards.operations.machine import disk, gpus
from speaksep_dashboards.page import Reader, ViewPage
from speaksep_kernel.catalogue.share import Share
from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs.states import FINISHED, HELD, State

EVERY_S = 15.0
"""Leases, waits and room change without an event: so often it is looked again."""
MOST_FINISHED, MOST_RUNNING, MOST_WAITING = 3000, 60, 100


class OperationsPage(ViewPage):
    """Queue, leases, speed, cache, errors.

    Raises
    ------
    InputError
        Reason ``not-allowed``: the reader does not run the platform.
    """

    kind: ClassVar[str] = "operations"

    def __init__(self, share: Share, reader: Reader, desk: Desk) -> None:
        super().__init__(share, reader, desk)
        if not reader.admin:
            raise InputError(
                "operations are shown to those who run the platform",
                reason="not-allowed",
                hint="ask for the role admin",
            )

    def can(self) -> dict[str, bool]:
        """To look."""
        return super().can() | {"download": False}

    def _own_title(self) -> str:
        return "Operations"

    def state(self) -> Any:
        """See `ViewPage`."""
        return [self.desk.jobs.newest_event(), int(time.time() // EVERY_S)]

    def shown(self) -> dict[str, Any]:
        """``counts`` by state, ``queue``, ``running``, ``finished``, ``gpus``, ``disk``."""
        jobs, now = self.desk.jobs, time.time()
        return {
            "counts": {str(state): count for state, count in jobs.counts().items()},
            "queue": queue(jobs.jobs(states=(State.QUEUED,), limit=MOST_WAITING), jobs.claimable(), now),
            "running": running(jobs.jobs(states=tuple(HELD), limit=MOST_RUNNING)),
            "finished": finished(jobs.jobs(states=tuple(FINISHED), newest_first=True, limit=MOST_FINISHED), now),
            "gpus": gpus(),
            "disk": disk(self.desk),
        }
