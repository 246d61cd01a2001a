"""Where people go after they signed in: where their role lets them."""

from __future__ import annotations

from typing import Any

from jupyterhub.scopes import get_scopes_for

from speaksep_hub.scopes import short_names


def landing(handler: Any) -> str:
    """For ``c.JupyterHub.default_url``; empty where the hub's own choice, a server, is right.

    Parameters
    ----------
    handler
        Of the request; what it holds of scopes may be older than the sign-in, so they are looked up.
    """
    user = handler.current_user
    if user is None:
        return ""
    scopes = get_scopes_for(user)
    bare = {scope.partition("!")[0] for scope in scopes}
    hub = handler.hub.base_url
    if user.admin:
        return f"{hub}admin"
    if "start:servers" in bare:
        return ""
    if "dashboards:view" in short_names(scopes):
        for name in ("dashboards", "voila"):
            if name in handler.services:
                service = handler.services[name]
                return f"{service.host}{service.prefix}"
    return f"{hub}token" if "tokens" in bare else f"{hub}home"
