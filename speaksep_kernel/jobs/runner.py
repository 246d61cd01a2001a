"""One attempt at one job: the notebook in its own kernel, watched, and published all or nothing."""

from __future__ import annotations

from speaksep_kernel.errors import JobError
from speaksep_kernel.jobs.ticket import Outcome, Ticket


def run(ticket: Ticket) -> Outcome:
    """Run a batch notebook.

    Never raises for what a notebook does. It tells the table itself, from its first line on: heartbeats, progress, and
    at the end success or failure.

    Parameters
    ----------
    ticket
        Whose attempt it is, the notebook, its parameters, where to publish, limits.

    Returns
    -------
    Outcome
        What the table knows already.
    """
    raise JobError(f"no runner yet for notebook {ticket.notebook!r}", reason="no-runner")
