"""A batch from beginning to end, or from where it was to the end."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from speaksep_kernel.jobs.batch.folder import SUMMARY, Batch, settle
from speaksep_kernel.jobs.batch.results import Result, results_of, write_results
from speaksep_kernel.jobs.dispatcher import Dispatcher, Glance
from speaksep_kernel.jobs.protocol import JobExecutor
from speaksep_kernel.jobs.queue import JobTable

log = logging.getLogger(__name__)

SUMMARY_S = 600.0
"""A summary that takes longer is given up."""


def submit(batch: Batch, table: JobTable, *, again: bool = False) -> Batch:
    """Write down what is asked for, and put it into the table. Doing it twice, or at once, is doing it once.

    Parameters
    ----------
    batch
        What is asked for.
    table
        The job table.
    again
        Jobs of it that failed or were cancelled are tried again.

    Returns
    -------
    The batch that the directory belongs to.

    Raises
    ------
    InputError
        The directory belongs to another batch.
    StoreError
        It cannot be written, or the table cannot be reached.
    """
    settled = settle(batch)
    table.submit_many(settled.requests())
    if again:
        table.retry_batch(settled.id)
    return settled


def perform(
    batch: Batch,
    table: JobTable,
    executor: JobExecutor,
    *,
    workers: int | None = None,
    stop: threading.Event | None = None,
    watch: Callable[[Glance], None] = lambda glance: None,
) -> list[Result]:
    """Work until all jobs of a submitted batch are done, here or elsewhere; write the table of results.

    Parameters
    ----------
    batch, table
        As `submit` left them.
    executor, workers
        Plugin of ``speaksep.executors``, and how many jobs at a time; as many as it has workers if ``None``.
    stop
        Set it to end before; jobs under way are given back.
    watch
        Told how things stand, several times a second.

    Returns
    -------
    What came of each row, in their order; unfinished ones are "queued" or "running".

    Raises
    ------
    JobError, StoreError
        The workers or the table do not come back. Nothing is lost: it can be gone on with.
    """
    Dispatcher(table, executor, workers=workers, batch=batch.id).run(stop=stop, watch=watch)
    results = results_of(batch, table.jobs(batch=batch.id))
    write_results(batch, results)
    return results


def summarize(batch: Batch, results: Path) -> Path | None:
    """Execute the summary notebook; its path, or ``None`` if it did not work, which is no fault of the batch.

    Parameters
    ----------
    batch
        What is summarized.
    results
        Its table of results.
    """
    from speaksep_kernel.jobs.runner import run
    from speaksep_kernel.jobs.ticket import Ticket

    scratch = batch.directory / f".summary-{os.getpid()}"
    parameters = {"results": str(results)}
    ticket = Ticket("summary", 1, "summary", parameters, str(scratch), seconds=SUMMARY_S, device="cpu", cache=False)
    try:
        outcome = run(ticket)
        if outcome.state != "succeeded":
            log.warning("no summary: %s", (outcome.error or {}).get("error", outcome.state))
            return None
        place = batch.directory / SUMMARY
        (scratch / SUMMARY).replace(place)
        return place
    except OSError as error:
        log.warning("no summary: %s", error)
        return None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        for partial in batch.directory.glob(f"{scratch.name}.*"):
            with suppress(OSError):
                partial.unlink()


def failed(results: Sequence[Result]) -> list[Result]:
    """Those that did not succeed."""
    return [result for result in results if result.state != "succeeded"]
