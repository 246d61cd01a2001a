"""Signing in and out, for browsers: at the hub, or with a token where there is none."""

from __future__ import annotations

from html import escape
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from speaksep_hub.protection.requests import limit_guesses, note_wrong_guess
from speaksep_hub.service.errors import NotAllowed, NotFound, NotSignedIn
from speaksep_hub.service.identity import sign_in
from speaksep_hub.service.identity.hub import HubDirectory
from speaksep_hub.service.identity.session import same_origin
from speaksep_hub.service.platform import Platform, ThePlatform
from speaksep_hub.service.work.audited import atold

router = APIRouter(include_in_schema=False)


@router.get("/oauth_callback")
async def come_back(
    request: Request,
    platform: ThePlatform,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=500)] = "",
    error: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Where the hub sends a browser back to."""
    hub, sessions, directory = platform.place.hub, platform.identity.sessions, platform.identity.directory
    if hub is None:
        raise _no_hub()
    pending = sign_in.finish(request, sessions, state)
    if error or not code:
        raise NotAllowed(
            f"the hub did not let you in: {error!a}", reason="sign-in-refused", hint="ask an administrator"
        )
    assert isinstance(directory, HubDirectory)
    secret = await sign_in.token_for(hub, directory.http, code, pending["verifier"])
    response = RedirectResponse(sign_in.own_path(pending["wanted"], platform.place.prefix), 303)
    sign_in.drop_pending(sessions, response, state)
    await _begin(request, platform, response, secret, "hub")
    return response


@router.get("/sign-in")
async def sign_in_page(
    request: Request, platform: ThePlatform, wanted: Annotated[str, Query(alias="next", max_length=2000)] = ""
) -> Response:
    """Begin to sign in: at the hub, or with a form that takes a token."""
    own = sign_in.own_path(wanted, platform.place.prefix)
    if platform.place.hub is not None:
        return sign_in.begin(request, platform.place.hub, platform.identity.sessions, own)
    words = {"action": f"{platform.place.prefix}sign-in", "wanted": own, "style": request.app.state.style}
    return HTMLResponse(_FORM.format(**{name: escape(word) for name, word in words.items()}))


@router.post("/sign-in")
async def sign_in_with_token(
    request: Request,
    platform: ThePlatform,
    token: Annotated[str, Form(max_length=4096)],
    wanted: Annotated[str, Form(alias="next", max_length=2000)] = "",
) -> Response:
    """Sign in with a token of the file."""
    if platform.place.hub is not None:
        raise NotFound("people sign in at the hub", reason="not-found", hint=f"open {platform.place.prefix}")
    if not same_origin(request):
        raise NotAllowed("the form was sent by another page", reason="xsrf", hint="use the form of this service")
    await limit_guesses(request)
    response = RedirectResponse(sign_in.own_path(wanted, platform.place.prefix), 303)
    try:
        await _begin(request, platform, response, token.strip(), "token")
    except NotSignedIn:
        await note_wrong_guess(request)
        raise
    return response


@router.get("/sign-out")
async def sign_out(request: Request, platform: ThePlatform) -> Response:
    """Forget who signed in, here and at the hub."""
    hub, sessions = platform.place.hub, platform.identity.sessions
    response = RedirectResponse(hub.logout_url if hub else f"{platform.place.prefix}sign-in", 303)
    session = sessions.read(request)
    if session is not None:
        caller = await platform.identity.directory.caller(session.secret, "cookie")
        await atold(request, caller.name if caller else "", "sign-out")
    sessions.end(request, response)
    return response


async def _begin(request: Request, platform: Platform, response: Response, secret: str, method: str) -> None:
    caller = await platform.identity.directory.caller(secret, "cookie")
    if caller is None:
        raise NotSignedIn("that token is worth nothing here", reason="bad-token", hint="speaksep token make makes one")
    platform.identity.sessions.begin(response, secret)
    await atold(request, caller.name, "sign-in", method=method)


def _no_hub() -> NotFound:
    return NotFound("this service has no hub", reason="not-found", hint="sign in with a token")


_FORM = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Sign in · SpeakSep</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="{style}">
</head>
<body>
<header><h1>SpeakSep</h1></header>
<main>
<form method="post" action="{action}">
<p><label>Token <input type="password" name="token" required autofocus autocomplete="current-password"></label></p>
<input type="hidden" name="next" value="{wanted}">
<p><button>Sign in</button></p>
</form>
<p><code>speaksep token make --file FILE --name NAME --role researcher</code> makes one.</p>
</main>
</body>
</html>
"""
