"""``speaksep edit``: corrections by hand, rendered without the network."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from speaksep_kernel.cli.bar import progress
from speaksep_kernel.cli.options import (
    JsonOption,
    Quality,
    QuietOption,
    RecordingOption,
    SpeakersOption,
    option_values,
    speakers_number,
)
from speaksep_kernel.cli.output import print_json
from speaksep_kernel.cli.separate import describe

if TYPE_CHECKING:
    from speaksep_kernel.results.edits import EditLog
    from speaksep_kernel.results.values import Separation

app = typer.Typer(
    help="Correct the speakers of DIR by hand; the tracks are rendered again, without the network. "
    "Times are seconds. Numbers stay what they are: a split gives the next free one.",
    no_args_is_help=True,
)

SpeakerArgument = Annotated[int, typer.Argument(metavar="SPEAKER", help="Number of the speaker.", min=1)]
StartArgument = Annotated[float, typer.Argument(metavar="START", help="Where the span starts, in seconds.")]
EndArgument = Annotated[float, typer.Argument(metavar="END", help="Where it ends.")]
FromOption = Annotated[
    int | None, typer.Option("--from", metavar="SPEAKER", help="Only this speaker's; all if left out.")
]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="OUT", help="Where the result goes; DIR itself if left out.")
]


class Edge(StrEnum):
    """Ends of a turn."""

    start = "start"
    end = "end"


@app.callback()
def _of(
    context: typer.Context,
    result: Annotated[Path, typer.Argument(metavar="DIR", help="What speaksep separate wrote.")],
) -> None:
    context.obj = result


@app.command("merge")
def merge(
    context: typer.Context,
    speakers: Annotated[list[int], typer.Argument(metavar="SPEAKER...", help="Who is one; the first number stays.")],
    output: OutputOption = None,
    recording: RecordingOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Make several speakers one, under the first number."""
    edit = {"op": "merge", "speakers": speakers, "into": speakers[0]}
    _correct(context.obj, edit, output, recording, as_json=as_json, quiet=quiet)


