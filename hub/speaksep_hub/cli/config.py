"""``speaksep hub config``: what is in force, and whether it can work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from speaksep_kernel.cli.options import JsonOption
from speaksep_kernel.cli.output import print_json
from speaksep_kernel.errors import InputError


def config(
    show: Annotated[bool, typer.Option("--show", help="Print every setting in force, secrets hidden.")] = False,
    check: Annotated[bool, typer.Option("--check", help="See whether a hub could start with them.")] = False,
    file: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Settings; those of SPEAKSEP_HUB_CONFIG, if left out."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the settings of the hub that are in force, or check them."""
    from speaksep_hub.settings import hidden, load
    from speaksep_hub.settings.toml import as_toml

    if not (show or check):
        raise InputError("nothing to do", reason="usage", hint="speaksep hub config --show, or --check")
    settings = load(file)
    found = []
    if check:
        from speaksep_hub.checks import check_settings

        found = check_settings(settings)
    if as_json:
        values = {"settings": hidden(settings)} if show else {}
        print_json({"ok": all(each.ok for each in found), **values, "checks": [each.to_dict() for each in found]})
    else:
        if show:
            typer.echo(as_toml(hidden(settings)))
        for each in found:
            typer.echo(each.line)
    if not all(each.ok for each in found):
        raise typer.Exit(1)
