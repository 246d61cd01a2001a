"""What would be done with a recording, and doing it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Request, Response, Security
from pydantic import BaseModel, ConfigDict, Field

from speaksep_hub.service.identity import Caller, needs
from speaksep_hub.service.platform import ThePlatform
from speaksep_hub.service.work.answers import JobAnswer, job_answer
from speaksep_hub.service.work.audited import submitted
from speaksep_hub.service.work.diagnoses import diagnosis_of
from speaksep_hub.service.work.options import SeparationOptions
from speaksep_hub.service.work.orders import Order, place_orders
from speaksep_hub.service.work.planning import check_known, planned
from speaksep_hub.service.work.shown import IdempotencyKey, own_key, pointing_to

router = APIRouter(tags=["diagnosis and plan"])


class PlanAnswer(BaseModel):
    """What would be done, why, and what it would cost."""

    model_config = ConfigDict(extra="allow")

    separator: str
    speakers: int | None = Field(description="Exact number; null: decided from the recording.")
    cleaning: list[str] = Field(description="What would be applied.")
    offered: list[str] = Field(description="What the diagnosis advises and nobody asked for.")
    device: str = Field(description="auto, cpu or cuda.")
    quality: str
    predicted_seconds: float = Field(description="How long the separation should take, once it begins.")
    predicted_memory_bytes: int
    explanation: list[str] = Field(description="One sentence for every decision.")


@router.post("/recordings/{recording}/plan")
def plan(
    recording: str,
    platform: ThePlatform,
    caller: Annotated[Caller, Security(needs, scopes=["recordings:read"])],
    options: Annotated[SeparationOptions | None, Body()] = None,
) -> PlanAnswer:
    """What a separation with these options would do, why, and how long it should take. It needs a diagnosis."""
    chosen = options or SeparationOptions()
    made = planned(diagnosis_of(platform, caller.name, recording), chosen).to_dict()
    reasons: list[str] = made.pop("reasons")
    return PlanAnswer(**{**made, "device": chosen.device, "format": chosen.format}, explanation=reasons)


@router.post("/recordings/{recording}/separations", status_code=202)
def separate(
    recording: str,
    request: Request,
    response: Response,
    platform: ThePlatform,
    caller: Annotated[Caller, Security(needs, scopes=["jobs:submit", "recordings:read"])],
    options: Annotated[SeparationOptions | None, Body()] = None,
    key: IdempotencyKey = None,
) -> JobAnswer:
    """Proceed: one track per speaker and what belongs to nobody, as the plan with the same options says."""
    chosen = options or SeparationOptions()
    check_known(platform, caller.name, chosen)
    order = Order(
        kind="separation",
        notebook="separate",
        parameters=chosen.parameters(recording),
        key=own_key(key),
        device=chosen.slot,
    )
    (job,) = place_orders(platform, caller.name, [order])
    submitted(platform, request, caller, job)
    pointing_to(response, request, "job", id=job.id)
    return job_answer(platform, job)
