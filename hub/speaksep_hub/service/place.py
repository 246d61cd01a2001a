"""Where this process of the service is: behind a hub, whose environment says so, or alone."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from speaksep_kernel.errors import InputError


@dataclass(frozen=True)
class HubAccess:
    """How the service reaches the hub, and where it sends browsers.

    Attributes
    ----------
    api_url
        The hub's API, for this process.
    api_token
        The service's own token: the secret of its OAuth client. No request of a user is made with it.
    client_id
        Name of that client.
    authorize_url, logout_url
        Pages of the hub, for browsers.
    callback_path
        Where the hub sends a browser back to.
    """

    api_url: str
    api_token: str = field(repr=False)
    client_id: str
    authorize_url: str
    logout_url: str
    callback_path: str


@dataclass(frozen=True)
class Place:
    """Where a process of the service is.

    Attributes
    ----------
    prefix
        Path before all of its addresses, with a slash at both ends.
    host, port
        Where it listens; port 0: any that is free.
    hub
        The hub that it is behind; None: it is alone, with a file of tokens.
    secure
        Whether browsers come by https, so that cookies may only travel so.
    """

    prefix: str = "/"
    host: str = "127.0.0.1"
    port: int = 0
    hub: HubAccess | None = None
    secure: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """What JupyterHub tells its services, in the environment; alone where there is nothing of it.

        Raises
        ------
        InputError
            Reason ``bad-environment``: some of it is missing.
        """
        if not environment.get("JUPYTERHUB_API_TOKEN"):
            return cls()
        missing = [name for name in _NEEDED if not environment.get(name)]
        if missing:
            raise InputError(
                f"the environment of the service lacks {', '.join(missing)}",
                reason="bad-environment",
                hint="JupyterHub sets them for its services; without JUPYTERHUB_API_TOKEN the service runs alone",
            )
        prefix = _slashed(environment["JUPYTERHUB_SERVICE_PREFIX"])
        listen = urlsplit(environment.get("JUPYTERHUB_SERVICE_URL", ""))
        pages = environment.get("JUPYTERHUB_HOST", "") + _slashed(environment.get("JUPYTERHUB_BASE_URL", "/")) + "hub/"
        public = environment.get("JUPYTERHUB_PUBLIC_URL", "") or environment.get("JUPYTERHUB_HOST", "")
        options = json.loads(environment.get("JUPYTERHUB_COOKIE_OPTIONS") or "{}")
        hub = HubAccess(
            api_url=environment["JUPYTERHUB_API_URL"].rstrip("/"),
            api_token=environment["JUPYTERHUB_API_TOKEN"],
            client_id=environment["JUPYTERHUB_CLIENT_ID"],
            authorize_url=pages + "api/oauth2/authorize",
            logout_url=pages + "logout",
            callback_path=environment.get("JUPYTERHUB_OAUTH_CALLBACK_URL") or prefix + "oauth_callback",
        )
        return cls(
            prefix=prefix,
            host=listen.hostname or "127.0.0.1",
            port=listen.port or 0,
            hub=hub,
            secure=public.startswith("https:") or bool(options.get("secure")),
        )


def beside(service: str, environment: Mapping[str, str] = os.environ) -> str:
    """Address of another service of the hub, as browsers that see this one find it; with a slash at its end.

    Parameters
    ----------
    service
        Name of the other.
    environment
        What the hub told this one.

    Examples
    --------
    >>> told = {"JUPYTERHUB_SERVICE_NAME": "dashboards", "JUPYTERHUB_SERVICE_PREFIX": "/services/dashboards/"}
    >>> beside("voila", told)
    '/services/voila/'
    >>> beside("voila", told | {"JUPYTERHUB_PUBLIC_URL": "https://dashboards--service.example.org/services/dashboards/"})
    'https://voila--service.example.org/services/voila/'
    """
    own, prefix = environment.get("JUPYTERHUB_SERVICE_NAME", ""), environment.get("JUPYTERHUB_SERVICE_PREFIX", "/")
    path = f"{prefix.removesuffix(f'services/{own}/')}services/{service}/"
    public, mark = environment.get("JUPYTERHUB_PUBLIC_URL", ""), f"//{own}--service."
    # With subdomains each service has a host of its own, whose name begins with that of the service.
    return public.replace(mark, f"//{service}--service.").replace(prefix, path) if mark in public else path


_NEEDED = ("JUPYTERHUB_API_URL", "JUPYTERHUB_CLIENT_ID", "JUPYTERHUB_SERVICE_PREFIX")


def _slashed(path: str) -> str:
    return "/" + f"{path.strip('/')}/".lstrip("/")
