"""The services behind the hub: where they are, what starts them, what they may do."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from speaksep_hub.local.folder import Folder
from speaksep_hub.scopes import DASHBOARD_SCOPES, SERVICE_SCOPES, hub_names
from speaksep_hub.settings import Settings

CULLER = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from jupyterhub_idle_culler import main; main()"
)
"""The hub ends it with SIGINT, and waits half a minute if a script that started the hub had that signal ignored."""
METRICS_SCOPES = ("read:metrics", *hub_names(("metrics:read",)))
"""What Prometheus needs: metrics of the hub, and ours."""
CULLER_SCOPES = ("list:users", "read:users:activity", "read:servers", "delete:servers")


@dataclass(frozen=True)
class HubService:
    """One of them.

    Parameters
    ----------
    name
        In its address, ``/services/NAME/``.
    url
        Where it listens; empty for one that nobody asks anything.
    token
        What it proves to the hub with.
    command
        What starts it; empty for one that is only somebody who asks the hub.
    browser_scopes
        What somebody's sign-in at it may be worth there, in the hub's words.
    needs
        Scopes of its own, in the hub's words.
    """

    name: str
    url: str
    token: str
    command: tuple[str, ...]
    browser_scopes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    def spec(self, *, started_by_hub: bool, environment: dict[str, str]) -> dict[str, Any]:
        """For ``c.JupyterHub.services``."""
        spec: dict[str, Any] = {"name": self.name, "api_token": self.token}
        if self.url:
            spec |= {
                "url": self.url,
                "oauth_no_confirm": True,
                "oauth_client_allowed_scopes": list(self.browser_scopes),
            }
        if not self.command:
            return spec
        if started_by_hub:
            spec |= {"command": list(self.command), "environment": environment}
        else:
            spec["timeout"] = 1  # the hub waits for each before it serves anything; others start and watch these
        return spec


def services(settings: Settings, folder: Folder) -> list[HubService]:
    """The job service, the dashboards and what stops idle servers, as far as they are wanted."""

    def token(name: str) -> str:
        given = getattr(settings.secrets, name)
        return str(given.get_secret_value()) if given else folder.secret(name)

    host = "127.0.0.1" if settings.hub.services == "hub" else settings.hub.service_host
    found = [
        HubService(
            "speaksep",
            f"http://{host}:{settings.ports.service}",
            token("service"),
            (sys.executable, "-m", "speaksep_hub.service"),
            tuple(hub_names(SERVICE_SCOPES)),
        )
    ]
    if settings.dashboards.enabled:
        found.append(
            HubService(
                "dashboards",
                f"http://{host}:{settings.ports.dashboards}",
                token("dashboards"),
                (sys.executable, "-m", "speaksep_hub.dashboards"),
                tuple(hub_names(DASHBOARD_SCOPES)),
            )
        )
    found.extend(
        HubService(
            name,
            f"http://{host}:{getattr(settings.ports, name)}",
            token(name),
            (sys.executable, "-m", f"speaksep_hub.interactive.{name}"),
            tuple(hub_names(("dashboards:view", "admin"))),
        )
        for name in (settings.dashboards.interactive if settings.dashboards.enabled else ())
    )
    found.append(HubService("prometheus", "", token("metrics"), (), needs=METRICS_SCOPES))
    culling = settings.culling
    if culling.idle_s or culling.age_s:
        words = (
            f"--timeout={culling.idle_s or culling.age_s}",
            f"--cull-every={culling.every_s}",
            f"--max-age={culling.age_s}",
        )
        command = (sys.executable, "-c", CULLER, *words)
        found.append(HubService("idle-culler", "", token("culler"), command, needs=CULLER_SCOPES))
    return found
