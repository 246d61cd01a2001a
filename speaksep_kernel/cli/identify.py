"""``speaksep identify``: names for the speakers that a voice book knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from speaksep_kernel.cli.bar import progress
from speaksep_kernel.cli.options import BooksOption, JsonOption, QuietOption
from speaksep_kernel.cli.output import print_json

if TYPE_CHECKING:
    from speaksep_kernel.results.values import Separation


def identify(
    source: Annotated[
        str,
        typer.Argument(metavar="DIR_OR_IN", help="What speaksep separate wrote (takes the names), or a recording."),
    ],
    book: BooksOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Name the speakers whose voices are in the book; all others stay nameless."""
    from speaksep_kernel import pipeline

    with progress(quiet=quiet) as hook:
        separation = pipeline.identify(source, book, hook=hook)
    if as_json:
        print_json(separation.to_dict())
    else:
        typer.echo(describe(separation))


def describe(separation: Separation) -> str:
    """The names as text for a terminal."""
    speakers = separation.manifest.speakers
    if not speakers:
        return "nobody speaks"
    lines = []
    for entry in speakers:
        score = "" if entry.score is None else f" (score {entry.score:.1f})"
        other = "" if entry.runner_up is None else f"; next {entry.runner_up} ({entry.runner_up_score:.1f})"
        lines.append(f"{entry.label}: {entry.name or 'not known'}{score}{other}")
    return "\n".join(lines)
