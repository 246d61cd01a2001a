"""Several processes of the job service behind one address: so one version takes over from another without a break."""

from __future__ import annotations

from typing import Any

from speaksep_hub.proxy.traefik import entry
from speaksep_hub.settings import Settings

LOOK_S = 1
"""Between two looks at each process: one that is ending serves on for two of them."""
_NAME = "job-service"
_FIRST = 1_000_000
"""Before the hub's own route, which leads to one process and is as long as its path."""


def shared_routes(settings: Settings) -> dict[str, Any]:
    """What the proxy is told beside the hub's routes; nothing where the service is one process.

    A request goes to the processes in turn, past those that are ending. One that could not be handed over at all goes
    to the next; one that was is never sent twice.

    Parameters
    ----------
    settings
        Of the platform.
    """
    if not settings.service.replicas:
        return {}
    host = "127.0.0.1" if settings.hub.services == "hub" else settings.hub.service_host
    addresses = (f"http://{host}:{settings.ports.service}", *settings.service.replicas)
    prefix = f"{settings.hub.base_path}services/speaksep/"
    return {
        "http": {
            "routers": {
                _NAME: {
                    "rule": f"{_host(settings)}PathPrefix(`{prefix}`)",
                    "priority": _FIRST,
                    "service": _NAME,
                    "entryPoints": [entry(settings)],
                    "middlewares": [_NAME],
                }
            },
            "middlewares": {_NAME: {"retry": {"attempts": len(addresses)}}},
            "services": {
                _NAME: {
                    "loadBalancer": {
                        "servers": [{"url": address} for address in addresses],
                        "passHostHeader": True,
                        # Of the process alone: while the hub restarts there would be none otherwise.
                        "healthCheck": {
                            "path": f"{prefix}ready?only=process",
                            "interval": f"{LOOK_S}s",
                            "timeout": "5s",
                        },
                    }
                }
            },
        }
    }


def _host(settings: Settings) -> str:
    if not settings.hub.subdomains:
        return ""
    from jupyterhub.utils import subdomain_hook_idna

    return f"Host(`{subdomain_hook_idna('speaksep', settings.hub.host, 'service')}`) && "
