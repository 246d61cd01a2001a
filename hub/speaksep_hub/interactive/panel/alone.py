"""Who looks at a Panel without a hub."""

from __future__ import annotations

import hmac
from typing import Any

from tornado.web import HTTPError

from speaksep_hub.interactive.alone import somebody, taken_token
from speaksep_hub.interactive.panel.identity import Authentication
from speaksep_hub.interactive.panel.visits import Visits

_COOKIE = "speaksep-alone"


class OnePerson(Authentication):
    """Whoever has the token, or the cookie that it was changed for.

    Parameters
    ----------
    visits, base_url
        As of :class:`~speaksep_hub.interactive.panel.identity.Authentication`.
    """

    def __init__(self, visits: Visits, base_url: str) -> None:
        self._token = taken_token()
        super().__init__(visits, base_url)

    @property
    def login_url(self) -> str:
        """There is no way to sign in but the address that was printed."""
        return "/nowhere"

    async def person(self, handler: Any) -> dict[str, Any]:
        """The person who started this.

        Raises
        ------
        HTTPError
            403: it is somebody else.
        """
        given = handler.get_argument("token", "") or (handler.get_signed_cookie(_COOKIE) or b"").decode()
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            raise HTTPError(403, "open the address that was printed")
        if handler.get_argument("token", ""):
            handler.set_signed_cookie(_COOKIE, given, path=self._base_url, httponly=True, samesite="strict")
        handler.current_user = somebody()
        return dict(handler.current_user)
