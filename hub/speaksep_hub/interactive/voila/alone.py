"""Who looks at a Voila without a hub."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.identity import IdentityProvider, User
from tornado.web import HTTPError

from speaksep_hub.interactive.alone import somebody, taken_token

_Provider: Any = IdentityProvider


class OnePerson(_Provider):  # type: ignore[misc] # it has hardly any types
    """Whoever has the token, or the cookie that it was changed for."""

    def __init__(self, **traits: Any) -> None:
        super().__init__(**{**traits, "token": taken_token()})

    async def get_user(self, handler: Any) -> User:
        """The person who started this.

        Raises
        ------
        HTTPError
            403: it is somebody else.
        """
        if await super().get_user(handler) is None:
            raise HTTPError(403, "open the address that was printed")
        told = somebody()
        user: Any = User(username=told["name"])
        user.hub_user = told
        return user  # type: ignore[no-any-return]
