"""``speaksep render``: tracks again from a stored result, without the network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from speaksep_kernel.cli.bar import progress
from speaksep_kernel.cli.options import JsonOption, QuietOption, option_values
from speaksep_kernel.cli.output import print_json
from speaksep_kernel.cli.separate import Format, describe
from speaksep_kernel.errors import InputError


def render(
    result: Annotated[Path, typer.Argument(metavar="DIR", help="What speaksep separate wrote.")],
    recording: Annotated[str, typer.Option("--recording", metavar="IN", help="The recording it was made from.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="Where the tracks go.")],
    speaker: Annotated[
        list[str] | None,
        typer.Option("--speaker", metavar="OLD=NEW", help="Speaker OLD is NEW: merges the two; 0 is nobody."),
    ] = None,
    audio_format: Annotated[
        Format | None, typer.Option("--format", help="Audio format; as before if left out.")
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Render the tracks of DIR again without the network, with speakers corrected or in another format."""
    labels = speaker_labels(speaker or [])

    from speaksep_kernel import pipeline

    with progress(quiet=quiet) as hook:
        separation = pipeline.render(
            result, recording, output, labels=labels, format=audio_format and audio_format.value, hook=hook
        )
    if as_json:
        print_json(separation.to_dict())
    else:
        typer.echo(describe(separation))


def speaker_labels(pairs: list[str]) -> dict[int, int]:
    """``["3=1"]`` as a dictionary.

    Raises
    ------
    InputError
        Reason ``bad-option``.
    """
    try:
        return {int(old): int(new) for old, new in option_values(pairs).items()}
    except ValueError:
        raise InputError(
            f"--speaker {' '.join(pairs)!r} are not numbers", reason="bad-option", hint="write it as 3=1"
        ) from None
