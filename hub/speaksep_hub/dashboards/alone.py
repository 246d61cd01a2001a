"""The front by itself on one machine: whoever has the address that is printed is the person who started it."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, FastAPI, Query, Request
from starlette.responses import RedirectResponse, Response

from speaksep_dashboards.desk import Desk
from speaksep_hub.audit.log import AuditLog
from speaksep_hub.dashboards.app import create_app
from speaksep_hub.dashboards.shell import home_of
from speaksep_hub.dashboards.visitor import ADMIN, OWN, VIEW
from speaksep_hub.protection.limiter import Limiter
from speaksep_hub.protection.requests import limit_guesses, note_wrong_guess
from speaksep_hub.service.errors import NotSignedIn
from speaksep_hub.service.identity.caller import Caller, Kind
from speaksep_hub.service.identity.identity import open_identity
from speaksep_hub.service.identity.sign_in import own_path
from speaksep_hub.service.place import Place
from speaksep_hub.service.platform import Platform, ThePlatform
from speaksep_hub.settings import Settings

PREFIX = "/dashboards/"
"""Cookies of other servers of this machine have other paths."""
OPEN = "open"

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class OneToken:
    """A directory of one person; see `speaksep_hub.service.identity.identity.Directory`.

    Parameters
    ----------
    token
        What proves it.
    name
        Who that is.
    """

    token: str
    name: str

    async def caller(self, secret: str, kind: Kind | None = None) -> Caller | None:
        """The person, or nobody."""
        if not self.remembers(secret):
            return None
        return Caller(self.name, frozenset({VIEW, OWN, ADMIN}), kind or "file-token", "alone", secret=secret)

    def remembers(self, secret: str) -> bool:
        """Whether it is the token."""
        return hmac.compare_digest(secret.encode(), self.token.encode())

    async def reachable(self) -> bool:
        """It is here."""
        return True

    async def close(self) -> None:
        """Nothing is open."""


def create_alone(desk: Desk, folder: Path, place: Place, *, token: str, name: str) -> FastAPI:
    """The application.

    Parameters
    ----------
    desk
        What there is to look at; closed with the application.
    folder
        For what it keeps while it runs.
    place
        Where it is.
    token, name
        Of the person who started it.
    """
    settings = Settings.model_validate({"hub": {"folder": str(folder)}})
    identity = open_identity(settings, place)
    identity.directory = OneToken(token, name)
    platform = Platform(
        settings=settings,
        place=place,
        jobs=desk.jobs,
        catalogue=desk.catalogue,
        store=desk.store,
        audit=AuditLog.nowhere(),
        limiter=Limiter.open(settings.protection),
        identity=identity,
    )
    app = create_app(settings, place, platform=platform)
    app.include_router(router)
    return app


@router.get(f"/{OPEN}")
async def enter(
    request: Request,
    platform: ThePlatform,
    token: Annotated[str, Query(max_length=200)],
    wanted: Annotated[str, Query(alias="next", max_length=2000)] = "",
) -> Response:
    """Come in by the address that was printed."""
    await limit_guesses(request)
    if await platform.identity.directory.caller(token, "cookie") is None:
        await note_wrong_guess(request)
        raise NotSignedIn(
            "this address is of another start", reason="bad-token", hint="open the one that was printed last"
        )
    response = RedirectResponse(own_path(wanted, home_of(request)), 303, {"Cache-Control": "no-store"})
    platform.identity.sessions.begin(response, token)
    return response
