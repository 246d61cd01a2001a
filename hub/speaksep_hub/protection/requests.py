"""Limits as the service applies them to a request."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from speaksep_hub.protection.groups import group_of
from speaksep_hub.protection.limiter import Limiter
from speaksep_hub.protection.too_many import TooMany


async def limit(connection: HTTPConnection, name: str) -> None:
    """Count a request of a user; its answer will tell what is left.

    Parameters
    ----------
    connection
        The request, or the handshake of a WebSocket.
    name
        The user.

    Raises
    ------
    TooMany
        Reason ``too-many-requests``, with ``Retry-After``.
    """
    group = group_of(connection.scope.get("method", "GET"), connection.scope["path"])
    verdict = await _limiter(connection).hit(group, name)
    connection.state.rate = verdict
    if not verdict.allowed:
        raise TooMany(
            f"more than {verdict.limit} requests of the kind “{group}” in {verdict.window_s} s",
            hint=f"try again in {verdict.reset_s:.0f} s; the headers RateLimit-* say what is left",
            retry_after_s=verdict.reset_s,
            headers=verdict.headers,
        )


async def limit_guesses(connection: HTTPConnection) -> None:
    """Refuse an address that has sent too many wrong tokens, before anybody is asked about another one.

    Raises
    ------
    TooMany
        Reason ``too-many-guesses``.
    """
    verdict = await _limiter(connection).look("guess", _address(connection))
    if not verdict.allowed:
        raise TooMany(
            f"more than {verdict.limit} wrong tokens from this address",
            reason="too-many-guesses",
            hint=f"try again in {verdict.reset_s:.0f} s, with a token that is in force",
            retry_after_s=verdict.reset_s,
        )


async def note_wrong_guess(connection: HTTPConnection) -> None:
    """Count a token that nobody knows against the address it came from."""
    await _limiter(connection).hit("guess", _address(connection))


def _limiter(connection: HTTPConnection) -> Limiter:
    limiter: Limiter = connection.app.state.platform.limiter
    return limiter


def _address(connection: HTTPConnection) -> str:
    return connection.client.host if connection.client else ""
