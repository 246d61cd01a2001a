"""Who looks, and whether they may: asked of the hub for every page and every connection."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from bokeh.server.auth_provider import AuthProvider
from bokeh.server.views.doc_handler import DocHandler
from bokeh.server.views.ws import WSHandler
from bokeh.util.token import get_token_payload
from jupyterhub.services.auth import HubOAuthCallbackHandler
from tornado.web import HTTPError, RequestHandler

from speaksep_hub.interactive.panel.visits import Visits
from speaksep_hub.interactive.parts import explain
from speaksep_hub.interactive.place import VIEW, may_look, reader_of
from speaksep_hub.interactive.trail import share_refused
from speaksep_hub.logs.asking import NamedHubOAuth
from speaksep_kernel.errors import InputError, SpeakSepError

ANSWER_S = 3
"""As at Voila: how long an answer of the hub is believed."""
_CALLBACK = "/oauth_callback"


class Authentication(AuthProvider):
    """A page is opened only if its reader may see it, a connection only by whoever opened the page.

    Parameters
    ----------
    visits
        What is opened by whom.
    base_url
        Address of the service, with a slash at its end.
    """

    def __init__(self, visits: Visits, base_url: str) -> None:
        self._visits, self._base_url = visits, base_url
        super().__init__()

    @property
    def get_user_async(self) -> Callable[[Any], Awaitable[Any]]:
        """What finds out who sent a request, and refuses what they may not have."""
        return self._user

    async def person(self, handler: Any) -> dict[str, Any] | None:
        """Who sent a request, as the hub tells of people; None: nobody who is known."""
        raise NotImplementedError

    async def _user(self, handler: Any) -> dict[str, Any] | None:
        person = await self.person(handler)
        if person is None:
            return None
        if isinstance(handler, WSHandler):
            self._same(handler, person)
        elif isinstance(handler, DocHandler):
            await self._open(handler, person)
        return person

    async def _open(self, handler: Any, person: dict[str, Any]) -> None:
        request = handler.request
        kind = request.path.rstrip("/").rpartition("/")[2]
        handler.audited_as = f"{kind}?{request.query}"
        try:
            visit = self._visits.asked(kind, request.query_arguments, reader_of(person))
            try:
                request.ticket = await asyncio.to_thread(self._visits.prepare, visit)
            except InputError as error:
                share_refused(handler, visit.address.share or visit.address.front.strip("/"), error.reason)
                raise
        except SpeakSepError as error:
            explain(handler, error, self._base_url)

    def _same(self, handler: Any, person: dict[str, Any]) -> None:
        """A token of a session is good for whoever was given it."""
        offered = handler.request.headers.get("Sec-WebSocket-Protocol", "").split(",")
        try:
            visit = self._visits.read(get_token_payload(offered[1].strip()))
        except (SpeakSepError, IndexError, ValueError, KeyError) as error:
            raise HTTPError(403, "a connection without a session that was opened here") from error
        if visit.reader.name != person["name"]:
            raise HTTPError(403, "a session of somebody else")


class HubAuthentication(Authentication):
    """Sign-in by the hub.

    Parameters
    ----------
    visits, base_url
        As of :class:`Authentication`.
    """

    def __init__(self, visits: Visits, base_url: str) -> None:
        token = os.environ.pop("JUPYTERHUB_API_TOKEN")  # nothing that is started here needs it
        self._hub = NamedHubOAuth(api_token=token, cache_max_age=ANSWER_S)
        super().__init__(visits, base_url)

    @property
    def login_url(self) -> str:
        """Where people are sent to sign in, and come back."""
        return _CALLBACK

    @property
    def login_handler(self) -> type[RequestHandler]:
        """What answers there."""
        return type("Callback", (_Callback,), {"hub_auth": self._hub, "home": self._base_url})

    async def person(self, handler: Any) -> dict[str, Any] | None:
        """What the hub says of who sent a request.

        Raises
        ------
        HTTPError
            403: it knows them, and they may not look.
        """
        found: dict[str, Any] | None = await self._hub.get_user(handler, sync=False)
        if found is None:
            return None
        handler.current_user = found  # for the audit trail
        if not (self._hub.check_scopes(self._hub.access_scopes, found) and may_look(found["scopes"])):
            raise HTTPError(403, f"{found['name']} has no role that may look at dashboards ({VIEW})")
        return found


class _Callback(HubOAuthCallbackHandler):  # type: ignore[misc] # it has no types
    """Where people are sent to sign in, and where the hub sends them back to."""

    home: ClassVar[str] = "/"

    async def get(self) -> None:
        if self.get_argument("code", "") or self.get_argument("error", ""):
            await super().get()
        elif await self.hub_auth.get_user(self, sync=False) is None:
            self.redirect(self.get_login_url())
        else:
            after = self.get_argument("next", "")
            self.redirect(after if after.startswith(self.home) and "\\" not in after else self.home)
