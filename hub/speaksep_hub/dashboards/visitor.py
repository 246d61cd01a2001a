"""Who looks: somebody who signed in and may, or, where that is allowed, whoever has a link."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from speaksep_dashboards.page import Reader
from speaksep_hub.protection.requests import limit
from speaksep_hub.service.errors import NotAllowed, NotSignedIn
from speaksep_hub.service.identity.caller import Caller
from speaksep_hub.service.identity.needs import known
from speaksep_hub.service.identity.session import same_origin
from speaksep_hub.service.identity.sign_in import SignInFirst
from speaksep_hub.service.platform import platform_of

VIEW, ADMIN, OWN = "dashboards:view", "admin", "recordings:read"


@dataclass(frozen=True)
class Visitor:
    """Who sent a request.

    Attributes
    ----------
    caller
        Who signed in; None: nobody, and they have a link at most.
    address
        Where from.
    """

    caller: Caller | None
    address: str

    @property
    def name(self) -> str:
        """Of the person; empty where nobody knows."""
        return self.caller.name if self.caller else ""

    @property
    def limited_as(self) -> str:
        """Whose rate and streams count."""
        return self.name or f"@{self.address}"

    @property
    def reader(self) -> Reader:
        """As pages know them."""
        if self.caller is None:
            return Reader("")
        return Reader(self.caller.name, self.caller.groups, ADMIN in self.caller.scopes)

    def may(self, scope: str) -> bool:
        """Whether they have a scope."""
        return self.caller is not None and scope in self.caller.scopes


async def visitor_of(connection: HTTPConnection, *, anyone: bool = False) -> Visitor:
    """Who sent a request.

    Parameters
    ----------
    connection
        The request.
    anyone
        Whether somebody who did not sign in is let through: whoever calls looks at their link.

    Raises
    ------
    SignInFirst
        Nobody is signed in, and a browser wants a page.
    NotSignedIn
        Nobody is signed in.
    NotAllowed
        Reason ``missing-scope``; ``xsrf``: another page may have sent it.
    TooMany
        More requests than anybody may send.
    """
    address = connection.client.host if connection.client else ""
    try:
        caller = await known(connection)
    except NotSignedIn:
        caller = None
    if caller is None and not anyone:
        raise nobody(connection)
    visitor = Visitor(caller, address)
    if caller is None:
        await limit(connection, visitor.limited_as)
        if connection.scope["method"] not in ("GET", "HEAD") and not same_origin(connection):
            raise NotAllowed(
                "the request may have been sent by another page", reason="xsrf", hint="open the link again"
            )
    elif not (visitor.may(VIEW) or visitor.may(ADMIN)):
        raise NotAllowed(
            f"{caller.name} may not look at dashboards: {VIEW} is missing",
            reason="missing-scope",
            hint="ask an administrator for a role that has it",
        )
    return visitor


def nobody(connection: HTTPConnection) -> NotSignedIn:
    """The error where nobody is signed in: a browser that wants a page is sent to sign in by it."""
    kind = SignInFirst if "text/html" in connection.headers.get("accept", "") else NotSignedIn
    return kind("nobody is signed in", reason="no-token", hint="sign in again; this page goes on then")


def links_for_anyone(connection: HTTPConnection) -> bool:
    """Whether a link alone is enough."""
    return platform_of(connection).settings.dashboards.links == "anyone"
