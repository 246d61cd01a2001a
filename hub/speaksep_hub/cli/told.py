"""What people are told once the platform works: where it is, and how to sign in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from speaksep_hub.metrics import alertmanager as telling
from speaksep_hub.metrics import prometheus as monitoring

if TYPE_CHECKING:
    from speaksep_hub.local.up import Platform


def told(platform: Platform, *, as_json: bool, prometheus: bool = False) -> None:
    """Print it."""
    settings, folder = platform.settings, platform.folder
    url = settings.hub.url
    watched = {"prometheus": monitoring.url(settings)} if prometheus else {}
    if prometheus and telling.program(settings):
        watched["alertmanager"] = telling.url(settings)
    if as_json:
        where = {"url": url, "folder": str(folder.path), "logs": str(folder.logs), **watched}
        typer.echo(json.dumps({"ok": True, **where}))
        return
    if settings.sign_in.provider == "local":
        how = (
            "click “Sign in”, then researcher, viewer, batch or admin; no password, since only you can reach it\n"
            f"            (a browser elsewhere needs port {settings.ports.provider}, the sign-in page, forwarded, too)"
        )
    else:
        how = f"with your account at {settings.sign_in.label or settings.sign_in.provider}"
    typer.echo(
        f"SpeakSep is at {url}\n"
        f"  sign in:  {how}\n"
        f"{_dashboards(platform)}"
        f"  programs: {url}/services/speaksep/docs, with a token of {url}/hub/token\n"
        f"{_prometheus(platform) if prometheus else ''}"
        f"  files:    {folder.path}, logs in {folder.logs}\n"
        "Ctrl-C ends all of it."
    )


def _prometheus(platform: Platform) -> str:
    settings = platform.settings
    if telling.program(settings) is None:
        alerts = "seen there alone: Alertmanager is not installed"
    elif settings.alerts.somebody:
        alerts = telling.url(settings)
    else:
        alerts = f"{telling.url(settings)}, and nobody is told: [alerts] in the settings names whom"
    return f"  metrics:  {monitoring.url(settings)}\n  alerts:   {alerts}\n"


def _dashboards(platform: Platform) -> str:
    settings = platform.settings
    return f"  results:  {settings.hub.url}/services/dashboards/\n" if settings.dashboards.enabled else ""
