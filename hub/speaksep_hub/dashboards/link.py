"""Cookies of people who came by a link: what it reads, sealed, and good for the one share that it leads to."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.responses import Response

from speaksep_hub.service.platform import platform_of

LINK = "speaksep-link"
_LIFE_S = 30 * 86400.0


def remember_link(connection: HTTPConnection, response: Response, *, share: str, token: str) -> None:
    """Have a browser show a link again whenever it asks for pages of that share."""
    place, sessions = platform_of(connection).place, platform_of(connection).identity.sessions
    response.set_cookie(
        LINK,
        sessions.seal({"share": share, "token": token}, LINK),
        max_age=int(_LIFE_S),
        path=f"{place.prefix}share/{share}/",
        secure=place.secure,
        httponly=True,
        samesite="lax",
    )


def link_token(connection: HTTPConnection, share: str) -> str | None:
    """What the link reads that a browser followed to this share; None where it followed none."""
    sealed = connection.cookies.get(LINK)
    found = None if sealed is None else platform_of(connection).identity.sessions.unseal(sealed, LINK)
    return str(found["token"]) if found and found["share"] == share else None
