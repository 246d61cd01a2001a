"""``speaksep export``: files for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from speaksep_kernel.cli.bar import progress
from speaksep_kernel.cli.options import JsonOption, QuietOption
from speaksep_kernel.cli.output import print_json


def export(
    result: Annotated[Path, typer.Argument(metavar="DIR", help="What speaksep separate wrote.")],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="NAME[,NAME…]",
            help="rttm, textgrid, audacity, eaf, webvtt, csv, parquet, seglst, overlaps, multichannel, stems, rocrate, "
            "an audio format, or a plugin.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="Directory for the files.")] = Path(),
    exclusive: Annotated[
        bool, typer.Option("--exclusive", help="One speaker at a time, for tools that transcribe.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write the labels of DIR for other tools, its tracks in other formats, or all of it as one package."""
    from speaksep_kernel import pipeline

    formats = [name.strip().lower() for name in to.split(",") if name.strip()]
    with progress(quiet=quiet) as hook:
        files = pipeline.export(result, formats, output, exclusive=exclusive, overwrite=overwrite, hook=hook)
    if as_json:
        print_json({"ok": True, "files": [str(file) for file in files]})
    else:
        typer.echo("\n".join(map(str, files)))
