"""What is in a recording, and what to do about it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response, Security

from speaksep_hub.service.identity import Caller, needs
from speaksep_hub.service.platform import ThePlatform
from speaksep_hub.service.work.answers import JobAnswer, job_answer
from speaksep_hub.service.work.audited import submitted
from speaksep_hub.service.work.diagnoses import diagnosed, diagnosis_of, read_diagnosis
from speaksep_hub.service.work.options import DiagnosisOptions
from speaksep_hub.service.work.shown import DIAGNOSIS, pointing_to
from speaksep_kernel.jobs.states import State

router = APIRouter(tags=["diagnosis and plan"])


@router.post(
    "/recordings/{recording}/diagnosis",
    status_code=202,
    responses={200: {"description": "It is known already.", "content": DIAGNOSIS}, 202: {"model": JobAnswer}},
    response_model=None,
)
def diagnose(
    recording: str,
    request: Request,
    response: Response,
    platform: ThePlatform,
    caller: Annotated[Caller, Security(needs, scopes=["jobs:submit", "recordings:read"])],
    options: Annotated[DiagnosisOptions | None, Body()] = None,
) -> JobAnswer | dict[str, Any]:
    """Have a recording listened to: who speaks when, what is wrong with it, what to do about that.

    The same question is answered once: asked again, it is the same job, or its answer at once.
    """
    job = diagnosed(platform, caller.name, recording, options or DiagnosisOptions())
    if job.state is State.SUCCEEDED:
        response.status_code = 200
        return read_diagnosis(platform, job)
    submitted(platform, request, caller, job)
    pointing_to(response, request, "job", id=job.id)
    return job_answer(platform, job)


@router.get("/recordings/{recording}/diagnosis", responses={200: {"content": DIAGNOSIS}}, response_model=None)
def diagnosis(
    recording: str,
    platform: ThePlatform,
    caller: Annotated[Caller, Security(needs, scopes=["recordings:read"])],
) -> dict[str, Any]:
    """What was found in a recording, last."""
    return diagnosis_of(platform, caller.name, recording)
