"""How much work one user may have waiting."""

from __future__ import annotations

from speaksep_hub.protection.too_many import TooMany
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.jobs.states import FINISHED

RETRY_S = 30.0


def check_job_quota(jobs: JobTable, owner: str, *, limit: int, new: int = 1) -> None:
    """Refuse further jobs of a user who has many that wait or run.

    It is asked before jobs are stored, so two requests at the same moment may both pass; the next one does not.

    Parameters
    ----------
    jobs
        The table.
    owner
        The user.
    limit
        Unfinished jobs that one user may have.
    new
        How many are asked for.

    Raises
    ------
    TooMany
        Reason ``too-many-jobs``: nothing was stored.
    """
    unfinished = sum(count for state, count in jobs.counts(owner=owner).items() if state not in FINISHED)
    if unfinished + new > limit:
        raise TooMany(
            f"{unfinished} jobs are not finished, and with {new} more it would be more than {limit}",
            reason="too-many-jobs",
            hint="wait until some are finished, or cancel some",
            retry_after_s=RETRY_S,
        )
