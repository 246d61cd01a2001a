"""``speaksep service``: the job service, behind a hub or alone."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from speaksep_hub.settings import Settings

app = typer.Typer(rich_markup_mode=None)

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@app.command("service", short_help="The job service for programs.")
def service(
    host: Annotated[str | None, typer.Option("--host", metavar="HOST", help="Address to listen at.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", metavar="N", min=0, max=65535, help="Port; 0 takes any that is free.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Settings; SPEAKSEP_HUB_CONFIG, if left out.")
    ] = None,
) -> None:
    """Serve recordings, jobs and results to programs; alone, those who have a token of its file may use it."""
    from speaksep_hub.service.place import Place
    from speaksep_hub.service.run import serve
    from speaksep_hub.settings import load

    settings = load(config)
    place = Place.from_environment()
    if place.hub is None:
        place = replace(place, port=settings.ports.service)
        _first_token(settings)
    place = replace(place, host=host or place.host, port=place.port if port is None else port)
    if place.host not in _LOOPBACK:
        typer.echo(f"speaksep: {place.host} is not only this machine: put a proxy with TLS in front", err=True)
    serve(settings, place, told=lambda url: print(f"SpeakSep service: {url}", flush=True))
    logging.shutdown()
    os._exit(0)  # all is closed; taking the interpreter apart would take longer than everything before


def _first_token(settings: Settings) -> None:
    """Whoever starts a service alone for the first time gets a token, or nobody could use it."""
    from speaksep_hub.service.identity.token_file import TokenFile, path_of
    from speaksep_kernel.jobs.job import user_name

    file = TokenFile(path_of(settings))
    if file.path.exists():
        file.entries()
        return
    _, token = file.make(user_name(), role="researcher", life_s=None, note="made when the service was first started")
    typer.echo(f"token of {user_name()} (shown this once; {file.path}): {token}")
