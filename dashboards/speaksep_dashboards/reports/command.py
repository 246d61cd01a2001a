"""``speaksep report``: a result, a batch, a collection or a comparison as one file to hand on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from speaksep_kernel.cli.options import JsonOption
from speaksep_kernel.cli.output import print_json

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("report", short_help="A report to hand on, as HTML or PDF.")
def report(
    results: Annotated[
        list[Path],
        typer.Argument(metavar="RESULT...", help="Folder of a separation or of a batch, or a diagnosis as JSON."),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where it goes; its ending, .html or .pdf, says how.")
    ] = Path("report.html"),
    compare: Annotated[
        bool, typer.Option("--compare", help="Compare two separations of one recording, not list them.")
    ] = False,
    sound: Annotated[bool, typer.Option("--sound/--no-sound", help="With short excerpts to listen to.")] = True,
    title: Annotated[str, typer.Option("--title", metavar="TEXT", help="What it is called.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Write a report that needs nothing but itself: figures, short excerpts, tables, where everything comes from."""
    from speaksep_dashboards.reports.making import report as make

    made = make(*results, to=output, compare=compare, sound=sound, title=title)
    size_bytes = output.stat().st_size
    if as_json:
        print_json({"ok": True, "report": str(output), "title": made.title, "bytes": size_bytes})
    else:
        typer.echo(f"{output}: {made.title}, {size_bytes / 1000:.0f} kB")
