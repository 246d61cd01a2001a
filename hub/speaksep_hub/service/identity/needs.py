"""What a route needs: somebody who is known, with the scopes that it names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Security
from fastapi.openapi.models import APIKey, APIKeyIn, HTTPBearer
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from speaksep_hub.protection.requests import limit, limit_guesses, note_wrong_guess
from speaksep_hub.service.errors import NotAllowed, NotSignedIn
from speaksep_hub.service.identity.caller import Caller
from speaksep_hub.service.identity.session import SESSION
from speaksep_hub.service.identity.sign_in import SignInFirst
from speaksep_kernel.logs.carried import carry

if TYPE_CHECKING:
    from speaksep_hub.service.identity.identity import Identity


class _Shown(SecurityBase):
    """A way to prove who one is, for the documentation; :mod:`.identity` looks at the request itself."""

    def __init__(self, name: str, model: HTTPBearer | APIKey) -> None:
        self.scheme_name, self.model = name, model

    def __call__(self) -> None:
        """Nothing is done here."""


_TOKEN = _Shown("token", HTTPBearer(description="A token of the hub, a signed token, or one of a token file."))
_COOKIE = _Shown(
    "browser",
    APIKey.model_validate(
        {"in": APIKeyIn.cookie, "name": SESSION, "description": "A browser that signed in; writes need X-XSRFToken."}
    ),
)


async def needs(
    wanted: SecurityScopes,
    connection: HTTPConnection,
    token: Annotated[None, Security(_TOKEN)],
    browser: Annotated[None, Security(_COOKIE)],
) -> Caller:
    """Who asks; for routes, as ``Security(needs, scopes=["jobs:read"])``.

    Raises
    ------
    NotSignedIn
        Reasons ``no-token`` and ``bad-token``.
    NotAllowed
        Reason ``missing-scope``, or ``xsrf`` for a browser's request that another page may have made.
    """
    caller = await known(connection)
    if caller is None:
        raise NotSignedIn(
            "nobody is signed in",
            reason="no-token",
            hint="send Authorization: Bearer and a token; docs/tokens.md says how to get one",
        )
    return _allowed(caller, wanted)


async def visits(wanted: SecurityScopes, connection: HTTPConnection) -> Caller:
    """Who looks at a page; a browser that nobody is signed in with is sent to sign in, and comes back.

    Raises
    ------
    SignInFirst, NotAllowed
        As :func:`needs`.
    """
    try:
        caller = await known(connection)
    except NotSignedIn:
        caller = None
    if caller is None:
        raise SignInFirst("nobody is signed in", reason="no-token", hint="sign in")
    return _allowed(caller, wanted)


async def known(connection: HTTPConnection) -> Caller | None:
    """Who sent a request; None where nothing in it says so. It counts against the person's rate.

    Raises
    ------
    NotSignedIn, NotAllowed, TooMany
        As :func:`needs`.
    """
    try:
        identity: Identity = connection.app.state.platform.identity
        caller = await identity.identify(connection, lambda: limit_guesses(connection))
    except NotSignedIn:
        await note_wrong_guess(connection)
        raise
    if caller is not None:
        connection.state.caller = caller
        carry(user=caller.name)
        await limit(connection, caller.name)
    return caller


def _allowed(caller: Caller, wanted: SecurityScopes) -> Caller:
    missing = [scope for scope in wanted.scopes if scope not in caller.scopes]
    if missing:
        raise NotAllowed(
            f"{caller.name} may not do this here: {', '.join(missing)} is missing",
            reason="missing-scope",
            hint="make a token with that scope, or ask an administrator for a role that has it",
        )
    return caller
