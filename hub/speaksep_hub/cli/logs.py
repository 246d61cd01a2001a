"""``speaksep hub logs``: what all parts of a platform on this machine have written, as one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from speaksep_kernel.errors import InputError


def logs(
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Settings; those of SPEAKSEP_HUB_CONFIG if left out."),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--folder", metavar="DIR", help="Of the platform; that of the settings if left out.")
    ] = None,
    request: Annotated[str, typer.Option("--request", metavar="ID", help="Only of this request.")] = "",
    job: Annotated[str, typer.Option("--job", metavar="ID", help="Only of this job.")] = "",
    user: Annotated[str, typer.Option("--user", metavar="NAME", help="Only of this person.")] = "",
    part: Annotated[str, typer.Option("--part", metavar="NAME", help="Only of this part.")] = "",
    level: Annotated[
        str, typer.Option("--level", metavar="LEVEL", help="debug, info, warning, error or critical, and above.")
    ] = "debug",
    count: Annotated[int, typer.Option("--count", "-n", metavar="N", min=1, help="The last so many lines.")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="Lines as they were written.")] = False,
) -> None:
    """Print the end of all logs in the order of time; one request or one job through all parts."""
    from speaksep_hub.logs.read import LEVELS, lines
    from speaksep_hub.settings import load
    from speaksep_kernel.logs.shape import in_words

    if level not in LEVELS:
        raise InputError(f"no level is called {level!r}", reason="unknown-level", hint=f"one of: {', '.join(LEVELS)}")
    place = (folder or load(config).hub.folder).expanduser() / "logs"
    if not place.is_dir():
        raise InputError(
            f"no logs in {place}", reason="no-logs", hint="only speaksep hub up keeps files; name its --folder"
        )
    asked = {"request_id": request, "job_id": job, "user": user, "part": part}
    for line in lines(place, {name: value for name, value in asked.items() if value}, level=level, most=count):
        typer.echo(json.dumps(line, ensure_ascii=False) if as_json else in_words(line))
