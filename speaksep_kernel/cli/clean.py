"""``--clean``, which may stand alone or name the steps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from speaksep_kernel.cli.options import option_values

ADVISED = "advised"
STEPS = re.compile(r"[a-z0-9][a-z0-9_-]*(,[a-z0-9][a-z0-9_-]*)*")

CleanOption = Annotated[
    str,
    typer.Option(
        "--clean", metavar="[STEPS]", help="Clean the recording: as advised, or hum,denoise,… (speaksep plugins list)."
    ),
]
CleanOptionOption = Annotated[
    list[str] | None,
    typer.Option("--clean-option", metavar="STEP.NAME=VALUE", help="Option of a cleaning step, denoise.limit_db=12."),
]


class CleanCommand(TyperCommand):
    """A command whose ``--clean`` takes a value only where what follows are names of steps, and no file."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See click."""
        return super().parse_args(ctx, spelled_out(args))


def spelled_out(args: list[str]) -> list[str]:
    """Arguments with ``--clean`` and ``--no-clean`` as options that have a value.

    Examples
    --------
    >>> spelled_out(["--clean", "hum,denoise", "talk.wav"])
    ['--clean=hum,denoise', 'talk.wav']
    >>> spelled_out(["--clean", "talk.wav"])
    ['--clean=advised', 'talk.wav']
    """
    left = list(args)
    words = []
    while left:
        word = left.pop(0)
        if word == "--clean":
            named = bool(left) and STEPS.fullmatch(left[0]) is not None and not Path(left[0]).exists()
            word = f"--clean={left.pop(0) if named else ADVISED}"
        words.append("--clean=" if word == "--no-clean" else word)
    return words


def clean_choices(clean: str, options: list[str] | None) -> dict[str, Any]:
    """The options as keywords of `speaksep_kernel.separate`.

    Raises
    ------
    InputError
        Reason ``bad-option``.
    """
    by_step: dict[str, dict[str, str]] = {}
    for name, value in option_values(options or []).items():
        step, _, option = name.partition(".")
        by_step.setdefault(step, {})[option] = value
    chosen: Mapping[str, Any] = {"": None, ADVISED: True}
    return {"clean": chosen.get(clean, tuple(clean.split(","))), "cleaning_options": by_step}
