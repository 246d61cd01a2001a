"""Who may look: whoever the hub says has ``dashboards:view``."""

from __future__ import annotations

import os
from typing import Any

from jupyter_server.utils import url_path_join
from jupyterhub.singleuser.extension import JupyterHubAuthorizer, JupyterHubIdentityProvider, JupyterHubUser
from tornado.web import HTTPError
from traitlets import default

from speaksep_hub.interactive.place import VIEW, may_look
from speaksep_hub.logs.asking import NamedHubOAuth

ANSWER_S = 3
"""How long an answer of the hub is believed: a token that is taken back, or a person who signs out, stays so long."""


class DashboardIdentity(JupyterHubIdentityProvider):  # type: ignore[misc] # it has no types
    """Sign-in by the hub for a Voila that stands alone."""

    @default("hub_auth")
    def _default_hub_auth(self) -> NamedHubOAuth:
        return NamedHubOAuth(parent=self)

    def __init__(self, **traits: Any) -> None:
        traits.pop("token", None)  # Voila's own, an empty one: here tokens are the hub's
        super().__init__(**traits)
        self.hub_auth.cache_max_age = ANSWER_S
        # Kernels of dashboards are children of this process; what it proves itself with is not theirs.
        for name in ("JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN"):
            self.hub_auth.api_token = os.environ.pop(name, self.hub_auth.api_token)

    async def get_user(self, handler: Any) -> JupyterHubUser | None:
        """The person of a request.

        Raises
        ------
        HTTPError
            403: the hub knows them, and they may not look at dashboards.
        """
        user: JupyterHubUser | None = await super().get_user(handler)
        if user is not None and not self.may_look(user):
            raise HTTPError(403, f"{user.username} has no role that may look at dashboards ({VIEW}).")
        return user

    def may_look(self, user: JupyterHubUser) -> bool:
        """Whether the person has the scope."""
        return may_look(user.hub_user["scopes"])

    def get_handlers(self) -> list[Any]:
        """Where the hub sends people back to, below the address of the service."""
        base = self.parent.base_url
        return [(url_path_join(base, path), *rest) for path, *rest in super().get_handlers()]


class DashboardAuthorizer(JupyterHubAuthorizer):  # type: ignore[misc]
    """Looks at the scope again, for whatever Voila asks about."""

    def is_authorized(self, handler: Any, user: JupyterHubUser, action: str, resource: str) -> bool:
        """Whether the person may do it; nobody may do anything but look."""
        return bool(super().is_authorized(handler, user, action, resource) and self.identity_provider.may_look(user))
