"""Servers of Tornado ask the hub who somebody is, in the name of that person's request."""

from __future__ import annotations

from typing import Any

from jupyterhub.services.auth import HubOAuth

from speaksep_kernel.logs.carried import HEADER, carried


class NamedHubOAuth(HubOAuth):  # type: ignore[misc]  # JupyterHub has no types
    """JupyterHub's, whose questions have the name of the request that they are asked for."""

    async def _api_request(self, method: str, url: str, /, **kwargs: Any) -> Any:
        if name := carried().get("request_id"):
            kwargs["headers"] = {**kwargs.get("headers", {}), HEADER: name}
        return await super()._api_request(method, url, **kwargs)
