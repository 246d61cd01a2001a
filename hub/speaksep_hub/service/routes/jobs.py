"""Jobs: ask for a notebook, see where it stands, stop it, try it again, read what it wrote."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from speaksep_hub.service.identity import Caller, needs
from speaksep_hub.service.paging import WantedPage, cursor_of
from speaksep_hub.service.platform import ThePlatform
from speaksep_hub.service.work.answers import JobAnswer, job_answer, own_job
from speaksep_hub.service.work.audited import submitted, told
from speaksep_hub.service.work.offers import offer
from speaksep_hub.service.work.orders import Order, check_free, kind_of, place_orders
from speaksep_hub.service.work.reports import as_notebook, as_page, report_of
from speaksep_hub.service.work.shown import IdempotencyKey, own_key, pointing_to
from speaksep_kernel.jobs.states import State

router = APIRouter(tags=["jobs"])

Reader = Annotated[Caller, Security(needs, scopes=["jobs:read"])]
Canceller = Annotated[Caller, Security(needs, scopes=["jobs:cancel"])]


class JobWanted(BaseModel):
    """A notebook to run, and its parameters."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"notebook": "separate", "parameters": {"source": "7b0d1c52e4aa4f0c"}}]},
    )

    notebook: str = Field(max_length=200, description="One of GET /notebooks.")
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="Its parameters; where it takes a recording, the recording's id."
    )
    device: Literal["auto", "cpu", "gpu"] = Field("auto", description="What it leases.")


class JobPage(BaseModel):
    """Some of your jobs, the newest first."""

    items: list[JobAnswer]
    next: str | None = Field(None, description="`cursor` of the next page; null on the last one.")
    seq: int = Field(description="Number of the last event there was: GET /events?after= tells what came since.")


@router.post("/jobs", status_code=202)
def submit(
    wanted: JobWanted,
    request: Request,
    response: Response,
    platform: ThePlatform,
    caller: Annotated[Caller, Security(needs, scopes=["jobs:submit", "recordings:read"])],
    key: IdempotencyKey = None,
) -> JobAnswer:
    """Ask for a registered notebook to be run with your parameters."""
    notebook = offer(wanted.notebook)
    check_free(notebook, wanted.parameters)
    order = Order(
        kind=kind_of(notebook),
        notebook=notebook.name,
        parameters=wanted.parameters,
        key=own_key(key),
        device=wanted.device,
    )
    (job,) = place_orders(platform, caller.name, [order])
    submitted(platform, request, caller, job)
    pointing_to(response, request, "job", id=job.id)
    return job_answer(platform, job)


@router.get("/jobs")
def jobs(
    platform: ThePlatform,
    caller: Reader,
    page: WantedPage,
    state: Annotated[list[State] | None, Query(description="Only those in this state; again for more.")] = None,
    batch: Annotated[str | None, Query(max_length=255, description="Only those of this batch.")] = None,
) -> JobPage:
    """Your jobs, the newest first."""
    seq = platform.tail.newest()  # before the list: what happens between the two is told twice, not never
    before = None if page.after is None else str(page.after)
    found = platform.jobs.jobs(
        owner=caller.name,
        batch=batch,
        states=state or (),
        before=before,
        limit=page.limit + 1,
        newest_first=True,
    )
    shown = found[: page.limit]
    more = cursor_of(shown[-1].id) if len(found) > page.limit else None
    return JobPage(items=[job_answer(platform, job) for job in shown], next=more, seq=seq)


@router.get("/jobs/{id}")
def job(id: str, platform: ThePlatform, caller: Reader) -> JobAnswer:
    """Where a job stands."""
    return job_answer(platform, own_job(platform, caller.name, id))


@router.post("/jobs/{id}/cancel")
def cancel(id: str, request: Request, platform: ThePlatform, caller: Canceller) -> JobAnswer:
    """Stop a job: at once if it waits; what a running notebook has done so far is kept. Twice is once."""
    found = own_job(platform, caller.name, id)
    stopped = platform.jobs.cancel(found.id)
    told(platform, request, caller, "job-cancelled", job=found.id)
    return job_answer(platform, stopped)


@router.post("/jobs/{id}/retry")
def retry(id: str, request: Request, platform: ThePlatform, caller: Canceller) -> JobAnswer:
    """Run a failed or cancelled job again."""
    found = own_job(platform, caller.name, id)
    again = platform.jobs.retry(found.id)
    told(platform, request, caller, "job-retried", job=found.id)
    return job_answer(platform, again)


@router.get(
    "/jobs/{id}/report",
    response_class=Response,
    responses={200: {"content": {"text/html": {}, "application/x-ipynb+json": {}}}},
)
async def report(
    id: str,
    request: Request,
    platform: ThePlatform,
    caller: Annotated[Caller, Security(needs, scopes=["jobs:read", "recordings:read"])],
    format: Annotated[Literal["html", "ipynb"], Query(description="A page, or the notebook itself.")] = "html",
) -> Response:
    """The executed notebook; of a failed job as far as it came."""
    found = await run_in_threadpool(own_job, platform, caller.name, id)
    notebook = await run_in_threadpool(report_of, platform, found)
    await run_in_threadpool(told, platform, request, caller, "download", what="report", id=found.id, format=format)
    if format == "ipynb":
        return as_notebook(found, notebook)
    return HTMLResponse(await run_in_threadpool(as_page, notebook), headers=PAGE_HEADERS)


PAGE_HEADERS = {
    # What a notebook printed may hold anything: nothing of it runs, and it has no address of its own.
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "Cache-Control": "private, no-cache",
}
