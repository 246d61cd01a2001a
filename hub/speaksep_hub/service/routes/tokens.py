"""The caller's tokens: listed, made, revoked."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Security
from pydantic import BaseModel, ConfigDict, Field

from speaksep_hub.service.identity import Caller, needs
from speaksep_hub.service.identity.caller import MANAGE
from speaksep_hub.service.identity.exchange import moment
from speaksep_hub.service.identity.tokens import Token, chosen, tokens_of
from speaksep_hub.service.paging import Page
from speaksep_hub.service.platform import ThePlatform
from speaksep_hub.service.work.audited import atold

Manager = Annotated[Caller, Security(needs, scopes=[MANAGE])]
router = APIRouter(tags=["identity"])

DAY_S = 86400


class TokenRequest(BaseModel):
    """What a new token shall be."""

    model_config = ConfigDict(extra="forbid")

    note: str = Field("", max_length=200, description="What it is for, for you to read.", examples=["nightly batch"])
    scopes: list[str] | None = Field(
        None,
        max_length=50,
        description="What it may do: some of your scopes, and `tokens` if it shall manage tokens; all that you may, if "
        "left out.",
        examples=[["recordings:write", "jobs:submit"]],
    )
    expires_in: int | None = Field(
        None, ge=1, le=10 * 366 * DAY_S, description="Seconds; the most there is, if left out.", examples=[30 * DAY_S]
    )


class TokenShown(BaseModel):
    """A token, without what it reads."""

    id: str
    note: str
    scopes: list[str]
    made_at: float | None = Field(description="Seconds since 1970.")
    expires_at: float | None = Field(description="Seconds since 1970; null: never.")
    used_at: float | None = Field(description="Seconds since 1970 when it was last used; null: never, or not known.")
    client: str = Field(description="For which page or service a browser has it; empty for tokens of programs.")

    @classmethod
    def of(cls, token: Token) -> TokenShown:
        """As shown to its owner."""
        return cls(**{name: getattr(token, name) for name in cls.model_fields if hasattr(token, name)})


class TokenMade(TokenShown):
    """A new token."""

    token: str = Field(description="What it reads. It is not shown again.")


@router.get("/tokens")
async def list_tokens(caller: Manager, platform: ThePlatform) -> Page[TokenShown]:
    """Your tokens: what they are for, and until when; never what they read."""
    found = await tokens_of(platform.identity.directory).list(caller)
    return Page(items=[TokenShown.of(each) for each in found], next=None)


@router.post("/tokens", status_code=201)
async def make_token(request: Request, wanted: TokenRequest, caller: Manager, platform: ThePlatform) -> TokenMade:
    """A new token, which may do no more than the one it is made with. Unlike all else it is made anew each time."""
    scopes = chosen(caller, wanted.scopes)
    token, reads = await tokens_of(platform.identity.directory).make(caller, scopes, wanted.expires_in, wanted.note)
    await atold(
        request,
        caller.name,
        "token-made",
        token=token.id,
        scopes=list(token.scopes),
        expires=moment(token.expires_at),
        note=token.note,
    )
    return TokenMade(**TokenShown.of(token).model_dump(), token=reads)


@router.delete("/tokens/{id}", status_code=204)
async def revoke_token(
    id_: Annotated[str, Path(alias="id", min_length=1, max_length=64)],
    request: Request,
    caller: Manager,
    platform: ThePlatform,
) -> None:
    """End one of your tokens; all signed tokens that were made with it are worth nothing either."""
    await tokens_of(platform.identity.directory).revoke(caller, id_)
    await atold(request, caller.name, "token-revoked", token=id_)
