"""``speaksep hub part``: one service of a hub, in a unit or a pod of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from speaksep_kernel.errors import InputError

HERE = ("127.0.0.1", "::1", "localhost")


def part(
    name: Annotated[str, typer.Argument(metavar="NAME", help="speaksep (the jobs), dashboards, voila or panel.")],
    host: Annotated[
        str | None,
        typer.Option("--host", metavar="HOST", help="Address to listen at; every one, if hub.service_host is set."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", metavar="N", min=1, max=65535, help="Port; that of the settings, if left out."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Settings; those of SPEAKSEP_HUB_CONFIG, if left out."),
    ] = None,
) -> None:
    """Run one service of a hub that runs elsewhere, until it is ended; it is told what the hub would tell it."""
    command, environment = told(name, host, os.environ, config, port)
    os.execve(command[0], command, environment)


def told(
    name: str,
    host: str | None,
    environment: os._Environ[str] | dict[str, str],
    config: Path | None,
    port: int | None = None,
) -> tuple[list[str], dict[str, str]]:
    """Command and environment of a service.

    Raises
    ------
    InputError
        Reason ``unknown-part``: the settings have no such service.
    """
    from dataclasses import replace

    from speaksep_hub.hub_services import services
    from speaksep_hub.local.folder import Folder
    from speaksep_hub.local.parts import service_environment
    from speaksep_hub.settings import FILE_VARIABLE, PREFIX, load

    given = dict(environment)
    if config is not None:
        given[FILE_VARIABLE] = str(config.expanduser().absolute())
    given[f"{PREFIX}HUB__SERVICES"] = "elsewhere"
    settings = load(environment=given)
    found = {each.name: each for each in services(settings, Folder.open(settings.hub.folder)) if each.url}
    if name not in found:
        raise InputError(
            f"no part is called {name!r}", reason="unknown-part", hint=f"with these settings: {', '.join(found)}"
        )
    service = found[name]
    listens = host or ("127.0.0.1" if settings.hub.service_host in HERE else "0.0.0.0")
    at = replace(service, url=f"http://{listens}:{port or service.url.rpartition(':')[2]}")
    return list(service.command), {**given, **service_environment(settings, at, hub_host=settings.hub.hub_host)}
