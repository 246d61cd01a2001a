"""Who visits a user's server: asked of the hub every few seconds, remembered only while the hub is away."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from typing import Any, cast

from jupyterhub.singleuser.extension import JupyterHubIdentityProvider
from tornado.web import HTTPError
from traitlets import default

from speaksep_hub.logs.asking import NamedHubOAuth

FRESH_S = 5
"""A sign-out, or a token that was revoked, holds here after so long; JupyterHub's own choice is five minutes."""
AWAY_S = 120.0
"""While the hub does not answer, whoever was known is, for so long: a hub that starts again costs nobody their work."""


class PatientHubOAuth(NamedHubOAuth):
    """Asks the hub, and remembers its last answer for when there is none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"cache_max_age": FRESH_S, **kwargs})
        self._answers: dict[str, tuple[float, dict[str, Any]]] = {}

    def user_for_token(self, token: str, use_cache: bool = True, session_id: str = "", *, sync: bool = True) -> Any:
        """The user whom a token belongs to; ``None`` if it is nobody's."""
        asked = super().user_for_token(token, use_cache, session_id, sync=sync)
        return asked if sync else self._remembering(token, cast(Awaitable[dict[str, Any] | None], asked))

    async def _remembering(self, token: str, asked: Awaitable[dict[str, Any] | None]) -> dict[str, Any] | None:
        now = time.monotonic()
        self._answers = {each: found for each, found in self._answers.items() if now - found[0] < AWAY_S}
        try:
            user = await asked
        except HTTPError as error:
            if error.status_code < 500 or token not in self._answers:
                raise
            return self._answers[token][1]
        if user is None:
            self._answers.pop(token, None)
        else:
            self._answers[token] = now, user
        return user


class VisitorIdentity(JupyterHubIdentityProvider):  # type: ignore[misc]
    """JupyterHub's, with that patience."""

    @default("hub_auth")
    def _default_hub_auth(self) -> PatientHubOAuth:
        return PatientHubOAuth(parent=self)
