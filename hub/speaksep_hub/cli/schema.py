"""``speaksep hub schema``: revisions of the platform's own tables, for upgrades and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from speaksep_kernel.cli import schema as tables
from speaksep_kernel.cli.options import JsonOption


def schema(
    to: Annotated[
        list[str] | None,
        typer.Argument(metavar="TABLES=REVISION...", help="What to make of them, such as catalogue=0001."),
    ] = None,
    needed: Annotated[
        bool, typer.Option("--needed", help="Print only what this version needs, without looking at a database.")
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Settings; those of SPEAKSEP_HUB_CONFIG, if left out."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """As "speaksep jobs schema", of the job table that the settings of the hub name. Nothing may use it meanwhile."""
    from speaksep_hub.service.platform import jobs_place
    from speaksep_hub.settings import load

    tables.schema(to, needed, None if needed else jobs_place(load(config)), as_json)
