"""The hub's own part of protection."""

from __future__ import annotations

from traitlets.config import Config

from speaksep_hub.protection.headers import hub_headers
from speaksep_hub.protection.tornado import secured


def protect_hub(c: Config, *, https: bool) -> None:
    """Give a hub its security headers; those that the configuration has already are kept.

    Parameters
    ----------
    c
        Configuration of the hub.
    https
        Whether browsers come by TLS.
    """
    given = dict(c.JupyterHub).get("tornado_settings", {})
    settings = dict(given) if isinstance(given, dict) else {}
    headers = {**hub_headers(https=https), **settings.get("headers", {})}
    c.JupyterHub.tornado_settings = {**settings, "headers": headers, "transforms": secured(headers)}
