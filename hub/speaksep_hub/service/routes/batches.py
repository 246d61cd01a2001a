"""Batches: one notebook for many recordings."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response, Security
from pydantic import BaseModel, ConfigDict, Field

from speaksep_hub.service.identity import Caller, needs
from speaksep_hub.service.paging import Page, WantedPage, cursor_of
from speaksep_hub.service.platform import ThePlatform
from speaksep_hub.service.work.answers import BatchAnswer, batch_answer, own_batch
from speaksep_hub.service.work.audited import told
from speaksep_hub.service.work.batches import begin, results_table
from speaksep_hub.service.work.shown import IdempotencyKey, pointing_to

router = APIRouter(tags=["batches"])

MOST_ROWS = 2000
Reader = Annotated[Caller, Security(needs, scopes=["jobs:read"])]
Canceller = Annotated[Caller, Security(needs, scopes=["jobs:cancel"])]


class BatchWanted(BaseModel):
    """A notebook, and its parameters for each job."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "notebook": "separate",
                    "name": "May",
                    "rows": [{"source": "7b0d1c52e4aa4f0c"}, {"source": "0c9f4a6d2b1e8f73", "speakers": 2}],
                }
            ]
        },
    )

    notebook: str = Field("separate", max_length=200, description="One of GET /notebooks.")
    rows: list[dict[str, Any]] = Field(min_length=1, max_length=MOST_ROWS, description="Its parameters for each job.")
    name: str | None = Field(None, min_length=1, max_length=200, description="What you call it.")


@router.post("/batches", status_code=202)
def submit_batch(
    wanted: BatchWanted,
    request: Request,
    response: Response,
    platform: ThePlatform,
    caller: Annotated[Caller, Security(needs, scopes=["jobs:submit", "recordings:read"])],
    key: IdempotencyKey = None,
) -> BatchAnswer:
    """Queue a job for every row, all or none: if some cannot run, all that cannot are named."""
    batch = begin(platform, caller.name, wanted.notebook, wanted.rows, name=wanted.name, key=key)
    told(platform, request, caller, "batch-submitted", batch=batch, jobs=len(wanted.rows), notebook=wanted.notebook)
    pointing_to(response, request, "batch", id=batch)
    return batch_answer(own_batch(platform, caller.name, batch))


@router.get("/batches")
def batches(platform: ThePlatform, caller: Reader, page: WantedPage) -> Page[BatchAnswer]:
    """Your batches, the newest first."""
    before = None if page.after is None else str(page.after)
    found = platform.jobs.batches(caller.name, before=before, limit=page.limit + 1)
    shown = found[: page.limit]
    more = cursor_of(shown[-1].id) if len(found) > page.limit else None
    return Page(items=[batch_answer(each) for each in shown], next=more)


@router.get("/batches/{id}")
def batch(id: str, platform: ThePlatform, caller: Reader) -> BatchAnswer:
    """Where a batch stands; its jobs: GET /jobs?batch=."""
    return batch_answer(own_batch(platform, caller.name, id))


@router.post("/batches/{id}/cancel")
def cancel_batch(id: str, request: Request, platform: ThePlatform, caller: Canceller) -> BatchAnswer:
    """Stop whatever of a batch is not finished."""
    found = own_batch(platform, caller.name, id)
    platform.jobs.cancel_batch(found.id)
    told(platform, request, caller, "batch-cancelled", batch=found.id)
    return batch_answer(own_batch(platform, caller.name, id))


@router.post("/batches/{id}/retry")
def retry_batch(id: str, request: Request, platform: ThePlatform, caller: Canceller) -> BatchAnswer:
    """Run whatever of a batch failed or was cancelled again."""
    found = own_batch(platform, caller.name, id)
    platform.jobs.retry_batch(found.id)
    told(platform, request, caller, "batch-retried", batch=found.id)
    return batch_answer(own_batch(platform, caller.name, id))


@router.get("/batches/{id}/results.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
def batch_results(
    id: str,
    request: Request,
    platform: ThePlatform,
    caller: Annotated[Caller, Security(needs, scopes=["jobs:read", "recordings:read"])],
) -> Response:
    """One line per job: how it stands, why it failed, what was found, its parameters."""
    found = own_batch(platform, caller.name, id)
    told(platform, request, caller, "download", what="results", id=found.id)
    table = results_table(platform, platform.jobs.jobs(owner=caller.name, batch=found.id))
    disposition = f'attachment; filename="{found.id}.csv"'
    return Response(table, media_type="text/csv; charset=utf-8", headers={"Content-Disposition": disposition})
