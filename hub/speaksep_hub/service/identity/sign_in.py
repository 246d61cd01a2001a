"""Browsers sign in at the hub: the authorization code grant (RFC 6749) with state and PKCE (RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
from fastapi import FastAPI
from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response

from speaksep_hub.service.errors import Away, NotAllowed, NotSignedIn
from speaksep_hub.service.identity.hub import TIMEOUT_S
from speaksep_hub.service.identity.session import Sessions
from speaksep_hub.service.place import HubAccess, Place

PENDING = "speaksep-sign-in-"
"""Beginning of the names of cookies that remember a sign-in that is under way."""

_PENDING_S = 600.0
_MOST_PENDING = 5  # tabs that are sent to sign in at once; a browser sends all of its cookies with each request


class SignInFirst(NotSignedIn):
    """A page for people, and nobody is signed in."""


def offer_sign_in(app: FastAPI) -> None:
    """Send browsers that want a page to sign in."""
    app.add_exception_handler(SignInFirst, _send_away)


async def _send_away(request: Request, error: Exception) -> Response:
    platform = request.app.state.platform
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    place: Place = platform.place
    wanted = own_path(asked, place.prefix)
    if place.hub is None:
        return RedirectResponse(f"{place.prefix}sign-in?next={quote(wanted, safe='')}", 303)
    return begin(request, place.hub, platform.identity.sessions, wanted)


def begin(connection: HTTPConnection, hub: HubAccess, sessions: Sessions, wanted: str) -> Response:
    """Send a browser to the hub.

    Parameters
    ----------
    connection
        What the browser asked.
    hub
        Where to.
    sessions
        Seals what has to be remembered until it comes back.
    wanted
        The page that it shall see then, a path of ours.
    """
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    query = {
        "client_id": hub.client_id,
        "redirect_uri": hub.callback_path,
        "response_type": "code",
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    response = RedirectResponse(f"{hub.authorize_url}?{urlencode(query)}", 303)
    pending = [name for name in connection.cookies if name.startswith(PENDING)]
    for name in pending if len(pending) >= _MOST_PENDING else ():
        sessions.drop_cookie(response, name)
    remembered = {"state": state, "verifier": verifier, "wanted": wanted}
    sessions.set_cookie(response, _cookie(state), sessions.seal(remembered, PENDING), _PENDING_S)
    return response


def finish(connection: HTTPConnection, sessions: Sessions, state: str) -> dict[str, Any]:
    """What was remembered of a sign-in that comes back: ``verifier`` and ``wanted``.

    Raises
    ------
    NotAllowed
        Reason ``bad-state``: this browser began no such sign-in, or too long ago.
    """
    sealed = connection.cookies.get(_cookie(state))
    found = None if sealed is None else sessions.unseal(sealed, PENDING)
    if found is None or not hmac.compare_digest(found["state"].encode(), state.encode()):
        raise NotAllowed(
            "this browser began no such sign-in, or more than ten minutes ago",
            reason="bad-state",
            hint="open the page that you wanted to see again",
        )
    return found


def drop_pending(sessions: Sessions, response: Response, state: str) -> None:
    """Forget a sign-in: it works once."""
    sessions.drop_cookie(response, _cookie(state))


async def token_for(hub: HubAccess, http: httpx.AsyncClient, code: str, verifier: str) -> str:
    """The token that the hub gives for a code.

    Raises
    ------
    NotAllowed
        Reason ``bad-code``: it was used before, is too old, or is not for this sign-in.
    Away
        Reason ``hub-unreachable``.
    """
    form = {
        "client_id": hub.client_id,
        "client_secret": hub.api_token,
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": hub.callback_path,
        "code_verifier": verifier,
    }
    try:
        response = await http.post("/oauth2/token", data=form, timeout=2 * TIMEOUT_S)
    except httpx.TransportError as error:
        raise Away(
            f"the hub does not answer ({type(error).__name__})", reason="hub-unreachable", hint="try again in a moment"
        ) from error
    if response.status_code != 200:
        raise NotAllowed(
            f"the hub gives no token for the code of this sign-in (status {response.status_code})",
            reason="bad-code",
            hint="a code works once; open the page that you wanted to see again",
        )
    return str(response.json()["access_token"])


def own_path(asked: str, prefix: str) -> str:
    """A path of ours: what was asked for, or the first page where that would lead anywhere else.

    >>> own_path("/services/speaksep/docs?a=1", "/services/speaksep/")
    '/services/speaksep/docs?a=1'
    >>> [own_path(asked, "/") for asked in ("//elsewhere.example", "https://elsewhere.example", "/\\\\elsewhere")]
    ['/', '/', '/']
    """
    try:
        parts = urlsplit(asked)
    except ValueError:
        return prefix
    foreign = parts.scheme or parts.netloc or not asked.startswith(prefix) or asked.startswith("//")
    odd = "\\" in asked or not asked.isascii() or not asked.isprintable() or "/../" in f"{parts.path}/"
    return prefix if foreign or odd else asked


def _cookie(state: str) -> str:
    return PENDING + hashlib.sha256(state.encode()).hexdigest()[:12]
