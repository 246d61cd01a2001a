"""The report of a batch, written by whoever can: packages that this one must not import announce it."""

from __future__ import annotations

import logging
from importlib.metadata import entry_points
from pathlib import Path

from speaksep_kernel.jobs.batch.folder import REPORT, Batch

log = logging.getLogger(__name__)

GROUP = "speaksep.reports"
"""Entry points: each is called with the folder of a batch and the file to write."""


def write_report(batch: Batch) -> Path | None:
    """Write ``report.html`` into the folder of a batch.

    Returns
    -------
    Its path; ``None`` if nobody can write one, or it did not work, which is no fault of the batch.
    """
    for entry in entry_points(group=GROUP):
        try:
            entry.load()(batch.directory, batch.directory / REPORT)
            return batch.directory / REPORT
        except Exception as error:  # of another package
            log.warning("no report: %s: %s", type(error).__name__, error)
    return None
