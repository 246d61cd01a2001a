"""``speaksep export``: files for other tools."""

from __future__ import annotations

import warnings
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
    loudness: Annotated[
        float | None,
        typer.Option("--loudness", metavar="LUFS", help="Audio at this loudness, such as -23; one gain for all."),
    ] = None,
    loudness_each: Annotated[
        bool, typer.Option("--loudness-each", help="Each track at that loudness by itself.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write the labels of DIR for other tools, its tracks in other formats, or all of it as one package."""
    from speaksep_kernel import pipeline

    formats = [name.strip().lower() for name in to.split(",") if name.strip()]
    with progress(quiet=quiet) as hook, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", UserWarning)
        files = pipeline.export(
            result,
            formats,
            output,
            exclusive=exclusive,
            loudness_lufs=loudness,
            loudness_each=loudness_each,
            overwrite=overwrite,
            hook=hook,
        )
    notes = [str(each.message) for each in said if each.category is UserWarning]
    for note in notes:
        typer.echo(f"speaksep: {note}", err=True)
    if as_json:
        print_json({"ok": True, "files": [str(file) for file in files], **({"notes": notes} if notes else {})})
    else:
        typer.echo("\n".join(map(str, files)))
