"""The page of a batch: it changes by itself while jobs run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field

from speaksep_dashboards.batch.data import STATES, figures, table
from speaksep_dashboards.batch.notebook import as_page
from speaksep_dashboards.batch.rows import Row, rows_of
from speaksep_dashboards.comments import Commented
from speaksep_dashboards.desk import Desk
from speaksep_dashboards.page import Answer, Reader, iso
from speaksep_kernel.catalogue.share import Share
from speaksep_kernel.errors import InputError, SpeakSepError
from speaksep_kernel.jobs.job import Job
from speaksep_kernel.jobs.overview import BatchCounts

MOST_LINES = 200


class BatchPage(Commented):
    """Progress, failures and cost of the jobs of a batch.

    Raises
    ------
    InputError
        Reason ``gone-result``: its owner has no such batch (any more).
    """

    kind: ClassVar[str] = "batch"
    reads: ClassVar[frozenset[str]] = frozenset({"jobs"})

    def __init__(self, share: Share, reader: Reader, desk: Desk) -> None:
        super().__init__(share, reader, desk)
        self.batch = str(share.what["batch"])
        self._found()

    def _found(self) -> BatchCounts:
        found = self.desk.jobs.batches(self.share.owner, only=self.batch)
        if not found:
            raise InputError(
                "the jobs of this batch are not kept any more", reason="gone-result", hint="ask whoever shared it"
            )
        return found[0]

    def _own_title(self) -> str:
        found = self._found()
        return str((found.about or {}).get("batch_name") or f"Batch {found.id}")

    def state(self) -> Any:
        """See `ViewPage`."""
        return [self._news(), self.said()]

    def _news(self) -> str:
        return str(self.desk.jobs.newest_event(owner=self.share.owner, batch=self.batch))

    def table(self) -> tuple[Row, ...]:
        """Its jobs."""
        return rows_of(self.desk, self.share.owner, self.batch, self._news())

    def rows(self) -> list[dict[str, Any]]:
        """Its jobs, for a report."""
        return [row.to_dict() for row in self.table()]

    def shown(self) -> dict[str, Any]:
        """See `speaksep_dashboards.batch.data.figures`."""
        found = self._found()
        about = {"notebook": found.notebook, "begun_at": iso(found.created_at), "states": list(STATES)}
        return about | figures(self.table()) | {"opens": "recording/", "comments": self.comments()}

    def answer_jobs(
        self,
        *,
        text: Annotated[str, Field(max_length=200)] = "",
        state: str = "",
        offset: Annotated[int, Field(ge=0)] = 0,
        limit: Annotated[int, Field(ge=1, le=MOST_LINES)] = 50,
    ) -> Answer:
        """A page of its jobs: ``rows`` and their ``count``.

        Parameters
        ----------
        text, state
            Only those with this in their name, only those in this state.
        offset, limit
            Which of them.
        """
        return Answer(table(self.table(), text=text, state=state, offset=offset, limit=limit))

    def within(self, job: str) -> Share:
        """What shows one of its recordings to the same reader.

        Raises
        ------
        InputError
            Reason ``unknown-recording``: it is not in this batch.
        """
        self._job(job)
        return replace(self.share, kind="recording", what={"job": job}, title="")

    def document(self, name: str) -> str | None:
        """The executed notebook of a job, ``JOB.html``, as a page on which nothing runs; None if there is none.

        Raises
        ------
        InputError
            Reasons ``half-written`` and ``too-large``.
        """
        job_id, dot, suffix = name.partition(".")
        if not dot or suffix != "html":
            return None
        try:
            job = self._job(job_id)
            text = self._report(job).read_text("utf-8")
        except (SpeakSepError, OSError, ValueError):  # removed, or never written
            return None
        name = str((job.about or {}).get("name") or job.notebook)
        return as_page(text, f"{name}: executed notebook")

    def _report(self, job: Job) -> Path:
        place = job.report or ""
        try:
            return self.desk.store.local(self.desk.store.key_of(place))
        except InputError:  # a batch of the command line lies in a folder of its own
            folder = Path(job.output)
            if place and "://" not in place and Path(place).resolve().is_relative_to(folder.resolve().parent):
                return Path(place)
            raise

    def _job(self, job_id: str) -> Job:
        job = self.desk.jobs.find(job_id)
        if job is None or (job.owner, job.batch) != (self.share.owner, self.batch):
            raise InputError(
                f"no recording {job_id[:40]!r} in this batch", reason="unknown-recording", hint="reload the page"
            )
        return job
