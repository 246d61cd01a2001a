"""Jobs, events and batches as the service tells them: nothing of where things lie on its machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from speaksep_hub.service.errors import NotFound
from speaksep_hub.service.work.places import plain
from speaksep_kernel.jobs.job import Event, Job
from speaksep_kernel.jobs.overview import GROUP, BatchCounts
from speaksep_kernel.jobs.states import FINISHED, State

if TYPE_CHECKING:
    from speaksep_hub.service.platform import Platform

_EXAMPLE: dict[str, Any] = {
    "id": "51c4f1d20a9b7e36",
    "kind": "separation",
    "notebook": "separate",
    "recording": "7b0d1c52e4aa4f0c",
    "name": "meeting.m4a",
    "parameters": {"source": "7b0d1c52e4aa4f0c", "speakers": 2},
    "batch": None,
    "state": "running",
    "fraction": 0.42,
    "stage": "separate",
    "message": "separate 31%",
    "attempt": 1,
    "created_at": "2026-05-04T09:12:00.120+00:00",
    "started_at": "2026-05-04T09:12:00.480+00:00",
    "finished_at": None,
    "device": None,
    "error": None,
}


class JobError(BaseModel):
    """Why a job failed."""

    error: str = Field(description="What was wrong.")
    reason: str = Field(description="The same as one word that a program can test.")
    hint: str = Field(description="What to do about it.")


class JobAnswer(BaseModel):
    """Something that was asked for, and where it stands."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    kind: str = Field(
        description="What it is for: job, diagnosis, separation, edit, identification, conversion or enrolment."
    )
    notebook: str
    recording: str | None = Field(None, description="Id of the recording it is about.")
    result: str | None = Field(None, description="Id of the separation it is about, of an edit for example.")
    name: str | None = Field(None, description="What the recording is called.")
    parameters: dict[str, Any] = Field(description="As they were asked for.")
    batch: str | None
    state: State
    fraction: float = Field(ge=0, le=1, description="How much is done.")
    stage: str
    message: str
    attempt: int = Field(description="How often it was begun.")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    device: str | None = Field(None, description="What it computed on, in words, once it has succeeded.")
    error: JobError | None = None


class BatchAnswer(BaseModel):
    """Jobs that were asked for together, and where they stand."""

    id: str
    name: str | None = None
    notebook: str
    created_at: datetime
    counts: dict[State, int] = Field(description="Jobs by state.")
    finished: bool = Field(description="Whether nothing more happens to any of them.")


def job_answer(platform: Platform, job: Job) -> JobAnswer:
    """A job as its owner sees it."""
    about = job.about or {}
    result = job.result if isinstance(job.result, dict) else {}
    return JobAnswer(
        id=job.id,
        kind=about.get("kind", "job"),
        notebook=job.notebook,
        recording=about.get("recording"),
        result=about.get("result"),
        name=about.get("name"),
        parameters=about.get("parameters", {}),
        batch=batch_name(job),
        state=job.state,
        fraction=job.fraction,
        stage=job.stage,
        message=plain(platform, job.message),
        attempt=job.attempt,
        created_at=_when(job.created_at),
        started_at=None if job.started_at is None else _when(job.started_at),
        finished_at=None if job.finished_at is None else _when(job.finished_at),
        device=result.get("device") or None,
        error=error_answer(platform, job.error) if job.error and job.state is not State.SUCCEEDED else None,
    )


def error_answer(platform: Platform, error: Mapping[str, Any]) -> JobError:
    """Why a job failed, as its owner sees it."""
    told = {name: plain(platform, str(error.get(name) or "")) for name in ("error", "reason", "hint")}
    return JobError(**told)


def event_text(platform: Platform, event: Event) -> str:
    """An event as one line of JSON."""
    told = event.to_dict()
    del told["owner"]
    told["message"] = plain(platform, event.message)
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def batch_answer(batch: BatchCounts) -> BatchAnswer:
    """A batch as its owner sees it."""
    return BatchAnswer(
        id=batch.id,
        name=(batch.about or {}).get("batch_name"),
        notebook=batch.notebook,
        created_at=_when(batch.created_at),
        counts=dict(batch.counts),
        finished=all(state in FINISHED for state, count in batch.counts.items() if count),
    )


def batch_name(job: Job) -> str | None:
    """The batch of a job; None where it only belongs to something."""
    return None if job.batch is None or GROUP in job.batch else job.batch


def own_job(platform: Platform, owner: str, job_id: str) -> Job:
    """A job of somebody, by its whole id.

    Raises
    ------
    NotFound
        Reason ``unknown-job``; that it is somebody else's is not told.
    """
    found = platform.jobs.find(job_id)
    if found is None or found.owner != owner:
        raise NotFound(f"no job {job_id[:40]!r}", reason="unknown-job", hint="GET /api/v1/jobs lists yours")
    return found


def own_batch(platform: Platform, owner: str, batch: str) -> BatchCounts:
    """A batch of somebody.

    Raises
    ------
    NotFound
        Reason ``unknown-batch``.
    """
    found = platform.jobs.batches(owner, only=batch)
    if not found:
        raise NotFound(f"no batch {batch[:40]!r}", reason="unknown-batch", hint="GET /api/v1/batches lists yours")
    return found[0]


def _when(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
