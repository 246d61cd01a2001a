"""Corrections of a result: a log that can be taken back, and a new revision for each."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request, Response, Security
from pydantic import BaseModel, Field

from speaksep_hub.service.identity import Caller, needs
from speaksep_hub.service.platform import Platform, ThePlatform
from speaksep_hub.service.work.answers import JobAnswer, job_answer
from speaksep_hub.service.work.audited import told
from speaksep_hub.service.work.corrections import MOST, checked
from speaksep_hub.service.work.results import changed_log, manifest_of, result_of
from speaksep_hub.service.work.revisions import change, pending
from speaksep_hub.service.work.shown import IdempotencyKey, pointing_to
from speaksep_kernel.errors import InputError

router = APIRouter(tags=["results"])

Editor = Annotated[Caller, Security(needs, scopes=["recordings:write", "jobs:submit"])]
_MEANS = 'Corrections as in docs/edits.md: one object with `op`, or `{"edits": [...]}` with several.'
_EXAMPLES = [
    {"op": "rename", "speaker": 1, "name": "Anna"},
    {"edits": [{"op": "merge", "speakers": [2, 3], "into": 2}, {"op": "noise", "start_s": 10, "end_s": 12}]},
]


class EditsAnswer(BaseModel):
    """What was corrected."""

    revision: int = Field(description="Number of the revision that is shown; 0 is what the network heard.")
    edits: list[dict[str, Any]] = Field(description="All corrections, those taken back last.")
    position: int = Field(description="How many of them are in force.")
    pending: JobAnswer | None = Field(description="The change that is under way.")


class Count(BaseModel):
    """How many."""

    count: int = Field(default=1, ge=1, le=MOST)


@router.get("/results/{job}/edits")
def edits(
    job: str,
    platform: ThePlatform,
    caller: Annotated[Caller, Security(needs, scopes=["recordings:read"])],
    revision: Annotated[int | None, Query(ge=0, description="Which revision; the newest if left out.")] = None,
) -> EditsAnswer:
    """What was corrected by hand, in order."""
    shown = result_of(platform, caller.name, job, revision)
    log = changed_log(manifest_of(platform, shown))
    now = pending(platform, caller.name, job)
    return EditsAnswer(
        revision=shown.number,
        edits=log["edits"],
        position=log["position"],
        pending=job_answer(platform, now) if now else None,
    )


@router.post("/results/{job}/edits", status_code=202)
def correct(
    job: str,
    request: Request,
    response: Response,
    platform: ThePlatform,
    caller: Editor,
    body: Annotated[dict[str, Any], Body(description=_MEANS, examples=_EXAMPLES)],
    key: IdempotencyKey = None,
) -> JobAnswer:
    """Correct something. The job makes the next revision; until it is finished there is the one before."""
    asked = body.get("edits") if set(body) == {"edits"} else [body]
    if not isinstance(asked, list) or not all(isinstance(each, dict) for each in asked):
        raise InputError(f"edits is {str(asked)[:100]!r}", reason="bad-edit", hint="give a list of objects with op")
    parameters = {"edits": checked(asked)}
    ops = ",".join(sorted({str(each["op"]) for each in parameters["edits"]}))
    return _changed(platform, request, response, caller, job, parameters, key, ops)


@router.post("/results/{job}/edits/undo", status_code=202)
def undo(
    job: str,
    request: Request,
    response: Response,
    platform: ThePlatform,
    caller: Editor,
    body: Annotated[Count | None, Body()] = None,
    key: IdempotencyKey = None,
) -> JobAnswer:
    """Take the last corrections back."""
    count = (body or Count()).count
    _check(platform, caller, job, count, "undo")
    return _changed(platform, request, response, caller, job, {"undo": count}, key, "undo")


@router.post("/results/{job}/edits/redo", status_code=202)
def redo(
    job: str,
    request: Request,
    response: Response,
    platform: ThePlatform,
    caller: Editor,
    body: Annotated[Count | None, Body()] = None,
    key: IdempotencyKey = None,
) -> JobAnswer:
    """Make corrections again that were taken back."""
    count = (body or Count()).count
    _check(platform, caller, job, count, "redo")
    return _changed(platform, request, response, caller, job, {"redo": count}, key, "redo")


def _check(platform: Platform, caller: Caller, job: str, count: int, what: str) -> None:
    log = changed_log(manifest_of(platform, result_of(platform, caller.name, job)))
    there = log["position"] if what == "undo" else len(log["edits"]) - log["position"]
    if count > there and pending(platform, caller.name, job) is None:
        raise InputError(
            f"cannot {what} {count} of {there} edits", reason=f"nothing-to-{what}", hint=f"GET …/results/{job}/edits"
        )


def _changed(
    platform: Platform,
    request: Request,
    response: Response,
    caller: Caller,
    job: str,
    parameters: dict[str, Any],
    key: str | None,
    action: str,
) -> JobAnswer:
    made = change(platform, caller.name, job, kind="edit", notebook="edit", parameters=parameters, key=key)
    told(platform, request, caller, "result-edited", job=job, action=action)
    pointing_to(response, request, "job", id=made.id)
    return job_answer(platform, made)
