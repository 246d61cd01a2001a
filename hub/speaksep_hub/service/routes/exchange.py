"""Signed tokens of some minutes, and the keys by which others can check them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import anyio.to_thread
from fastapi import APIRouter, Request, Security
from pydantic import BaseModel, ConfigDict, Field

from speaksep_hub.service.errors import Refusal
from speaksep_hub.service.identity import Caller, needs
from speaksep_hub.service.identity.exchange import moment
from speaksep_hub.service.platform import ThePlatform
from speaksep_hub.service.work.audited import atold

router = APIRouter(tags=["identity"])


class ExchangeRequest(BaseModel):
    """What the signed token shall be."""

    model_config = ConfigDict(extra="forbid")

    scopes: list[str] | None = Field(
        None, max_length=50, description="What it may do; all that you may, if left out.", examples=[["jobs:read"]]
    )
    expires_in: int | None = Field(
        None, ge=1, description="Seconds; the most there is, if left out or more.", examples=[120]
    )


class SignedToken(BaseModel):
    """A signed token."""

    access_token: str = Field(description="A JWT, signed with EdDSA.")
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int = Field(description="Seconds.")
    scopes: list[str]


class KeySet(BaseModel):
    """Public keys."""

    keys: list[dict[str, Any]] = Field(description="JSON Web Keys (RFC 7517, RFC 8037).")


@router.post("/token")
async def exchange_token(
    request: Request,
    caller: Annotated[Caller, Security(needs)],
    platform: ThePlatform,
    wanted: ExchangeRequest | None = None,
) -> SignedToken:
    """A signed token in exchange for the one that you send: for clients that must not have that.

    It lives for some minutes, at most as long as the token behind it, and is worth nothing once that is revoked.
    """
    asked = wanted or ExchangeRequest(scopes=None, expires_in=None)
    exchange = platform.identity.exchange
    token, signed = await anyio.to_thread.run_sync(lambda: exchange.make(caller, asked.scopes, asked.expires_in))
    await atold(request, caller.name, "token-exchanged", token=signed.id, expires=moment(signed.expires_at))
    return SignedToken(access_token=token, expires_in=exchange.left_s(signed), scopes=sorted(signed.scopes))


@router.delete("/token", status_code=204)
async def end_signed_token(request: Request, caller: Annotated[Caller, Security(needs)], platform: ThePlatform) -> None:
    """End the signed token that you send, before its time."""
    if caller.kind != "jwt":
        raise Refusal(
            "this is not a signed token",
            reason="not-signed",
            hint="DELETE /api/v1/tokens/{id} ends a token of the hub or of the file",
        )
    await anyio.to_thread.run_sync(platform.identity.exchange.revoke, caller)
    await atold(request, caller.name, "token-revoked", token=caller.token_id)


@router.get("/keys")
async def list_keys(platform: ThePlatform) -> KeySet:
    """The public keys of signed tokens, for whoever checks them by himself. Nobody needs to sign in for it."""
    return KeySet(**await anyio.to_thread.run_sync(platform.identity.exchange.keys.public))
