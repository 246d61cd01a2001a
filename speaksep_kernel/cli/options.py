"""Options that several verbs share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from speaksep_kernel.errors import InputError


class Device(StrEnum):
    """Where networks run."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


InputArgument = Annotated[str, typer.Argument(metavar="IN", help="Recording: any audio or video file, or a URL.")]
SpeakersOption = Annotated[
    str, typer.Option("--speakers", metavar="auto|N", help="How many people speak, if you know it.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a summary.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
BookOption = Annotated[
    Path | None, typer.Option("--book", metavar="PATH", help="Voice book; SPEAKSEP_BOOK, or your own, if left out.")
]
BooksOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--book", metavar="PATH", help="Voice book, again for each shared one; those of the environment, if left out."
    ),
]
DeviceOption = Annotated[Device, typer.Option("--device", help="Where networks run.")]


def speakers_number(text: str) -> int | None:
    """The number that ``--speakers`` names; ``None`` for "auto".

    Raises
    ------
    InputError
        Reason ``bad-speakers``.
    """
    if text == "auto":
        return None
    try:
        return int(text)
    except ValueError:
        raise InputError(
            f"--speakers {text!r} is not a number", reason="bad-speakers", hint="give auto or a number from 1 to 20"
        ) from None


def option_values(pairs: list[str]) -> dict[str, str]:
    """``["path=model.pt"]`` as a dictionary.

    Raises
    ------
    InputError
        Reason ``bad-option``.
    """
    values = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise InputError(f"option {pair!r} has no value", reason="bad-option", hint="write it as name=value")
        values[name] = value
    return values
