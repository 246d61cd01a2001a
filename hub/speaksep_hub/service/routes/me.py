"""Who I am to the service."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Security
from pydantic import BaseModel, Field

from speaksep_hub.service.identity import Caller, needs
from speaksep_hub.service.identity.caller import Kind
from speaksep_hub.service.platform import ThePlatform
from speaksep_hub.service.work.shares import page_address

router = APIRouter(tags=["identity"])


class Me(BaseModel):
    """Who sent the request."""

    name: str = Field(description="Your name; what you create belongs to it.", examples=["ann"])
    scopes: list[str] = Field(description="What you may do here.", examples=[["jobs:read", "recordings:read"]])
    kind: Kind = Field(description="How you proved who you are.")
    token_id: str = Field(description="Which token that was, as in `GET /tokens`.")
    expires_at: float | None = Field(None, description="Seconds since 1970 when it is over, if that is known here.")
    dashboards: str | None = Field(None, description="Where the dashboards are; null where there are none.")


@router.get("/me")
async def me(caller: Annotated[Caller, Security(needs)], platform: ThePlatform) -> Me:
    """Who you are to the service, and what you may do."""
    return Me(
        name=caller.name,
        scopes=sorted(caller.scopes),
        kind=caller.kind,
        token_id=caller.token_id,
        expires_at=caller.expires_at,
        dashboards=page_address(platform),
    )
