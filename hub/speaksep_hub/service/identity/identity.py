"""Who sent a request: whatever way there is to prove it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

from starlette.requests import HTTPConnection

from speaksep_hub.service.errors import Away, NotSignedIn
from speaksep_hub.service.identity.caller import Caller, Kind
from speaksep_hub.service.identity.exchange import Exchange, looks_signed
from speaksep_hub.service.identity.hub import HubDirectory
from speaksep_hub.service.identity.revoked import Revoked
from speaksep_hub.service.identity.session import Sessions
from speaksep_hub.service.identity.signing import SigningKeys
from speaksep_hub.service.identity.token_file import TokenFile, path_of
from speaksep_hub.service.place import Place
from speaksep_hub.settings import Settings

DAY_S = 86400.0
_SCHEMES = ("bearer", "token")  # as RFC 6750 has it, and as Jupyter does


class Directory(Protocol):
    """Whoever knows whose a token is: a hub, or a file."""

    async def caller(self, secret: str, kind: Kind | None = None) -> Caller | None:
        """Whose it is; None: nobody's, or nobody's any more."""

    def remembers(self, secret: str) -> bool:
        """Whether a token was worth something a short while ago: it is no guess."""

    async def reachable(self) -> bool:
        """Whether it answers."""

    async def close(self) -> None:
        """Let go of it."""


class Identity:
    """Who sent a request.

    Parameters
    ----------
    directory
        Knows whose tokens are.
    exchange
        Makes and checks signed tokens.
    sessions
        Makes and reads the cookies of browsers.

    Attributes
    ----------
    directory, exchange, sessions
        As given.
    """

    def __init__(self, directory: Directory, exchange: Exchange, sessions: Sessions) -> None:
        self.directory = directory
        self.exchange = exchange
        self.sessions = sessions

    async def identify(self, connection: HTTPConnection, unsure: Callable[[], Awaitable[None]]) -> Caller | None:
        """Who sent it; None where it carries nothing that could say so.

        Parameters
        ----------
        connection
            The request, or the handshake of a WebSocket.
        unsure
            Called before anybody is asked about a token that was not seen before; may refuse it.

        Raises
        ------
        NotSignedIn
            Reason ``bad-token``: it does, and that is worth nothing.
        NotAllowed
            Reason ``xsrf``: a browser was made to send it by another page.
        Away
            Reason ``hub-unreachable``.
        """
        header = connection.headers.get("authorization")
        if header is not None:
            caller = await self._by_header(header, unsure)
        else:
            session = self.sessions.read(connection)
            if session is None:
                return None
            self.sessions.check_own_page(connection, session)
            caller = await self.directory.caller(session.secret, "cookie")
        if caller is None:
            raise _worthless("it is unknown, expired or revoked")
        return caller

    async def still(self, caller: Caller) -> bool:
        """Whether what proved a caller is still worth something: for streams, which outlive their request's beginning.

        While the hub is away, nobody is taken for revoked.
        """
        try:
            now = await self.directory.caller(caller.secret)
        except Away:
            return True
        return now is not None and not self.exchange.over(caller)

    async def close(self) -> None:
        """Let go of the directory."""
        await self.directory.close()

    async def _by_header(self, header: str, unsure: Callable[[], Awaitable[None]]) -> Caller | None:
        scheme, _, secret = header.partition(" ")
        secret = secret.strip()
        if scheme.lower() not in _SCHEMES or not secret or len(secret) > _LONGEST or not secret.isascii():
            raise _worthless("the header is not 'Bearer' and a token")
        if looks_signed(secret):
            signed = self.exchange.read(secret)
            parent = None if signed is None else await self.directory.caller(signed.parent)
            return None if signed is None or parent is None else signed.caller(parent)
        if not self.directory.remembers(secret):
            await unsure()
        return await self.directory.caller(secret)


_LONGEST = 4096


def _worthless(why: str) -> NotSignedIn:
    return NotSignedIn(
        f"the token is of no use: {why}", reason="bad-token", hint="make a new one: docs/tokens.md says how"
    )


def keys_of(settings: Settings) -> SigningKeys:
    """The keys of the service; one is known for as long as a session that it sealed, or a token, may be in use."""
    service = settings.service
    return SigningKeys(
        service.signing or settings.hub.kept("signing"),
        period_s=service.key_days * DAY_S,
        longest_s=max(settings.hub.cookie_days * DAY_S, service.token_life_s),
    )


def open_identity(settings: Settings, place: Place) -> Identity:
    """Whatever tells who asks, as the settings and the place have it."""
    service = settings.service
    keys = keys_of(settings)
    revoked = Revoked(keys.folder / "revoked")
    directory: Directory
    if place.hub is None:
        directory = TokenFile(path_of(settings))
    else:
        directory = HubDirectory(place.hub, answer_s=service.answer_s)
    exchange = Exchange(keys, revoked, issuer=settings.hub.url, life_s=service.token_life_s)
    seen = replace(place, secure=place.secure or settings.hub.https)
    return Identity(directory, exchange, Sessions(keys, seen, revoked, life_s=settings.hub.cookie_days * DAY_S))
