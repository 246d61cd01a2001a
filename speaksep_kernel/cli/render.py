"""``speaksep render``: tracks again from a stored result, without the network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from speaksep_kernel.cli.bar import progress
from speaksep_kernel.cli.options import JsonOption, QuietOption, RecordingOption
from speaksep_kernel.cli.output import print_json
from speaksep_kernel.cli.separate import describe


def render(
    result: Annotated[Path, typer.Argument(metavar="DIR", help="What speaksep separate wrote.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="Where the tracks go.")],
    recording: RecordingOption = None,
    audio_format: Annotated[
        str | None, typer.Option("--format", metavar="NAME", help="Audio format; as before if left out.")
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Render the tracks of DIR again without the network, in another format."""
    from speaksep_kernel import pipeline

    with progress(quiet=quiet) as hook:
        separation = pipeline.render(result, recording, output, format=audio_format, hook=hook)
    if as_json:
        print_json(separation.to_dict())
    else:
        typer.echo(describe(separation))