@app.command("split")
def split(
    context: typer.Context,
    speaker: SpeakerArgument,
    at_s: Annotated[float | None, typer.Option("--at", metavar="SECONDS", help="Somebody else from here on.")] = None,
    parts: Annotated[int | None, typer.Option("--parts", metavar="N", help="N people, told apart by voice.")] = None,
    output: OutputOption = None,
    recording: RecordingOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Make one speaker several: from a time on, or by their voices."""
    edit = {"op": "split", "speaker": speaker, "at_s": at_s, "parts": parts}
    _correct(context.obj, edit, output, recording, as_json=as_json, quiet=quiet)


@app.command("rename")
def rename(
    context: typer.Context,
    speaker: SpeakerArgument,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Who it is; nobody known if left out.")] = None,
    output: OutputOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Name a speaker, or take a name away."""
    _correct(
        context.obj, {"op": "rename", "speaker": speaker, "name": name}, output, None, as_json=as_json, quiet=quiet
    )


@app.command("reassign")
def reassign(
    context: typer.Context,
    start_s: StartArgument,
    end_s: EndArgument,
    to: Annotated[str, typer.Option("--to", metavar="SPEAKER|new", help="Who really speaks there.")],
    speaker: FromOption = None,
    output: OutputOption = None,
    recording: RecordingOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Give what is said within a span to somebody else."""
    target = int(to) if to.isdecimal() else to
    edit = {"op": "reassign", "start_s": start_s, "end_s": end_s, "speaker": speaker, "to": target}
    _correct(context.obj, edit, output, recording, as_json=as_json, quiet=quiet)


@app.command("boundary")
def boundary(
    context: typer.Context,
    speaker: SpeakerArgument,
    edge: Annotated[Edge, typer.Argument(help="Which end of the turn.")],
    at_s: Annotated[float, typer.Argument(metavar="AT", help="About where it is; the nearest one is meant.")],
    to_s: Annotated[float, typer.Argument(metavar="TO", help="Where it should be.")],
    output: OutputOption = None,
    recording: RecordingOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Move the start or end of a turn."""
    edit = {"op": "boundary", "speaker": speaker, "edge": edge.value, "at_s": at_s, "to_s": to_s}
    _correct(context.obj, edit, output, recording, as_json=as_json, quiet=quiet)


@app.command("noise")
def noise(
    context: typer.Context,
    start_s: StartArgument,
    end_s: EndArgument,
    speaker: FromOption = None,
    output: OutputOption = None,
    recording: RecordingOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Move what is heard within a span to the residual: nobody speaks."""
    edit = {"op": "noise", "start_s": start_s, "end_s": end_s, "speaker": speaker}
    _correct(context.obj, edit, output, recording, as_json=as_json, quiet=quiet)


@app.command("reseparate")
def reseparate(
    context: typer.Context,
    start_s: StartArgument,
    end_s: EndArgument,
    speakers: SpeakersOption = "auto",
    separator: Annotated[
        str | None, typer.Option("--separator", metavar="NAME", help="Network; as before if left out.")
    ] = None,
    separator_option: Annotated[
        list[str] | None, typer.Option("--separator-option", metavar="NAME=VALUE", help="Option of the network.")
    ] = None,
    quality: Annotated[Quality | None, typer.Option("--quality", help="As before if left out.")] = None,
    output: OutputOption = None,
    recording: RecordingOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Separate a span again with other settings; of all edits only this one asks the network, once."""
    from speaksep_kernel import pipeline

    with progress(quiet=quiet) as hook:
        separation = pipeline.reseparate(
            context.obj,
            start_s,
            end_s,
            speakers=speakers_number(speakers),
            separator=separator,
            separator_options=option_values(separator_option) if separator_option else None,
            quality=quality.value if quality else None,
            source=recording,
            directory=output,
            hook=hook,
        )
    _tell(separation, as_json=as_json)


@app.command("labels")
def labels(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="RTTM, TextGrid, Audacity labels, or another.")],
    output: OutputOption = None,
    recording: RecordingOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Replace who speaks when by a label file, such as one from Praat, Audacity or ELAN."""
    from speaksep_kernel.results.labels.reading import read_labels
    from speaksep_kernel.results.manifest import read_manifest

    turns = read_labels(file, seconds=read_manifest(context.obj).input.seconds)
    _correct(context.obj, {"op": "turns", "turns": turns}, output, recording, as_json=as_json, quiet=quiet)


@app.command("undo")
def undo(
    context: typer.Context,
    count: Annotated[int, typer.Argument(metavar="N", help="How many edits.", min=1)] = 1,
    output: OutputOption = None,
    recording: RecordingOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Take the last edit back."""
    _correct(context.obj, _log(context.obj).undo(count), output, recording, as_json=as_json, quiet=quiet)


@app.command("redo")
def redo(
    context: typer.Context,
    count: Annotated[int, typer.Argument(metavar="N", help="How many edits.", min=1)] = 1,
    output: OutputOption = None,
    recording: RecordingOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Make an edit again that was taken back."""
    _correct(context.obj, _log(context.obj).redo(count), output, recording, as_json=as_json, quiet=quiet)


@app.command("log")
def log(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the edits of DIR, those taken back in brackets."""
    edits = _log(context.obj)
    if as_json:
        print_json(edits.model_dump(mode="json"))
        return
    for number, edit in enumerate(edits.edits, 1):
        line = f"{number}  {edit.model_dump_json(exclude_none=True):.200}"
        typer.echo(line if number <= edits.position else f"[{line}]")
    if not edits.edits:
        typer.echo("no edits")


@app.command("apply")
def apply(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="LOG", help="An edits.json for the same separation.")],
    output: OutputOption = None,
    recording: RecordingOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Replace the edits of DIR by those of another log."""
    from speaksep_kernel.results.edits import EditLog

    _correct(context.obj, EditLog.load(file), output, recording, as_json=as_json, quiet=quiet, remake=True)


def _log(result: Path) -> EditLog:
    from speaksep_kernel.results.rerender import edit_log

    return edit_log(result)


def _correct(
    result: Path,
    edit: dict[str, Any] | EditLog,
    output: Path | None,
    recording: str | None,
    *,
    as_json: bool,
    quiet: bool,
    remake: bool = False,
) -> None:
    from speaksep_kernel import pipeline

    with progress(quiet=quiet) as hook:
        separation = pipeline.edit(result, edit, source=recording, directory=output, remake=remake, hook=hook)
    _tell(separation, as_json=as_json)


def _tell(separation: Separation, *, as_json: bool) -> None:
    if as_json:
        print_json(separation.to_dict())
    else:
        typer.echo(describe(separation))
