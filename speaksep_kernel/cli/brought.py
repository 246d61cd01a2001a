"""Verbs that other packages bring, found by entry points and loaded when they are asked for."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from speaksep_kernel.errors import PluginError

GROUP = "speaksep.commands"
"""Each entry is a `typer.Typer`; its module must import little, since ``speaksep --help`` imports it."""


class Verbs(TyperGroup):
    """The program's own verbs, which nobody can replace, and those that other packages bring."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of all."""
        own = super().list_commands(ctx)
        return [*own, *sorted(brought().keys() - set(own))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A verb by its name, ``None`` if there is none."""
        own = super().get_command(ctx, cmd_name)
        if own is not None or cmd_name not in (found := brought()):
            return own
        return _load(found[cmd_name])


def brought() -> dict[str, EntryPoint]:
    """What is installed, by its name; of two with one name, the first."""
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=GROUP):
        found.setdefault(entry.name, entry)
    return found


def _load(entry: EntryPoint) -> Any:
    try:
        command = get_command(entry.load())
    except Exception as error:  # whatever is wrong with another package must not take the program's own verbs away
        command = get_command(_broken(entry, f"{type(error).__name__}: {error}"))
    command.name = entry.name
    return command


def _broken(entry: EntryPoint, why: str) -> typer.Typer:
    app = typer.Typer(rich_markup_mode=None)
    package = entry.dist.name if entry.dist else "?"

    @app.command(
        help=f"Broken: {why}",
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )
    def verb() -> None:
        raise PluginError(
            f"command {entry.name!r} of package {package} is broken: {why}",
            reason="broken-plugin",
            hint="update that package, or install what it needs",
        )

    return app
